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
from derive.run.settings import Settings
from verify.bound.bound import AtState, Bound
from verify.bound.kinks import standing
from verify.compare.carried_over import Carried, as_by_hand, gathered, starts, taken
from verify.compare.carried_over import judged as judged_rates
from verify.compare.check import Check, Numbers
from verify.compare.compared import Compared, ComparedBlock, StepComparison, entries
from verify.compare.faults import Drawn, batch_faults, data_faults, row_faults
from verify.compare.sides import notes_on_sides
from verify.hand.rates import RATES_DTYPE
from verify.hand.run import HandRun
from verify.names import Name, adjoint_of, clipped, parameter_of, quantity, updated
from verify.numbers import FORMATS, Array, Truth
from verify.record import Block, Record, StepRecord, Steps, Values, any_entry, side_by_side

Place = tuple[int, ...]  # of an entry in its array
_GROUPS = Axis("g")  # what changes from step to step has an entry for each group of parameters, where there are several
Replay = Callable[[Block], Block]  # the same steps again, in float64


@dataclass(frozen=True)
class Comparison:
    """All steps of a run in order, and in sentences what is wrong with the batches and which steps stand on a kink."""

    nodes: Mapping[str, Node]
    loss: str
    dtype: str
    steps: Sequence[StepComparison]
    batch_faults: tuple[str, ...] = ()
    kink_notes: tuple[str, ...] = ()
    prediction: StepComparison | None = None
    by_hand_alone: bool = False  # the updates are those by hand, and not compared
    sums: tuple[int, int] = (0, 0)  # how many sums of many terms a step has, and of how many the order is known

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

    Steps whose bound is too wide in their dtype are judged by `replay`, where it is given. With `settings.every` one
    step of so many is compared, beside those in which something is wrong that is known without: a step that does not
    begin where the one before has ended, or whose numbers are not finite. With `settings.first`, the comparison ends
    with the first step that disagrees. Of a piece of a run, `before` is the last step of the piece before it, and
    `expected` are the batches it should take; `drawn` gives the orders of a seed.
    """
    problem, settings = run.watched, run.settings
    of_data = () if before is not None else data_faults(problem, record, bound)
    steps = side_by_side(record.steps)
    faults = (*of_data, *row_faults(record.data, steps), *batch_faults(settings, steps.batches, expected, drawn))
    steps = _with_their_rows(record.data, steps)
    kept = {
        "before": starts(problem, settings, steps, bound, before),
        "accumulated": gathered(steps, before, bound if settings.by_hand_alone else None),
        "rates": judged_rates(settings, steps, before),
    }
    if settings.by_hand_alone:
        kept |= {group: as_by_hand(group, hand, steps) for group in ("clipped", "rates")}
        kept["after"] = taken(hand, steps, bound)
    if settings.every > 1:
        steps, kept = _some(_chosen(settings, steps, kept, record.goes_on), steps, kept)
    steps, kept = _split(bound, steps, kept)
    blocks, notes = _judged(problem, kept, steps, bound, None if settings.dtype == "float64" else replay)
    compared = Compared(blocks, steps.places, {step.batch.step: step for step in hand.steps})
    if settings.first:
        wrong = compared.each([block.disagrees for block in blocks])
        compared = compared[: int(np.argmax(wrong)) + 1] if wrong.any() else compared
    nodes = {node.name: node for node in problem.graph.nodes}
    return Comparison(
        nodes,
        problem.graph.loss,
        settings.dtype,
        compared,
        faults,
        (*notes, *(() if all(block.finite.all() for block in steps.blocks) else problem.singular)),
        by_hand_alone=settings.by_hand_alone,
        sums=(0, 0) if bound.orders is None else bound.orders.counted,
    )


def _chosen(settings: Settings, steps: Steps, kept: Mapping[str, Carried], goes_on: bool) -> Truth:
    """For each step, in the order of the run, whether it is compared.

    One of every so many is, the last of a run, those of `report`, and those of which it is known without that they are
    wrong.
    """
    apart = [
        ~block.finite | (not block.fits) | ~ComparedBlock(block.batches, _known(kept, number)).agrees
        for number, block in enumerate(steps.blocks)
    ]
    numbers = np.array([batch.step for batch in steps.batches], dtype=np.intp)
    found = np.asarray(steps.each(apart), dtype=np.bool_) | ((numbers - 1) % settings.every == 0)
    found[-1:] |= not goes_on
    return np.asarray(found | np.isin(numbers, settings.report))


def _known(kept: Mapping[str, Carried], block: int) -> dict[Name, Numbers]:
    """The numbers of a block that PyTorch does not calculate in a step."""
    return {(group, name): own for group, carried in kept.items() for name, own in carried[block].items()}


def _some(chosen: Truth, steps: Steps, kept: Mapping[str, Carried]) -> tuple[Steps, dict[str, Carried]]:
    """The steps that are chosen, and what is known of them."""
    found, parts = steps.some(chosen)
    known: dict[str, Carried] = {
        group: [{name: own.of_step(places) for name, own in carried[number].items()} for number, places in parts]
        for group, carried in kept.items()
    }
    return found, known


def _split(bound: Bound, steps: Steps, kept: Mapping[str, Carried]) -> tuple[Steps, dict[str, Carried]]:
    """The steps in blocks no larger than are calculated at once, and what is known of them."""
    known: dict[str, Carried] = {}
    for group, carried in kept.items():
        parts = [
            {name: own.of_step(slice(first, first + many)) for name, own in of_block.items()}
            for block, of_block in zip(steps.blocks, carried, strict=True)
            for many in [bound.together(block)]
            for first in range(0, len(block), many)
        ]
        known[group] = parts
    return steps.split(bound.together), known


def _with_their_rows(data: Values, steps: Steps) -> Steps:
    """The steps with the rows of the data where a batch does not have them: nothing was calculated there.

    For a batch without any row the first of the data stands in, as it counts as one sample.
    """

    def with_rows(block: Block) -> Block:
        rows = [list(batch.indices or (0,)) for batch in block.batches]
        return replace(block, data={name: held[rows] for name, held in data.items()})

    return Steps([block if block.fits else with_rows(block) for block in steps.blocks], steps.places)


def _judged(
    problem: Problem, kept: Mapping[str, Carried], steps: Steps, bound: Bound, replay: Replay | None
) -> tuple[list[ComparedBlock], list[str]]:
    """The numbers of every block, and which entries stand on a kink.

    `kept` are the groups of numbers that PyTorch does not calculate in a step. Steps whose bound is too wide are judged
    by `replay`, where it is given.
    """
    loss = problem.graph.loss
    notes: list[tuple[int, str]] = []
    found = []
    for number, block in enumerate(steps.blocks):
        at_state = bound.at(block)
        numbers = {
            (group, name): kept[group][number][name] if group in kept else numbers_of(at_state, bound, group, name)
            for group, name in entries(block, loss)
        }
        judged = ComparedBlock(block.batches, numbers)
        found.append(judged if replay is None else _judged_again(loss, bound, replay, at_state, judged))
        for name in numbers:
            if name[0] not in kept:
                called = quantity(name, loss, problem.graph.by_name)
                notes.extend(_without_value(block.batches, called, numbers[name]))
        notes.extend(_kink_notes(bound, at_state))
        notes.extend(notes_on_sides(bound, at_state, loss))
    return found, [note for _, note in sorted(notes, key=lambda numbered: numbered[0])]


def _judged_again(loss: str, bound: Bound, replay: Replay, once: AtState, judged: ComparedBlock) -> ComparedBlock:
    """The block with the steps whose bound is too wide repeated in float64, all but their updates."""
    places = np.flatnonzero(judged.wide)
    if not places.size:
        return judged
    assert bound.finer is not None  # it is that of a run
    finer, block = bound.finer(), once.block
    repeated = replay(block if len(places) == len(block) else block.of(places))
    at_state = finer.at(repeated, bound.beside(once, repeated, places))
    numbers = dict(judged.numbers)
    for name in entries(at_state.block, loss):
        if name[0] not in ("before", "accumulated", "after"):
            again = numbers_of(at_state, finer, *name)
            numbers[name] = replace(numbers[name], replay=again.spread(places, len(block)))
    return ComparedBlock(judged.batches, numbers)


def numbers_of(at_state: AtState, bound: Bound, group: str, name: str) -> Numbers:
    """The numbers of the quantity `name` of a group; the first dimension of each array is that of the steps."""
    floats = at_state.block.floats(group, name)
    named = {"after": updated, "adjoints": adjoint_of, "gradients": adjoint_of, "clipped": clipped}
    target = named[group](name) if group in named else name
    found, terms = _spread(at_state.rounded[target], floats), None
    if group == "after":  # a parameter and what is taken from it
        before = at_state.block.floats("before", name)
        terms = np.abs(before) + np.abs(floats - before)
    elif target in at_state.terms:
        terms = np.broadcast_to(_spread(at_state.terms[target], floats), floats.shape)
    exact = at_state.exact.get(target)
    return Numbers(floats, bound.distance(floats, found, None if exact is None else _spread(exact, floats)), terms)


def _spread(array: Array, like: Array) -> Array:
    """An array that is the same in every step, with a dimension for the steps."""
    return array if array.ndim == like.ndim else array[np.newaxis]


def _kink_notes(bound: Bound, at_state: AtState) -> Iterator[tuple[int, str]]:
    """For each entry on a kink, or on a side that rounding leaves open, the number of its step and a sentence."""
    batches = at_state.block.batches
    for kink in bound.kinks:
        values = at_state.rounded[kink.name]
        shape = values.shape[values.ndim - len(kink.axes) - kink.shared :]
        values = np.broadcast_to(values, (len(batches), *shape))
        for (step, *place), exactly_there in standing(kink, values, bound.system):
            batch = batches[step]
            index = _index(tuple(place), kink.axes, batch)
            where = f"{batch}{f', entry {index}' if index else ''}: {kink.op} in {kink.line}"
            if exactly_there:
                yield batch.step, f"{where} stands on its kink; {kink.convention}"
            else:
                near = "is so near its kink that rounding leaves the side open"
                yield batch.step, f"{where} {near}: both derivatives are allowed"


def _without_value(batches: Sequence[Batch], name: str, numbers: Numbers) -> Iterator[tuple[int, str]]:
    """A sentence where the equations as written have no value, though correct evaluation in PyTorch's form has one."""
    lacking = numbers.distance.alone & np.isfinite(numbers.distance.bound)
    for step in np.flatnonzero(any_entry(lacking)):
        batch = batches[int(step)]
        yield batch.step, f"{batch}: as written {name} has no value there; PyTorch's form of it decides alone"


def _index(place: Place, axes: Axes, batch: Batch) -> str:
    """The index of an entry, counted from 0; along the samples it is the row of the data."""
    rows = batch.indices or (0,)  # of a batch without a row nothing was calculated
    numbers = [rows[k] if axis.size == SIZE else k for k, axis in zip(place, axes[: len(place)], strict=True)]
    return ",".join(map(str, numbers))
