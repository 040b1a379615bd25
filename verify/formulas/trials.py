"""A claimed formula and the right one compared at points: where they differ, and in which entries they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod

from flint import arb, fmpq

from derive.algebra.expression import Axes, Expr, free_axes
from derive.graph.node import Node
from verify.formulas.guarantees import Guarantee, together
from verify.formulas.question import Question
from verify.numbers.elements import CalculationError
from verify.numbers.scalars import Exactly, as_ball, is_finite, is_moderate, middle, precision
from verify.points.cells import in_cases, search
from verify.points.samples import Point, at_other_sizes, beside, fitted, points, unmoved
from verify.symbols.columns import Column
from verify.symbols.fractions import TooLargeError
from verify.symbols.point import AtPoint
from verify.symbols.values import Values

MAX_COMPARED = 60  # entries of a formula of which it is said that some agree
DIGITS = 60  # to which irrational numbers must agree at a point to count as equal there
RANDOM_POINTS = 50  # tried without a proof; where all are equal, that is said, and nothing decided
MAX_CASES = 120  # in which the two are compared
FEW = 3  # points at which numbers that are equal are taken to be so at all
LINES = 9  # points between which a line is looked at for every case that it meets
_BITS = (256, 1024, 4096)  # inside balls, tried until 60 digits are known


@dataclass(frozen=True)
class Difference:
    """A point at which the two are not equal, and the entry."""

    point: Point
    entry: tuple[int, ...]
    claimed: Exactly
    right: Exactly


@dataclass(frozen=True)
class Tried:
    """What the points gave: a difference, or how many agree.

    `undefined` are points where the formula alone has no value, `on_kink` differences exactly on a kink. `too_large`
    says that there was more to calculate than is done for one formula. `one_sided` counts the comparisons that came out
    one way at every point that was looked at for another.
    """

    difference: Difference | None = None
    equal: int = 0
    undefined: tuple[Point, ...] = ()
    on_kink: tuple[Difference, ...] = ()
    too_large: bool = False
    one_sided: int = 0


class _UndefinedError(Exception):
    """The claimed formula has no value where the right one has."""


def differs(question: Question, found: Iterator[Point], wanted: int) -> Tried:
    """Compares at the points until the two differ, are equal at `wanted` of them, or too often have no value."""
    equal = without = 0
    undefined: list[Point] = []
    on_kink: list[Difference] = []
    for point in found:
        if equal == wanted or without > 4 * wanted:
            break
        numbers = AtPoint(point.given)
        try:
            result = _at(question, point, numbers)
        except _UndefinedError:
            undefined.append(point)
            continue
        except (TooLargeError, RecursionError):
            return Tried(None, equal, tuple(undefined), tuple(on_kink), too_large=True)
        if result is None:
            without += 1
        elif isinstance(result, bool):
            equal += 1
        elif numbers.on_kink and not _always_on_kink(question, point):
            on_kink.append(result)
        else:
            return Tried(result, equal, tuple(undefined), tuple(on_kink))
    return Tried(None, equal, tuple(undefined), tuple(on_kink))


def _always_on_kink(question: Question, point: Point) -> bool:
    """Whether the two differ on a kink also where everything that may be any number is moved a little.

    Data that are 0 or 1 stand on the kink of s >= 0 whatever else is chosen, and x is clip(x, -1, 1) at all x near 0;
    that is no exception.
    """
    columns = together(question.guarantees)
    other = beside(question.problem, point, columns)
    numbers = AtPoint(other.given)
    try:
        return isinstance(_at(question, other, numbers), Difference) and numbers.on_kink
    except (_UndefinedError, TooLargeError, RecursionError):
        return False


def _at(question: Question, point: Point, numbers: AtPoint) -> Difference | bool | None:
    """The first entry that differs at a point; True where none does, None where a value is not known.

    Raises `_UndefinedError` where the claimed formula alone has none.
    """
    found: Difference | bool | None = None
    for bits in _BITS:
        with precision(bits):
            found = _compared(question, point, numbers)
            if found:
                return found
    if found is False:
        raise _UndefinedError
    return None


def _compared(question: Question, point: Point, numbers: AtPoint) -> Difference | bool | None:
    """As `_at`, at one precision; False where the claimed formula has no value, as far as this precision tells."""
    values: Values[Exactly] = Values(question.derivation, numbers, point.sizes, own=question.own)
    sharp = True
    for where in question.entries(values):
        try:
            right = question.target.right(values, where)
        except CalculationError:
            return None
        numbers.without_value = False
        if not is_finite(right):
            return None
        try:
            claimed = question.claimed(values, where)
        except CalculationError:
            raise _UndefinedError from None
        if not is_finite(claimed):  # what a where leaves out may be without a value all the same
            return False if numbers.without_value else None
        if _differ(claimed, right):
            index = tuple(part for part in where.values() if isinstance(part, int))
            return Difference(point, index, claimed, right)
        sharp = sharp and _is_sharp(claimed, right)
    return True if sharp else None


@dataclass(frozen=True)
class Agreement:
    """The entries of a refuted formula, of `total`, that agree at all of so many points; a sample's index is None."""

    entries: tuple[tuple[int | None, ...], ...]
    total: int
    points: int


