"""What a wrong formula is instead: another quantity of the problem, or the right one times something telling.

Each entry of `EXPLANATIONS` looks at a refuted claim and finds what explains it, or nothing; the first that
does is told. Mistakes that people make by name have their place here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, islice
from typing import Any

from derive.algebra.expression import Apply, Axis, Expr, Number, Reduce, Ref, rename_axes
from derive.algebra.monomial import collect
from derive.chain.formulas import Formulas
from derive.chain.short_forms import has_indices
from derive.errors import Place
from derive.graph.node import SIZE
from verify.formulas.asked import Derivative, Entry
from verify.formulas.decide import Proof, in_symbols, proved, stand_ins
from verify.formulas.guarantees import Guarantee, named, smallest, together
from verify.formulas.question import Question
from verify.formulas.rule import Rule, rate_in
from verify.formulas.targets import Target, gradient, has_two_meanings, jacobians, line, slices, whole_shown
from verify.formulas.trials import tried
from verify.symbols.entry import Index, Leaf
from verify.symbols.fractions import Effort, Field, MoreSymbolsError, NoValueError, Ratio, TooLargeError
from verify.symbols.symbols import Manner
from verify.symbols.values import Values

MAX_EFFORT = 300_000  # work on a ratio: a tenth of what a proof may take
MAX_CANDIDATES = 60  # other quantities that a formula is compared with; later ones are not tried


@dataclass(frozen=True)
class Explanation:
    """What a refuted formula is: `kind` is a stable name for programs, `sentence` completes "it is wrong: …".

    Where that says it, `right` is the right formula made of the claim.
    """

    kind: str
    sentence: str
    right: Expr | None = None


def explained(question: Question) -> Explanation | None:
    """The first explanation of a refuted formula in the order of `EXPLANATIONS`; None where there is none."""
    found = (explain(question) for explain in EXPLANATIONS)
    return next((explanation for explanation in found if explanation is not None), None)


def _proof(question: Question) -> Proof | None:
    """How the formula is proved equal to another target; None where it is not, or by the constants' values."""
    proof = proved(question) if tried(question, 0).difference is None else None
    return None if proof is None or proof.with_constants else proof


def _another_quantity(question: Question) -> Explanation | None:
    """The formula is right for another gradient, or for a line."""
    if question.target.rule is not None:
        return None
    for candidate in _candidates(question):
        proof = _proof(replace(question, target=candidate))
        if proof is not None:
            return Explanation("another_quantity", f"this is {candidate.name}{proof.only_for}")
    return None


def _candidates(question: Question) -> Iterator[Target]:
    """Other quantities of the same shape: the gradients with respect to the parameters, then all others."""
    graph, target = question.problem.graph, question.target
    if question.picked:
        return
    adjoints = [adjoint.name for adjoint in question.derivation.adjoints if adjoint.name in graph.by_name]
    names = dict.fromkeys((*question.derivation.wrt, *adjoints))
    every = [gradient(question.derivation, name) for name in names if name != graph.loss]
    every += [line(node) for node in graph.lines]
    alike = [
        found
        for found in every
        if found.name != target.name and [a.size for a in found.axes] == [a.size for a in target.axes]
    ]
    yield from (_read_as(found, target) for found in alike[:MAX_CANDIDATES])


def _read_as(found: Target, target: Target) -> Target:
    """The quantity along the axes of another."""

    def right(values: Values[Any], where: Mapping[Axis, Index]) -> Any:
        pairs = zip(found.axes, target.axes, strict=True)
        return found.right(values, {own: where[axis] for own, axis in pairs})

    return replace(found, axes=target.axes, right=right)


def _missing_path(question: Question) -> Explanation | None:
    """The formula is the sum along some of the paths to a name, and leaves out the others."""
    name = question.target.gradient_of
    if name is None:
        return None
    ways: dict[str, list[Expr]] = {}
    for path in Formulas(question.derivation).gradient(name).paths:
        product = collect(tuple(link.partial for link in path.links)).tree()
        whole = Reduce("sum", product, path.summed) if path.summed else product
        ways.setdefault(" → ".join([name, *(link.of.name for link in reversed(path.links))]), []).append(whole)
    for count in range(1, len(ways)):
        for missing in islice(combinations(ways, count), MAX_CANDIDATES):
            asked = replace(question, target=_along(question.target, [way for way in ways if way not in missing], ways))
            proof = _proof(asked)
            if proof is not None:
                return Explanation("missing_path", f"{_left_out(missing)}{proof.only_for and ',' + proof.only_for}")
    return None


