"""Resolved expressions with their axes, and axes renamed so that no two different ones get the same letter."""

from __future__ import annotations

from dataclasses import dataclass

from derive.algebra.expression import (
    Axes,
    Axis,
    Expr,
    Reduce,
    Ref,
    children,
    free_axes,
    fresh_axes,
    fresh_axis,
    rebuild,
    rename_axes,
    taken_axes,
)


@dataclass(frozen=True)
class Typed:
    """A resolved expression and its axes in order, as PyTorch orders the dimensions of a tensor."""

    expr: Expr
    axes: Axes


def apart(expr: Expr, taken: frozenset[Axis]) -> Expr:
    """Returns `expr` with other letters for reductions over letters of `taken`: xᵢ − (1/n) Σⱼ xⱼ for x − mean(x)."""
    if isinstance(expr, Reduce):
        axes = expr.axes or ()
        around = taken | frozenset(free_axes(expr.body)) - frozenset(axes)
        letters = {axis.letter for axis in around}
        renamed = fresh_axes((axis for axis in axes if axis.letter in letters), around | taken_axes(expr.body))
        body = rename_axes(expr.body, renamed)
        new_axes = tuple(renamed.get(axis, axis) for axis in axes)
        return Reduce(expr.op, apart(body, around | frozenset(new_axes)), new_axes, expr.column)
    return rebuild(expr, tuple(apart(part, taken) for part in children(expr)))


def new_letters(axes: Axes, taken: Axes) -> dict[Axis, Axis]:
    """Maps each of `axes` to one with a letter that is not in `taken`; it stays where its letter is not."""
    renamed: dict[Axis, Axis] = {}
    for axis in axes:
        if axis.letter in {other.letter for other in taken}:
            renamed[axis] = fresh_axis(axis, [*taken, *axes, *renamed.values()])
        else:
            renamed[axis] = axis
    return renamed


def shape_text(axes: Axes) -> str:
    """Returns the sizes of the axes as a shape, for messages: (n, 3), (2,)."""
    return f"({', '.join(str(axis.size) for axis in axes)}{',' if len(axes) == 1 else ''})"


def described(value: Typed) -> str:
    """`x of the shape (n, 3)`, or the shape alone of what has no name."""
    shape = f"the shape {shape_text(value.axes)}" if value.axes else "a single number"
    return f"{value.expr.name} of {shape}" if isinstance(value.expr, Ref) and value.axes else shape
