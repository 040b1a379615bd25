"""A printed number and what it claims: `-24.10` claims a number between −24.105 and −24.095.

The digits that were printed decide, never a tolerance: a number is right where it rounds to them, whichever way a tie
is rounded. A quotient (`1/3`) is exact.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

from flint import arb, fmpq

from derive.source.numerals import MAX_DIGITS, MAX_EXPONENT, NotNumericError, NumeralError
from verify.numbers import (
    Exactly,
    as_ball,
    decimal,
    from_fraction,
    is_finite,
    is_moderate,
    middle,
    to_float,
    to_fraction,
)

REPR_DIGITS = 15  # from here on, digits may be those with which a program prints a float64

_MINUS = str.maketrans({"−": "-", "–": "-", "＋": "+", "\u00a0": " ", "\u202f": " "})
_DECIMAL = re.compile(
    r"""(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?P<point>\.?)(?P<after>\d*)(?P<cut>\.{2,}|…|⋯)?"""
    r"""(?:(?:[eE](?P<power>[+-]?\d{1,6}))?(?:\((?P<units>\d{1,3})\))?|(?P<percent>\s*%))""",
    re.ASCII,
)
_QUOTIENT = re.compile(r"(?P<top>[+-]?\d+)\s*/\s*(?P<bottom>\d+)", re.ASCII)
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "∞": math.inf}
_HALF = Fraction(1, 2)
_TOO_LONG = 10**60  # a number of more digits is written with an exponent


@dataclass(frozen=True)
class Literal:
    """A number with the digits that were printed.

    `unit` is one unit of the last digit; None for a quotient, which is exact, and for what is not finite. `units` is
    how many units the number may be off: half of one, for a number that was rounded. `power` and `places` are the
    exponent and the digits after the point, so that another number can be written alike. `is_cut` says that digits are
    left out, `or_rounded` that those that stand may be rounded as well: `41.99..`. So many `zeros` at the end of an
    integer are no digits: 720 of 715.7 that is rounded to two.
    """

    text: str
    value: Fraction
    unit: Fraction | None
    units: Fraction = _HALF
    power: int | None = None
    places: int = 0
    special: float | None = None  # inf or nan, which `value` cannot hold
    minus: bool = False
    is_cut: bool = False
    or_rounded: bool = False
    zeros: int = 0

    @cached_property
    def low(self) -> Fraction:
        """The smallest number that it can stand for; of a 0 that is cut off, whose minus is left out, below 0."""
        if self.is_cut and not self.value and not (self.minus or self.or_rounded):
            return -self.slack
        if self.is_cut and not self.minus:
            return self.value - self._rounding_up
        return self.value - (self.slack if self.minus else self._towards_0)

    @cached_property
    def high(self) -> Fraction:
        """The largest number that it can stand for; `-0.00` is not printed for a positive one."""
        if self.minus and (self.is_cut or not self.value):
            return self.value + self._rounding_up
        return self.value + (self._towards_0 if self.minus else self.slack)

    @property
    def _towards_0(self) -> Fraction:
        """How far the number can be from what is printed on the side of 0: 9950 is 10000 to two digits, 9949 is not."""
        is_power = self.zeros > 0 and str(abs(self.value)).rstrip("0") == "1"
        return self.slack / 10 if is_power else self.slack

    @cached_property
    def borders(self) -> tuple[fmpq, fmpq]:
        """`low` and `high` as fractions of flint, with which right numbers are compared."""
        return from_fraction(self.low), from_fraction(self.high)

    @cached_property
    def floats(self) -> tuple[float, float]:
        """The float64 nearest to the number, and to its slack; NaN where one is beyond the range."""
        try:
            return float(self.value), float(self.slack)
        except OverflowError:
            return math.nan, math.nan

    @cached_property
    def inside(self) -> tuple[float, float]:
        """Two floats between the borders, near them: they decide beside nearly every number.

        What float64 loses in these few operations is less than `lost`.
        """
        if self.is_cut or (self.minus and not self.value):
            return math.inf, -math.inf
        value, slack = self.floats
        if not math.isfinite(value):
            return math.inf, -math.inf
        lost = 2.0**-50 * (abs(value) + slack) + 2.0**-1000
        return value - slack + lost, value + slack - lost

    @cached_property
    def balls(self) -> tuple[arb, arb]:
        """The borders as balls, which decide beside nearly every ball: to hold one against a fraction takes longer."""
        low, high = self.borders
        return as_ball(low), as_ball(high)

    @property
    def _rounding_up(self) -> Fraction:
        """How far a number that may be rounded as well can be nearer to 0: half a unit; 0.00.. has its sign."""
        return (self.unit or Fraction(0)) / 2 if self.or_rounded and self.value else Fraction(0)

    @property
    def ends(self) -> tuple[Fraction, Fraction]:
        """The smallest and the largest number that it can stand for."""
        return self.low, self.high

    @cached_property
    def around(self) -> tuple[Fraction, Fraction]:
        """The ends beyond which a number is neither what is printed nor cut off or rounded twice to it."""
        far = max(self.slack, self.unit or Fraction(0))
        return self.value - far, self.value + far

    @cached_property
    def slack(self) -> Fraction:
        """How far the number can be from what is printed."""
        return Fraction(0) if self.unit is None else self.unit * self.units

    @cached_property
    def digits(self) -> int:
        """The significant digits."""
        if self.unit is None or not self.value:
            return 0
        number, unit = self.value, self.unit  # in integers: their quotient as a fraction takes ten times as long
        return len(str(abs(number.numerator * unit.denominator) // (number.denominator * unit.numerator)))

    @property
    def is_off_by_half(self) -> bool:
        """Whether the number may be half a unit of its last digit off, or more."""
        return self.units is _HALF or self.units >= _HALF

    @property
    def decimals(self) -> int:
        """The place of the last digit after the point; -2 where the hundreds are the last that is printed."""
        return self.places - (self.power or 0) - self.zeros

    def off_by(self, units: int | None) -> Literal:
        """The same where it may be `units` units of its last digit off; unchanged for None, and for `0.57(2)`."""
        return self if units is None or self.units != _HALF else replace(self, units=Fraction(units))

    def filled(self, zeros: int) -> Literal:
        """The same integer, whose last `zeros` zeros are no digits that were calculated."""
        unit = None if self.unit is None else self.unit * 10**zeros
        return replace(self, unit=unit, zeros=zeros)

    def with_zeros(self, zeros: int) -> Literal:
        """The same with so many zeros more at its end, which its writer has left out; its text stays as printed."""
        return self if self.unit is None else replace(self, unit=self.unit / 10**zeros, places=self.places + zeros)

    def cut(self) -> Literal:
        """The same where its digits go on, and are not rounded; unchanged where it says how far it may be off."""
        return self if self.unit is None or self.units != _HALF else replace(self, units=Fraction(1), is_cut=True)


@lru_cache(1 << 16)  # a table is read several times, and counts the same steps in many columns
def read_literal(text: str) -> Literal:
    """The number of a cell: `-24.10`, `.85`, `10.`, `0.43E-03`, `1/3`, `8,585.23`, `0.57(2)` (2 units off), `nan`.

    Of `41.99..`, `41.99...` or `41.99…` digits are left out: it stands for any number that begins so or is rounded to
    41.99, for programs that write an ellipsis do either. A percentage is the number that it is: `33.3%` is 0.333.

    Raises `NumeralError`, whose message completes the sentence "'…' ...".
    """
    cleaned = text.translate(_MINUS).strip()
    if len(cleaned) > MAX_DIGITS:
        raise NumeralError(f"has more than {MAX_DIGITS} digits")
    word = cleaned.lower().lstrip("+-")
    if word in _NOT_FINITE:
        special = -_NOT_FINITE[word] if cleaned.startswith("-") else _NOT_FINITE[word]
        return Literal(text.strip(), Fraction(0), None, special=special)
    quotient = _QUOTIENT.fullmatch(cleaned)
    if quotient is not None:
        if not int(quotient["bottom"]):
            raise NumeralError("divides by zero")
        return Literal(text.strip(), Fraction(int(quotient["top"]), int(quotient["bottom"])), None)
    return _decimal(cleaned, text.strip())


def _decimal(cleaned: str, text: str) -> Literal:
    match = _DECIMAL.fullmatch(cleaned)
    if match is None or not (match["whole"] or match["after"]) or (match["cut"] and match["units"]):
        raise NotNumericError
    power = None if match["power"] is None else int(match["power"])
    if abs(power or 0) > MAX_EXPONENT:
        raise NumeralError(f"has an exponent beyond ±{MAX_EXPONENT}")
    places = len(match["after"]) + (0 if match["percent"] is None else 2)
    exponent = (power or 0) - places
    digits = int(match["whole"].replace(",", "") + match["after"])
    unit = _power_of_ten(exponent)
    value = Fraction(digits, 10**-exponent) if exponent < 0 else Fraction(digits * 10**exponent)
    minus = match["sign"] == "-"
    is_cut = match["cut"] is not None
    units = Fraction(1) if is_cut else _HALF if match["units"] is None else Fraction(int(match["units"]))
    return Literal(
        text, -value if minus else value, unit, units, power, places, minus=minus, is_cut=is_cut, or_rounded=is_cut
    )


@lru_cache(1 << 8)
def _power_of_ten(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


def judge(literal: Literal, right: Exactly) -> str | None:
    """One of "right", "truncated", "double_rounded", "wrong"; None where the digits of a ball do not tell."""
    if literal.special is not None:
        return "wrong"  # an exact number is finite
    found = _stands_for(literal, right) if not literal.is_cut else None
    if found or _is_nearest_float(literal, right):
        return "right"
    if within(right, *literal.around) is False:
        return "wrong"
    if literal.is_cut:
        found = within(right, literal.low, literal.high) if to_fraction(right) not in _next_digits(literal) else False
        return None if found is None else "right" if found else "wrong"
    if found is None:
        return None
    if literal.unit is None:
        return "wrong"
    cut, twice = _cut_off(literal, right), _rounded_twice(literal, right)
    if cut or twice:
        return "truncated" if cut else "double_rounded"
    return None if cut is None or twice is None else "wrong"


def _is_nearest_float(literal: Literal, right: Exactly) -> bool:
    """Whether so many digits are those of the float64 nearest to the number, which programs print in full."""
    if literal.digits < REPR_DIGITS:
        return False
    number = to_float(from_fraction(literal.value))
    return math.isfinite(number) and number == to_float(right)


def within(right: Exactly, low: Fraction, high: Fraction) -> bool | None:
    """Whether a number lies from `low` to `high`; None where a ball does not tell."""
    return _lies(right, (from_fraction(low), from_fraction(high)))


def _stands_for(literal: Literal, right: Exactly) -> bool | None:
    """Whether a number lies from `low` to `high` of what is printed; None where a ball does not tell."""
    if isinstance(right, arb):
        inner, outer = literal.inside
        if inner < right < outer:
            return True
        bottom, top = literal.balls
        if bottom < right < top:
            return True
    return _lies(right, literal.borders)


def _lies(right: Exactly, borders: tuple[fmpq, fmpq]) -> bool | None:
    bottom, top = borders
    if right < bottom or right > top:
        return False
    return True if right >= bottom and right <= top else None


def may_stand_for(literal: Literal, right: Exactly) -> bool | None:
    """Whether what is printed can stand for a number; None where a ball does not tell.

    Digits that are cut off stand for no number that begins with the next ones: `1.9..` not for 2.
    """
    if literal.is_cut and literal.unit is not None and to_fraction(right) in _next_digits(literal):
        return False
    return within(right, literal.low, literal.high)


def _next_digits(literal: Literal) -> tuple[Fraction, ...]:
    """The nearest numbers, away from 0, that begin with other digits; of a 0 without a minus on both sides."""
    unit, is_negative = literal.unit or Fraction(0), literal.minus or literal.value < 0
    either = (literal.value - unit,) if is_negative or not literal.value else ()
    return either if is_negative else (*either, literal.value + unit)


def _cut_off(literal: Literal, right: Exactly) -> bool | None:
    """Whether the digits are the first ones of the number, cut off where they should be rounded."""
    down = literal.minus or literal.value < 0
    far = literal.value - (literal.unit or 0) if down else literal.value + (literal.unit or 0)
    if to_fraction(right) == far:
        return False
    return within(right, min(literal.value, far), max(literal.value, far))


def tie(literal: Literal, right: Exactly) -> Fraction:
    """The number half a unit of the last digit from what is printed, on the side of the right number."""
    half = (literal.unit or Fraction(0)) / 2
    above = as_ball(right) > as_ball(from_fraction(literal.value))
    return literal.value + half if above else literal.value - half


def _rounded_twice(literal: Literal, right: Exactly) -> bool | None:
    """Whether the number becomes a tie where it is rounded to one digit more first: 0.2648 → 0.265 → 0.27.

    A 0 has no digit that tells.
    """
    if not literal.value:
        return False
    middle, room = tie(literal, right), (literal.unit or Fraction(0)) / 20
    return within(right, middle - room, middle + room)


def _places_before(number: Fraction) -> int:
    """How many digits a number has before its point."""
    return len(str(int(abs(number))))


def written_like(literal: Literal, right: Exactly, more: int = 0) -> str:
    """The right number with as many digits after the point as `literal` has, and `more`; `?` where it is not known."""
    if not is_finite(right):
        return "?"
    if not is_moderate(right):
        return decimal(right)
    number = middle(right)
    if literal.special is not None:
        return decimal(right, 10)
    if literal.unit is None:
        is_short = max(abs(number.numerator), number.denominator) < 10**20  # Python writes no more than 4,300 digits
        exact = str(number) if is_short else ""
        return exact if 0 < len(exact) <= 20 else decimal(right, 10)
    places, zeros = max(literal.places, 0) + max(more - literal.zeros, 0), max(literal.zeros - more, 0)
    unit = Fraction(10) ** ((literal.power or 0) - places + zeros)
    if abs(number) > unit * _TOO_LONG:
        return decimal(right)
    if zeros and abs(number) < unit:
        return decimal(right, literal.digits)  # 48 in place of 1000, of which 0 would tell nothing
    zeros = max(zeros - max(_places_before(literal.value) - _places_before(number), 0), 0)  # 9600 in place of 10000
    unit = Fraction(10) ** ((literal.power or 0) - places + zeros)
    last = int(abs(number) / unit) if literal.is_cut else abs(round(number / unit))
    digits = str(last * 10**zeros).rjust(places + 1, "0")
    whole = (f"{digits[:-places]}.{digits[-places:]}" if places else digits) + (".." if literal.is_cut else "")
    sign = "-" if number < 0 and (literal.is_cut or digits.strip("0")) else ""
    return f"{sign}{whole}" + ("" if literal.power is None else f"e{literal.power:+03d}")
