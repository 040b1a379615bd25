"""When two formulas are the same: the letters of their sums do not matter, nor the order of terms and factors."""

from __future__ import annotations

from collections.abc import Mapping

from derive.algebra.expression import (
    Apply,
    Axes,
    Axis,
    Expr,
    Position,
    Reduce,
    Ref,
    axes_of,
    children,
    rebuild,
    rename_axes,
)

Pairs = Mapping[Axis, Axis]


def canonical(expr: Expr) -> Expr:
    """Returns the same tree for formulas that differ only in letters of sums or in the order of terms and factors."""
    return _canonical(expr, {}, 0)


def _canonical(expr: Expr, letters: Pairs, depth: int) -> Expr:
    if isinstance(expr, Ref | Position):
        return rename_axes(expr, letters)
    if isinstance(expr, Reduce):
        axes = expr.axes or ()
        bound = {axis: Axis(f"#{depth + place}", axis.size) for place, axis in enumerate(axes)}
        body = _canonical(expr.body, {**letters, **bound}, depth + len(axes))
        return Reduce(expr.op, body, tuple(bound[axis] for axis in axes))
    parts = tuple(_canonical(part, letters, depth) for part in _flat(expr))
    return rebuild(expr, tuple(sorted(parts, key=repr)) if _commutes(expr) else parts)


def _commutes(expr: Expr) -> bool:
    return isinstance(expr, Apply) and expr.op in ("add", "mul")


def _flat(expr: Expr) -> tuple[Expr, ...]:
    """The operands of a sum or product, with those of sums inside a sum and products inside a product."""
    if not _commutes(expr):
        return children(expr)
    op = getattr(expr, "op", "")
    return tuple(
        leaf for part in children(expr) for leaf in (_flat(part) if getattr(part, "op", "") == op else (part,))
    )


def matched(pattern: Expr, expr: Expr, free: Axes, pairs: Pairs | None = None) -> Pairs | None:
    """Returns which axis each of the `free` axes of `pattern` must become to make it `expr`; None where none do.

    `pairs` are the axes that are known already, and in the result. The letters of sums inside do not matter.
    """
    pairs = {} if pairs is None else pairs
    if isinstance(pattern, Ref | Position) or isinstance(expr, Ref | Position):
        return _matched_leaves(pattern, expr, free, pairs)
    if type(pattern) is not type(expr) or getattr(pattern, "op", "") != getattr(expr, "op", ""):
        return None
    if isinstance(pattern, Reduce) and isinstance(expr, Reduce):
        return _matched_sums(pattern, expr, free, pairs)
    mine, theirs = _flat(pattern), _flat(expr)
    if not mine or len(mine) != len(theirs):
        return pairs if pattern == expr else None
    if _commutes(pattern):
        return _matched_in_any_order(list(mine), list(theirs), free, pairs)
    found: Pairs | None = pairs
    for own, other in zip(mine, theirs, strict=True):
        found = matched(own, other, free, found) if found is not None else None
    return found


def _matched_sums(pattern: Reduce, expr: Reduce, free: Axes, pairs: Pairs) -> Pairs | None:
    bound, others = pattern.axes or (), expr.axes or ()
    if [axis.size for axis in bound] != [axis.size for axis in others]:
        return None
    found = matched(pattern.body, expr.body, free, {**pairs, **dict(zip(bound, others, strict=True))})
    if found is None:
        return None
    outside = {axis: other for axis, other in found.items() if axis not in bound}
    return {**outside, **{axis: pairs[axis] for axis in bound if axis in pairs}}


def _matched_in_any_order(mine: list[Expr], theirs: list[Expr], free: Axes, pairs: Pairs) -> Pairs | None:
    """The terms of two sums, or the factors of two products, each matched with one of the others."""
    if not mine:
        return pairs
    for place, other in enumerate(theirs):
        found = matched(mine[0], other, free, pairs)
        rest = theirs[:place] + theirs[place + 1 :]
        whole = _matched_in_any_order(mine[1:], rest, free, found) if found is not None else None
        if whole is not None:
            return whole
    return None


def _matched_leaves(pattern: Expr, expr: Expr, free: Axes, pairs: Pairs) -> Pairs | None:
    if not (isinstance(pattern, Ref | Position) and isinstance(expr, Ref | Position)):
        return None
    if type(pattern) is not type(expr) or getattr(pattern, "name", "") != getattr(expr, "name", ""):
        return None
    mine, theirs = axes_of(pattern), axes_of(expr)
    if len(mine) != len(theirs):
        return None
    found = dict(pairs)
    for own, other in zip(mine, theirs, strict=True):
        known = found.get(own, None if own in free else own)
        if known is None and own.size == other.size and other not in found.values():
            found[own] = other  # a letter of its own: never one that a sum around it has
        elif known != other or (own not in found and other in found.values()):
            return None
    return found
