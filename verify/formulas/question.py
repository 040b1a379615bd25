"""What is to be decided: a claimed formula and what it is claimed of, as two ways to calculate every entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from derive.algebra.expression import Apply, Axes, Axis, Expr, Ref, children, names, rebuild, refs, rename_axes, walk
from derive.chain.derivation import Derivation, differentiate
from derive.errors import ClaimError, Place, ProblemError, suggestion
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.paper.spelling import at
from derive.problem.loading import Problem
from derive.show.notation import Ascii
from derive.training.optimizers import counter
from verify.formulas.asked import Asked, Derivative, Entry, in_known_names, loosely, read_asked, with_derivatives
from verify.formulas.guarantees import Guarantee, guarantees
from verify.formulas.reading import (
    Reading,
    Written,
    along,
    apart_from_left,
    named_letters,
    on_the_diagonal,
    read_written,
    ways_to_sum,
    without_after,
)
from verify.formulas.rule import Own, Rule, in_one_word, numbers_of, rate_in
from verify.formulas.targets import Target, gradient, has_two_meanings, jacobians, limited, line
from verify.symbols.entry import Index, Letter
from verify.symbols.values import GRADIENT, Values


@dataclass(frozen=True)
class Question:
    """A claimed formula beside its target.

    `picked` is the index, from 0, along an axis of which one entry alone is claimed, `added` the axes of a sum over
    samples that was put in, and `own` how names are calculated that the graph does not have.
    """

    problem: Problem
    derivation: Derivation
    target: Target
    expr: Expr
    picked: Mapping[Axis, int] = field(default_factory=dict)
    added: Axes = ()
    note: str = ""
    own: Mapping[str, Own] = field(default_factory=dict)
    gradients: tuple[str, ...] = ()  # the gradients that the formula names
    others: tuple[tuple[str, ...], ...] = ()  # other indices that the claim may have been meant with
    written: Written | None = None
    index: tuple[str | int, ...] | None = None  # of the name, as it is written
    letters: Mapping[Axis, Axis] = field(default_factory=dict)  # the axes of the target, in the letters of the claim
    local: bool = False  # whether derivatives of lines in the formula are read as local partials
    ambiguous: bool = False  # whether it names a derivative that is one along all paths, or the local partial

    @cached_property
    def guarantees(self) -> tuple[Guarantee, ...]:
        """What the data of the file are in every row, as far as the formula or the right one depends on them."""
        found = guarantees(self.problem, (self.expr,))
        about = self.depends_on
        return tuple(guarantee for guarantee in found if guarantee.name in about)

    @property
    def depends_on(self) -> frozenset[str]:
        """The names that either side depends on."""
        graph, target = self.problem.graph, self.target
        if target.meaning.startswith(("the local partial", "the derivative")):
            return frozenset(graph.by_name)
        pending = [*names(self.expr), *([target.gradient_of] if target.gradient_of else [])]
        if target.gradient_of or self.gradients or target.rule is not None:
            pending.append(graph.loss)
        if target.name in graph.by_name:
            pending.append(target.name)
        found = set(target.rule.leaves()) if target.rule is not None else set()
        while pending:
            name = pending.pop()
            node = graph.by_name.get(name)
            if name not in found:
                found.add(name)
                pending.extend(names(node.expr) if node is not None and node.expr is not None else ())
        return frozenset(found)

    def claimed(self, values: Values[Any], where: Mapping[Axis, Index]) -> Any:
        """The claimed number of the entry at the indices `where`."""
        return values.value(self.expr, where)

    def entries(self, values: Values[Any]) -> Iterator[Mapping[Axis, Index]]:
        """The indices of every entry that is claimed."""
        for index in values.entries(self.target.axes):
            where = dict(zip(self.target.axes, index, strict=True))
            # the number stands for the letter of an axis whose size is left open
            where |= {axis: number for axis, number in self.picked.items() if isinstance(where[axis], Letter)}
            is_meant = all(where[axis] == number for axis, number in self.picked.items())
            if is_meant and all(where[a] != where[b] for a, b in self.target.apart):
                yield where


def questions(problem: Problem, derivation: Derivation, name: str, text: str, place: Place) -> Iterator[Question]:
    """The ways in which a claim can be read, the usual one first. Raises `ProblemError` for one that cannot be."""
    _check_states(problem, text, place)
    name, text = on_the_diagonal(name, text)
    ways = ways_to_sum(text, place, [node.name for node in problem.graph.nodes if len(node.axes) > 1])
    asked, written = _asked(problem, name, place), ways[0]
    if written.left and _asked(problem, written.left, place) != asked:
        raise ClaimError(f"the formula begins with {written.left!r} and is claimed of {name!r}; keep one", place)
    graph = problem.graph
    unread: ProblemError | None = None
    found = False
    meant = targets(problem, derivation, asked, name, place)
    for (target, index), written in ((pair, way) for pair in meant for way in ways):
        is_second = found and written is not ways[0]
        way = replace(written, expr=without_after(written.expr)) if is_second else written
        for local in (False, True):
            try:
                where = target if written.apart is None else limited(target, written.apart, place)
                question = _question(problem, derivation, where, index, way, graph, name, local)
            except ProblemError as error:
                unread = unread or error
                break
            note = _AS_A_FACTOR if is_second else ""
            found = True
            yield replace(question, note="; ".join(filter(None, (question.note, note))))
            for other in question.others:
                again = _question(problem, derivation, where, other, way, graph, name, local)
                yield replace(again, note=f"read as {name}[{','.join(other)}]")
            if not question.ambiguous:
                break
    if not found and unread is not None:
        raise unread


_AS_A_FACTOR = "each Σ is read as over its parentheses alone, times what stands behind it"


def _check_states(problem: Problem, text: str, place: Place) -> None:
    """Raises `ClaimError` for `w.v` in a formula: a table calls the state so, the notation has no points in names."""
    for full, (parameter, state) in numbers_of(problem).items():
        match = re.search(rf"(?<![\w.]){re.escape(full)}(?!\w)", text) if "." in full else None
        if match is not None:
            at = replace(place, column=(place.column or 1) + match.start())
            raise ClaimError(f"{full!r} is written {state}_{parameter} in a formula", at)


def _asked(problem: Problem, name: str, place: Place) -> Asked:
    known = numbers_of(problem)
    name = name if name in problem.graph.by_name else in_one_word(name, known)
    if name in known and name not in problem.graph.by_name:
        return Entry(name)
    return read_asked(name, problem.graph, known, place)


def _question(
    problem: Problem,
    derivation: Derivation,
    target: Target,
    index: tuple[str | int, ...] | None,
    written: Written,
    graph: Graph,
    name: str,
    local: bool,
) -> Question:
    axes, picked = named_letters(index, target.axes, target.name, written.place)
    renamed = dict(zip(axes, target.axes, strict=True))
    nodes: dict[str, Node] = dict(graph.by_name)
    own: dict[str, Own] = {}
    if target.rule is not None:
        _refuse_two_meanings(target.rule, written, graph)
        nodes |= {key: node for key, node in target.rule.names().items() if key not in nodes}
        own |= {key: value for key, value in target.rule.own().items() if key not in graph.by_name}
    elif "lr" in names(written.expr) and "lr" not in nodes:
        rate = rate_in(written.expr, problem, target.gradient_of)
        if rate is None:
            message = "lr belongs to the update, and is no one number here: leave it out, or give it under [parameters]"
            raise ClaimError(message, _of_name(written, "lr"))
        nodes["lr"] = Node("lr", "constant")
        own["lr"] = lambda values, _: values.numbers.number(rate)
    partials = _partials(written, graph)
    expr, derivatives = with_derivatives(in_known_names(written.expr, graph), graph, nodes, partials)
    gradients: list[str] = []
    ambiguous = False
    for derivative in derivatives:
        if derivative.name == target.name and target.rule is None:
            raise ClaimError(f"{name!r} is said to be itself: the formula names {derivative.name}", written.place)
        two = derivative.of.name != graph.loss and not derivative.local and has_two_meanings(graph, derivative)
        ambiguous = ambiguous or two
        meant = _within(derivation, replace(derivative, local=derivative.local or (two and local)), written.place)
        nodes[derivative.name] = Node(derivative.name, "constant", meant.axes)
        own[derivative.name] = _as_own(meant)
        if derivative.of.name == graph.loss and not derivative.local:
            gradients.append(derivative.wrt.name)
    if target.name in graph.by_name and target.rule is None and target.name in names(expr):
        raise ClaimError(f"{name!r} is said to be itself: the formula names {target.name}", written.place)
    on_the_left = [part for part in index or _indices(target.asked) if isinstance(part, str)]
    expr, sums = apart_from_left(expr, on_the_left, nodes)
    lettered = _is_lettered(_owner(target), graph)
    reading = along(expr, name, written.place, nodes, axes, on_the_left, lettered_lines=lettered)
    body = rename_axes(reading.expr, renamed)
    picked = {renamed[axis]: number for axis, number in picked.items()}
    found = Question(problem, derivation, target, body, picked, reading.added, own=own, gradients=tuple(gradients))
    notes = ["the derivatives of lines in it are read as local partials"] if ambiguous and local else []
    notes += [f"read as a {' and a '.join(sums)}, as {', '.join(on_the_left)} stands on the left"] if sums else []
    others = reading.others if index is None and _may_be_reordered(target, graph, reading) else ()
    found = replace(
        found, ambiguous=ambiguous, note="; ".join(notes), others=others, written=written, index=index, local=local
    )
    letters = dict(zip(target.axes, (reading.letters.get(axis, axis) for axis in axes), strict=True))
    found = replace(found, letters=letters)
    asked = [*gradients, *([target.rule.node.name] if target.rule else [])]
    asked += [target.gradient_of] if target.gradient_of else []
    return replace(found, derivation=with_gradients(derivation, asked))


def _of_name(written: Written, name: str) -> Place:
    """Where a name stands in a formula."""
    column = next((part.column for part in refs(written.expr) if part.name == name), None)
    return written.place if column is None else at(written.place, column)


def _indices(asked: Derivative | None) -> tuple[str | int, ...]:
    """The indices of a derivative of which both sides have one, dp[i]/dz[j]."""
    if asked is None or asked.of.index is None or asked.wrt.index is None:
        return ()
    return (*asked.of.index, *asked.wrt.index)


def _partials(written: Written, graph: Graph) -> Mapping[str, Derivative]:
    """The local partials that a formula names as partial.l.w. Raises `ClaimError` for names of no line or quantity."""
    found = {}
    for key, pair in written.partials.items():
        of, wrt = (loosely(name, graph.by_name, graph.loss) for name in pair)
        unknown = next((name for name, known in zip(pair, (of, wrt), strict=True) if known is None), None)
        if of is None or wrt is None:
            hint = suggestion(str(unknown), graph.by_name)
            message = f"partial.{'.'.join(pair)}: {unknown!r} is no name of the problem{hint}"
            raise ClaimError(f"{message}; expected a line and what it uses, as in partial.l.w", written.place)
        found[key] = Derivative(Entry(of), Entry(wrt), local=True)
    return found


def _refuse_two_meanings(rule: Rule, written: Written, graph: Graph) -> None:
    """Raises `ClaimError`, which names both, for an exponent t that the problem has beside the number of the update."""
    exponent = rule.exponent_of_two_meanings(written.expr)
    if exponent is not None:
        kind, count = graph.by_name["t"].kind, counter(graph.by_name)
        message = (
            f"the exponent t can be the {kind} t or the number of the update; write {count} for the number of the "
            f"update, as the printed equations do, and for the {kind} another name, of a line such as q = t"
        )
        place = written.place if exponent.column is None else at(written.place, exponent.column)
        raise ClaimError(message, place)


def _may_be_reordered(target: Target, graph: Graph, reading: Reading) -> bool:
    """Whether the letters of a formula do not say which is which: not all are those that the lines have."""
    if target.asked is not None and target.gradient_of is None:
        return False
    return not (reading.by_letter and _is_lettered(_owner(target), graph))


def _owner(target: Target) -> str:
    """The name whose letters a formula of the target has: of a gradient or an update that of the parameter."""
    return target.gradient_of or (target.rule.node.name if target.rule is not None else target.name)


def _is_lettered(name: str, graph: Graph) -> bool:
    """Whether a name is written with an index somewhere, or on the left of a line with indices."""
    for node in graph.lines:
        written = node.written if node.written is not None else node.definition
        refs = (part for part in walk(written) if isinstance(part, Ref) and part.axes)
        if any(node.name == name or ref.name == name for ref in refs):
            return True
    return False


def reworded(question: Question, formula: str | Written, place: Place | None = None) -> Question:
    """Another formula claimed as this one is, with its index. Raises `ProblemError` for one that cannot be."""
    written = read_written(formula, place or Place(question.problem.source)) if isinstance(formula, str) else formula
    graph, target = question.problem.graph, question.target
    derivation, index, local = question.derivation, question.index, question.local
    return _question(question.problem, derivation, target, index, written, graph, target.name, local)


def _as_own(target: Target) -> Own:
    if target.gradient_of is not None:
        return lambda values, index: values.named(f"{GRADIENT}{target.gradient_of}", index)
    return lambda values, index: target.right(values, dict(zip(target.axes, index, strict=True)))


def _within(derivation: Derivation, derivative: Derivative, place: Place) -> Target:
    """What a derivative inside a formula means: ∂l/∂w the gradient, ∂e/∂d that of the line e."""
    if derivative.of.name == derivation.graph.loss and not derivative.local:
        return gradient(derivation, derivative.wrt.name, place)
    if derivative.of.index is not None:
        return next(jacobians(derivation.graph, derivative, place))
    return next(jacobians(derivation.graph, replace(derivative, wrt=Entry(derivative.wrt.name)), place))


def with_gradients(derivation: Derivation, names: list[str]) -> Derivation:
    """The derivation with the adjoints of `names` too, as far as the loss depends on them."""
    known = {adjoint.name for adjoint in derivation.adjoints}
    missing = [name for name in names if name not in known and name in derivation.graph.ancestors]
    return differentiate(derivation.graph, (*derivation.wrt, *missing)) if missing else derivation


def targets(
    problem: Problem, derivation: Derivation, asked: Asked, name: str, place: Place
) -> Iterator[tuple[Target, tuple[str | int, ...] | None]]:
    """What is asked for, in every way it can be meant, each with the index it is written with.

    Raises `ClaimError` for what has no formula, such as data, or a derivative by what the line does not depend on.
    """
    graph = problem.graph
    if isinstance(asked, Derivative):
        if asked.of.name == graph.loss and not asked.local:
            yield gradient(derivation, asked.wrt.name, place), asked.wrt.index
        else:
            seeded = _is_seeded(problem, asked)
            if seeded:
                left = f"what {asked.of.name}.backward(seed) leaves in {asked.wrt.name}.grad"
                yield replace(gradient(derivation, asked.wrt.name, place), meaning=left), asked.wrt.index
            # a slice of the Jacobian by a parameter is neither, and is what one writes who forgets the seed
            is_whole = seeded and graph.by_name[asked.wrt.name].kind in ("parameter", "constant")
            yield from ((found, None) for found in jacobians(graph, asked, place, is_whole))
        return
    known = numbers_of(problem)
    if asked.name in known and asked.name not in graph.by_name:
        yield from ((found, asked.index) for found in _updates(problem, *known[asked.name], place))
        return
    node = graph.by_name[asked.name]
    if node.kind == "line":
        yield line(node), asked.index
    elif node.kind == "parameter":
        yield from ((found, asked.index) for found in _updates(problem, node.name, "p", place))
    else:
        kinds = {"data": "data", "constant": "a constant", "size": "the number of samples"}
        raise ClaimError(f"{name!r} is {kinds[node.kind]}, and given; there is no formula to claim", place)


def _is_seeded(problem: Problem, asked: Derivative) -> bool:
    """Whether a derivative, without an index of the line, is of the vector that the file's seed_gradient is for."""
    of = asked.of
    is_whole = of.index is None and not asked.local
    return is_whole and of.name == problem.seeded and bool(problem.graph.by_name[of.name].axes)


