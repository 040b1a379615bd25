"""What the names and the index letters of a line mean; and what a name that nothing defines was meant to be."""

import pytest

from derive.algebra.expression import Axis, Ref
from derive.errors import EquationError, Place
from derive.graph.graph import build
from derive.graph.node import Node
from derive.graph.scope import Scope, factors
from derive.paper.lines import read_line, read_lines
from tests.trees import graph_of


def scope(text: str) -> Scope:
    nodes = {"x": Node("x", "parameter", (Axis("i", 4), Axis("j", 3))), "b": Node("b", "parameter", (Axis("k", 3),))}
    return Scope(read_line(text, Place("test", 1, 1, text)), nodes)


def test_letters_have_the_sizes_of_the_names_they_stand_at() -> None:
    found = scope("z[p] = sum(x[p,q]*b[q], q)")
    assert found.indexed
    assert found.letters == {"p", "q"}
    assert [found.index_of(letter) for letter in "pqi"] == [Axis("p", 4), Axis("q", 3), None]
    assert not scope("z = x + b").indexed


def test_an_entry_that_is_picked_is_no_letter() -> None:
    found = scope("z[p] = x[p,0]")
    assert found.letters == {"p"}
    axes = found.read_along(Ref("x", (Axis("p"), Axis("·"))), found.nodes["x"])
    assert [axis.size for axis in axes] == [4, 3]


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("l = sum(x[i]*b, i)", 9, "x[i] is written with 1 index, but x has 2, of the sizes (4, 3)"),
        ("l = sum(w[i]*b)", 9, "w[i] is written with 1 index, but w is a single number; expected one index for each"),
        ("l = sum(b[i,j])", 9, "b[i,j] is written with 2 indices, but b has 1, of the sizes (3,)"),
        ("l = sum(x[i,i])", 9, "x[i,i] has the same index twice, which is not part of the notation"),
        (
            "l = sum(x[i,j]*b[i])",
            16,
            "the index i has 4 values in x and 3 values in b; expected the same number, or another letter",
        ),
    ],
)
def test_indices_that_do_not_fit(line: str, column: int, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        build(read_lines(line), parameters={"x": (4, 3), "b": (3,), "w": ()})
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.column == column


SHAPES = {"x": (4, 3), "W": (3, 2)}


@pytest.mark.parametrize(("left", "sizes"), [("z[i,k]", [4, 2]), ("z[k,i]", [2, 4])])
def test_the_left_side_orders_the_axes(left: str, sizes: list[int]) -> None:
    graph = build(read_lines(f"{left} = sum(x[i,j]*W[j,k], j)\nl = sum(z)"), parameters=SHAPES)
    assert [axis.size for axis in graph.by_name["z"].axes] == sizes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "z[i,k] = x[i,j]*W[j,k]",
            "runs over i, j, k, sizes (4, 3, 2); expected the same indices: sum over j, or name it on the left",
        ),
        (
            "z[i,k] = sum(x[i,j]*W[j,k])",
            "is one number; without its index a sum or a mean is over all of them: write sum(…, j)",
        ),
        (
            "z[i,k] = sum(x[i,j], j)*sum(W)",
            "runs over i, sizes (4,); expected the same indices; k does not occur on the right",
        ),
        (
            "z[i,i] = sum(x[i,j]*W[j,0], j)",
            "runs over i, sizes (4,); name each once",
        ),
    ],
)
def test_other_indices_are_refused(line: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        build(read_lines(f"{line}\nl = sum(z)"), parameters=SHAPES)
    assert caught.value.message == f"{line[:6]}: the right side {message}"


@pytest.mark.parametrize(
    ("text", "parameters", "data", "message"),
    [
        ("l = w*wieght", ["w", "weight"], [], "unknown name 'wieght'; did you mean 'weight'?"),
        ("l = wx", ["w"], ["x"], "unknown name 'wx'; a product needs its sign: write w*x"),
        ("l = w1x2 + x2", ["w", "w1"], ["x2", "x"], "unknown name 'w1x2'; a product needs its sign: write w1*x2"),
        ("l = abx", ["a", "b", "ab_"], ["x"], "unknown name 'abx'; a product needs its sign: write a*b*x"),
        ("l = w*sinx", ["w"], ["x"], "unknown name 'sinx'; the argument of sin stands in parentheses: write sin(x)"),
        ("l = W*x", ["w"], ["x"], "unknown name 'W'; did you mean 'w'?"),
        ("l = w*X", ["w"], ["x"], "unknown name 'X'; did you mean 'x'?"),
        ("l = λ*w", ["w", "lambda"], [], "unknown name 'λ'; did you mean 'lambda'? The two spellings are two names"),
        ("l = lambda*w", ["w", "λ"], [], "unknown name 'lambda'; did you mean 'λ'? The two spellings are two names"),
        ("l = β_1*w", ["w", "beta1"], [], "unknown name 'β_1'; did you mean 'beta1'? The two spellings are two names"),
        ("l = w*q", ["w"], [], "unknown name 'q'; define it in a line, or give it under [parameters] or [data]"),
        ("l = w/n", ["w"], [], "'n', the number of samples in the batch, is used, but there are no data; add [data]"),
    ],
)
def test_what_was_probably_meant(text: str, parameters: list[str], data: list[str], message: str) -> None:
    with pytest.raises(EquationError) as caught:
        graph_of(text, parameters, data)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "found"),
    [("wx", ("w", "x")), ("wbx", ("w", "b", "x")), ("wbbx", ()), ("wq", ()), ("w", ()), ("w" * 21, ())],
)
def test_the_factors_that_a_name_is_written_of(name: str, found: tuple[str, ...]) -> None:
    assert factors(name, ["w", "b", "x"]) == found
