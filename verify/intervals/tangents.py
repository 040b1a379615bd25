"""Numbers of many steps side by side, each with all that its derivatives can be: by how much more a step can spread.

Where every number of a state lies in an interval, `Enclosed` says in which interval a result lies; here its derivatives
by the numbers of the state stand beside it, enclosed on the whole of these intervals, so that the mean value theorem
holds: f(s + e) − f(s) is at most their size times that of e.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.intervals.enclosures import Enclosed
from verify.intervals.functions import FUNCTIONS
from verify.intervals.midpoint_radius import LEAST, UNIT, Pairs, pairs, up
from verify.numbers.affine import by_operand
from verify.numbers.by_element import Literals
from verify.numbers.formats import Floats

Tangent = NDArray[Any]
_LINEAR = {"add": (1.0, 1.0), "sub": (1.0, -1.0), "neg": (-1.0,)}
_SMOOTH = {"mul", "div", "pow", *FUNCTIONS}


class Tangents(Literals):
    """The number system of numbers with `count` derivatives; what has a kink, or no derivative, tells nothing of them.

    The fields of a number are `mid` and `rad`, as of pairs, and `slope` and `around`, the same of each derivative.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.pairs = Enclosed()

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The fields of a number."""
        one = (np.float64, (self.count,))
        return np.dtype([("mid", np.float64), ("rad", np.float64), ("slope", *one), ("around", *one)])

    def made(self, known: Pairs, slope: Floats | float = 0.0, around: Floats | float = 0.0) -> Tangent:
        """Numbers that lie in intervals, with their derivatives."""
        found = np.empty(known.shape, dtype=self.dtype)
        found["mid"], found["rad"], found["slope"], found["around"] = known["mid"], known["rad"], slope, around
        return found

    def constants(self, values: Sequence[Fraction]) -> Tangent:
        """The nearest float64 of each, with what it lacks."""
        return self.made(self.pairs.constants(values))

    def take(self, array: Floats) -> Tangent:
        """Floats as they are; an infinity or NaN tells nothing."""
        return self.made(pairs(array))

    def cast(self, array: Tangent) -> Tangent:
        """Python's numbers as an operation on tensors reads them: as they are."""
        return array

    def size(self, array: Tangent) -> Floats:
        """The absolute value of each number."""
        return np.asarray(np.abs(array["mid"]))

    def apply(self, op: str, args: tuple[Tangent, ...]) -> Tangent:
        """The operation, and its derivatives by the chain rule."""
        with np.errstate(all="ignore"):
            value = self.pairs.apply(op, tuple(map(_ranges, args)))
            moving = [place for place, arg in enumerate(args) if _moves(arg)]
            slopes = [self._slope(op, place, args) for place in moving]
            slope, around = np.zeros((*value.shape, self.count)), np.zeros((*value.shape, self.count))
            for place, own in zip(moving, slopes, strict=True):
                if own is None:
                    return self.made(value, np.nan, np.nan)
                product, spread = _times(own, args[place])
                total = slope + product
                around = around + spread + UNIT * np.abs(total)
                slope = total
            return self.made(value, slope, up(around))

    def _slope(self, op: str, place: int, args: tuple[Tangent, ...]) -> Pairs | None:
        """The derivative by an operand, on all that the operands can be; None where it is not known."""
        if op in _LINEAR:
            return pairs(_LINEAR[op][place])
        exponent = None
        if op == "pow":
            if place or args[1].ndim or args[1]["rad"].any():
                return None
            exponent = str(Fraction(float(args[1]["mid"])))
        slope = by_operand(op, place, exponent) if op in _SMOOTH else None
        return (
            None if slope is None else self.pairs.evaluated(slope, dict(zip("xyv", map(_ranges, args), strict=False)))
        )

    def accumulate(self, array: Tangent) -> Tangent:
        """The sum over the last dimension."""
        return self.reduce("sum", array)

    def reduce(self, op: str, array: Tangent) -> Tangent:
        """The sum, logsumexp, max or min over the last dimension."""
        value = self.pairs.reduce(op, _ranges(array))
        if not _moves(array):
            return self.made(value)
        if op != "sum":
            return self.made(value, np.nan, np.nan)
        with np.errstate(all="ignore"):
            sizes = np.abs(array["slope"]).sum(axis=-2)
            lost = UNIT * array.shape[-1] * sizes
            return self.made(value, array["slope"].sum(axis=-2), up(array["around"].sum(axis=-2) + lost))

    def share(self, op: str, array: Tangent) -> Tangent:
        """The share of each entry in the max or min over the last dimension."""
        moved = np.nan if _moves(array) else 0.0
        return self.made(self.pairs.share(op, _ranges(array)), moved, moved)


def _ranges(array: Tangent) -> Pairs:
    """All that the numbers can be."""
    return pairs(array["mid"], array["rad"])


def _moves(array: Tangent) -> bool:
    """Whether a number moves with the state at all."""
    return bool(array["slope"].any() or array["around"].any())


def _times(slope: Pairs, array: Tangent) -> tuple[Floats, Floats]:
    """The derivatives of numbers, each times the slope of what is made of them, and how far off they are."""
    mid, rad = slope["mid"][..., np.newaxis], slope["rad"][..., np.newaxis]
    product = mid * array["slope"]
    spread = np.abs(mid) * array["around"] + rad * (np.abs(array["slope"]) + array["around"])
    # what is 0 is 0 exactly: else products of nothing would spread
    return product, np.where((product == 0) & (spread == 0), 0.0, spread + UNIT * np.abs(product) + LEAST)
