"""Sums, means and the like over the axes that are named, or over all."""

from __future__ import annotations

from derive.algebra.axes import Typed
from derive.algebra.expression import Axes, Axis, Expr, Reduce
from derive.graph.scope import Scope


def reduction(scope: Scope, expr: Expr, op: str, body: Typed, wanted: Axes | None) -> Typed:
    """A sum, mean, logsumexp, max or min of `body`; `expr` is where it stands, `wanted` None where no axis is named."""
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
