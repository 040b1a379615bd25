"""A step of the hand calculation with all that stands between its numbers: every line, adjoint and update equation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.expression import Expr, Reduce, Ref, children, names, rebuild
from derive.chain.derivation import Derivation
from derive.run.run import Run
from derive.run.settings import Settings
from derive.steps.equations import EVERY, GRADIENT
from derive.steps.update_rules import Updated, own_name, trained, updates
from derive.training.optimizers import Optimizer, counter
from derive.training.plan import Plan
from verify.hand import calculation
from verify.hand import run as hand
from verify.hand.evaluation import evaluate
from verify.hand.program import compile_rule
from verify.hand.rates import of_group
from verify.hand.run import PRECISIONS, Exacts, HandStep
from verify.hand.update import applied
from verify.names import state_name
from verify.numbers import Array, Exact, from_fraction, objects, precision


@dataclass(frozen=True)
class WorkedUpdate:
    """An update equation, the numbers of its names before it, and its result, for every entry of the parameter."""

    equation: Updated
    before: Exacts
    after: Array


@dataclass(frozen=True)
class WorkedStep:
    """One step: `values` are the numbers of all names in the formulas, `adjoints` those of ∂loss/∂name, by the name.

    The adjoints of the parameters are the gradients of this batch alone, whatever has been accumulated before.
    `ambiguous` is a parameter that is called as a number of the update equations (`lr`), which are then left out.
    """

    step: HandStep
    values: Exacts
    adjoints: Exacts
    updates: tuple[WorkedUpdate, ...]
    ambiguous: str = ""


def work_out(run: Run, step: HandStep) -> WorkedStep:
    """Calculates the step again, from the parameters it begins with. Raises `CalculationError` as `hand.step` does."""
    derivation, settings = run.derivation, run.settings
    prepared = hand.inputs(run)
    lines = [node.name for node in derivation.graph.lines]
    system = prepared.calculation.system
    with precision(PRECISIONS[-1]):
        found = hand.step(prepared, step.before, step.batch, lines, step.accumulated)
        sizes = {name: system.constant(Fraction(step.batch.n)) for name in derivation.graph.of_kind("size")}
        constants = {constant.name: calculation.numbers(constant, system) for constant in run.problem.constants}
        values = {**constants, **sizes, **prepared.rows(step.batch), **found.before, **found.nodes}
        own = {name: _without(found.accumulated.get(name), total) for name, total in found.gradients.items()}
        common = _common(settings.rule, settings, found, counter(derivation.graph.by_name))
        ambiguous = next((name for name in trained(derivation) if name in common), "")
        moves = found.batch.updates and settings.trains and not ambiguous
        moved = tuple(_updates(derivation, settings, found, common)) if moves else ()
    return WorkedStep(found, values, {**found.adjoints, **own}, moved, ambiguous)


def _without(accumulated: Array | None, total: Array) -> Array:
    return total if accumulated is None else Exact().apply("sub", (total, accumulated))


def _updates(
    derivation: Derivation, settings: Settings, step: HandStep, common: dict[str, Array]
) -> Iterator[WorkedUpdate]:
    """The equations as they are printed, one after the other, each with the numbers that the ones before have given.

    What all parameters have in common is said once more of one whose group has other numbers.
    """
    own: dict[str, dict[str, Array]] = {}
    equations = list(updates(derivation, settings.rule, Plan(None, settings.clip, settings.groups)))
    shared = [equation for equation in equations if equation.parameter == EVERY]
    begun = dict(common)
    left, told = len(shared), set[str]()
    for equation in equations:
        name = equation.parameter
        if name != EVERY and name not in own:
            given = {name: step.before[name], GRADIENT: step.gradients[name]}
            own[name] = {**_numbers(settings, name, step), **given, **_states(settings.rule_of(name), name, step)}
        if name != EVERY and not left and name not in told:
            told.add(name)
            for again in _for_its_group(settings, name, step, shared, begun, common):
                own[name] = {**own[name], again.equation.left.name: again.after}
                yield again
        of_all = {key: value for each in own.values() for key, value in each.items()} if name == EVERY else own[name]
        known = {**of_all, **common} if name == EVERY else {**common, **of_all}
        after = _evaluated(equation, known)
        if equation.left.name == name:
            after = applied(derivation.graph.frozen, name, known[name], after)
        (common if name == EVERY else own[name])[equation.left.name] = after
        left -= name == EVERY
        yield WorkedUpdate(equation, known, after)


def _for_its_group(
    settings: Settings,
    name: str,
    step: HandStep,
    shared: Sequence[Updated],
    begun: Mapping[str, Array],
    common: Mapping[str, Array],
) -> Sequence[WorkedUpdate]:
    """The equations that all have in common with the numbers of a parameter's group; none where they give the same.

    `begun` is what all had in common before these equations, `common` what they have given.
    """
    mine = {**begun, **_numbers(settings, name, step), **_singles(settings.rule_of(name), name, step)}
    found = []
    for equation in shared:
        if any(read not in mine for read in names(equation.right.expr)):
            continue  # by what gradients are clipped: that of all of them together
        after = _evaluated(equation, mine)
        found.append(WorkedUpdate(equation._replace(parameter=name), dict(mine), after))
        mine[equation.left.name] = after
    differ = any(bool(each.after.item() != common[each.equation.left.name].item()) for each in found)
    return found if differ else ()


def _common(rule: Optimizer, settings: Settings, step: HandStep, count: str) -> dict[str, Array]:
    """What has one value for all parameters: lr, the options, t, and states that are single numbers."""
    numbers = {count: objects([from_fraction(Fraction(step.batch.t))], ())}
    first = settings.param_groups[0].parameters if settings.param_groups else ()
    singles = _singles(rule, first[0], step) if first else {}
    if settings.clip is not None:
        numbers[settings.clip.by] = objects([from_fraction(settings.clip.limit)], ())
    return {**(_numbers(settings, first[0], step) if first else {}), **numbers, **singles}


def _singles(rule: Optimizer, name: str, step: HandStep) -> dict[str, Array]:
    """What an optimizer remembers of a parameter as one number."""
    return {state.name: step.before[state_name(name, state.name)] for state in rule.states if state.single}


def _numbers(settings: Settings, name: str, step: HandStep) -> dict[str, Array]:
    """The options of a parameter's group, its lr, and what else changes from step to step."""
    group = settings.param_groups[settings.group_of(name)]
    numbers = {own: objects([from_fraction(value)], ()) for own, value in group.rule.numbers.items()}
    if isinstance(group.schedule.lr, Fraction):
        numbers["lr"] = objects([from_fraction(group.schedule.lr)], ())
    return {**numbers, **of_group(step.rates, settings.group_of(name), len(settings.param_groups))}


def _states(rule: Optimizer, name: str, step: HandStep) -> Mapping[str, Array]:
    """The state of a parameter by its names in the printed equations: v_w for w.v."""
    own = (state.name for state in rule.states if not state.single)
    return {own_name(state, name): step.before[state_name(name, state)] for state in own}


def _evaluated(equation: Updated, known: Mapping[str, Array]) -> Array:
    return _value(equation.right.expr, known)


def _value(expr: Expr, known: Mapping[str, Array]) -> Array:
    """An expression in arrays of any shape, entry by entry; a sum in it is over all entries."""
    summed: dict[str, Array] = {}

    def added(part: Expr) -> Expr:
        if not isinstance(part, Reduce):
            return rebuild(part, tuple(added(own) for own in children(part)))
        name = f"Σ{len(summed)}"
        summed[name] = Exact().reduce("sum", _value(part.body, known).reshape(-1))
        return Ref(name, ())

    stages = compile_rule("value", added(expr))
    return evaluate(stages, Exact(), {**known, **summed}, {}).results["value"]
