"""How far PyTorch's numbers are from the exact ones, beside how far they may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from verify.numbers.formats import Floats, Truth
from verify.numbers.scalars import Exactly, as_ball, exact_float, is_finite, radius, to_float

# The midpoints of balls are themselves rounded, far below the dtype; what is smaller than this share
# of a bound is not an error of PyTorch's.
_OWN_ROUNDING = 2.0**-60


@dataclass(frozen=True)
class Distance:
    """Arrays of one shape: the `expected` numbers, the `error` against them, and its `bound`.

    All that correct evaluation can give lies in an interval of the `radius`; `bound` is how far that reaches from the
    expected number on the side of the error. The error is NaN where a number is not known or not finite, bound and
    radius are infinite where there is none. `consistent` says whether the exact number itself lies in the interval,
    `alone` where it has no exact value, so that the interval decides alone, and its midpoint is expected.
    """

    expected: Floats
    error: Floats
    bound: Floats
    radius: Floats
    consistent: Truth
    alone: Truth

    def at(self, place: int | slice | NDArray[np.intp] | None) -> Distance:
        """The part of one of several steps side by side, or of some of them."""
        return Distance(*(getattr(self, field.name)[place] for field in fields(self)))

    def put(self, part: tuple[slice, ...], own: Distance) -> None:
        """Writes the distances of a part of the numbers."""
        for field in fields(self):
            getattr(self, field.name)[part] = getattr(own, field.name)

    def spread(self, places: NDArray[np.intp], count: int) -> Distance:
        """The distances at their places among `count` steps side by side; of the other steps nothing is known."""
        found = []
        for field in fields(self):
            own = getattr(self, field.name)
            whole = np.full((count, *own.shape[1:]), False if own.dtype == np.bool_ else np.nan, dtype=own.dtype)
            whole[places] = own
            found.append(whole)
        return Distance(*found)

    @cached_property
    def reach(self) -> Floats:
        """The smallest change of PyTorch's number that leaves the interval for certain, whatever its sign."""
        with np.errstate(invalid="ignore"):  # ∞ − ∞, where nothing is known
            left = self.bound - np.abs(self.error)
            return np.maximum(left, 2 * self.radius - left)


def farthest(pair: Mapping[str, float] | np.void, exact: Exactly) -> float:
    """The largest distance of a number in a pair (`mid` ± `rad`) from the exact number; infinite where it is not known.

    The last factor is more than the rounding to float64 can lose.
    """
    shift, around = aside(pair, exact)
    return (abs(shift) + around) * (1 + 2.0**-50)


def aside(pair: Mapping[str, float] | np.void, exact: Exactly) -> tuple[float, float]:
    """How far the numbers in a pair are from the exact number: by `shift`, and at most `around` more or less.

    0 and infinity where that is not known. The last factor is more than the roundings to float64 can lose, each at
    most 2**-53 of a number.
    """
    middle, around = float(pair["mid"]), float(pair["rad"])
    if not math.isfinite(middle) or not math.isfinite(around):
        return 0.0, math.inf
    ball = arb(fmpq(*middle.as_integer_ratio())) - as_ball(exact)
    if not ball.is_finite():
        return 0.0, math.inf
    shift = float(ball.mid())
    if not math.isfinite(shift):
        return 0.0, math.inf
    return shift, (around + float(ball.rad().upper()) + abs(shift) * 2.0**-52) * (1 + 2.0**-50)


def ball_distance(floats: Floats, balls: NDArray[Any], exact: NDArray[Any] | None) -> Distance:
    """The distance of floats from exact numbers (fractions or balls), or from `balls` without those; all broadcast."""
    shape = np.broadcast_shapes(floats.shape, balls.shape)
    others = [None] * math.prod(shape) if exact is None else np.broadcast_to(exact, shape).flat
    found = zip(np.broadcast_to(floats, shape).flat, np.broadcast_to(balls, shape).flat, others, strict=True)
    columns = list(zip(*(_one(float(number), ball, other) for number, ball, other in found), strict=True)) or [()] * 6
    expected, error, bound, rad = (np.array(column, dtype=np.float64).reshape(shape) for column in columns[:4])
    consistent, alone = (np.array(column, dtype=np.bool_).reshape(shape) for column in columns[4:])
    return Distance(expected, error, bound, rad, consistent, alone)


def _one(number: float, found: Exactly, exact: Exactly | None) -> tuple[float, float, float, float, bool, bool]:
    """The fields of `Distance` for one number."""
    ball = as_ball(found)
    alone = exact is not None and not is_finite(exact)
    expected = ball if exact is None or alone else exact
    value = to_float(expected)
    if not is_finite(ball):
        return value, math.nan, math.inf, math.inf, True, alone
    error = to_float(exact_float(number) - expected) if math.isfinite(number) else math.nan
    rad = radius(ball) + radius(expected)
    if not ball.overlaps(as_ball(expected)):
        return value, error, rad, rad, False, alone
    bound = _reach(ball - as_ball(expected), error) if rad else 0.0
    return value, 0.0 if abs(error) < rad * _OWN_ROUNDING else error, bound, rad, True, alone


def _reach(ball: arb, error: float) -> float:
    """How far a ball around 0 reaches on the side of the error, at least."""
    side = ball if error > 0 else -ball if error < 0 else abs(ball)
    return math.nextafter(to_float(side.upper()), math.inf)
