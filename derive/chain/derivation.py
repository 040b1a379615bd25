"""The chain rule: Graph → Derivation.

A line is split into parts at its sums and means. SymPy differentiates the body of a part; beyond
SymPy's rules two more are needed: the adjoint of a reduction is broadcast to what was reduced, and
the adjoint of a broadcast operand is summed. Adjoints are accumulated in reverse order of
calculation, so the work is linear in the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from derive.algebra.calculus import guarded, is_zero, partial, power_without_logarithm
from derive.algebra.expression import (
    ONE,
    Apply,
    Axes,
    Expr,
    Reduce,
    Ref,
    children,
    count,
    free_axes,
    names,
    rebuild,
    refs,
    walk,
)
from derive.algebra.literals import constant_value
from derive.algebra.monomial import collect
from derive.errors import EquationError, Place, suggestion
from derive.graph.graph import Graph, Node
from derive.paper.spelling import at

MOST_KEPT = 200  # names of a graph whose derivation is kept: larger ones are not held in memory


@dataclass(frozen=True)
class Part:
    """One stage of a line: `body`, without reductions inside, then `reduction` over `summed`.

    `name` is the line's own, or a hidden one (`l#1`) for a reduction that stands inside the line;
    beside a maximum `m` stands the hidden part `m%`, the share of each entry in it, over the last
    `shared` of its axes.
    """

    name: str
    line: str
    axes: Axes
    body: Expr
    reduction: str | None = None
    summed: Axes = ()
    shared: int = 0

    @property
    def value(self) -> Ref:
        """A reference to the part's own result, which its derivative may need."""
        return Ref(self.name, self.axes)

    @property
    def share(self) -> Ref:
        """The share of each entry in a maximum or minimum: 1 for the one, 1/2 for each of two equal ones, else 0."""
        return Ref(f"{self.name}%", (*self.axes, *self.summed))

    def written(self) -> Expr:
        """What the part calculates, as one expression."""
        if self.reduction in SHARES:
            return Apply(
                "equal", (self.body, Ref(self.name.removesuffix("%"), self.axes[: len(self.axes) - self.shared]))
            )
        return self.body if self.reduction is None else Reduce(self.reduction, self.body, self.summed)


@dataclass(frozen=True)
class Edge:
    """The local partial of the part `of` with respect to the reference `wrt` in its body.

    `partial` is an expression over the axes of the body. `summed` are the axes of the part or of its body that `wrt`
    lacks: the operand was broadcast over them, so its adjoint is the sum over them. `guarded` is the partial as it is
    calculated: it needs no value of the side of `where` that is not chosen.
    """

    of: str
    wrt: Ref
    partial: Expr
    summed: Axes
    guarded: Expr


@dataclass(frozen=True)
class Adjoint:
    """∂loss/∂`name`: the sum over `edges` of (adjoint of the edge's part) · (its partial).

    Without edges it is 1 for the loss itself, and 0 for anything the loss does not depend on.
    """

    name: str
    edges: tuple[Edge, ...]


