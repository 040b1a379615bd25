"""What comes after a slip that may be in a number which no column shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np

from derive.run.run import Run
from verify.claims.claim import Cell, Quantity
from verify.following.beginning import at_first
from verify.following.extent import MAX_BY_HAND
from verify.following.finding import Finding, Status
from verify.following.follow_through import follow
from verify.following.own_numbers import Own, own_number
from verify.names import parameter_of
from verify.numbers import HandForms, as_ball
from verify.origins.earlier_numbers import IN_PLACE

_MOMENTS = {"after": 0, "before": 1}  # groups of parameters, and how many steps before theirs they are made
_MARK = 2 * IN_PLACE  # of the first number that is in no column


def with_hidden_numbers(run: Run, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings; after a slip that may be in a number which no column shows, what is wrong may come of it.

    From the last row that is right to the first wrong number, parameters that no column shows, and what an optimizer
    keeps of them, can be any numbers. What is wrong and depends on one of these is not right here, or by the same
    mistake; in the same step only below rows that are right. Of a table without parameters, such as a log of losses,
    nothing is told between its numbers, and of one of more steps than somebody calculates by hand this is not looked
    at: each is wrong by itself.
    """
    first = _first_of_hidden(findings)
    shown = _shown(run, [one.cell for one in findings])
    if first is None or not shown or max(one.cell.step for one in findings) > MAX_BY_HAND:
        return findings
    right = [one.cell.step for one in findings if one.status.is_accepted and one.cell.step < first.cell.step]
    begun = max(right, default=0)
    later = [
        one.cell
        for one in findings[findings.index(first) + 1 :]
        if one.status is Status.WRONG and (begun or one.cell.step > first.cell.step)
    ]
    depending = _depending(run, findings, list(_hidden(run, range(max(1, begun), first.cell.step + 1), shown)), later)
    return tuple(
        replace(one, status=Status.NOT_RIGHT, why="no column shows", inherited_from=first.cell, follows=None)
        if one.cell in depending
        else one
        for one in findings
    )


def _first_of_hidden(findings: Sequence[Finding]) -> Finding | None:
    """The first wrong number after which its column is not right again: where it is, it alone was written wrongly.

    Not where another number of its step is wrong, too.
    """
    following: dict[tuple[object, object], Finding] = {}
    calculated = [one for one in findings if one.cell.quantity.group != "setting"]
    many = Counter(one.cell.step for one in calculated if one.status is Status.WRONG)
    found = None
    for one in reversed(calculated):
        column = (one.cell.quantity, one.cell.entry)
        after = following.get(column)
        is_alone = after is not None and after.status.is_accepted and many[one.cell.step] == 1
        if one.status is Status.WRONG and not is_alone:
            found = one
        following[column] = one
    return found


def _shown(run: Run, cells: Sequence[Cell]) -> Set[tuple[int, str, tuple[int, ...]]]:
    """The steps after which a parameter's entry is in a column."""
    names = {parameter.name for parameter in run.problem.parameters}
    of_parameters = [cell for cell in cells if cell.quantity.group in _MOMENTS and cell.quantity.name in names]
    return {(cell.step - _MOMENTS[cell.quantity.group], cell.quantity.name, cell.entry) for cell in of_parameters}


def _hidden(run: Run, steps: Iterable[int], shown: Set[tuple[int, str, tuple[int, ...]]]) -> Iterator[Cell]:
    """The parameters, and what an optimizer keeps of them, that no column shows after some steps."""
    held = at_first(run, HandForms()).held
    for step, (name, array) in product(steps, held.items()):
        for entry in np.ndindex(array.shape):
            if (step, parameter_of(name), entry) not in shown:
                yield Cell(step, Quantity("after", name, name), entry, entry)


def _depending(run: Run, findings: Sequence[Finding], hidden: Sequence[Cell], cells: Sequence[Cell]) -> Set[Cell]:
    """Those of `cells` that follow from the author's numbers only with numbers that are `hidden`."""
    if not hidden or not cells:
        return frozenset()
    owns = [own_number(one.claim, mark, one.right, one.status is Status.WRONG) for mark, one in enumerate(findings)]
    number = findings[0].claim
    unknown = [
        Own(replace(number, cell=cell), _MARK + k, Fraction(0), Fraction(0), known=False)
        for k, cell in enumerate(hidden)
    ]
    found = follow(run, [*owns, *unknown], cells, HandForms())
    rests = {cell for cell, form in found.items() if any(mark >= _MARK for mark in form.sources)}
    return {cell for cell in rests if not as_ball(found[cell].ball).is_finite()}
