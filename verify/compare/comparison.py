"""The record against the hand calculation: every number of every step, with its bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from derive.algebra.expression import Axes, Axis
from derive.graph.node import SIZE, Node
from derive.problem.loading import Problem
from derive.run.batches import Batch
from derive.run.run import Run
from verify.bound.bound import AtState, Bound
from verify.bound.kinks import standing
from verify.compare.carried_over import Carried, as_by_hand, gathered, starts, taken
from verify.compare.carried_over import judged as judged_rates
from verify.compare.check import Check, Numbers
from verify.compare.faults import Drawn, batch_faults, data_faults, row_faults
from verify.compare.sides import notes_on_sides
from verify.hand.rates import RATES_DTYPE
from verify.hand.run import HandRun, HandStep
from verify.names import Name, adjoint_of, clipped, parameter_of, quantity, updated
from verify.numbers import FORMATS, Array, Floats
from verify.record import Record, StepRecord

Place = tuple[int, ...]  # of an entry in its array
_GROUPS = Axis("g")  # what changes from step to step has an entry for each group of parameters, where there are several
Replay = Callable[[Sequence[StepRecord]], tuple[StepRecord, ...]]  # the same steps again, in float64


@dataclass(frozen=True)
class StepComparison:
    """The numbers of one step, in the order in which they are compared; `hand` is the same step by hand."""

    batch: Batch
    numbers: Mapping[Name, Numbers]
    hand: HandStep | None = None

    def by_hand(self, loss: str) -> Mapping[Name, Array]:
        """The numbers of the hand calculation, in the form of `entries`; none after it has ended."""
        return entries(self.hand, loss) if self.hand else {}

    @property
    def agrees(self) -> bool:
        """Whether every number of the step is right."""
        return all(bool(numbers.agrees.all()) for numbers in self.numbers.values())

    @property
    def disagrees(self) -> bool:
        """Whether any number of the step is wrong."""
        return any(bool(numbers.disagrees.any()) for numbers in self.numbers.values())


@dataclass(frozen=True)
class Comparison:
    """All steps of a run in order, and in sentences what is wrong with the batches and which steps stand on a kink."""

    nodes: Mapping[str, Node]
    loss: str
    dtype: str
    steps: tuple[StepComparison, ...]
    batch_faults: tuple[str, ...] = ()
    kink_notes: tuple[str, ...] = ()
    prediction: StepComparison | None = None
    by_hand_alone: bool = False  # the updates are those by hand, and not compared

    @property
    def judged(self) -> tuple[StepComparison, ...]:
        """All steps, and the prediction after them, if any."""
        return (*self.steps, *([] if self.prediction is None else [self.prediction]))

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """One `Check` for each number of each step."""
        return tuple(check for step in self.steps for check in self._checks(step))

    @cached_property
    def predictions(self) -> tuple[Check, ...]:
        """One `Check` for each number of the prediction."""
        return () if self.prediction is None else tuple(self._checks(self.prediction))

    def _checks(self, step: StepComparison) -> Iterator[Check]:
        """Every number of one step."""
        by_hand = step.by_hand(self.loss)
        for name, numbers in step.numbers.items():
            for place in np.ndindex(numbers.autograd.shape):
                yield self._check(numbers, step.batch, name, place, by_hand.get(name))

    def check(self, step: StepComparison, name: Name, place: Place) -> Check:
        """The check of the entry at `place`, counted from 0 along each axis, of a quantity in one step."""
        return self._check(step.numbers[name], step.batch, name, place, step.by_hand(self.loss).get(name))

    def called(self, step: StepComparison, name: Name, place: Place) -> str:
        """The name of that entry, as its check has it: `dl/dw`, `d[4]`."""
        index, called = self._index(step.batch, name, place), quantity(name, self.loss, self.nodes)
        return f"{called}[{index}]" if index else called

    def _index(self, batch: Batch, name: Name, place: Place) -> str:
        return _index(place, (_GROUPS,) if name[0] == "rates" else self._node(name[1]).axes, batch)

    def _node(self, name: str) -> Node:
        """The node of a name; of the parameter, for an optimizer's state."""
        return self.nodes.get(name) or self.nodes[parameter_of(name)]

    def _check(self, numbers: Numbers, batch: Batch, name: Name, place: Place, by_hand: Array | None) -> Check:
        distance, replay = numbers.distance, numbers.replay
        rests_on_replay = replay is not None and bool(numbers.replayed[place])
        autograd = float(numbers.autograd[place])
        return Check(
            batch,
            quantity(name, self.loss, self.nodes),
            self._index(batch, name, place),
            None if by_hand is None else by_hand.item(place),
            autograd,
            float(distance.expected[place]),
            float(distance.error[place]) if numbers.decided[place] else math.nan,
            float(distance.bound[place]),
            True if numbers.agrees[place] else False if numbers.disagrees[place] else None,
            float(FORMATS[RATES_DTYPE if name[0] == "rates" else self.dtype].ulp(numbers.autograd[place])),
            math.nan if numbers.terms is None else float(numbers.terms[place]),
            float(numbers.caught[place]),
            float(distance.reach[place]),
            self._check(replay, batch, name, place, None) if replay is not None and rests_on_replay else None,
        )


