"""The result of a verification: everything that was calculated, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from derive.chain import Derivation
from derive.problem import Problem
from verify.compare import Comparison
from verify.hand import HandRun
from verify.record import Record
from verify.settings import Settings
from verify.verdict import Verdict


@dataclass(frozen=True)
class Result:
    """One verified run. `tables.steps` and `tables.comparison` turn it into DataFrames."""

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

    def _repr_html_(self) -> str:
        from verify.html import to_html

        return to_html(self)
