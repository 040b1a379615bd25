"""Decimal literals as exact numbers: `0.01` is one hundredth, never a float."""

from __future__ import annotations

import re
import sys
from fractions import Fraction
from functools import lru_cache

from derive.errors import shorten

MAX_DIGITS = 1000  # of one number; a text, which may be a quotient of two, has at most twice as many characters
MAX_EXPONENT = 400  # float64 ends at 1.8e308; what lies beyond cannot be trained on

_LONG = 20  # characters of a number that is written without an exponent
_LARGEST = Fraction(sys.float_info.max)

_DECIMAL = r"[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE](?P<{0}>[+-]?\d+))?"
_SHORT = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_NUMERAL = re.compile(rf"\s*({_DECIMAL.format('top')})(?:\s*/\s*({_DECIMAL.format('bottom')}))?\s*", re.ASCII)


class NumeralError(ValueError):
    """A text that is not a number; the message completes the sentence "'…' ..."."""


class NotNumericError(NumeralError):
    """A text that is not written as a number at all, such as `2*w`; not one that is out of range or divides by zero."""

    def __init__(self) -> None:
        super().__init__("is not a number")


@lru_cache(1 << 14)  # a column of data has many numbers of few digits, and some of them often
def read_number(text: str) -> Fraction:
    """The exact value of a decimal literal (`-24.10`, `1e-3`, `10.`) or of a quotient of two (`1/3`).

    Raises `NumeralError` for anything else, for infinity and NaN, and for numbers that no
    float64 could hold.
    """
    cleaned = text.strip().replace("−", "-")
    if _SHORT.fullmatch(cleaned):  # as nearly all are, which need no closer look
        whole, _, after = cleaned.partition(".")
        return Fraction(int(whole + after), 10 ** len(after))
    if len(cleaned) > 2 * MAX_DIGITS:
        raise NumeralError(f"has more than {MAX_DIGITS} digits")
    match = _NUMERAL.fullmatch(cleaned)
    if match is None:
        word = cleaned.lower().lstrip("+-")
        if word in ("nan", "inf", "infinity"):
            raise NumeralError("is not a finite number")
        raise NotNumericError
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
    """Returns the exact text: a decimal where it ends within 12 digits after the point (`0.01`), else a quotient."""
    if value.denominator == 1:
        return str(value.numerator)
    places = _decimal_places(value.denominator)
    if places is None or places > 12:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def write_literal(value: Fraction) -> str:
    """The literal that `read_number` reads back: `0.01`, `1e-20`; a quotient (`1/3`) only where no decimal ends."""
    text = write_number(value)
    places = _decimal_places(value.denominator)
    if places is None or ("/" not in text and (value.denominator != 1 or len(text) <= _LONG)):
        return text
    digits = str(abs(value.numerator) * (10**places // value.denominator))
    exponent = max(-MAX_EXPONENT, min(len(digits) - 1 - places, MAX_EXPONENT))
    after = max(places + exponent, 0)  # digits after the point of the mantissa
    digits = digits.rjust(after + 1, "0")
    before, behind = digits[: len(digits) - after], digits[len(digits) - after :].rstrip("0")
    scientific = f"{'-' if value < 0 else ''}{before}{'.' if behind else ''}{behind}e{exponent}"
    return text if "/" not in text and len(text) <= len(scientific) else scientific


def _decimal_places(denominator: int) -> int | None:
    """How many digits after the point a fraction in lowest terms has; None where they do not end."""
    counts = {2: 0, 5: 0}
    for prime in counts:
        while denominator % prime == 0:
            denominator, counts[prime] = denominator // prime, counts[prime] + 1
    return max(counts.values()) if denominator == 1 else None


_MAX_BITS = MAX_DIGITS * 10 // 3  # about as many bits as MAX_DIGITS digits have


class Numeral(str):
    """The literal digits of a number in a TOML file, told apart from a quoted string."""

    __slots__ = ()


def exact(value: object) -> Fraction:
    """The exact value of a number, or of a text such as "1/3".

    Raises `NumeralError`, whose message completes the sentence "`shown(value)` ...".
    """
    if isinstance(value, bool):
        raise NotNumericError
    if isinstance(value, int):
        # hexadecimal integers have no limit in TOML, and Python refuses to print thousands of digits
        if value.bit_length() > _MAX_BITS:
            raise NumeralError(f"has more than {MAX_DIGITS} digits")
        return read_number(str(value))
    if isinstance(value, str):
        return read_number(value)
    raise NotNumericError


def last_digit(value: object) -> int | None:
    """Returns the power of ten of the last digit that is printed: −2 for `0.10`, 0 for `3`, 3 for `1e3`.

    `value` is one that `exact` reads. Returns None for a quotient, which is exact.
    """
    if not isinstance(value, str):
        return 0
    if "/" in value:
        return None
    mantissa, _, power = value.strip().lower().replace("_", "").partition("e")
    return int(power or 0) - len(mantissa.partition(".")[2])


def shown(value: object) -> str:
    """A value for a message: short, on one line, texts in quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int):
        return shorten(value).strip("'") if value.bit_length() <= _MAX_BITS else "a very large integer"
    if isinstance(value, Numeral):
        return shorten(value).strip("'")
    return shorten(value)
