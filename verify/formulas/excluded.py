"""Where two equal formulas are not equal after all: a claimed one divides by what may be 0, or a kink is stood on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod

from derive.algebra.equivalence import canonical
from derive.algebra.expression import Apply, Axis, Expr, Number, Reduce, Ref, children, free_axes, names, walk
from derive.graph.node import SIZE
from derive.show.notation import Ascii
from derive.source.numerals import write_number
from derive.training.optimizers import OPTIONS, counter
from verify.formulas.question import Question
from verify.formulas.trials import are_equal_anyway
from verify.points.samples import constants
from verify.symbols.columns import Column
from verify.symbols.entry import Index, Leaf, Letter
from verify.symbols.fractions import SIZES, Effort, MoreSymbolsError, NoValueError, Ratio, TooLargeError
from verify.symbols.inequalities import contradict, fact
from verify.symbols.powers import FinerPartsError
from verify.symbols.symbolic import Symbolic
from verify.symbols.symbols import Manner
from verify.symbols.values import GRADIENT, Values

MAX_ENTRIES = 60  # of a divisor that are looked at; one of more is said to be possibly 0
MAX_EFFORT = 300_000  # work on showing that divisors are positive; after it they are said to be possibly 0

_KINKS = {"relu": 1, "abs": 1, "sign": 1, "max": 2, "min": 2, "greater": 2, "at_most": 2}
Given = tuple[tuple[tuple[Expr, Expr], bool], ...]  # of a where: whether the one is greater than the other

_POSITIVE = ("exp", "sigmoid", "softplus")
_NEVER_NEGATIVE = (*_POSITIVE, "abs", "relu", "sqrt")
_KEEP_SIGN = ("add", "mul", "div", "sum", "mean", "max", "min")
_LOGARITHMS = ("log", "log2", "log10")


def without_value(question: Question, columns: Mapping[str, Column] | None = None) -> tuple[str, ...]:
    """Conditions under which the claimed formula alone has no value: `x = 0` for a divisor x, `x < 0` for sqrt(x).

    `columns` is what is known of the data: a positive x is never 0.
    """
    known = {canonical(divisor) for divisor, *_ in _derived(question)}
    given = constants(question.problem)
    known_leaves = {Leaf(name, index): value for name, own in given.items() for index, value in own.items()}
    rule = question.target.rule
    certain = {**(columns or {}), **(rule.certain if rule is not None else {})}
    every = []
    # g² is seen not to be negative, and (a + b)² is not
    gradient = {f"{GRADIENT}{rule.node.name}"} if rule is not None else set()
    for manner, opaque in ((Manner(rewritten=True), set()), (Manner(), gradient)):
        numbers = Symbolic(SIZES[-1], manner, {}, known_leaves, Effort(MAX_EFFORT), columns=certain)
        try:
            every.append((Values(question.derivation, numbers, {}, opaque, question.own), numbers))
        except (TooLargeError, MoreSymbolsError, FinerPartsError, NoValueError, RecursionError):
            continue  # of so many lines
    found = {
        f"{Ascii().show(divisor)} {sign} 0": None
        for divisor, sign, given in _divisors(question.expr)
        if canonical(divisor) not in known and not any(_is_allowed(divisor, sign, given, *each) for each in every)
    }
    return tuple(found)


def _is_allowed(divisor: Expr, sign: str, given: Given, values: Values[Ratio], numbers: Symbolic) -> bool:
    """Whether a divisor is certainly positive, or where that is enough negative; in an update, 1 − beta1^t is too."""
    if not set(names(divisor)) - {SIZE, counter(values.nodes), *OPTIONS, "beta1", "beta2"}:
        return True
    if _is_positive(divisor) or (sign == "<" and _is_never_negative(divisor)):
        return True
    sides = (side for pair, _ in given for side in pair)
    axes = tuple(dict.fromkeys(axis for expr in (divisor, *sides) for axis in free_axes(expr)))
    entries: list[Sequence[Index]] = [
        range(axis.size) if isinstance(axis.size, int) else (Letter(k, str(axis.size)),) for k, axis in enumerate(axes)
    ]
    if prod(map(len, entries)) > MAX_ENTRIES:
        return False
    try:
        return all(
            _is_allowed_at(dict(zip(axes, entry, strict=True)), divisor, sign, given, values, numbers)
            for entry in product(*entries)
        )
    except (TooLargeError, MoreSymbolsError, FinerPartsError, NoValueError, RecursionError):
        return False


def _is_never_negative(expr: Expr) -> bool:
    """Whether an expression is made of what is not negative, as a sum of squares is, however many there are."""
    match expr:
        case Number(value=value):
            return value >= 0
        case Ref(name=name):
            return name == SIZE
        case Apply(op="pow", args=(base, Number(value=power))):
            return _is_never_negative(base) or (power.denominator == 1 and power.numerator % 2 == 0)
        case Apply(op="mul", args=(left, right)) if left == right:
            return True
        case Apply(op=op, args=args):
            return op in _NEVER_NEGATIVE or (op in _KEEP_SIGN and all(map(_is_never_negative, args)))
        case Reduce(op=op, body=body):
            return op in _KEEP_SIGN and _is_never_negative(body)
    return False


def _is_positive(expr: Expr) -> bool:
    """Whether an expression is made of what is positive."""
    match expr:
        case Number(value=value):
            return value > 0
        case Ref(name=name):
            return name == SIZE
        case Apply(op="add", args=args):
            return all(map(_is_never_negative, args)) and any(map(_is_positive, args))
        case Apply(op=op, args=args):
            return op in _POSITIVE or (op in _KEEP_SIGN and all(map(_is_positive, args)))
        case Reduce(op=op, body=body):
            return op in _KEEP_SIGN and _is_positive(body)
    return False


def _is_allowed_at(
    where: Mapping[Axis, Index], divisor: Expr, sign: str, given: Given, values: Values[Ratio], numbers: Symbolic
) -> bool:
    value = values.value(divisor, where)
    if sign == "<" and numbers.nonnegative(value):
        return True
    if numbers.positive(value) or (sign == "=" and numbers.positive(numbers.field.negative(value))):
        return True
    return bool(given) and _is_left_out(value, sign, given, lambda expr: values.value(expr, where), numbers)


def _is_left_out(value: Ratio, sign: str, given: Given, value_of: Callable[[Expr], Ratio], numbers: Symbolic) -> bool:
    """Whether a divisor cannot be 0, or negative, where the conditions of a `where` around it are as given."""
    field = numbers.field
    facts = []
    for (left, right), holds in given:
        away = field.subtract(value_of(left), value_of(right))
        if field.constant(away) is None and numbers.positive(Ratio(away.bottom, field.unit)):
            facts.append(fact(numbers, away.top if holds else -away.top, holds))
    if not numbers.positive(Ratio(value.bottom, field.unit)):
        return False
    facts.append(fact(numbers, -value.top, sign == "<"))
    facts += [fact(numbers, value.top, False)] if sign == "=" else []
    return contradict(numbers, facts)


def kinks(question: Question) -> tuple[str, ...]:
    """Conditions for points exactly on a kink of the formula or of a line it is about: `z[i] = 0` for the relu of z.

    What is so at every point, as z[i] = l of one entry below l = max(z), is none.
    """
    found: dict[object, str] = {}
    for expr in (question.expr, *_touched(question)):
        for part in walk(expr):
            if isinstance(part, Apply) and part.op in _KINKS:
                sides = _edge(part)
                first, other = map(Ascii().show, sides)
                if frozenset((first, other)) not in found and not are_equal_anyway(question, *sides):
                    found[frozenset((first, other))] = f"{first} = {other}"  # b = u is u = b
            elif isinstance(part, Reduce) and part.op in ("max", "min"):
                found.setdefault(canonical(part), f"{Ascii().show(part)} is a tie")
    return tuple(found.values())


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


def _edge(part: Apply) -> tuple[Expr, Expr]:
    first, other = part.args[0], Number(Fraction(0)) if _KINKS[part.op] == 1 else part.args[1]
    if isinstance(first, Number):
        first, other = other, first
    return first, other


def _derived(question: Question) -> Iterator[tuple[Expr, str, Given]]:
    """What the lines and their derivatives divide by."""
    for node in question.problem.graph.lines:
        yield from _divisors(node.definition)
    for edge in question.derivation.edges:
        yield from _divisors(edge.partial)


def _divisors(expr: Expr, given: Given = ()) -> Iterator[tuple[Expr, str, Given]]:
    """What must not be 0 (=), what must be positive (<=), and what must not be negative (<), each where it is given."""
    match expr:
        case Apply(op="div", args=(_, bottom)):
            yield from ((factor, "=", given) for factor in _factors(bottom))
        case Apply(op="pow", args=(base, exponent)) if _is_negative(exponent):
            yield from ((factor, "=", given) for factor in _factors(base))
        case Apply(op=op, args=(inner,)) if op in _LOGARITHMS:
            yield inner, "<=", given
        case Apply(op="sqrt", args=(inner,)) if any(isinstance(each, Ref) for each in walk(inner)):
            yield inner, "<", given
        case Apply(op="where", args=(Apply(op="greater" | "at_most" as op, args=(left, right)), first, second)):
            for chosen, is_first in ((first, True), (second, False)):
                yield from _divisors(chosen, (*given, ((left, right), is_first == (op == "greater"))))
            yield from (found for part in (left, right) for found in _divisors(part, given))
            return
    for part in children(expr):
        yield from _divisors(part, given)


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
