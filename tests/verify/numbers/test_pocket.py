"""What somebody carries who writes down a few digits of every number."""

from __future__ import annotations

import decimal
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verify.numbers import (
    Forms,
    PocketForms,
    PocketNumbers,
    Rounds,
    as_ball,
    carried,
    from_fraction,
    likely,
    to_fraction,
)
from verify.numbers.pocket import DEVIATIONS, MANY, Carried

NUMBERS = st.decimals(-9999, 9999, allow_nan=False, allow_infinity=False, places=4)
MODES = st.sampled_from((decimal.ROUND_HALF_UP, decimal.ROUND_HALF_EVEN, decimal.ROUND_HALF_DOWN, decimal.ROUND_DOWN))


@pytest.mark.parametrize(
    ("size", "digits", "places", "half"),
    [
        ("123.4", 3, 9, "0.5"),
        ("99.94", 3, 9, "0.05"),
        ("100", 3, 9, "0.5"),
        ("1", 3, 9, "0.005"),
        ("0.1", 3, 9, "0.0005"),
        ("0.0999", 3, 9, "0.00005"),
        ("0.001", 2, 9, "0.00005"),
        ("0.001", 2, 2, "0.005"),  # no more than two places after the point
        ("0", 2, 2, "0.005"),
    ],
)
def test_half_a_unit_of_the_last_digit_that_is_carried(size: str, digits: int, places: int, half: str) -> None:
    assert Carried(digits, places).half(Fraction(size)) == Fraction(half)


def test_what_is_printed_says_what_is_carried() -> None:
    assert carried([(3, 2), (5, 1), (2, 4)]) == Carried(5, 4)
    assert carried([]) is None
    assert carried([(1, 0)]) is None
    assert carried([(17, 16)]) is None  # a program's


@given(st.lists(NUMBERS, min_size=2, max_size=5), st.integers(2, 6), MODES)
def test_every_rounded_calculation_is_inside(values: list[Decimal], digits: int, mode: str) -> None:
    """The product of the first two, and the sum of all, in any way of rounding."""
    pocket = Context(prec=digits, rounding=mode)
    values = [pocket.plus(value) for value in values]
    system = PocketForms(Carried(digits, 99, is_cut=mode == decimal.ROUND_DOWN))
    arrays = [system.constant(Fraction(value)) for value in values]
    product = pocket.multiply(values[0], values[1])
    total = values[0]
    for value in values[1:]:
        total = pocket.add(total, value)
    row = system.constant(Fraction(0)).repeat(len(values))
    row[:] = [array.item() for array in arrays]
    for form, found in ((system.apply("mul", (arrays[0], arrays[1])), product), (system.reduce("sum", row), total)):
        assert as_ball(form.item().ball).contains(from_fraction(Fraction(found)))


def test_a_number_with_no_more_digits_is_not_rounded() -> None:
    system = PocketForms(Carried(2, 99))
    ten, half = system.constant(Fraction(10)), system.constant(Fraction(1, 2))
    assert system.apply("mul", (ten, half)).item().is_fixed
    assert not system.apply("div", (half, system.constant(Fraction(3)))).item().is_fixed


@pytest.mark.parametrize("size", ["1e-400", "1e90"])
def test_next_to_nothing_and_a_large_number_are_rounded(size: str) -> None:
    system = PocketForms(Carried(3, 2))
    third = system.apply("div", (system.constant(Fraction(size)), system.constant(Fraction(3))))
    assert third.item().radius > 0


def test_of_a_number_that_nobody_carries_nothing_is_known() -> None:
    system = PocketForms(Carried(3, 2))
    found = system.apply("exp", (system.constant(Fraction(10**9)),))
    assert not as_ball(found.item().ball).is_finite()


@pytest.mark.parametrize(("value", "ends"), [("1.2345", ("1.2245", "1.2345")), ("-1.2345", ("-1.2345", "-1.2245"))])
def test_cutting_off_allows_as_much_as_rounding_nearer_to_zero(value: str, ends: tuple[str, str]) -> None:
    for is_cut, (low, high) in ((True, ends), (False, (f"{float(value) - 0.005:.4f}", f"{float(value) + 0.005:.4f}"))):
        system = PocketForms(Carried(3, 9, is_cut=is_cut))
        form = system.apply("mul", (system.constant(Fraction(value)), system.constant(Fraction(1)))).item()
        ball, room = as_ball(form.ball), Fraction(1, 10**9)
        assert (
            as_ball(from_fraction(Fraction(low) + room)) > ball.lower() > as_ball(from_fraction(Fraction(low) - room))
        )
        assert (
            as_ball(from_fraction(Fraction(high) - room)) < ball.upper() < as_ball(from_fraction(Fraction(high) + room))
        )


@given(st.lists(NUMBERS, min_size=2, max_size=5), st.integers(2, 6), MODES)
def test_a_person_who_rounds_in_one_way_has_these_numbers(values: list[Decimal], digits: int, mode: str) -> None:
    """The product of the first two, and the sum of all, as Python's decimals have them."""
    assume(mode != decimal.ROUND_HALF_DOWN)
    pocket = Context(prec=digits, rounding=mode)
    values = [pocket.plus(value) for value in values]
    carries = Carried(digits, 99, is_cut=mode == decimal.ROUND_DOWN)
    system = PocketNumbers(carries, Rounds.RESULTS, to_even=mode == decimal.ROUND_HALF_EVEN)
    arrays = [system.constant(Fraction(value)) for value in values]
    total = values[0]
    for value in values[1:]:
        total = pocket.add(total, value)
    row = system.constant(Fraction(0)).repeat(len(values))
    row[:] = [array.item() for array in arrays]
    assert to_fraction(system.apply("mul", (arrays[0], arrays[1])).item().centre) == pocket.multiply(*values[:2])
    assert to_fraction(system.reduce("sum", row).item().centre) == total


