"""Operations number by number on large arrays, a part at a time: what one makes on the way stays near the processor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Part = tuple[slice, ...]

NUMBERS = 2**14  # of a part: a dozen arrays of them fit into a second-level cache


def in_parts(calculate: Callable[[tuple[Array, ...]], Array], args: tuple[Array, ...]) -> Array:
    """What `calculate` makes of arrays that broadcast, number by number.

    A large result is made a part at a time, each from the same part of every operand.
    """
    if math.prod(arg.size for arg in args) <= NUMBERS:  # no result is larger
        return calculate(args)
    shape = np.broadcast_shapes(*(arg.shape for arg in args))
    if math.prod(shape) <= NUMBERS:
        return calculate(args)
    found: Array | None = None
    for part in parts(shape, NUMBERS):
        own = calculate(tuple(arg[_of(arg, part)] for arg in args))
        found = np.empty(shape, dtype=own.dtype) if found is None else found
        _put(found, part, own)
    assert found is not None  # a large shape has a part
    return found


def _put(whole: Array, part: Part, own: Array) -> None:
    """Copies the numbers of a part: each field for itself, as NumPy copies structures one by one."""
    if own.dtype.names is None:
        whole[part] = own
    for field in own.dtype.names or ():
        whole[field][part] = own[field]


def parts(shape: Sequence[int], most: int) -> Iterator[Part]:
    """Parts of an array of this shape that make up the whole, of no more than `most` numbers each."""
    if not shape:
        yield ()
        return
    rows = max(1, most // max(1, math.prod(shape[1:])))
    for first in range(0, shape[0], rows):
        of_row = slice(first, min(first + rows, shape[0]))
        for others in parts(shape[1:], most // (of_row.stop - first)):
            yield (of_row, *others)


def _of(array: Array, part: Part) -> Part:
    """The part of an array that is broadcast: all along an axis of length 1."""
    own = part[len(part) - array.ndim :]
    return tuple(slice(None) if length == 1 else place for place, length in zip(own, array.shape, strict=True))
