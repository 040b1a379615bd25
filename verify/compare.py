"""The record against the hand calculation: one `Check` for each number of each step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from derive.expression import Axes
from derive.node import SIZE
from derive.operations import OPERATIONS
from derive.problem import Problem
from verify.batches import Batch, plan
from verify.bound import Bound, StateBalls, exactly
from verify.hand import HandRun, HandStep
from verify.kinks import standing
from verify.numbers import Array, Exactly, from_float, is_finite, objects, radius, to_float, to_fraction
from verify.record import Record, StepRecord
from verify.settings import Settings

# The midpoints of balls are themselves rounded, far below the dtype; what is smaller than this share
# of a bound is not an error of PyTorch's.
_OWN_ROUNDING = 2.0**-60


@dataclass(frozen=True)
class Check:
    """One number of PyTorch's beside the same number by hand.

    `hand` comes from the exact run from the initial values on, None after that run ends. `at_state`
    is the ball of everything correct evaluation can give at PyTorch's own state in this step.
    `expected` is the exact value there. `agrees` is None where the ball tells nothing.
    """

    batch: Batch
    quantity: str
    index: str
    hand: Exactly | None
    autograd: float
    at_state: arb
    agrees: bool | None
    ulp: float

    @property
    def name(self) -> str:
        """The quantity with its index: `dl/dw`, `d[4]`."""
        return f"{self.quantity}[{self.index}]" if self.index else self.quantity

    @property
    def hand_value(self) -> float:
        """The number by hand as a float64; NaN after the hand calculation has ended."""
        return math.nan if self.hand is None else to_float(self.hand)

    @property
    def hand_fraction(self) -> Fraction | None:
        """The number by hand as a fraction, where it is known as one."""
        return None if self.hand is None else to_fraction(self.hand)

    @property
    def difference(self) -> float:
        """Autograd minus hand: the drift of all steps so far."""
        if self.hand is None or not math.isfinite(self.autograd):
            return math.nan
        return to_float(from_float(self.autograd) - self.hand)

    @property
    def ulps(self) -> float:
        """The difference in units in the last place of the dtype, at the number by hand."""
        return self.difference / self.ulp

    @property
    def expected(self) -> float:
        """The exact value at PyTorch's own state, as a float64."""
        return to_float(self.at_state)

    @property
    def step_error(self) -> float:
        """Autograd minus the exact value at PyTorch's own state: the rounding of this step alone."""
        if not math.isfinite(self.autograd) or not is_finite(self.at_state):
            return math.nan
        error = to_float(from_float(self.autograd) - self.at_state)
        return 0.0 if abs(error) < self.bound * _OWN_ROUNDING else error

    @property
    def bound(self) -> float:
        """The largest step error that correct evaluation can have."""
        return radius(self.at_state) if is_finite(self.at_state) else math.inf


@dataclass(frozen=True)
class Comparison:
    """All checks of a run in order, and in sentences what is wrong with the batches and which steps stand on a kink."""

    checks: tuple[Check, ...]
    batch_faults: tuple[str, ...]
    kink_notes: tuple[str, ...] = ()


def compare(problem: Problem, settings: Settings, hand: HandRun, record: Record, bound: Bound) -> Comparison:
    """Checks every recorded number at PyTorch's own state, and the order of the batches."""
    faults = (*_data_faults(problem, record, bound), *_batch_faults(settings, record))
    checks: list[Check] = []
    notes: list[str] = []
    for step, before, by_hand in _aligned(hand, record):
        balls = bound.step(step)
        checks.extend(_step_checks(problem, bound, balls, step, before, by_hand))
        notes.extend(_kink_notes(bound, balls, step.batch))
    return Comparison(tuple(checks), faults, tuple(notes))


def _kink_notes(bound: Bound, balls: StateBalls, batch: Batch) -> Iterator[str]:
    """A sentence for each entry of the step that stands on a kink, or on a side that rounding leaves open."""
    for kink in bound.kinks:
        for place, exactly_there in standing(kink, balls.values[kink.name]):
            index = _index(place, kink.axes, batch)
            where = f"{batch}{f', entry {index}' if index else ''}: {kink.op} in {kink.line}"
            if exactly_there:
                yield f"{where} stands on its kink; {OPERATIONS[kink.op].kink}, as in PyTorch"
            else:
                yield f"{where} is so near its kink that rounding leaves the side open; both derivatives are allowed for"


def _aligned(hand: HandRun, record: Record) -> Iterator[tuple[StepRecord, StepRecord | None, HandStep | None]]:
    """Each recorded step with the one before it and the same step by hand."""
    before: StepRecord | None = None
    for number, step in enumerate(record.steps):
        yield step, before, hand.steps[number] if number < len(hand.steps) else None
        before = step


@dataclass(frozen=True)
class _Column:
    """One quantity of one step on both sides, with the balls at PyTorch's own state."""

    quantity: str
    hand: Array | None
    autograd: NDArray[Any]
    at_state: Array
    axes: Axes = ()