def _local_partial(question: Question) -> Explanation | None:
    """The formula is the local partial of the line alone, where the name is used through other lines too."""
    graph, asked = question.problem.graph, question.target.asked
    if asked is None or asked.local or not has_two_meanings(graph, asked):
        return None
    for candidate in jacobians(graph, replace(asked, local=True), Place(question.problem.source)):
        asking = replace(question, target=replace(candidate, apart=question.target.apart))
        proof = _proof(asking) if candidate.axes == question.target.axes else None
        if proof is not None:
            what = f"this is {candidate.name}, the partial of the line {asked.of.name} alone{proof.only_for}"
            return Explanation("local_partial", what)
    return None


def _without_seed(question: Question) -> Explanation | None:
    """The formula is a slice of the Jacobian of the line that the file's seed is for, in which an index is shared."""
    problem, target = question.problem, question.target
    name, of = target.gradient_of, problem.seeded
    if name is None or not of or not target.meaning.startswith("what ") or question.picked:
        return None
    asked, place = Derivative(Entry(of), Entry(name)), Place(problem.source)
    for found, shown in slices(problem.graph, asked, place):
        if [axis.size for axis in found.axes] != [axis.size for axis in target.axes]:
            continue
        proof = _proof(replace(question, target=_read_as(found, target)))
        if proof is not None:
            whole = whole_shown(problem.graph, asked, place)
            either = f"{asked.name} is what {of}.backward(seed) leaves in {name}.grad, or the whole Jacobian {whole}"
            return Explanation("without_seed", f"this is {shown}{proof.only_for}, without the seed: {either}")
    return None


def _along(target: Target, kept: Sequence[str], ways: Mapping[str, Sequence[Expr]]) -> Target:
    """The sum along some of the paths."""

    def right(values: Values[Any], where: Mapping[Axis, Index]) -> Any:
        return values.numbers.sum([values.value(whole, where) for way in kept for whole in ways[way]])

    return replace(target, right=right)


def _left_out(missing: Sequence[str]) -> str:
    *others, last = missing
    return f"the paths {', '.join(others)} and {last} are missing" if others else f"the path {last} is missing"


def _telling_ratio(question: Question) -> Explanation | None:
    """The formula is the right one times a number and a power of n; of an update, the step is."""
    used: tuple[Guarantee, ...] = ()
    ratio = _same_ratio(question, ())
    if ratio is None:
        least = smallest(question.guarantees, lambda some: _same_ratio(question, some))
        if least is None:
            return None
        ratio, used = least
    rule = question.target.rule
    if rule is None and ratio[0] and (of_rate := _times_rate(question, *ratio)):
        return Explanation("ratio", f"it is {of_rate} the right one{f' for {named(used)}' if used else ''}")
    what = "the right step" if rule is not None and rule.moves else "the right one"
    only_for = f" for {named(used)}" if used else ""
    right = _divided(question.written.expr, *ratio) if question.written and rule is None and ratio[0] else None
    return Explanation(
        "ratio",
        (f"it is {_as_rate(rule, *ratio)}{_shown(*ratio)} times {what}" if ratio[0] else "it is 0") + only_for,
        right,
    )


def _as_rate(rule: Rule | None, number: Fraction, exponent: int) -> str:
    """`1/lr = ` where the number of the ratio is that: lr was left out."""
    rate = rule.rate if rule is not None else None
    if not isinstance(rate, Fraction) or rate in (0, 1) or exponent or abs(number) not in (rate, 1 / rate):
        return ""
    return f"{'-' * (number < 0)}{'lr' if abs(number) == rate else '1/lr'} = "


def _times_rate(question: Question, number: Fraction, exponent: int) -> str:
    """`lr*n = n/100 times` of a formula that names lr and is lr times something; else nothing."""
    written, parameter = question.written, question.target.gradient_of
    rate = rate_in(written.expr, question.problem, parameter) if written is not None else None
    if not rate or rate == 1:
        return ""
    by, over = number / rate, number * rate
    if max(over.numerator, over.denominator) < max(by.numerator, by.denominator):
        return f"{_shown(over, exponent, below='lr')} = {_shown(number, exponent)} times"
    return f"{_shown(by, exponent, above='lr')} = {_shown(number, exponent)} times"


def _divided(claimed: Expr, number: Fraction, exponent: int) -> Expr:
    """The claim divided by the number and the power of n that it is too large by."""
    found = Apply("neg", (claimed,)) if number < 0 else claimed
    power = Apply("pow", (Ref(SIZE), Number(Fraction(abs(exponent)))))
    if number.denominator != 1:
        found = Apply("mul", (Number(Fraction(number.denominator)), found))
    if exponent < 0:
        found = Apply("mul", (power, found))
    if abs(number.numerator) != 1:
        found = Apply("div", (found, Number(Fraction(abs(number.numerator)))))
    return Apply("div", (found, power)) if exponent > 0 else found


