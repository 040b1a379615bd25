"""One sheet of a workbook as a table: titles above it, merged cells, and empty columns are told apart from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.errors import ClaimError, Place
from verify.tabular.grid import Grid, with_points
from verify.tabular.merged import Merged, unmerged
from verify.tabular.written import Row, Written

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
    header, body = unmerged(rows, sheet.merged, begin)
    table = [header, *body]
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
