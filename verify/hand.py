"""The hand calculation: the derivation's own equations with exact numbers, from the initial values on.

It shares the problem and the batch order with PyTorch, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.chain import Derivation
from derive.optimizers import UPDATES
from derive.problem import Problem, Quantity
from verify.batches import Batch
from verify.frozen import applied
from verify.numbers import (
    Array,
    CalculationError,
    Exact,
    Exactly,
    from_fraction,
    is_finite,
    is_sharp,
    objects,
    precision,
)
from verify.program import Stage, adjoint_of, compile_backward, compile_forward, compile_rule, run
from verify.settings import Settings

PRECISIONS = (128, 512, 2048, 8192)  # bits inside balls, tried until every number is sharp

Exacts = Mapping[str, Array]  # arrays of exact numbers, one dimension for each axis of the name


@dataclass(frozen=True)
class HandStep:
    """One step calculated by hand; the same quantities as in a `StepRecord`. `after` is empty without an update."""

    batch: Batch
    before: Exacts
    loss: Array
    gradients: Exacts
    after: Exacts
    nodes: Exacts
    adjoints: Exacts

    def numbers(self) -> Iterator[Exactly]:
        """Every number that is reported of the step."""
        for group in (self.before, self.gradients, self.after, self.nodes, self.adjoints):
            for array in group.values():
                yield from array.flat
        yield from self.loss.flat


@dataclass(frozen=True)
class HandRun:
    """The steps, and the sentence that says why they end before the run does, if so."""

    steps: tuple[HandStep, ...]
    ended: str = ""


@dataclass(frozen=True)
class Inputs:
    """The program of a derivation and everything that is given: compiled once, run every step."""

    derivation: Derivation
    stages: tuple[Stage, ...]
    rule: tuple[Stage, ...]
    data: Exacts
    constants: Exacts
    lr: Array | None

    def step_values(self, parameters: Exacts, batch: Batch) -> dict[str, Array]:
        """The names that are given in one step: parameters, constants, the batch's rows, n."""
        rows = list(batch.indices)
        values: dict[str, Array] = {**self.constants, **parameters}
        values.update({name: column[rows] for name, column in self.data.items()})
        values.update({name: _exact_scalar(batch.n) for name in self.derivation.graph.of_kind("size")})
        return values

    def updated(self, name: str, parameter: Array, gradient: Array) -> Array:
        """The parameter `name` after its update, where it is not frozen."""
        assert self.lr is not None  # else nothing is updated
        moved = run(self.rule, Exact(), {"p": parameter, "g": gradient, "lr": self.lr}, {})["p"]
        return applied(self.derivation.graph.frozen, name, parameter, moved)


def exact_array(quantity: Quantity) -> Array:
    """A quantity as an array of exact numbers."""
    return objects([from_fraction(value) for value in quantity.values], quantity.shape)


def _exact_scalar(value: int | Fraction) -> Array:
    return objects([from_fraction(Fraction(value))], ())


def inputs(problem: Problem, derivation: Derivation, settings: Settings) -> Inputs:
    """The compiled program of `derivation` with the problem's data."""
    return Inputs(
        derivation,
        (*compile_forward(derivation), *compile_backward(derivation)),
        compile_rule("p", UPDATES[settings.optimizer].expr),
        {column.name: exact_array(column) for column in problem.data},
        {constant.name: exact_array(constant) for constant in problem.constants},
        None if settings.lr is None else _exact_scalar(settings.lr),
    )


def calculate(problem: Problem, derivation: Derivation, settings: Settings, batches: Iterable[Batch]) -> HandRun:
    """Every step by hand. Where balls get too wide to read, the run is repeated with more digits.

    A run that divides by zero, leaves a function's domain, or still is not sharp at the highest
    precision, ends there and says so.
    """
    batches = tuple(batches)
    prepared = inputs(problem, derivation, settings)
    start = {parameter.name: exact_array(parameter) for parameter in problem.parameters}
    found = HandRun(())
    for bits in PRECISIONS:
        with precision(bits):
            found = _run(prepared, start, batches, settings.nodes)
        if "digits" not in found.ended:
            return found
    return found


def _run(prepared: Inputs, start: Exacts, batches: tuple[Batch, ...], nodes: bool) -> HandRun:
    steps: list[HandStep] = []
    parameters = start
    for batch in batches:
        try:
            found = step(prepared, parameters, batch, nodes)
        except CalculationError as error:
            return HandRun(tuple(steps), f"at {batch} the hand calculation ends: {error}")
        numbers = list(found.numbers())
        if not all(is_sharp(number) for number in numbers):
            known = all(is_finite(number) for number in numbers)
            reason = f"its digits no longer suffice ({PRECISIONS[-1]} bits)" if known else _UNDEFINED
            return HandRun(tuple(steps), f"at {batch} the hand calculation ends: {reason}")
        steps.append(found)
        parameters = found.after
    return HandRun(tuple(steps))


_UNDEFINED = "a value is not defined, or its digits do not tell (a logarithm or root of a negative number?)"


def step(prepared: Inputs, parameters: Exacts, batch: Batch, nodes: bool) -> HandStep:
    """One step by hand from any `parameters`. Raises `CalculationError` where it has no value."""
    system, derivation = Exact(), prepared.derivation
    sizes = {"n": batch.n}
    values = run(prepared.stages, system, prepared.step_values(parameters, batch), sizes)
    gradients = {name: values[adjoint_of(name)] for name in parameters}
    after = {}
    if prepared.lr is not None:
        for name, value in parameters.items():
            after[name] = prepared.updated(name, value, gradients[name])
    lines = [node.name for node in derivation.graph.lines] if nodes else []
    return HandStep(
        batch,
        parameters,
        values[derivation.graph.loss],
        gradients,
        after,
        {name: values[name] for name in lines},
        {name: values[adjoint_of(name)] for name in lines if adjoint_of(name) in values},
    )
