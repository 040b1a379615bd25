"""Forms of many steps side by side, in float64: a number, how it moves with each unknown, and a radius for the rest.

The same as `Forms` for whole arrays at once: less sharp, as what float64 loses is in the radius, and much faster.
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
from verify.intervals.midpoint_radius import Pairs, gathered, pairs, up
from verify.numbers.affine import by_operand
from verify.numbers.by_element import Literals
from verify.numbers.formats import Floats

FormPairs = NDArray[Any]
_LOST = 2.0**-44  # of the parts: more than float64 loses in a sum of products of them
_SMOOTH = {"mul", "div", "pow", *FUNCTIONS}
_LINEAR = {"add": (1.0, 1.0), "sub": (1.0, -1.0), "neg": (-1.0,), "detach": (1.0,)}


class EnclosedForms(Literals):
    """The number system of forms with `count` unknowns, each at most 1 in size."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pairs = Enclosed()

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The fields of a number: `mid`, `rad`, and `parts`, one for each unknown."""
        return np.dtype([("mid", np.float64), ("rad", np.float64), ("parts", np.float64, (self.count,))])

    def made(self, known: Pairs, parts: Floats | float = 0.0) -> FormPairs:
        """Forms of numbers that are known but for a radius, and of their parts."""
        found = np.empty(known.shape, dtype=self.dtype)
        found["mid"], found["rad"], found["parts"] = known["mid"], known["rad"], parts
        return found

    def constants(self, values: Sequence[Fraction]) -> FormPairs:
        """The nearest float64 of each, with what it lacks."""
        return self.made(self.pairs.constants(values))

    def take(self, array: Floats) -> FormPairs:
        """Floats as they are; an infinity or NaN tells nothing."""
        return self.made(pairs(array))

    def cast(self, array: FormPairs) -> FormPairs:
        """Python's numbers as an operation on tensors reads them: as they are."""
        return array

    def size(self, array: FormPairs) -> Floats:
        """The absolute value of each number."""
        return np.asarray(np.abs(array["mid"]))

    def apply(self, op: str, args: tuple[FormPairs, ...]) -> FormPairs:
        """The operation by the mean value theorem: f(c) + Σ f′(c)·Δ, and how far f′ moves away from f′(c)."""
        with np.errstate(all="ignore"):
            if op == "where":
                return self._where(*args)
            slopes = self._slopes(op, args)
            if slopes is None:  # all that it can be
                return self.made(self.pairs.apply(op, tuple(map(self._ranges, args))))
            value = self.pairs.apply(op, tuple(pairs(arg["mid"]) for arg in args))
            parts: Floats = np.zeros((*value.shape, self.count))
            rad = value["rad"]
            for arg, slope in zip(args, slopes, strict=True):
                if slope is None:
                    continue
                rad = rad + np.abs(slope["mid"]) * arg["rad"] + slope["rad"] * self._radius(arg)
                parts = parts + slope["mid"][..., np.newaxis] * arg["parts"]
                rad = rad + _LOST * np.abs(slope["mid"]) * np.abs(arg["parts"]).sum(axis=-1)
            return self.made(pairs(value["mid"], up(rad)), parts)

    def _where(self, chosen: FormPairs, x: FormPairs, y: FormPairs) -> FormPairs:
        """Its second operand where the condition, which is 0 or 1, is not 0, its third where it is not 1."""
        condition = self._ranges(chosen)
        yes, no = condition["mid"] - condition["rad"] > 0, condition["mid"] + condition["rad"] < 1
        both = self.made(self.pairs.apply("where", tuple(map(self._ranges, (chosen, x, y)))))
        yes, no, x, y, both = np.broadcast_arrays(yes, no, x, y, both)
        return np.where(yes, x, np.where(no, y, both))

    def _slopes(self, op: str, args: tuple[FormPairs, ...]) -> list[Pairs | None] | None:
        """The derivatives by the operands, on all that these can be; None by an exact one, or where there is none."""
        if op in _LINEAR:
            return [pairs(slope) for slope in _LINEAR[op]]
        if op == "relu":
            low, high = args[0]["mid"] - self._radius(args[0]), args[0]["mid"] + self._radius(args[0])
            side = np.where(low > 0, 1.0, np.where(high < 0, 0.0, 0.5))
            return [pairs(side, np.where(side == 0.5, 0.5, 0.0))]
        if op not in _SMOOTH:
            return None
        exact = [not self._radius(arg).any() for arg in args]
        exponent = None
        if op == "pow":
            if not exact[1] or args[1].ndim:
                return None
            exponent = str(Fraction(float(args[1]["mid"])))
        found: list[Pairs | None] = []
        names = dict(zip("xyv", map(self._ranges, args), strict=False))
        for place, is_exact in enumerate(exact):
            slope = None if is_exact else by_operand(op, place, exponent)
            found.append(None if slope is None else self.pairs.evaluated(slope, names))
            if slope is None and not is_exact:
                return None
        return found

    def _radius(self, array: FormPairs) -> Floats:
        return np.asarray(up(array["rad"] + np.abs(array["parts"]).sum(axis=-1)))

    def _ranges(self, array: FormPairs) -> Pairs:
        """All that the numbers can be."""
        return pairs(array["mid"], self._radius(array))

    def accumulate(self, array: FormPairs) -> FormPairs:
        """The sum over the last dimension."""
        return self.reduce("sum", array)

    def reduce(self, op: str, array: FormPairs) -> FormPairs:
        """The sum, logsumexp, max or min over the last dimension."""
        if op != "sum":
            return self.made(self.pairs.reduce(op, self._ranges(array)))
        total = self.pairs.reduce("sum", pairs(array["mid"]))
        lost = _LOST * gathered(np.abs(array["parts"]).sum(axis=-1))
        return self.made(pairs(total["mid"], up(total["rad"] + gathered(array["rad"]) + lost)), array["parts"].sum(-2))

    def share(self, op: str, array: FormPairs) -> FormPairs:
        """The share of each entry in the max or min over the last dimension, as all that it can be."""
        return self.made(self.pairs.share(op, self._ranges(array)))


__all__ = ["EnclosedForms", "FormPairs"]
