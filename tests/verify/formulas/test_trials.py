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
