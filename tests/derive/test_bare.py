import pytest

from derive.bare import read_equations
from derive.errors import EquationError


@pytest.mark.parametrize(
    ("text", "parameters", "data"),
    [
        ("l = mean((w*x + b - y)^2)", ("w", "b"), ("x", "y")),
        ("a = w*x_1 + v*x2; l = (a - t)^2/n", ("w", "v"), ("x_1", "x2", "t")),
        ("f = (x - 3)^2", ("x",), ()),
        ("f = w/n", ("w", "n"), ()),
        ("x = w^2; l = x + sum(y*w)", ("w",), ("y",)),
        ("l = pi*w^e + π", ("w",), ()),
        ("e = w^2; l = e", ("w",), ()),
        ("n = w^2; l = x*n", ("w", "x"), ()),
        ("l = mean(lambda*x)", ("lambda",), ("x",)),
    ],
)
def test_names_are_data_where_the_equations_reduce(
    text: str, parameters: tuple[str, ...], data: tuple[str, ...]
) -> None:
    problem = read_equations(text)
    assert problem.graph.of_kind("parameter") == parameters
    assert problem.graph.of_kind("data") == data
    assert problem.is_symbolic
    assert (problem.parameters, problem.data, problem.samples) == ((), (), None)


def test_what_was_assumed_is_said() -> None:
    problem = read_equations("l = mean((w*x + b - y)^2)")
    assert problem.notes == ("read x, y as data over samples and w, b as parameters; a problem file says otherwise",)
    assert (problem.name, problem.title, problem.source) == ("equation", "l = mean((w*x + b - y)^2)", "<text>")
    assert read_equations("f = x^2").notes == ("read x as a parameter; a problem file says otherwise",)


def test_two_spellings_of_one_name_are_noted() -> None:
    assert "'µ' and 'μ' are read as one name, 'μ'" in read_equations("a = µ^2\nl = a + μ  # ｍ").notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("l = sum(w)", "sum of a single number; expected something that runs over samples or an index"),
        ("l = 3", "depends on no parameter"),
        ("l = mean(x)", "depends on no parameter"),
        ("l = (w", r"^<text>:1:5: a parenthesis is opened and never closed"),
        ("a = w\na = b", r"^<text>:2:1: 'a' is defined twice"),
        ("# nothing", "no equation"),
    ],
)
def test_refuses_what_is_not_a_problem(text: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        read_equations(text)
