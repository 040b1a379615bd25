"""Random formulas of max, min, |x|, where, clip and sign inside one another, in other words and with a change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from derive.algebra.expression import Apply, Expr, Number, Ref, children, rebuild

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
        "at_most": lambda x, y: Fraction(x <= y),
        "equal": lambda x, y: Fraction(x == y),
        "at_least": lambda x, y: (1 + Fraction((x > y) - (x < y))) / 2,
        "div": lambda x, y: x / y,
        "exp": lambda x: Fraction(math.exp(x)),
        "where": lambda chosen, x, y: x if chosen else y,
    }
    return operations[getattr(expr, "op", "")](*args)


def call(op: str, *args: Expr) -> Expr:
    return Apply(op, args)


def formulas(functions: tuple[str, ...] = ("abs", "relu", "sign", "neg"), most: int = 5) -> st.SearchStrategy[Expr]:
    leaves = st.sampled_from([X, Y, X, Y, ZERO, ONE])

    def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        return st.one_of(
            st.builds(call, st.sampled_from(("add", "sub", "max", "min", "mul", "max", "min")), inner, inner),
            st.builds(call, st.sampled_from(functions), inner),
            st.builds(lambda x: call("clip", x, Number(Fraction(-1)), ONE), inner),
            st.builds(lambda a, b, x, y: call("where", call("greater", a, b), x, y), inner, inner, inner, inner),
        )

    return st.recursive(leaves, grown, max_leaves=most)


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
