"""Where two equal formulas are not equal after all: a claimed one divides by what may be 0, or a kink is stood on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from derive.algebra.equivalence import canonical
from derive.algebra.expression import Apply, Axis, Expr, Number, Ref, children, free_axes, names, walk
from derive.graph.node import SIZE
from derive.show.notation import Ascii
from derive.source.numerals import write_number
from derive.training.optimizers import OPTIONS, counter
from verify.formulas.question import Question
from verify.points.samples import constants
from verify.symbols.columns import Column
from verify.symbols.entry import Index, Leaf, Letter
from verify.symbols.fractions import SIZES, Effort, MoreSymbolsError, NoValueError, Ratio, TooLargeError
from verify.symbols.powers import FinerPartsError
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner
from verify.symbols.values import Values

MAX_EFFORT = 300_000  # work on showing that divisors are positive; after it they are said to be possibly 0

_KINKS = {"relu": 1, "abs": 1, "sign": 1, "max": 2, "min": 2, "greater": 2, "at_most": 2}
_LOGARITHMS = ("log", "log2", "log10")


def without_value(question: Question, columns: Mapping[str, Column] | None = None) -> tuple[str, ...]:
    """Conditions under which the claimed formula alone has no value: `x = 0` for a divisor x, `x <= 0` for log(x).

    `columns` is what is known of the data: a positive x is never 0.
    """
    known = {canonical(divisor) for divisor, _ in _derived(question)}
    given = constants(question.problem)
    known_leaves = {Leaf(name, index): value for name, own in given.items() for index, value in own.items()}
    numbers = Symbolic(SIZES[-1], Manner(rewritten=True), {}, known_leaves, Effort(MAX_EFFORT), columns=columns)
    try:
        values = Values(question.derivation, numbers, {}, own=question.own)
    except (TooLargeError, MoreSymbolsError, FinerPartsError, NoValueError, RecursionError):
        values = None  # of so many lines
    found = {
        f"{Ascii().show(divisor)} {sign} 0": None
        for divisor, sign in _divisors(question.expr)
        if canonical(divisor) not in known and not _is_allowed(divisor, sign, values, numbers)
    }
    return tuple(found)


def _is_allowed(divisor: Expr, sign: str, values: Values[Ratio] | None, numbers: Symbolic) -> bool:
    """Whether a divisor is certainly positive, or where that is enough negative; in an update, 1 − beta1^t is too."""
    if values is None:
        return False
    if not set(names(divisor)) - {SIZE, counter(values.nodes), *OPTIONS, "beta1", "beta2"}:
        return True
    where: dict[Axis, Index] = {}
    for number, axis in enumerate(free_axes(divisor)):
        where[axis] = 0 if isinstance(axis.size, int) else Letter(number, str(axis.size))
    try:
        value = values.value(divisor, where)
        return numbers.positive(value) or (sign == "=" and numbers.positive(numbers.field.negative(value)))
    except (TooLargeError, MoreSymbolsError, FinerPartsError, NoValueError, RecursionError):
        return False


def kinks(question: Question) -> tuple[str, ...]:
    """Conditions for points exactly on a kink of the formula or of a line it is about: `z[i] = 0` for the relu of z."""
    found: dict[str, None] = {}
    for expr in (question.expr, *_touched(question)):
        for part in walk(expr):
            if isinstance(part, Apply) and part.op in _KINKS:
                found[_edge(part)] = None
    return tuple(found)


def _touched(question: Question) -> Iterator[Expr]:
    """The lines that are differentiated, from a line to what it is differentiated by; below a claimed line all."""
    graph, target = question.problem.graph, question.target
    asked = target.asked
    if asked is None and target.rule is None:
        yield from (node.definition for node in graph.lines if node.name in question.depends_on)
        return
    of, wrt = (asked.of.name, asked.wrt.name) if asked is not None else (graph.loss, "")
    wrt = target.rule.node.name if target.rule is not None else wrt
    if asked is not None and asked.local:
        yield graph.by_name[of].definition
        return
    reached = {wrt}
    above = replace(graph, loss=of).ancestors
    for node in graph.lines:  # in the order of calculation
        if node.name in (above | {of}) and reached & set(names(node.definition)):
            reached.add(node.name)
            yield node.definition


def _edge(part: Apply) -> str:
    first = part.args[0]
    other = "0" if _KINKS[part.op] == 1 else Ascii().show(part.args[1])
    if isinstance(first, Number):
        return f"{Ascii().show(part.args[1])} = {Ascii().show(first)}"
    return f"{Ascii().show(first)} = {other}"


def _derived(question: Question) -> Iterator[tuple[Expr, str]]:
    """What the lines and their derivatives divide by."""
    for node in question.problem.graph.lines:
        yield from _divisors(node.definition)
    for edge in question.derivation.edges:
        yield from _divisors(edge.partial)


def _divisors(expr: Expr) -> Iterator[tuple[Expr, str]]:
    """What must not be 0 (=), and what must be positive (<=)."""
    for part in walk(expr):
        match part:
            case Apply(op="div", args=(_, bottom)):
                yield from ((factor, "=") for factor in _factors(bottom))
            case Apply(op="pow", args=(base, exponent)) if _is_negative(exponent):
                yield from ((factor, "=") for factor in _factors(base))
            case Apply(op=op, args=(inner,)) if op in _LOGARITHMS:
                yield inner, "<="


def _factors(expr: Expr) -> Iterator[Expr]:
    """The factors of a divisor; a power is 0 where its base is."""
    match expr:
        case Apply(op="mul" | "neg", args=args):
            for arg in args:
                yield from _factors(arg)
        case Apply(op="pow", args=(base, Number())):
            yield from _factors(base)
        case _:
            if any(isinstance(part, Ref) for part in walk(expr)) or children(expr):
                yield expr


def _is_negative(exponent: Expr) -> bool:
    if isinstance(exponent, Apply) and exponent.op == "neg":
        return True
    return isinstance(exponent, Number) and write_number(exponent.value).startswith("-")
