"""Claimed formulas judged: right, wrong with a counterexample in exact numbers, or undecided, with its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from derive.algebra.expression import Expr, Position, walk
from derive.chain.derivation import Derivation
from derive.errors import ClaimError, Place, shorten
from derive.graph.node import ROWS, SIZE
from derive.paper.spelling import at
from derive.problem.loading import Problem
from derive.source.numerals import write_number
from verify.formulas import excluded
from verify.formulas.corrections import Right, corrected, right_formula
from verify.formulas.decide import Proof, holds_at, proved
from verify.formulas.explain import Explanation, explained
from verify.formulas.guarantees import together
from verify.formulas.question import Question, questions
from verify.formulas.reading import left_side
from verify.formulas.targets import apart
from verify.formulas.trials import (
    DIGITS,
    RANDOM_POINTS,
    Difference,
    Tried,
    agreement,
    elsewhere,
    in_every_case,
    tried,
)
from verify.numbers.scalars import Exactly, as_ball, decimal, is_sharp, middle, to_fraction
from verify.points.samples import Point, batch_sizes

SOURCE = "--claim"  # what messages call a sentence
RIGHT, WRONG, UNDECIDED = "right", "wrong", "undecided"

DIGITS_SHOWN, BITS_SHOWN = 12, 44  # of a number that is no fraction; so many bits hold so many digits
MAX_LISTED = 4  # entries that are named one by one
MAX_SHOWN = 300  # characters of a counterexample that are printed; the rest is cut off


@dataclass(frozen=True)
class Counterexample:
    """Exact numbers at which a formula is wrong: `given` by name, as printed; `entry` is () for a single number.

    `is_own` says that they are the problem's own initial values and first batch.
    """

    given: Mapping[str, str]
    entry: tuple[int, ...]
    claimed: str
    right: str
    is_own: bool = False

    def __str__(self) -> str:
        shown = ", ".join(f"{name} = {value}" for name, value in self.given.items())
        if len(shown) > MAX_SHOWN:
            return "the problem's own initial values and first batch" if self.is_own else f"{shown[:MAX_SHOWN]}…"
        return shown or "every point"


@dataclass(frozen=True)
class FormulaFinding:
    """What became of one claimed formula.

    `status` is "right", "wrong" or "undecided"; `reading` says what it was taken for, `decided` how it was
    decided ("every n", "n = 3", "counterexample", "50 random points"), `excluded` where it does not hold
    although it is right. `right` is the formula that is derived, where it is short enough to be shown. `used` is what
    its proof needs of the data ("one-hot T"), which holds in the file.
    """

    name: str
    text: str
    status: str
    sentence: str
    reading: str
    decided: str
    counterexample: Counterexample | None = None
    excluded: tuple[str, ...] = ()
    explanation: Explanation | None = None
    right: str = ""
    notes: tuple[str, ...] = field(default=())
    used: tuple[str, ...] = ()


def judge_sentences(problem: Problem, derivation: Derivation, texts: Iterable[str]) -> tuple[FormulaFinding, ...]:
    """The findings on formulas, each a text such as `dl/dw = 2*w` or `w <- w - lr*dl/dw`, in order.

    Raises `ClaimError` for a text without a name and a sign, and as `judge_formula` does.
    """
    return tuple(_judged_sentence(problem, derivation, text) for text in texts)


def _judged_sentence(problem: Problem, derivation: Derivation, text: str) -> FormulaFinding:
    place = Place(SOURCE, None, 1, text)
    name, end = left_side(text)
    if not name:
        raise ClaimError(f"{shorten(text, 60)} is no claim; expected one such as 'dl/dw = 2*w'", place)
    start = end + len(text[end:]) - len(text[end:].lstrip())
    return judge_formula(problem, derivation, name, text[start:].rstrip(), at(place, start))


def judge_formulas(problem: Problem, derivation: Derivation) -> tuple[FormulaFinding, ...]:
    """The findings on all formulas of the problem's [claims], in order. Raises as `judge_formula` does."""
    if problem.claims is None:
        return ()
    return tuple(
        judge_formula(problem, derivation, name, text, formula_place(problem, name, text))
        for name, text in problem.claims.formulas
    )


