"""The numbered steps of a derivation, in the order of the article, before any format.

Sections: forward equations, local partials, one per parameter (chain product, partials
substituted, closed form), update rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.algebra.conventions import Conventions
from derive.algebra.expression import ONE, Apply, Expr, Reduce, Ref, walk
from derive.chain.closed_form import readable
from derive.chain.derivation import Derivation
from derive.chain.formulas import Formulas
from derive.chain.paths import Link
from derive.graph.node import Node
from derive.steps.equations import Derivative, Equation, Numbers, Section
from derive.steps.expand import continuation, left_side
from derive.steps.gradients import adjoint_equations, goes_on_from_adjoints, gradient_section
from derive.steps.update_rules import update_sections
from derive.training.optimizers import Optimizer
from derive.training.plan import PLAIN_PLAN, Plan


def sections(
    derivation: Derivation, optimizer: Optimizer | str | None = "SGD", after: int = 0, plan: Plan = PLAIN_PLAN
) -> tuple[Section, ...]:
    """Returns all steps of `derivation`; the first equation has the number `after` + 1.

    `optimizer` is that of the update equations at the end, or its name; None leaves them out. `plan` is what training
    does beside it.
    """
    optimizer = Optimizer(optimizer) if isinstance(optimizer, str) else optimizer
    numbers, formulas = Numbers(after), Formulas(derivation)
    gradients = [formulas.gradient(name) for name in derivation.wrt]
    found = [_forward(derivation, numbers), _partials(derivation, formulas, numbers)]
    if any(goes_on_from_adjoints(formulas, gradient) for gradient in gradients):
        found.append(adjoint_equations(formulas, numbers))
    found += [gradient_section(formulas, gradient, numbers) for gradient in gradients]
    return (*found, *(update_sections(derivation, optimizer, numbers, plan) if optimizer else ()))


def seed_name(derivation: Derivation) -> str | None:
    """The name z for the extra node z = loss on which backpropagation starts; None when z is taken."""
    return None if "z" in derivation.graph.by_name else "z"


def _forward(derivation: Derivation, numbers: Numbers) -> Section:
    graph = derivation.graph
    equations: list[Equation] = []
    for node in graph.lines:
        equations += _written(node, numbers)
    seed = seed_name(derivation)
    if seed:
        equations.append(numbers.equation(Ref(seed), Ref(graph.loss), note="backpropagation starts here"))
    title = "Forward: each line of paper is a node of the graph"
    return Section("forward", title, tuple(equations), tuple(_who_is_who(derivation)))


def _written(node: Node, numbers: Numbers) -> Iterator[Equation]:
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


def _partials(derivation: Derivation, formulas: Formulas, numbers: Numbers) -> Section:
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
    kinks = conventions((derivation.graph.by_name[name] for name in lines), derivation.graph.conventions)
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


def conventions(lines: Iterable[Node], taken: Conventions) -> list[str]:
    """Returns sentences on what is `taken` as the derivative where that of an operation in these lines jumps."""
    found = {_convention(part, taken) for node in lines for part in walk(node.definition)}
    return sorted(found - {""})


def _convention(part: Expr, taken: Conventions) -> str:
    match part:
        case Reduce(op="max" | "min" as op):
            return f"{op} over an index: equal entries share the derivative evenly"
        case Apply(op="where"):
            return "where: the derivative is that of the side that is chosen; the condition has none"
        case Apply():
            return "; ".join(filter(None, (taken.at_kink(part), taken.beside(part))))
    return ""
