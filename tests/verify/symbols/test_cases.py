"""Formulas with max, min, |x|, where, clip and sign, equal in every case: what is found equal is, at every tie too."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra.expression import Expr, Number, Ref, children
from tests.piecewise import GRID, ONE, ZERO, X, Y, anywhere, call, formulas, number
from verify.symbols.cases import always_zero
from verify.symbols.entry import Letter
from verify.symbols.fractions import Ratio
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner

MANNERS = (Manner(), Manner(by_cases=True), Manner(rewritten=True, by_cases=True))


def fraction(symbols: Symbolic, expr: Expr) -> Ratio:
    if isinstance(expr, Number):
        return symbols.number(expr.value)
    if isinstance(expr, Ref):
        return symbols.leaf(expr.name, ())
    return symbols.apply(getattr(expr, "op", ""), [fraction(symbols, part) for part in children(expr)])


def found_equal(x: Expr, y: Expr, manner: Manner = MANNERS[0]) -> bool:
    symbols = Symbolic(128, manner, {}, {})
    difference = symbols.field.subtract(fraction(symbols, x), fraction(symbols, y))
    return bool(difference.top.is_zero()) or always_zero(symbols, difference)


@st.composite
def pairs(draw: st.DrawFn, ways: str) -> tuple[Expr, Expr]:
    expr = draw(formulas())
    return expr, anywhere(draw, expr, ways)


@settings(deadline=None, max_examples=150)
@given(pairs("changed") | pairs("equal") | st.tuples(formulas(), formulas()), st.sampled_from(MANNERS))
def test_what_is_found_equal_is_equal_everywhere(pair: tuple[Expr, Expr], manner: Manner) -> None:
    if found_equal(*pair, manner):
        for at in GRID:
            assert number(pair[0], at) == number(pair[1], at), at


OFF_KINKS = [
    dict(zip("xy", (Fraction(x, 97), Fraction(y, 89)), strict=True))
    for x, y in product((-301, -98, -96, -13, -1, 1, 40, 96, 98, 311), (-290, -90, -88, -11, -2, 3, 45, 88, 90, 301))
]


@settings(deadline=None, max_examples=150)
@given(pairs("changed") | pairs("equal") | st.tuples(formulas(), formulas()), st.booleans())
def test_what_is_found_equal_off_kinks_is_equal_there(pair: tuple[Expr, Expr], by_cases: bool) -> None:
    if found_equal(*pair, Manner(off_kinks=True, by_cases=by_cases)):
        for at in OFF_KINKS:
            assert number(pair[0], at) == number(pair[1], at), at


def exp(x: Expr) -> Expr:
    return call("exp", x)


INSIDE = call("greater", ONE, call("abs", X))


@pytest.mark.parametrize(
    ("left", "right", "changed"),
    [
        (exp(call("min", X, ZERO)), call("min", ONE, exp(X)), call("min", ONE, X)),
        (exp(call("abs", X)), call("max", exp(X), exp(call("neg", X))), exp(X)),
        (call("greater", exp(X), exp(Y)), call("greater", X, Y), call("greater", Y, X)),
        (call("greater", exp(X), ONE), call("greater", X, ZERO), call("greater", X, ONE)),
        (
            INSIDE,
            call("sub", call("greater", ONE, X), call("at_most", X, call("neg", ONE))),
            X,
        ),
        (
            call("div", X, call("add", ONE, call("relu", X))),
            call("where", call("greater", X, ZERO), call("div", X, call("add", ONE, X)), X),
            call("div", X, call("add", ONE, X)),
        ),
    ],
)
def test_functions_of_what_is_compared(left: Expr, right: Expr, changed: Expr) -> None:
    manners = [Manner(rewritten, by_cases=True) for rewritten in (False, True)]
    assert any(found_equal(left, right, manner) for manner in manners)
    assert not any(found_equal(left, changed, manner) for manner in manners)


def test_whole_numbers_are_compared_as_such() -> None:
    symbols = Symbolic(128, Manner(), {"y": 3}, {})
    label, other = symbols.leaf("y", ()), symbols.leaf("x", ())
    one, two = symbols.number(Fraction(1)), symbols.number(Fraction(2))
    for value, is_equal in ((label, True), (other, False)):
        pair = symbols.apply("at_most", [value, one]), symbols.apply("greater", [two, value])
        assert always_zero(symbols, symbols.field.subtract(*pair)) is is_equal
    beyond = symbols.apply("greater", [symbols.number(Fraction(0)), label])
    assert always_zero(symbols, beyond)  # a label is not negative


def test_what_vanishes_on_a_whole_side_is_no_kink() -> None:
    """sign(max(x, 0)) is 0 for every x < 0, and not what it is for a positive one."""
    for by_cases in (False, True):
        manner = Manner(off_kinks=True, by_cases=by_cases)
        assert not found_equal(call("sign", call("relu", X)), ONE, manner)
        assert found_equal(call("sign", call("relu", X)), call("greater", X, ZERO), manner)
        within = call("clip", X, call("neg", ONE), ONE)  # x is that for all x near 0
        pair = call("where", call("greater", X, within), X, Y), call("where", call("greater", within, X), Y, X)
        assert not found_equal(*pair, manner)


def test_that_two_are_equal_is_a_kink_only_where_that_is_so_at_single_numbers() -> None:
    """X = 0 beside x > 0 is; x = clip(x, −1, 1), which is so for all small x, and a label that is 1, are none."""
    for by_cases in (False, True):
        manner = Manner(off_kinks=True, by_cases=by_cases)
        within = call("clip", X, call("neg", ONE), ONE)
        for other, is_kink in ((ZERO, True), (call("mul", Y, Y), True), (within, False)):
            above, same = call("greater", X, other), call("equal", X, other)
            assert found_equal(call("add", above, same), above, manner) is is_kink
            assert not found_equal(same, call("mul", ZERO, X), manner)  # no kink where nothing is compared with it
    symbols = Symbolic(128, Manner(off_kinks=True), {"y": 3}, {})
    label, double = symbols.leaf("y", ()), symbols.number(Fraction(1))
    symbols.apply("greater", [symbols.apply("add", [label, label]), symbols.apply("add", [label, double])])
    found = symbols.apply("equal", [symbols.apply("add", [label, label]), symbols.apply("add", [label, double])])
    assert not always_zero(symbols, found)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (call("max", X, call("max", Y, ONE)), call("max", call("max", ONE, X), Y)),
        (call("abs", call("mul", X, Y)), call("mul", call("abs", X), call("abs", Y))),
        (call("sign", call("mul", X, Y)), call("mul", call("sign", X), call("sign", Y))),
        (call("abs", call("abs", X)), call("abs", X)),
        (call("max", call("mul", X, X), ZERO), call("mul", X, X)),
        (call("clip", X, ZERO, ONE), call("sub", call("relu", X), call("relu", call("sub", X, ONE)))),
        (call("relu", call("add", call("relu", X), ONE)), call("add", call("relu", X), ONE)),
    ],
)
def test_equal_in_every_case(left: Expr, right: Expr) -> None:
    assert found_equal(left, right)
    assert not found_equal(left, call("add", right, call("relu", X)))


def test_a_tie_counts() -> None:
    first, other = call("where", call("greater", X, Y), ONE, ZERO), call("where", call("greater", Y, X), ZERO, ONE)
    assert not found_equal(first, other)  # 0 and 1 where x = y
    assert found_equal(call("mul", call("sub", X, Y), first), call("mul", call("sub", X, Y), other))


AT = Letter(0, "n")


def open_sums(left: str, right: str, factor: str = "1") -> bool:
    """Whether factor·(Σᵢ left − Σᵢ right) is found to be 0; in them x is x[i], the entry at i, and w one number."""
    symbols = Symbolic(128, Manner(), {}, {})
    names = {"x": symbols.leaf("x", (AT,)), "w": symbols.leaf("w", ()), "1": symbols.number(Fraction(1))}
    texts = {
        "x > 0": ("greater", ("x", "0")),
        "w > 0": ("greater", ("w", "0")),
        "|x|": ("abs", ("x",)),
        "|w|": ("abs", ("w",)),
        "|w| |x|": ("mul", ("|w|", "|x|")),
        "w |x|": ("mul", ("w", "|x|")),
        "w x": ("mul", ("w", "x")),
        "|w x|": ("abs", ("w x",)),
        "x max(x, 0)": ("mul", ("x", "max(x, 0)")),
        "max(x, 0)": ("max", ("x", "0")),
        "max(x, 0)^2": ("mul", ("max(x, 0)", "max(x, 0)")),
    }

    def of(text: str) -> Ratio:
        if text == "0":
            return symbols.number(Fraction(0))
        if text in names:
            return names[text]
        op, args = texts[text]
        return symbols.apply(op, [of(arg) for arg in args])

    sums = [symbols.summed(of(text), AT) for text in (left, right)]
    difference = symbols.field.multiply(of(factor), symbols.field.subtract(*sums))
    return bool(difference.top.is_zero()) or always_zero(symbols, difference)


def test_sums_over_an_open_index_are_compared_summand_by_summand() -> None:
    assert open_sums("|w x|", "|w| |x|")
    assert open_sums("x max(x, 0)", "max(x, 0)^2")
    assert open_sums("|w| |x|", "w |x|", "w > 0")  # where w is positive
    assert not open_sums("|w| |x|", "w |x|")
    assert not open_sums("|w x|", "w x", "w > 0")
    assert not open_sums("x max(x, 0)", "max(x, 0)")


def test_what_is_known_of_one_index_is_not_known_of_the_others() -> None:
    assert not open_sums("|x|", "x", "x > 0")  # x[i] > 0 at one i; the sum runs over all
