"""Which number of the run a cell in a row of a table is about, by the columns that say where the row is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from derive.errors import ClaimError, Place, shorten
from verify.claims.claim import Cell, Quantity
from verify.claims.places import (
    FROM_1,
    NOT_COUNTED,
    PREDICTION,
    STAGE,
    STAGES,
    BeyondError,
    Counting,
    Timeline,
    cell_at,
    predicted_cell,
    whole_number,
)
from verify.tabular.written import KINDS, Row, Written

# What is calculated of the parameters that a step begins with, before its update.
BEFORE_UPDATE = ("setting", "before", "nodes", "loss", "partials", "adjoints", "gradients")
# What may be of the parameters in its own row, by `Timeline.of_left`.
OF_LEFT = {"loss": ("loss",), "lines": ("nodes", "loss"), "everything": BEFORE_UPDATE}
_AFTER = re.compile(r"\b(?:new|updated|next)\b|after|(?:_|\b)(?:new|next)$|['′’]$|\+\s*1\s*[)}\]]*$", re.IGNORECASE)
OF_NEXT = "its last row is read as what a further step would begin with"  # of numbers after the last step of the run


def says_after(head: str) -> bool:
    """Whether a column says that it holds what an update leaves: `new w`, `w_after`, `w'`, `w_{t+1}`."""
    return bool(_AFTER.search(head))


def counting_of(
    places: Mapping[str, int],
    columns: Mapping[int, Quantity | None],
    heads: Sequence[str],
    body: Sequence[Row],
    run: Timeline,
) -> Counting:
    """Whether a table counts from 0: a loss or gradient stands in a row 0, which from 1 on there is not.

    So does one with what an update leaves in its row 0, beside what it began with (`w_t, w_{t+1}`), and one whose row 0
    has the initial values, where the parameters of a row are those that its step begins with.
    """
    from_0, first = [], None
    for name, place in places.items():
        zeros = [row for row in body if row[place].text.strip() == "0"]
        is_step = any(_is_of_a_step(row, columns, heads, run) for row in zeros)
        if zeros and (is_step if not run.row_0 else run.row_0 == "first step"):
            from_0.append(name)
            first = first or zeros[0]
    if run.of_left:
        of_left = tuple(group for group in OF_LEFT[run.of_left] if group not in NOT_COUNTED)
        return Counting(tuple(from_0), of_left=of_left, starts=run.row_0 == "start")
    if run.row_0:
        return Counting(tuple(from_0), starts=run.row_0 == "start")
    if run.begun:
        return Counting(tuple(from_0), begins=True, with_states=run.begun == "state")
    if first is None:
        return FROM_1
    held = [
        (literal, run.starts[quantity.name][0])
        for position, quantity in columns.items()
        if quantity
        and quantity.group == "after"
        and not says_after(heads[position])
        and len(run.starts.get(quantity.name, ())) == 1
        if (literal := run.literal(first[position])) is not None
    ]
    begins = all(abs(literal.value - start) <= literal.slack for literal, start in held)
    return Counting(tuple(from_0), bool(held) and begins)


def _is_of_a_step(row: Row, columns: Mapping[int, Quantity | None], heads: Sequence[str], run: Timeline) -> bool:
    """Whether a row 0 holds more than what the run begins with."""
    held = {at: own.group for at, own in columns.items() if own and run.literal(row[at]) is not None}
    of_moments = {says_after(heads[at]) for at, group in held.items() if group in ("before", "after")}
    return len(of_moments) > 1 or bool(set(held.values()) - set(NOT_COUNTED))


def prediction_of(places: Mapping[str, int], row: Row) -> str | None:
    """The row of [predict] that a row of the table is about; empty where it is not said, None for a step."""
    for position in places.values():
        match = PREDICTION.fullmatch(row[position].text)
        if match is not None:
            return str(match[1])
    return None


class RowPlace(NamedTuple):
    """Where in a run a row is: its cells that say so, by column with their numbers, and by kind."""

    filled: Mapping[str, Written]
    given: Mapping[str, tuple[int, Place]]
    where: dict[str, int]
    place: Place


def place_of(places: Mapping[str, int], row: Row, counting: Counting = FROM_1) -> RowPlace:
    """Where a row is. Raises `ClaimError` for a cell that is no number of a step, or where two differ."""
    numbered = {name: row[place] for name, place in places.items() if name != STAGE or _check_stage(row[place])}
    filled = {name: cell for name, cell in numbered.items() if cell.text} or numbered  # a log's line has some of them
    given = {name: (whole_number(cell) + (name in counting.from_0), cell.place) for name, cell in filled.items()}
    numbers = {kind: found for kind, kinds in KINDS.items() if (found := _agreed(kinds, given)) is not None}
    place = next((found[1] for found in numbers.values()), row[0].place)
    return RowPlace(filled, given, {kind: found[0] for kind, found in numbers.items()}, place)


def cell_of(
    quantity: Quantity,
    entry: tuple[int, ...],
    places: Mapping[str, int],
    row: Row,
    number: int,
    run: Timeline,
    prediction: str | None,
    counting: Counting = FROM_1,
    at: RowPlace | None = None,
) -> Cell:
    """The number of the run that a cell of a table is about; without a column for the step, the rows count them.

    `at` is where the row is, where that is known. Raises `ClaimError` for what the run does not have, `BeyondError`
    for what it would have after its last step.
    """
    if prediction is not None:
        return predicted_cell(quantity, entry, prediction, run, row[0].place)
    filled, given, where, place = at or place_of(places, row, counting)
    is_start = counting.starts and not counting.of_left and quantity.group in OF_LEFT["lines"] and 0 in where.values()
    if quantity.group in counting.of_left or is_start:
        where, number = {kind: found + (kind != "batch") for kind, found in where.items()}, number + 1
        if _is_next(where, number, run):
            return _at_the_end(quantity, entry, where, number, run, place)
    if counting.begins and _is_next(where, number, run):
        return _at_the_end(quantity, entry, where, number, run, place)
    try:
        return cell_at(counting.of(quantity), entry, where, number, run, place)
    except ClaimError as error:
        moved = [name for name in given if name in counting.from_0]
        if not moved or quantity.group in ("epoch", "prediction"):
            raise
        why = "a loss or gradient stands in a row 0, so the table counts from 0, and"
        written = " and ".join(f"{name} {filled[name].text} is the run's {name} {given[name][0]}" for name in moved)
        raise ClaimError(f"{why} {written}: {error.message}", place) from None


def _is_next(where: Mapping[str, int], row: int, run: Timeline) -> bool:
    """Whether a row is of the step after the last one of the run."""
    following = len(run.batches) + 1
    if not where:
        return row == following
    if "step" in where:
        return where["step"] == following
    return run.per_epoch == 1 and where.get("epoch") == following and where.get("batch", 1) == 1


def _at_the_end(
    quantity: Quantity, entry: tuple[int, ...], where: Mapping[str, int], row: int, run: Timeline, place: Place
) -> Cell:
    """What a row after the last step holds, in a table of what each step begins with.

    The parameters are those that the last step leaves. What a further step would calculate of them is known where every
    step has the same batch. Raises `BeyondError` for all else.
    """
    last = {kind: number - (kind != "batch") for kind, number in where.items()}
    cell = cell_at(quantity, entry, last, row - 1, run, place)
    if quantity.group == "after":
        return cell
    if run.repeats and quantity.group in BEFORE_UPDATE:
        return replace(cell, step=cell.step + 1)
    message = f"{quantity.label} of a step after the last is not judged: the run has the steps 1 to {len(run.batches)}"
    raise BeyondError(message, place)


def _check_stage(cell: Written) -> bool:
    """False, for it counts nothing. Raises `ClaimError` for a word that is no stage."""
    if cell.text and cell.text.lower() not in STAGES:
        raise ClaimError(f"the stage {shorten(cell.text)} is unknown; expected one of: {', '.join(STAGES)}", cell.place)
    return False


def _agreed(kinds: Sequence[str], given: Mapping[str, tuple[int, Place]]) -> tuple[int, Place] | None:
    """What the columns `step` and `iteration` say; raises `ClaimError` where they differ."""
    found = [(name, *given[name]) for name in kinds if name in given]
    for name, number, place in found[1:]:
        if number != found[0][1]:
            raise ClaimError(f"{name} {number} stands beside {found[0][0]} {found[0][1]}; leave one column out", place)
    return found[0][1:] if found else None
