"""What has no real value at a point, and what is only not known."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, fmpq

from verify.numbers.scalars import Exactly, is_finite
from verify.symbols.point import AtPoint

HALF = fmpq(1, 2)


@pytest.mark.parametrize(
    ("op", "args", "has_none"),
    [
        ("log", (fmpq(0),), True),
        ("log", (fmpq(-2),), True),
        ("log", (arb(-2),), True),
        ("log", (fmpq(2),), False),
        ("log", (arb(0, 1),), False),  # its sign is not known
        ("log10", (fmpq(0),), True),
        ("log1p", (fmpq(-1),), True),
        ("log1p", (HALF,), False),
        ("sqrt", (fmpq(-1),), True),
        ("sqrt", (fmpq(0),), False),
        ("pow", (fmpq(-2), HALF), True),
        ("pow", (fmpq(-2), fmpq(3)), False),
        ("pow", (fmpq(2), HALF), False),
        ("exp", (fmpq(-2),), False),
    ],
)
def test_a_function_without_a_value(op: str, args: tuple[Exactly, ...], has_none: bool) -> None:
    numbers = AtPoint({"x": {(): Fraction(1)}})
    found = numbers.apply(op, args)
    assert numbers.without_value is has_none
    assert not (has_none and is_finite(found))