def formula_place(problem: Problem, name: str, text: str) -> Place:
    """Where the text of a claimed formula begins, so that a caret can stand under one of its characters."""
    place = problem.place_of(f"claims.formulas.{name}")
    if place is None and problem.claims is not None:
        place = problem.claims.place
    if place is None:
        return Place(problem.source, None, 1, text)
    column = place.text.find(text, place.text.find("=") + 1)
    if column < 0:
        return Place(f"{place.source}, claims.formulas", place.line, 1, text)
    return Place(place.source, place.line, column + 1, place.text)


def judge_formula(problem: Problem, derivation: Derivation, name: str, text: str, place: Place) -> FormulaFinding:
    """Decides one formula; `place` is where its text begins. Raises `ProblemError` where it cannot be read.

    Where a claim can be read in several ways, it is right where it is right in one of them.
    """
    findings = []
    for question in questions(problem, derivation, name, text, place):
        findings.append(_judged(question, name, text))
        if findings[-1].status == RIGHT:
            break
    order = (RIGHT, UNDECIDED, WRONG)
    best = min(findings, key=lambda finding: order.index(finding.status))
    return best if best.status != WRONG else _in_no_reading(findings)


def _in_no_reading(findings: Sequence[FormulaFinding]) -> FormulaFinding:
    """The finding in the usual reading, with the others in which the formula is wrong too."""
    first = findings[0]
    others = dict.fromkeys(found.reading for found in findings if found.reading != first.reading)
    notes = tuple(f"it is not {other} either" for other in others)
    return replace(first, sentence="; ".join((first.sentence, *notes)), notes=(*first.notes, *notes))


def _judged(question: Question, name: str, text: str) -> FormulaFinding:
    rule = question.target.rule
    if rule is not None and rule.refusal:
        return FormulaFinding(name, text, UNDECIDED, rule.refusal, question.target.meaning, "not judged")
    first = tried(question, 0)
    if first.difference is not None:
        return _wrong(question, name, text, first.difference)
    proof = proved(question)
    if proof is not None and (first.equal or not first.undefined) and not proof.off_kinks:
        return _right(question, name, text, proof, first)
    more = first if first.too_large else tried(question, RANDOM_POINTS)
    if more.difference is None and not more.too_large and proof is None:
        more = replace(in_every_case(question), equal=more.equal, undefined=more.undefined)
    if more.difference is not None:
        return _wrong(question, name, text, more.difference)
    undefined = (*first.undefined, *more.undefined)
    if undefined and not first.equal and not more.equal:
        return _never(question, name, text, undefined[0])
    if proof is not None:
        return _right(question, name, text, proof, first)
    return _undecided(question, name, text, more)


def _right(question: Question, name: str, text: str, proof: Proof, found: Tried) -> FormulaFinding:
    scope, decided = _scope(question, proof)
    without = excluded.without_value(question, together(proof.guaranteed))
    edges = excluded.kinks(question) if proof.off_kinks or found.on_kink else ()
    exceptions = [f"except where {' or '.join(without)}"] if without else []
    if edges:
        exceptions.append(f"except exactly on a kink, where {' or '.join(edges)}")
    own = [point for point in found.undefined if point.origin == "own"]
    notes = _notes(question) + (("it has no value at the problem's own first batch",) if own else ())
    sentence = "; ".join([f"right: proved{scope}", *exceptions, *notes])
    meaning = question.target.meaning
    used = tuple(guarantee.words for guarantee in proof.guaranteed)
    return FormulaFinding(
        name,
        text,
        RIGHT,
        sentence,
        meaning,
        decided,
        None,
        (*without, *edges),
        None,
        question.target.shown,
        notes,
        used,
    )


