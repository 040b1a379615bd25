import datetime
from fractions import Fraction

import pytest

from derive.source.numerals import Numeral, NumeralError, exact, shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, Fraction(3)), (Numeral("0.1"), Fraction(1, 10)), ("1/3", Fraction(1, 3)), (-7, Fraction(-7))],
)
def test_numbers_of_every_origin_are_exact(value: object, expected: Fraction) -> None:
    assert exact(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "is not a number"),
        ([1], "is not a number"),
        (datetime.date(2020, 1, 1), "is not a number"),
        pytest.param(16**5000, "more than 1000 digits", id="16^5000"),
        pytest.param(10**400, "larger than any float64", id="10^400"),
    ],
)
def test_refuses_what_is_not_a_number(value: object, message: str) -> None:
    with pytest.raises(NumeralError, match=message):
        exact(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3"),
        (Numeral("1e5"), "1e5"),
        ("fast", "'fast'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ([1], "a list"),
        ({}, "a table"),
        pytest.param(16**5000, "a very large integer", id="16^5000"),
    ],
)
def test_values_in_messages_are_short_and_printable(value: object, text: str) -> None:
    assert shown(value) == text
