"""A line as it is echoed: a product of matrices that was typed w · x keeps its dot, x @ W its @."""

from __future__ import annotations

from collections.abc import Iterator

from derive.algebra.expression import Apply, Expr, children, rebuild
from derive.paper.lines import Line
from derive.paper.spelling import tokens

_DOTS = "·⋅∙"


def as_typed(line: Line) -> Expr:
    """The right-hand side, with `dotted` for every `matmul` that was typed as a dot; both mean the same."""
    start = (line.place.column or 1) - 1
    text = line.place.text[start:]
    if not any(dot in text for dot in _DOTS):
        return line.expr
    signs = (token.text for token in tokens(text) if token.text in (*_DOTS, "@"))
    return _signed(line.expr, signs)


def _signed(expr: Expr, signs: Iterator[str]) -> Expr:
    """The tree with the signs of its products of matrices; they come in the order of the text."""
    if isinstance(expr, Apply) and expr.op == "matmul":
        left = _signed(expr.args[0], signs)
        op = "dotted" if next(signs, "@") in _DOTS else "matmul"
        return Apply(op, (left, _signed(expr.args[1], signs)), expr.column)
    return rebuild(expr, tuple(_signed(part, signs) for part in children(expr)))