def _scope(question: Question, proof: Proof) -> tuple[str, str]:
    """For which batch sizes it is proved, in a sentence and as a word."""
    constants = " with the values of the constants" if proof.with_constants else ""
    given = proof.only_for or " equal"
    if proof.sizes:
        listed = " and ".join(f"n = {n}" for n in proof.sizes)
        many = "the batch sizes here" if len(proof.sizes) > 1 else "the batch size here"
        other = elsewhere(question)
        beyond = "others are not settled" if other is None else f"at n = {other.point.sizes[SIZE]} it would be wrong"
        return f"{given} at {listed}, {many}{constants}; {beyond}", listed
    is_every = SIZE in question.problem.graph.by_name and _about_samples(question)
    every = (" and every n" if proof.only_for else " for every n") if is_every else ""
    return given + every + constants, "every n" if is_every else "always"


def _about_samples(question: Question) -> bool:
    """Whether the number of samples matters: a gradient, a line or an update that sums over them."""
    return not question.target.meaning.startswith("the local partial")


def _notes(question: Question) -> tuple[str, ...]:
    """What was read into the claim."""
    found = []
    target = question.target
    if question.added:
        found.append("the sum over the samples, left in words, is put in")
    if not target.meaning.startswith(("the gradient", "the line")):
        found.append(f"read as {target.meaning}")
    if question.note:
        found.append(question.note)
    return tuple(found)


def _wrong(question: Question, name: str, text: str, difference: Difference) -> FormulaFinding:
    example = _example(question, difference)
    explanation = explained(question)
    entry = f" in entry [{','.join(map(str, example.entry))}]" if example.entry else ""
    pieces = [f"wrong: at {example} it gives {example.claimed}{entry}, right is {example.right}"]
    pieces += [explanation.sentence] if explanation else []
    pieces += _apart_right(question)
    pieces += _elsewhere_right(question)
    pieces += _agreeing(question)
    correction = corrected(question, difference)
    told = correction is not None and (explanation is None or explanation.kind != "ratio")
    pieces += [correction.sentence] if correction is not None and told else []
    proven = [Right(correction.formula, correction.only_for)] if correction is not None else []
    made = [explanation.right] if explanation is not None and explanation.right is not None else []
    shown = right_formula(question, proven, made)
    right = shown.text
    pieces += [f"right: {right}{shown.only_for}"] if right else []
    notes = _notes(question)
    sentence = "; ".join([*pieces, *notes])
    meaning = question.target.meaning
    return FormulaFinding(
        name, text, WRONG, sentence, meaning, "counterexample", example, (), explanation, right, notes
    )


def _apart_right(question: Question) -> list[str]:
    """That a Jacobian is right but where an entry is derived by itself: a Kronecker delta is missing."""
    target = question.target
    if not target.pairs or target.apart:
        return []
    elsewhere_ = replace(question, target=apart(target, target.pairs))
    if proved(elsewhere_) is None or tried(elsewhere_, 0).difference is not None:
        return []
    return [f"it is right only where {' and '.join(f'{a} is not {b}' for a, b in target.pairs)}"]


def _elsewhere_right(question: Question) -> list[str]:
    """That it is right at one of several batch sizes."""
    sizes = batch_sizes(question.problem)
    proved_at = [n for n in sizes if holds_at(question, n)] if len(sizes) > 1 else []
    return [f"it is right at {' and '.join(f'n = {n}' for n in proved_at)} only"] if proved_at else []


def _agreeing(question: Question) -> list[str]:
    """Which entries agree, where others do not."""
    found = agreement(question)
    if found is None:
        return []
    if len(found.entries) > MAX_LISTED:
        which = f"{len(found.entries)} of {found.total} entries agree"
    else:
        written = [f"[{','.join(':' if k is None else str(k) for k in entry)}]" for entry in found.entries]
        *others, last = written
        which = f"entries {', '.join(others)} and {last} agree" if others else f"entry {last} agrees"
    return [f"{which} at all {found.points} points that were tried"]