def _transposed(question: Question) -> Explanation | None:
    """The formula is the right matrix with rows for columns."""
    axes, written = question.target.axes, question.written
    if len(axes) != 2 or axes[0].size != axes[1].size or question.picked or written is None:
        return None
    proof = _proof(replace(question, expr=rename_axes(question.expr, {axes[0]: axes[1], axes[1]: axes[0]})))
    if proof is None:
        return None
    right = None if has_indices(written.expr) else Apply("transpose", (written.expr,))
    return Explanation("transposed", f"it is the transpose of the right one{proof.only_for}", right)


def _same_ratio(question: Question, used: Sequence[Guarantee]) -> tuple[Fraction, int] | None:
    """The number and the power of n that the formula is the right one times, the same for every entry; else None."""
    ways = [(Manner(), opaque) for opaque in stand_ins(question)] + [(Manner(rewritten=True), frozenset())]
    effort = Effort(MAX_EFFORT)
    for manner, opaque in ways:
        both = in_symbols(question, manner, {}, opaque, effort=effort, columns=together(used))
        if both is None:
            continue
        ratios = {
            _ratio(question, numbers.field, claimed, right, k) for k, (numbers, claimed, right) in enumerate(both)
        }
        ratios.discard(_NOTHING)
        if len(ratios) == 1 and (ratio := ratios.pop()) is not None:
            return ratio
    return None


_NOTHING = (Fraction(0), 99)  # of an entry where both are 0


def _ratio(question: Question, field: Field, claimed: Ratio, right: Ratio, place: int) -> tuple[Fraction, int] | None:
    """claimed/right as a number and the exponent of n; None where it is anything else."""
    try:
        if question.target.rule is not None:
            before = _before(question, field, place)
            claimed, right = field.subtract(claimed, before), field.subtract(right, before)
        if right.top.is_zero():
            return _NOTHING if claimed.top.is_zero() else None
        if claimed.top.is_zero():
            return Fraction(0), 0
        quotient = field.divide(claimed, right)
        (top, *more), (bottom, *others) = field.terms(quotient.top), field.terms(quotient.bottom)
    except (TooLargeError, MoreSymbolsError, NoValueError):
        return None
    n = field.places.get(Leaf(SIZE, ()))
    if more or others or any(symbol != n for _, powers in (top, bottom) for symbol, _ in powers):
        return None
    exponent = sum(e for _, e in top[1]) - sum(e for _, e in bottom[1])
    number = top[0] / bottom[0]
    return Fraction(int(number.p), int(number.q)), exponent


def _before(question: Question, field: Field, place: int) -> Ratio:
    """The parameter before the update, of the entry number `place`."""
    rule = question.target.rule
    assert rule is not None  # asked of updates only
    name = rule.node.name if rule.target == "p" else f"{rule.node.name}.{rule.target}"
    entries = [key for key in field.keys if isinstance(key, Leaf) and key.name == name]
    if len(entries) == 1 or not rule.node.axes:
        return field.symbol(entries[0]) if entries else field.zero
    sizes = [axis.size if isinstance(axis.size, int) else 1 for axis in rule.node.axes]
    index = []
    for size in reversed(sizes):
        place, last = divmod(place, size)
        index.append(last)
    return field.symbol(Leaf(name, tuple(reversed(index))))


def _shown(number: Fraction, exponent: int, above: str = "", below: str = "") -> str:
    """`-1`, `n`, `2/n`; with a name that stands `above` or `below`, `2*lr/n`."""
    power = "" if not exponent else "n" if abs(exponent) == 1 else f"n^{abs(exponent)}"
    top, bottom = abs(number.numerator), number.denominator
    over = [name for name in (above, power * (exponent > 0)) if name]
    over = [*([str(top)] * (top != 1 or not over)), *over]
    under = [*([str(bottom)] * (bottom != 1)), *(name for name in (below, power * (exponent < 0)) if name)]
    beneath = f"({'*'.join(under)})" if len(under) > 1 else "".join(under)
    return f"{'-' * (number < 0)}{'*'.join(over)}{'/' * bool(under)}{beneath}"


EXPLANATIONS: tuple[Callable[[Question], Explanation | None], ...] = (
    _without_seed,
    _another_quantity,
    _missing_path,
    _local_partial,
    _telling_ratio,
    _transposed,
)
