"""The result of a verification: everything that was calculated, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from derive.chain import Derivation
from derive.problem import Problem
from verify.batches import Batch
from verify.check import Check
from verify.compare import Comparison
from verify.hand import HandRun
from verify.record import Record
from verify.settings import Settings
from verify.update import parameter_of
from verify.verdict import Verdict


@dataclass(frozen=True)
class StepRow:
    """One step as a person writes it in a table: its batch and its checks by name (`l`, `dl/dw`, `w`, `w.v`)."""

    batch: Batch
    checks: Mapping[str, Check]


@dataclass(frozen=True, repr=False)
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
    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether every number of every step agrees."""
        return self.verdict.outcome.value == 0

    @cached_property
    def rows(self) -> tuple[StepRow, ...]:
        """The steps in order, with the loss, the gradients and the updated parameters of each."""
        columns = set(self.columns)
        rows: dict[int, dict[str, Check]] = {}
        batches: dict[int, Batch] = {}
        for check in self.comparison.checks:
            batches[check.batch.step] = check.batch
            row = rows.setdefault(check.batch.step, {})
            if check.quantity in columns:
                row[check.name] = check
        order = {name: place for place, name in enumerate(self.columns)}
        ordered = {
            step: dict(sorted(row.items(), key=lambda item: order[item[1].quantity])) for step, row in rows.items()
        }
        return tuple(StepRow(batches[step], row) for step, row in ordered.items())

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The quantities of a row, in the order of the article: loss, gradients, updated parameters, their state."""
        loss, names = self.problem.graph.loss, [parameter.name for parameter in self.problem.parameters]
        updated = (*names, *self.states) if self.settings.trains else ()
        return (loss, *(f"d{loss}/d{name}" for name in names), *updated)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The optimizer's state after an update, by its names `w.v`."""
        after = self.record.steps[0].after if self.record.steps else {}
        return tuple(name for name in after if parameter_of(name) != name)

    def __str__(self) -> str:
        return "\n".join((self.problem.title, str(self.settings), self.verdict.sentence))

    def __repr__(self) -> str:
        return f"<Result of {self.problem.name}: {self.verdict.outcome.word}>"

    def _repr_html_(self) -> str:
        from verify.html import to_html

        return to_html(self)
