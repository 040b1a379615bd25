"""What points say of a refuted formula: which of its entries agree at all of them, off every kink."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify.formulas import trials
from verify.formulas.judge import judge_formula
from verify.formulas.question import questions
from verify.points.samples import Point

PROBLEM = 'equations = "l = sum(w^2)"\n[parameters]\nw = [{w}]\n'


@pytest.mark.parametrize("edge", ["0", "7/2", "9/2", "5", "6", "7"])
@pytest.mark.parametrize("own", ["6, 1, 7", "5, 1, 7", "1, 2, 9", "0, 1, -6"])
def test_an_entry_agrees_where_it_does_at_every_point_off_a_kink(
    own: str, edge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry is off by 1 where its w is above the edge, and exactly there is the kink."""
    seen: list[Point] = []
    points = trials.points

    def noted(*args: Any) -> Iterator[Point]:
        for point in points(*args):
            seen.append(point)
            yield point

    monkeypatch.setattr(trials, "points", noted)
    problem = load(PROBLEM.format(w=own))
    text = f"2*w + where(w > {edge}, 1, 0)"
    (question, *_) = questions(problem, differentiate(problem.graph), "dl/dw", text, Place("claim"))
    found = trials.agreement(question)
    at = Fraction(edge)
    states = [[Fraction(point.given["w"][k,]) for k in range(3)] for point in seen]
    off_kinks = [state for state in states if at not in state]
    agreeing = tuple((k,) for k in range(3) if all(state[k] < at for state in off_kinks))
    assert off_kinks
    if not 0 < len(agreeing) < 3:
        assert found is None
    else:
        assert found is not None
        assert (found.entries, found.total, found.points) == (agreeing, 3, len(off_kinks))


@pytest.mark.parametrize("right", ["1/w", "log(w^2) + 1/w"])
def test_what_a_where_leaves_out_is_not_missing(right: str) -> None:
    """At the file's own numbers the right gradient has no value in the second entry, and the claim is not to blame.

    In the first entry the logarithm of a negative number is left out.
    """
    problem = load(f'equations = "l = sum({right})"\n[parameters]\nw = [-1, 0]\n')
    derived = {"1/w": "-1/w[k]^2", "log(w^2) + 1/w": "2/w[k] - 1/w[k]^2"}[right]
    text = f"where(w[k] > 0, {derived} + log(w[k]) - log(w[k]), {derived})"
    (question, *_) = questions(problem, differentiate(problem.graph), "dl/dw[k]", text, Place("claim"))
    found = trials.tried(question, 0)
    assert found.equal
    assert found.undefined == ()
    finding = judge_formula(problem, differentiate(problem.graph), "dl/dw[k]", text, Place("claim"))
    assert finding.status != "wrong"
    assert "it has no value at" not in finding.sentence


def test_a_formula_without_a_value_where_the_right_one_has_one() -> None:
    problem = load(PROBLEM.format(w="1, 0, 2"))
    (question, *_) = questions(problem, differentiate(problem.graph), "dl/dw", "2*w + 0*log(w)", Place("claim"))
    assert any(point.origin == "own" for point in trials.tried(question, 0).undefined)


def test_what_the_right_side_leaves_out_is_not_missing_in_the_claim() -> None:
    """The root of a difference that is 0, which no precision tells: it is not known whether the claim has a value."""
    problem = load('equations = """\ne = where(w > 0, log(w), w)\nl = sum(e)\n"""\n[parameters]\nw = [-1, -3]\n')
    text = "w + (exp(2*log(2)) - 4)^(1/2)"
    (question, *_) = questions(problem, differentiate(problem.graph), "e", text, Place("claim"))
    assert trials.tried(question, 0).undefined == ()
