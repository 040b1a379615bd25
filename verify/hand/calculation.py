"""A derivation's program in one number system, with everything that stays the same from step to step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from derive.algebra.expression import names
from derive.chain.derivation import Derivation
from derive.graph.gradient_names import KIND, gradient_name
from derive.graph.node import ROWS
from derive.problem.loading import Problem, Quantity
from derive.run.reads import Held, Reads, rates_by_name
from derive.run.settings import Settings
from derive.training.clipping import Clip
from verify.hand import clipping, update
from verify.hand.evaluation import Array, Evaluation, NumberSystem, Values, evaluate
from verify.hand.program import (
    Product,
    Stage,
    compile_backward,
    compile_forward,
    compile_rule,
    times_guarded,
    with_equals_once,
)
from verify.hand.rates import of_group
from verify.hand.update import Instead, Update, applied, is_trained
from verify.intervals import Enclosed
from verify.names import state_name
from verify.numbers import Exact, Forms


@dataclass(frozen=True)
class Calculation:
    """Forward pass, backward pass and update, compiled once and run at any state.

    Arrays have one dimension for each axis of their name, and one more in front where several steps stand
    side by side.
    """

    derivation: Derivation
    system: NumberSystem
    stages: tuple[Stage, ...]
    constants: Values
    update: Update | None  # None where nothing is trained; else of the first group of parameters
    watch: tuple[Stage, ...] = ()
    clip: Clip | None = None
    groups: tuple[tuple[tuple[str, ...], Update], ...] = ()  # the parameters of the other groups, each with its update
    reads: Reads = field(default_factory=Reads)  # what the watched lines read of the update

    def at(self, given: Values, n: int, recorded: Values | None = None, measured: Collection[str] = ()) -> Evaluation:
        """Every line and adjoint at the parameters and data `given`, for batches of `n` samples.

        `recorded` and `measured` are those of `evaluate`.
        """
        values = self.inputs(given, n)
        is_exact = isinstance(self.system, Exact) and recorded is None  # else each line has roundings of its own
        return evaluate(self.once if is_exact else self.stages, self.system, values, {"n": n}, recorded, measured)

    def inputs(self, given: Values, n: int) -> dict[str, Array]:
        """What a program begins with: the constants, what is `given`, and the sizes of a batch of `n` samples."""
        sizes = {name: self.system.constant(Fraction(n)) for name in self.derivation.graph.of_kind("size")}
        return {**self.constants, **given, **sizes}

    @cached_property
    def once(self) -> tuple[Stage, ...]:
        """The stages, each number calculated once."""
        return with_equals_once(self.stages)

    def watched(self, values: Values, n: int) -> Values:
        """The watched lines at the end of a step; `values` are its lines, data, gradients and updated parameters."""
        return evaluate(self.watch, self.system, self.inputs(values, n), {"n": n}).results

    def inside(self, step: Held, t: Array, rates: Values) -> Values:
        """What the watched lines read of the update of a step: its number is `t`, `rates` are those of all groups."""
        if self.update is None or not self.reads.nodes:
            return {}
        named = {"t": t, **rates_by_name(rates, 1 + len(self.groups))}
        numbers: dict[str, Array] = {}
        for name, expr in self.reads.numbers.items():
            inputs = {own: named[own] for own in names(expr)}
            found = evaluate(compile_rule(name, expr), self.update.floats, inputs, {}).results[name]
            numbers[name] = self.system.cast(found)
        return {**self.reads.values(step), **numbers}

    @property
    def by_hand_alone(self) -> bool:
        """Whether the update is one that PyTorch does not have."""
        return self.update is not None and self.update.optimizer.variant is not None

    def followed(self, gradients: Values) -> Values:
        """Those of the gradients that a watched line reads, by their names `dl/dw`."""
        graph = self.derivation.graph
        named = {gradient_name(graph.loss, name): value for name, value in gradients.items()}
        return {name: named[name] for name in graph.of_kind(KIND)}

    def accumulated(self, held: Array, gradient: Array) -> Array:
        """What .grad holds after a backward that adds `gradient` to what it held: one addition."""
        return self.system.apply("add", (held, gradient))

    def clipped(self, gradients: Values, steps: int = 0) -> Values:
        """The gradients of the trained parameters after clipping, by parameter; none where nothing is clipped.

        The first `steps` dimensions (0 or 1) of each array count the steps that stand side by side.
        """
        if self.clip is None:
            return {}
        trained = {name: value for name, value in gradients.items() if is_trained(self.derivation.graph.frozen, name)}
        if not trained:
            return {}
        return clipping.clipped(self.system, self.clip, trained, steps)

    def updated(
        self,
        name: str,
        before: Values,
        gradient: Array,
        t: Array,
        instead: Instead | None = None,
        rates: Values | None = None,
    ) -> dict[str, Array]:
        """The parameter `name` and its state (`w.v`) after update number `t`; the parameter stays where it is frozen.

        Later equations go on with what `instead` gives for a result: of the state, by the same names, or of another
        number of the update, such as `w.m_hat`. `rates` are what changes from step to step, of all groups.
        """
        place, update = self._update_of(name)
        frozen = self.derivation.graph.frozen
        if not is_trained(frozen, name):
            return {name: before[name]}
        state = {own: state_name(name, own) for own in (found.name for found in update.optimizer.states)}
        given = {own: before[full] for own, full in state.items()}
        own_rates = of_group(rates or {}, place, 1 + len(self.groups))
        named = None if instead is None else partial(_by_full_name, instead, name)
        found = update.after(before[name], gradient, given, t, named, own_rates)
        moved = applied(frozen, name, before[name], found["p"])
        return {**{full: found[own] for own, full in state.items()}, name: moved}

    def advanced(self, before: Values, gradients: Values, t: Array, rates: Values | None = None) -> dict[str, Array]:
        """The parameters and the state after update number `t`, from the gradients as they are after clipping."""
        after: dict[str, Array] = {}
        for name, gradient in gradients.items():
            after |= self.updated(name, before, gradient, t, rates=rates)
        return after

    def take_rate(self, array: NDArray[np.float64]) -> Array:
        """The values that PyTorch held of lr or another rate, in the number system of Python's float64."""
        return array if self.update is None else self.update.floats.take(array)

    def _update_of(self, name: str) -> tuple[int, Update]:
        """The place of a parameter's group, and its update."""
        assert self.update is not None  # else nothing is updated
        found = ((k, update) for k, (own, update) in enumerate(self.groups, start=1) if name in own)
        return next(found, (0, self.update))


