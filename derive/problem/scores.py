"""Probabilities given to a loss that takes scores, and makes probabilities of them itself: told in a note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from derive.algebra.expression import ONE, Apply, Expr, Reduce, Ref, rename_axes, walk
from derive.paper.lines import Line

# What each such loss applies, and what it is called in torch.nn.
_APPLIED = {"cross_entropy": ("softmax", "CrossEntropyLoss"), "bce_with_logits": ("sigmoid", "BCEWithLogitsLoss")}
_INSTEAD = {"bce_with_logits": "write bce for probabilities, or ", "cross_entropy": ""}


def score_notes(lines: Iterable[Line]) -> Iterator[str]:
    """Yields a sentence for each loss of scores that is given what is a softmax or a sigmoid by its line."""
    by_name = {line.name: line.expr for line in lines}
    for expr in by_name.values():
        for part in walk(expr):
            if isinstance(part, Apply) and part.op in _APPLIED and len(part.args) == 2:
                given = part.args[0]
                made_by = _probabilities(_followed(given, by_name))
                if made_by is not None:
                    yield _sentence(part.op, given, *made_by)


def _sentence(loss: str, given: Expr, made_by: str, scores: Expr) -> str:
    applied, in_torch = _APPLIED[loss]
    what = f"{given.name!r}, which is a {made_by} already" if isinstance(given, Ref) else f"a {made_by}"
    how = "a second time" if made_by == applied else f"to the {made_by}"
    named = f", {scores.name}" if isinstance(scores, Ref) else ""
    return (
        f"{loss} takes scores and applies {applied} itself, as torch.nn.{in_torch} does; it is given {what}, and so "
        f"{applied} is applied {how}, here and in PyTorch; {_INSTEAD[loss]}give it what {made_by} is taken of{named}"
    )


def _followed(expr: Expr, by_name: Mapping[str, Expr]) -> Expr:
    """What a name stands for, also where it is another name for it."""
    seen: set[str] = set()
    while isinstance(expr, Ref) and expr.name in by_name and expr.name not in seen:
        seen.add(expr.name)
        expr = by_name[expr.name]
    return expr


def _probabilities(expr: Expr) -> tuple[str, Expr] | None:
    """`softmax` or `sigmoid` and what it is taken of, where an expression is one, by name or written out; else None."""
    match expr:
        case Apply(op="softmax" | "sigmoid", args=(scores, *_)):
            return expr.op, scores
        case Apply(op="div", args=(Apply(op="exp", args=(scores,)), Reduce(op="sum", body=body, axes=(summed,)))):
            if isinstance(body, Apply) and body.op == "exp":
                axes = {axis for part in walk(scores) if isinstance(part, Ref) for axis in part.axes or ()}
                if any(rename_axes(body.args[0], {summed: axis}) == scores for axis in axes):
                    return "softmax", scores
        case Apply(op="div", args=(one, Apply(op="add", args=terms))) if one == ONE:
            odds = [term for term in terms if term != ONE]
            match odds:
                case [Apply(op="exp", args=(Apply(op="neg", args=(scores,)),))]:
                    return "sigmoid", scores
    return None
