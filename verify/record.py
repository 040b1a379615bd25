"""What PyTorch did, step by step, as plain numbers: all that the comparison ever sees of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from derive.run.batches import Batch

Values = Mapping[str, NDArray[Any]]  # float64 arrays that hold the dtype's numbers exactly


@dataclass(frozen=True)
class StepRecord:
    """One step: parameters before, loss and gradients after backward, parameters after the update.

    `before` and `after` hold the optimizer's state as well, `w.v` beside `w`.

    `data` are the columns of the batch, as the DataLoader gave them. An array has one dimension for each
    axis of its name. `after` is empty without an update. `nodes` and `adjoints` hold the value of every
    line and the loss's gradient with respect to it; unless they are asked for, `nodes` has only the lines of
    [report] and what is watched. `accumulated` are the gradients that were there before backward and to which
    it added; empty where they were set to zero. `clipped` are the gradients after clipping, empty where nothing is
    clipped, and `rates` what the optimizer held that changes from step to step, such as lr: one number, or one for each
    group of parameters. Where the columns of the batch do not have as many rows as its indices, the step does not
    `fit`: nothing was calculated, its numbers are NaN, and the run ends with it.
    """

    batch: Batch
    before: Values
    loss: NDArray[Any]
    gradients: Values
    after: Values
    nodes: Values
    adjoints: Values
    data: Values
    accumulated: Values = field(default_factory=dict)
    clipped: Values = field(default_factory=dict)
    rates: Values = field(default_factory=dict)
    fits: bool = True

    @property
    def left(self) -> Values:
        """The gradients that .grad holds after the step: the clipped ones where clipping has changed it in place."""
        return {**self.gradients, **self.clipped}

    @property
    def finite(self) -> bool:
        """Whether the loss, the gradients, and the parameters and state after the step are all finite numbers."""
        arrays = (self.loss, *self.gradients.values(), *self.after.values())
        return all(bool(np.isfinite(array).all()) for array in arrays)


@dataclass(frozen=True)
class Block:
    """Steps of one kind side by side: they have as many samples, and do the same before and after their batch.

    The groups of numbers are those of a `StepRecord`; the first dimension of each array counts the steps. The arrays
    have a type that holds PyTorch's numbers exactly, float32 or float64.
    """

    batches: tuple[Batch, ...]
    before: Values
    loss: NDArray[Any]
    gradients: Values
    after: Values
    nodes: Values
    adjoints: Values
    data: Values
    accumulated: Values = field(default_factory=dict)
    clipped: Values = field(default_factory=dict)
    rates: Values = field(default_factory=dict)
    fits: bool = True

    def __len__(self) -> int:
        return len(self.batches)

    @property
    def n(self) -> int:
        """The number of samples of each batch; 1 without data."""
        return self.batches[0].n

    def group(self, name: str) -> Values:
        """One of the groups of arrays by its name."""
        found: Values = getattr(self, name)
        return found

    def floats(self, group: str, name: str) -> NDArray[np.float64]:
        """The numbers of one array, as float64; of the group "loss" the loss, whatever the name."""
        return np.asarray(self.loss if group == "loss" else self.group(group)[name], dtype=np.float64)

    def part(self, first: int, end: int) -> Block:
        """Some of the steps, counted from 0."""
        return self._at(slice(first, end), self.batches[first:end])

    def of(self, places: NDArray[np.intp]) -> Block:
        """Some of the steps by their places, counted from 0."""
        return self._at(places, tuple(self.batches[place] for place in places))

    def _at(self, places: slice | NDArray[np.intp], batches: tuple[Batch, ...]) -> Block:
        groups = {group: {name: held[places] for name, held in self.group(group).items()} for group in GROUPS}
        return Block(batches, loss=self.loss[places], fits=self.fits, **groups)

    @property
    def finite(self) -> NDArray[np.bool_]:
        """For each step, whether the loss, the gradients, and the parameters and state after it are finite numbers."""
        found: NDArray[np.bool_] = np.isfinite(self.loss)
        for held in (*self.gradients.values(), *self.after.values()):
            found = found & ~any_entry(~np.isfinite(held))
        return found

    def step(self, place: int) -> StepRecord:
        """One of the steps, counted from 0."""
        groups = {
            group: {name: np.array(held[place], dtype=np.float64) for name, held in self.group(group).items()}
            for group in GROUPS
        }
        loss = np.array(self.loss[place], dtype=np.float64)
        return StepRecord(self.batches[place], loss=loss, fits=self.fits, **groups)


GROUPS = tuple(own.name for own in fields(Block) if own.name not in ("batches", "loss", "fits"))


def any_entry(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each of the steps side by side, whether something is true of any entry."""
    return np.asarray(truth.reshape(len(truth), -1).any(axis=1))


class _OfBlock(Protocol):
    """What is held of steps side by side."""

    @property
    def batches(self) -> tuple[Batch, ...]:
        """Their batches."""


B = TypeVar("B", bound=_OfBlock)


