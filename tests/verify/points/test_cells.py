"""A point is found in every case, also in a corner that no line between the points passes."""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from verify.points.cells import in_cases
from verify.points.samples import Point


def point(x: Fraction, y: Fraction) -> Point:
    return Point("random", {}, {"x": {(): x}, "y": {(): y}})


@settings(max_examples=60, deadline=None)
@given(st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 10**6), st.booleans())
def test_every_corner_is_met(across: int, up: int, seed: int, beside: bool) -> None:
    """Whether x > across/2 is compared only where y < x, and y > up/2 only beyond it, as in max(min(x, 2), y)."""
    edge, top = Fraction(across, 2), Fraction(up, 2)
    numbers = random.Random(seed)
    points = [point(*(Fraction(numbers.randint(-60, 60), numbers.randint(20, 40)) for _ in "xy")) for _ in range(9)]

    def ask(at: Point) -> tuple[int, ...]:
        x, y = at.given["x"][()], at.given["y"][()]
        first = (x > edge) if not beside or y < x else True
        return (1 if first else -1, 1 if first and y > top else -1, 1 if x > y else -1)

    found = {ask(one) for one in (*points, *in_cases(points, ask, ()))}
    inside = [point(edge + k, top + m) for k in map(Fraction, (-1, 1)) for m in map(Fraction, (-1, 1))]
    assert found >= {ask(one) for one in inside}
