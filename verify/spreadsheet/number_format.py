"""A number of a spreadsheet as the program shows it: what its author sees, and so what is claimed.

A cell holds a whole float64 and a number format. 0.30000000000000004 under `0.00` is shown as 0.30, and 0.30 is the
claim. Under `General` a spreadsheet shows at most 15 significant digits, in the cell as many as its width has room
for; the 15 are taken, with which any number that was typed comes back as it was typed (without zeros at its end).
Rounding is half away from zero, of those 15 digits, as Excel and LibreOffice do it. The format codes are those of
ECMA-376, part 1, section 18.8.31.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from derive.source.numerals import NumeralError

SHOWN_DIGITS = 15  # the most that a spreadsheet shows of a number

_EXACT = Context(prec=400)  # any float64 with the decimals of any format
_MAX_PLACES = 60  # Excel allows 30
_NO_DIGITS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?:\$[^\]]*|[A-Za-z]+\s?\d*)\]')  # texts, spaces, colours, currencies
_FRACTION = re.compile(r"[^0-9#?/.%]*(?:[#?0,]+\s+)?[#?0]+\s*/\s*[#?\d]+[^0-9#?/.%]*")
_MANTISSA = re.compile(r"#*[0#?]")  # the digits before the point beside an exponent
_CORE = re.compile(
    r"[^0#?.%]*(?P<first>%*)[^0#?.%]*(?P<whole>[0#?,]*)(?:\.(?P<after>[0#?]*))?(?P<power>[eE][+-][0#?]+)?(?P<rest>[^0#?,]*)"
)


def displayed(value: float, code: str) -> str:
    """The number that a cell shows under the format `code`, with a decimal point and without units.

    A percentage is shown as the number that it is: 12.5% as 0.125. Of a fraction, to which the number is rounded as no
    decimal digits tell, it is the number behind it, as under General. Raises `NumeralError`, whose message completes
    the sentence "'…' ...", for a format that shows no decimal number (thousands, a condition).
    """
    number = Decimal(f"{value:.{SHOWN_DIGITS}g}")
    plain = _section(value, code)
    if _FRACTION.fullmatch(plain) or plain.strip().lower() in ("general", "standard", "@", ""):
        return general(value)
    core = _CORE.fullmatch(plain)
    if core is None or "[" in plain or not (core["whole"] or core["after"]) or core["whole"].endswith(","):
        raise NumeralError(f"is shown in the number format {code!r}, which is not read; format the cell as a number")
    places = core["after"] or ""
    if len(places) > _MAX_PLACES or (core["power"] and not _MANTISSA.fullmatch(core["whole"])):
        raise NumeralError(f"is shown in the number format {code!r}, which is not read; format the cell as a number")
    least = places.rfind("0") + 1
    shift = 2 * (core["first"] + core["rest"]).count("%")
    if core["power"]:
        return _scientific(number, len(places), least, len(core["whole"]))
    return _fixed(number, len(places), least, shift)


def is_fraction(value: float, code: str) -> bool:
    """Whether the number is shown as a fraction, `1 1/2`."""
    return _FRACTION.fullmatch(_section(value, code)) is not None


def _section(value: float, code: str) -> str:
    """The part of a format that the number is shown by, without texts and colours."""
    sections = _sections(code)
    number = float(f"{value:.{SHOWN_DIGITS}g}")
    section = sections[1 if number < 0 and len(sections) > 1 else 2 if not number and len(sections) > 2 else 0]
    return _NO_DIGITS.sub("", section)


def general(value: float) -> str:
    """The number with the digits that a spreadsheet shows where no format is chosen."""
    return f"{value:.{SHOWN_DIGITS}g}"


def _sections(code: str) -> list[str]:
    """The parts of a format for positive numbers, negative numbers and zero; a `;` in quotes is text."""
    return re.findall(r'(?:^|;)((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\])*)', code)[:3]


def _fixed(number: Decimal, places: int, least: int, shift: int) -> str:
    """Rounded to `places` decimals, of which at least `least` are shown, after a shift by a percentage's two."""
    rounded = number.scaleb(shift, _EXACT).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    kept = _without_zeros(rounded, least).scaleb(-shift, _EXACT)
    return f"{kept:f}"


def _scientific(number: Decimal, places: int, least: int, digits: int) -> str:
    """With up to so many digits before the point: the exponent is a multiple of their number."""
    power = number.adjusted() // digits * digits if number else 0
    rounded = number.scaleb(-power, _EXACT).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    if abs(rounded) >= 10**digits:
        power += digits
        rounded = number.scaleb(-power, _EXACT).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    return f"{_without_zeros(rounded, least):f}e{power:+03d}"


def _without_zeros(number: Decimal, least: int) -> Decimal:
    """The number without the zeros at its end that a `#` does not show."""
    places = max(0, -int(number.as_tuple().exponent))
    while places > least and number == number.quantize(Decimal(1).scaleb(1 - places), context=_EXACT):
        places -= 1
        number = number.quantize(Decimal(1).scaleb(-places), context=_EXACT)
    return number