class InBlocks(Generic[B]):
    """The order in which the steps of blocks stand in the run.

    `places` gives for each step its block and its place in it, both counted from 0.
    """

    def __init__(self, blocks: Sequence[B], places: NDArray[np.intp]) -> None:
        self.blocks = tuple(blocks)
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    @property
    def batches(self) -> list[Batch]:
        """The batches, in order."""
        return [self.blocks[block].batches[place] for block, place in self.places.tolist()]

    def each(self, found: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """One number, or truth, of every step of each block, in the order of the run."""
        whole = np.empty(len(self.places), dtype=found[0].dtype if found else np.bool_)
        for number, own in enumerate(found):
            mine = self.places[:, 0] == number
            whole[mine] = own[self.places[mine, 1]]
        return whole

    @classmethod
    def joined(cls, runs: Sequence[InBlocks[B]]) -> tuple[list[B], NDArray[np.intp]]:
        """The blocks of several runs of steps, one run after the other, and the places of all steps in them."""
        blocks: list[B] = []
        places = [np.empty((0, 2), dtype=np.intp)]
        for run in runs:
            places.append(run.places + np.array([len(blocks), 0]))
            blocks += run.blocks
        return blocks, np.concatenate(places)

    @staticmethod
    def parts(places: NDArray[np.intp]) -> tuple[list[tuple[int, NDArray[np.intp]]], NDArray[np.intp]]:
        """Of which blocks, at which places, some of the steps are; and where they stand in blocks of these alone."""
        parts: list[tuple[int, NDArray[np.intp]]] = []
        found = np.empty_like(places)
        for number in np.unique(places[:, 0]):
            mine = places[:, 0] == number
            found[mine, 0], found[mine, 1] = len(parts), np.arange(mine.sum())
            parts.append((int(number), places[mine, 1]))
        return parts, found


class Steps(InBlocks[Block], Sequence[StepRecord]):
    """The steps of blocks in the order of the run; the record of a step is made when it is asked for."""

    @overload
    def __getitem__(self, step: int) -> StepRecord: ...
    @overload
    def __getitem__(self, step: slice) -> tuple[StepRecord, ...]: ...
    def __getitem__(self, step: int | slice) -> StepRecord | tuple[StepRecord, ...]:
        if isinstance(step, slice):
            return tuple(self[int(place)] for place in range(*step.indices(len(self))))
        block, place = map(int, self.places[step])
        return self.blocks[block].step(place)

    def split(self, length: Callable[[Block], int]) -> Steps:
        """The same steps in blocks of no more steps than `length` says of each."""
        blocks: list[Block] = []
        firsts, lengths = [], []
        for block in self.blocks:
            many = length(block)
            firsts.append(len(blocks))
            lengths.append(many)
            blocks += [block.part(first, first + many) for first in range(0, len(block), many)]
        own, place = self.places[:, 0], self.places[:, 1]
        each = np.array(lengths, dtype=np.intp)[own]
        places = np.stack([np.array(firsts, dtype=np.intp)[own] + place // each, place % each], axis=1)
        return Steps(blocks, places)

    def some(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> tuple[Steps, list[tuple[int, NDArray[np.intp]]]]:
        """Those of the steps that are chosen, by a truth for each or by their places, in memory of their own.

        And of which block, at which places, each of their blocks is a part.
        """
        parts, found = self.parts(self.places[chosen])
        return Steps([self.blocks[number].of(places) for number, places in parts], found), parts

    def left(self, group: Callable[[Block, str], NDArray[Any]], name: str, first: NDArray[Any]) -> list[NDArray[Any]]:
        """For the steps of each block an array of the step before, which is `first` for the first of all.

        The arrays have the type of `first`, which holds all their numbers.
        """
        found = [np.empty((len(block), *np.shape(first)), dtype=first.dtype) for block in self.blocks]
        block, place = self.places[:, 0], self.places[:, 1]
        for own in range(len(self.blocks)):
            mine = np.flatnonzero(block == own)
            before = mine - 1
            for other in np.unique(block[before[before >= 0]]):
                there = mine[(before >= 0) & (block[before] == other)]
                found[own][place[there]] = group(self.blocks[other], name)[place[there - 1]]
        if len(self.places):
            found[block[0]][place[0]] = first
        return found


def side_by_side(steps: Sequence[StepRecord]) -> Steps:
    """The steps in blocks of one kind each."""
    if isinstance(steps, Steps):
        return steps
    alike: dict[tuple[int, bool, bool, bool], list[int]] = {}
    for place, step in enumerate(steps):
        alike.setdefault((step.batch.n, step.batch.adds, step.batch.updates, step.fits), []).append(place)
    places = np.empty((len(steps), 2), dtype=np.intp)
    for block, own in enumerate(alike.values()):
        places[own] = [(block, place) for place in range(len(own))]
    return Steps([_block([steps[place] for place in own]) for own in alike.values()], places)


def _block(steps: Sequence[StepRecord]) -> Block:
    first = steps[0]
    groups = {
        group: {name: np.stack([getattr(step, group)[name] for step in steps]) for name in getattr(first, group)}
        for group in GROUPS
    }
    loss = np.stack([step.loss for step in steps])
    return Block(tuple(step.batch for step in steps), loss=loss, fits=first.fits, **groups)


@dataclass(frozen=True)
class Record:
    """A training run: the data as PyTorch holds them, and its steps.

    It ends early at the first step that is not finite, unless it is told to go on, and where the condition of
    `until` holds. Of a piece that another one follows, the run `goes_on`.
    """

    dtype: str
    torch_version: str
    data: Values
    steps: Sequence[StepRecord]
    goes_on: bool = False


@dataclass(frozen=True)
class Handed:
    """The parameters and the optimizer's state by hand, as float64: at the `start` of a run, and after each update.

    `clipped` are the clipped gradients from which each update is made, and `rates` the numbers that change from step to
    step, such as lr, in each step. `steps` is the number of steps that have been calculated by hand.
    """

    start: Values
    updates: tuple[Values, ...]
    steps: int
    clipped: tuple[Values, ...] = ()
    rates: tuple[Values, ...] = ()
