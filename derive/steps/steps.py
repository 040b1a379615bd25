"""The numbered steps of a derivation, in the order of the article, before any format.

Sections: forward equations, local partials, one per parameter (chain product, partials
substituted, closed form), update rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from derive.algebra.expression import ONE, Apply, Expr, Reduce, Ref, names, replace, walk
from derive.algebra.operations import OPERATIONS
from derive.chain.closed_form import readable
from derive.chain.derivation import Derivation
from derive.chain.formulas import Formulas
from derive.chain.paths import Link
from derive.graph.node import Node
from derive.show.notation import Derivative
from derive.steps.equations import EVERY, GRADIENT, Equation, Numbers, Section, Update
from derive.steps.expand import continuation, left_side
from derive.steps.gradients import adjoint_equations, goes_on_from_adjoints, gradient_section
from derive.training.clipping import NORM, Clip
from derive.training.optimizers import Optimizer, in_numbers_alone, written
from derive.training.plan import PLAIN_PLAN, Plan, by_value, norm_share


def sections(
    derivation: Derivation, optimizer: Optimizer | str | None = "SGD", after: int = 0, plan: Plan = PLAIN_PLAN
) -> tuple[Section, ...]:
    """All steps of `derivation`, counted on from `after`.

    `optimizer` is that of the update equations at the end, or its name; None where nothing is trained. `plan` is what
    is done beside it.
    """
    optimizer = Optimizer(optimizer) if isinstance(optimizer, str) else optimizer
    numbers, formulas = Numbers(after), Formulas(derivation)
    gradients = [formulas.gradient(name) for name in derivation.wrt]
    found = [_forward(derivation, numbers), _partials(derivation, formulas, numbers)]
    if any(goes_on_from_adjoints(formulas, gradient) for gradient in gradients):
        found.append(adjoint_equations(formulas, numbers))
    found += [gradient_section(formulas, gradient, numbers) for gradient in gradients]
    return (*found, *(_updates(derivation, optimizer, numbers, plan) if optimizer else ()))


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


class Updated(NamedTuple):
    """An equation of the update: of one parameter, or of numbers that all have in common (`EVERY`)."""

    parameter: str
    left: Ref
    right: Update


def updates(derivation: Derivation, optimizer: Optimizer, plan: Plan = PLAIN_PLAN) -> Iterator[Updated]:
    """The update equations of each parameter, in the paper notation; first what all have in common."""
    for rate in plan.rates:
        yield Updated(EVERY, Ref(rate.target), Update(rate.expr, None))
    yield from _norm(derivation, plan)
    optimizer = plan.rule_of("", optimizer)
    common = _common(optimizer)
    for assignment in optimizer.on_paper:
        if assignment.target in common:
            yield Updated(EVERY, Ref(assignment.target), Update(assignment.expr, None))
    for name in trained(derivation):
        own = Ref(name, derivation.graph.by_name[name].axes)
        gradient = Derivative(Ref(derivation.graph.loss, ()), own)
        yield from _of_parameter(own, gradient, plan.rule_of(name, optimizer), plan.clip, _share(derivation))


def _norm(derivation: Derivation, plan: Plan) -> Iterator[Updated]:
    """The gradients by names of their own, and by what all of them are multiplied, where their norm is clipped."""
    if plan.clip is None or plan.clip.by != NORM:
        return
    parameters = [Ref(name, derivation.graph.by_name[name].axes) for name in trained(derivation)]
    gradients = tuple(Ref(own_name("g", own.name), own.axes) for own in parameters)
    for own, gradient in zip(parameters, gradients, strict=True):
        yield Updated(own.name, gradient, Update(Ref(GRADIENT), Derivative(Ref(derivation.graph.loss, ()), own)))
    if gradients:
        yield Updated(EVERY, Ref(_share(derivation)), Update(norm_share(gradients), None))


def _share(derivation: Derivation) -> str:
    """The name of what gradients whose norm is clipped are multiplied by: c, where the problem has no c."""
    return next(name for name in ("c", "share", "share_of_norm", "c_") if name not in derivation.graph.by_name)


def trained(derivation: Derivation) -> tuple[str, ...]:
    """The parameters that are updated."""
    graph = derivation.graph
    fixed = {frozen.name for frozen in graph.frozen if not frozen.entries}
    return tuple(name for name in derivation.wrt if graph.by_name[name].kind == "parameter" and name not in fixed)


def _common(optimizer: Optimizer) -> frozenset[str]:
    """The names in the equations that have one value for all parameters."""
    singles = (state.name for state in optimizer.states if state.single)
    return in_numbers_alone(optimizer.on_paper, frozenset(("lr", "t", *optimizer.numbers, *singles)))


def _of_parameter(
    own: Ref, gradient: Derivative, optimizer: Optimizer, clip: Clip | None, share: str
) -> Iterator[Updated]:
    """The equations with the parameter's own names: v_w for v, its gradient for g."""
    common = _common(optimizer)
    named = {"p": own, "g": Ref(GRADIENT)}
    if clip is not None:
        named["g"] = Ref(own_name("g", own.name), own.axes)
        whole = by_value(Ref(GRADIENT), clip.by) if clip.by != NORM else Apply("mul", (Ref(share), named["g"]))
        yield Updated(own.name, named["g"], Update(whole, gradient))

    def with_names(ref: Ref) -> Ref:
        return ref if ref.name in common else named.get(ref.name) or Ref(own_name(ref.name, own.name), own.axes)

    equations = [found for found in optimizer.on_paper if found.target not in common]
    targets = {found.target for found in equations}
    squared = any(isinstance(part, Apply) and part.op == "pow" for found in equations for part in walk(found.expr))
    if squared and "g" not in targets and clip is None:
        named["g"] = Ref(own_name("g", own.name), own.axes)  # a power of ∂l/∂w would be hard to read
        yield Updated(own.name, named["g"], Update(Ref(GRADIENT), gradient))
    for found in equations:
        right = replace(found.expr, with_names)
        if found.target == "g":
            named["g"] = Ref(own_name("g", own.name), own.axes)
        yield Updated(own.name, with_names(Ref(found.target)), Update(right, gradient))


