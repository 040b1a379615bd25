"""What is said of a number by what follows from the author's earlier ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.audited import cell, claim
from verify.claims.claim import Cell
from verify.following.finding import Finding, Status
from verify.following.on_the_way import Reached
from verify.numbers import Form, between, from_fraction
from verify.origins import earlier_numbers

ABOUT, BEFORE = cell(2, "after", "w"), cell(1, "after", "w")


def form(low: str, high: str, *sources: int) -> Form:
    """A number between two, that follows from the author's numbers of these marks."""
    made = between(Fraction(low), Fraction(high), sources[0] if sources else 0)
    return replace(made, sources=frozenset(sources))


def wrong(text: str) -> Finding:
    """A number that is not right at its digits; the right one is 9."""
    return Finding(claim(ABOUT, text), Status.WRONG, from_fraction(Fraction(9)))


@pytest.mark.parametrize(
    ("follows", "roots", "undecided", "status", "why"),
    [
        (form("2.49", "2.51", 0), {}, set(), Status.CARRIED, "it follows from the numbers before it, as printed"),
        (form("2.49", "2.51", 0), {}, {1}, Status.CARRIED, "it follows from the numbers before it, as printed"),
        (form("2.49", "2.51", 0), {}, {0}, Status.UNDECIDED, "rest on one that is undecided"),
        (form("1.50", "3.50", 0), {}, set(), Status.UNDECIDED, "these are too coarse to tell"),
        (form("1.50", "3.50", 0), {}, {1}, Status.UNDECIDED, "these are too coarse to tell"),
        (form("2.01", "2.99", 0), {}, set(), Status.CARRIED, "it follows from the numbers before it, as printed"),
        (form("1.99", "3.01", 0), {}, set(), Status.UNDECIDED, "these are too coarse to tell"),
        (form("2.49", "2.51", 0), {0: BEFORE}, set(), Status.INHERITED, ""),
        (form("2.49", "2.51", 0), {1: BEFORE}, set(), Status.CARRIED, "it follows from the numbers before it"),
        (form("1.00", "4.00", 0), {0: BEFORE}, set(), Status.NOT_RIGHT, ""),
        (form("1.26", "3.74", 0), {0: BEFORE}, set(), Status.INHERITED, ""),
        (form("2.52", "2.53", 0), {}, set(), Status.WRONG, ""),
        (form("2.52", "2.53", 0), {0: BEFORE}, {0}, Status.WRONG, ""),
        (form("2.49", "2.51"), {}, set(), Status.WRONG, ""),
    ],
)
def test_what_is_said_of_a_number_by_those_before_it(
    follows: Form, roots: dict[int, Cell], undecided: set[int], status: Status, why: str
) -> None:
    """Half a width of a fifth of the middle, 2.5, is carried; of half the middle it is inherited."""
    found = earlier_numbers.by_earlier(wrong("2.50"), follows, roots, undecided)
    assert found.status is status
    assert why in found.why
    assert bool(why) == bool(found.why)
    assert found.inherited_from == (BEFORE if status in (Status.INHERITED, Status.NOT_RIGHT) else None)


@pytest.mark.parametrize(
    ("given", "roots", "undecided", "traced", "status", "why"),
    [
        (True, {}, set(), True, Status.CARRIED, "it follows with numbers on the way DIGITS"),
        (True, {}, set(), False, Status.UNDECIDED, "but too few others have a trace of that"),
        (True, {}, {0}, True, Status.UNDECIDED, "if an undecided number before it is right"),
        (True, {}, {0}, False, Status.UNDECIDED, "but too few others have a trace of that"),
        (True, {0: BEFORE}, set(), True, Status.INHERITED, ""),
        (False, {}, set(), True, Status.WRONG, ""),
    ],
)
def test_what_is_said_of_a_number_that_one_way_to_round_gives(
    given: bool, roots: dict[int, Cell], undecided: set[int], traced: bool, status: Status, why: str
) -> None:
    claimed = wrong("2.50")
    way = Reached("DIGITS", {claimed.cell: form("2.50", "2.50", 0)} if given else {})
    found = earlier_numbers.in_one_way(claimed, way, roots, undecided, is_traced=traced)
    assert found.status is status
    assert why in found.why
    assert bool(why) == bool(found.why)
    assert found.on_the_way == ("DIGITS" if status is Status.CARRIED else "")


@pytest.mark.parametrize(
    ("follows", "roots", "status", "why"),
    [
        (form("2.49", "2.51", 0), {}, Status.UNDECIDED, "though no way that was tried does"),
        (form("2.49", "2.51", 0), {0: BEFORE}, Status.INHERITED, ""),
        (form("1.50", "3.50", 0), {0: BEFORE}, Status.NOT_RIGHT, ""),
        (form("2.52", "2.53", 0), {}, Status.WRONG, ""),
    ],
)
def test_what_is_said_of_a_number_that_roundings_may_give(
    follows: Form, roots: dict[int, Cell], status: Status, why: str
) -> None:
    found = earlier_numbers.on_the_way(wrong("2.50"), follows, roots)
    assert found.status is status
    assert why in found.why
    assert bool(why) == bool(found.why)


@pytest.mark.parametrize(
    ("follows", "undecided", "begun", "status", "why"),
    [
        (form("2.52", "2.53", 0), set(), Status.RIGHT, Status.UNDECIDED, "not all of these are right"),
        (form("2.52", "2.53", 0), {0}, Status.RIGHT, Status.RIGHT, "AS BEGUN"),
        (form("2.52", "2.53"), set(), Status.RIGHT, Status.RIGHT, "AS BEGUN"),
        (form("2.49", "2.51", 0), set(), Status.RIGHT, Status.RIGHT, "AS BEGUN"),
        (form("2.49", "2.51", 0), set(), Status.UNDECIDED, Status.CARRIED, "it follows from the numbers before it"),
        (form("1.50", "3.50", 0), set(), Status.UNDECIDED, Status.UNDECIDED, "AS BEGUN"),
    ],
)
def test_what_is_said_of_a_number_that_other_inputs_may_give(
    follows: Form, undecided: set[int], begun: Status, status: Status, why: str
) -> None:
    finding = replace(wrong("2.50"), status=begun, why="AS BEGUN", allowed=(2.0, 3.0))
    found = earlier_numbers.beside_earlier(finding, follows, {}, undecided)
    assert found.status is status
    assert why in found.why
