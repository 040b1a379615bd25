"""A derivation's program in one number system, with everything that stays the same from step to step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from derive.chain import Derivation
from derive.gradient_names import KIND, gradient_name
from derive.problem import Problem, Quantity
from verify import update
from verify.evaluate import Array, Evaluation, NumberSystem, Values, evaluate
from verify.frozen import applied, is_trained
from verify.program import Product, Stage, compile_backward, compile_forward, times_partial
from verify.settings import Settings
from verify.update import Update, state_name


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
    update: Update | None  # None where nothing is trained
    watch: tuple[Stage, ...] = ()

    def at(self, given: Values, n: int, recorded: Values | None = None, measured: Collection[str] = ()) -> Evaluation:
        """Every line and adjoint at the parameters and data `given`, for batches of `n` samples."""
        values = {**self.constants, **given}
        values.update({name: self.system.constant(Fraction(n)) for name in self.derivation.graph.of_kind("size")})
        return evaluate(self.stages, self.system, values, {"n": n}, recorded, measured)

    def watched(self, values: Values, n: int) -> Values:
        """What is watched, at the end of a step: from its lines, data, gradients and the parameters as updated."""
        sizes = {name: self.system.constant(Fraction(n)) for name in self.derivation.graph.of_kind("size")}
        return evaluate(self.watch, self.system, {**self.constants, **values, **sizes}, {"n": n}).results

    @property
    def by_hand_alone(self) -> bool:
        """Whether the update is one that PyTorch does not have."""
        return self.update is not None and self.update.optimizer.variant is not None

    def followed(self, gradients: Values) -> Values:
        """Those of the gradients that are watched, by their names `dl/dw`."""
        graph = self.derivation.graph
        named = {gradient_name(graph.loss, name): value for name, value in gradients.items()}
        return {name: named[name] for name in graph.of_kind(KIND)}

    def accumulated(self, held: Array, gradient: Array) -> Array:
        """What .grad holds after a backward that adds `gradient` to what it held: one addition."""
        return self.system.apply("add", (held, gradient))

    def updated(
        self, name: str, before: Values, gradient: Array, t: Array, recorded: Values | None = None
    ) -> dict[str, Array]:
        """The parameter `name` and its state (`w.v`) after update number `t`; the parameter stays where it is frozen.

        `before` and `recorded` name them alike; later equations go on with the recorded state, where there is one.
        """
        assert self.update is not None  # else nothing is updated
        frozen = self.derivation.graph.frozen
        if not is_trained(frozen, name):
            return {name: before[name]}
        state = {own: state_name(name, own) for own in (found.name for found in self.update.optimizer.states)}
        given = {own: before[full] for own, full in state.items()}
        known = {own: recorded[full] for own, full in state.items()} if recorded is not None else None
        found = self.update.after(before[name], gradient, given, t, known)
        moved = applied(frozen, name, before[name], found["p"])
        return {**{full: found[own] for own, full in state.items()}, name: moved}


def prepare(
    problem: Problem,
    derivation: Derivation,
    settings: Settings,
    system: NumberSystem,
    product: Product = times_partial,
    *,
    as_floats: bool = False,
) -> Calculation:
    """The program of `derivation` in `system`; `product` says what an edge of the chain rule adds.

    `as_floats` takes lr and the optimizer's options as the float64 numbers that PyTorch holds.
    """
    marks = tuple(node.name + mark for node in settings.watched for mark in (".", "#", "%"))  # of its hidden parts
    names = {node.name for node in settings.watched}
    forward = compile_forward(derivation)
    watch = tuple(stage for stage in forward if stage.target in names or stage.target.startswith(marks))
    return Calculation(
        derivation,
        system,
        (*(stage for stage in forward if stage not in watch), *compile_backward(derivation, product)),
        {constant.name: numbers(constant, system) for constant in problem.constants},
        None if settings.lr is None else update.prepare(settings.rule, settings.lr, system, as_floats),
        watch,
    )


def numbers(quantity: Quantity, system: NumberSystem) -> Array:
    """The values of a quantity in its shape, each as the system holds it."""
    found = [system.constant(value) for value in quantity.values]
    return np.stack(found).reshape(quantity.shape)


def beginnings(problem: Problem, settings: Settings, system: NumberSystem, *, as_floats: bool = False) -> Values:
    """What every parameter, and every state of one that is trained, begins with."""
    found: dict[str, Array] = {}
    for parameter in problem.parameters:
        found[parameter.name] = numbers(parameter, system)
        if settings.trains and is_trained(problem.graph.frozen, parameter.name):
            begun = update.starts(settings.rule, system, parameter.shape, as_floats)
            found.update({state_name(parameter.name, own): value for own, value in begun.items()})
    return found
