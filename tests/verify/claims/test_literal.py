"""What printed digits claim, and on which side of each border a number stands."""

from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from derive.source.numerals import NumeralError
from verify.claims.literal import _lies as lies
from verify.claims.literal import _stands_for as stands_for
from verify.claims.literal import judge, read_literal, written_like
from verify.numbers import as_ball, from_fraction, middle, precision

SPELLINGS = [
    ("-24.10", "-24.1", "1/100"),
    (".85", "0.85", "1/100"),
    ("10.", "10", "1"),
    ("−3", "-3", "1"),
    ("+7", "7", "1"),
    ("0.43E-03", "0.00043", "1/100000"),
    ("1.5e2", "150", "10"),
    ("8,585.23", "8585.23", "1/100"),
    ("1,500,000", "1500000", "1"),
    ("-0.000000", "0", "1/1000000"),
    ("1/3", "1/3", None),
    ("-2/6", "-1/3", None),
    (" 0.5 ", "0.5", "1/10"),
]


@pytest.mark.parametrize(("text", "value", "unit"), SPELLINGS, ids=[text for text, _, _ in SPELLINGS])
def test_reads_every_spelling(text: str, value: str, unit: str | None) -> None:
    literal = read_literal(text)
    assert literal.value == Fraction(value)
    assert literal.unit == (None if unit is None else Fraction(unit))
    assert literal.text == text.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "is not a number"),
        (".", "is not a number"),
        ("1,23.4", "is not a number"),
        ("12,34", "is not a number"),
        ("1/0", "divides by zero"),
        ("1e999", "has an exponent beyond"),
        ("1" * 1001, "has more than 1000 digits"),
        ("1.2.3", "is not a number"),
        ("٣", "is not a number"),
    ],
)
def test_refuses_what_is_no_number(text: str, message: str) -> None:
    with pytest.raises(NumeralError, match=message):
        read_literal(text)


# the claim, a number, what the claim is of it: on both sides of each border
BORDERS = [
    ("-24.10", "-24.105", "right"),
    ("-24.10", "-24.095", "right"),
    ("-24.10", "-24.1051", "truncated"),
    ("-24.10", "-24.10999", "truncated"),
    ("-24.10", "-24.11", "wrong"),
    ("-24.10", "-24.0949", "double_rounded"),
    ("-24.10", "-24.0944", "wrong"),
    ("0.27", "0.2645", "double_rounded"),  # to 0.265, then to 0.27
    ("0.27", "0.26449", "wrong"),
    ("0.26", "0.269999", "truncated"),
    ("0.26", "0.27", "wrong"),
    ("2", "2.5", "right"),  # a tie, whichever way it is rounded
    ("3", "2.5", "right"),
    ("10.", "10.49", "right"),
    ("10.", "10.51", "truncated"),
    ("1.5e2", "155", "right"),
    ("1.5e2", "155.1", "truncated"),
    ("1/3", "1/3", "right"),
    ("1/3", "0.333333333", "wrong"),
    ("-0.000000", "-0.0000005", "right"),
    ("-0.000000", "0.0000001", "wrong"),  # a minus is not printed for a positive number
    ("0.000000", "-0.0000003", "right"),
    ("0.000000", "-0.0000007", "wrong"),  # unless all of a table is cut off
    ("0.000000", "0.0000007", "truncated"),
    ("0.000000", "-0.000001", "wrong"),
    ("-0.000000", "-0.0000007", "truncated"),
    ("-0.000000", "0.0000007", "wrong"),
    ("0.00", "0.009", "truncated"),
    ("0.00", "-0.009", "wrong"),
    ("nan", "3", "wrong"),
    ("0.26666666666666666", "4/15", "right"),  # a float64 printed in full
    ("0.26666666666666600", "4/15", "wrong"),
]


@pytest.mark.parametrize(("text", "number", "status"), BORDERS, ids=[f"{text} of {n}" for text, n, _ in BORDERS])
def test_each_status_on_both_sides_of_its_border(text: str, number: str, status: str) -> None:
    assert judge(read_literal(text), from_fraction(Fraction(number))) == status


@pytest.mark.parametrize(
    ("text", "units", "number", "status"),
    [
        ("3.32", 2, "3.34", "right"),
        ("3.32", 2, "3.3401", "wrong"),
        ("3.32(2)", None, "3.34", "right"),
        ("3.32(2)", 5, "3.37", "wrong"),  # what stands at the number itself decides
        ("1/3", 2, "0.34", "wrong"),
    ],
)
def test_units_of_the_last_place_where_the_author_says_so(
    text: str, units: int | None, number: str, status: str
) -> None:
    assert judge(read_literal(text).off_by(units), from_fraction(Fraction(number))) == status


def test_a_ball_that_does_not_tell_is_undecided_until_it_does() -> None:
    claim = read_literal("1.41421")
    assert judge(claim, arb(1.41421, 0.1)) is None
    with precision(100):
        assert judge(claim, as_ball(fmpq(2)).sqrt()) == "right"
        assert judge(read_literal("1.414210"), as_ball(fmpq(2)).sqrt()) == "wrong"
        assert judge(read_literal("1.414213"), as_ball(fmpq(2)).sqrt()) == "truncated"


