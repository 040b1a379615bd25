"""What lines stand for: formulas such as mse written out, and softmax by its name in what is derived from it."""

from __future__ import annotations

from derive.algebra.equivalence import canonical
from derive.algebra.expression import Apply, Axis, Expr, Position, Reduce, Ref, children, free_axes, rebuild, walk
from derive.chain.closed_form import readable
from derive.graph.node import Node


def left_side(node: Node) -> Ref:
    """The name of a line as on the left of its equation: with indices where the line is written with them."""
    return Ref(node.name, node.axes if _is_indexed(node) else None)


def _is_indexed(node: Node) -> bool:
    return node.written is not None and any(isinstance(part, Ref) and part.axes for part in walk(node.written))


def continuation(node: Node) -> Expr | None:
    """Returns what a line stands for, with indices, where the paper names a formula or leaves a sum in words.

    Returns None where the line says it already, or where it is not `readable`.
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
    signs = (getattr(written, "op", ""), getattr(resolved, "op", ""))
    if type(written) is not type(resolved) or (signs[0] != signs[1] and signs != ("dotted", "mul")):
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
            return next((mine for mine in spare if canonical(Reduce(total.op, own, (mine,))) == canonical(total)), None)
    return None
