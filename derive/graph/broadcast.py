"""Operands brought to common axes, and an operation applied to them element by element."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.axes import Typed, described
from derive.algebra.expression import ONE, Apply, Axes, Axis, Expr, Reduce, rename_axes
from derive.graph.implicit import is_unwritten
from derive.graph.scope import Scope


def elementwise(scope: Scope, expr: Expr, op: str, values: Sequence[Typed]) -> Typed:
    """Returns the operation `op` of the table applied to operands, each with its own axes, once they are `aligned`.

    `expr` is where it stands in the line. Raises `EquationError` for shapes that do not fit.
    """
    return applied(scope, expr, op, aligned(scope, expr, values))


def applied(scope: Scope, expr: Expr, op: str, beside: Sequence[Typed]) -> Typed:
    """Returns the operation `op` of the table applied to operands that are `aligned`.

    Its axes are those of all operands in a line with indices, else those of the operand with the most.
    """
    if scope.indexed:
        axes = tuple(dict.fromkeys(axis for value in beside for axis in value.axes))
    else:
        axes = max((value.axes for value in beside), key=len, default=())
    return Typed(Apply(op, tuple(value.expr for value in beside), getattr(expr, "column", None)), axes)


def aligned(scope: Scope, expr: Expr, values: Sequence[Typed]) -> list[Typed]:
    """Returns the operands along common axes: matched by letters in a line with indices, else from the last axis on.

    Raises `EquationError`, at `expr`, where the sizes of two matched axes differ.
    """
    if scope.indexed:
        return _aligned_unwritten(scope, expr, values)
    target = max((value.axes for value in values), key=len, default=())
    longest = next((value for value in values if value.axes == target), None)
    return [along(scope, expr, value, target, longest) for value in values]


def _aligned_unwritten(scope: Scope, expr: Expr, values: Sequence[Typed]) -> list[Typed]:
    """The operands of a line with indices: axes written without are matched from the last one on."""
    hidden = [tuple(filter(is_unwritten, value.axes)) for value in values]
    target = max(hidden, key=len, default=())
    found = []
    for value, own in zip(values, hidden, strict=True):
        matched = along(scope, expr, Typed(value.expr, own), target, values[hidden.index(target)])
        renamed = dict(zip(own, matched.axes, strict=True))
        found.append(Typed(matched.expr, tuple(renamed.get(axis, axis) for axis in value.axes)))
    return found


def along(scope: Scope, expr: Expr, value: Typed, target: Axes, longest: Typed | None = None) -> Typed:
    """Returns `value` read along the last axes of `target`; `longest`, the operand that has these, is for the message.

    Raises `EquationError`, at `expr`, where their sizes differ.
    """
    own = target[len(target) - len(value.axes) :]
    if not value.axes or value.axes == own:
        return value
    if any(mine.size != theirs.size for mine, theirs in zip(value.axes, own, strict=True)):
        raise scope.error(
            expr,
            f"{described(longest or Typed(ONE, target))} and {described(value)} do not fit together; "
            "expected equal sizes "
            "from the last on, or indices that say what is meant, such as a[i]*x[i,j]",
        )
    return Typed(rename_axes(value.expr, dict(zip(value.axes, own, strict=True))), own)


def reduction(scope: Scope, expr: Expr, op: str, body: Typed, wanted: Axes | None) -> Typed:
    """Returns the sum, mean, logsumexp, max or min of `body` over the axes `wanted`, or over all where it is None.

    They are found by their letters; `last` is the last one. Raises `EquationError`, at `expr`, for an axis that `body`
    does not have, and where it has none.
    """
    axes = body.axes if wanted is None else tuple(_axis(scope, expr, axis, body, op) for axis in wanted)
    if not axes:
        raise scope.error(expr, f"{op} of a single number; expected something that runs over samples or an index")
    kept = tuple(axis for axis in body.axes if axis not in axes)
    return Typed(Reduce(op, body.expr, axes, getattr(expr, "column", None)), kept)


def _axis(scope: Scope, expr: Expr, wanted: Axis, body: Typed, op: str) -> Axis:
    """The axis of `body` with the letter of `wanted`; `last` is the last one."""
    if wanted.letter == "last" and body.axes:
        return body.axes[-1]
    found = next((axis for axis in body.axes if axis.letter == wanted.letter), None)
    if found is None:
        runs = f"runs over {', '.join(map(str, body.axes))}" if body.axes else "is a single number"
        raise scope.error(expr, f"{op} over {wanted}: what it is taken of {runs}; expected an index that it has")
    return found
