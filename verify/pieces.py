"""A run in pieces: a short one is one piece; of a long one, calculated piece after piece, few rows are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
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


Row = tuple[StepComparison, StepRecord]


@dataclass(frozen=True)
class Rows:
    """The steps of a piece; a row is made when it is asked for."""

    compared: Compared
    record: Steps

    @property
    def numbers(self) -> NDArray[np.intp]:
        """The numbers of the steps that are compared."""
        return np.array([batch.step for batch in self.compared.batches], dtype=np.intp)

    def row(self, place: int) -> Row:
        """The row of a step, counted from 0, or from the end where it is negative; in memory of its own."""
        at = place % len(self.compared)
        compared = self.compared[at : at + 1][0]
        return compared, self.record[compared.batch.step - self.first]

    @cached_property
    def first(self) -> int:
        """The number of the first step of the piece."""
        return self.record[0].batch.step


class Kept:
    """What is kept of a run: of a long one the rows at both ends, those of `report`, and where something is found."""

    def __init__(self, run: Run) -> None:
        self.everything = is_whole(run)
        self.ends = ends(run.problem, run.settings)
        self.report = np.array(run.settings.report, dtype=np.intp)
        self.rows: dict[int, Row] = {}
        self.last: list[Rows] = []
        self.by_hand: Row | None = None
        self.found = 0
        self.hand = HandRun(())
        self.whole: tuple[Record, Comparison, Tally] | None = None

    @property
    def before(self) -> StepRecord | None:
        """The last step of the pieces so far."""
        return self.last[-1].row(-1)[1] if self.last else None

    @property
    def tally(self) -> Tally:
        """The tally of the pieces so far."""
        assert self.whole is not None  # a run has a step
        return self.whole[2]

    def add(self, by_hand: HandRun, record: Record, comparison: Comparison, tally: Tally) -> None:
        """Takes what is to be kept of the next piece."""
        if not self.everything:
            self._add_rows(Rows(in_blocks(comparison.steps), side_by_side(record.steps)), len(by_hand.steps))
        self.hand = by_hand
        if self.whole is None:
            self.whole = record, comparison, tally
            return
        first, told, so_far = self.whole
        notes = (*told.kink_notes, *comparison.kink_notes)[:MAX_NOTES]
        faults = (*told.batch_faults, *comparison.batch_faults)[:MAX_NOTES]
        self.whole = first, replace(told, kink_notes=notes, batch_faults=faults), so_far.joined(tally)

    def _add_rows(self, rows: Rows, by_hand: int) -> None:
        """Takes rows of a piece, of which the first steps are calculated by hand, so many as `by_hand` says."""
        numbers = rows.numbers
        wrong = np.flatnonzero(~rows.compared.each([block.agrees for block in rows.compared.blocks]))
        listed = wrong[: MAX_LISTED - self.found]
        self.found += len(listed)
        if self.last and 0 in listed:
            self._keep(self.last[-1].row(-1))  # the step before
        kept = (numbers <= self.ends) | np.isin(numbers, self.report)
        kept[listed] = kept[listed[listed > 0] - 1] = True
        for place in np.flatnonzero(kept):
            self._keep(rows.row(int(place)))
        known = np.flatnonzero(numbers < rows.first + by_hand)
        if known.size:
            self.by_hand = rows.row(int(known[-1]))
        self.last = [*self.last, rows]
        while sum(len(own.compared) for own in self.last[1:]) >= self.ends:
            del self.last[0]

    def _keep(self, row: Row) -> None:
        self.rows[row[0].batch.step] = row

    def all(self) -> tuple[HandRun, Record, Comparison]:
        """The run with the rows that are kept, in order."""
        assert self.whole is not None  # a run has a step
        record, comparison, _ = self.whole
        if self.everything:
            return self.hand, record, comparison
        ends = [rows.row(place) for rows in self.last for place in range(len(rows.compared))][-self.ends :]
        ends += [] if self.by_hand is None else [self.by_hand]
        kept = self.rows | {step.batch.step: (step, own) for step, own in ends}
        steps = tuple(kept[number][0] for number in sorted(kept))
        by_hand = tuple(step.hand for step in steps if step.hand is not None)
        record = replace(record, steps=tuple(kept[number][1] for number in sorted(kept)))
        return HandRun(by_hand, self.hand.ended), record, replace(comparison, steps=steps)