def decimals(units: int, places: int) -> str:
    """That many units of the last of some decimal places."""
    digits = str(abs(units)).rjust(places + 1, "0")
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    return f"-{text}" if units < 0 else text


@given(st.fractions(-1000, 1000, max_denominator=10**6), st.integers(0, 8))
def test_a_number_rounded_as_python_does_is_right_and_a_unit_off_is_not(number: Fraction, places: int) -> None:
    printed = decimals(round(number * 10**places), places)
    exact = from_fraction(number)
    assert judge(read_literal(printed), exact) == "right"
    unit = Fraction(1, 10**places)
    if abs(Fraction(printed) - number) != unit / 2:
        for off in (1, -1):
            other = decimals(round(number * 10**places) + off, places)
            assert judge(read_literal(other), exact) != "right"


@given(st.fractions(-1000, 1000, max_denominator=10**6), st.integers(1, 8))
def test_what_should_have_been_printed_is_right(number: Fraction, places: int) -> None:
    exact = from_fraction(number)
    like = read_literal("0." + "7" * places)
    written = written_like(like, exact)
    assert len(written.partition(".")[2]) == places
    assert judge(read_literal(written), exact) == "right"


def test_the_right_number_is_written_as_the_claim_is() -> None:
    third = from_fraction(Fraction(1, 3000))
    assert written_like(read_literal("0.43E-03"), third) == "0.33e-03"
    assert written_like(read_literal("1/3"), third) == "1/3000"
    assert written_like(read_literal("5"), third) == "0"
    assert written_like(read_literal("nan"), from_fraction(Fraction(10) ** 400)) == "1.000000000e+400"
    assert written_like(read_literal("5.0"), from_fraction(Fraction(10) ** 90)) == "1e+90"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("41.99..", "41.985", "42"),
        ("41.99...", "41.985", "42"),
        ("41.99…", "41.985", "42"),
        ("-41.99..", "-42", "-41.985"),
        ("41..", "40.5", "42"),
        ("0.00..", "0", "0.01"),
        ("-0.00..", "-0.01", "0"),
        (".3⋯", "0.25", "0.4"),
        ("1.23..e-2", "0.01225", "0.0124"),
    ],
)
def test_digits_that_are_left_out_by_the_author_s_word(text: str, low: str, high: str) -> None:
    literal = read_literal(text)
    assert literal.is_cut
    assert (literal.low, literal.high) == literal.ends == (Fraction(low), Fraction(high))
    assert judge(literal, from_fraction((literal.low + literal.high) / 2)) == "right"
    assert judge(literal, from_fraction(literal.value)) == "right"
    far = literal.low if literal.minus else literal.high
    assert judge(literal, from_fraction(far)) == "wrong"  # it begins with other digits
    assert judge(literal, from_fraction(2 * literal.low - literal.high)) == "wrong"
    assert not read_literal("41.99").is_cut


@pytest.mark.parametrize("text", ["41.99..(2)", "..", "4..1", "1/3..", "nan.."])
def test_dots_that_say_nothing(text: str) -> None:
    with pytest.raises(NumeralError):
        read_literal(text)


@given(st.fractions(-1000, 1000, max_denominator=10**6), st.integers(0, 5))
def test_a_number_is_right_by_its_first_digits_or_rounded_to_them_alone(number: Fraction, places: int) -> None:
    unit = Fraction(1, 10**places)
    first = int(abs(number) / unit)
    sign = "-" if number < 0 else ""
    for more in (-1, 0, 1):
        digits = str(max(first + more, 0)).rjust(places + 1, "0")
        text = f"{sign}{digits[: len(digits) - places]}{'.' if places else ''}{digits[len(digits) - places :]}.."
        literal = read_literal(text)
        is_rounded = first + more > 0 and abs(abs(number) - (first + more) * unit) * 2 <= unit
        is_right = max(first + more, 0) == first or is_rounded
        assert (judge(literal, from_fraction(number)) == "right") == is_right
        assert judge(read_literal(written_like(literal, from_fraction(number))), from_fraction(number)) == "right"


@given(st.integers(-9999, 9999), st.integers(0, 3), st.sampled_from((-1, 0, 1)), st.integers(-3, 3), st.integers(8, 70))
def test_a_ball_is_judged_by_balls_as_by_fractions(digits: int, places: int, side: int, off: int, bits: int) -> None:
    """Balls at the very borders of a claim, at precisions that decide and at others that do not."""
    literal = read_literal.__wrapped__(f"{digits / 10**places:.{places}f}")
    with precision(bits):
        ball = arb(from_fraction(literal.value + side * literal.slack + Fraction(off, 2**40)), fmpq(1, 2**bits))
        quick, slow = stands_for(literal, ball), lies(ball, literal.borders)
    assert quick is slow if slow is not None else quick is not False
    if quick:
        assert literal.low <= middle(ball) <= literal.high