def compare(
    run: Run,
    hand: HandRun,
    record: Record,
    bound: Bound,
    replay: Replay | None = None,
    before: StepRecord | None = None,
    expected: Sequence[Batch] | None = None,
    drawn: Drawn | None = None,
) -> Comparison:
    """Compares each recorded number with its bound at PyTorch's own state, and data and batches with the expected ones.

    Steps whose bound is too wide in their dtype are judged by `replay`, where it is given. With
    `settings.first`, the comparison ends with the first step that disagrees. Of a piece of a run, `before` is the
    last step of the piece before it, and `expected` are the batches it should take; `drawn` gives the orders of a seed.
    """
    problem, settings = run.watched, run.settings
    of_data = () if before is not None else data_faults(problem, record, bound)
    faults = (*of_data, *row_faults(record), *batch_faults(settings, record, expected, drawn))
    record = _with_their_rows(record)
    kept = {
        "before": starts(problem, settings, record, bound, before),
        "accumulated": gathered(record, before, bound if settings.by_hand_alone else None),
        "rates": judged_rates(settings, record, before),
    }
    if settings.by_hand_alone:
        kept |= {group: as_by_hand(group, hand, record) for group in ("clipped", "rates")}
        kept["after"] = taken(hand, record, bound)
    found, notes = _judged(problem, kept, record, bound)
    wide = [step for step in record.steps if _is_wide(found[step.batch.step])]
    if wide and replay is not None and settings.dtype != "float64":
        again = _judged_again(problem.graph.loss, bound, replay(wide))
        for number, numbers in again.items():
            found[number].update({name: replace(found[number][name], replay=new) for name, new in numbers.items()})
    by_hand = {step.batch.step: step for step in hand.steps}
    steps = [StepComparison(s.batch, found[s.batch.step], _same_size(s, by_hand)) for s in record.steps]
    if settings.first:
        steps = steps[: next((k for k, step in enumerate(steps, start=1) if step.disagrees), len(steps))]
    nodes = {node.name: node for node in problem.graph.nodes}
    return Comparison(
        nodes,
        problem.graph.loss,
        settings.dtype,
        tuple(steps),
        faults,
        (*notes, *(() if all(step.finite for step in record.steps) else problem.singular)),
        by_hand_alone=settings.by_hand_alone,
    )


def _same_size(step: StepRecord, by_hand: Mapping[int, HandStep]) -> HandStep | None:
    """The same step by hand; None where it has another number of samples, whose numbers do not stand beside it."""
    found = by_hand.get(step.batch.step)
    return found if found is not None and found.batch.n == step.batch.n else None


def _with_their_rows(record: Record) -> Record:
    """The record with the rows of the data where a batch does not have them: nothing was calculated there.

    For a batch without any row the first of the data stands in, as it counts as one sample.
    """
    steps = []
    for step in record.steps:
        rows = {name: held[list(step.batch.indices or (0,))] for name, held in record.data.items()}
        steps.append(step if step.fits else replace(step, data=rows))
    return replace(record, steps=tuple(steps))


def _judged(
    problem: Problem, kept: Mapping[str, Carried], record: Record, bound: Bound
) -> tuple[dict[int, dict[Name, Numbers]], list[str]]:
    """The numbers of every step, by the number of the step; and which entries stand on a kink.

    `kept` are the groups of numbers that PyTorch does not calculate in a step.
    """
    notes: list[tuple[int, str]] = []
    found: dict[int, dict[Name, Numbers]] = {step.batch.step: {} for step in record.steps}
    for at_state in bound.states(record.steps):
        for name in entries(at_state.steps[0], problem.graph.loss):
            own = kept.get(name[0])
            numbers = None if own is not None else numbers_of(at_state, bound, *name)
            for place, step in enumerate(at_state.steps):
                number = step.batch.step
                if own is not None:
                    found[number][name] = own[number][name[1]]
                elif numbers is not None:
                    found[number][name] = numbers.of_step(place)
                    called = quantity(name, problem.graph.loss, problem.graph.by_name)
                    notes.extend(_without_value(step.batch, called, found[number][name]))
        notes.extend(_kink_notes(bound, at_state))
        notes.extend(notes_on_sides(bound, at_state, problem.graph.loss))
    return found, [note for _, note in sorted(notes, key=lambda numbered: numbered[0])]