def agreement(question: Question) -> Agreement | None:
    """Which entries agree at the own and the small points while others do not; None where all differ, or it is one."""
    sized = [isinstance(axis.size, int) for axis in question.target.axes]
    found: dict[tuple[int | None, ...], bool] = {}
    count = 0
    if not any(sized) or prod(axis.size for axis in question.target.axes if isinstance(axis.size, int)) > MAX_COMPARED:
        return None
    for point in points(question.problem, _more(question), 0, together(question.guarantees)):
        numbers = AtPoint(point.given)
        try:
            with precision(_BITS[0]):
                values: Values[Exactly] = Values(question.derivation, numbers, point.sizes, own=question.own)
                here = {
                    where: _differ(question.claimed(values, dict(where)), question.target.right(values, dict(where)))
                    for where in (tuple(entry.items()) for entry in question.entries(values))
                }
        except (CalculationError, TooLargeError, RecursionError):
            continue
        if numbers.on_kink:
            continue
        count += 1
        for where, is_different in here.items():
            pairs = zip((index for _, index in where), sized, strict=True)
            entry = tuple(index if keep and isinstance(index, int) else None for index, keep in pairs)
            found[entry] = found.get(entry, True) and not is_different
    equal = tuple(entry for entry, agrees in found.items() if agrees)
    return Agreement(equal, len(found), count) if equal and len(equal) < len(found) else None


class Nearby:
    """Other formulas for the target of a refuted one, in the entry and at the point that refute it."""

    def __init__(self, question: Question, difference: Difference) -> None:
        self.question = question
        self.right = difference.right
        self.point = difference.point
        self.where = dict(zip(question.target.axes, difference.entry, strict=True))

    @cached_property
    def values(self) -> Values[Exactly]:
        """The values at the point, calculated once for all formulas."""
        return Values(self.question.derivation, AtPoint(self.point.given), self.point.sizes, own=self.question.own)

    def agrees(self, asked: Question) -> bool:
        """Whether a formula has the right value there; False for one in other names than the refuted one's."""
        if not asked.own.keys() <= self.question.own.keys():
            return False
        try:
            with precision(_BITS[0]):
                claimed = asked.claimed(self.values, self.where)
                return is_finite(claimed) and not _differ(claimed, self.right)
        except (CalculationError, TooLargeError, RecursionError):
            return False


def _differ(x: Exactly, y: Exactly) -> bool:
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return bool(x != y)
    return not (as_ball(x) - as_ball(y)).contains(arb(0))


def _is_sharp(x: Exactly, y: Exactly) -> bool:
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return True
    size = max(arb(1), as_ball(y).abs_upper())
    return bool((as_ball(x) - as_ball(y)).abs_upper() < size * arb(10) ** -DIGITS)


def tried(question: Question, count: int) -> Tried:
    """Compares at the own and the small points where `count` is 0, else at `count` random ones."""
    return tried_where(question, question.guarantees, count)


def tried_where(question: Question, used: Sequence[Guarantee], count: int) -> Tried:
    """As `tried`, at points at which only some of the guarantees hold."""
    every = points(question.problem, _more(question), 4 * count, together(used))
    if count:
        return differs(question, (point for point in every if point.origin == "random"), count)
    return differs(question, every, 1_000)


def in_every_case(question: Question) -> Tried:
    """Compares in cases of what is compared that no random point need lie in, such as a narrow strip beside a kink."""
    columns = together(question.guarantees)
    more = _more(question)
    random = [point for point in points(question.problem, more, LINES, columns) if point.origin == "random"]
    start = [point for point in random if point.sizes == random[0].sizes]
    kept = unmoved(question.problem, start[0].sizes, columns)
    free = {name: column for name, column in columns.items() if name not in kept}
    free |= {name: Column(nonnegative=True) for name in more}  # as at the other points: t, lr and what is remembered
    found = search(start, lambda point: _differences(question, point), kept, lambda point: fitted(point, free))
    return replace(differs(question, in_cases(found, start), MAX_CASES), one_sided=found.untried)


def _differences(question: Question, point: Point) -> tuple[Fraction, ...] | None:
    """What each comparison in both compares, in all entries; None where something has no value."""
    numbers = AtPoint(point.given)
    values: Values[Exactly] = Values(question.derivation, numbers, point.sizes, own=question.own)
    try:
        with precision(_BITS[0]):
            for where in question.entries(values):
                question.target.right(values, where)
                question.claimed(values, where)
            return tuple(map(_as_fraction, numbers.differences))
    except (CalculationError, TooLargeError, RecursionError):
        return None


def _as_fraction(away: Exactly) -> Fraction:
    """The number with its sign; 0 where that is not known, and 1 for what is too large for a fraction."""
    sign = int(away > 0) - int(away < 0)
    return middle(away) if sign and is_moderate(away) else Fraction(sign)


def are_equal_anyway(question: Question, first: Expr, other: Expr) -> bool:
    """Whether two expressions are equal in some entry at each of a few random points, and so on no kink there."""
    axes = tuple(dict.fromkeys((*free_axes(first), *free_axes(other))))
    every = points(question.problem, _more(question), FEW, together(question.guarantees))
    found = [point for point in every if point.origin == "random"]
    return bool(found) and all(_meet(question, point, axes, first, other) for point in found)


def _meet(question: Question, point: Point, axes: Axes, first: Expr, other: Expr) -> bool:
    values: Values[Exactly] = Values(question.derivation, AtPoint(point.given), point.sizes, own=question.own)
    try:
        with precision(_BITS[0]):
            entries = (dict(zip(axes, index, strict=True)) for index in values.entries(axes))
            return any(bool(values.value(first, where) == values.value(other, where)) for where in entries)
    except (CalculationError, TooLargeError, RecursionError):
        return False


def elsewhere(question: Question) -> Difference | None:
    """A point with a batch size that does not occur, at which the two differ; None where none is found."""
    found = at_other_sizes(question.problem, _more(question), together(question.guarantees))
    return differs(question, found, 1_000).difference


def _more(question: Question) -> Mapping[str, Node]:
    """What else needs a value at a point: the number of the update, what an optimizer remembers, lr without a value."""
    rule = question.target.rule
    return {} if rule is None else rule.leaves()
