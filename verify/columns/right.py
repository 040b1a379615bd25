"""A long table all of whose numbers are right, judged a column at once: no claim is made before somebody asks for it.

Where anything in the table is not plain, or a number not right, nothing is said here, and the table is read and judged
claim by claim. So its head, which tells what the columns are, is read by the reader of all tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from derive.errors import ClaimError, ProblemError
from derive.graph.node import SIZE
from derive.run.run import Run
from verify.claims.claim import Claim, Quantity
from verify.claims.literal import judge, read_literal
from verify.claims.places import Timeline
from verify.claims.table import TEXT, read_rows, source_of
from verify.columns.order import in_order
from verify.columns.plain import PlainTable, plain_table
from verify.following.course import GROUPS, course
from verify.following.extent import of_steps
from verify.following.finding import Finding, Status
from verify.following.own_numbers import ENOUGH_IN_TABLE, ENOUGH_OTHERS
from verify.following.right_values import MAX_BY_STEPS, PRECISIONS
from verify.hand.leap import is_far
from verify.numbers import Exactly, Floats, Truth, precision, radius, to_float
from verify.printed.forms import read_grid
from verify.spreadsheet.workbook import is_workbook
from verify.tabular.grid import MAX_CELLS, Source
from verify.tabular.objects import Rows

LONG = 3000  # rows from which on a table is looked at so
HEAD = 20  # rows that tell what the columns are
_FEW = 1000  # numbers that are looked at by themselves, where their column does not decide them
_SLACK = 1 - 2.0**-40  # of what a number may be off


@dataclass(frozen=True)
class RightColumns(Sequence[Finding]):
    """The findings of a table whose numbers are all right, in the order of calculation, made when they are asked for.

    `first` are the claims of its first row in that order, each with the column in which it stands.
    """

    table: PlainTable
    first: tuple[tuple[Claim, int], ...]
    units: int | None
    values: tuple[Sequence[Exactly], ...]  # of each of them, by step

    def __len__(self) -> int:
        return len(self.table.steps) * len(self.first)

    @overload
    def __getitem__(self, place: int) -> Finding: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Finding]: ...

    def __getitem__(self, place: int | slice) -> Finding | Sequence[Finding]:
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        row, column = divmod(place % len(self), len(self.first))
        return self._finding(row, column)

    def __iter__(self) -> Iterator[Finding]:
        many = range(len(self.first))
        return (self._finding(row, column) for row in range(len(self.table.steps)) for column in many)

    def _finding(self, row: int, column: int) -> Finding:
        like, position = self.first[column]
        step, written = int(self.table.steps[row]), self.table.row(row)[position]
        literal = read_literal(written.text).off_by(self.units)
        claim = replace(like, cell=replace(like.cell, step=step), literal=literal, place=written.place)
        return Finding(claim, Status.RIGHT, self.values[column][step - 1])

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.table.steps)

    def of_rows(self, rows: int) -> Sequence[Finding]:
        """The findings of the first rows."""
        return self[: rows * len(self.first)]


def right_columns(
    run: Run, timeline: Timeline, given: str | os.PathLike[str] | Rows | None
) -> tuple[str, str, RightColumns] | None:
    """Where the claims come from, how their table was read, and what is found of them.

    None where anything but right numbers may be found, and where the estimate is beyond the limit.
    """
    stated = run.watched.claims
    source = _text(given) if run.settings.until is None and (stated is None or stated.log is None) else None
    if source is None or source.text.count("\n") < LONG or source.text.count("\n") + source.text.count(",") > MAX_CELLS:
        return None
    table = plain_table(source)
    if table is None or not len(table.steps) >= LONG or table.steps[-1] > min(len(timeline.batches), MAX_BY_STEPS):
        return None
    first = _first(run, table, timeline)
    last, count = int(table.steps[-1]), len(table.steps)
    if first is None or is_far((0, *table.steps.tolist())):
        return None
    try:
        of_steps(run, last, 0).check(run.settings.limit)  # the claims cost next to nothing
    except ProblemError:
        return None  # which is told with what the claims would take
    for rows in (HEAD, count):  # what is wrong everywhere is so at its head
        values = _values(run, first, int(table.steps[rows - 1]))
        if values is None or not _are_right(table, first, values, rows, timeline.units):
            return None
    assert values is not None
    return source.name, _told(count), RightColumns(table, first, timeline.units, values)


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


def _first(run: Run, table: PlainTable, timeline: Timeline) -> tuple[tuple[Claim, int], ...] | None:
    """The claims of the first row in the order of calculation, each with its column; None where the head is not plain.

    So it is where each of its rows claims the same of its step, and nothing is to be told of how it is read.
    """
    try:
        reading = read_rows(read_grid(table.head(HEAD)), timeline)
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
    columns = {claim.cell: column for column, claim in enumerate(claims, start=1)}
    return tuple((claim, columns[claim.cell]) for claim in in_order(run, claims))


def _about(claim: Claim) -> tuple[Quantity, tuple[int, ...], tuple[int, ...]]:
    return claim.cell.quantity, claim.cell.entry, claim.cell.position


def _values(run: Run, first: Sequence[tuple[Claim, int]], last: int) -> tuple[Sequence[Exactly], ...] | None:
    """The right numbers of every step up to the last one, of each of the columns; None where they are not known so."""
    wanted = [(claim.cell.quantity.group, claim.cell.quantity.name, claim.cell.position) for claim, _ in first]
    found = course(run, wanted, last)
    return None if found is None else tuple(found[own] for own in wanted)


def _are_right(
    table: PlainTable,
    first: Sequence[tuple[Claim, int]],
    values: Sequence[Sequence[Exactly]],
    rows: int,
    units: int | None,
) -> bool:
    """Whether each of the numbers in the first `rows` rows is the right one, printed as it should be.

    By float64 where that tells; nearly at the end of what a number can stand for, by its digits.
    """
    steps = table.steps[:rows].tolist()
    of_table = _coarsest(table.values[:rows], table.places[:rows], ENOUGH_IN_TABLE)
    for (_, position), own in zip(first, values, strict=True):
        of_rows = [own[step - 1] for step in steps]
        claimed = table.values[:rows, position - 1]
        written = table.places[:rows, position - 1]
        places = _places_of_zeros(claimed, written, of_table)
        slack: Floats = (0.5 if units is None else float(units)) * np.power(10.0, -places)
        open_ = np.flatnonzero(~_surely_right(claimed, slack, of_rows))
        if len(open_) > _FEW:
            return False
        with precision(PRECISIONS[-1]):
            for row in open_.tolist():
                literal = read_literal(table.row(row)[position].text)
                literal = (literal if places[row] == written[row] else literal.with_zeros(int(places[row]))).off_by(
                    units
                )
                if judge(literal, of_rows[row]) != "right":
                    return False
    return True


def _places_of_zeros(claimed: Floats, places: NDArray[np.int64], of_table: int) -> NDArray[np.int64]:
    """The places of a column, those of an integer 0 as `zeros_of_places` has them."""
    coarsest = _coarsest(claimed, places, ENOUGH_OTHERS)
    return np.where((claimed == 0) & (places == 0), of_table if coarsest < 0 else coarsest, places).clip(0)


def _coarsest(claimed: Floats, places: NDArray[np.int64], enough: int) -> int:
    """The fewest places after the point of the numbers that are not 0; -1 where these are not enough to show it."""
    others = claimed != 0
    return int(places[others].min()) if np.count_nonzero(others) >= enough else -1


def _surely_right(claimed: Floats, slack: Floats, right: Sequence[Exactly]) -> Truth:
    """Where the right numbers are nearer than `slack` to what is claimed, whatever float64 loses.

    It loses half a unit in the last place of each of the two, and of their difference, at most; of the slack, in its
    power of ten and the product, less than 2^-40 of it. `-0.00` is not printed for all that is so near.
    """
    mid, rad = np.array([to_float(number) for number in right]), np.array([radius(number) for number in right])
    with np.errstate(all="ignore"):
        off = np.abs(mid - claimed) + rad + 2.0**-52 * (np.abs(mid) + np.abs(claimed))
        return np.asarray((off <= slack * _SLACK) & ~((claimed == 0) & np.signbit(claimed)))
