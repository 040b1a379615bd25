"""The bound: what correct floating-point evaluation of one step can give, as balls.

The only place where agreement is decided. Every quantity is calculated at PyTorch's own state (its
parameters, its data, its gradients) with `Rounded` numbers on the elementary graph: the same
operations in the same order as autograd, each with its rounding error. No tolerance is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.chain import Derivation, differentiate
from derive.node import Frozen
from derive.optimizers import UPDATES
from derive.problem import Problem
from verify.elementary import elementary
from verify.frozen import applied
from verify.kinks import Kink, with_kinks
from verify.numbers import Array, Rounded, float_ball, objects, precision
from verify.program import Stage, adjoint_of, compile_backward, compile_forward, compile_rule, run
from verify.record import Record, StepRecord
from verify.settings import Settings

PRECISION = 192  # bits inside the balls: what they add themselves is 2⁻¹³⁹ of float64's own rounding


@dataclass(frozen=True)
class StateBalls:
    """The balls of one step, by quantity: lines, adjoints (`∂name`), and parameters after the update."""

    values: Mapping[str, Array]
    after: Mapping[str, Array]


@dataclass(frozen=True)
class Bound:
    """Everything that is compiled once for a run."""

    derivation: Derivation
    stages: tuple[Stage, ...]
    rule: tuple[Stage, ...]
    system: Rounded
    constants: Mapping[str, Array]
    lr: Array | None
    data: Mapping[str, Array]
    kinks: tuple[Kink, ...] = ()
    frozen: tuple[Frozen, ...] = ()

    def initial(self, value: Fraction) -> Any:
        """The ball of a number that is stored in the dtype."""
        return self.system.read(value)

    def step(self, record: StepRecord) -> StateBalls:
        """The balls of every line, adjoint and updated parameter at the state in which `record` began."""
        rows = list(record.batch.indices)
        values = {name: exactly(array) for name, array in record.before.items()}
        values.update(self.constants)
        values.update({name: column[rows] for name, column in self.data.items()})
        sizes = self.derivation.graph.of_kind("size")
        with precision(PRECISION):
            values.update({name: self.system.constant(Fraction(record.batch.n)) for name in sizes})
            run(self.stages, self.system, values, {"n": record.batch.n})
            after = {name: self._updated(name, record) for name in record.after}
        return StateBalls(values, after)

    def _updated(self, name: str, record: StepRecord) -> Array:
        assert self.lr is not None  # else nothing is updated
        before = exactly(record.before[name])
        own = {"p": before, "g": exactly(record.gradients[name]), "lr": self.lr}
        return applied(self.frozen, name, before, run(self.rule, self.system, own, {})["p"])

    def gradient(self, balls: StateBalls, name: str) -> Array:
        """The balls of ∂loss/∂`name`."""
        return balls.values[adjoint_of(name)]


def prepare(problem: Problem, derivation: Derivation, settings: Settings, record: Record) -> Bound:
    """The bound for a run of `problem`, at the data that `record` says PyTorch holds."""
    system = Rounded(settings.dtype)
    graph, kinks = with_kinks(derivation.graph)
    whole = differentiate(elementary(graph), derivation.wrt)
    with precision(PRECISION):
        return Bound(
            whole,
            (*compile_forward(whole), *compile_backward(whole)),
            compile_rule("p", UPDATES[settings.optimizer].expr),
            system,
            {c.name: objects([system.read(value) for value in c.values], c.shape) for c in problem.constants},
            None if settings.lr is None else objects([system.read(settings.lr)], ()),
            {name: exactly(array) for name, array in record.data.items()},
            kinks,
            derivation.graph.frozen,
        )


def exactly(array: NDArray[Any]) -> Array:
    """Floats as balls of radius 0; an infinity or NaN as a ball that tells nothing."""
    return objects([float_ball(float(value)) for value in np.ravel(array)], array.shape)
