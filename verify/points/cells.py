"""A point in every case of formulas in which numbers are compared, also where a case is narrow or far away.

max(0, 1 − 1000 |x|) is 0 but in a strip that no random point lies in, and x > 10⁶ holds at none. What is compared is a
difference of two numbers. One that has the same sign at all points is followed along lines to where it is 0 and beyond,
at first as if it were linear, then ever farther away. Along the line between two points each sign that changes does so
where the difference is 0, which is found by interpolation and halving; a place on each side of it is a case. From where
signs change, lines along one number each find what is narrow in several directions, and from a point in each case that
is known, those beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from verify.points.lines import Differences, Outcomes, are_alike, reached, signs, within
from verify.points.samples import Entries, Point

MAX_ASKED = 1_000  # points at which the comparisons are looked at
MAX_COMPARED = 20_000  # comparisons at all of them together
MAX_HALVED = 32  # times that a line is divided: a case of a billionth of it is found
MAX_BESIDE = 600  # points at which the comparisons are looked at beside those of cases that are known
MAX_HALVED_BESIDE = 4  # times that a line beside a point is divided
MAX_EDGES = 4  # points on the edge of a case from which lines along one number are followed
MAX_NUMBERS = 6  # of these numbers
MAX_FAR = 800  # points at which the comparisons are looked at for an outcome that none had so far
MAX_STARTS = 3  # points from which that is looked for
MAX_FAR_NUMBERS = 24  # of the numbers that are moved for it
_FAR = tuple(Fraction(sign * 10 ** (2**k)) for k in range(9) for sign in (1, -1))  # up to 10²⁵⁶
_DECIMALS = (*range(16), 20, 30, 40, 80)  # of the numbers of a point in a case, as few as there can be
_TINY = tuple(Fraction(1, 2**k) for k in (8, 16, 32, 64, 128, 256))  # of steps off a tie
_REACH = Fraction(37, 8)  # of a line along one number, to both sides; no whole number, where cases often end

Asked = Callable[[Point], Differences | None]  # None where something has no value
Place = tuple[str, tuple[int, ...]]  # of a number of a point
Step = Mapping[Place, Fraction]  # how a point is moved


@dataclass
class Search:
    """What is known so far: the cases that were met, and how many points may still be asked.

    `sides` are the outcomes of each comparison, whatever the others were. `fit` makes of a moved point
    one that can be: of a negative number of a positive column, its absolute value.
    """

    ask: Asked
    kept: Collection[str]  # names that have only some values; a line leaves them as they are
    fit: Callable[[Point], Point]
    left: int = 0
    met: set[Outcomes] = field(default_factory=set)
    sides: list[set[int]] = field(default_factory=list)
    edges: list[Point] = field(default_factory=list)

    def differences(self, point: Point) -> Differences | None:
        """What is compared at a point; its outcomes are noted."""
        self.left -= 1
        found = self.ask(point)
        outcomes = signs(found) or ()
        self.sides += [set() for _ in outcomes[len(self.sides) :]]
        for side, outcome in zip(self.sides, outcomes, strict=False):
            side.add(outcome)
        return found

    @property
    def one_sided(self) -> list[int]:
        """The comparisons of which one number was the larger alone, if at all."""
        return [k for k, side in enumerate(self.sides) if len(side - {0}) == 1]

    @property
    def untried(self) -> int:
        """How many comparisons came out one way alone: what is never negative, and 0, came out in both."""
        return sum(len(side) == 1 for side in self.sides)

    def along(self, start: Point, end: Point, most: int = MAX_HALVED) -> Iterator[Point]:
        """A point in each case that the line meets and that is new, in as few decimals as it has there."""
        ends = [(t, self.differences(self.between(start, end, t))) for t in map(Fraction, (0, 1))]
        pending = deque([(*ends[0], *ends[1], 0)])
        while pending and self.left > 0:
            low, before, high, after, depth = pending.popleft()
            if are_alike(signs(before), signs(after)):
                continue
            known = [(low, before)]
            for t in within(low, before, high, after):
                point = self.between(start, end, t)
                known.append((t, self.differences(point)))
                yield from self.new(point, signs(known[-1][1]))
            known.append((high, after))
            if depth < most:
                pending += [(*one, *other, depth + 1) for one, other in pairwise(known)]
            elif most == MAX_HALVED:
                self.edges.append(self.between(start, end, (low + high) / 2))

    def new(self, point: Point, outcomes: Outcomes | None) -> Iterator[Point]:
        """The point in short where its case is new; where numbers are equal there, also those on both sides of it."""
        if outcomes is None or outcomes in self.met:
            return
        self.met.add(outcomes)
        yield self.rounded(point, outcomes)
        if self.ties(outcomes):
            self.edges.append(point)
            for sign in (1, -1):
                yield from self.off_the_tie(point, outcomes, sign)

    def ties(self, outcomes: Outcomes) -> bool:
        """Whether numbers are equal that are not so wherever they were looked at."""
        return any(outcome == 0 and side != {0} for outcome, side in zip(outcomes, self.sides, strict=True))

    def off_the_tie(self, point: Point, outcomes: Outcomes, sign: int) -> Iterator[Point]:
        """The point moved a little, so that nothing else is changed than that numbers are equal, if its case is new."""
        step = {place: Fraction(sign * (7 + k * k), 5 + 3 * k) for k, place in enumerate(self.places(point))}
        for tiny in _TINY:
            moved = self.moved(point, step, tiny)
            found = signs(self.differences(moved))
            if self.left <= 0:
                return
            if found is not None and are_alike(outcomes, found) and not self.ties(found):
                if found not in self.met:
                    self.met.add(found)
                    yield self.rounded(moved, found)
                return

    def places(self, point: Point) -> list[Place]:
        """The numbers of a point that may be any."""
        return [(name, k) for name, own in point.given.items() if name not in self.kept for k in own]

    def moved(self, point: Point, step: Step, times: Fraction) -> Point:
        """The point so many steps farther on."""
        given = {name: dict(own) for name, own in point.given.items()}
        for (name, index), length in step.items():
            given[name][index] += times * length
        return self.fit(replace(point, origin="random", given=given))

    def between(self, start: Point, end: Point, t: Fraction) -> Point:
        """The point at t of the line, from 0 to 1."""

        def moved(name: str) -> Entries:
            own, other = start.given[name], end.given[name]
            return own if name in self.kept else {k: value + t * (other[k] - value) for k, value in own.items()}

        return self.fit(replace(start, origin="random", given={name: moved(name) for name in start.given}))

    def rounded(self, point: Point, outcomes: Outcomes) -> Point:
        """The point in as few decimals as leave it in its case."""
        largest = max((abs(point.given[name][k]) for name, k in self.places(point)), default=Fraction(0))
        for decimals in (*range(1 - len(str(int(largest))), 0), *_DECIMALS):
            given = {
                name: entries if name in self.kept else {k: round(value, decimals) for k, value in entries.items()}
                for name, entries in point.given.items()
            }
            short = self.fit(replace(point, given=given))
            if self.left > 0 and signs(self.differences(short)) == outcomes:
                return short
        return point

    def aside(self, point: Point) -> Iterator[Point]:
        """The two points beside one, for each of its first numbers."""
        for place in self.places(point)[:MAX_NUMBERS]:
            for sign in (-1, 1):
                yield self.moved(point, {place: _REACH}, Fraction(sign))


def search(
    points: Sequence[Point], ask: Asked, kept: Collection[str], fit: Callable[[Point], Point] = lambda point: point
) -> Search:
    """A search that knows the cases of `points`.

    `ask` gives what is compared at a point, always in the same order; `kept` are the names whose numbers stay what they
    are at a point, and `fit` makes of a moved point one that can be.
    """
    found = Search(ask, kept, fit)
    every = [signs(found.differences(point)) for point in points]
    found.met |= {outcomes for outcomes in every if outcomes is not None}
    return found


def in_cases(search: Search, points: Sequence[Point]) -> Iterator[Point]:
    """Points in cases that none of `points` lies in, as far as they are found."""
    if not any(search.met):
        return
    asked = MAX_COMPARED // max(map(len, search.met))
    met: list[Point] = []
    for most, stage in ((MAX_FAR, _far), (MAX_ASKED, _across), (MAX_BESIDE, _beside)):
        search.left = min(most, asked)
        found = []
        for point in stage(search, [*met, *points]):
            found.append(point)
            yield point
        met += found


def _far(search: Search, points: Sequence[Point]) -> Iterator[Point]:
    """Points at which a comparison comes out as it did at none so far, and those on the way there."""
    for start in points[:MAX_STARTS]:
        places = search.places(start)
        steps: list[Step] = [{place: Fraction(1)} for place in places[:MAX_FAR_NUMBERS]]
        if len(places) > 1:
            steps.append(dict.fromkeys(places, Fraction(1)))
        for step in steps:
            if search.one_sided and search.left > 0:
                yield from _along_step(search, start, step)


def _along_step(search: Search, start: Point, step: Step) -> Iterator[Point]:
    """As `_far`, from one point, which is moved in one direction."""
    asked = [search.differences(search.moved(start, step, Fraction(t))) for t in (-1, 0, 1)]
    before, here, after = asked
    if before is None or here is None or after is None:
        return
    changed = [k for k in search.one_sided if here[k] != after[k] or here[k] != before[k]]
    near = [t for k in changed for t in reached(before[k], here[k], after[k])]
    for t in sorted((*near, *_FAR), key=abs):
        wanted = [k for k in changed if len(search.sides[k] - {0}) == 1]
        if not wanted or search.left <= 0:
            return
        point = search.moved(start, step, t)
        outcomes = signs(search.differences(point))
        if outcomes is not None and any(len(search.sides[k] - {0}) > 1 for k in wanted):
            yield from search.along(start, point)
            yield from search.new(point, outcomes)


def _across(search: Search, points: Sequence[Point]) -> Iterator[Point]:
    """Points in the cases that lines between the points meet, and in narrow ones where cases meet."""
    for start, end in pairwise(points):
        if start.sizes == end.sizes:
            yield from search.along(start, end)
    for edge in search.edges[:MAX_EDGES]:
        for end in search.aside(edge):
            yield from search.along(edge, end)


def _beside(search: Search, points: Sequence[Point]) -> Iterator[Point]:
    """Points in cases beside those of known points, and beside these in turn: a corner is on no line between points."""
    pending = deque(points)
    while pending and search.left > 0:
        point = pending.popleft()
        for end in search.aside(point):
            for found in search.along(point, end, MAX_HALVED_BESIDE):
                pending.append(found)
                yield found
