"""Values as a problem file, a CSV cell or a flag hands them over, and as exact numbers."""

from __future__ import annotations

from fractions import Fraction

from derive.errors import shorten
from derive.source.numerals import MAX_DIGITS, NumeralError, read_number

_MAX_BITS = MAX_DIGITS * 10 // 3  # about as many bits as MAX_DIGITS digits have


class Numeral(str):
    """The literal digits of a number in a TOML file, told apart from a quoted string."""

    __slots__ = ()


def exact(value: object) -> Fraction:
    """The exact value of a number, or of a text such as "1/3".

    Raises `NumeralError`, whose message completes the sentence "`shown(value)` ...".
    """
    if isinstance(value, bool):
        raise NumeralError("is not a number")
    if isinstance(value, int):
        # hexadecimal integers have no limit in TOML, and Python refuses to print thousands of digits
        if value.bit_length() > _MAX_BITS:
            raise NumeralError(f"has more than {MAX_DIGITS} digits")
        return read_number(str(value))
    if isinstance(value, str):
        return read_number(value)
    raise NumeralError("is not a number")


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
