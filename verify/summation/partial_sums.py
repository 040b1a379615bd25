"""How large all partial sums of an order are together, from a few of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from verify.summation.order import Order, bits

Floats = NDArray[np.float64]
FEW, MANY = 8, 256  # partial sums of a chain that are calculated, at least and at most; the others are near one of them
NUMBERS = 2**18  # that they have together, unless few are calculated


@dataclass(frozen=True)
class PartialSums:
    """Σ|s| over all partial sums s of an order is at most Σ times·|S| over those calculated, and Σ weight·|term|.

    Each partial sum is off by no more than the sizes of the terms that it has and a calculated one has not, or the
    reverse; or it is no larger than the sizes of its own terms.

    `own` are the terms of each calculated one that are in none of those `inside` it, which come before it.
    """

    own: tuple[slice | NDArray[np.intp], ...]
    inside: tuple[tuple[int, ...], ...]
    times: tuple[int, ...]
    weights: Floats

    def sizes(self, added: Callable[[slice | NDArray[np.intp]], Floats]) -> Floats:
        """Σ times·|S|, of as many sums as are made at once; `added` gives those of some of the terms, a new array."""
        pending: dict[int, Floats] = {}
        total: Floats | None = None
        for place, (own, inside, times) in enumerate(zip(self.own, self.inside, self.times, strict=True)):
            found = added(own)
            for other in inside:
                found += pending.pop(other)
            pending[place] = found
            if not times:
                continue
            size = np.asarray(np.abs(found))
            if times > 1:
                size *= times
            total = size if total is None else np.add(total, size, out=total)
        assert total is not None  # the whole is one of them
        return total


def partial_sums(order: Order, results: int = 1) -> PartialSums:
    """Which partial sums of an order are calculated, for so many results at once, and how they bound the others."""
    return _partial_sums(order, min(MANY, max(FEW, NUMBERS // max(1, results))))


@lru_cache(256)
def _partial_sums(order: Order, calculated: int) -> PartialSums:
    within = _within(order, math.ceil(order.count / calculated))
    chosen = [number for number, part in enumerate(within) if part == number]
    places = {number: place for place, number in enumerate(chosen)}
    around = _around(order, places)
    times, weights = [0] * len(chosen), np.zeros(order.count)
    for number in range(order.count, len(order.terms)):
        near = (number,) if number in places else (around[number], within[number])
        differing = {part: order.terms[part] ^ order.terms[number] for part in near if part is not None}
        nearest = min(differing, key=lambda part: differing[part].bit_count())
        if order.terms[number].bit_count() <= differing[nearest].bit_count():
            others = order.terms[number]  # the sizes of its own terms are as near
        else:
            others = differing[nearest]
            times[places[nearest]] += 1
        weights[list(bits(others))] += 1
    inside: list[list[int]] = [[] for _ in chosen]
    for number in chosen[:-1]:
        inside[places[around[number]]].append(number)
    own = (_as_index(order, number, parts) for number, parts in zip(chosen, inside, strict=True))
    return PartialSums(tuple(own), tuple(tuple(places[k] for k in parts) for parts in inside), tuple(times), weights)


def _within(order: Order, most: int) -> list[int | None]:
    """For each number the largest calculated partial sum that is a part of it; the calculated ones are their own.

    That is the whole, and each that is `most` terms or more away from any that it has as a part.
    """
    found: list[int | None] = [None] * order.count
    for number, pair in enumerate(order.additions, start=order.count):
        parts = [part for part in (found[own] for own in pair) if part is not None]
        part = max(parts, key=lambda own: order.terms[own].bit_count(), default=None)
        others = order.terms[number] & ~(0 if part is None else order.terms[part])
        found.append(number if others.bit_count() >= most or number == len(order.terms) - 1 else part)
    return found


def _around(order: Order, places: Mapping[int, int]) -> list[int]:
    """For each number the smallest calculated partial sum that it is a part of and is not; for the whole, itself."""
    found = [len(order.terms) - 1] * len(order.terms)
    for number in range(len(order.terms) - 2, -1, -1):
        above = order.above[number]
        found[number] = above if above in places else found[above]
    return found


def _as_index(order: Order, number: int, parts: Sequence[int]) -> slice | NDArray[np.intp]:
    """The terms of a partial sum that are in none of its `parts`; as a slice where they stand side by side."""
    left = order.terms[number]
    for part in parts:
        left &= ~order.terms[part]
    found = list(bits(left))
    if found and found[-1] - found[0] == len(found) - 1:
        return slice(found[0], found[-1] + 1)
    return np.array(found, dtype=np.intp)