def own_name(name: str, parameter: str) -> str:
    """The name of a parameter's own v in the update equations: v_w."""
    return f"{name}_{parameter}"


MAX_UPDATES = 8  # equations; where there are more, those of the first parameter stand for all


def _updates(derivation: Derivation, optimizer: Optimizer, numbers: Numbers, plan: Plan) -> Iterator[Section]:
    found = tuple(updates(derivation, optimizer, plan))
    parameters = trained(derivation)
    of_groups = {name for group in plan.groups for name in group.parameters}
    shared = tuple(name for name in parameters if name not in of_groups)
    alike = shared[1:] if len(found) > max(MAX_UPDATES, len(parameters)) else ()
    equations = [
        numbers.equation(left, right, "←")._replace(about=parameter)
        for parameter, left, right in found
        if parameter not in alike
    ]
    frozen = [f"Frozen, never updated: {f}." for f in derivation.graph.frozen if f.name in derivation.wrt]
    if equations or frozen:
        title = f"Update: {' '.join((optimizer.name, *_variant_name(optimizer)))}, after each batch"
        rule = plan.rule_of("", optimizer)
        beginnings = _beginnings(shared or parameters, rule, plan)
        sentences = [*beginnings, *plan.sentences, *_same(alike), *frozen, *_variant_note(optimizer)]
        yield Section("update", title, tuple(equations), tuple(sentences))


def _variant_name(optimizer: Optimizer) -> Iterator[str]:
    if optimizer.variant:
        yield f"({optimizer.variant.name})"


def _variant_note(optimizer: Optimizer) -> Iterator[str]:
    if optimizer.variant:
        yield f"From {optimizer.variant.source}; torch.optim.{optimizer.name} does not have it"


def _beginnings(parameters: tuple[str, ...], optimizer: Optimizer, plan: Plan) -> Iterator[str]:
    """The options that are numbers, what the state begins with, and what t is."""
    cycled = plan.schedule.cycled if plan.schedule else ""
    for name in parameters[:1]:
        numbers = {option: value for option, value in optimizer.numbers.items() if value and option != cycled}
        values = [f"{option} = {written(value)}" for option, value in numbers.items()]
        starts: dict[str, list[str]] = {}
        for state in optimizer.states:
            shown = state.name if state.single else own_name(state.name, name)
            starts.setdefault(written(optimizer.start(state)), []).append(f"`{shown}`")
        listed = [", ".join(values)] if values else []
        for value, begun in starts.items():
            several = " and ".join(filter(None, (", ".join(begun[:-1]), begun[-1])))
            listed.append(f"{several} begin{'s' * (len(begun) == 1)} at {value}")
        if any("t" in names(found.expr) for found in optimizer.on_paper):
            listed.append("`t` counts the updates, from 1")
        if listed:
            yield "; ".join(listed)


def _same(parameters: tuple[str, ...]) -> Iterator[str]:
    if parameters:
        yield f"The same for {', '.join(f'`{name}`' for name in parameters)}"
