"""How far PyTorch's numbers are from the exact ones, beside how far they may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.numbers.formats import Floats, Truth
from verify.numbers.scalars import Exactly, as_ball, exact_float, is_finite, radius, to_float

# The midpoints of balls are themselves rounded, far below the dtype; what is smaller than this share
# of a bound is not an error of PyTorch's.
_OWN_ROUNDING = 2.0**-60


@dataclass(frozen=True)
class Distance:
    """Arrays of one shape: the `expected` numbers, the `error` against them, and its `bound`.

    The error is NaN where a number is not known or not finite, the bound infinite where there is none.
    `consistent` says whether the exact number itself lies among those that correct evaluation gives.
    """

    expected: Floats
    error: Floats
    bound: Floats
    consistent: Truth


def ball_distance(floats: Floats, balls: NDArray[Any], exact: NDArray[Any] | None) -> Distance:
    """The distance of floats from exact numbers (fractions or balls), or from balls where none is known."""
    shape = np.broadcast_shapes(floats.shape, balls.shape)
    others = [None] * math.prod(shape) if exact is None else np.broadcast_to(exact, shape).flat
    found = zip(np.broadcast_to(floats, shape).flat, np.broadcast_to(balls, shape).flat, others, strict=True)
    columns = list(zip(*(_one(float(number), ball, other) for number, ball, other in found), strict=True)) or [()] * 4
    expected, error, bound, consistent = (np.array(column).reshape(shape) for column in columns)
    return Distance(expected, error, bound, consistent.astype(np.bool_))


def _one(number: float, found: Exactly, exact: Exactly | None) -> tuple[float, float, float, bool]:
    """Expected value, error, bound and consistency of one number."""
    ball = as_ball(found)
    expected = ball if exact is None or not is_finite(exact) else exact
    value = to_float(expected)
    if not is_finite(ball):
        return value, math.nan, math.inf, True
    if not ball.overlaps(as_ball(expected)):
        return value, to_float(exact_float(number) - expected), radius(ball), False
    aside = to_float(abs(as_ball(expected) - ball.mid()))
    # a ball's own radius beside its midpoint: of an exact number 0
    bound = math.nextafter(radius(ball) + aside + radius(expected), math.inf) if radius(ball) + aside else 0.0
    error = to_float(exact_float(number) - expected) if math.isfinite(number) else math.nan
    return value, 0.0 if abs(error) < bound * _OWN_ROUNDING else error, bound, True
