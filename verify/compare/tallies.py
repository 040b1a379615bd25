"""Counts over all steps of a run, also over those whose rows are not kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from derive.run.run import Run
from verify.compare.compared import in_blocks
from verify.compare.comparison import Comparison
from verify.compare.epochs import EpochLoss, epoch_losses
from verify.compare.stopping import First, first_nonfinite, holds
from verify.compare.summary import Summary, joined, summarize
from verify.hand.run import HandRun
from verify.record import Record

KEPT = 1_000  # rows that are kept at either end of a long run; pieces.py says which others are
KEPT_EPOCHS = 1_000  # whose losses are kept at either end of a long run; those between are dropped


@dataclass(frozen=True)
class Tally:
    """Counts over the steps that PyTorch made, and what was found first.

    Of the `steps` so many are `compared`, all or one of every K. `by_hand` steps are calculated by hand as well,
    `wrong` numbers disagree, those that steps begin with among them. `nonfinite` are sentences on what became infinite
    or NaN, `notes` the number of notes on kinks, `faults` that of sentences on the batches, and `met_by_hand` is the
    first step after which the condition of `until` holds by hand.
    """

    steps: int
    compared: int
    by_hand: int
    wrong: int
    summaries: tuple[Summary, ...]
    epochs: tuple[EpochLoss, ...]
    nonfinite: Mapping[First, str]
    notes: int
    faults: int
    met_by_hand: int | None

    @property
    def in_words(self) -> str:
        """How many numbers disagree so far, of how many steps that are compared, and the closest to its bound."""
        of = "" if self.compared == self.steps else f" of {self.compared:,} steps compared"
        if self.wrong:
            return f"{'one number disagrees' if self.wrong == 1 else f'{self.wrong:,} numbers disagree'}{of}"
        closest = max((summary.closest for summary in self.summaries), key=lambda check: check.closeness, default=None)
        near = (
            ""
            if closest is None or not closest.step_error
            else f"; closest to its bound: {closest.name} at step {closest.batch.step}"
        )
        return f"no number disagrees{of}{near}"

    def joined(self, later: Tally) -> Tally:
        """The tally of this piece of a run and of the `later` one together."""
        epochs = (*self.epochs, *later.epochs)
        if len(epochs) > 2 * KEPT_EPOCHS:
            epochs = (*epochs[:KEPT_EPOCHS], *epochs[-KEPT_EPOCHS:])
        return Tally(
            self.steps + later.steps,
            self.compared + later.compared,
            self.by_hand + later.by_hand,
            self.wrong + later.wrong,
            joined(self.summaries, later.summaries),
            epochs,
            {**later.nonfinite, **self.nonfinite},
            self.notes + later.notes,
            self.faults + later.faults,
            later.met_by_hand if self.met_by_hand is None else self.met_by_hand,
        )

    def predicted(self, comparison: Comparison) -> Tally:
        """The tally in which the numbers of the prediction count too."""
        own = summarize(replace(comparison, steps=()))
        wrong = sum(found.wrong for found in own)
        return replace(self, wrong=self.wrong + wrong, summaries=joined(self.summaries, own))


def tally(run: Run, hand: HandRun, record: Record, comparison: Comparison) -> Tally:
    """The tally of a run, or of a piece of one."""
    met = (step.batch.step for step in hand.steps if holds(step, run.settings))
    blocks = in_blocks(comparison.steps).blocks
    return Tally(
        len(record.steps),
        len(comparison.steps),
        len(hand.steps),
        sum(int(np.count_nonzero(numbers.disagrees)) for block in blocks for numbers in block.numbers.values()),
        summarize(comparison),
        epoch_losses(run.problem.graph, hand, record),
        first_nonfinite(hand, record, run.loss),
        len(comparison.kink_notes),
        len(comparison.batch_faults),
        next(met, None),
    )
