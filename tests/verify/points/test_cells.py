"""A point is found in every case, also in a corner that no line between the points passes, and far away."""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from verify.points.cells import in_cases, search
from verify.points.lines import signs
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

    def ask(at: Point) -> tuple[Fraction, ...]:
        x, y = at.given["x"][()], at.given["y"][()]
        first = (x > edge) if not beside or y < x else True
        return (Fraction(1 if first else -1), Fraction(1 if first and y > top else -1), x - y)

    found = {signs(ask(one)) for one in (*points, *in_cases(search(points, ask, ()), points))}
    inside = [point(edge + k, top + m) for k in map(Fraction, (-1, 1)) for m in map(Fraction, (-1, 1))]
    assert found >= {signs(ask(one)) for one in inside}


NEAR = [point(Fraction(k, 7), Fraction(3 - k, 5)) for k in range(-3, 6)]
EXPONENTS = st.integers(-30, 30)


@settings(max_examples=40, deadline=None)
@given(EXPONENTS, EXPONENTS, st.sampled_from((-1, 1)), st.sampled_from((1, 3)), st.sampled_from(("x", "x+y", "min")))
def test_both_sides_of_a_far_boundary_and_a_narrow_strip_beside_it_are_met(
    far: int, narrow: int, sign: int, power: int, compared: str
) -> None:
    """U^power is compared with a number of any size, and with one that is larger by a number of any size."""
    edge = sign * Fraction(10) ** far
    other = edge + Fraction(10) ** narrow

    def ask(at: Point) -> tuple[Fraction, ...]:
        x, y = at.given["x"][()], at.given["y"][()]
        u = {"x": x, "x+y": x + y, "min": min(x, y)}[compared] ** power
        return (u - edge, u - other)

    met = {signs(ask(one)) for one in (*NEAR, *in_cases(search(NEAR, ask, ()), NEAR))}
    assert met >= {(-1, -1), (1, -1), (1, 1)} if power == 1 else met >= {(-1, -1), (1, 1)}


def test_what_is_never_so_is_counted() -> None:
    def ask(at: Point) -> tuple[Fraction, ...]:
        x, y = at.given["x"][()], at.given["y"][()]
        return (x * x + y * y + 1, x - 10**12, x * x)

    found = search(NEAR, ask, ())
    assert list(in_cases(found, NEAR))
    assert found.one_sided == [0, 2]
    assert found.untried == 1  # a square is 0 too


def test_a_moved_point_is_made_one_that_can_be() -> None:
    """A positive number stays one, and what is kept is not moved."""

    def fit(at: Point) -> Point:
        return Point(at.origin, at.sizes, {**at.given, "x": {(): abs(at.given["x"][()]) or Fraction(1)}})

    start = [fit(one) for one in NEAR]
    found = list(in_cases(search(start, lambda at: (at.given["x"][()] - 10**9,), {"y"}, fit), start))
    assert any(at.given["x"][()] > 10**9 for at in found)
    assert all(at.given["x"][()] > 0 for at in found)
    assert {at.given["y"][()] for at in found} <= {at.given["y"][()] for at in start}