def _is_wide(found: Mapping[Name, Numbers]) -> bool:
    """Whether a step has a bound that is too wide, of a number that a replay of its forward and backward pass gives."""
    return any(bool(numbers.wide.any()) for (group, _), numbers in found.items() if group != "after")


def _judged_again(loss: str, bound: Bound, steps: tuple[StepRecord, ...]) -> dict[int, dict[Name, Numbers]]:
    """The loss and the gradients of steps that were repeated in float64; with --nodes every line and adjoint."""
    assert bound.finer is not None  # it is that of a run
    finer = bound.finer()
    found: dict[int, dict[Name, Numbers]] = {step.batch.step: {} for step in steps}
    for at_state in finer.states(steps):
        for name in entries(at_state.steps[0], loss):
            if name[0] in ("before", "accumulated", "after"):
                continue
            numbers = numbers_of(at_state, finer, *name)
            for place, step in enumerate(at_state.steps):
                found[step.batch.step][name] = numbers.of_step(place)
    return found


def numbers_of(at_state: AtState, bound: Bound, group: str, name: str) -> Numbers:
    """The numbers of the quantity `name` of a group; the first dimension of each array is that of the steps."""
    floats = np.stack([_entry(step, group, name) for step in at_state.steps])
    named = {"after": updated, "adjoints": adjoint_of, "gradients": adjoint_of, "clipped": clipped}
    target = named[group](name) if group in named else name
    found, terms = _spread(at_state.rounded[target], floats), None
    if group == "after":  # a parameter and what is taken from it
        before = np.stack([step.before[name] for step in at_state.steps])
        terms = np.abs(before) + np.abs(floats - before)
    elif target in at_state.terms:
        terms = np.broadcast_to(_spread(at_state.terms[target], floats), floats.shape)
    exact = at_state.exact.get(target)
    return Numbers(floats, bound.distance(floats, found, None if exact is None else _spread(exact, floats)), terms)


def _entry(step: StepRecord, group: str, name: str) -> Floats:
    """One array of the groups of `entries`."""
    found: Floats = step.loss if group == "loss" else getattr(step, group)[name]
    return found


def _spread(array: Array, like: Array) -> Array:
    """An array that is the same in every step, with a dimension for the steps."""
    return array if array.ndim == like.ndim else array[np.newaxis]


def _kink_notes(bound: Bound, at_state: AtState) -> Iterator[tuple[int, str]]:
    """For each entry on a kink, or on a side that rounding leaves open, the number of its step and a sentence."""
    for kink in bound.kinks:
        values = at_state.rounded[kink.name]
        shape = values.shape[values.ndim - len(kink.axes) - kink.shared :]
        values = np.broadcast_to(values, (len(at_state.steps), *shape))
        for (step, *place), exactly_there in standing(kink, values, bound.system):
            batch = at_state.steps[step].batch
            index = _index(tuple(place), kink.axes, batch)
            where = f"{batch}{f', entry {index}' if index else ''}: {kink.op} in {kink.line}"
            if exactly_there:
                yield batch.step, f"{where} stands on its kink; {kink.convention}"
            else:
                near = "is so near its kink that rounding leaves the side open"
                yield batch.step, f"{where} {near}: both derivatives are allowed"


def _without_value(batch: Batch, name: str, numbers: Numbers) -> Iterator[tuple[int, str]]:
    """A sentence where the equations as written have no value, though correct evaluation in PyTorch's form has one."""
    if bool((numbers.distance.alone & np.isfinite(numbers.distance.bound)).any()):
        yield batch.step, f"{batch}: as written {name} has no value there; PyTorch's form of it decides alone"


def _index(place: Place, axes: Axes, batch: Batch) -> str:
    """The index of an entry, counted from 0; along the samples it is the row of the data."""
    rows = batch.indices or (0,)  # of a batch without a row nothing was calculated
    numbers = [rows[k] if axis.size == SIZE else k for k, axis in zip(place, axes[: len(place)], strict=True)]
    return ",".join(map(str, numbers))


def entries(step: StepRecord | HandStep, loss: str) -> dict[Name, Array]:
    """The arrays of a step by group and name, in the order in which they are compared; each number once."""
    groups: Mapping[str, Mapping[str, Array]] = {
        "before": step.before,
        "nodes": {name: value for name, value in step.nodes.items() if name != loss},
        "loss": {loss: step.loss},
        "adjoints": {name: value for name, value in step.adjoints.items() if name != loss},
        "accumulated": step.accumulated,
        "gradients": step.gradients,
        "clipped": step.clipped,
        "rates": step.rates,
        "after": step.after,
    }
    return {(group, name): value for group, values in groups.items() for name, value in values.items()}
