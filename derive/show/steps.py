"""The numbered steps of a derivation, in the order of the article, before any format.

Sections: forward equations, local partials, one per parameter (chain product, partials
substituted, closed form), update rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from derive.chain import Derivation, Edge
from derive.closed import readable
from derive.expression import ONE, Apply, Axes, Expr, Reduce, Ref, replace, walk
from derive.formulas import MAX_LINKS, MAX_PATHS, Formulas, Gradient, Path
from derive.links import Link
from derive.node import Node
from derive.operations import OPERATIONS
from derive.optimizers import UPDATES
from derive.show.expand import continuation, left_side
from derive.show.notation import Derivative

GRADIENT = "#gradient"  # a name that nobody can type
STEPS = ("forward", "local", "chain", "closed", "update")  # what can be shown alone; closed forms follow the chains


class Product(NamedTuple):
    """Σ over `axes` of a product whose factors stand in parentheses."""

    factors: tuple[Expr | Derivative, ...]
    axes: Axes


class Total(NamedTuple):
    """A sum of products, one for each path."""

    products: tuple[Product, ...]


class Update(NamedTuple):
    """The right-hand side of an update rule; the name `GRADIENT` in it stands for `gradient`."""

    expr: Expr
    gradient: Derivative


Side = Expr | Derivative | Total | Update


class Equation(NamedTuple):
    """A numbered equation; `left` is None where it continues the one before. `note` follows it.

    `closed` is true for the closed form of a gradient. Names in notes, titles and sentences stand
    between `s.
    """

    number: int
    left: Ref | Derivative | None
    right: Side
    relation: str = "="
    note: str = ""
    closed: bool = False

    @property
    def is_written(self) -> bool:
        """Whether this is an equation as it stands on paper."""
        return isinstance(self.left, Ref)


class Section(NamedTuple):
    """A titled group of equations, with sentences after it; `step` is the kind of all of them, of `STEPS`."""

    step: str
    title: str
    equations: tuple[Equation, ...]
    sentences: tuple[str, ...] = ()


class _Numbers:
    """Counts the equations of all sections."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def equation(self, left: Ref | Derivative | None, right: Side, relation: str = "=", note: str = "") -> Equation:
        self.last += 1
        return Equation(self.last, left, right, relation, note)


def sections(derivation: Derivation, optimizer: str = "SGD", after: int = 0) -> tuple[Section, ...]:
    """All steps of `derivation`, counted on from `after`; `optimizer` names the update rule at the end."""
    numbers, formulas = _Numbers(after), Formulas(derivation)
    gradients = [formulas.gradient(name) for name in derivation.wrt]
    found = [_forward(derivation, numbers), _partials(derivation, formulas, numbers)]
    if any(not gradient.paths for gradient in gradients):
        found.append(_adjoints(derivation, numbers))
    found += [_chain(derivation, gradient, numbers) for gradient in gradients]
    return (*found, *_updates(derivation, optimizer, numbers))


def seed_name(derivation: Derivation) -> str | None:
    """The name z for the extra node z = loss on which backpropagation starts; None when z is taken."""
    return None if "z" in derivation.graph.by_name else "z"


def _forward(derivation: Derivation, numbers: _Numbers) -> Section:
    graph = derivation.graph
    equations: list[Equation] = []
    for node in graph.lines:
        equations += _written(node, numbers)
    seed = seed_name(derivation)
    if seed:
        equations.append(numbers.equation(Ref(seed), Ref(graph.loss), note="backpropagation starts here"))
    title = "Forward: each line of paper is a node of the graph"
    return Section("forward", title, tuple(equations), tuple(_who_is_who(derivation)))


def _written(node: Node, numbers: _Numbers) -> Iterator[Equation]:
    """A line as on paper, and what it stands for where it does not say that itself."""
    assert node.written is not None  # a line always has its equation
    yield numbers.equation(left_side(node), node.written, note=node.note)
    whole = continuation(node)
    if whole is not None:
        note = "the sum over the samples, left in words" if node.implied else ""
        left = Ref(node.name, node.axes)
        yield numbers.equation(left if node.axes and left != left_side(node) else None, whole, note=note)


def _who_is_who(derivation: Derivation) -> Iterator[str]:
    graph = derivation.graph
    groups = [("parameters", "parameter"), ("constants", "constant"), ("data", "data")]
    named = [(title, graph.of_kind(kind)) for title, kind in groups]
    yield "; ".join(f"{title} {_listed(names)}" for title, names in named if names) + _over_samples(derivation)
    idle = [node.name for node in graph.lines if node.name not in graph.ancestors]
    if idle:
        yield f"`{graph.loss}` does not depend on {_listed(idle)}: calculated, not differentiated"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _over_samples(derivation: Derivation) -> str:
    return "; `i` runs over the `n` samples of the batch" if derivation.graph.of_kind("data") else ""


def _partials(derivation: Derivation, formulas: Formulas, numbers: _Numbers) -> Section:
    loss, seed = derivation.graph.loss, seed_name(derivation)
    equations = [numbers.equation(Derivative(Ref(seed), Ref(loss, ())), ONE)] if seed else []
    links = [link for node in reversed(derivation.graph.lines) for link in formulas.links[node.name]]
    equations += [
        numbers.equation(
            Derivative(link.of, link.wrt), link.whole(), note=_through_the_sum(link, formulas.links[link.of.name])
        )
        for link in links
        if readable(link.partial)
    ]
    too_long = [
        f"The partial of `{link.of.name}` with respect to `{link.wrt.name}` is too long to read and is left out."
        for link in links
        if not readable(link.partial)
    ]
    lines = dict.fromkeys(link.of.name for link in links)
    kinks = conventions(derivation.graph.by_name[name] for name in lines)
    return Section("local", "Local partials: each line by its own operands", tuple(equations), (*too_long, *kinks))


def _through_the_sum(link: Link, links: Iterable[Link]) -> str:
    """What tells ∂pᵢₖ/∂zᵢₘ from ∂pᵢₖ/∂zᵢₖ, in the `links` of a line: every z of a sum has a part in every p."""
    own = link.of.axes or ()
    for other in links:
        if other.wrt.name == link.wrt.name:
            for first, second in zip(other.wrt.axes or (), link.wrt.axes or (), strict=True):
                if first in own and second not in own:
                    return f"through the sum, for every `{second}`, also `{second}` = `{first}`"
    return ""


def conventions(lines: Iterable[Node]) -> list[str]:
    """What is taken as the derivative at the kinks of these lines."""
    found = {_convention(part) for node in lines for part in walk(node.definition)}
    return sorted(found - {""})


def _convention(part: Expr) -> str:
    match part:
        case Reduce(op="max" | "min" as op):
            return f"{op} over an index: equal entries share the derivative evenly"
        case Apply(op="where"):
            return "where: the derivative is that of the side that is chosen; the condition has none"
        case Apply(op=op):
            return OPERATIONS[op].kink or ""
    return ""


def _adjoints(derivation: Derivation, numbers: _Numbers) -> Section:
    """The adjoint equations, for graphs with too many paths to write out."""
    graph = derivation.graph
    loss = Ref(graph.loss, ())
    shape = {part.name: Ref(part.name, part.axes) for part in derivation.parts}
    differentiated = {adjoint.name for adjoint in derivation.adjoints}
    inside = [part for parts in derivation.hidden.values() for part in parts if part.name in differentiated]
    equations = [
        numbers.equation(shape[part.name], Reduce(part.reduction or "sum", part.body, part.summed)) for part in inside
    ]
    for adjoint in derivation.adjoints:
        if adjoint.name == graph.loss:
            continue
        own = shape.get(adjoint.name) or Ref(adjoint.name, graph.by_name[adjoint.name].axes)
        products = tuple(
            Product((Derivative(loss, shape[edge.of]), _slope(edge, shape)), edge.summed) for edge in adjoint.edges
        )
        equations.append(numbers.equation(Derivative(loss, own), Total(products)))
    return Section("chain", "Adjoints, in reverse order of calculation", tuple(equations))


def _slope(edge: Edge, shape: Mapping[str, Ref]) -> Expr | Derivative:
    """The local partial of an edge; its symbol where that is too long to read."""
    return edge.partial if readable(edge.partial) else Derivative(shape[edge.of], edge.wrt)


class Stages(NamedTuple):
    """A gradient as the article writes it: the chain product, the partials substituted, the closed form.

    Each is None where it would say no more than the next one, or is too long to read; `left_out`
    says why in a sentence.
    """

    chain: Total | None = None
    substituted: Total | None = None
    closed: Expr | None = None
    left_out: str = ""


def stages(gradient: Gradient) -> Stages:
    """The stages of a gradient that are shown."""
    if not gradient.paths:
        return Stages(left_out=_why_no_paths(gradient))
    chain = substituted = None
    if any(len(path.links) > 1 for path in gradient.paths):
        chain = Total(tuple(_product(path, symbols=True) for path in gradient.paths))
        if all(readable(link.partial) for path in gradient.paths for link in path.links):
            substituted = Total(tuple(_product(path, symbols=False) for path in gradient.paths))
    left_out = "" if gradient.closed is not None else "The closed form is too long to read and is left out."
    return Stages(chain, substituted, gradient.closed, left_out)


def _chain(derivation: Derivation, gradient: Gradient, numbers: _Numbers) -> Section:
    loss = derivation.graph.loss
    whole = Derivative(Ref(loss, ()), gradient.wrt)
    found = stages(gradient)
    direct = any(len(path.links) == 1 for path in gradient.paths)
    note = f"on the right, the partial of the line `{loss}` alone" if direct else ""
    equations: list[Equation] = []
    for side in (found.chain, found.substituted, found.closed):
        if side is not None:
            left = None if equations else whole
            equation = numbers.equation(left, side, note=note if side is found.chain else "")
            equations.append(equation._replace(closed=side is found.closed))
    sentences = (found.left_out,) if found.left_out else ()
    return Section("chain", f"Chain rule for `{gradient.wrt.name}`", tuple(equations), sentences)


def _product(path: Path, symbols: bool) -> Product:
    factors = tuple(Derivative(link.of, link.wrt) if symbols else link.partial for link in path.links)
    return Product(factors, path.summed)


def _why_no_paths(gradient: Gradient) -> str:
    if gradient.path_count == 0:
        return f"The loss does not depend on `{gradient.wrt.name}`: the gradient is 0."
    name = gradient.wrt.name
    if gradient.path_count > MAX_PATHS:
        return (
            f"{gradient.path_count:,} paths lead to `{name}`, more than the {MAX_PATHS} that are written "
            "out; the adjoint equations above calculate their sum."
        )
    return (
        f"The path to `{name}` has {gradient.longest:,} factors, more than the {MAX_LINKS} that are written "
        "out; the adjoint equations above calculate the product."
    )


def updates(derivation: Derivation, optimizer: str) -> Iterator[tuple[Ref, Update]]:
    """The update rule of each parameter, in the paper notation."""
    loss = Ref(derivation.graph.loss, ())
    fixed = {frozen.name for frozen in derivation.graph.frozen if not frozen.entries}
    for name in derivation.wrt:
        if derivation.graph.by_name[name].kind == "parameter" and name not in fixed:
            own = Ref(name, derivation.graph.by_name[name].axes)
            yield own, Update(_rule(own, optimizer), Derivative(loss, own))


def _rule(own: Ref, optimizer: str) -> Expr:
    named = {"p": own, "g": Ref(GRADIENT)}
    return replace(UPDATES[optimizer].expr, lambda ref: named.get(ref.name, ref))


def _updates(derivation: Derivation, optimizer: str, numbers: _Numbers) -> Iterator[Section]:
    equations = [numbers.equation(own, update, "←") for own, update in updates(derivation, optimizer)]
    frozen = [f"Frozen, never updated: {f}." for f in derivation.graph.frozen if f.name in derivation.wrt]
    if equations or frozen:
        yield Section("update", f"Update: {optimizer}, after each batch", tuple(equations), tuple(frozen))
