"""A formula that somebody wrote, or that was made of one, as a person writes it."""

from __future__ import annotations

from collections.abc import Collection

from derive.algebra.expression import ONE, ZERO, Apply, Expr, Number, Reduce, Ref, children, rebuild, size, walk
from derive.algebra.monomial import collect


def shortest(expr: Expr) -> Expr:
    """Returns the formula tidied, and each product in it cancelled where it is shorter then: h - T for n*(h - T)/n."""
    return tidied(_cancelled(tidied(expr)))


def _cancelled(expr: Expr) -> Expr:
    whole = collect((expr,)).tree()
    found = whole if size(whole) < size(expr) else expr
    return rebuild(found, tuple(map(_cancelled, children(found))))


def has_indices(expr: Expr) -> bool:
    """Returns whether some name in the formula is read along an index."""
    return any(isinstance(part, Ref) and part.axes for part in walk(expr))


def without_indices(expr: Expr) -> Expr:
    """Returns the formula with x for x[i]."""
    if isinstance(expr, Ref):
        return Ref(expr.name)
    return rebuild(expr, tuple(map(without_indices, children(expr))))


def with_sums_of_1(expr: Expr, known: Collection[str]) -> Expr:
    """Returns the formula with 1 for the sum over the last index of a name that is `known` to have this sum."""
    match expr:
        case Reduce(op="sum", body=Ref(name=name, axes=axes), axes=over) if name in known:
            if axes and over == axes[-1:]:
                return ONE
    return rebuild(expr, tuple(with_sums_of_1(part, known) for part in children(expr)))


def is_fraction(expr: Expr) -> bool:
    """Whether the formula is one fraction, such as 1/2."""
    return isinstance(expr, Apply) and expr.op == "div" and all(isinstance(arg, Number) for arg in expr.args)


def tidied(expr: Expr) -> Expr:
    """Returns a formula as a person writes it: without factors 1, terms 0, and what is transposed or negated twice."""
    whole = rebuild(expr, tuple(map(tidied, children(expr))))
    if isinstance(whole, Apply):
        return _of_two(whole) if len(whole.args) == 2 else _of_one(whole)
    return whole


def _of_two(whole: Apply) -> Expr:
    match whole:
        case Apply(op="mul", args=(left, right)) if ONE in (left, right):
            return right if left == ONE else left
        case Apply(op="div" | "pow", args=(left, right)) if right == ONE:
            return left
        case Apply(op="div", args=(Number(value=above), Number(value=below))) if below and above % below == 0:
            return Number(above / below)
        case Apply(op="add" | "sub", args=(left, right)) if right == ZERO:
            return left
        case Apply(op="add", args=(left, right)) if left == ZERO:
            return right
        case Apply(op="sub", args=(left, right)) if left == ZERO:
            return tidied(Apply("neg", (right,)))
        case Apply(op="add" | "sub" as op, args=(left, Apply(op="neg", args=(right,)))):
            return Apply("sub" if op == "add" else "add", (left, right))
    return whole


def _of_one(whole: Apply) -> Expr:
    match whole:
        case Apply(op="neg" | "transpose" as op, args=(Apply(op=inner, args=(twice,)),)) if op == inner:
            return twice
        case Apply(op="neg", args=(Apply(op="sub", args=(left, right)),)):
            return Apply("sub", (right, left))
        case Apply(op="transpose", args=(Apply(op="matmul", args=args),)):
            return Apply("matmul", tuple(tidied(Apply("transpose", (arg,))) for arg in args[::-1]))
    return whole