@given(NUMBERS, st.integers(0, 3), MODES)
def test_places_after_the_point_are_carried(value: Decimal, places: int, mode: str) -> None:
    assume(mode != decimal.ROUND_HALF_DOWN)
    carries = Carried(99, places, is_cut=mode == decimal.ROUND_DOWN)
    found, _ = carries.of(from_fraction(Fraction(value)), to_even=mode == decimal.ROUND_HALF_EVEN)
    assert to_fraction(found) == value.quantize(Decimal(1).scaleb(-places), rounding=mode)


@pytest.mark.parametrize(("group", "rounds", "is_rounded"), [
    ("nodes", Rounds.RESULTS, False),  # it is rounded where it is calculated
    ("nodes", Rounds.LINES, True),
    ("nodes", Rounds.STEPS, False),
    ("gradients", Rounds.STEPS, True),
    ("inside", Rounds.LINES, True),
    ("inside", Rounds.VALUES, False),
    ("inside", Rounds.UPDATES, True),
    ("adjoints", Rounds.UPDATES, False),
    ("state", Rounds.STEPS, True),
    ("state", Rounds.PARAMETERS, False),
    ("gradients", Rounds.PARAMETERS, False),
    ("after", Rounds.PARAMETERS, True),
])  # fmt: skip
def test_what_is_written_down_is_rounded(group: str, rounds: Rounds, is_rounded: bool) -> None:
    system = PocketNumbers(Carried(2, 99), rounds)
    [form] = system.written(group, system.constants([Fraction(314, 100)]))
    assert to_fraction(form.centre) == Fraction(31 if is_rounded else 31 + Fraction(4, 10), 10)


@pytest.mark.parametrize("system", [
    PocketNumbers(Carried(99, 2), Rounds.VALUES),
    PocketForms(Carried(99, 2)),
])  # fmt: skip
def test_nobody_calculates_a_term_that_is_multiplied_by_zero(system: PocketNumbers | PocketForms) -> None:
    """0·log(p) and 0/p of a p that is rounded to 0.00, and of one that may be; but 1·log(0.00) tells nothing."""
    zero, one, p = (system.constant(Fraction(value)) for value in (0, 1, "0.001"))
    rounded = system.written("nodes", p) if isinstance(system, PocketNumbers) else system.apply("mul", (p, p))
    logarithm = system.apply("log", (rounded,))
    assert system.apply("mul", (zero, logarithm)).item().centre == 0
    assert system.apply("div", (zero, rounded)).item().centre == 0
    assert not as_ball(system.apply("mul", (one, logarithm)).item().ball).is_finite()


def test_a_tie_is_noticed() -> None:
    for value, is_tie in (("1.25", True), ("1.26", False), ("1.2", False)):
        system = PocketNumbers(Carried(2, 99), Rounds.LINES)
        system.written("loss", system.constants([Fraction(value)]))
        assert system.has_met_tie is is_tie


def test_roundings_together_are_likely_to_be_no_further_off_than_some_deviations() -> None:
    """The sum of n numbers that are off by half a unit each: together by √(n/3)·k halves."""
    system = PocketForms(Carried(3, 2))
    thirds = system.constants([Fraction(k, 7) for k in range(70, 1070, 10)])
    one = system.apply("mul", (thirds, system.constant(Fraction(1))))
    total = likely(Forms().reduce("sum", one).item()).radius
    halves = [system.carried.half(Fraction(k, 7)) for k in range(70, 1070, 10) if k % 7]
    assert float(total) == pytest.approx(DEVIATIONS * float(sum(half**2 for half in halves) / 3) ** 0.5, rel=1e-6)
    assert float(likely(one[0]).radius) <= 0.005


def test_many_roundings_are_held_together_by_their_variance() -> None:
    """In a sum of 300 numbers that are rounded after each addition there are more than are held apart."""
    system = PocketForms(Carried(99, 2))
    row = system.constants([Fraction(k, 7) for k in range(1, 301) if k % 7])
    total = system.reduce("sum", row).item()
    assert len(total.parts) <= MANY + 1
    expected = DEVIATIONS * 0.005 * ((len(row) - 1) / 3) ** 0.5
    assert 0.9 * expected < float(likely(total).radius) < 1.02 * expected


def test_a_sum_is_rounded_before_it_is_divided_only_where_somebody_does_so() -> None:
    """2.46/3 is 0.82 by two digits, and of the sum that is rounded to 2.5 it is 0.83."""
    mean = Fraction("2.46") / 3
    for sums, expected in ((False, "0.82"), (True, "0.83")):
        system = PocketNumbers(Carried(2, 99), Rounds.VALUES, sums=sums)
        [form] = system.written("gradients", system.constants([mean]), 3)
        assert to_fraction(form.centre) == Fraction(expected)
        [alone] = system.written("after", system.constants([mean]), 3)
        assert to_fraction(alone.centre) == Fraction("0.82")  # no mean


def test_gradients_may_have_fewer_digits() -> None:
    system = PocketNumbers(Carried(99, 4), Rounds.STEPS, of_gradients=Carried(99, 2))
    numbers = system.constants([Fraction("0.12346")])
    found = [system.written(group, numbers).item() for group in ("gradients", "after", "nodes")]
    assert [to_fraction(form.centre) for form in found] == [Fraction(text) for text in ("0.12", "0.1235", "0.12346")]
    system.written("gradients", system.constants([Fraction("0.125")]))
    assert system.has_met_tie
    [even] = system.halves_to_even().written("gradients", system.constants([Fraction("0.125")]))
    assert to_fraction(even.centre) == Fraction("0.12")
