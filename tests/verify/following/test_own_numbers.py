"""What an author's number can be, where its last zeros are not written."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

from tests.audited import cell, claim
from verify.claims.claim import Cell
from verify.claims.literal import written_like
from verify.following.finding import Finding, Status
from verify.following.own_numbers import (
    exact_integers,
    filled_zeros,
    own_number,
    zeros_dropped,
    zeros_left_out,
    zeros_of_places,
)
from verify.numbers import from_fraction

FIRST, SECOND = cell(1, "after", "w"), cell(2, "after", "w")


def finding(about: Cell, text: str, right: str, status: Status = Status.RIGHT) -> Finding:
    return Finding(claim(about, text), status, from_fraction(Fraction(right)))


@pytest.mark.parametrize(
    ("text", "right", "other", "is_one"),
    [
        ("-1.9", "-1.90004", "-1.8003", True),
        ("-1.9", "-1.9", "-1.8003", True),
        ("-1.9", "-1.9002", "-1.8003", False),  # −1.9002 with five digits
        ("-1.9", "-1.90004", "-1.80", False),  # one digit fewer
        ("-1.9", "-1.90004", "-1.9", False),
        ("-1.9..", "-1.90004", "-1.8003", False),
        ("19/10", "1.9", "-1.8003", False),
    ],
)
def test_zeros_at_the_end_are_left_out_only_where_the_right_number_has_them(
    text: str, right: str, other: str, is_one: bool
) -> None:
    found = zeros_left_out([finding(FIRST, text, right), finding(SECOND, other, other)])
    assert (FIRST in found) == is_one
    assert SECOND not in found


def test_a_wrong_number_and_one_of_another_column_leave_nothing_out() -> None:
    wrong = finding(FIRST, "-1.9", "-1.90004", Status.WRONG)
    assert zeros_left_out([wrong, finding(SECOND, "-1.8003", "-1.8003")]) == {}
    other = finding(cell(2, "after", "b"), "-1.8003", "-1.8003")
    assert zeros_left_out([finding(FIRST, "-1.9", "-1.90004"), other]) == {}


def test_a_zero_that_rounding_explains_has_its_zeros() -> None:
    """A program prints −0.0 of what it rounds to six places; taken for ±0.05 it made room for a slip of 60 units."""
    zero, other = finding(FIRST, "-0.0", "0.0000001", Status.RESIDUE), finding(SECOND, "0.001234", "0.001234")
    assert zeros_left_out([zero, other]) == {FIRST: Fraction(2, 10**5)}
    beside = finding(FIRST, "-1.9", "-1.9", Status.RESIDUE)
    assert zeros_left_out([beside, finding(SECOND, "-1.8003", "-1.8003")]) == {}


def test_with_its_zeros_a_number_is_as_narrow_as_its_column() -> None:
    one = finding(FIRST, "-1.9", "-1.90004")
    unit = zeros_left_out([one, finding(SECOND, "-1.8003", "-1.8003")])[FIRST]
    own = own_number(one.claim, 0, one.right, False, unit=unit)
    assert (own.low, own.high) == (Fraction("-1.9001"), Fraction("-1.8999"))
    plain = own_number(one.claim, 0, one.right, False)
    assert (plain.low, plain.high) == (Fraction("-1.95"), Fraction("-1.85"))


@pytest.mark.parametrize(("text", "right", "is_one"), [("1.00e-02", "0.01", True), ("0.0333", "1/30", False)])
def test_a_setting_that_is_the_right_one_to_the_last_digit_is_taken_at_its_word(
    text: str, right: str, is_one: bool
) -> None:
    """Nothing has been rounded: it makes no room for a number that follows from another lr."""
    own = own_number(claim(cell(1, "setting", "lr"), text), 0, from_fraction(Fraction(right)), is_wrong=False)
    assert (own.low == own.high) == is_one


@pytest.mark.parametrize(
    ("text", "right", "is_wrong", "is_one"),
    [
        ("0.08100", "0.081", False, True),
        ("0.08100", "0.081", True, False),
        ("0.08100", "0.0810001", False, False),  # rounded
        ("0.0810", "0.081", False, False),  # one zero may be there by chance
        ("8100", "8100", False, False),  # zeros before the point tell nothing
    ],
)
def test_a_right_number_that_ends_in_zeros_has_not_been_rounded(
    text: str, right: str, is_wrong: bool, is_one: bool
) -> None:
    own = own_number(claim(SECOND, text), 0, from_fraction(Fraction(right)), is_wrong)
    assert (own.low == own.high) == is_one


def two_digits(*others: str) -> list[Finding]:
    """Three right numbers that are rounded to two digits, and others of another column that are not right."""
    right = [finding(cell(k, "after", "b"), text, f"{text}1") for k, text in enumerate(("0.67", "-8.8", "1.5"), 1)]
    return [*right, *(finding(cell(k, "after", "w"), text, "1/3", Status.WRONG) for k, text in enumerate(others, 1))]


@pytest.mark.parametrize(
    ("others", "zeros"),
    [
        (("720",), [1]),
        (("7200", "88"), [2]),
        (("720", "716"), []),  # a number of three digits: 720 may be one, too
        (("72",), []),
        (("7.2e2",), []),
    ],
)
def test_zeros_fill_an_integer_where_no_number_has_more_digits(others: tuple[str, ...], zeros: list[int]) -> None:
    assert [literal.zeros for literal in filled_zeros(two_digits(*others)).values()] == zeros


def test_right_integers_and_tables_of_exact_numbers_are_taken_at_their_word() -> None:
    assert filled_zeros([*two_digits(), finding(FIRST, "720", "720")]) == {}
    exact = [replace(one, right=from_fraction(one.claim.literal.value)) for one in two_digits("720")]
    assert filled_zeros(exact) == {}  # nothing shows that they are rounded


def test_an_integer_with_filled_zeros_stands_for_what_rounds_to_it() -> None:
    literal = filled_zeros(two_digits("720"))[FIRST]
    assert (literal.low, literal.high, literal.digits, literal.decimals) == (715, 725, 2, -1)
    assert written_like(literal, from_fraction(Fraction("603.03"))) == "600"
    assert written_like(literal, from_fraction(Fraction("603.03")), more=1) == "603"
    assert written_like(literal, from_fraction(Fraction("4.793"))) == "4.8"


def digits_alone(*others: str, right: str) -> list[Finding]:
    """Numbers of one row, and 190 in it for what is `right`."""
    rights = [str(Fraction(text) + Fraction(1, 10**6)) for text in others]
    cells = [cell(1, "loss", f"n{place}") for place in range(len(others))]
    row = [finding(about, text, exact) for about, text, exact in zip(cells, others, rights, strict=True)]
    return [*row, finding(FIRST, "190", right, Status.WRONG)]


@pytest.mark.parametrize(
    ("others", "right", "unit"),
    [
        (("29", "-43", "0.66"), "186.6", 10),
        (("14", "0.66"), "186.6", 10),  # with 190 itself there are three
        (("14", "0.66"), "120.6", None),
        (("29", "-43"), "186.6", None),  # a table of integers is rounded to integers
        (("0.66", "8.8"), "120.6", 10),  # as many digits, and not as many places
        (("0.66", "0.88"), "120.6", None),
        (("0.66", "8.8", "0.100"), "120.6", 10),  # 0.0998 to two digits
        (("0.66", "8.8", "0.101"), "120.6", None),
    ],
)
def test_few_numbers_show_the_digits_of_an_integer(others: tuple[str, ...], right: str, unit: int | None) -> None:
    found = filled_zeros(digits_alone(*others, right=right))
    assert [literal.unit for literal in found.values()] == ([unit] if unit is not None else [])


@pytest.mark.parametrize(("text", "beside", "is_exact"), [("88", "9.5", False), ("1", "0.7616", True)])
def test_an_integer_of_as_many_digits_as_its_column_is_rounded_as_the_others(
    text: str, beside: str, is_exact: bool
) -> None:
    own = finding(FIRST, text, "1/3", Status.WRONG)
    assert (FIRST in exact_integers([own, finding(SECOND, beside, beside)])) == is_exact


@pytest.mark.parametrize(
    ("others", "low"),
    [
        (("0.117", "-2.18"), "-0.005"),
        (("0.1", "0.0025", "3.75"), "-0.05"),
        (("0.117",), None),
        (("0.117", "0.5", "-2"), None),  # the column has integers
        (("0.117", "1/3"), None),
    ],
)
def test_a_zero_stands_for_as_many_places_as_the_coarsest_number_of_its_column(
    others: tuple[str, ...], low: str | None
) -> None:
    column = [finding(cell(k, "after", "w"), text, "1") for k, text in enumerate(("0", *others), 1)]
    found = zeros_of_places(column)
    assert [literal.low for literal in found.values()] == ([Fraction(low)] if low is not None else [])


def drawn(seed: int, many: int, scale: float) -> list[float]:
    draw = np.random.default_rng(seed)
    return [float(number) for number in draw.normal(size=many) * 10.0 ** draw.uniform(-scale, scale, size=many)]


def column(texts: list[str]) -> list[Finding]:
    return [finding(cell(step, "after", "w"), text, text) for step, text in enumerate(texts, start=1)]


@how_many(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(5, 12), st.sampled_from([0.0, 1.0, 4.0]), st.booleans())
def test_what_drops_its_zeros_has_as_many_digits_as_its_column(
    seed: int, digits: int, scale: float, is_rounded: bool
) -> None:
    """Printed by `%.9g`, or by Python's `round` to so many places, each number is what a format with zeros prints."""
    numbers = drawn(seed, 300, scale)
    with_zeros: Callable[[float], str] = lambda number: f"{number:#.{digits}g}"  # noqa: E731 - one of two
    dropped: Callable[[float], str] = lambda number: f"{number:.{digits}g}"  # noqa: E731 - the other of two
    if is_rounded:
        digits = min(digits, 10)  # five before the point and more after it are more than a float64 has
        with_zeros, dropped = lambda number: f"{number:.{digits}f}", lambda number: repr(round(number, digits))
        numbers = [number for number in numbers if abs(number) > 1e-3]  # Python's repr has no exponent there
    found = column([dropped(number) for number in numbers])
    zeros = zeros_dropped(found, {one.cell for one in found})
    assert len(zeros) > 5
    for one, number in zip(found, numbers, strict=True):
        literal, whole = one.claim.literal.with_zeros(zeros.get(one.cell, 0)), with_zeros(number)
        assert literal.value == Fraction(whole)
        if one.cell in zeros:
            assert literal.unit == claim(one.cell, whole).literal.unit
            assert literal.text == one.claim.literal.text