@dataclass(frozen=True, repr=False)
class Derivation:
    """All derivatives of a graph's loss with respect to `wrt`.

    `parts` are in order of calculation, `adjoints` in reverse order: each after those it uses.
    """

    graph: Graph
    wrt: tuple[str, ...]
    parts: tuple[Part, ...]
    adjoints: tuple[Adjoint, ...]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every local partial, in order of calculation from the loss backward."""
        return tuple(edge for adjoint in self.adjoints for edge in adjoint.edges)

    @property
    def chooses(self) -> bool:
        """Whether derivatives differ in how they are calculated and read, and by the sides of `where` alone."""
        guarded = {edge.of for edge in self.edges if edge.guarded != edge.partial}
        used = [part for whole in self.parts if whole.name in guarded for part in walk(whole.body)]
        powers = [part for part in used if isinstance(part, Apply) and part.op == "pow"]
        return bool(guarded) and not any(constant_value(power.args[1]) is None for power in powers)

    @cached_property
    def hidden(self) -> Mapping[str, tuple[Part, ...]]:
        """The hidden parts of each line that has any."""
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            if part.name != part.line:
                found.setdefault(part.line, []).append(part)
        return {line: tuple(parts) for line, parts in found.items()}

    def __repr__(self) -> str:
        return f"<Derivation of {self.graph.loss} with respect to {', '.join(self.wrt)}>"


def differentiate(graph: Graph, wrt: Iterable[str] | None = None) -> Derivation:
    """Returns the derivation of ∂loss/∂name for each of `wrt`: names of the graph, all parameters when left out.

    The derivative is 0 for a name that the loss does not depend on. Raises `EquationError` for a name that is not in
    the graph or is a size, such as n, and for a line whose derivative has no real value.
    """
    targets = graph.of_kind("parameter") if wrt is None else tuple(dict.fromkeys(wrt))
    for name in targets:
        _check_target(name, graph)
    if len(graph.nodes) > MOST_KEPT:
        return _differentiated(graph, targets)
    return _kept(graph, targets, tuple(node.place for node in graph.nodes))


@lru_cache(32)
def _kept(graph: Graph, targets: tuple[str, ...], _: tuple[Place | None, ...]) -> Derivation:
    """The derivation of a graph whose lines stand at the same places: a run asks for it many times."""
    return _differentiated(graph, targets)


def _differentiated(graph: Graph, targets: tuple[str, ...]) -> Derivation:
    parts = tuple(part for node in graph.lines for part in split(node))
    relevant = [part for part in parts if part.line in graph.ancestors]
    active = _active(relevant, frozenset(targets))
    incoming: dict[str, list[Edge]] = {name: [] for name in active}
    for part in reversed(relevant):
        if part.name in active:  # the share of a maximum never is: it is piecewise constant
            for edge in _edges(part, active, graph):
                incoming[edge.wrt.name].append(edge)
    order = [part.name for part in reversed(relevant) if part.name in active]
    leaves = [name for name in targets if name not in order]
    adjoints = tuple(Adjoint(name, tuple(incoming[name])) for name in (*order, *leaves))
    return Derivation(graph, targets, parts, adjoints)


def _check_target(name: str, graph: Graph) -> None:
    if name not in graph.by_name:
        raise EquationError(f"unknown name {name!r} to derive for{suggestion(name, graph.by_name)}")
    if graph.by_name[name].kind == "size":
        raise EquationError(f"{name!r} is the number of samples; the loss is not differentiated by it")


def split(node: Node) -> Iterator[Part]:
    """Yields the parts of a line, each after those it uses: last the line's own, after it the share of a maximum."""
    hidden: dict[Expr, Part] = {}

    def lowered(expr: Expr) -> Expr:
        """`expr` with its reductions replaced by references to hidden parts."""
        if isinstance(expr, Reduce):
            body = lowered(expr.body)
            if expr not in hidden:
                axes = tuple(axis for axis in free_axes(body) if axis not in (expr.axes or ()))
                name = f"{node.name}#{len(hidden) + 1}"
                hidden[expr] = Part(name, node.name, axes, body, expr.op, expr.axes or ())
                if expr.op in ("max", "min"):
                    hidden[hidden[expr].share] = _shares(hidden[expr])
            return Ref(hidden[expr].name, hidden[expr].axes)
        return rebuild(expr, tuple(lowered(part) for part in children(expr)))

    whole = node.definition
    if isinstance(whole, Reduce):
        last = Part(node.name, node.name, node.axes, lowered(whole.body), whole.op, whole.axes or ())
    else:
        last = Part(node.name, node.name, node.axes, lowered(whole))
    yield from hidden.values()
    yield last
    if last.reduction in ("max", "min"):
        yield _shares(last)


SHARES = {"share of max": "max", "share of min": "min"}


def _shares(part: Part) -> Part:
    """The part that says which entries are the maximum or minimum; equal ones share its gradient evenly."""
    axes = part.share.axes or ()
    return Part(part.share.name, part.line, axes, part.body, f"share of {part.reduction}", (), len(part.summed))


def _active(parts: list[Part], targets: frozenset[str]) -> frozenset[str]:
    """The targets and every part that depends on one."""
    active = set(targets)
    for part in parts:
        if part.reduction not in SHARES and active.intersection(names(part.body)):
            active.add(part.name)
    return frozenset(active)


def _edges(part: Part, active: frozenset[str], graph: Graph) -> Iterator[Edge]:
    """The local partials of a part that are not identically zero."""
    for ref in refs(part.body):
        if ref.name in active:
            slope = _slope(part, ref, graph)
            if not is_zero(slope):
                axes = dict.fromkeys((*part.axes, *part.summed))
                outside = tuple(axis for axis in axes if axis not in (ref.axes or ()))
                calculated = guarded(part.body, ref, graph.conventions)
                yield Edge(part.name, ref, _reduced(slope, part), outside, _reduced(calculated, part))


def _slope(part: Part, ref: Ref, graph: Graph) -> Expr:
    """∂body/∂ref; an error says where the line stands."""
    try:
        return partial(part.body, ref, graph.conventions)
    except EquationError as error:
        power, message = power_without_logarithm(part.body, ref), error.message
        if power is not None:
            message = (
                f"the derivative of this power with respect to {ref.name} contains the logarithm of its base, which "
                f"is not a real number; expected a positive base, or an exponent without {ref.name}"
            )
        column, place = None if power is None else power.column, graph.by_name[part.line].place
        raise EquationError(message, place if place is None or column is None else at(place, column)) from None


def _reduced(slope: Expr, part: Part) -> Expr:
    """The derivative of a reduction: `slope`, of its body, times the share of each entry."""
    match part.reduction:
        case None | "sum":
            return slope
        case "mean":
            shares: list[Expr] = [Apply("div", (ONE, count(axis))) for axis in part.summed]
        case "logsumexp":
            shares = [Apply("exp", (Apply("sub", (part.body, part.value)),))]
        case "max" | "min":
            shares = [part.share]
        case other:
            raise TypeError(f"no derivative of the reduction {other}")
    return collect((slope, *shares)).tree()
