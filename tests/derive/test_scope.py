"""An index has one size throughout a line."""

import pytest

from derive.algebra.expression import Axis, Ref
from derive.errors import EquationError, Place
from derive.graph.graph import build
from derive.graph.node import Node
from derive.graph.scope import Scope
from derive.paper.lines import read_line, read_lines


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