_BASE = "g in a power"


def _with_bases(expr: Expr) -> Expr:
    """The gradient in parentheses where it is a base: (dl/dw)^2."""
    match expr:
        case Apply(op="pow", args=(Ref(name="g"), exponent)):
            return Apply("pow", (Ref(_BASE), exponent))
    return rebuild(expr, tuple(map(_with_bases, children(expr))))


def _updates(problem: Problem, parameter: str, target: str, place: Place) -> Iterator[Target]:
    """A number of the update, in which states are what they are by then; or were before, where it is none of them."""
    found = _update(problem, parameter, target, place)
    yield found
    states = {state.name for state in found.rule.optimizer.states} if found.rule is not None else set()
    if found.rule is not None and states and target not in states:
        meaning = f"{found.meaning}, with what was remembered before the step"
        yield replace(found, meaning=meaning, rule=replace(found.rule, held=True))


def _update(problem: Problem, parameter: str, target: str, place: Place) -> Target:
    if not problem.trains:
        message = f"{parameter!r} is given: this problem has no [training], so no update rule; give it, or lr as a flag"
        raise ClaimError(message, place)
    node = problem.graph.by_name[parameter]
    rule = Rule(problem, node, target)
    name = parameter if target == "p" else f"{parameter}.{target}"
    called = {"p": parameter, "g": rule.gradient, _BASE: f"({rule.gradient})"}
    text = Ascii(names=called).show(_with_bases(rule.shown))

    if target == "p" and any(entry.name == parameter and not entry.entries for entry in problem.graph.frozen):
        text = parameter  # it keeps its value

    def right(values: Values[Any], where: Mapping[Axis, Index]) -> Any:
        return rule.after(values, tuple(where[axis] for axis in node.axes))

    return Target(name, rule.meaning, node.axes, right, text, rule)
