"""The formulas that names such as mse stand for, as trees in the operands x and y."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from derive.algebra.expression import Apply, Axes, Expr, Reduce, Ref, children, rebuild
from derive.errors import Place
from derive.paper.macros import Macro
from derive.paper.syntax import read_expression


def written_out(macro: Macro, wanted: Axes | None, column: int | None) -> Expr:
    """The formula, its sums over `wanted` where indices are named; its parts all stand at `column`, for the caret."""
    return _standing_at(_formula(macro, wanted), column)


@cache
def _formula(macro: Macro, wanted: Axes | None) -> Expr:
    tree = read_expression(macro.formula, Place(macro.name, text=macro.formula))
    return tree if wanted is None else _over(tree, wanted)


def _over(expr: Expr, wanted: Axes) -> Expr:
    """Every sum of a formula over the axes that are named."""
    if isinstance(expr, Apply) and expr.op == "log_softmax":
        return Apply(expr.op, (*expr.args, *(Ref(axis.letter) for axis in wanted)))
    parts = tuple(_over(part, wanted) for part in children(expr))
    return Reduce(expr.op, parts[0], wanted) if isinstance(expr, Reduce) else rebuild(expr, parts)


def _standing_at(expr: Expr, column: int | None) -> Expr:
    moved = rebuild(expr, tuple(_standing_at(part, column) for part in children(expr)))
    return replace(moved, column=column) if isinstance(moved, Ref | Apply | Reduce) else moved
