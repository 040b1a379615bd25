"""The bound: what correct floating-point evaluation of one step can give, as balls.

Every quantity is calculated at PyTorch's own state (its parameters, its data, its gradients), and
twice: by the derivation as it is written, in exact numbers, and with `Rounded` numbers on the
elementary graph: the same operations in the same order as autograd, forward and backward, each with its
rounding error. No tolerance is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.chain import Derivation, differentiate
from derive.node import Frozen
from derive.optimizers import UPDATES
from derive.problem import Problem
from verify.backward import as_pytorch
from verify.elementary import elementary
from verify.frozen import applied
from verify.hand import HandStep, Inputs, inputs, step
from verify.kinks import Kink, ties, with_kinks
from verify.numbers import Array, CalculationError, Rounded, float_ball, from_float, objects, precision
from verify.powers import forward
from verify.program import Stage, adjoint_of, compile_backward, compile_forward, compile_rule, run
from verify.record import Record, StepRecord
from verify.settings import Settings

PRECISION = 192  # bits inside the balls: what they add themselves is 2⁻¹³⁹ of float64's own rounding


@dataclass(frozen=True)
class AtState:
    """One step at PyTorch's own state: the balls of lines, adjoints (`∂name`) and updated parameters.

    `exact` is the same step by hand, None where it has no value; its `after` follows from PyTorch's
    gradients.
    """

    values: Mapping[str, Array]
    after: Mapping[str, Array]
    exact: HandStep | None

    def balls(self, group: str, name: str) -> Array:
        """The balls of a name's value, of its "adjoints" or "gradients", or of it "after" the update."""
        if group == "after":
            return self.after[name]
        return self.values[adjoint_of(name) if group in ("adjoints", "gradients") else name]


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
    by_hand: Inputs
    kinks: tuple[Kink, ...] = ()
    frozen: tuple[Frozen, ...] = ()

    def initial(self, value: Fraction) -> Any:
        """The ball of a number that is stored in the dtype."""
        return self.system.read(value)

    def step(self, record: StepRecord) -> AtState:
        """Every line, adjoint and updated parameter at the state in which `record` began."""
        rows = list(record.batch.indices)
        values = {name: exactly(array) for name, array in record.before.items()}
        values.update(self.constants)
        values.update({name: column[rows] for name, column in self.data.items()})
        sizes = self.derivation.graph.of_kind("size")
        with precision(PRECISION):
            values.update({name: self.system.constant(Fraction(record.batch.n)) for name in sizes})
            run(self.stages, self.system, values, {"n": record.batch.n})
            after = {name: self._updated(name, record) for name in record.after}
            return AtState(values, after, self._exactly(record))

    def _exactly(self, record: StepRecord) -> HandStep | None:
        """The step by the derivation as it is written."""
        start = {name: _fractions(array) for name, array in record.before.items()}
        try:
            found = step(self.by_hand, start, record.batch, bool(record.nodes))
        except CalculationError:
            return None
        after = dict(found.after)
        for name in found.after:
            gradient = record.gradients[name]
            if np.isfinite(gradient).all():
                after[name] = self.by_hand.updated(name, start[name], _fractions(gradient))
        return replace(found, after=after)

    def _updated(self, name: str, record: StepRecord) -> Array:
        assert self.lr is not None  # else nothing is updated
        before = exactly(record.before[name])
        own = {"p": before, "g": exactly(record.gradients[name]), "lr": self.lr}
        return applied(self.frozen, name, before, run(self.rule, self.system, own, {})["p"])


def prepare(problem: Problem, derivation: Derivation, settings: Settings, record: Record) -> Bound:
    """The bound for a run of `problem`, at the data that `record` says PyTorch holds."""
    system = Rounded(settings.dtype)
    graph, kinks = with_kinks(derivation.graph)
    whole = differentiate(elementary(graph), derivation.wrt)
    with precision(PRECISION):
        return Bound(
            whole,
            (*compile_forward(forward(whole)), *compile_backward(whole, as_pytorch(whole))),
            compile_rule("p", UPDATES[settings.optimizer].expr),
            system,
            {c.name: objects([system.read(value) for value in c.values], c.shape) for c in problem.constants},
            None if settings.lr is None else objects([system.read(settings.lr)], ()),
            {name: exactly(array) for name, array in record.data.items()},
            replace(
                inputs(problem, derivation, settings),
                data={name: _fractions(array) for name, array in record.data.items()},
            ),
            (*kinks, *ties(whole)),
            derivation.graph.frozen,
        )


def _fractions(array: NDArray[Any]) -> Array:
    """Finite floats as fractions."""
    return objects([from_float(float(value)) for value in np.ravel(array)], array.shape)


def exactly(array: NDArray[Any]) -> Array:
    """Floats as balls of radius 0; an infinity or NaN as a ball that tells nothing."""
    return objects([float_ball(float(value)) for value in np.ravel(array)], array.shape)
