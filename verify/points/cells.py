"""A point in every case of formulas in which numbers are compared, also where a case is a narrow one.

max(0, 1 − 1000 |x|) is 0 but in a strip that no random point lies in. Along the line between two points the outcome of
every comparison is watched: where it is another one at the two ends, it changes between them, and halving finds each
case that the line passes. From where it changes, lines along one number each find what is narrow in several directions,
and from a point in each case that is known, those beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from verify.points.samples import Entries, Point

MAX_ASKED = 1_000  # points at which the comparisons are looked at
MAX_COMPARED = 20_000  # comparisons at all of them together
MAX_HALVED = 32  # times that a line is halved: a case of a billionth of it is found
MAX_BESIDE = 600  # points at which the comparisons are looked at beside those of cases that are known
MAX_HALVED_BESIDE = 4  # times that a line beside a point is halved
MAX_EDGES = 4  # points on the edge of a case from which lines along one number are followed
MAX_NUMBERS = 6  # of these numbers
MAX_DECIMALS = 15  # of the numbers of a point in a case, as few as there can be
_REACH = Fraction(
    37, 8
)  # of a line along one number, to both sides; halved it meets no whole number, where cases often end

Outcomes = tuple[int, ...]  # of each comparison, −1, 0 or 1
Asked = Callable[[Point], Outcomes | None]  # None where something has no value


@dataclass
class _Search:
    """What is known so far: the cases that were met, and how many points may still be asked."""

    ask: Asked
    kept: Collection[str]  # names that have only some values; a line leaves them as they are
    left: int = 0
    met: set[Outcomes] = field(default_factory=set)
    edges: list[Point] = field(default_factory=list)

    def outcomes(self, point: Point) -> Outcomes | None:
        self.left -= 1
        return self.ask(point)

    def along(self, start: Point, end: Point, halved: int = MAX_HALVED) -> Iterator[Point]:
        """A point in each case that the line meets and that is new, in as few decimals as it has there."""
        ends = [(t, self.outcomes(self.between(start, end, t))) for t in map(Fraction, (0, 1))]
        pending = deque([(*ends[0], *ends[1], 0)])
        while pending and self.left > 0:
            low, before, high, after, depth = pending.popleft()
            if before == after:
                continue
            middle = self.between(start, end, (low + high) / 2)
            found = self.outcomes(middle)
            if found is not None and found not in self.met:
                self.met.add(found)
                yield self.rounded(middle, found)
            if depth < halved:
                pending.append((low, before, (low + high) / 2, found, depth + 1))
                pending.append(((low + high) / 2, found, high, after, depth + 1))
            elif halved == MAX_HALVED:
                self.edges.append(middle)

    def between(self, start: Point, end: Point, t: Fraction) -> Point:
        """The point at t of the line, from 0 to 1."""

        def moved(name: str) -> Entries:
            own, other = start.given[name], end.given[name]
            return own if name in self.kept else {k: value + t * (other[k] - value) for k, value in own.items()}

        return replace(start, origin="random", given={name: moved(name) for name in start.given})

    def rounded(self, point: Point, outcomes: Outcomes) -> Point:
        """The point in as few decimals as leave it in its case."""
        for decimals in range(MAX_DECIMALS):
            given = {
                name: entries if name in self.kept else {k: round(value, decimals) for k, value in entries.items()}
                for name, entries in point.given.items()
            }
            short = replace(point, given=given)
            if self.left > 0 and self.outcomes(short) == outcomes:
                return short
        return point

    def aside(self, point: Point) -> Iterator[Point]:
        """The two points beside one, for each of its first numbers."""
        places = [(name, k) for name, own in point.given.items() if name not in self.kept for k in own]
        for place in places[:MAX_NUMBERS]:
            for sign in (-1, 1):
                yield replace(point, given=_with(point.given, place, sign * _REACH))


def _with(given: Mapping[str, Entries], place: tuple[str, tuple[int, ...]], more: Fraction) -> Mapping[str, Entries]:
    name, index = place
    return {**given, name: {**given[name], index: given[name][index] + more}}


def in_cases(points: Sequence[Point], ask: Asked, kept: Collection[str]) -> Iterator[Point]:
    """Points in cases that none of `points` lies in, as far as lines between these meet them.

    `ask` gives the outcome of each comparison at a point, always in the same order; `kept` are the names whose numbers
    stay what they are at a point.
    """
    search = _Search(ask, kept)
    search.met |= {found for point in points if (found := search.outcomes(point)) is not None}
    if not any(search.met):
        return
    asked = MAX_COMPARED // max(map(len, search.met))
    met: list[Point] = []
    search.left = min(MAX_ASKED, asked)
    for point in _across(search, points):
        met.append(point)
        yield point
    search.left = min(MAX_BESIDE, asked)
    yield from _beside(search, (*met, *points))


def _across(search: _Search, points: Sequence[Point]) -> Iterator[Point]:
    """Points in the cases that lines between the points meet, and in narrow ones where cases meet."""
    for start, end in pairwise(points):
        if start.sizes == end.sizes:
            yield from search.along(start, end)
    for edge in search.edges[:MAX_EDGES]:
        for end in search.aside(edge):
            yield from search.along(edge, end)


def _beside(search: _Search, points: Sequence[Point]) -> Iterator[Point]:
    """Points in cases beside those of known points, and beside these in turn: a corner is on no line between points."""
    pending = deque(points)
    while pending and search.left > 0:
        point = pending.popleft()
        for end in search.aside(point):
            for found in search.along(point, end, MAX_HALVED_BESIDE):
                pending.append(found)
                yield found