def _step_checks(
    problem: Problem, bound: Bound, balls: StateBalls, record: StepRecord, before: StepRecord | None, hand: HandStep | None
) -> Iterator[Check]:
    """The checks of one step, entry by entry."""
    for column in _columns(problem, bound, balls, record, before, hand):
        for place in np.ndindex(column.autograd.shape):
            index = _index(place, column.axes, record.batch)
            by_hand: Exactly | None = None if column.hand is None else column.hand.item(place)
            value, ball = float(column.autograd[place]), column.at_state.item(place)
            yield _check(record.batch, column.quantity, index, by_hand, value, ball, bound.system.format.name)


def _columns(
    problem: Problem, bound: Bound, balls: StateBalls, record: StepRecord, before: StepRecord | None, hand: HandStep | None
) -> Iterator[_Column]:
    """The quantities of one step: parameters before, lines, loss, adjoints, gradients, parameters after."""
    loss = problem.graph.loss
    axes = {node.name: node.axes for node in problem.graph.nodes}
    for name, value in record.before.items():
        start = _start(problem, name, bound, before)
        yield _Column(f"{name}_before", hand.before[name] if hand else None, value, start, axes[name])
    for name, value in record.nodes.items():
        if name != loss:
            yield _Column(name, hand.nodes[name] if hand else None, value, balls.values[name], axes[name])
    yield _Column(loss, hand.loss if hand else None, record.loss, balls.values[loss])
    for name, value in record.adjoints.items():
        if name != loss:
            yield _Column(f"d{loss}/d{name}", hand.adjoints[name] if hand else None, value, bound.gradient(balls, name), axes[name])
    for name, value in record.gradients.items():
        yield _Column(f"d{loss}/d{name}", hand.gradients[name] if hand else None, value, bound.gradient(balls, name), axes[name])
    for name, value in record.after.items():
        yield _Column(name, hand.after[name] if hand else None, value, balls.after[name], axes[name])


def _index(place: tuple[int, ...], axes: Axes, batch: Batch) -> str:
    """The index of an entry, counted from 0; along the samples it is the row of the data."""
    numbers = [batch.indices[k] if axis.size == SIZE else k for k, axis in zip(place, axes, strict=True)]
    return ",".join(map(str, numbers))


def _start(problem: Problem, name: str, bound: Bound, before: StepRecord | None) -> Array:
    """What a parameter may be when a step begins: as the step before left it, or its rounded initial value."""
    if before is not None:
        return exactly(before.after[name])
    quantity = next(p for p in problem.parameters if p.name == name)
    return objects([bound.initial(value) for value in quantity.values], quantity.shape)


def _check(
    batch: Batch, quantity: str, index: str, hand: Exactly | None, autograd: float, at_state: Exactly, dtype: str
) -> Check:
    ball = at_state if isinstance(at_state, arb) else arb(at_state)
    agrees = _agrees(autograd, ball)
    size = max(abs(autograd), abs(to_float(hand)) if hand is not None else 0.0)
    return Check(batch, quantity, index, hand, autograd, ball, agrees, _ulp(size, dtype))


def _agrees(autograd: float, ball: arb) -> bool | None:
    """Whether the number is one that correct evaluation can give; None where anything would be."""
    if not is_finite(ball) or not math.isfinite(autograd):
        return None
    return bool(ball.contains(arb(from_float(autograd))))


def _ulp(size: float, dtype: str) -> float:
    """One unit in the last place of the dtype at `size`."""
    if not math.isfinite(size):
        return math.nan
    return float(np.spacing(np.float32(size))) if dtype == "float32" else float(np.spacing(size))


def _data_faults(problem: Problem, record: Record, bound: Bound) -> Iterator[str]:
    """The data PyTorch holds are the problem's, each rounded once."""
    for column in problem.data:
        held_values = record.data[column.name]
        for place, value, held in zip(np.ndindex(column.shape), column.values, np.ravel(held_values), strict=True):
            if not bound.initial(value).contains(arb(from_float(float(held)))):
                yield f"{column.name}[{','.join(map(str, place))}] is {float(value):.9g} in the problem, but PyTorch holds {float(held):.9g}"


def _batch_faults(settings: Settings, record: Record) -> Iterator[str]:
    """Each batch has the rows its place in the run says; shuffled, each epoch uses each row once."""
    taken = [step.batch for step in record.steps]
    expected = list(plan(settings, orders(taken) if settings.shuffle else None))
    for found, wanted in zip(taken, expected, strict=False):
        if found != wanted:
            yield f"{found}: PyTorch took the samples {_list(found.indices)}; expected {_list(wanted.indices)}"
    for order in orders(taken) if settings.shuffle else ():
        complete = len(order) == settings.samples
        if len(set(order)) != len(order) or (complete and set(order) != set(range(settings.samples))):
            yield f"an epoch does not use each sample once: it took {_list(order)}"


def orders(taken: Iterable[Batch]) -> list[tuple[int, ...]]:
    """The rows of each epoch in the order in which they were taken."""
    epochs: dict[int, list[int]] = {}
    for batch in taken:
        epochs.setdefault(batch.epoch, []).extend(batch.indices)
    return [tuple(rows) for rows in epochs.values()]


def _list(indices: tuple[int, ...]) -> str:
    shown = ", ".join(str(index) for index in indices[:12])
    return shown + (", …" if len(indices) > 12 else "")
