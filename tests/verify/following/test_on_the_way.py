"""What follows where numbers on the way are rounded: an interval for all ways, and the numbers of one way."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from tests.problems import EXPONENTIAL
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.literal import read_literal
from verify.following import on_the_way
from verify.following.finding import Finding, Status
from verify.following.follow_through import follow
from verify.following.on_the_way import Allowed, Reached, Tried, allowed, reached, words
from verify.following.own_numbers import own_number
from verify.numbers import Carried, Form, as_ball, from_fraction

LOSS, GRADIENT = Cell(1, Quantity("loss", "l", "loss"), ()), Cell(1, Quantity("gradients", "w", "dl/dw"), ())
PLACE = Place("claims.csv")
BOTH = frozenset((LOSS, GRADIENT))


def run() -> Run:
    problem = load(EXPONENTIAL)
    return Run(problem, differentiate(problem.graph), effective(problem, {}))


def findings(loss: str, gradient: str) -> list[Finding]:
    claims = [Claim(cell, read_literal(text), PLACE) for cell, text in ((LOSS, loss), (GRADIENT, gradient))]
    return [Finding(claim, Status.WRONG, None) for claim in claims]


def found(loss: str, gradient: str) -> tuple[Allowed, Reached]:
    own = findings(loss, gradient)
    by_rounding = allowed(
        run(), own, [own_number(one.claim, mark, None, is_wrong=True) for mark, one in enumerate(own)]
    )
    assert by_rounding.digits is not None
    return by_rounding, reached(run(), own, BOTH, by_rounding.digits, Tried())


def test_one_way_to_round_gives_both_numbers() -> None:
    """By three digits, every result rounded (tests/scenarios/test_homework.py); exactly 0.9411 and −2.804."""
    by_rounding, one_way = found("0.947", "-2.83")
    assert one_way.way == "rounded to 3 digits"
    assert one_way.forms.keys() == BOTH
    assert all(as_ball(by_rounding.forms[cell].ball).is_finite() for cell in BOTH)


def test_what_roundings_may_give_and_no_way_does() -> None:
    by_rounding, one_way = found("0.944", "-2.87")
    assert as_ball(by_rounding.forms[LOSS].ball).contains(as_ball(from_fraction(Fraction("0.944"))))
    assert not one_way.forms


def test_the_way_that_gives_most_numbers_is_taken_where_none_gives_all() -> None:
    assert found("0.947", "-2.90")[1].forms.keys() == {LOSS}


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        (Carried(3, 99), "rounded to 3 digits"),
        (Carried(99, 2), "rounded to 2 digits after the point"),
        (Carried(4, 99, is_cut=True), "cut off after 4 digits"),
    ],
)
def test_a_way_in_words(digits: Carried, said: str) -> None:
    assert words(digits) == said


@pytest.mark.parametrize(("loss", "gradient"), [("0.947", "-2.83"), ("0.947", "-2.90"), ("0.944", "-2.83")])
@pytest.mark.parametrize("first", [{LOSS}, {GRADIENT}, BOTH])
def test_what_is_known_of_the_ways_changes_nothing(loss: str, gradient: str, first: set[Cell]) -> None:
    """A way that was left for one number is gone on with for another; and what is known whole is not tried again."""
    own = findings(loss, gradient)
    digits = Carried(3, 3)
    alone = {cells: reached(run(), own, cells, digits, Tried()) for cells in (frozenset(first), BOTH)}
    known = Tried()
    for cells, found_alone in (*alone.items(), *alone.items()):
        again = reached(run(), own, cells, digits, known)
        assert (again.way, again.forms.keys()) == (found_alone.way, found_alone.forms.keys())
        assert all(again.forms[cell].centre == form.centre for cell, form in found_alone.forms.items())


def test_a_way_is_left_at_the_first_number_that_it_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another gives all but one number, none that misses one is calculated to its end."""
    counted: list[int] = []

    def counting(*args: Any, **options: Any) -> Mapping[Cell, Form]:
        found = follow(*args, **options)
        counted.append(len(found))
        return found

    monkeypatch.setattr(on_the_way, "follow", counting)
    reached(run(), findings("0.947", "-2.90"), BOTH, Carried(3, 3), Tried())
    assert {1, 2} == set(counted)
    assert counted.count(2) < len(counted) / 2