def _never(question: Question, name: str, text: str, point: Point) -> FormulaFinding:
    given = _given(question, point)
    example = Counterexample(given, (), "no value", "a number", point.origin == "own")
    sentence = f"wrong: it has no value, at {example} or any other point that was tried"
    meaning, right = question.target.meaning, right_formula(question).text
    return FormulaFinding(name, text, WRONG, sentence, meaning, "counterexample", example, (), None, right)


def _undecided(question: Question, name: str, text: str, found: Tried) -> FormulaFinding:
    if found.too_large:
        decided, sentence = "nothing", "not decided: it is too long to calculate"
    elif found.equal:
        decided = f"{found.equal} random points"
        sentence = f"not decided: equal at {decided} to {DIGITS} digits"
    else:
        decided, sentence = "nothing", "not decided: no point was found at which both have a value"
    notes = (*_one_sided(found), *_notes(question))
    meaning, right = question.target.meaning, right_formula(question).text
    without = excluded.without_value(question)
    sentence = "; ".join([sentence, *notes])
    return FormulaFinding(name, text, UNDECIDED, sentence, meaning, decided, None, without, None, right, notes)


def _one_sided(found: Tried) -> list[str]:
    """That there may be cases in which no point was found."""
    if not found.one_sided:
        return []
    many = "1 comparison" if found.one_sided == 1 else f"{found.one_sided} comparisons"
    return [f"{many} came out one way at every point that was found: the other way is not tried"]


def _example(question: Question, difference: Difference) -> Counterexample:
    point = difference.point
    return Counterexample(
        _given(question, point),
        difference.entry,
        _number(difference.claimed),
        _number(difference.right),
        point.origin == "own",
    )


def _given(question: Question, point: Point) -> Mapping[str, str]:
    """The numbers that the claim depends on."""
    wanted = question.depends_on
    shown = {name: values for name, values in point.given.items() if name in wanted}
    ordered = sorted(shown.items(), key=lambda pair: _order(question, pair[0]))
    numbers = {name: _array(values) for name, values in ordered}
    is_read = question.problem.graph.reads_rows or any(map(_is_row, walk(question.expr)))
    rows = {"the rows of the data": _array(point.given[ROWS])} if is_read and ROWS in point.given else {}
    return {**numbers, **rows}


def _is_row(part: Expr) -> bool:
    return isinstance(part, Position) and part.axis.size == SIZE


def _order(question: Question, name: str) -> int:
    """Parameters first, then what else is remembered or given, then the data."""
    node = question.problem.graph.by_name.get(name)
    return {"parameter": 0, "constant": 1, "data": 2}.get(node.kind, 3) if node is not None else 3


def _array(values: Mapping[tuple[int, ...], Fraction]) -> str:
    """A number, or the numbers row by row: (1, 2), ((1, 0), (2, 1))."""
    if () in values:
        return write_number(values[()])
    groups: dict[int, dict[tuple[int, ...], Fraction]] = {}
    for index, value in values.items():
        groups.setdefault(index[0], {})[index[1:]] = value
    inner = ", ".join(_array(group) for group in groups.values())
    return f"({inner}{',' if len(groups) == 1 else ''})"


def _number(value: Exactly) -> str:
    """The exact number where it is a short fraction, else a decimal; the ends of a ball whose digits are not known."""
    exact = to_fraction(value)
    text = write_number(exact) if exact is not None else ""
    if text and len(text) <= 24:
        return text
    ball = as_ball(value)
    if is_sharp(value, BITS_SHOWN):
        return "0" if ball.contains(0) else decimal(value, DIGITS_SHOWN)
    ends = ((ball.lower(), ROUND_FLOOR), (ball.upper(), ROUND_CEILING))
    low, high = (
        Context(prec=7, rounding=way).divide(Decimal(middle(end).numerator), Decimal(middle(end).denominator))
        for end, way in ends
    )
    return f"between {low} and {high}"
