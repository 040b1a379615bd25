"""Decimal literals as exact numbers: `0.01` is one hundredth, never a float."""

from __future__ import annotations

import re
import sys
from fractions import Fraction

MAX_DIGITS = 1000
MAX_EXPONENT = 400  # float64 ends at 1.8e308; what lies beyond cannot be trained on

_LARGEST = Fraction(sys.float_info.max)

_DECIMAL = r"[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE](?P<{0}>[+-]?\d+))?"
_NUMERAL = re.compile(rf"\s*({_DECIMAL.format('top')})(?:\s*/\s*({_DECIMAL.format('bottom')}))?\s*", re.ASCII)


class NumeralError(ValueError):
    """A text that is not a number; the message completes the sentence "'…' ..."."""


def read_number(text: str) -> Fraction:
    """The exact value of a decimal literal (`-24.10`, `1e-3`, `10.`) or of a quotient of two (`1/3`).

    Raises `NumeralError` for anything else, for infinity and NaN, and for numbers that no
    float64 could hold.
    """
    cleaned = text.strip().replace("−", "-")
    if len(cleaned) > 2 * MAX_DIGITS:
        raise NumeralError(f"has more than {MAX_DIGITS} digits")
    match = _NUMERAL.fullmatch(cleaned)
    if match is None:
        word = cleaned.lower().lstrip("+-")
        if word in ("nan", "inf", "infinity"):
            raise NumeralError("is not a finite number")
        raise NumeralError("is not a number")
    for name in ("top", "bottom"):
        exponent = match[name]
        if exponent is not None and (len(exponent) > 5 or abs(int(exponent)) > MAX_EXPONENT):
            raise NumeralError(f"has an exponent beyond ±{MAX_EXPONENT}")
    value = Fraction(match[1].replace("_", ""))
    if match[3] is not None:
        divisor = Fraction(match[3].replace("_", ""))
        if divisor == 0:
            raise NumeralError("divides by zero")
        value /= divisor
    if abs(value) > _LARGEST:
        raise NumeralError("is larger than any float64")
    return value


def write_number(value: Fraction) -> str:
    """The shortest exact text: a decimal where one ends soon (`0.01`), else a quotient (`4/15`)."""
    if value.denominator == 1:
        return str(value.numerator)
    twos, fives, rest = 0, 0, value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 12:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
