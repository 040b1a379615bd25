"""The maximum as a symbol: exactly one of several is the largest, where two are equal on a kink alone."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from verify.symbols.entry import Leaf
from verify.symbols.fractions import SIZES, Ratio
from verify.symbols.largest import largest
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner


def symbols() -> Symbolic:
    return Symbolic(SIZES[-1], Manner(off_kinks=True, largest=True), {}, {})


def own(numbers: Symbolic, count: int) -> list[Ratio]:
    return [numbers.leaf("z", (k,)) for k in range(count)]


@given(st.integers(2, 8), st.sampled_from(("max", "min")))
def test_exactly_one_is_chosen(count: int, op: str) -> None:
    numbers = symbols()
    field = numbers.field
    values = own(numbers, count)
    found = numbers.reduce(op, values)
    chosen = [numbers.apply("equal", (value, found)) for value in values]
    assert field.total(chosen) == field.one
    for k, one in enumerate(chosen):
        assert field.multiply(one, one) == one
        assert numbers.apply("equal", (found, values[k])) == one
        beyond, short = ("greater", (values[k], found)), ("greater", (found, values[k]))
        if op == "min":
            beyond, short = short, beyond
        assert numbers.apply(beyond[0], beyond[1]) == field.zero
        assert numbers.apply(short[0], short[1]) == field.subtract(field.one, one)
    assert field.multiply(chosen[0], chosen[1]) == field.zero
    assert numbers.reduce(op, values[::-1]) == found


def test_another_number_is_not_one_of_them() -> None:
    numbers = symbols()
    values = own(numbers, 3)
    found = numbers.reduce("max", values)
    other = numbers.apply("equal", (numbers.leaf("y", ()), found))
    assert other not in (numbers.field.zero, numbers.field.one)
    assert all(other != numbers.apply("equal", (value, found)) for value in values)


def test_what_may_be_equal_everywhere_has_no_symbol() -> None:
    """Twice the same, numbers, and clip(z, 0, 1) beside clip(y, 0, 1), which are both 0 at all negative z and y."""
    numbers = symbols()
    z, y = numbers.leaf("z", ()), numbers.leaf("y", ())
    zero, one = numbers.number(Fraction(0)), numbers.number(Fraction(1))
    clipped = [numbers.apply("min", (numbers.apply("max", (each, zero)), one)) for each in (z, y)]
    assert largest(numbers, [z, z]) is None
    assert largest(numbers, [zero, zero]) is None
    assert largest(numbers, clipped) is None
    assert largest(numbers, [z]) is None
    signed = [numbers.apply("abs", (each,)) for each in (z, y)]
    assert largest(numbers, signed) is not None
    assert Leaf("z", ()) in numbers.field.places