@how_many(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["{:.6f}", "{:.6e}", "{:#.9g}", "{!r}", "{}"]),
    st.sampled_from([0.0, 1.0]),
)
def test_nothing_is_dropped_of_what_has_its_zeros_nor_of_the_shortest_digits(
    seed: int, form: str, scale: float
) -> None:
    """`{}` of a float32 and `{!r}` of a float64 print as many digits as tell it from its neighbours."""
    numbers = drawn(seed, 300, scale)
    found = column([form.format(np.float32(number) if form == "{}" else number) for number in numbers])
    assert zeros_dropped(found, {one.cell for one in found}) == {}


def test_of_few_numbers_and_of_one_that_says_how_far_it_may_be_off_nothing_is_dropped() -> None:
    texts = [f"0.12345{k}" for k in range(11, 100) if k % 10]
    short = column([*texts, "0.1234"])
    assert zeros_dropped(short, {short[-1].cell}) == {short[-1].cell: 3}
    assert zeros_dropped(short[-60:], {short[-1].cell}) == {}
    for other in ("0.1234(2)", "0.1234..", "1/3", "0"):
        odd = [*column(texts), finding(cell(100, "after", "w"), other, "0.1234")]
        assert zeros_dropped(odd, {odd[-1].cell}) == {}
    with_zero = column([*texts, "0.1230", "0.1234"])
    assert zeros_dropped(with_zero, {with_zero[-1].cell}) == {}


@pytest.mark.parametrize(("others", "is_told"), [(("5.000", "3.00", "-0.75"), True), (("5", "3.00", "-0.75"), False)])
def test_a_zero_beside_one_other_stands_for_as_many_places_as_the_coarsest_number_of_the_table(
    others: tuple[str, ...], is_told: bool
) -> None:
    column = [finding(FIRST, "0", "-0.3"), finding(SECOND, "-0.15", "-0.45")]
    table = [*column, *(finding(cell(k, "gradients", "w"), text, "1") for k, text in enumerate(others, 1))]
    assert [literal.unit for literal in zeros_of_places(table).values()] == ([Fraction(1, 100)] if is_told else [])
    assert zeros_of_places(column) == {}
