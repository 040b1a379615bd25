"""The sum that a loss leaves in words: `l = e/n` over samples means Σᵢ eᵢ/n."""

from __future__ import annotations

from dataclasses import replace

from derive.algebra.expression import ONE, Apply, Expr, Number, Reduce, Ref, count, free_axes
from derive.errors import EquationError
from derive.graph.node import SIZE
from derive.paper.lines import Line


def summed(expr: Expr, line: Line, aside: str = "") -> Expr:
    """The loss summed over the samples, term by term where it divides by n; else it is refused.

    `aside` is what a message says last, in place of what is usual.
    """
    if isinstance(expr, Apply) and expr.op in ("add", "sub"):
        return replace(expr, args=tuple(summed(arg, line, aside) if free_axes(arg) else arg for arg in expr.args))
    if isinstance(expr, Apply) and expr.op == "neg":
        return replace(expr, args=(summed(expr.args[0], line, aside),))
    axes = free_axes(expr)
    if not all(_divides_by(expr, count(axis)) for axis in axes):
        usual = f"write {line.name} = mean(…) or {line.name} = sum(…), or give its upstream gradient as seed_gradient"
        raise EquationError(
            f"the loss {line.name!r} has a value for each {'sample' if axes[0].size == SIZE else 'entry'}; "
            f"expected one number{f'; {aside}' if aside else f': {usual}'}",
            line.place,
        )
    return Reduce("sum", expr, axes)


def _divides_by(expr: Expr, many: Expr) -> bool:
    """Whether `expr` is a product or quotient with the count among its divisors."""
    if not isinstance(expr, Apply) or not isinstance(many, Ref):
        return False
    match expr.op, expr.args:
        case "div", (top, bottom):
            return _divides_by(top, many) or _is_factor(bottom, many)
        case "mul", (left, right):
            return _divides_by(left, many) or _divides_by(right, many)
        case "neg", (inner,):
            return _divides_by(inner, many)
        case "pow", (base, exponent):
            minus_one = exponent in (Number(-ONE.value), Apply("neg", (ONE,)))
            return minus_one and _is_factor(base, many)
    return False


def _is_factor(expr: Expr, many: Ref) -> bool:
    if isinstance(expr, Apply) and expr.op == "mul":
        return any(_is_factor(arg, many) for arg in expr.args)
    return isinstance(expr, Ref) and expr.name == many.name
