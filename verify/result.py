"""The result of a verification: everything that was calculated, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from derive.chain.derivation import Derivation
from derive.graph.gradient_names import gradient_name
from derive.problem.loading import Problem
from derive.run.settings import Settings
from verify.compare.compared import StepComparison
from verify.compare.comparison import Comparison
from verify.compare.epochs import EpochLoss
from verify.compare.stopping import Ending, holds, stop_note
from verify.compare.tallies import Tally
from verify.compare.verdict import Verdict
from verify.hand.run import HandRun
from verify.html import MAX_ROWS, to_html
from verify.names import clipped_name, parameter_of, rate_label, rate_name
from verify.pieces import ends
from verify.record import Record
from verify.step_row import Checks, StepRow


@dataclass(frozen=True, repr=False, eq=False)  # arrays have no truth value: a result equals itself
class Result:
    """One verified run. `tables.steps` and `tables.comparison` turn it into DataFrames.

    Printed, it is its title, its settings and its verdict.
    """

    problem: Problem
    settings: Settings
    derivation: Derivation
    hand: HandRun
    record: Record
    comparison: Comparison
    tally: Tally
    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether every number of every step agrees."""
        return self.verdict.outcome.value == 0

    @cached_property
    def rows(self) -> tuple[StepRow, ...]:
        """The steps in order, with the loss, the gradients, the updated parameters and what is watched of each."""
        return tuple(self.row(step) for step in self.comparison.steps)

    def row(self, step: StepComparison) -> StepRow:
        """The row of one step, its numbers in the order of `columns`; made at the first call, and kept."""
        if step.batch.step not in self._made:
            self._made[step.batch.step] = StepRow(step.batch, Checks(self.comparison, step, self.columns))
        return self._made[step.batch.step]

    @property
    def whole_row(self) -> StepRow:
        """The first row with all numbers: gradients are clipped only before an update."""
        steps = self.comparison.steps
        return self.row(next((step for step in steps if step.batch.updates), steps[0]))

    @cached_property
    def _made(self) -> dict[int, StepRow]:
        """The rows that have been asked for."""
        return {}

    @property
    def reported(self) -> Sequence[StepComparison]:
        """The steps that are printed: those of `report`, all where it names none."""
        wanted, steps = set(self.settings.report), self.comparison.steps
        return tuple(step for step in steps if step.batch.step in wanted) if wanted else steps

    @cached_property
    def stopped(self) -> str:
        """Why the run ended early, or that the condition of `until` held after no step, as a sentence; else empty."""
        last, tally = self.record.steps[-1], self.tally
        alone = self.settings.by_hand_alone and holds(self.hand.steps[-1], self.settings)
        return stop_note(self.settings, Ending(last, tally.steps, tally.by_hand, tally.met_by_hand, alone))

    @property
    def kept(self) -> str:
        """Which rows of a long run there are, as a sentence; empty where all are."""
        rows = len(self.comparison.steps)
        if rows == self.tally.compared or self.settings.first:
            return ""
        rows_kept = ends(self.problem, self.settings)
        both = f"the first and the last {rows_kept:,}, those that report names, and the first that are wrong"
        which = "all" if self.settings.every == 1 else f"{self.tally.compared:,} of them"
        return f"of the {self.tally.steps:,} steps, {which} compared, {rows:,} are kept for tables and files: {both}"

    @cached_property
    def nonfinite(self) -> tuple[str, ...]:
        """Sentences on what became infinite or NaN, and where."""
        return tuple(self.tally.nonfinite.values())

    @cached_property
    def epochs(self) -> tuple[EpochLoss, ...]:
        """The loss of each epoch, as the mean over its batches and over its samples."""
        return self.tally.epochs

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The quantities of a row: loss, what is reported, gradients, parameters, their state, what is watched.

        Where they change from step to step, lr and the like stand before the parameters.
        """
        loss, names = self.problem.graph.loss, [parameter.name for parameter in self.problem.parameters]
        gradients = (gradient_name(loss, name) for name in names)
        updated = (*self.rates, *names, *self.states) if self.settings.trains else ()
        watched = (node.name for node in self.settings.watch)
        cut = (clipped_name(loss, name, self.comparison.nodes) for name in self._clipped)
        return (loss, *self.problem.reported, *gradients, *cut, *updated, *watched)

    @property
    def _clipped(self) -> tuple[str, ...]:
        """The parameters whose gradients are clipped."""
        return () if self.settings.clip is None else self.settings.parameters

    @property
    def rates(self) -> tuple[str, ...]:
        """The names in the comparison of the numbers that change from step to step: `optimizer.lr`."""
        return tuple(map(rate_name, self.settings.varying))

    def constant_rates(self) -> Mapping[str, float]:
        """The lr of each group by its column (`lr`, `lr[1]`); empty where it changes, or nothing is trained."""
        if self.settings.varying:
            return {}
        rates = [group.schedule.lr for group in self.settings.param_groups]
        numbers = [float(rate) for rate in rates if isinstance(rate, Fraction)]
        return {rate_label("lr", k if len(numbers) > 1 else None): number for k, number in enumerate(numbers)}

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The names of the optimizer's state, `w.v`."""
        after = self.record.steps[0].after if self.record.steps else {}
        return tuple(name for name in after if parameter_of(name) != name)

    def __str__(self) -> str:
        return "\n".join((self.problem.title, str(self.settings), self.verdict.sentence))

    def __repr__(self) -> str:
        return f"<Result of {self.problem.name}: {self.verdict.outcome.word}>"

    def _repr_html_(self) -> str:
        rows = [(row.batch, row.checks) for row in map(self.row, self.reported[:MAX_ROWS])]
        left = len(self.reported) - len(rows)
        return to_html(self.problem.title, str(self.settings), rows, left, self.verdict.sentence)
