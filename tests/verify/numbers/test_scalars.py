"""Single exact numbers, and the way to and from floats."""

import math
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.exact_operations import exact
from verify.numbers import (
    as_ball,
    float_ball,
    from_float,
    from_fraction,
    is_finite,
    is_sharp,
    middle,
    midpoint,
    precision,
    radius,
    to_float,
    to_fraction,
)

# --- single numbers


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_goes_to_exact_numbers_and_back(value: float) -> None:
    assert to_float(from_float(value)) == value
    assert to_fraction(from_float(value)) == Fraction(value)
    assert float_ball(value).is_exact()


@given(st.fractions())
def test_a_fraction_becomes_the_nearest_float(value: Fraction) -> None:
    assert to_fraction(from_fraction(value)) == value
    assert to_float(from_fraction(value)) == float(value)


def test_what_is_beyond_the_range_of_floats_is_infinite() -> None:
    assert to_float(from_fraction(Fraction(10**400))) == math.inf
    assert to_float(from_fraction(Fraction(-(10**400)))) == -math.inf


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_float_that_is_no_number_is_a_ball_that_tells_nothing(value: float) -> None:
    assert not is_finite(float_ball(value))


def test_sharp_is_enough_to_print_a_float() -> None:
    assert is_sharp(fmpq(1, 3))
    assert is_sharp(arb(1, 2.0**-70))
    assert not is_sharp(arb(1, 2.0**-50))
    assert is_sharp(arb(1, 2.0**-50), bits=40)
    assert is_sharp(arb(0, 2.0**-130))
    assert not is_sharp(arb(0, 2.0**-100))
    assert not is_sharp(arb.nan())


def test_the_radius_is_rounded_upwards() -> None:
    assert radius(fmpq(1, 3)) == 0.0
    assert radius(arb(1)) == 0.0
    assert 0.25 < radius(arb(1, 0.25)) < 0.2500001
    assert arb(radius(arb(1, 2.0**-70))) > arb(2) ** -70


def test_precision_is_set_for_a_while() -> None:
    with precision(400):
        fine = exact("exp", 1)
    coarse = exact("exp", 1)
    assert as_ball(fine).rel_accuracy_bits() > 390
    assert as_ball(coarse).rel_accuracy_bits() < 100


def test_a_ball_as_a_fraction_is_its_midpoint() -> None:
    assert middle(fmpq(-4, 6)) == Fraction(-2, 3)
    with precision(100):
        assert middle(arb(3) / 8) == Fraction(3, 8)
        assert abs(middle(arb(2).sqrt()) ** 2 - 2) < Fraction(1, 2**95)


@given(st.integers(-(2**200), 2**200), st.integers(-300, 300), st.integers(30, 250))
def test_the_midpoint_of_a_ball_is_its_middle(mantissa: int, exponent: int, bits: int) -> None:
    value = Fraction(mantissa) * Fraction(2) ** exponent
    exact = fmpq(value.numerator, value.denominator)
    assert midpoint(exact) == exact
    with precision(bits):
        ball = arb(exact) + arb(0, 0.5)
        found = midpoint(ball)
    assert Fraction(int(found.p), int(found.q)) == middle(ball)
    if bits >= 201:  # then the ball's own digits hold it
        assert middle(ball) == value
