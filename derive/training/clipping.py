"""Gradient clipping: by the norm of all gradients together, or by the value of each number."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

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
