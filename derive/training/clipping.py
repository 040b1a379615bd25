"""Gradient clipping: by the norm of all gradients together, or by the value of each number."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.expression import Apply, Expr, Number, Reduce, Ref
from derive.source.numerals import write_number


@dataclass(frozen=True)
class Clip:
    """`clip_grad_norm` or `clip_grad_value`, with the largest norm or value."""

    by: str
    limit: Fraction

    def __str__(self) -> str:
        return f"{self.by} {write_number(self.limit)}"


NORM, VALUE = "clip_grad_norm", "clip_grad_value"

# What torch.nn.utils.clip_grad_norm_ adds to the norm by which it divides.
TINY = Fraction(1, 10**6)


def clip_of(norm: Fraction | None, value: Fraction | None) -> Clip | None:
    """The clipping that is chosen, if any; of the two at most one is given."""
    if norm is not None:
        return Clip(NORM, norm)
    return None if value is None else Clip(VALUE, value)


def norm_share(gradients: tuple[Ref, ...]) -> Expr:
    """By what gradients are multiplied so that the norm of all of them together is at most clip_grad_norm."""
    squares: list[Expr] = []
    for gradient in gradients:
        each = Apply("pow", (gradient, Number(Fraction(2))))
        squares.append(Reduce("sum", each, gradient.axes) if gradient.axes else each)
    total: Expr = squares[0]
    for square in squares[1:]:
        total = Apply("add", (total, square))
    norm = Apply("add", (Apply("sqrt", (total,)), Number(TINY)))
    return Apply("min", (Number(Fraction(1)), Apply("div", (Ref(NORM, ()), norm))))


def by_value(gradient: Ref, limit: str) -> Expr:
    """A gradient whose numbers are no larger than the limit."""
    return Apply("clip", (gradient, Apply("neg", (Ref(limit, ()),)), Ref(limit, ())))