def _by_full_name(instead: Instead, parameter: str, own: str, result: Array) -> Array:
    return instead(state_name(parameter, own), result)


def prepare(
    problem: Problem,
    derivation: Derivation,
    settings: Settings,
    system: NumberSystem,
    product: Product = times_guarded,
    *,
    as_floats: bool = False,
) -> Calculation:
    """The program of `derivation` in `system`; `product` says what an edge of the chain rule adds.

    `as_floats` takes lr and the optimizer's options as the float64 numbers that PyTorch holds.
    """
    marks = tuple(node.name + mark for node in settings.watched for mark in (".", "#", "%"))  # of its hidden parts
    followed = {node.name for node in settings.watched}
    forward = compile_forward(derivation)
    watch = tuple(stage for stage in forward if stage.target in followed or stage.target.startswith(marks))
    found = Calculation(
        derivation,
        system,
        (*(stage for stage in forward if stage not in watch), *compile_backward(derivation, product)),
        {constant.name: numbers(constant, system) for constant in problem.constants},
        None,
        watch,
        settings.clip if settings.trains else None,
        reads=settings.reads,
    )
    return with_updates(found, settings, as_floats)


def with_updates(calculation: Calculation, settings: Settings, as_floats: bool) -> Calculation:
    """The calculation with the updates of `settings`: lr and options as decimals, or the floats that PyTorch holds."""
    first, *others = _updates(settings, calculation.system, as_floats)
    groups = zip(settings.param_groups[1:], others, strict=True)
    return replace(calculation, update=first, groups=tuple((g.parameters, u) for g, u in groups if u is not None))


def _updates(settings: Settings, system: NumberSystem, as_floats: bool) -> list[Update | None]:
    """The update of each group; None where nothing is trained."""
    found: list[Update | None] = []
    for group in settings.param_groups:
        lr = group.schedule.lr if not settings.varying else None
        assert lr is None or isinstance(lr, Fraction)  # what is no number varies
        found.append(update.prepare(group.rule, lr, system, as_floats))
    return found or [None]


def numbers(quantity: Quantity, system: NumberSystem) -> Array:
    """The values of a quantity in its shape, each as the system takes a literal: rounded, if the system rounds.

    In forms that know it as an input that is not exact, each is an unknown within its printed digits.
    """
    if isinstance(system, Forms) and quantity.rounded and quantity.name in system.inputs:
        return system.given(quantity.name, quantity.values, quantity.slacks).reshape(quantity.shape)
    if isinstance(system, Enclosed) and not _is_beyond(quantity):
        return system.nearest(quantity.floats, quantity.are_floats).reshape(quantity.shape)
    return system.constants(quantity.values).reshape(quantity.shape)


def _is_beyond(quantity: Quantity) -> bool:
    """Whether a value is too large for a float64."""
    try:
        return not quantity.floats
    except OverflowError:
        return True


def columns(problem: Problem, given: Sequence[Quantity], system: NumberSystem) -> dict[str, Array]:
    """The numbers of the columns `given`, by name; and their rows, where an equation of the problem reads them.

    An index along the samples is the row of the data in every batch, counted from 0.
    """
    found = {column.name: numbers(column, system) for column in given}
    if given and problem.graph.reads_rows:
        found[ROWS] = system.constants([Fraction(row) for row in range(given[0].shape[0])])
    return found


INPUTS = 1 << 40  # the mark of the first number that is rounded; claimed numbers are counted from 0


def input_marks(problem: Problem) -> dict[str, int]:
    """The rounded inputs of a problem by name, each with the mark of the unknown that its first number is in forms."""
    marks: dict[str, int] = {}
    coming = INPUTS
    for quantity in problem.given:
        if quantity.rounded:
            marks[quantity.name] = coming
            coming += len(quantity.values)
    return marks


def beginnings(problem: Problem, settings: Settings, system: NumberSystem, *, as_floats: bool = False) -> Values:
    """The initial values of every parameter, and of the state (`w.v`) of every trained one, by name."""
    found: dict[str, Array] = {}
    for parameter in problem.parameters:
        found[parameter.name] = numbers(parameter, system)
        if settings.trains and is_trained(problem.graph.frozen, parameter.name):
            begun = update.starts(settings.rule_of(parameter.name), system, parameter.shape, as_floats)
            found.update({state_name(parameter.name, own): value for own, value in begun.items()})
    return found


def only(side: Calculation, lines: frozenset[str]) -> Calculation:
    """`side` with the stages of `lines` and of what they read alone.

    A stage has the name of its line, or that with a mark and a number.
    """
    needed = side.derivation.graph.behind(lines)
    marked = [stage for stage in side.stages if line_of(stage.target) in needed]
    return replace(side, stages=tuple(marked))


def line_of(target: str) -> str:
    """The line that a stage is a part of: of `c.1` (an operation inside c), `l#1` and `m%`."""
    for mark in (".", "#", "%"):
        target = target.partition(mark)[0]
    return target
