"""The numbers of steps beside their bounds: of one step, and of many side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from derive.run.batches import Batch
from verify.compare.check import Numbers
from verify.hand.run import HandStep
from verify.names import Name
from verify.numbers import Array, Truth
from verify.record import Block, InBlocks, StepRecord, any_entry


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
class ComparedBlock:
    """The numbers of steps of one kind side by side; the first dimension of each array counts the steps."""

    batches: tuple[Batch, ...]
    numbers: Mapping[Name, Numbers]

    @property
    def agrees(self) -> Truth:
        """For each step, whether every number is right."""
        return ~self._any(~numbers.agrees for numbers in self.numbers.values())

    @property
    def disagrees(self) -> Truth:
        """For each step, whether any number is wrong."""
        return self._any(numbers.disagrees for numbers in self.numbers.values())

    @property
    def open(self) -> Truth:
        """For each step, whether any number is not decided."""
        return self._any(~(numbers.agrees | numbers.disagrees) for numbers in self.numbers.values())

    def of(self, places: NDArray[np.intp]) -> ComparedBlock:
        """Some of the steps by their places, counted from 0."""
        numbers = {name: numbers.of_step(places) for name, numbers in self.numbers.items()}
        return ComparedBlock(tuple(self.batches[place] for place in places), numbers)

    @property
    def wide(self) -> Truth:
        """For each step, whether a bound is too wide, of a number that a replay of forward and backward pass gives."""
        return self._any(numbers.wide for (group, _), numbers in self.numbers.items() if group != "after")

    def _any(self, found: Iterator[Truth]) -> Truth:
        each = [any_entry(truth) for truth in found]
        return np.logical_or.reduce(each) if each else np.zeros(len(self.batches), dtype=np.bool_)


class Compared(InBlocks[ComparedBlock], Sequence[StepComparison]):
    """The steps of blocks in the order of the run; the comparison of a step is made when it is asked for, and kept.

    `by_hand` has the steps by hand by their numbers.
    """

    def __init__(
        self, blocks: Sequence[ComparedBlock], places: NDArray[np.intp], by_hand: Mapping[int, HandStep]
    ) -> None:
        super().__init__(blocks, places)
        self.by_hand = by_hand
        self._made: dict[tuple[int, int], StepComparison] = {}

    @overload
    def __getitem__(self, step: int) -> StepComparison: ...
    @overload
    def __getitem__(self, step: slice) -> Compared: ...
    def __getitem__(self, step: int | slice) -> StepComparison | Compared:
        return self.of(step) if isinstance(step, slice) else self.at(*map(int, self.places[step]))

    def of(self, steps: slice | NDArray[np.intp]) -> Compared:
        """Some of the steps by their places in the run, counted from 0, in memory of their own."""
        parts, found = self.parts(self.places[steps])
        blocks = [self.blocks[number].of(places) for number, places in parts]
        numbers = (batch.step for block in blocks for batch in block.batches)
        return Compared(blocks, found, {number: self.by_hand[number] for number in numbers if number in self.by_hand})

    def at(self, block: int, place: int) -> StepComparison:
        """The comparison of the step at a place of a block."""
        if (block, place) not in self._made:
            self._made[block, place] = self._step(self.blocks[block], place)
        return self._made[block, place]

    def _step(self, block: ComparedBlock, place: int) -> StepComparison:
        batch = block.batches[place]
        numbers = {name: numbers.of_step(place) for name, numbers in block.numbers.items()}
        return StepComparison(batch, numbers, self.hand(batch))

    def hand(self, batch: Batch) -> HandStep | None:
        """The same step by hand; one that has another number of samples has no numbers that stand beside it."""
        found = self.by_hand.get(batch.step)
        return found if found is not None and found.batch.n == batch.n else None


def in_blocks(steps: Sequence[StepComparison]) -> Compared:
    """The steps as blocks: those that have not been compared side by side are blocks of one step each."""
    if isinstance(steps, Compared):
        return steps
    blocks = [
        ComparedBlock((step.batch,), {name: own.of_step(np.newaxis) for name, own in step.numbers.items()})
        for step in steps
    ]
    places = np.array([(block, 0) for block in range(len(blocks))], dtype=np.intp).reshape(-1, 2)
    return Compared(blocks, places, {step.batch.step: step.hand for step in steps if step.hand is not None})


def entries(step: StepRecord | HandStep | Block, loss: str) -> dict[Name, Array]:
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
