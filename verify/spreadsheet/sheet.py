"""One sheet of a workbook as a table: titles above it, merged cells, and empty columns are told apart from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.errors import ClaimError, Place
from verify.tabular.grid import Grid, with_points
from verify.tabular.written import PLACES, Row, Written, place_word

MAX_CELLS = 10**6  # of a sheet
NOT_CALCULATED = "is a formula that was saved without its result; open and save the workbook in the spreadsheet"
DATE = "is a date, which a spreadsheet makes of 1.2 or 2/1; format the cell as text, and type the number again"


def place_of(name: str, sheet: str, cell: str, sheets: int) -> Place:
    """Where a cell is: `mine.xlsx, B3`, with the name of its sheet where there are several."""
    return Place(f"{name}, {sheet}!{cell}" if sheets > 1 else f"{name}, {cell}")


def check_size(name: str, cells: int) -> None:
    """Raises `ClaimError` for a sheet of too many cells."""
    if cells > MAX_CELLS:
        message = f"{name} has a sheet of more than {MAX_CELLS:,} cells; delete the rows and columns around the table"
        raise ClaimError(message, Place(name))


@dataclass(frozen=True)
class Merged:
    """Cells that are merged into one, from the first row and column to the last, all counted from 0."""

    name: str
    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet, row by row from its first cell on, and which of them are merged.

    `numbers` are the places of the cells that hold a number rather than a text: they have a decimal point, whatever
    mark the texts have.
    """

    name: str
    rows: Sequence[Row]
    merged: Sequence[Merged]
    numbers: frozenset[tuple[int, int]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return not any(cell.text for row in self.rows for cell in row)


def grid_of(sheet: Sheet, form: str) -> Grid:
    """The table of a sheet. Raises `ClaimError` where a merged cell names several columns."""
    rows = [list(row) for row in _with_points(sheet)]
    first = next((at for at, row in enumerate(rows) if _filled(row)), 0)
    wide = any(_filled(row) > 1 for row in rows)
    begin = first
    while wide and begin < len(rows) and _filled(rows[begin]) <= 1:
        begin += 1
    titles = sum(bool(_filled(row)) for row in rows[first:begin])
    header, end = _header(rows, begin, sheet.merged)
    for merged in sheet.merged:
        if merged.top >= end:
            _spread(rows, merged, header)
    table = [header, *rows[end:]]
    used = [at for at in range(len(header)) if any(row[at].text or row[at].why for row in table)]
    told = f"{titles} title line{'s' if titles > 1 else ''} above it passed over" if titles else ""
    return Grid([[row[at] for at in used] for row in table], form, told=told)


def _filled(row: Row) -> int:
    return sum(bool(cell.text) for cell in row)


def _with_points(sheet: Sheet) -> list[Row]:
    """The rows with decimal points: the texts of a sheet tell among themselves which mark they have."""
    texts = [
        [Written("", cell.place) if (at, k) in sheet.numbers else cell for k, cell in enumerate(row)]
        for at, row in enumerate(sheet.rows)
    ]
    if not texts:
        return []
    pointed = with_points(Grid([[], *texts], ""))[0].rows[1:]
    return [
        [cell if (at, k) in sheet.numbers else read for k, (cell, read) in enumerate(zip(row, other, strict=True))]
        for at, (row, other) in enumerate(zip(sheet.rows, pointed, strict=True))
    ]


def _header(rows: Sequence[Row], begin: int, merged: Sequence[Merged]) -> tuple[Row, int]:
    """The names of the columns, and the row with which the numbers begin.

    A name merged over several columns is that of a group: the names of its columns stand in the row below it.
    """
    if begin >= len(rows):
        return [], begin
    heads = [one for one in merged if one.top == begin]
    groups = [one for one in heads if one.right > one.left]
    last = max([one.bottom for one in heads] + [one.bottom + 1 for one in groups], default=begin)
    for group in groups:
        below = rows[group.bottom + 1][group.left : group.right + 1] if group.bottom + 1 < len(rows) else []
        if not below or not all(cell.text and not _is_number(cell) for cell in below):
            place = rows[begin][group.left].place
            message = f"the merged cell {group.name} names {group.right - group.left + 1} columns"
            raise ClaimError(f"{message}; unmerge it, and give each column a name of its own", place)
    header = []
    for at, cell in enumerate(rows[begin]):
        over = next((one for one in groups if one.left <= at <= one.right), None)
        first = begin if over is None else over.bottom + 1
        parts = [row[at] for row in rows[first : last + 1] if row[at].text]
        header.append(replace(parts[0], text=" ".join(part.text for part in parts)) if parts else cell)
    return header, last + 1


def _is_number(cell: Written) -> bool:
    return cell.text.lstrip("+-−.,")[:1].isdigit()


def _spread(rows: list[Row], merged: Merged, header: Row) -> None:
    """What a merged cell says of the rows that it covers: a step or epoch is that of all of them.

    Any other number could be about one of them or about all, and is not read.
    """
    if merged.top >= len(rows) or merged.left >= len(rows[merged.top]):
        return
    cell = rows[merged.top][merged.left]
    if not cell.text:
        return
    if merged.left == merged.right and place_word(header[merged.left].text) in PLACES:
        for at in range(merged.top, min(merged.bottom + 1, len(rows))):
            rows[at][merged.left] = replace(cell, place=rows[at][merged.left].place)
        return
    why = f"stands in the cells {merged.name}, which are merged: which row it is about is not told; unmerge them"
    rows[merged.top][merged.left] = replace(cell, why=why)
