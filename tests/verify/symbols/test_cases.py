"""Formulas with max, min, |x|, where, clip and sign, equal in every case: what is found equal is, at every tie too."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Expr, Number, Ref, children, rebuild
from verify.symbols.cases import always_zero
from verify.symbols.entry import Letter
from verify.symbols.fractions import Ratio
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner

X, Y = Ref("x", ()), Ref("y", ())
ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))
PLACES = tuple(map(Fraction, ("-3", "-1", "-1/2", "0", "1/3", "1", "5/2")))
GRID = [dict(zip("xy", place, strict=True)) for place in product(PLACES, repeat=2)]


def number(expr: Expr, at: Mapping[str, Fraction]) -> Fraction:
    """The value at a point, by what the operations mean."""
    if isinstance(expr, Number):
        return expr.value
    if isinstance(expr, Ref):
        return at[expr.name]
    args = [number(part, at) for part in children(expr)]
    operations = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "neg": lambda x: -x,
        "max": max,
        "min": min,
        "abs": abs,
        "relu": lambda x: max(x, Fraction(0)),
        "sign": lambda x: Fraction((x > 0) - (x < 0)),
        "clip": lambda x, low, high: min(max(x, low), high),
        "greater": lambda x, y: Fraction(x > y),
        "where": lambda chosen, x, y: x if chosen else y,
    }
    return operations[getattr(expr, "op", "")](*args)


def fraction(symbols: Symbolic, expr: Expr) -> Ratio:
    if isinstance(expr, Number):
        return symbols.number(expr.value)
    if isinstance(expr, Ref):
        return symbols.leaf(expr.name, ())
    return symbols.apply(getattr(expr, "op", ""), [fraction(symbols, part) for part in children(expr)])


def found_equal(x: Expr, y: Expr) -> bool:
    symbols = Symbolic(128, Manner(), {}, {})
    difference = symbols.field.subtract(fraction(symbols, x), fraction(symbols, y))
    return bool(difference.top.is_zero()) or always_zero(symbols, difference)


def call(op: str, *args: Expr) -> Expr:
    return Apply(op, args)


def formulas() -> st.SearchStrategy[Expr]:
    leaves = st.sampled_from([X, Y, X, Y, ZERO, ONE])

    def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        return st.one_of(
            st.builds(call, st.sampled_from(("add", "sub", "max", "min", "mul", "max", "min")), inner, inner),
            st.builds(call, st.sampled_from(("abs", "relu", "sign", "neg")), inner),
            st.builds(lambda x: call("clip", x, Number(Fraction(-1)), ONE), inner),
            st.builds(lambda a, b, x, y: call("where", call("greater", a, b), x, y), inner, inner, inner, inner),
        )

    return st.recursive(leaves, grown, max_leaves=5)


def equal_ways(expr: Expr) -> list[Expr]:
    """The same in other operations."""
    match expr:
        case Apply(op="max", args=(x, y)):
            return [
                call("max", y, x),
                call("where", call("greater", x, y), x, y),
                call("neg", call("min", call("neg", x), call("neg", y))),
                call("add", x, call("relu", call("sub", y, x))),
            ]
        case Apply(op="min", args=(x, y)):
            return [call("sub", call("add", x, y), call("max", x, y)), call("where", call("greater", x, y), y, x)]
        case Apply(op="abs", args=(x,)):
            return [call("max", x, call("neg", x)), call("mul", x, call("sign", x))]
        case Apply(op="relu", args=(x,)):
            return [call("max", ZERO, x), call("sub", x, call("min", x, ZERO))]
        case Apply(op="clip", args=(x, low, high)):
            return [call("max", low, call("min", x, high))]
    return [call("max", expr, expr), call("sub", call("relu", expr), call("relu", call("neg", expr)))]


def changed_ways(expr: Expr) -> list[Expr]:
    """Nearly the same."""
    match expr:
        case Apply(op="max" | "min" as op, args=args):
            return [call("min" if op == "max" else "max", *args), *args]
        case Apply(op="abs" | "relu", args=(x,)):
            return [x, call("neg", expr)]
        case Apply(op="clip", args=(x, low, high)):
            return [call("max", x, low), call("min", x, high)]
        case Apply(op="where", args=(Apply(args=(a, b)), x, y)):
            return [call("where", call("greater", b, a), y, x)]  # another value where both are equal
    return [call("add", expr, call("abs", X)), call("relu", expr)]


def anywhere(draw: st.DrawFn, expr: Expr, ways: str) -> Expr:
    """The expression with a part of it replaced."""
    parts = children(expr)
    places = {"where": (1, 2), "clip": (0,)}.get(getattr(expr, "op", ""), range(len(parts)))
    if parts and draw(st.booleans()):
        place = draw(st.sampled_from(places))
        new = anywhere(draw, parts[place], ways)
        return rebuild(expr, (*parts[:place], new, *parts[place + 1 :]))
    return draw(st.sampled_from(equal_ways(expr) if ways == "equal" else changed_ways(expr)))


@st.composite
def pairs(draw: st.DrawFn, ways: str) -> tuple[Expr, Expr]:
    expr = draw(formulas())
    return expr, anywhere(draw, expr, ways)


@settings(deadline=None, max_examples=150)
@given(pairs("changed") | pairs("equal") | st.tuples(formulas(), formulas()))
def test_what_is_found_equal_is_equal_everywhere(pair: tuple[Expr, Expr]) -> None:
    if found_equal(*pair):
        for at in GRID:
            assert number(pair[0], at) == number(pair[1], at), at


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
