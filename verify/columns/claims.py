"""A long plain table as claims: its head is read by the reader of all tables, and tells what the columns are.

Each row below claims the same of its step. Anything that is not so plain is read as any other table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

from derive.errors import ClaimError
from derive.graph.node import SIZE
from derive.run.run import Run
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.literal import read_literal
from verify.claims.places import Timeline
from verify.claims.table import TEXT, Reading, read_rows, source_of
from verify.columns.plain import PlainTable, plain_table
from verify.following.course import GROUPS
from verify.printed.forms import read_grid
from verify.spreadsheet.workbook import is_workbook
from verify.tabular.grid import MAX_CELLS, Grid, Source
from verify.tabular.objects import Rows
from verify.tabular.written import Row

LONG = 3000  # rows from which on a table is looked at so
HEAD = 20  # rows that tell what the columns are


@dataclass(frozen=True)
class PlainClaims:
    """A plain table whose first row has the claims `first`, one for each column; so has every other of its step.

    `units` is how many units of its last digit a number may be off, by the author's word; `head` are the first rows.
    """

    table: PlainTable
    first: tuple[Claim, ...]
    units: int | None
    head: Grid

    @property
    def source(self) -> str:
        """What holds the claims."""
        return self.table.source.name

    @property
    def told(self) -> str:
        """How the table was read: there is nothing else to tell."""
        return _told(len(self.table.steps))

    @cached_property
    def reading(self) -> Reading:
        """All claims of the table, as the reader of all tables finds them."""
        return Reading(tuple(self._claims()), told=self.told)

    @property
    def grid(self) -> Grid:
        """The table, each row of which is made where it is asked for."""
        rows = _MadeRows(len(self.table.steps) + 1, self._row)
        return Grid(rows, self.head.form)

    def claim(self, row: int, column: int) -> Claim:
        """The claim of a row, counted from 0, in a column, that of the step not counted."""
        return self._claim(self.table.row(row), int(self.table.steps[row]), column)

    def _claims(self) -> Iterator[Claim]:
        columns = range(len(self.first))
        for row, step in enumerate(self.table.steps.tolist()):
            cells = self.table.row(row)
            for column in columns:
                yield self._claim(cells, step, column)

    def _claim(self, cells: Row, step: int, column: int) -> Claim:
        like, written = self.first[column].cell, cells[column + 1]
        cell = Cell(step, like.quantity, like.entry, like.position, like.written)
        return Claim(cell, read_literal(written.text).off_by(self.units), written.place)

    def _row(self, number: int) -> Row:
        return self.head.rows[0] if not number else self.table.row(number - 1)


class _MadeRows(Sequence[Row]):
    """Rows of a table, each made once, where it is asked for."""

    def __init__(self, many: int, make: Callable[[int], Row]) -> None:
        self.many, self.make = many, make
        self.made: dict[int, Row] = {}

    def __len__(self) -> int:
        return self.many

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(self.many))]
        if not -self.many <= place < self.many:
            raise IndexError(place)
        number = place % self.many
        if number not in self.made:
            self.made[number] = self.make(number)
        return self.made[number]


def plain_claims(run: Run, timeline: Timeline, given: str | os.PathLike[str] | Rows | None) -> PlainClaims | None:
    """The claims of a long plain table; None of any other one, and where the problem says how it is meant."""
    stated = run.watched.claims
    source = _text(given) if run.settings.until is None and (stated is None or stated.log is None) else None
    if source is None or source.text.count("\n") < LONG or source.text.count("\n") + source.text.count(",") > MAX_CELLS:
        return None
    table = plain_table(source)
    if table is None or not len(table.steps) >= LONG or table.steps[-1] > len(timeline.batches):
        return None
    return _by_head(table, timeline)


def _text(given: str | os.PathLike[str] | Rows | None) -> Source | None:
    """The text of a table; None where it stands in a workbook, in no text, or in what can be read only once."""
    if not isinstance(given, str | os.PathLike):
        return None
    if isinstance(given, str) and "\n" in given:
        return Source(TEXT, given)
    try:
        return None if not Path(given).is_file() or is_workbook(given) else source_of(given)
    except (ClaimError, OSError, ValueError):  # such as of a name that is too long for a file
        return None  # which is said where it is read as any other


def _told(rows: int) -> str:
    """What is told of a table of which there is nothing else to tell."""
    return f"read as CSV, {rows} rows"


def _by_head(table: PlainTable, timeline: Timeline) -> PlainClaims | None:
    """The claims of a table by those of its head; None where that is not plain.

    So it is where each of its rows claims the same of its step, and nothing is to be told of how it is read.
    """
    try:
        head = read_grid(table.head(HEAD))
        reading = read_rows(head, timeline)
    except ClaimError:
        return None
    many = table.values.shape[1]
    is_plain = not (reading.unread or reading.empty) and reading.told == _told(HEAD)
    if not is_plain or len(reading.claims) != HEAD * many:
        return None
    for place, claim in enumerate(reading.claims):
        row, column = divmod(place, many)
        like, cell = reading.claims[column], claim.cell
        written = table.row(row)[column + 1]
        same = (cell.quantity, cell.entry, cell.position, claim.told) == (*_about(like), "")
        if (
            not same
            or cell.step != table.steps[row]
            or claim.place != written.place
            or claim.literal.text != written.text
        ):
            return None
    claims = reading.claims[:many]
    quantities = [claim.cell.quantity for claim in claims]
    if any(own.group not in GROUPS or SIZE in timeline.names.shape(own) for own in quantities):
        return None
    return PlainClaims(table, claims, timeline.units, head)


def _about(claim: Claim) -> tuple[Quantity, tuple[int, ...], tuple[int, ...]]:
    return claim.cell.quantity, claim.cell.entry, claim.cell.position
