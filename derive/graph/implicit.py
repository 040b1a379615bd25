"""Axes without a letter, in a line that has letters for others: in `sum(a[i]*sum(b), i)` the one of b.

Such an axis is marked until it is summed; then it gets a letter that nobody wrote. One that is not
summed is refused: which axes belong together is not said.
"""

from __future__ import annotations

from dataclasses import replace

from derive.algebra.axes import Typed, shape_text
from derive.algebra.expression import (
    ONE,
    Apply,
    Axis,
    Expr,
    Number,
    Reduce,
    Ref,
    count,
    free_axes,
    fresh_axis,
    rename_axes,
    taken_axes,
    walk,
)
from derive.errors import NoLossError
from derive.graph.node import SAMPLES, SIZE
from derive.graph.scope import Scope
from derive.paper.lines import Line

_MARK = "°"


def is_unwritten(axis: Axis) -> bool:
    """Whether the axis stands in a line with indices without being written."""
    return axis.letter.endswith(_MARK)


def unwritten(axis: Axis, scope: Scope) -> Axis:
    """Returns what `axis` is called in a line with indices where its name is written without.

    That is a marked letter; for the samples, the letter that the line has for them, or a letter nobody wrote.
    """
    if axis.size != SIZE:
        return Axis(axis.letter + _MARK, axis.size)
    found = (scope.index_of(letter) for letter in sorted(scope.letters))
    taken = scope.index_of(SAMPLES.letter) is not None
    spare = fresh_axis(SAMPLES, [Axis(letter) for letter in scope.letters]) if taken else SAMPLES
    return next((own for own in found if own is not None and own.size == SIZE), spare)


def lettered(whole: Typed, scope: Scope) -> Typed:
    """Returns `whole`, the right-hand side, with new letters for its marked axes.

    Raises `EquationError` for a marked axis that is not summed.
    """
    refuse_unwritten(scope.line.expr, whole, scope)
    renamed: dict[Axis, Axis] = {}
    for axis in sorted(filter(is_unwritten, taken_axes(whole.expr))):
        plain = Axis(axis.letter.removesuffix(_MARK), axis.size)
        renamed[axis] = fresh_axis(plain, [*taken_axes(whole.expr), *renamed.values()])
    return Typed(rename_axes(whole.expr, renamed), whole.axes)


def refuse_unwritten(expr: Expr, value: Typed, scope: Scope) -> None:
    """Raises `EquationError` where `value` still runs over an axis without a letter; the caret is under its name."""
    if not any(map(is_unwritten, value.axes)):
        return
    refs = (part for part in walk(value.expr) if isinstance(part, Ref))
    bare = next((ref for ref in refs if any(map(is_unwritten, ref.axes or ()))), None)
    name = bare.name if bare else "a tensor"
    raise scope.error(
        bare or expr,
        f"{name} has the shape {shape_text(scope.nodes[name].axes) if bare else shape_text(value.axes)} and is "
        f"written without indices in a line that has them; write them, such as {name}[k]",
    )


def summed(expr: Expr, line: Line, aside: str = "") -> Expr:
    """Returns the right-hand side `expr` of the loss summed over its axes, term by term.

    Raises `NoLossError` for a term that does not divide by the number of values of its axes, such as n. The message
    ends with `aside`, or with the usual advice where that is empty.
    """
    if isinstance(expr, Apply) and expr.op in ("add", "sub"):
        return replace(expr, args=tuple(summed(arg, line, aside) if free_axes(arg) else arg for arg in expr.args))
    if isinstance(expr, Apply) and expr.op == "neg":
        return replace(expr, args=(summed(expr.args[0], line, aside),))
    axes = free_axes(expr)
    if not all(_divides_by(expr, count(axis)) for axis in axes):
        usual = f"write {line.name} = mean(…) or {line.name} = sum(…), or give its upstream gradient as seed_gradient"
        raise NoLossError(
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
