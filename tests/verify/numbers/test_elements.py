"""Operations on single exact numbers: fractions stay fractions while they can."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.exact_operations import exact
from verify.numbers import (
    MAX_FRACTION_BITS,
    CalculationError,
    Exact,
    as_ball,
    is_finite,
    is_sharp,
    objects,
    to_float,
    to_fraction,
)
from verify.numbers.elements import element

# --- exact


@pytest.mark.parametrize(
    ("op", "args", "value"),
    [
        ("add", ("1/3", "1/6"), "1/2"),
        ("sub", ("1/3", "1/3"), "0"),
        ("mul", ("2/3", "3/2"), "1"),
        ("div", ("1", "3"), "1/3"),
        ("pow", ("-2/3", "3"), "-8/27"),
        ("pow", ("2/3", "-2"), "9/4"),
        ("pow", ("0", "0"), "1"),
        ("pow", ("4/9", "1/2"), "2/3"),
        ("pow", ("1/4", "3/2"), "1/8"),
        ("pow", ("4/9", "-1/2"), "3/2"),
        ("pow", ("0", "3/2"), "0"),
        ("neg", ("1/7",), "-1/7"),
        ("sqrt", ("16/25",), "4/5"),
        ("sqrt", ("0",), "0"),
        ("exp", ("0",), "1"),
        ("log", ("1",), "0"),
        ("sin", ("0",), "0"),
        ("cos", ("0",), "1"),
        ("tan", ("0",), "0"),
        ("tanh", ("0",), "0"),
        ("log1p", ("0",), "0"),
        ("sigmoid", ("0",), "1/2"),
        ("relu", ("-3/2",), "0"),
        ("relu", ("3/2",), "3/2"),
        ("abs", ("-3/2",), "3/2"),
        ("max", ("1/3", "1/2"), "1/2"),
        ("min", ("1/3", "1/2"), "1/3"),
        ("sign", ("-7",), "-1"),
        ("sign", ("0",), "0"),
        ("greater", ("2", "1"), "1"),
        ("greater", ("1", "1"), "0"),
        ("at_least", ("2", "1"), "1"),
        ("at_least", ("1", "1"), "1/2"),
        ("at_least", ("0", "1"), "0"),
    ],
)
def test_a_rational_value_stays_a_fraction(op: str, args: tuple[str, ...], value: str) -> None:
    assert to_fraction(exact(op, *args)) == Fraction(value)


def test_the_sign_of_a_ball_on_one_side_of_0_is_a_fraction() -> None:
    """What it multiplies, as the derivative of a maximum does, stays one."""
    assert to_fraction(element("sign")(arb(2).sqrt())) == 1
    assert to_fraction(element("sign")(-arb(2).sqrt())) == -1
    assert to_fraction(element("greater")(arb(2).sqrt(), fmpq(1))) == 1
    assert to_fraction(element("sign")(arb(0, 1))) is None


def test_nothing_of_a_number_that_is_a_ball_is_the_fraction_0() -> None:
    """So 1 and that is 1, to the last digit; of what is not known nothing is."""
    assert to_fraction(element("mul")(fmpq(0), arb(2).sqrt())) == 0
    assert to_fraction(element("mul")(fmpq(0), arb.nan())) is None
    assert to_fraction(element("mul")(fmpq(0), arb(0, arb.pos_inf()))) is None


@pytest.mark.parametrize(
    ("op", "args", "function"),
    [
        ("exp", (1,), math.exp),
        ("log", (2,), math.log),
        ("sqrt", (2,), math.sqrt),
        ("sin", (1,), math.sin),
        ("cos", (1,), math.cos),
        ("tan", (1,), math.tan),
        ("tanh", (1,), math.tanh),
        ("log1p", (1,), math.log1p),
        ("sigmoid", (2,), lambda x: 1 / (1 + math.exp(-x))),
        ("softplus", (-3,), lambda x: math.log1p(math.exp(x))),
        ("softplus", (0,), lambda _: math.log(2)),
        ("pow", (2, "1/3"), lambda x, y: x**y),
        ("pi", (), lambda: math.pi),
        ("e", (), lambda: math.e),
    ],
)
def test_an_irrational_value_is_a_ball(op: str, args: tuple[Any, ...], function: Callable[..., float]) -> None:
    value = exact(op, *args)
    assert to_fraction(value) is None
    assert is_sharp(value, 40)
    assert to_float(value) == pytest.approx(function(*(float(Fraction(arg)) for arg in args)), rel=1e-14)


@pytest.mark.parametrize(("op", "args"), [("div", ("1", "0")), ("div", ("0", "0")), ("pow", ("0", "-1"))])
def test_division_by_zero_has_no_value(op: str, args: tuple[str, ...]) -> None:
    with pytest.raises(CalculationError, match=r"^division by zero$"):
        exact(op, *args)


@pytest.mark.parametrize(("op", "args"), [("log", ("-1",)), ("sqrt", ("-1",)), ("pow", ("-2", "1/2"))])
def test_outside_the_domain_nothing_is_known(op: str, args: tuple[str, ...]) -> None:
    assert not is_finite(exact(op, *args))


def test_a_fraction_with_too_many_digits_is_carried_on_as_a_ball() -> None:
    long = Fraction(3**700, 2**1100)
    short, ball = exact("mul", long, 1), exact("mul", long, long)
    assert to_fraction(short) == long
    assert to_fraction(ball) is None
    assert is_sharp(ball, 40)
    assert as_ball(ball).contains(arb(fmpq(3**1400, 2**2200)))
    assert MAX_FRACTION_BITS == 2_000


@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
def test_exact_arithmetic_is_that_of_fractions(x: Fraction, y: Fraction) -> None:
    assert to_fraction(exact("add", x, y)) == x + y
    assert to_fraction(exact("sub", x, y)) == x - y
    assert to_fraction(exact("mul", x, y)) == x * y
    if y:
        assert to_fraction(exact("div", x, y)) == x / y


@pytest.mark.parametrize("exponent", [1, 2, 3, 10])
def test_a_ball_around_zero_has_powers(exponent: int) -> None:
    power = Exact().apply("pow", (objects([arb(0, 0.5)], ()), Exact().constant(Fraction(exponent)))).item()
    assert power.contains(arb(0.5) ** exponent)
    assert abs(power) <= arb("0.5000001") ** exponent
