"""Numbers of the oracle: fractions while a number is one, else floating point of 120 decimal digits by mpmath."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath

BIG = mpmath.MPContext()  # of its own: nobody else's precision changes
BIG.dps = 120
SAME = BIG.mpf(10) ** -90  # a number that is nearer to 0 than this, and no fraction, may be 0

LONGEST = 40_000  # bits of a fraction; a longer one goes on in floating point


class UnclearError(Exception):
    """A number that is no fraction is so near 0 that 120 digits do not tell its sign, or it has no value."""


class Real:
    """One number: a fraction, a number in floating point, or None where there is none, as 1/0 or log(−1).

    What is made of a number without a value has none.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        value = Fraction(value) if isinstance(value, int) else value
        is_long = isinstance(value, Fraction) and value.denominator.bit_length() > LONGEST
        self.value = _big(value) if is_long else value

    @property
    def is_exact(self) -> bool:
        return isinstance(self.value, Fraction)

    @property
    def big(self) -> Any:
        """The number in floating point."""
        return _big(self.value)

    @property
    def sign(self) -> int:
        """−1, 0 or 1."""
        if self.value is None or (not self.is_exact and abs(self.value) < SAME):
            raise UnclearError
        return int(self.value > 0) - int(self.value < 0)

    def __add__(self, other: Real | int) -> Real:
        return _of_two(lambda x, y: x + y, self, other)

    def __radd__(self, other: int) -> Real:
        return Real(other) + self

    def __sub__(self, other: Real | int) -> Real:
        return _of_two(lambda x, y: x - y, self, other)

    def __rsub__(self, other: int) -> Real:
        return Real(other) - self

    def __mul__(self, other: Real | int) -> Real:
        found = _of_two(lambda x, y: x * y, self, other)
        return ZERO if found.value == 0 and 0 in (_exactly(self), _exactly(other)) else found

    def __rmul__(self, other: int) -> Real:
        return Real(other) * self

    def __truediv__(self, other: Real | int) -> Real:
        other = _real(other)
        if other.value is None or self.value is None or other.sign == 0:
            return NOTHING
        return _of_two(lambda x, y: x / y, self, other)

    def __rtruediv__(self, other: int) -> Real:
        return Real(other) / self

    def __neg__(self) -> Real:
        return NOTHING if self.value is None else Real(-self.value)

    def __abs__(self) -> Real:
        return -self if self.value is not None and self.value < 0 else self

    def __pow__(self, other: Real | int) -> Real:
        """A power; none of a negative number unless the exponent is whole, none of 0 unless that is not negative."""
        other = _real(other)
        if self.value is None or other.value is None:
            return NOTHING
        if other.is_exact and other.value.denominator == 1:
            whole = int(other.value)
            if whole < 0 and self.sign == 0:
                return NOTHING
            return Real(self.value**whole if abs(whole) < 1000 else self.big**whole)
        if self.sign <= 0:
            return Real(0) if self.sign == 0 and other.sign > 0 else NOTHING
        if other.value == Fraction(1, 2):
            return root(self)
        return Real(1) if self.is_exact and self.value == 1 else Real(BIG.power(self.big, other.big))

    def __repr__(self) -> str:
        return "nothing" if self.value is None else str(self.value)


def _big(value: Any) -> Any:
    return BIG.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _exactly(x: Real | int) -> Any:
    """The number where it is a fraction, else None."""
    x = _real(x)
    return x.value if x.is_exact else None


def _real(x: Real | int) -> Real:
    return x if isinstance(x, Real) else Real(x)


def _of_two(function: Any, x: Real, other: Real | int) -> Real:
    y = _real(other)
    if x.value is None or y.value is None:
        return NOTHING
    return Real(function(x.value, y.value) if x.is_exact and y.is_exact else function(x.big, y.big))


NOTHING = Real(None)
ZERO, ONE, HALF = Real(0), Real(1), Real(Fraction(1, 2))
PI, E = Real(+BIG.pi), Real(+BIG.e)


def larger(x: Real, y: Real) -> Real:
    """The larger of two."""
    return NOTHING if x.value is None or y.value is None else x if (x - y).sign >= 0 else y


def smaller(x: Real, y: Real) -> Real:
    """The smaller of two."""
    return -larger(-x, -y)


def root(x: Real) -> Real:
    """The square root; none of a negative number."""
    if x.value is None or x.sign < 0:
        return NOTHING
    if x.is_exact:
        top, bottom = isqrt(x.value.numerator), isqrt(x.value.denominator)
        if top * top == x.value.numerator and bottom * bottom == x.value.denominator:
            return Real(Fraction(top, bottom))
    return Real(BIG.sqrt(x.big))


def log(x: Real) -> Real:
    """The natural logarithm; none of a number that is not positive."""
    if x.value is None or x.sign <= 0:
        return NOTHING
    return ZERO if x.is_exact and x.value == 1 else Real(BIG.log(x.big))


def special(name: str, at_0: int = 0) -> Any:
    """A function of mpmath that has a value everywhere, with the one at 0 as a fraction."""
    function = getattr(BIG, name)

    def of(x: Real) -> Real:
        if x.value is None:
            return NOTHING
        return Real(at_0) if x.is_exact and x.value == 0 else Real(function(x.big))

    return of


exp, cos = special("exp", 1), special("cos", 1)
sin, tan, tanh, erf = map(special, ("sin", "tan", "tanh", "erf"))


def cosine_of_turns(share: Real) -> Real:
    """cos(π·share) of a fraction, which is one itself where it is 0, ±½ or ±1."""
    turned = abs((share.value + 1) % 2 - 1)
    known = {Fraction(0): 1, Fraction(1, 3): Fraction(1, 2), Fraction(1, 2): 0, Fraction(2, 3): Fraction(-1, 2)}
    if turned == 1:
        return Real(-1)
    return Real(Fraction(known[turned])) if turned in known else Real(BIG.cos(BIG.pi * _big(turned)))
