"""The one change that makes a refuted formula right: a sign, a factor, a term, a number, a name, in the author's words.

Each candidate is the claim with one change, and is judged as a claim of its own: what is told has been proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product
from typing import NamedTuple

from derive.algebra.expression import (
    ONE,
    Apply,
    Axis,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    children,
    free_axes,
    names,
    rebuild,
    rename_axes,
    size,
    walk,
)
from derive.algebra.fractions import cancelled
from derive.algebra.monomial import collect
from derive.algebra.sums import add_up
from derive.algebra.tidying import product as product_of
from derive.chain.closed_form import TooLongError, inliner, picked, readable
from derive.chain.formulas import Formulas
from derive.chain.named_lines import by_name, named
from derive.chain.short_forms import has_indices, is_fraction, shortest, tidied, with_sums_of_1, without_indices
from derive.errors import Place, ProblemError
from derive.graph.node import SIZE, Node
from derive.show.notation import Ascii
from verify.formulas.decide import Proof, proved
from verify.formulas.question import Question, reworded
from verify.formulas.reading import read_written
from verify.formulas.trials import Difference, Nearby, tried

MAX_SIZE = 100  # numbers, names and operations of a formula that is changed; a longer one is not
MAX_NAMES = 30  # names of the problem that are put in; later ones are not
MAX_CHANGES = 600  # claims with one change that are tried at a point; later ones are not
MAX_TRIED = 60  # of those that agree there, at the other points
MAX_PROVED = 5  # of those that agree at all of them, on which a proof is tried
MAX_INDICES = 4  # ways in which a name is read along the letters of a formula

_OWN = 0.8  # of its length that a formula in the author's own words is taken for: it is shown unless another is shorter

_TWIN = {"sin": "cos", "cos": "sin", "exp": "log", "log": "exp", "tanh": "sigmoid", "sigmoid": "tanh"}
_TWIN |= {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "greater": "at_most", "at_most": "greater"}
_CONDITIONS = ("equal", "greater", "at_most")  # in which no number or name is changed: k == 7 may as well be left out
_TWO, _ZERO = Number(Fraction(2)), Number(Fraction(0))
_SIGN, _NUMBER, _FACTOR, _FUNCTION, _TERM, _NAME = range(6)  # kinds of change, in the order in which they are tried


@dataclass(frozen=True)
class Correction:
    """`sentence` says the change ("with + b in place of - b it is right"), `formula` is the claim with it.

    `only_for` says of which data that is so, ` for one-hot T`.
    """

    sentence: str
    formula: str
    only_for: str = ""


class _Change(NamedTuple):
    kind: int
    words: str
    expr: Expr


def corrected(question: Question, difference: Difference) -> Correction | None:
    """The first claim with one change that is proved; None where none is found. `difference` refutes the claim."""
    if question.written is None or size(question.written.expr) > MAX_SIZE:
        return None
    found = islice(sorted(_changes(question, question.written.expr), key=lambda change: change.kind), MAX_CHANGES)
    nearby = Nearby(question, difference)
    near = (change for change in found if _may_be_right(question, change.expr, nearby))
    left = MAX_PROVED
    for change in islice(near, MAX_TRIED):
        text = show(question, shortest(change.expr))
        try:
            asked = reworded(question, text, Place(question.problem.source, None, 1, text))
        except ProblemError:
            continue
        if left == 0 or tried(asked, 0).difference is not None:
            continue
        left -= 1
        proof = proved(asked)
        if proof is not None and not _by_chance(question, change.expr, proof):
            at = f" at {' and '.join(f'n = {n}' for n in proof.sizes)}" if proof.sizes else ""
            return Correction(f"{change.words} it is right{at}{proof.only_for}", text, proof.only_for)
    return None


def _by_chance(question: Question, expr: Expr, proof: Proof) -> bool:
    """Whether a change is right by the numbers of the problem alone: 2*y for x where x = 2 and y = 1."""
    has_new_size = SIZE in names(expr) and question.written is not None and SIZE not in names(question.written.expr)
    is_of_numbers = any(guarantee.column.fixed for guarantee in proof.guaranteed)
    return proof.with_constants or is_of_numbers or (bool(proof.sizes) and has_new_size)


@dataclass(frozen=True)
class Right:
    """The formula to show in place of a refuted one; `only_for` says of which data, ` for one-hot T`."""

    text: str = ""
    only_for: str = ""


def right_formula(question: Question, proven: Iterable[Right] = (), more: Iterable[Expr] = ()) -> Right:
    """The shortest right formula: `proven`, of `more` and proved now, or derived and not refuted by what is tried.

    A derived one is in the letters of the claim, has the names of the lines that the claim has, and where the claim has
    no indices and needs none, it has none either.
    """
    ready = {own.text: own for own in proven if own.text}
    found = {show(question, shortest(expr)): False for expr in more} | dict(_in_its_words(question))
    for text in sorted(dict.fromkeys((*ready, *found)), key=lambda text: len(text) * (_OWN if text in ready else 1)):
        if text in ready:
            return ready[text]
        try:
            asked = reworded(question, text, Place(question.problem.source, None, 1, text))
        except ProblemError:
            continue
        tried_at = tried(asked, 0)
        if tried_at.difference is not None or not tried_at.equal:
            continue
        proof = None if found[text] else proved(asked)
        if found[text] or (proof is not None and not _by_chance(question, asked.expr, proof)):
            return Right(text, proof.only_for if proof is not None else "")
    return Right()


def _in_its_words(question: Question) -> Iterator[tuple[str, bool]]:
    """The derived formula with and without names of the claim's lines, and whether it is so as it is derived.

    What follows where rows sum to 1, and what is meant without indices, is still to be proved.
    """
    written = question.written.expr if question.written is not None else question.expr
    is_bare = not has_indices(written)
    known = {own.name for own in question.guarantees if own.column.one_hot or own.column.sums_to_one}
    yield question.target.shown, True
    for expr in (_in_named_lines(question), question.target.closed):
        if expr is None:
            continue
        whole = rename_axes(expr, question.letters)
        short = shortest(with_sums_of_1(whole, known))
        forms = [(whole, True), (short, short == whole)]
        forms += [(without_indices(form), False) for form, _ in forms if is_bare and not _is_summed(form)]
        yield from ((show(question, form), is_derived) for form, is_derived in forms)


def _is_summed(expr: Expr) -> bool:
    return any(isinstance(part, Reduce | Position) for part in walk(expr))


def _in_named_lines(question: Question) -> Expr | None:
    """The gradient along all paths in the names of the lines that the claim names; None where it names none."""
    graph, name = question.problem.graph, question.target.gradient_of
    kept = {node.name for node in graph.lines} & set(names(question.expr))
    if name is None or not kept:
        return None
    known, inline = named(graph.by_name[name] for name in kept), inliner(graph, kept)
    terms = []
    try:
        for path in Formulas(question.derivation).gradient(name).paths:
            product_ = by_name(collect(tuple(link.partial for link in path.links)).tree(), known)
            around = {*path.summed, *free_axes(product_)}
            terms.append(cancelled(picked(product_of(inline(product_, around)))).summed_over(path.summed))
        whole = add_up(terms) if terms else None
    except TooLongError:
        return None
    return whole if whole is not None and readable(whole) else None


def show(question: Question, expr: Expr) -> str:
    """A formula as it is typed, with the points of partial.l.w."""
    partials = question.written.partials if question.written is not None else {}
    points = {key: f"partial.{'.'.join(pair)}" for key, pair in partials.items()}
    return Ascii(names=points).show(expr)


def _may_be_right(question: Question, expr: Expr, nearby: Nearby) -> bool:
    """Whether a claim has the right value where the refuted one has not; False for one that cannot be read."""
    assert question.written is not None  # asked of written claims only
    try:
        return nearby.agrees(reworded(question, replace(question.written, expr=expr)))
    except ProblemError:
        return False


def _changes(question: Question, whole: Expr) -> Iterator[_Change]:
    factors = tuple(_factors(question, whole))
    for term in _right_terms(question):
        yield _Change(_TERM, f"with the term {show(question, term)}", Apply("add", (whole, term)))
    for factor in factors if len(question.target.axes) > 1 else ():  # only a matrix or a row a sample is a product
        for pair in ((factor, whole), (whole, factor)):
            new = Apply("matmul", pair)
            yield _Change(_NAME, f"with {show(question, new)} in place of {show(question, whole)}", new)

    def everywhere(expr: Expr, put: Callable[[Expr], Expr], is_term: bool) -> Iterator[_Change]:
        for change in (*_here(question, expr, factors if is_term else ()), *_of_fraction(question, expr)):
            words = change.words or _in_place(question, change.expr, expr, whole)
            yield change._replace(words=words, expr=put(change.expr))
        parts = children(expr)
        inner = isinstance(expr, Reduce) or getattr(expr, "op", "") in ("add", "sub", "neg", "matmul", "transpose")
        for k, part in enumerate(parts if getattr(expr, "op", "") not in _CONDITIONS and not is_fraction(expr) else ()):

            def put_part(new: Expr, k: int = k) -> Expr:
                return put(rebuild(expr, (*parts[:k], new, *parts[k + 1 :])))

            yield from everywhere(part, put_part, inner)

    yield from everywhere(whole, lambda new: new, True)
    yield _Change(_SIGN, "with the other sign", Apply("neg", (whole,)))


def _shown(question: Question, parts: Iterable[Expr]) -> tuple[str, ...]:
    return tuple(show(question, part) for part in parts)


def _in_place(question: Question, new: Expr, old: Expr, whole: Expr) -> str:
    for factor in (_TWO, Ref(SIZE)) if old is whole else ():
        if new in (_multiplied(factor, old), Apply("div", (old, factor))):
            word = "divided by" if new == Apply("div", (old, factor)) else "with the factor"
            return f"{word} {show(question, factor)}"
    return f"with {show(question, tidied(new))} in place of {show(question, old)}"


def _here(question: Question, expr: Expr, factors: Iterable[Expr]) -> Iterator[_Change]:
    """What may stand in place of one expression; without words of its own it is "with … in place of …"."""
    numbers: tuple[Expr, ...] = (_TWO, Ref(SIZE)) if factors else ()
    for factor in numbers:
        yield _Change(_FACTOR, "", _multiplied(factor, expr))
        yield _Change(_FACTOR, "", Apply("div", (expr, factor)))
    if factors and not isinstance(expr, Ref):
        yield _Change(_FUNCTION, "", Apply("pow", (expr, _TWO)))
    for factor in factors:
        yield _Change(_NAME, "", Apply("mul", (expr, factor)))
    match expr:
        case Number(value=value):
            others = (2 * value, value / 2, value + 1, value - 1, Fraction(1), Fraction(2))
            yield from (_Change(_NUMBER, "", Number(other)) for other in dict.fromkeys(others) if other >= 0)
            yield _Change(_NUMBER, "", Ref(SIZE))
            yield from (_Change(_NUMBER, "", Ref(name)) for name in _settings(question))
        case Ref():
            yield from _other_names(question, expr)
        case Reduce(op=op) | Apply(op=op, args=(_,)) if op in _TWIN:
            twin = _TWIN[op]
            new = Reduce(twin, expr.body, expr.axes) if isinstance(expr, Reduce) else Apply(twin, expr.args)
            yield _Change(_FUNCTION, f"with {twin} in place of {op}", new)
        case Apply(op="transpose" | "neg" as op, args=(inner,)):
            yield _Change(_SIGN if op == "neg" else _FUNCTION, "", inner)
        case Apply(op="sqrt") if "eps" in _settings(question):
            yield _Change(_TERM, "", Apply("add", (expr, Ref("eps"))))
        case Apply(op=op, args=(left, right)):
            yield from _of_two(question, op, left, right)


def _of_fraction(question: Question, expr: Expr) -> Iterator[_Change]:
    """Other numbers above and below in 1/2, which is shown as one number."""
    if is_fraction(expr):
        above, below = children(expr)
        yield from (change._replace(expr=Apply("div", (change.expr, below))) for change in _here(question, above, ()))
        yield from (change._replace(expr=Apply("div", (above, change.expr))) for change in _here(question, below, ()))


def _multiplied(factor: Expr, expr: Expr) -> Expr:
    """The product with a number in front: 2 a b, not 2 (a b)."""
    if isinstance(expr, Apply) and expr.op in ("mul", "div"):
        return Apply(expr.op, (_multiplied(factor, expr.args[0]), expr.args[1]))
    return Apply("mul", (factor, expr))


def _of_two(question: Question, op: str, left: Expr, right: Expr) -> Iterator[_Change]:
    first, second = _shown(question, (left, right))
    match op:
        case "add" | "sub":
            other, signs = ("sub", "-+") if op == "add" else ("add", "+-")
            inner = second if not isinstance(right, Apply) or right.op not in ("add", "sub") else f"({second})"
            words = f"with {signs[0]} {inner} in place of {signs[1]} {inner}"
            yield _Change(_SIGN, words, Apply(other, (left, right)))
            if not (isinstance(left, Apply) and left.op in ("add", "sub", "neg")):
                yield from [_Change(_SIGN, "", Apply("sub", (right, left)))] if op == "sub" else []
                yield _Change(_SIGN, f"with -{first} in place of {first}", Apply(op, (Apply("neg", (left,)), right)))
            yield _Change(_TERM, f"without the term {second}", left)
            yield _Change(_TERM, f"without the term {first}", right if op == "add" else Apply("neg", (right,)))
        case "mul":
            yield _Change(_FACTOR, f"without the factor {first}", right)
            yield _Change(_FACTOR, f"without the factor {second}", left)
            yield _Change(_FACTOR, "", Apply("div", (left, right)))
        case "div":
            yield _Change(_FACTOR, f"without the divisor {second}", left)
            yield _Change(_FACTOR, "", Apply("mul", (left, right)))
        case "matmul":
            yield _Change(_FUNCTION, "", Apply("matmul", (right, left)))
            for pair in ((Apply("transpose", (left,)), right), (left, Apply("transpose", (right,)))):
                yield _Change(_FUNCTION, "", Apply("matmul", pair))
        case "pow":
            yield _Change(_NUMBER, f"without the power {second}", left)
        case _ if op in _TWIN:
            yield _Change(_FUNCTION, "", Apply(_TWIN[op], (left, right)))
            yield _Change(_FUNCTION, "", Apply(op, (right, left)))


def _other_names(question: Question, ref: Ref) -> Iterator[_Change]:
    """Another name of the same shape, and the square."""
    node = question.problem.graph.by_name.get(ref.name)
    if node is None:
        known = question.target.rule.names() if question.target.rule is not None else {}
        own = known.get(ref.name)
        alike = (name for name, other in known.items() if own is not None and other.axes == own.axes)
        yield from (_Change(_NAME, "", Ref(name)) for name in alike if name != ref.name)
        return
    yield _Change(_FUNCTION, "", Apply("pow", (ref, _TWO)))
    for other in _used(question):
        if other.name != node.name and [a.size for a in other.axes] == [a.size for a in node.axes]:
            yield _Change(_NAME, "", Ref(other.name, ref.axes))


def _settings(question: Question) -> tuple[str, ...]:
    """The numbers that an update is set by: lr, and the options of the optimizer."""
    rule = question.target.rule
    return ("lr", *(name for name in rule.optimizer.numbers if name in rule.names())) if rule is not None else ()


def _used(question: Question) -> Sequence[Node]:
    """The names that the claim or the right formula depends on, the later lines first."""
    about = question.depends_on
    return [node for node in reversed(question.problem.graph.nodes) if node.name in about][:MAX_NAMES]


def _factors(question: Question, whole: Expr) -> Iterator[Expr]:
    """Names that may be missing as factors, 1 − a and 1 − a² of the lines, along the letters of the formula."""
    letters = _letters(question, whole)
    for node in _used(question):
        for ref in islice(_read_along(node, letters), MAX_INDICES) if node.kind not in ("size", "gradient") else ():
            yield ref
            if node.axes and not letters:
                yield Apply("transpose", (ref,))
            if node.kind == "line":
                yield Apply("sub", (ONE, ref))
                yield Apply("sub", (ONE, Apply("pow", (ref, _TWO))))


def _letters(question: Question, whole: Expr) -> Mapping[str, object]:
    """How many values each letter of the formula runs over."""
    nodes = question.problem.graph.by_name
    found: dict[str, object] = {axis.letter: axis.size for axis in question.letters.values()} if question.index else {}
    for part in walk(whole):
        if isinstance(part, Ref) and part.axes and part.name in nodes:
            for axis, own in zip(part.axes, nodes[part.name].axes, strict=False):
                found.setdefault(axis.letter, own.size)
    return found


def _read_along(node: Node, letters: Mapping[str, object]) -> Iterator[Ref]:
    """The name with every index of letters that fits; without an index, where the formula has none."""
    if not letters or not node.axes:
        yield Ref(node.name)
        return
    fitting = [[letter for letter, length in letters.items() if length == axis.size] for axis in node.axes]
    for chosen in product(*fitting):
        if len(set(chosen)) == len(chosen):
            yield Ref(node.name, tuple(map(Axis, chosen)))


def _right_terms(question: Question) -> Iterator[Expr]:
    """The terms of the right gradient, of which one may be missing."""
    name = question.target.gradient_of
    if name is None or name not in question.derivation.wrt:
        return
    closed = Formulas(question.derivation).gradient(name).closed
    pending = [(closed, False)] if closed is not None else []
    found = []
    while pending:
        expr, negative = pending.pop()
        match expr:
            case Apply(op="add" | "sub" as op, args=(left, right)):
                pending += [(right, negative != (op == "sub")), (left, negative)]
            case Apply(op="neg", args=(inner,)):
                pending.append((inner, not negative))
            case _:
                term = rename_axes(expr, question.letters)
                found.append(Apply("neg", (term,)) if negative else term)
    place = Place(question.problem.source)
    yield from (read_written(show(question, term), place).expr for term in found if len(found) > 1)
