"""Operations of the table on exact numbers."""

from __future__ import annotations

from fractions import Fraction

from verify.numbers import Exact, Exactly


def exact(op: str, *args: Fraction | int | str) -> Exactly:
    """The operation in exact numbers."""
    value: Exactly = Exact().apply(op, tuple(Exact().constant(Fraction(arg)) for arg in args)).item()
    return value
