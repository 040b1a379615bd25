"""Single numbers: fractions (`flint.fmpq`) and balls (`flint.arb`), and the way to and from floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from flint import arb, ctx, fmpq

Exactly = fmpq | arb  # one number of the hand calculation: a fraction, or a ball that contains it


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Within this context balls are calculated with midpoints of `bits` bits."""
    with ctx.workprec(bits):
        yield


def from_fraction(value: Fraction) -> fmpq:
    """The number as a fraction of flint."""
    return fmpq(value.numerator, value.denominator)


def from_float(value: float) -> fmpq:
    """The exact value of a finite float."""
    return fmpq(*value.as_integer_ratio())


def float_ball(value: float) -> arb:
    """The exact value of a float as a ball of radius 0; for infinity and NaN, a ball that tells nothing."""
    return arb(from_float(value)) if math.isfinite(value) else arb.nan()


def exact_float(value: float) -> Exactly:
    """The exact value of a float; for infinity and NaN, a ball that tells nothing."""
    return from_float(value) if math.isfinite(value) else arb.nan()


def as_ball(value: Exactly) -> arb:
    """A ball that contains the number."""
    return arb(value) if isinstance(value, fmpq) else value


def is_finite(value: Exactly) -> bool:
    """Whether the number is known at all; a ball around infinity or nothing is not."""
    return isinstance(value, fmpq) or bool(value.is_finite())


def is_sharp(value: Exactly, bits: int = 60) -> bool:
    """Whether the number is known to `bits` bits, or to be 0 within 2⁻¹²⁰: enough to print a float64."""
    if isinstance(value, fmpq):
        return True
    return bool(value.is_finite()) and (value.rel_accuracy_bits() >= bits or value.abs_upper() < arb(2) ** -120)


HAS_FLOATS = hasattr(fmpq, "__float__")  # python-flint makes the nearest float64 of a fraction from 0.9 on
_quotient: Callable[[fmpq], float] = float if HAS_FLOATS else lambda value: int(value.p) / int(value.q)


def to_float(value: Exactly) -> float:
    """The nearest float64 of a fraction, or of a ball's midpoint; infinite beyond the range."""
    if isinstance(value, arb):
        return float(value.mid())
    try:
        return _quotient(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def to_fraction(value: Exactly) -> Fraction | None:
    """The number as a fraction; None for a ball."""
    return Fraction(int(value.p), int(value.q)) if isinstance(value, fmpq) else None


MAX_EXPONENT = 100_000  # of 2: exp(10^38) is a small ball, and would be a fraction larger than any memory


def is_moderate(value: Exactly) -> bool:
    """Whether a number is finite, and of a size that a fraction can hold."""
    if isinstance(value, fmpq):
        return True
    return bool(value.is_finite()) and (value == 0 or abs(int(value.mid().man_exp()[1])) < MAX_EXPONENT)


def middle(value: Exactly) -> Fraction:
    """The number, for a ball its midpoint, as a fraction; call it only where `is_moderate`."""
    found = midpoint(value)
    return Fraction(int(found.p), int(found.q))


def midpoint(value: Exactly) -> fmpq:
    """The same as a fraction of flint, which is many times as fast where it has thousands of digits."""
    if isinstance(value, fmpq):
        return value
    mantissa, exponent = map(int, value.mid().man_exp())
    return fmpq(mantissa << exponent) if exponent >= 0 else fmpq(mantissa, 1 << -exponent)


def decimal(value: Exactly, digits: int = 9) -> str:
    """The number as a decimal of `digits` significant digits, also beyond the range of float64: `2.0e+434`."""
    number = to_float(value)
    if math.isfinite(number) and (number or value == 0):
        return f"{number:.{digits}g}"
    return str(as_ball(value).str(digits, radius=False))


def radius(value: Exactly) -> float:
    """The radius of a ball, rounded up to a float64; 0 for a fraction."""
    if isinstance(value, fmpq) or value.is_exact():
        return 0.0
    return math.nextafter(float(value.rad()), math.inf)
