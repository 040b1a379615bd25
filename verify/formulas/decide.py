"""Whether a claimed formula is what is asked for: proved in symbols, refuted at a point, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod

from flint import arb, fmpq

from derive.algebra.expression import Apply, Expr, names, walk
from derive.graph.node import SIZE, Node
from derive.show.notation import whole_number
from verify.formulas.guarantees import Guarantee, named, smallest, together
from verify.formulas.question import Question
from verify.formulas.samples import Point, at_other_sizes, batch_sizes, constants, labels, points, redrawn
from verify.numbers.elements import CalculationError
from verify.numbers.scalars import Exactly, as_ball, is_finite, precision
from verify.symbols.cases import always_zero
from verify.symbols.columns import Column
from verify.symbols.entry import Leaf
from verify.symbols.fractions import SIZES, Effort, MoreSymbolsError, NoValueError, Ratio, TooLargeError
from verify.symbols.point import AtPoint
from verify.symbols.powers import FinerPartsError
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner
from verify.symbols.values import GRADIENT, Values

RANDOM_POINTS = 50  # tried without a proof; where all are equal, that is said, and nothing decided
MAX_COMPARED = 60  # entries of a formula of which it is said that some agree
DIGITS = 60  # to which irrational numbers must agree at a point to count as equal there
MAX_PARTS = 60  # common denominator of exponents (exp(x/3) and exp(x/2): 6); a larger one is not tried
_BITS = (256, 1024, 4096)  # inside balls, tried until 60 digits are known

Known = Mapping[str, Mapping[tuple[int, ...], Fraction]]  # values of names, entry by entry

_RATIONAL = {"", "add", "sub", "mul", "div", "neg", "sum", "mean"}
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

    `with_constants` says that the values of the constants were needed, `off_kinks` that a kink was left out;
    `guaranteed` is what the proof needs of the data.
    """

    sizes: tuple[int, ...] = ()
    with_constants: bool = False
    off_kinks: bool = False
    guaranteed: tuple[Guarantee, ...] = ()

    @property
    def only_for(self) -> str:
        """` for one-hot T`, or nothing where no kind of data was needed."""
        return f" for {named(self.guaranteed)}" if self.guaranteed else ""


@dataclass(frozen=True)
class Tried:
    """What the points gave: a difference, or how many agree.

    `undefined` are points where the formula alone has no value, `on_kink` differences exactly on a kink. `too_large`
    says that there was more to calculate than is done for one formula.
    """

    difference: Difference | None = None
    equal: int = 0
    undefined: tuple[Point, ...] = ()
    on_kink: tuple[Difference, ...] = ()
    too_large: bool = False


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
    """Whether the two differ on a kink also where everything that may be any number is another one.

    Data that are 0 or 1 stand on the kink of s >= 0 whatever else is chosen; that is no exception, but what they are.
    """
    columns = together(question.guarantees)
    other = redrawn(question.problem, _more(question), point, columns)
    numbers = AtPoint(other.given)
    try:
        return isinstance(_at(question, other, numbers), Difference) and numbers.on_kink
    except (_UndefinedError, TooLargeError, RecursionError):
        return False


def _at(question: Question, point: Point, numbers: AtPoint) -> Difference | bool | None:
    """The first entry that differs at a point; True where none does, None where a value is not known."""
    for bits in _BITS:
        with precision(bits):
            found = _compared(question, point, numbers)
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


def proved(question: Question) -> Proof | None:
    """The strongest proof that is found: for every batch size, else for each that occurs; None where there is none.

    What the data are in every row is used only where there is no proof without.
    """
    found = _proved(question, ())
    if found is not None:
        return found
    least = smallest(question.guarantees, lambda used: _proved(question, used))
    return None if least is None else replace(least[0], guaranteed=least[1])


def _proved(question: Question, used: Sequence[Guarantee]) -> Proof | None:
    """A proof from some of the guarantees; none is looked for where a point at which these alone hold refutes it."""
    if len(used) < len(question.guarantees) and _tried_where(question, used, 0).difference is not None:
        return None
    fixed = constants(question.problem)
    effort = Effort()
    columns = together(used)
    for known in ({}, fixed) if fixed else ({},):
        manner = _holds(question, {}, known, effort, columns)
        if manner is not None:
            return Proof((), bool(known), manner.off_kinks)
    sizes = batch_sizes(question.problem)
    manners = [_holds(question, {SIZE: n}, fixed, effort, columns) for n in sizes]
    if manners and None not in manners:
        return Proof(sizes, bool(fixed), any(manner is not None and manner.off_kinks for manner in manners))
    return None


