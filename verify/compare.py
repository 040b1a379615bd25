"""The record against the hand calculation: one `Check` for each number of each step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb

from derive.expression import Axes
from derive.node import SIZE
from derive.problem import Problem
from verify.batches import Batch, plan
from verify.bound import AtState, Bound, exactly
from verify.hand import HandRun, HandStep
from verify.kinks import standing
from verify.numbers import (
    FORMATS,
    Array,
    Exactly,
    as_ball,
    from_float,
    is_finite,
    objects,
    radius,
    to_float,
    to_fraction,
)
from verify.record import Record, StepRecord
from verify.settings import Settings

# The midpoints of balls are themselves rounded, far below the dtype; what is smaller than this share
# of a bound is not an error of PyTorch's.
_OWN_ROUNDING = 2.0**-60


@dataclass(frozen=True)
class Check:
    """One number of PyTorch's beside the same number by hand.

    `hand` comes from the exact run from the initial values on, None after that run ends. `exact` is
    the derivation's value at PyTorch's own state in this step, None where it has none. `at_state` is
    the ball of everything correct evaluation can give there: both must lie in it. `agrees` is None
    where the ball tells nothing.
    """

    batch: Batch
    quantity: str
    index: str
    hand: Exactly | None
    autograd: float
    exact: Exactly | None
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
        return to_float(self._expected)

    @property
    def _expected(self) -> Exactly:
        return self.exact if self.exact is not None and is_finite(self.exact) else self.at_state

    @property
    def step_error(self) -> float:
        """Autograd minus the exact value at PyTorch's own state: the rounding of this step alone."""
        if not math.isfinite(self.autograd) or not is_finite(self.at_state):
            return math.nan
        error = to_float(from_float(self.autograd) - self._expected)
        return 0.0 if abs(error) < self.bound * _OWN_ROUNDING else error

    @property
    def bound(self) -> float:
        """The largest step error that correct evaluation can have."""
        if not is_finite(self.at_state):
            return math.inf
        expected = as_ball(self._expected)
        aside = to_float(abs(expected - self.at_state.mid())) if self.at_state.overlaps(expected) else 0.0
        return radius(self.at_state) + aside


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
        at_state = bound.step(step)
        checks.extend(_step_checks(problem, bound, at_state, step, before, by_hand))
        notes.extend(_kink_notes(bound, at_state, step.batch))
    return Comparison(tuple(checks), faults, tuple(notes))


def _kink_notes(bound: Bound, at_state: AtState, batch: Batch) -> Iterator[str]:
    """A sentence for each entry of the step that stands on a kink, or on a side that rounding leaves open."""
    for kink in bound.kinks:
        for place, exactly_there in standing(kink, at_state.values[kink.name]):
            index = _index(place, kink.axes, batch)
            where = f"{batch}{f', entry {index}' if index else ''}: {kink.op} in {kink.line}"
            if exactly_there:
                yield f"{where} stands on its kink; {kink.convention}, as in PyTorch"
            else:
                yield f"{where} is so near its kink that rounding leaves the side open: both derivatives are allowed"


def _index(place: tuple[int, ...], axes: Axes, batch: Batch) -> str:
    """The index of an entry, counted from 0; along the samples it is the row of the data."""
    numbers = [batch.indices[k] if axis.size == SIZE else k for k, axis in zip(place, axes, strict=True)]
    return ",".join(map(str, numbers))


def _aligned(hand: HandRun, record: Record) -> Iterator[tuple[StepRecord, StepRecord | None, HandStep | None]]:
    """Each recorded step with the one before it and the same step by hand."""
    before: StepRecord | None = None
    for number, step in enumerate(record.steps):
        yield step, before, hand.steps[number] if number < len(hand.steps) else None
        before = step


