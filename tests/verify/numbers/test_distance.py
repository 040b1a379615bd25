"""Whether a number lies among the correct ones, and by how much it would have to change to leave them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from verify.compare.check import Numbers
from verify.intervals import RoundedPairs
from verify.intervals.midpoint_radius import pairs
from verify.numbers import Distance, precision
from verify.numbers.distance import ball_distance
from verify.numbers.systems import objects

NUMBERS = st.floats(-4, 4, allow_subnormal=False).map(lambda value: round(value, 6))
RADII = st.floats(1e-4, 2).map(lambda value: round(value, 6))
SHARES = st.floats(-2, 2).map(lambda value: round(value, 3))  # of the radius, from the middle
WITHIN = st.floats(-0.99, 0.99).map(lambda value: round(value, 3))


def by_balls(number: float, mid: float, rad: float, exact: float) -> Distance:
    with precision(192):
        ball, value = arb(mid) + arb(0, rad), fmpq(*exact.as_integer_ratio())
        return ball_distance(np.array([number]), objects([ball], (1,)), objects([value], (1,)))


def by_pairs(number: float, mid: float, rad: float, exact: float) -> Distance:
    return RoundedPairs("float32").distance(np.array([number]), pairs([mid], [rad]), pairs([exact]))


def within(distance: Distance, number: float) -> bool:
    return bool(Numbers(np.array([number]), distance).within[0])


BOTH = pytest.mark.parametrize("distance", [by_balls, by_pairs])


@BOTH
@given(SHARES, NUMBERS, RADII, WITHIN)
def test_a_number_is_right_where_it_lies_in_the_interval(distance, off, mid, rad, aside) -> None:  # type: ignore[no-untyped-def]
    number, exact = mid + off * rad, mid + aside * rad
    inside = abs(Fraction(number) - Fraction(mid)) <= Fraction(rad)
    near = abs(abs(Fraction(number) - Fraction(mid)) - Fraction(rad)) < Fraction(rad) / 2**29  # of a ball's radius
    assume(not near)
    assert within(distance(number, mid, rad, exact), number) == inside


@BOTH
@given(WITHIN, NUMBERS, RADII, WITHIN, st.sampled_from([-1, 1]))
def test_what_is_said_to_be_caught_is_caught(distance, off, mid, rad, aside, sign) -> None:  # type: ignore[no-untyped-def]
    number, exact = mid + off * rad, mid + aside * rad
    reach = float(distance(number, mid, rad, exact).reach[0])
    assert reach >= rad  # any change that is smaller may go unseen on one of both sides
    moved = number + sign * reach * 1.001
    assert not within(distance(moved, mid, rad, exact), moved)
    unseen = number + math.copysign(reach * 0.999, mid - number)
    assert within(distance(unseen, mid, rad, exact), unseen)


@BOTH
def test_beside_a_kink_what_lies_beyond_both_derivatives_is_wrong(distance) -> None:  # type: ignore[no-untyped-def]
    hull = (1.0, 1.0, 0.0)  # both derivatives, 0 and 2, and what lies between; 0 is expected
    assert within(distance(2.0, *hull), 2.0)
    assert not within(distance(2.01, *hull), 2.01)
    assert not within(distance(-0.01, *hull), -0.01)


@BOTH
def test_an_exact_number_outside_is_inconsistent_and_one_without_value_stands_aside(distance) -> None:  # type: ignore[no-untyped-def]
    assert not distance(1.0, 1.0, 0.25, 2.0).consistent[0]
    assert not distance(1.0, 1.0, 0.25, 1.0).alone[0]
    with precision(192):
        ball = ball_distance(np.array([1.25]), objects([arb(1) + arb(0, 0.5)], (1,)), objects([arb.nan()], (1,)))
    pair = RoundedPairs("float32").distance(np.array([1.25]), pairs([1.0], [0.5]), pairs([math.nan]))
    for found in (ball, pair):
        assert found.alone[0]
        assert found.expected[0] == 1.0
        assert found.error[0] == 0.25
        assert within(found, 1.25)


def test_the_reach_of_an_array_is_calculated_once() -> None:
    found = by_pairs(1.0, 1.0, 0.5, 1.0)
    assert found.reach is found.reach  # asked for each number of a large array, it cost the square of the array
