"""Whether a claimed formula is what is asked for: proved in symbols, refuted at a point, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, fmpq

from derive.node import SIZE, Node
from verify.formulas.fractions import MAX_WORK, SIZES, Field, MoreSymbolsError, NoValueError, Ratio, TooLargeError
from verify.formulas.letters import Leaf
from verify.formulas.points import AtPoint
from verify.formulas.question import Question
from verify.formulas.samples import Point, at_other_sizes, batch_sizes, constants, labels, points
from verify.formulas.symbolic import Manner, Symbolic
from verify.formulas.values import GRADIENT, Values
from verify.numbers.elements import CalculationError
from verify.numbers.scalars import Exactly, as_ball, is_finite, precision

RANDOM_POINTS = 50
DIGITS = 60
_BITS = (256, 1024, 4096)  # inside balls, tried until 60 digits are known

_MANNERS = (Manner(), Manner(rewritten=True), Manner(off_kinks=True), Manner(rewritten=True, off_kinks=True))


@dataclass(frozen=True)
class Difference:
    """A point at which the two are not equal, and the entry."""

    point: Point
    entry: tuple[int, ...]
    claimed: Exactly
    right: Exactly


@dataclass(frozen=True)
class Proof:
    """How the two were proved equal: for every batch size where `sizes` is empty, else for those.

    `with_constants` says that the values of the constants were needed, `off_kinks` that a kink was left out.
    """

    sizes: tuple[int, ...] = ()
    with_constants: bool = False
    off_kinks: bool = False


@dataclass(frozen=True)
class Tried:
    """What the points gave: a difference, or how many agree.

    `undefined` are points where the formula alone has no value, `on_kink` differences exactly on a kink.
    """

    difference: Difference | None = None
    equal: int = 0
    undefined: tuple[Point, ...] = ()
    on_kink: tuple[Difference, ...] = ()


class _UndefinedError(Exception):
    """The claimed formula has no value where the right one has."""


def differs(question: Question, found: Iterator[Point], wanted: int) -> Tried:
    """The first of the points at which the two differ; no more than `wanted` at which they are equal."""
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
        if result is None:
            without += 1
        elif result is True:
            equal += 1
        elif not isinstance(result, Difference) or numbers.on_kink:
            on_kink += [result] if isinstance(result, Difference) else []
        else:
            return Tried(result, equal, tuple(undefined), tuple(on_kink))
    return Tried(None, equal, tuple(undefined), tuple(on_kink))


def _at(question: Question, point: Point, numbers: AtPoint) -> Difference | bool | None:
    """The first entry that differs at a point; True where none does, None where a value is not known."""
    for bits in _BITS:
        with precision(bits):
            try:
                found = _compared(question, point, numbers)
            except (TooLargeError, RecursionError):
                return None
            if found is not None:
                return found
    return None


def _compared(question: Question, point: Point, numbers: AtPoint) -> Difference | bool | None:
    values: Values[Exactly] = Values(question.derivation, numbers, point.sizes, own=question.own)
    sharp = True
    for where in question.entries(values):
        try:
            right = question.target.right(values, where)
        except CalculationError:
            return None
        if not is_finite(right):
            return None
        try:
            claimed = question.claimed(values, where)
        except CalculationError:
            raise _UndefinedError from None
        if not is_finite(claimed):
            return None
        if _differ(claimed, right):
            index = tuple(part for part in where.values() if isinstance(part, int))
            return Difference(point, index, claimed, right)
        sharp = sharp and _is_sharp(claimed, right)
    return True if sharp else None


def _differ(x: Exactly, y: Exactly) -> bool:
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return bool(x != y)
    return not (as_ball(x) - as_ball(y)).contains(arb(0))


def _is_sharp(x: Exactly, y: Exactly) -> bool:
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return True
    size = max(arb(1), as_ball(y).abs_upper())
    return bool((as_ball(x) - as_ball(y)).abs_upper() < size * arb(10) ** -DIGITS)


def proved(question: Question) -> Proof | None:
    """The strongest proof that is found: for every batch size, else for each that occurs; None where there is none."""
    fixed = question.problem.constants and constants(question.problem)
    for known in ({}, fixed) if fixed else ({},):
        for manner in _MANNERS:
            for opaque in stand_ins(question):
                if _holds(question, manner, {}, opaque, known):
                    return Proof((), bool(known), manner.off_kinks)
    sizes = batch_sizes(question.problem)
    if sizes and all(_holds_at(question, {SIZE: n}, fixed or {}) for n in sizes):
        off = not all(_holds_at(question, {SIZE: n}, fixed or {}, _MANNERS[:2]) for n in sizes)
        return Proof(sizes, bool(fixed), off)
    return None


def holds_at(question: Question, n: int) -> bool:
    """Whether it is proved for one batch size."""
    return _holds_at(question, {SIZE: n}, constants(question.problem))


def _holds_at(
    question: Question,
    sizes: Mapping[str, int],
    known: Mapping[str, Mapping[tuple[int, ...], Fraction]],
    manners: tuple[Manner, ...] = _MANNERS,
) -> bool:
    return any(_holds(question, manner, sizes, opaque, known) for manner in manners for opaque in stand_ins(question))


def stand_ins(question: Question) -> tuple[frozenset[str], ...]:
    """What stands for itself: first the lines and the gradients that the formula names, then nothing."""
    gradients = {f"{GRADIENT}{name}" for name in question.gradients}
    rule = question.target.rule
    if rule is not None:
        gradients.add(f"{GRADIENT}{rule.node.name}")
    lines = {node.name for node in question.problem.graph.lines} - {question.target.name}
    return (frozenset(gradients | lines), frozenset())


def _holds(
    question: Question,
    manner: Manner,
    sizes: Mapping[str, int],
    opaque: frozenset[str],
    known: Mapping[str, Mapping[tuple[int, ...], Fraction]],
) -> bool:
    """Whether the difference is 0 in symbols for every entry."""
    result = in_symbols(question, manner, sizes, opaque, known)
    return result is not None and all(field.subtract(claimed, right).top.is_zero() for field, claimed, right in result)


def in_symbols(
    question: Question,
    manner: Manner,
    sizes: Mapping[str, int],
    opaque: frozenset[str] = frozenset(),
    known: Mapping[str, Mapping[tuple[int, ...], Fraction]] | None = None,
    most: int = MAX_WORK,
) -> list[tuple[Field, Ratio, Ratio]] | None:
    """Both sides of every entry as fractions; None where that is too much work."""
    leaves = {Leaf(name, index): value for name, own in (known or {}).items() for index, value in own.items()}
    for size in SIZES:
        numbers = Symbolic(size, manner, labels(question.problem.graph), leaves, most)
        values: Values[Ratio] = Values(question.derivation, numbers, sizes, opaque, question.own)
        try:
            return [
                (numbers.field, question.claimed(values, where), question.target.right(values, where))
                for where in question.entries(values)
            ]
        except MoreSymbolsError:
            continue
        except (TooLargeError, NoValueError, RecursionError):
            return None
    return None


def tried(question: Question, count: int) -> Tried:
    """The points: with `count` 0 those that come first, else so many random ones."""
    more = _more(question)
    every = points(question.problem, more, 4 * count)
    if count:
        return differs(question, (point for point in every if point.origin == "random"), count)
    return differs(question, every, 1_000)


def elsewhere(question: Question) -> Difference | None:
    """A point with a batch size that does not occur, at which the two differ."""
    return differs(question, at_other_sizes(question.problem, _more(question)), 1_000).difference


def _more(question: Question) -> Mapping[str, Node]:
    """What else needs a value at a point: the number of the update, what an optimizer remembers, lr without a value."""
    rule = question.target.rule
    return {} if rule is None else rule.leaves()
