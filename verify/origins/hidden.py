"""What comes after a slip that may be in a number which no column shows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.following.beginning import steps_with_parameters
from verify.following.finding import Finding, Status
from verify.logs.means import needed

_LATER = {"before": -1, "prediction": 1}  # numbers that the step before makes, or that come of what a step has made


def with_hidden_numbers(run: Run, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings; after a slip that may be in a number which no column shows, what is wrong may come of it.

    A parameter, or an optimizer's state, that is in no column moves all that comes after it. A wrong number is so where
    it stands only if all parameters are printed between the first one and it: right before its step, or, where the
    optimizer keeps no state, before all steps that it is made of. Of a table without parameters, such as a log of
    losses, nothing is told between its numbers: each is wrong by itself.
    """
    first = _first_of_hidden(findings)
    shown = steps_with_parameters(run, [one.cell for one in findings])
    if first is None or not shown:
        return findings
    count = sum(len(parameter.values) for parameter in run.problem.parameters)
    whole = sorted(step for step, found in shown.items() if found == count)
    keeps_state = bool(run.settings.states)

    def is_told(cell: Cell) -> bool:
        """Whether the parameters before a number are all in the table."""
        before = [step - 1 + _LATER.get(cell.quantity.group, 0) for step in needed(run, cell)]
        place = bisect_right(whole, before[0])
        last = whole[place - 1] if place else 0
        return {*before} <= {0, *whole} or (not keeps_state and last >= first.cell.step)

    place = findings.index(first)
    return tuple(
        replace(one, status=Status.NOT_RIGHT, why="no column shows", inherited_from=first.cell, follows=None)
        if mark > place and one.status is Status.WRONG and not is_told(one.cell)
        else one
        for mark, one in enumerate(findings)
    )


def _first_of_hidden(findings: Sequence[Finding]) -> Finding | None:
    """The first wrong number after which its column is not right again: where it is, it alone was written wrongly."""
    following: dict[tuple[object, object], Finding] = {}
    found = None
    for one in reversed(findings):
        column = (one.cell.quantity, one.cell.entry)
        after = following.get(column)
        if one.status is Status.WRONG and (after is None or not after.status.is_accepted):
            found = one
        following[column] = one
    return found
