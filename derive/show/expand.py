"""Lines with what they stand for: named formulas written out, and softmax by its name where it comes up again."""

from __future__ import annotations

from collections.abc import Mapping

from derive.closed import readable
from derive.expression import (
    Apply,
    Axis,
    Expr,
    Position,
    Reduce,
    Ref,
    axes_of,
    children,
    free_axes,
    rebuild,
    walk,
)
from derive.node import Node


def left_side(node: Node) -> Ref:
    """The name of a line as on the left of its equation: with indices where the line is written with them."""
    return Ref(node.name, node.axes if _is_indexed(node) else None)


def _is_indexed(node: Node) -> bool:
    return node.written is not None and any(isinstance(part, Ref) and part.axes for part in walk(node.written))


def continuation(node: Node) -> Expr | None:
    """What a line stands for, in indices, where the paper names a formula or leaves a sum in words.

    None where the line says it already, or where it would be too long to read.
    """
    assert node.written is not None  # a line always has its equation
    if node.implied:
        return spelled(node.definition)
    whole = spelled(node.definition)
    return None if _says_the_same(node.written, node.definition) or not readable(whole) else whole


def _says_the_same(written: Expr, resolved: Expr) -> bool:
    """Whether the two are the same but for indices."""
    if isinstance(written, Ref) and written.axes is None and not children(resolved):
        return True
    if type(written) is not type(resolved) or getattr(written, "op", "") != getattr(resolved, "op", ""):
        return False
    mine, others = children(written), children(resolved)
    return len(mine) == len(others) and all(map(_says_the_same, mine, others))


def spelled(expr: Expr) -> Expr:
    """`expr` with logsumexp and softmax written out as a textbook does: exp(zᵢₖ)/Σₘ exp(zᵢₘ)."""
    if _softmax_axis(expr) is not None:
        inner = children(children(expr)[0])
        top, total = spelled(inner[0]), children(inner[1])[0]
        axes = inner[1].axes if isinstance(inner[1], Reduce) else None
        return Apply("div", (Apply("exp", (top,)), Reduce("sum", Apply("exp", (spelled(total),)), axes)))
    parts = tuple(map(spelled, children(expr)))
    if isinstance(expr, Reduce) and expr.op == "logsumexp":
        return Apply("log", (Reduce("sum", Apply("exp", parts), expr.axes),))
    return rebuild(expr, parts)


def with_softmax(expr: Expr) -> Expr:
    """`expr` with every exp(zᵢₖ − logsumexpₘ(zᵢₘ)) by its name, softmaxₖ(zᵢₖ)."""
    parts = tuple(map(with_softmax, children(expr)))
    axis = _softmax_axis(expr)
    if axis is None:
        return rebuild(expr, parts)
    return Apply("softmax", (children(parts[0])[0], Position(axis)))


def _softmax_axis(expr: Expr) -> Axis | None:
    """The axis k of exp(zₖ − logsumexpₘ(zₘ)); None for anything else."""
    match expr:
        case Apply(op="exp", args=(Apply(op="sub", args=(own, Reduce(op="logsumexp", axes=(axis,)) as total)),)):
            around = free_axes(total)
            spare = [mine for mine in free_axes(own) if mine.size == axis.size and mine not in around]
            return next((mine for mine in spare if _alike(own, total.body, {mine: axis})), None)
    return None


def _alike(left: Expr, right: Expr, pairs: Mapping[Axis, Axis]) -> bool:
    """Whether two expressions are one, read along the axes that are paired; bound letters do not matter."""
    if isinstance(left, Ref | Position) or isinstance(right, Ref | Position):
        return _alike_leaves(left, right, pairs)
    if isinstance(left, Reduce) and isinstance(right, Reduce) and len(left.axes or ()) == len(right.axes or ()):
        pairs = {**pairs, **dict(zip(left.axes or (), right.axes or (), strict=True))}
    mine_parts, their_parts = children(left), children(right)
    if not mine_parts:
        return left == right
    same = type(left) is type(right) and getattr(left, "op", "") == getattr(right, "op", "")
    alike = len(mine_parts) == len(their_parts)
    return same and alike and all(map(lambda a, b: _alike(a, b, pairs), mine_parts, their_parts))


def _alike_leaves(left: Expr, right: Expr, pairs: Mapping[Axis, Axis]) -> bool:
    if not (isinstance(left, Ref | Position) and isinstance(right, Ref | Position)) or type(left) is not type(right):
        return False
    if getattr(left, "name", "") != getattr(right, "name", ""):
        return False
    mine, theirs = axes_of(left), axes_of(right)
    return len(mine) == len(theirs) and all(_paired(a, b, pairs) for a, b in zip(mine, theirs, strict=True))


def _paired(mine: Axis, theirs: Axis, pairs: Mapping[Axis, Axis]) -> bool:
    """Whether an axis on one side is that on the other; a paired one is never a free one of the same letter."""
    return pairs[mine] == theirs if mine in pairs else mine == theirs and mine not in pairs.values()
