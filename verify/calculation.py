"""A derivation's program in one number system, with everything that stays the same from step to step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from derive.chain import Derivation
from derive.optimizers import UPDATES
from derive.problem import Problem, Quantity
from verify.evaluate import Array, Evaluation, NumberSystem, Values, evaluate
from verify.frozen import applied
from verify.program import Product, Stage, compile_backward, compile_forward, compile_rule, times_partial
from verify.settings import Settings


@dataclass(frozen=True)
class Calculation:
    """Forward pass, backward pass and update, compiled once and run at any state.

    Arrays have one dimension for each axis of their name, and one more in front where several steps stand
    side by side.
    """

    derivation: Derivation
    system: NumberSystem
    stages: tuple[Stage, ...]
    rule: tuple[Stage, ...]
    constants: Values
    lr: Array | None
    watch: tuple[Stage, ...] = ()

    def at(self, given: Values, n: int, recorded: Values | None = None, measured: Collection[str] = ()) -> Evaluation:
        """Every line and adjoint at the parameters and data `given`, for batches of `n` samples."""
        values = {**self.constants, **given}
        values.update({name: self.system.constant(Fraction(n)) for name in self.derivation.graph.of_kind("size")})
        return evaluate(self.stages, self.system, values, {"n": n}, recorded, measured)

    def watched(self, values: Values, n: int) -> Values:
        """What is watched, at the end of a step: from its lines, its data and the parameters as updated."""
        sizes = {name: self.system.constant(Fraction(n)) for name in self.derivation.graph.of_kind("size")}
        return evaluate(self.watch, self.system, {**self.constants, **values, **sizes}, {"n": n}).results

    def accumulated(self, held: Array, gradient: Array) -> Array:
        """What .grad holds after a backward that adds `gradient` to what it held: one addition."""
        return self.system.apply("add", (held, gradient))

    def updated(self, name: str, before: Array, gradient: Array) -> Array:
        """The parameter `name` after its update, where it is not frozen."""
        assert self.lr is not None  # else nothing is updated
        moved = evaluate(self.rule, self.system, {"p": before, "g": gradient, "lr": self.lr}, {}).results["p"]
        return applied(self.derivation.graph.frozen, name, before, moved)


def prepare(
    problem: Problem,
    derivation: Derivation,
    settings: Settings,
    system: NumberSystem,
    product: Product = times_partial,
) -> Calculation:
    """The program of `derivation` in `system`; `product` says what an edge of the chain rule adds."""
    marks = tuple(node.name + mark for node in settings.watched for mark in (".", "#", "%"))  # of its hidden parts
    names = {node.name for node in settings.watched}
    forward = compile_forward(derivation)
    watch = tuple(stage for stage in forward if stage.target in names or stage.target.startswith(marks))
    return Calculation(
        derivation,
        system,
        (*(stage for stage in forward if stage not in watch), *compile_backward(derivation, product)),
        compile_rule("p", UPDATES[settings.optimizer].expr),
        {constant.name: numbers(constant, system) for constant in problem.constants},
        None if settings.lr is None else system.constant(settings.lr),
        watch,
    )


def numbers(quantity: Quantity, system: NumberSystem) -> Array:
    """The values of a quantity in its shape, each as the system holds it."""
    found = [system.constant(value) for value in quantity.values]
    return np.stack(found).reshape(quantity.shape)
