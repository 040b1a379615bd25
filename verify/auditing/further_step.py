"""The step after the last one of a run: a table of what each step begins with often ends with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.run.run import Run
from verify.claims.claim import Claim


def repeats(run: Run) -> bool:
    """Whether every step has the same batch and the same lr, and none ends the run: a further one would be alike."""
    settings = run.settings
    is_alike = settings.batches_per_epoch == 1 and run.drawn is None and settings.accumulate == 1
    return is_alike and settings.trains and not settings.varying and settings.until is None


def covering(run: Run, claims: Iterable[Claim]) -> Run:
    """The run, one step longer where something is claimed of a step after its last one."""
    last = max((claim.cell.step for claim in claims), default=0)
    if last <= len(run.batches):
        return run
    return replace(run, settings=replace(run.settings, steps=last))
