"""Roots of quotients and products of what is positive, and powers that are between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verify.symbols.columns import Column
from verify.symbols.entry import Leaf
from verify.symbols.fractions import Ratio, Structure
from verify.symbols.powers import power, root
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Called, Manner

COLUMNS = {"p": Column(positive=True), "q": Column(positive=True), "s": Column(nonnegative=True)}
BETA = Fraction(9, 10)


def system() -> Symbolic:
    return Symbolic(32, Manner(), {}, {}, columns=COLUMNS)


def number(symbols: Symbolic, x: Ratio, at: Mapping[str, float]) -> float:
    """The value of a fraction; NaN where it has none."""

    def of_symbol(place: int) -> float:
        match symbols.field.keys[place]:
            case Leaf(name=name):
                return at[name]
            case Called(op="pow", args=args):
                base, exponent = (of_structure(arg) for arg in args)
                return float(base**exponent)
            case Called(op=op, args=(arg,)):
                inside = of_structure(arg)
                return inside ** (1 / int(op.removeprefix("root "))) if inside >= 0 else math.nan
        raise TypeError(symbols.field.keys[place])

    def of_terms(terms: tuple[tuple[object, tuple[tuple[int, int], ...]], ...]) -> float:
        return sum(
            float(Fraction(str(coefficient))) * math.prod(of_symbol(s) ** e for s, e in powers)
            for coefficient, powers in terms
        )

    def of_structure(structure: Structure) -> float:
        return of_terms(structure[0]) / of_terms(structure[1])

    return of_structure(symbols.field.structure(x))


NUMBERS = st.floats(0.25, 4)
EXPONENTS = st.tuples(*[st.integers(-3, 3)] * 4)


@given(EXPONENTS, st.integers(1, 7), st.integers(-3, 3), st.sampled_from([2, 3]), NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_root_is_the_root(
    exponents: tuple[int, ...], factor: int, plus: int, degree: int, p: float, q: float, s: float, a: float
) -> None:
    """Of a product of p, q > 0, s >= 0, any a, and c + p over 1 − 0.9^t: where it has a value, it is that."""
    symbols = system()
    field = symbols.field
    whole = field.number(Fraction(factor, 2))
    for name, exponent in zip("pqsa", exponents, strict=True):
        whole = field.multiply(whole, field.power(symbols.leaf(name, ()), exponent))
    whole = field.multiply(whole, field.add(field.number(plus), symbols.leaf("p", ())))
    decay = field.subtract(field.one, power(symbols, field.number(BETA), symbols.leaf("q", ())))
    whole = field.divide(whole, decay)
    for sign in (1, -1):
        at = {"p": p, "q": q, "s": s, "a": sign * a}
        value = number(symbols, whole, at)
        assume(abs(value) > 1e-9)
        found = number(symbols, root(symbols, whole, degree), at)
        assert math.isnan(found) if value < 0 else math.isclose(found, value ** (1 / degree), rel_tol=1e-9)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("p/q", ("p", "q"), True),
        ("a/q", ("a", "q"), True),  # where a < 0, both have no value
        ("p/a", ("p", "a"), False),
        ("s/p", ("s", "p"), True),
    ],
)
def test_a_root_of_a_quotient(one: str, other: tuple[str, str], is_same: bool) -> None:
    symbols = system()
    above, below = (symbols.leaf(name, ()) for name in one.split("/"))
    whole = root(symbols, symbols.field.divide(above, below), 2)
    parts = symbols.field.divide(*(root(symbols, symbols.leaf(name, ()), 2) for name in other))
    assert (whole == parts) is is_same


def test_what_may_be_0_is_not_taken_out_of_a_root() -> None:
    symbols = system()
    s, a = symbols.leaf("s", ()), symbols.leaf("a", ())
    whole = root(symbols, symbols.field.multiply(s, a), 2)  # 0 at s = 0, where √s √a has no value for a < 0
    assert whole != symbols.field.multiply(root(symbols, s, 2), root(symbols, a, 2))


@pytest.mark.parametrize(
    ("base", "exponent", "is_positive"),
    [
        (BETA, "p", True),
        (BETA, "a", False),  # t may be negative: 0.9^−1 is above 1
        (Fraction(11, 10), "p", False),
        (Fraction(1), "p", False),
        (Fraction(0), "p", False),
    ],
)
def test_one_minus_a_power_is_positive(base: Fraction, exponent: str, is_positive: bool) -> None:
    symbols = system()
    field = symbols.field
    found = field.subtract(field.one, power(symbols, field.number(base), symbols.leaf(exponent, ())))
    assert symbols.positive(found) is is_positive
    assert not symbols.positive(field.subtract(found, field.number(Fraction(1, 2))))


def test_what_is_not_negative() -> None:
    symbols = system()
    field = symbols.field
    p, s, a = (symbols.leaf(name, ()) for name in "psa")
    assert symbols.nonnegative(s)
    assert not symbols.positive(s)
    assert symbols.nonnegative(field.divide(field.negative(s), field.negative(p)))
    assert symbols.nonnegative(field.power(a, 2))
    assert not symbols.nonnegative(field.multiply(a, s))
    assert not symbols.nonnegative(field.subtract(s, p))
