"""Gradient clipping: by the norm of all gradients together, or by the value of each number."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.expression import Apply, Expr, Number, Reduce, Ref
from derive.source.numerals import write_number


@dataclass(frozen=True)
class Clip:
    """How gradients are clipped: `by` is "clip_grad_norm" or "clip_grad_value", `limit` the largest that is left."""

    by: str
    limit: Fraction

    def __str__(self) -> str:
        return f"{self.by} {write_number(self.limit)}"


NORM, VALUE = "clip_grad_norm", "clip_grad_value"

# What torch.nn.utils.clip_grad_norm_ adds to the norm by which it divides.
TINY = Fraction(1, 10**6)


def clip_of(norm: Fraction | None, value: Fraction | None) -> Clip | None:
    """Returns the clipping by a largest `norm` or `value`, at most one of which is given; None without both."""
    if norm is not None:
        return Clip(NORM, norm)
    return None if value is None else Clip(VALUE, value)


def norm_share(gradients: tuple[Ref, ...]) -> Expr:
    """Returns min(1, clip_grad_norm/(norm + `TINY`)), by which torch.nn.utils.clip_grad_norm_ multiplies gradients.

    `gradients`, at least one, are their names; norm is √(Σ g²) over the numbers of all of them.
    """
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
    """Returns clip(`gradient`, −limit, limit), as torch.nn.utils.clip_grad_value_; `limit` is a number's name."""
    return Apply("clip", (gradient, Apply("neg", (Ref(limit, ()),)), Ref(limit, ())))
