"""A number as a spreadsheet shows it, by format codes of ECMA-376; the right column is what Excel shows."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.source.numerals import NumeralError
from verify.spreadsheet.number_format import displayed, is_fraction


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.30000000000000004, "0.00", "0.30"),
        (0.30000000000000004, "General", "0.3"),
        (0.267, "General", "0.267"),
        (1 / 3, "General", "0.333333333333333"),
        (3, "General", "3"),
        (-26.666666666666668, "0.00", "-26.67"),
        (-26.666666666666668, "#,##0.000", "-26.667"),
        (1234567.891, "#,##0.0", "1234567.9"),
        (0.125, "0.00", "0.13"),  # half away from zero
        (2.675, "0.00", "2.68"),  # of the digits that are shown, not of the binary number below them
        (-0.125, "0.00;[Red]-0.00", "-0.13"),
        (-0.125, "0.00_);(0.00)", "-0.13"),
        (0.0, '0.00;-0.00;"–"0', "0"),
        (0.125, "0.0%", "0.125"),
        (0.5, "0%", "0.50"),
        (0.00012345, "0.00E+00", "1.23e-04"),
        (9.996, "0.00E+00", "1.00e+01"),
        (1.5, "0.0##", "1.5"),
        (1.0, "0.0##", "1.0"),
        (1.5, "#", "2"),
        (0.5, '0.0" kg"', "0.5"),
        (12.5, "[$€-407] #,##0.00", "12.50"),
        (0.5, "@", "0.5"),
        (-0.001, "0.00", "-0.00"),
        (12345, "##0.0E+0", "12.3e+03"),
        (123456, "##0.0E+0", "123.5e+03"),
        (999960, "##0.0E+0", "1.0e+06"),
        (-0.00012345, "##0.00E+0", "-123.45e-06"),
        (0.875, "##0.0E+0", "875.0e-03"),
        (0, "##0.0E+0", "0.0e+00"),
        (12345, "#0.0##E+00", "1.235e+04"),
        (1 / 3, "# ?/?", "0.333333333333333"),  # which shows 1/3, as it does 0.3333
        (0.3, "# ??/??", "0.3"),
        (-1.75, "# ?/8", "-1.75"),
        (0.51, '?/100" of it"', "0.51"),
    ],
)
def test_as_it_is_shown(value: float, code: str, shown: str) -> None:
    assert displayed(value, code) == shown


@pytest.mark.parametrize("code", ["0.00,", "[>100]0.0;0.00", "00.0E+0", "0.0 0.0"])
def test_a_format_that_is_not_read_is_named(code: str) -> None:
    with pytest.raises(NumeralError, match="is shown in the number format"):
        displayed(1.5, code)


@given(st.floats(-1e9, 1e9), st.integers(0, 10))
def test_decimals_are_rounded_half_away_from_zero(value: float, places: int) -> None:
    code = "0." + "0" * places if places else "0"
    right = Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert Decimal(displayed(value, code)) == right
    assert len(displayed(value, code).partition(".")[2]) == places


@given(st.floats(-1e9, 1e9), st.integers(0, 6), st.integers(1, 4))
def test_an_exponent_is_a_multiple_of_the_digits_before_the_point(value: float, places: int, digits: int) -> None:
    code = f"{'#' * (digits - 1)}0.{'0' * places}E+0" if places else f"{'#' * (digits - 1)}0E+0"
    mantissa, power = displayed(value, code).split("e")
    assert int(power) % digits == 0
    assert abs(Decimal(mantissa)) < 10**digits
    assert not Decimal(mantissa) or abs(Decimal(mantissa)) >= 1
    assert len(mantissa.partition(".")[2]) == places
    half = Decimal(1).scaleb(int(power) - places) / 2
    assert abs(Decimal(f"{mantissa}e{power}") - Decimal(f"{value:.15g}")) <= half


def test_what_shows_a_fraction() -> None:
    assert all(is_fraction(0.5, code) for code in ("# ?/?", "?/?", "# ??/??", "# ?/16", "#,##0 ?/?"))
    assert not any(is_fraction(0.5, code) for code in ("General", "0.00", "0%", '0.0"1/2"', "@", "0.0;# ?/?"))
    assert is_fraction(-0.5, "0.0;# ?/?")
