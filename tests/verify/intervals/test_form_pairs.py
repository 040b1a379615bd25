"""Forms side by side hold every number that their unknowns allow."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.operations import OPERATIONS
from verify.intervals import EnclosedForms, pairs
from verify.numbers import CalculationError, as_ball, element, from_fraction, precision

SYSTEM = EnclosedForms(2)
SHARES = st.fractions(-1, 1, max_denominator=8)
NUMBERS = st.floats(-3, 3, width=16).map(Fraction)
SIZES = st.sampled_from([Fraction(0), Fraction(1, 2**20), Fraction(1, 8)])
CALLED = sorted(op.name for op in OPERATIONS.values() if op.arity)


@st.composite
def numbers(draw: st.DrawFn, count: int) -> tuple[list[np.ndarray], list[Fraction]]:
    """Forms of two unknowns, and a number of each at one choice of these."""
    unknowns = [draw(SHARES), draw(SHARES)]
    found, chosen = [], []
    for _ in range(count):
        mid, rad, parts = draw(NUMBERS), draw(SIZES), [draw(SIZES), -draw(SIZES)]
        form = SYSTEM.made(pairs(float(mid), float(rad)), np.array([float(part) for part in parts]))
        found.append(form)
        moved = sum((part * share for part, share in zip(parts, unknowns, strict=True)), Fraction(0))
        chosen.append((mid + moved + rad * draw(SHARES), unknowns))
    return found, chosen


def holds(form: np.ndarray, exact: object, unknowns: list[Fraction]) -> bool:
    """Whether a number lies in a form at these unknowns; one that tells nothing holds all."""
    mid, rad, parts = float(form["mid"]), float(form["rad"]), form["parts"]
    ball = as_ball(exact)
    if math.isnan(mid) or math.isnan(rad) or not ball.is_finite():
        return True
    moved = Fraction(mid) + sum(Fraction(float(p)) * e for p, e in zip(np.ravel(parts), unknowns, strict=True))
    off = abs(ball - as_ball(from_fraction(moved)))
    return bool(off.lower() <= rad)


@pytest.mark.parametrize("op", CALLED)
@given(data=st.data())
def test_an_operation_holds_what_its_operands_can_be(op: str, data: st.DataObject) -> None:
    forms, chosen = data.draw(numbers(OPERATIONS[op].arity))
    found = SYSTEM.apply(op, tuple(forms))
    with precision(192):
        try:
            exact = element(op)(*(from_fraction(number) for number, _ in chosen))
        except CalculationError:
            return
        assert holds(found, exact, chosen[0][1])


@given(numbers(3))
def test_a_sum_holds_what_its_terms_can_be(drawn: tuple[list[np.ndarray], list[Fraction]]) -> None:
    forms, chosen = drawn
    found = SYSTEM.reduce("sum", np.stack(forms))
    assert holds(found, from_fraction(sum(number for number, _ in chosen)), chosen[0][1])


def test_what_depends_on_the_same_unknown_cancels() -> None:
    x = SYSTEM.made(pairs(3.0), np.array([0.5, 0.0]))
    assert SYSTEM.apply("sub", (x, x))["parts"].tolist() == [0.0, 0.0]
    square = SYSTEM.apply("mul", (x, x))  # 9 + 3ε + ε²/4
    assert square["parts"].tolist() == [3.0, 0.0]
    assert 0.25 <= square["rad"] <= 1
