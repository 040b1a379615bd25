import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.source.numerals import Numeral, NumeralError, exact, last_digit, read_number, shown, write_number

FRACTIONS = st.fractions(min_value=-(10**30), max_value=10**30, max_denominator=10**30)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.01", Fraction(1, 100)),
        ("-24.10", Fraction(-241, 10)),
        ("−24.10", Fraction(-241, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("10.", Fraction(10)),
        (".5", Fraction(1, 2)),
        ("1_000", Fraction(1000)),
        (" 1/3 ", Fraction(1, 3)),
        ("0.1/-3e2", Fraction(-1, 3000)),
    ],
)
def test_reads_the_exact_value(text: str, value: Fraction) -> None:
    assert read_number(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nan", "is not a finite number"),
        ("-Infinity", "is not a finite number"),
        ("", "is not a number"),
        ("fast", "is not a number"),
        ("1,5", "is not a number"),
        ("1/2/3", "is not a number"),
        ("٣", "is not a number"),
        ("1/0", "divides by zero"),
        ("1e999999999", "has an exponent beyond ±400"),
        ("1e-401", "has an exponent beyond ±400"),
        ("1e400", "is larger than any float64"),
        pytest.param("9" * 3000, "has more than 1000 digits", id="3000 digits"),
    ],
)
def test_refuses_what_is_not_a_number(text: str, message: str) -> None:
    with pytest.raises(NumeralError, match=message):
        read_number(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 100), "0.01"),
        (Fraction(-80, 3), "-80/3"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(7), "7"),
        (Fraction(1, 2**13), "1/8192"),
    ],
)
def test_writes_the_shortest_exact_text(value: Fraction, text: str) -> None:
    assert write_number(value) == text


@given(FRACTIONS)
def test_reads_back_what_it_writes(value: Fraction) -> None:
    assert read_number(write_number(value)) == value


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
def test_refuses_a_value_that_is_not_a_number(value: object, message: str) -> None:
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


@pytest.mark.parametrize(
    ("value", "last"),
    [
        ("0.10", -2),
        ("-.5", -1),
        ("5.", 0),
        ("1e3", 3),
        ("2.50E-2", -4),
        ("1_000.5", -1),
        (7, 0),
        (-120, 0),
        ("1/3", None),
    ],
)
def test_the_last_digit_that_is_printed(value: object, last: int | None) -> None:
    assert last_digit(value) == last
