"""The hand calculation: the derivation's own equations with exact numbers, from the initial values on.

It shares the problem and the batch order with PyTorch, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from derive.chain import Derivation
from derive.problem import Problem
from verify.batches import Batch
from verify.calculation import Calculation, beginnings, numbers, prepare
from verify.numbers import Array, CalculationError, Exact, Exactly, is_finite, is_sharp, precision
from verify.program import adjoint_of
from verify.rates import ByHand
from verify.settings import Settings

# Bits inside balls, tried until every number is sharp. Longer balls cost little, and a run that is repeated much.
PRECISIONS = (1024, 4096, 16384)

Exacts = Mapping[str, Array]  # arrays of exact numbers, one dimension for each axis of the name


@dataclass(frozen=True)
class HandStep:
    """One step calculated by hand; the same quantities as in a `StepRecord`. `after` is empty where nothing is trained.

    `before` and `after` hold the optimizer's state as well. `gradients` are sums with what was `accumulated`
    before, where the batch adds to it; `clipped` are those after clipping, and `rates` what changes from step to step.
    """

    batch: Batch
    before: Exacts
    loss: Array
    gradients: Exacts
    after: Exacts
    nodes: Exacts
    adjoints: Exacts
    accumulated: Exacts = field(default_factory=dict)
    clipped: Exacts = field(default_factory=dict)
    rates: Exacts = field(default_factory=dict)

    @property
    def left(self) -> Exacts:
        """What .grad holds after the step: clipping changes it in place."""
        return {**self.gradients, **self.clipped}

    def numbers(self) -> Iterator[Exactly]:
        """Every number that is reported of the step."""
        for group in (
            *(self.before, self.gradients, self.after, self.nodes, self.adjoints),
            *(self.clipped, self.rates),
        ):
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
    """The calculation of a derivation in exact numbers, and the data: compiled once, run every step."""

    calculation: Calculation
    data: Exacts
    rates: ByHand

    def rows(self, batch: Batch) -> Exacts:
        """The data of one batch."""
        return {name: column[list(batch.indices)] for name, column in self.data.items()}


def inputs(problem: Problem, derivation: Derivation, settings: Settings) -> Inputs:
    """The compiled program of `derivation` with the problem's data."""
    data = {column.name: numbers(column, Exact()) for column in problem.data}
    return Inputs(prepare(problem, derivation, settings, Exact()), data, ByHand(settings, Exact()))


def calculate(problem: Problem, derivation: Derivation, settings: Settings, batches: Iterable[Batch]) -> HandRun:
    """Every step by hand. Where balls get too wide to read, the run is repeated with more digits.

    A run that divides by zero, leaves a function's domain, or still is not sharp at the highest
    precision, ends there and says so; so does one of which no more than `settings.drift` steps are wanted.
    """
    batches = tuple(batches)
    wanted = batches if settings.drift is None else batches[: settings.drift]
    until = settings.until.name if settings.until is not None and settings.by_hand_alone else None
    beside = {*problem.reported, *(node.name for node in settings.watched)}
    lines = [node.name for node in problem.graph.lines if settings.nodes or node.name in beside]
    prepared = inputs(problem, derivation, settings)
    start = beginnings(problem, settings, Exact())
    found = HandRun(())
    for bits in PRECISIONS:
        with precision(bits):
            found = _run(prepared, start, wanted, lines, until)
        if "digits" not in found.ended:
            break
    if not found.ended and len(wanted) < len(batches):
        return HandRun(found.steps, _as_wanted(len(wanted)))
    return found


def _as_wanted(steps: int) -> str:
    if not steps:
        return "no step is calculated by hand from the initial values on (--drift 0)"
    counted = f"{steps} step{'s' if steps > 1 else ''}"
    return f"the hand calculation from the initial values on ends after {counted} (--drift {steps})"


def _run(
    prepared: Inputs, start: Exacts, batches: tuple[Batch, ...], lines: Sequence[str], until: str | None = None
) -> HandRun:
    """The steps one after the other; a run that PyTorch does not lead ends where the condition `until` holds."""
    steps: list[HandStep] = []
    held = start
    gathered: Exacts = {}
    for batch in batches:
        try:
            found = step(prepared, held, batch, lines, gathered)
        except CalculationError as error:
            return HandRun(tuple(steps), f"at {batch} the hand calculation ends: {error}")
        reported = list(found.numbers())
        if not all(is_sharp(number) for number in reported):
            known = all(is_finite(number) for number in reported)
            reason = f"its digits no longer suffice ({PRECISIONS[-1]} bits)" if known else _UNDEFINED
            return HandRun(tuple(steps), f"at {batch} the hand calculation ends: {reason}")
        steps.append(found)
        if until is not None and found.nodes[until].item() == 1:
            break
        held, gathered = found.after, found.left
    return HandRun(tuple(steps))


_UNDEFINED = "a value is not defined, or its digits do not tell (a logarithm or root of a negative number?)"


def step(
    prepared: Inputs, held: Exacts, batch: Batch, lines: Sequence[str], gathered: Exacts | None = None
) -> HandStep:
    """One step by hand from any parameters and state, with the numbers of `lines`.

    `gathered` are the gradients of the step before, to which this one adds where its batch says so.
    Raises `CalculationError` where it has no value.
    """
    calculation = prepared.calculation
    derivation = calculation.derivation
    rows = prepared.rows(batch)
    values = calculation.at({**held, **rows}, batch.n).results
    accumulated = (gathered or {}) if batch.adds else {}
    gradients = {name: values[adjoint_of(name)] for name in derivation.wrt}
    gradients |= {name: calculation.accumulated(so_far, gradients[name]) for name, so_far in accumulated.items()}
    clipped = calculation.clipped(gradients) if batch.updates else {}
    rates = prepared.rates.at(batch)
    after: dict[str, Array] = {}
    if calculation.update is not None:
        t = calculation.system.constant(Fraction(batch.t))
        after = calculation.advanced(held, gradients, t, rates) if batch.updates else dict(held)
    shown = {**held, **rows, **values, **calculation.followed(gradients), **after}
    values = {**values, **calculation.watched(shown, batch.n)}
    return HandStep(
        batch,
        held,
        values[derivation.graph.loss],
        gradients,
        after,
        {name: values[name] for name in lines},
        {name: values[adjoint_of(name)] for name in lines if adjoint_of(name) in values},
        accumulated,
        clipped,
        rates,
    )
