"""[parameters], [constants] and [data] as nested lists."""

from fractions import Fraction

import pytest

from derive.errors import DataError, Place, ProblemError
from derive.source.arrays import MAX_NUMBERS, Wording, read_array
from tests.problems import LAYER, read


def changed(old: str, new: str) -> str:
    assert LAYER.count(old) == 1
    return LAYER.replace(old, new)


def test_nested_lists_are_read_row_by_row() -> None:
    problem = read(LAYER)
    weights, bias = problem.parameters
    assert (weights.shape, weights.values) == ((3, 2), (1, 2, Fraction(1, 2), Fraction(1, 3), 5, 6))
    assert (bias.shape, bias.values) == ((2,), (1, 2))
    assert [(column.shape, column.values[:2]) for column in problem.data] == [((2, 3), (1, 2)), ((2, 2), (1, 0))]
    assert problem.samples == 2
    assert [axis.size for axis in problem.graph.by_name["z"].axes] == ["n", 2]


def test_data_of_three_dimensions() -> None:
    problem = read('equations = "l = mean(w*x)"\n[parameters]\nw = 1\n[data]\nx = [[[1, 2]], [[3, 4]], [[5, 6]]]\n')
    assert problem.data[0].shape == (3, 1, 2)
    assert [axis.size for axis in problem.graph.by_name["x"].axes] == ["n", 1, 2]


def test_constants_are_arrays_too() -> None:
    problem = read('equations = "l = sum(w[j]*c[j], j)"\n[parameters]\nw = [1, 2]\n[constants]\nc = [0.1, 3]\n')
    assert problem.constants[0].values == (Fraction(1, 10), 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[1, 2]\n[", "[]\n[", r"^p\.toml:7:1: b is empty; expected at least one number"),
        ("[5, 6]]", "[]]", r"^p\.toml:6:1: W\[2\] is empty; expected at least one number"),
        ("[5, 6]]", "[5]]", r"W\[0\] has 2 entries and W\[2\] has 1; expected rows of the same length"),
        ("[5, 6]]", "5]", r"W\[2\] is 5, but W\[0\] is a list; expected rows of the same length"),
        ("[[1, 2], [0.5", "[1, [0.5", r"W\[1\] is a list, but W\[0\] is a number"),
        ("[[1, 2], [0.5", '[["one", 2], [0.5', r"W\[0,0\] = 'one' is not a number; expected a number, such as 0\.5"),
        ("[5, 6]]", "[5, nan]]", r"W\[2,1\] = nan is not a finite number"),
        ("[5, 6]]", "[5, {a = 1}]]", r"W\[2,1\] = a table is not a number"),
        ("b = [1, 2]", "b = [[[[[1]]]]]", "b has lists nested more than 4 deep"),
        ("b = [1, 2]", "b = " + "[" * 500 + "1" + "]" * 500, "b has lists nested more than 4 deep|nested too deeply"),
    ],
)
def test_refuses_lists_that_are_not_an_array(old: str, new: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(changed(old, new))


def test_an_array_has_a_limit() -> None:
    with pytest.raises(ProblemError, match=r"W has 1,000,001 numbers or more; expected at most 1,000,000"):
        read_array([1] * (MAX_NUMBERS + 1), Wording("W", "a number"), Place("p.toml"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "x = [[1, 2, 3]]\nt = [[1, 0], [0, 1]]",
            r"^p\.toml:10:1: x has 1 row and t has 2; expected columns of the same",
        ),
        (
            "x = [[1, 2, 3], [4, 5]]\nt = [[1, 0], [0, 1]]",
            "value 1 of column 'x' has 3 entries and value 2 of column 'x'",
        ),
        ("x = [[1, 2, 3], [4, 5, 'a']]\nt = [[1, 0], [0, 1]]", r"x\[1,2\]: 'a' is not a number; expected a number"),
        ("x = [[], []]\nt = [[1, 0], [0, 1]]", "value 1 of column 'x' is empty"),
    ],
)
def test_refuses_data_that_are_not_rows(data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(LAYER[: LAYER.index("x = [[")] + data + "\n")
