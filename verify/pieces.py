"""A run in pieces: a short one is one piece; of a long one, calculated piece after piece, few rows are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from derive.errors import ProblemError
from derive.problem.loading import Problem
from derive.run.batches import Batch, plan
from derive.run.run import Run
from derive.run.settings import Settings
from verify import pytorch
from verify.compare.compared import Compared, StepComparison, in_blocks
from verify.compare.comparison import Comparison
from verify.compare.tallies import KEPT, Tally
from verify.compare.verdict import MAX_LISTED
from verify.hand import run as hand
from verify.hand.run import HandRun, handed
from verify.hand.size import compared
from verify.record import Handed, Record, StepRecord, Steps, side_by_side

LONG = 10_000  # steps of a run of which every row is kept: some 100 MB for a few numbers a step
PIECE = 2_000  # steps of a piece of a longer one, at least; a piece ends with an epoch
NUMBERS = 1_500_000  # that are compared in a run of which every row is kept, and in a piece: up to 400 bytes each
MAX_NOTES = 1_000  # sentences that are kept


def is_whole(run: Run) -> bool:
    """Whether the run is one piece: a short one of few numbers, and one whose update is by hand alone."""
    steps = run.settings.steps
    return run.settings.by_hand_alone or (steps <= LONG and steps * compared(run.problem, run.settings) <= NUMBERS)


def length(run: Run) -> int:
    """How many steps a piece has at least."""
    if is_whole(run):
        return run.settings.steps
    return max(1, min(PIECE, NUMBERS // compared(run.problem, run.settings)))


def ends(problem: Problem, settings: Settings) -> int:
    """How many rows are kept at either end of a run in pieces."""
    return max(1, min(KEPT, NUMBERS // 4 // compared(problem, settings)))


@dataclass(frozen=True)
class ByHand:
    """How the batches of the next piece are calculated by hand, and what PyTorch is given of it, if anything."""

    calculate: Callable[[Sequence[Batch]], HandRun]
    given: Handed | None = None


def by_hand(run: Run) -> ByHand:
    """The hand calculation of a run: with as many digits as it needs where it is one piece, else piece after piece.

    Where PyTorch does not have the update, the whole run is calculated at once, and PyTorch takes its parameters.
    Raises `ProblemError` where such a run has no first step.
    """
    settings = run.settings
    if not settings.by_hand_alone:
        return ByHand(partial(hand.calculate, run) if is_whole(run) else hand.Continued(run).calculate)
    whole = hand.calculate(run, plan(settings, pytorch.orders(settings) if settings.shuffle else None))
    if not whole.steps:
        there = f"torch.optim.{settings.optimizer} has no variant {settings.variant}, and its update is made by hand"
        raise ProblemError(f"{there}, but {whole.ended}")
    return ByHand(lambda batches: replace(whole, steps=whole.steps[: len(batches)]), handed(whole))


class Expected:
    """The batches that each piece should take; shuffled, in the orders that a DataLoader draws with the seed."""

    def __init__(self, settings: Settings) -> None:
        self.batches = plan(settings, pytorch.orders(settings) if settings.shuffle else None)

    def of(self, record: Record) -> tuple[Batch, ...]:
        """Those of the next piece, of which `record` is PyTorch's."""
        return tuple(islice(self.batches, len(record.steps)))


@dataclass(frozen=True)
class Rows:
    """The steps of a piece that are compared, and PyTorch's record of it; `places` says which steps of it they are."""

    compared: Compared
    record: Steps
    places: NDArray[np.intp]

    @classmethod
    def of_piece(cls, steps: Sequence[StepComparison], record: Sequence[StepRecord]) -> Rows:
        """Those of the steps of a piece, of which all are recorded."""
        compared, recorded = in_blocks(steps), side_by_side(record)
        first = recorded.batches[0].step
        return cls(compared, recorded, _numbers(compared) - first)

    @classmethod
    def joined(cls, runs: Sequence[Rows]) -> Rows:
        """The rows of several runs of steps, in the order of the steps, each once."""
        blocks, places = Compared.joined([rows.compared for rows in runs])
        recorded = Steps(*Steps.joined([rows.record for rows in runs]))
        firsts = np.cumsum([0, *(len(rows.record) for rows in runs[:-1])])
        by_hand = {number: step for rows in runs for number, step in rows.compared.by_hand.items()}
        of_record = [rows.places + first for rows, first in zip(runs, firsts, strict=True)]
        numbers = np.concatenate([rows.numbers for rows in runs])
        _, order = np.unique(numbers, return_index=True)
        return cls(Compared(blocks, places[order], by_hand), recorded, np.concatenate(of_record)[order])

    @property
    def numbers(self) -> NDArray[np.intp]:
        """The numbers of the steps."""
        return _numbers(self.compared)

    def of(self, places: NDArray[np.intp]) -> Rows:
        """Some of the rows by their places, counted from 0; in memory of their own."""
        recorded, _ = self.record.some(self.places[places])
        return Rows(self.compared.of(places), recorded, np.arange(len(places)))

    def end(self, most: int) -> Rows:
        """The last rows, no more than `most`."""
        return self.of(np.arange(max(0, len(self.compared) - most), len(self.compared)))

    @property
    def steps(self) -> Steps:
        """PyTorch's record of the steps."""
        return Steps(self.record.blocks, self.record.places[self.places])


