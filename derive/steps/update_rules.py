"""The update section: the equations of each parameter, and a sentence on gradients that add up over batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from derive.algebra.expression import Apply, Expr, Ref, names, replace, walk
from derive.chain.derivation import Derivation
from derive.steps.equations import EVERY, GRADIENT, Derivative, Numbers, Section, Update
from derive.training.clipping import NORM, Clip, by_value, norm_share
from derive.training.optimizers import Optimizer, counter, in_numbers_alone, written
from derive.training.plan import PLAIN_PLAN, Plan, Training

_EACH = "after each batch"
_CLIPPED = "that of each batch is added to what clipping has left of those"


class Gathering(NamedTuple):
    """For the update section: `when` the parameters are updated, and a `sentence` about the gradient in the update."""

    when: str = _EACH
    sentence: str = ""


PLAIN = Gathering()


def gathering(training: Training, has_data: bool) -> Gathering:
    """Returns what to say where `zero_grad` or `accumulate` add gradients up; `PLAIN` where each is of one batch."""
    count, zero = training.accumulate or 1, training.zero_grad
    if count > 1:
        end, fewer = (" and at the end of an epoch", ", fewer at the end of an epoch") if has_data else ("", "")
        return Gathering(
            f"after every {count} batches{end}",
            f"Each gradient in the update is the sum over the last {count} batches{fewer}, all at the same parameters; "
            "then it is set to zero.",
        )
    if zero is None or int(zero) == 1:
        return PLAIN
    if training.clip_grad_norm is not None or training.clip_grad_value is not None:
        when, since = (
            (f"set to zero before every {zero} steps", "since then") if zero else ("never set to zero", "before")
        )
        return Gathering(_EACH, f"The gradient is {when}: {_CLIPPED} {since}.")
    if not zero:
        return Gathering(
            _EACH,
            "The gradient is never set to zero: each gradient in the update is the sum over all batches so far, "
            "each at the parameters of its own step.",
        )
    return Gathering(
        _EACH,
        f"The gradient is set to zero before every {zero} steps: each gradient in the update is the sum over the "
        "batches since then, each at the parameters of its own step.",
    )


def with_gathering(sections: tuple[Section, ...], found: Gathering) -> tuple[Section, ...]:
    """Returns the sections; that of the update says what `found` says of the gradients in it."""
    if found == PLAIN:
        return sections
    return tuple(_said(section, found) if section.step == "update" else section for section in sections)


def _said(section: Section, found: Gathering) -> Section:
    if not section.equations:
        return section
    title = section.title.replace(_EACH, found.when)
    return section._replace(title=title, sentences=(found.sentence, *section.sentences))


class Updated(NamedTuple):
    """An equation of the update: of one parameter, or of numbers that all have in common (`EVERY`)."""

    parameter: str
    left: Ref
    right: Update


def updates(derivation: Derivation, optimizer: Optimizer, plan: Plan = PLAIN_PLAN) -> Iterator[Updated]:
    """Yields the update equations in the paper notation: what all parameters have in common, then those of each."""
    count = counter(derivation.graph.by_name)
    for rate in plan.rates:
        yield Updated(EVERY, Ref(rate.target), Update(_counted(rate.expr, count), None))
    yield from _norm(derivation, plan)
    optimizer = plan.rule_of("", optimizer)
    common = _common(optimizer)
    for assignment in optimizer.on_paper:
        if assignment.target in common:
            yield Updated(EVERY, Ref(assignment.target), Update(_counted(assignment.expr, count), None))
    for name in trained(derivation):
        own = Ref(name, derivation.graph.by_name[name].axes)
        gradient = Derivative(Ref(derivation.graph.loss, ()), own)
        rule = plan.rule_of(name, optimizer)
        yield from _of_parameter(own, gradient, rule, plan.clip, _share(derivation), count)


def _counted(expr: Expr, count: str) -> Expr:
    """An equation with the name `count` for the number of the update, t, which a problem may have for another."""
    return replace(expr, lambda ref: Ref(count) if ref.name == "t" else ref)


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
    """Returns the parameters of `derivation.wrt` that are updated: all that are not frozen as a whole."""
    graph = derivation.graph
    fixed = {frozen.name for frozen in graph.frozen if not frozen.entries}
    return tuple(name for name in derivation.wrt if graph.by_name[name].kind == "parameter" and name not in fixed)


def _common(optimizer: Optimizer) -> frozenset[str]:
    """The names in the equations that have one value for all parameters."""
    singles = (state.name for state in optimizer.states if state.single)
    return in_numbers_alone(optimizer.on_paper, frozenset(("lr", "t", *optimizer.numbers, *singles)))


def _of_parameter(
    own: Ref, gradient: Derivative, optimizer: Optimizer, clip: Clip | None, share: str, count: str
) -> Iterator[Updated]:
    """The equations with the parameter's own names: v_w for v, its gradient for g."""
    common = _common(optimizer)
    named = {"p": own, "g": Ref(GRADIENT)}
    if clip is not None:
        named["g"] = Ref(own_name("g", own.name), own.axes)
        whole = by_value(Ref(GRADIENT), clip.by) if clip.by != NORM else Apply("mul", (Ref(share), named["g"]))
        yield Updated(own.name, named["g"], Update(whole, gradient))

    def with_names(ref: Ref) -> Ref:
        if ref.name == "t":
            return Ref(count)
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
    """Returns the name of a parameter's own `name` in the update equations: v_w for v."""
    return f"{name}_{parameter}"


MAX_UPDATES = 8  # equations; where there are more, those of the first parameter that is in no group stand for all such


def update_sections(derivation: Derivation, optimizer: Optimizer, numbers: Numbers, plan: Plan) -> Iterator[Section]:
    """Yields the update rules as a section, numbered by `numbers`; no section where it would be empty."""
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
        beginnings = _beginnings(shared or parameters, rule, plan, counter(derivation.graph.by_name))
        sentences = [*beginnings, *plan.sentences, *_same(alike), *frozen, *_variant_note(optimizer)]
        yield Section("update", title, tuple(equations), tuple(sentences))


def _variant_name(optimizer: Optimizer) -> Iterator[str]:
    if optimizer.variant:
        yield f"({optimizer.variant.name})"


def _variant_note(optimizer: Optimizer) -> Iterator[str]:
    if optimizer.variant:
        yield f"From {optimizer.variant.source}; torch.optim.{optimizer.name} does not have it"


def _beginnings(parameters: tuple[str, ...], optimizer: Optimizer, plan: Plan, count: str) -> Iterator[str]:
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
            listed.append(f"`{count}` counts the updates, from 1")
        if listed:
            yield "; ".join(listed)


def _same(parameters: tuple[str, ...]) -> Iterator[str]:
    if parameters:
        yield f"The same for {', '.join(f'`{name}`' for name in parameters)}"
