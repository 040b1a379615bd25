"""A record of PyTorch with something in it replaced, compared once more."""

from __future__ import annotations

from dataclasses import replace

from derive.run.run import Run
from verify import Result
from verify.bound.bound import prepare
from verify.compare.comparison import Comparison, compare
from verify.record import Record


def again(result: Result, record: Record) -> Comparison:
    """The comparison of the same hand calculation with another record."""
    run = Run(result.problem, result.derivation, result.settings)
    return compare(run, result.hand, record, prepare(run))


def changed(result: Result, step: int, **fields: object) -> Record:
    """The record with some fields of one step replaced."""
    steps = list(result.record.steps)
    steps[step - 1] = replace(steps[step - 1], **fields)  # type: ignore[arg-type]
    return replace(result.record, steps=tuple(steps))
