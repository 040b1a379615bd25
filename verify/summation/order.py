"""The order in which the terms of a sum are added: a binary tree whose leaves are the terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Order:
    """The additions of a sum, the smaller partial sums first, as SciPy's linkage lists them.

    Each adds two numbers: 0 to m - 1 are the m terms, m + k is the result of addition k, counted from 0. What is the
    same tree is the same order.
    """

    additions: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """The number of terms."""
        return len(self.additions) + 1

    @cached_property
    def terms(self) -> tuple[int, ...]:
        """Which terms each number adds up, as the bits of an integer: of the terms themselves and of every addition."""
        found = [1 << term for term in range(self.count)]
        for left, right in self.additions:
            found.append(found[left] | found[right])
        return tuple(found)

    @cached_property
    def depth(self) -> int:
        """The most additions that a term goes through: rounding is at most γ(depth)·Σ|terms|."""
        depths = [0] * self.count
        for left, right in self.additions:
            depths.append(1 + max(depths[left], depths[right]))
        return depths[-1]

    @cached_property
    def above(self) -> tuple[int, ...]:
        """For each number the one that it is added into; for the whole sum itself."""
        found = list(range(self.count + len(self.additions)))
        for place, pair in enumerate(self.additions, start=self.count):
            for own in pair:
                found[own] = place
        return tuple(found)

    def together(self, first: int, second: int) -> int:
        """How many terms the smallest partial sum with both terms has."""
        place, other = first, 1 << second
        while not self.terms[place] & other:
            place = self.above[place]
        return self.terms[place].bit_count()


def order_of(additions: Sequence[tuple[int, int]]) -> Order:
    """The order of additions that are listed in any way in which each comes after those that it reads."""
    own = Order(tuple(additions))
    many = own.count
    places = range(many, many + len(additions))
    listed = sorted(places, key=lambda place: (own.terms[place].bit_count(), own.terms[place]))
    number = dict(zip(listed, places, strict=True))
    pairs = ([number.get(part, part) for part in additions[place - many]] for place in listed)
    return Order(tuple((min(pair), max(pair)) for pair in pairs))


def bits(terms: int) -> Iterator[int]:
    """The terms that an integer stands for, as in `Order.terms`."""
    while terms:
        lowest = terms & -terms
        yield lowest.bit_length() - 1
        terms ^= lowest