def _step_checks(
    problem: Problem,
    bound: Bound,
    at_state: AtState,
    record: StepRecord,
    before: StepRecord | None,
    hand: HandStep | None,
) -> Iterator[Check]:
    """The checks of one step, entry by entry: parameters before, lines, loss, adjoints, gradients, parameters after."""
    loss = problem.graph.loss
    axes = {node.name: node.axes for node in problem.graph.nodes}
    by_hand = _entries(hand, loss) if hand else {}
    exact = _entries(at_state.exact, loss) if at_state.exact else {}
    for (group, name), values in _entries(record, loss).items():
        if group == "before":
            balls, exactly_there = _start(problem, name, bound, before), None
        else:
            balls, exactly_there = at_state.balls(group, name), exact.get((group, name))
        quantity, by_hand_here = _quantity(group, name, loss), by_hand.get((group, name))
        for place in np.ndindex(values.shape):
            index = _index(place, axes[name], record.batch)
            numbers = (_item(by_hand_here, place), float(values[place]), _item(exactly_there, place))
            yield _check(record.batch, quantity, index, *numbers, balls.item(place), bound.system.format.name)


def _item(array: Array | None, place: tuple[int, ...]) -> Exactly | None:
    entry: Exactly | None = None if array is None else array.item(place)
    return entry


def _entries(step: StepRecord | HandStep, loss: str) -> dict[tuple[str, str], Array]:
    """The numbers of a step by group and name, in the order in which they are compared; each once."""
    groups: Mapping[str, Mapping[str, Array]] = {
        "before": step.before,
        "nodes": {name: value for name, value in step.nodes.items() if name != loss},
        "loss": {loss: step.loss},
        "adjoints": {name: value for name, value in step.adjoints.items() if name != loss},
        "gradients": step.gradients,
        "after": step.after,
    }
    return {(group, name): value for group, values in groups.items() for name, value in values.items()}


def _quantity(group: str, name: str, loss: str) -> str:
    """What the numbers are called in tables."""
    labels = {"before": f"{name}_before", "adjoints": f"d{loss}/d{name}", "gradients": f"d{loss}/d{name}"}
    return labels.get(group, name)


def _start(problem: Problem, name: str, bound: Bound, before: StepRecord | None) -> Array:
    """What a parameter may be when a step begins: as the step before left it, or its rounded initial value."""
    if before is not None:
        return exactly(before.after[name])
    quantity = next(p for p in problem.parameters if p.name == name)
    return objects([bound.initial(value) for value in quantity.values], quantity.shape)


def _check(
    batch: Batch,
    quantity: str,
    index: str,
    hand: Exactly | None,
    autograd: float,
    exact: Exactly | None,
    at_state: Exactly,
    dtype: str,
) -> Check:
    ball = as_ball(at_state)
    agrees = _agrees(autograd, exact, ball)
    size = max(abs(autograd), abs(to_float(hand)) if hand is not None else 0.0)
    return Check(batch, quantity, index, hand, autograd, exact, ball, agrees, _ulp(size, dtype))


def _agrees(autograd: float, exact: Exactly | None, ball: arb) -> bool | None:
    """Whether both sides' numbers are among those of correct evaluation; None where anything would be."""
    if not is_finite(ball) or not math.isfinite(autograd):
        return None
    by_hand = exact is None or not is_finite(exact) or ball.overlaps(as_ball(exact))
    return bool(by_hand and ball.contains(arb(from_float(autograd))))


def _ulp(size: float, dtype: str) -> float:
    """One unit in the last place of the dtype at `size`."""
    if not size <= FORMATS[dtype].largest:
        return math.nan
    return float(np.spacing(np.float32(size))) if dtype == "float32" else float(np.spacing(size))


def _data_faults(problem: Problem, record: Record, bound: Bound) -> Iterator[str]:
    """The data PyTorch holds are the problem's, each rounded once."""
    for column in problem.data:
        held_values = record.data[column.name]
        for place, value, held in zip(np.ndindex(column.shape), column.values, np.ravel(held_values), strict=True):
            if not bound.initial(value).contains(arb(from_float(float(held)))):
                entry = f"{column.name}[{','.join(map(str, place))}]"
                yield f"{entry} is {float(value):.9g} in the problem, but PyTorch holds {float(held):.9g}"


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
