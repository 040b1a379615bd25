"""Whether a claimed formula is what is asked for, proved in symbols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.algebra.expression import Apply, Expr, names, walk
from derive.graph.node import SIZE
from derive.show.notation import whole_number
from verify.formulas.guarantees import Guarantee, named, smallest, together
from verify.formulas.question import Question
from verify.formulas.trials import tried_where
from verify.points.samples import batch_sizes, constants, labels
from verify.symbols.cases import always_zero
from verify.symbols.columns import Column
from verify.symbols.entry import Leaf
from verify.symbols.fractions import SIZES, Effort, MoreSymbolsError, NoValueError, Ratio, TooLargeError
from verify.symbols.powers import FinerPartsError
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner
from verify.symbols.values import GRADIENT, Values

MAX_PARTS = 60  # common denominator of exponents (exp(x/3) and exp(x/2): 6); a larger one is not tried

Known = Mapping[str, Mapping[tuple[int, ...], Fraction]]  # values of names, entry by entry

_RATIONAL = {"", "add", "sub", "mul", "div", "neg", "sum", "mean"}
_WITH_CASES = {"relu", "abs", "sign", "max", "min", "clip", "where", "greater", "at_most", "at_least", "equal"}
_MANNERS = tuple(
    Manner(rewritten, off_kinks, by_cases, largest)
    for off_kinks, by_cases, largest in (
        (False, False, False),
        (False, True, False),
        (True, False, True),
        (True, False, False),
        (True, True, False),
    )
    for rewritten in (False, True)
)
MAX_EFFORT_BY_CASES = 1_500_000  # work on functions taken apart, or on maxima as symbols, beside that on others


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
    if len(used) < len(question.guarantees) and tried_where(question, used, 0).difference is not None:
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
    has_cases = bool(ops & _WITH_CASES)
    every = (manner for manner in _MANNERS if functions or manner == Manner())
    unfit = {"by_cases": not has_cases, "largest": not ops & {"max", "min"}}
    return (manner for manner in every if not any(own and getattr(manner, name) for name, own in unfit.items()))


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
    apart, largest = Effort(MAX_EFFORT_BY_CASES), Effort(MAX_EFFORT_BY_CASES)
    for manner in _manners(question):
        for opaque in stand_ins(question):
            available = apart if manner.by_cases else largest if manner.largest else effort
            result = in_symbols(question, manner, sizes, opaque, known, available, columns)
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
    rule = question.target.rule
    columns = {**(columns or {}), **(rule.certain if rule is not None else {})}
    size, parts = 0, 1
    while size < len(SIZES) and parts <= MAX_PARTS:
        numbers = Symbolic(SIZES[size], manner, labels(question.problem.graph, sizes), leaves, effort, parts, columns)
        open_sizes = question.problem.graph.class_labels.items()
        numbers.label_sizes = {name: axis for name, axis in open_sizes if isinstance(axis, str) and axis not in sizes}
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
