"""The data on what versions of PyTorch take at a kink, and how they are stated."""

import pytest

from derive import derive
from derive.algebra.conventions import STATED, Kink, by_numbers, depends_on_version, kinks, of_lines, stated
from derive.algebra.expression import Apply
from derive.algebra.operations import OPERATIONS
from derive.errors import Place
from derive.paper.syntax import read_expression
from derive.problem.loading import load


def applied(text: str) -> Apply:
    found = read_expression(text, Place("test", text=text))
    assert isinstance(found, Apply)
    return found


def test_every_way_of_an_operation_has_its_form_and_every_form_its_data() -> None:
    named = {(kink.operation, way.name) for kink in kinks() if kink.varies for way in kink.ways}
    assert named == {(name, way.name) for name, entry in OPERATIONS.items() for way in entry.ways}
    assert all(way.torch for kink in kinks() if kink.varies for way in kink.ways)


def test_every_kink_on_paper_is_asked_for() -> None:
    asked = {kink.operation for kink in kinks()}
    assert asked == {name for name, entry in OPERATIONS.items() if entry.kink and not entry.internal}


@pytest.mark.parametrize("kink", kinks(), ids=lambda kink: " by ".join(kink.key))
def test_an_equation_has_the_kink_that_it_stands_for(kink: Kink) -> None:
    given = "; ".join(f"{name}: (k)" for name in kink.at)
    lines = [node.definition for node in load(f"{kink.equation}\n{given}").graph.lines]
    assert of_lines(lines) == (kink,)


@pytest.mark.parametrize(
    ("text", "by", "takes"),
    [
        ("clip(w, 1, 2)", "numbers", "0"),
        ("clip(w, -1/2, 2^3)", "numbers", "0"),
        ("clip(w, 1, v)", "what is calculated", "½, and ½ for the edge"),
        ("clip(w, -pi, pi)", "what is calculated", "½, and ½ for the edge"),
    ],
)
def test_bounds_that_are_numbers_are_told_apart(text: str, by: str, takes: str) -> None:
    assert by_numbers(applied(text)) == by
    assert stated("2.14").at_kink(applied(text)).startswith(f"clip at an edge: PyTorch 2.14 takes {takes}")
    assert stated("2.13").at_kink(applied(text)) == "clip at an edge: PyTorch 2.13 takes 1"
    assert STATED.beside(applied(text)).startswith(f"2.14 takes {takes}")


def test_what_no_version_changes_is_said_without_one() -> None:
    assert STATED.at_kink(applied("relu(w)")) == "relu at 0: the derivative is 0"
    assert (STATED.beside(applied("relu(w)")), STATED.at_kink(applied("exp(w)"))) == ("", "")
    assert not depends_on_version([applied("relu(w) + max(w, v)")])
    assert depends_on_version([applied("relu(w)"), applied("2*clip(w, 1, 2)")])


def test_derive_states_a_version_and_the_others() -> None:
    assert "clip at an edge: PyTorch 2.13 takes 1; 2.14 takes 0" in str(derive("l = clip(w, 1, 2)")).replace("\n ", "")
