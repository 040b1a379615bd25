"""Zeros of differences along a line, exact where these are linear, and where a parabola turns."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from verify.points.lines import are_alike, reached, signs, within, zeros

NUMBERS = st.fractions(-100, 100, max_denominator=20)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5), NUMBERS, NUMBERS)
def test_every_zero_of_linear_differences_and_a_place_on_both_sides_of_it(
    lines: list[tuple[Fraction, Fraction]], low: Fraction, high: Fraction
) -> None:
    assume(low < high)

    def at(t: Fraction) -> tuple[Fraction, ...]:
        return tuple(slope * t + start for slope, start in lines)

    found = zeros(low, at(low), high, at(high))
    right = {-start / slope for slope, start in lines if slope and low < -start / slope < high}
    assert found == sorted(right)
    places = within(low, at(low), high, at(high))
    assert places == sorted(places)
    for before, after in zip((low, *places), (*places, high), strict=True):
        assert are_alike(signs(at(before)), signs(at(after)))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_the_zero_of_a_line_and_the_turn_of_a_parabola_are_reached(a: Fraction, b: Fraction, c: Fraction) -> None:
    assume(a or b)
    found = list(reached(a - b + c, c, a + b + c))
    if a and b:
        assert -b / (2 * a) in found
    if not a and c:
        assert -c / b in found


def test_without_a_value_is_another_case() -> None:
    assert not are_alike(None, (1,))
    assert are_alike(None, None)
    assert within(Fraction(0), None, Fraction(1), (Fraction(1),)) == [Fraction(1, 2)]