def holds_at(question: Question, n: int) -> bool:
    """Whether the formula is proved for batches of `n` samples of the data."""
    fixed, columns = constants(question.problem), together(question.guarantees)
    return _holds(question, {SIZE: n}, fixed, Effort(), columns) is not None


def _manners(question: Question) -> Iterator[Manner]:
    """The ways in which functions are taken, as far as there are any."""
    exprs = [question.expr, *(node.definition for node in question.problem.graph.lines)]
    ops = {getattr(part, "op", "") for expr in exprs for part in walk(expr) if not _is_whole_power(part)}
    functions = bool(ops - _RATIONAL) or question.target.rule is not None
    return (manner for manner in _MANNERS if functions or manner == Manner())


def stand_ins(question: Question) -> tuple[frozenset[str], ...]:
    """The names that stand for themselves in a proof: all other lines and the gradients, those it names, and none."""
    gradients = {f"{GRADIENT}{name}" for name in question.gradients}
    rule = question.target.rule
    if rule is not None:
        gradients.add(f"{GRADIENT}{rule.node.name}")
    lines = {node.name for node in question.problem.graph.lines} - {question.target.name}
    named = lines & set(names(question.expr))
    return tuple(dict.fromkeys((frozenset(gradients | lines), frozenset(named), frozenset())))


def _is_whole_power(part: Expr) -> bool:
    return isinstance(part, Apply) and part.op == "pow" and whole_number(part.args[1]) is not None


def _holds(
    question: Question, sizes: Mapping[str, int], known: Known, effort: Effort, columns: Mapping[str, Column]
) -> Manner | None:
    """The manner in which the difference is 0 in symbols for every entry; None where it is in none."""
    for manner in _manners(question):
        for opaque in stand_ins(question):
            result = in_symbols(question, manner, sizes, opaque, known, effort, columns)
            if result and all(_are_equal(*entry) for entry in result):
                return manner
    return None


def _are_equal(symbols: Symbolic, claimed: Ratio, right: Ratio) -> bool:
    """Whether the two are the same fraction, or equal in every case of the comparisons in them."""
    try:
        difference = symbols.field.subtract(claimed, right)
        return bool(difference.top.is_zero()) or always_zero(symbols, difference)
    except TooLargeError:
        return False


def in_symbols(
    question: Question,
    manner: Manner,
    sizes: Mapping[str, int],
    opaque: frozenset[str] = frozenset(),
    known: Known | None = None,
    effort: Effort | None = None,
    columns: Mapping[str, Column] | None = None,
) -> list[tuple[Symbolic, Ratio, Ratio]] | None:
    """The claimed and the right fraction of every entry, with their symbols; None where that is too much work."""
    leaves = {Leaf(name, index): value for name, own in (known or {}).items() for index, value in own.items()}
    size, parts = 0, 1
    while size < len(SIZES) and parts <= MAX_PARTS:
        numbers = Symbolic(SIZES[size], manner, labels(question.problem.graph, sizes), leaves, effort, parts, columns)
        try:
            values: Values[Ratio] = Values(question.derivation, numbers, sizes, opaque, question.own)
            return [
                (numbers, question.claimed(values, where), question.target.right(values, where))
                for where in question.entries(values)
            ]
        except MoreSymbolsError:
            size += 1
        except FinerPartsError as error:
            parts = error.parts
        except (TooLargeError, NoValueError, RecursionError):
            return None
    return None


def tried(question: Question, count: int) -> Tried:
    """Compares at the own and the small points where `count` is 0, else at `count` random ones."""
    return _tried_where(question, question.guarantees, count)


def _tried_where(question: Question, used: Sequence[Guarantee], count: int) -> Tried:
    """As `tried`, at points at which only some of the guarantees hold."""
    every = points(question.problem, _more(question), 4 * count, together(used))
    if count:
        return differs(question, (point for point in every if point.origin == "random"), count)
    return differs(question, every, 1_000)


def elsewhere(question: Question) -> Difference | None:
    """A point with a batch size that does not occur, at which the two differ; None where none is found."""
    found = at_other_sizes(question.problem, _more(question), together(question.guarantees))
    return differs(question, found, 1_000).difference


def _more(question: Question) -> Mapping[str, Node]:
    """What else needs a value at a point: the number of the update, what an optimizer remembers, lr without a value."""
    rule = question.target.rule
    return {} if rule is None else rule.leaves()
