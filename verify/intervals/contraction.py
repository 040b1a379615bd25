"""A sum of products as a product of matrices: how the axes of two arrays meet in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.summation.sums import Sum, product

Array = NDArray[Any]
FEW = 2**10  # products of a step that are taken one by one: that is sharper where some of them need no rounding


@dataclass(frozen=True)
class Contraction:
    """Σ left·right over the last `summed` axes of a term: `left` and `right` say which of its axes each array has.

    Every summed axis is one of both arrays, and every other one of at least one of them. Axes of both that are kept
    count matrices; those of one alone are rows or columns.
    """

    left: tuple[bool, ...]
    right: tuple[bool, ...]
    summed: int

    @property
    def kept(self) -> int:
        """How many axes the result has."""
        return len(self.left) - self.summed

    def lengths(self, left: Array, right: Array) -> tuple[int, ...]:
        """How many numbers stand along each axis of the term."""
        rank = len(self.left)
        return np.broadcast_shapes(left.shape[-rank:], right.shape[-rank:])

    def is_small(self, left: Array, right: Array) -> bool:
        """Whether there are so few products that they are taken one by one."""
        return math.prod(self.lengths(left, right)) <= FEW

    def sums(self, lengths: Sequence[int]) -> Sum:
        """What a product of matrices adds up in one step, where so many numbers stand along each axis of the term."""
        sides = ((True, True), (True, False), (False, True))
        matrices, rows, columns = (math.prod(lengths[axis] for axis in self.places(*side)) for side in sides)
        return product(math.prod(lengths[self.kept :]), matrices, rows, columns)

    def places(self, in_left: bool, in_right: bool) -> tuple[int, ...]:
        """The kept axes that are of these arrays."""
        return tuple(k for k in range(self.kept) if (self.left[k], self.right[k]) == (in_left, in_right))

    def matrices(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Both arrays as matrices, (steps, matrices, rows, summed) and (steps, matrices, summed, columns).

        They are given with a dimension for each axis of the term, of length 1 for one that they lack, and one for the
        steps in front where these differ.
        """
        both = self.places(True, True)
        last = tuple(range(self.kept, len(self.left)))
        rows, columns = self.places(True, False), self.places(False, True)
        return self._grouped(left, both, rows, last), self._grouped(right, both, last, columns)

    def _grouped(self, array: Array, *groups: tuple[int, ...]) -> Array:
        """The array with one dimension for each group of its axes, and one for the steps in front."""
        steps = array.ndim - len(self.left)
        whole = array if steps else array[np.newaxis]
        order = [axis + 1 for group in groups for axis in group]
        others = [axis for axis in range(1, whole.ndim) if axis not in order]  # of length 1
        moved = whole.transpose((0, *order, *others))
        lengths = [math.prod(whole.shape[axis + 1] for axis in group) for group in groups]
        return moved.reshape((whole.shape[0], *lengths))

    def restored(self, found: Array, left: Array, right: Array) -> Array:
        """A result of (steps, matrices, rows, columns) over the kept axes of both arrays, the steps in front."""
        steps = max(left.ndim, right.ndim) - len(self.left)
        order = (*self.places(True, True), *self.places(True, False), *self.places(False, True))
        lengths = self.lengths(left, right)
        whole = found.reshape((found.shape[0], *(lengths[axis] for axis in order)))
        moved = whole.transpose((0, *(1 + order.index(axis) for axis in range(self.kept))))
        return moved if steps else moved[0]
