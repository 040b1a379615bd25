"""Entries that are equal, and irrational: a tie, which no digits tell, on both sides and in claims."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import derive
from derive.run.precedence import effective
from verify import Status, audit, verify
from verify.auditing.reading import drawn
from verify.hand.run import Continued, calculate
from verify.numbers import as_ball

FILE = """equations = '''
{equations}
'''
[parameters]
w = {w}
[training]
lr = 0.1
steps = 2
dtype = "float64"
"""
CHAINS = ("exp({u})", "tanh({u})", "sigmoid({u})", "sin({u})", "log({u}^2 + 1)", "sqrt({u}^2 + 2)", "softplus({u})")


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.sampled_from(CHAINS), min_size=1, max_size=3),
    st.sampled_from((1, 0.5, -0.25, 2)),
    st.sampled_from(("max", "min")),
    st.booleans(),
)
def test_equal_entries_tie_through_any_functions(chain: list[str], value: float, op: str, is_beside: bool) -> None:
    """Both are moved alike, and stay equal after a step; so do three."""
    text = "w"
    for form in chain:
        text = form.format(u=text)
    third = f", {value}" if is_beside else ""
    result = verify(FILE.format(equations=f"l = {op}({text}) + sum(w^2)", w=f"[{value}, {value}{third}]"))
    assert result.agrees, result.verdict.sentence
    assert len(result.hand.steps) == 2, result.hand.ended
    for step in result.hand.steps:
        first, *others = map(as_ball, step.gradients["w"])
        assert all(bool(first.overlaps(other)) and first.rel_accuracy_bits() > 50 for other in others)


CASES = {
    "a product of exponentials": "a = exp(w)*exp(w)\nb = exp(2*w)\nl = max(a, b) + w^2",
    "a line written twice": "a = tanh(w) + 1\nb = 1 + tanh(w)\nl = max(a, b)*w",
    "where": "a = exp(w)\nb = exp(w/2)^2\nl = where(a >= b, a, 3*b) + w",
}


@pytest.mark.parametrize("name", CASES)
def test_numbers_that_are_equal_by_algebra_tie(name: str) -> None:
    result = verify(FILE.format(equations=CASES[name], w=0.5))
    assert len(result.hand.steps) == 2, result.hand.ended


@pytest.mark.parametrize("name", CASES)
def test_a_run_in_pieces_knows_ties_as_a_whole_one_does(name: str) -> None:
    problem = derive.load(FILE.format(equations=CASES[name], w=0.5))
    run = drawn(problem, effective(problem, {}))
    continued = Continued(run)
    found = [continued.calculate([batch]) for batch in run.batches]
    assert [len(piece.steps) for piece in found] == [1, 1], found[-1].ended
    whole = calculate(run, run.batches)
    for one, (other,) in zip(whole.steps, (piece.steps for piece in found), strict=True):
        assert as_ball(one.after["w"].item()).overlaps(as_ball(other.after["w"].item()))


def test_claims_of_a_tie_are_decided() -> None:
    text = FILE.format(equations="l = max(exp(w)) + sum(w^2)", w="[1, 1]")
    for sentence, status in (
        ("step 1: dl/dw[0] = 3.3591", Status.RIGHT),
        ("step 2: dl/dw[1] = 2.2995", Status.RIGHT),
        ("step 1: dl/dw[0] = 4.7183", Status.WRONG),  # the whole of it to one of both
        ("step 1: dl/dw[1] = 2", Status.WRONG),
    ):
        (finding,) = audit(text, sentences=[sentence]).findings
        assert finding.status is status, sentence


def test_near_is_no_tie() -> None:
    near = "[1, 1.0000000000000000000000001]"
    result = verify(FILE.format(equations="l = max(exp(w))", w=near), steps=1)
    (step,) = result.hand.steps
    assert step.gradients["w"][0] == 0
    assert bool(step.gradients["w"][1] > 2)
