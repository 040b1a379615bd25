"""What number systems share: literals, and for those of Python objects how an array is made of single numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def objects(values: Sequence[Any], shape: tuple[int, ...]) -> Array:
    """An array of Python objects of this shape, the last index running fastest; NumPy does not look inside them."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


class Literals(ABC):
    """Exact literals as numbers of a system."""

    @abstractmethod
    def constants(self, values: Sequence[Fraction]) -> Array:
        """The literals as an array of one dimension: rounded, if the system rounds."""

    def constant(self, value: Fraction) -> Array:
        """One of them, as an array without dimensions."""
        return self.constants((value,)).reshape(())


class ByElement(Literals):
    """A system of Python objects: what it does with single numbers, it does with arrays element by element.

    So a program can go on with the numbers themselves where all its arrays have one: an array around each costs ten
    times what the number does.
    """

    @abstractmethod
    def number(self, value: Fraction) -> Any:
        """A literal."""

    @abstractmethod
    def element(self, op: str) -> Callable[..., Any]:
        """The function of an operation on single numbers."""

    @abstractmethod
    def reduced(self, op: str, row: list[Any]) -> Any:
        """The sum, logsumexp, max or min of single numbers."""

    def constants(self, values: Sequence[Fraction]) -> Array:
        """The literals as an array of one dimension: rounded, if the system rounds."""
        return objects([self.number(value) for value in values], (len(values),))

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """The operation on every element; the arrays broadcast as in NumPy."""
        function = self.element(op)
        if all(arg.ndim == 0 for arg in args):
            return objects([function(*(arg.item() for arg in args))], ())
        if all(arg.size == 1 for arg in args):  # an array of one number
            shape = max((arg.shape for arg in args), key=len)
            return objects([function(*(arg.item() for arg in args))], shape)
        return np.asarray(np.frompyfunc(function, len(args), 1)(*args), dtype=object)

    def reduce(self, op: str, array: Array) -> Array:
        """The sum, logsumexp, max or min over the last dimension."""
        rows = array.reshape((-1, array.shape[-1]))
        return objects([self.reduced(op, list(row)) for row in rows], array.shape[:-1])
