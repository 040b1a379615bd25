"""One sheet of a workbook as a table: titles above it, merged cells, and empty columns are told apart from numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from derive.errors import ClaimError, Place
from verify.tabular.arrays import is_array
from verify.tabular.grid import Grid, PartError, with_points
from verify.tabular.merged import Merged, unmerged
from verify.tabular.written import NO_CLAIM, Row, Written, is_words

MAX_CELLS = 10**6  # of a sheet
NOT_CALCULATED = "is a formula that was saved without its result; open and save the workbook in the spreadsheet"
DATE = "is a date, which a spreadsheet makes of 1.2 or 2/1; format the cell as text, and type the number again"
FRACTIONS = "fractions by the numbers behind them"  # told, where a sheet shows some
_NUMERAL = re.compile(r"[-+−]?[\d.,]*\d[\d.,]*(?:e[-+]?\d+)?\s*%?", re.IGNORECASE)


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
    mark the texts have. `told` is what is to be said of how they are shown.
    """

    name: str
    rows: Sequence[Row]
    merged: Sequence[Merged]
    numbers: frozenset[tuple[int, int]]
    told: str = ""

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
    end = _without_notes(rows, sheet.numbers, begin) if wide else len(rows)
    notes = [cell for row in rows[end:] for cell in row if cell.text]
    rows = rows[:end]
    header, body = unmerged(rows, sheet.merged, begin)
    table = [header, *body]
    used = [at for at in range(len(header)) if any(row[at].text or row[at].why for row in table)]
    above = f"{titles} title line{'s' if titles > 1 else ''} above it passed over" if titles else ""
    told = ", ".join(filter(None, (above, sheet.told)))
    return Grid([[row[at] for at in used] for row in table], form, told=told, odd=tuple(map(_beside, notes)))


def _without_notes(rows: Sequence[Row], numbers: Collection[tuple[int, int]], begin: int) -> int:
    """Where the table ends, above the lines at the end that hold words and no number."""
    end = len(rows)
    while end > begin + 2 and _is_note(rows[end - 1], [(end - 1, at) in numbers for at in range(len(rows[end - 1]))]):
        end -= 1
    return end


def _is_note(row: Row, numbers: Sequence[bool]) -> bool:
    """Whether a row has one text that is no number, or words alone; an empty one may stand above such."""
    filled = [(cell, is_number) for cell, is_number in zip(row, numbers, strict=True) if cell.text or cell.why]
    if any(is_number or cell.why for cell, is_number in filled):
        return False
    if len(filled) == 1:
        text = filled[0][0].text
        return text.lower() not in NO_CLAIM and not _NUMERAL.fullmatch(text) and not is_array(text)
    return all(is_words(cell.text) for cell, _ in filled)


def _beside(note: Written) -> PartError:
    """What is said of a note below a table, which may be a claim by itself."""
    error = PartError("a note below the table is not read", note.place)
    error.part = note.text
    return error


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