def _numbers(compared: Compared) -> NDArray[np.intp]:
    return np.array([batch.step for batch in compared.batches], dtype=np.intp)


class Kept:
    """What is kept of a run: of a long one the rows at both ends, those of `report`, and where something is found."""

    def __init__(self, run: Run) -> None:
        self.everything = is_whole(run)
        self.ends = ends(run.problem, run.settings)
        self.report = np.array(run.settings.report, dtype=np.intp)
        self.rows: list[Rows] = []
        self.last: list[Rows] = []
        self.before: StepRecord | None = None  # the last step of the pieces so far
        self.by_hand: list[Rows] = []
        self.found = 0
        self.hand = HandRun(())
        self.whole: tuple[Record, Comparison, Tally] | None = None

    @property
    def tally(self) -> Tally:
        """The tally of the pieces so far."""
        assert self.whole is not None  # a run has a step
        return self.whole[2]

    def add(self, by_hand: HandRun, record: Record, comparison: Comparison, tally: Tally) -> None:
        """Takes what is to be kept of the next piece."""
        if not self.everything:
            begins, self.before = record.steps[0].batch.step, record.steps[-1]
            self._add_rows(Rows.of_piece(comparison.steps, record.steps), begins + len(by_hand.steps))
        self.hand = by_hand
        if self.whole is None:
            self.whole = record, comparison, tally
            return
        first, told, so_far = self.whole
        notes = (*told.kink_notes, *comparison.kink_notes)[:MAX_NOTES]
        faults = (*told.batch_faults, *comparison.batch_faults)[:MAX_NOTES]
        self.whole = first, replace(told, kink_notes=notes, batch_faults=faults), so_far.joined(tally)

    def _add_rows(self, rows: Rows, by_hand: int) -> None:
        """Takes rows of a piece, of which the steps before the one with the number `by_hand` are calculated by hand."""
        numbers = rows.numbers
        wrong = np.flatnonzero(~rows.compared.each([block.agrees for block in rows.compared.blocks]))
        listed = wrong[: MAX_LISTED - self.found]
        self.found += len(listed)
        if self.last and 0 in listed:
            self.rows.append(self.last[-1].end(1))  # the step before
        kept = (numbers <= self.ends) | np.isin(numbers, self.report)
        kept[listed] = kept[listed[listed > 0] - 1] = True
        if kept.any():
            self.rows.append(rows.of(np.flatnonzero(kept)))
        known = np.flatnonzero(numbers < by_hand)
        if known.size:
            self.by_hand = [rows.of(known[-1:])]
        if len(rows.compared):
            is_whole = len(rows.compared) == len(rows.record)
            self.last = [*self.last, rows if is_whole else rows.end(len(rows.compared))]
        while sum(len(own.compared) for own in self.last[1:]) >= self.ends:
            del self.last[0]

    def all(self) -> tuple[HandRun, Record, Comparison]:
        """The run with the rows that are kept, in order."""
        assert self.whole is not None  # a run has a step
        record, comparison, _ = self.whole
        if self.everything:
            return self.hand, record, comparison
        ends: list[Rows] = []
        for rows in reversed(self.last):
            ends.append(rows.end(self.ends - sum(len(own.compared) for own in ends)))
        kept = Rows.joined([*self.rows, *ends, *self.by_hand])
        by_hand = (kept.compared.hand(batch) for batch in kept.compared.batches)
        known = HandRun(tuple(step for step in by_hand if step is not None), self.hand.ended)
        return known, replace(record, steps=kept.steps), replace(comparison, steps=kept.compared)
