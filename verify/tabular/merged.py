"""Cells that are merged into one, in a workbook, a page, a wiki or LaTeX: which rows and columns they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from derive.errors import ClaimError
from verify.tabular.grid import MAX_CELLS, Grid, left_out
from verify.tabular.index import with_index_name
from verify.tabular.written import PLACES, Row, Written, place_word

WIDEST = 1000  # columns that a cell may be over
TOO_MANY = f"more than {MAX_CELLS:,} cells; claim fewer steps"

Spanning = tuple[Written, int, int]  # a cell, and over how many rows and columns it is


@dataclass(frozen=True)
class Merged:
    """Cells that are merged into one, from the first row and column to the last, all counted from 0.

    `name` is what a spreadsheet calls them, `B3:B5`; nothing where they have none.
    """

    name: str
    top: int
    left: int
    bottom: int
    right: int

    @property
    def called(self) -> str:
        """What a message calls them."""
        return f"the cells {self.name}, which are merged" if self.name else f"a cell over {self._size}"

    @property
    def _size(self) -> str:
        sizes = {"row": self.bottom - self.top + 1, "column": self.right - self.left + 1}
        return " and ".join(f"{size} {what}s" for what, size in sizes.items() if size > 1)


def spread_out(rows: Sequence[Sequence[Spanning]]) -> tuple[list[Row], list[Merged]]:
    """The rows with empty cells where one cell of them, or of the rows above, is over several; and which ones are.

    Raises `ClaimError` for too many cells.
    """
    found: list[Row] = []
    merged: list[Merged] = []
    covered: dict[int, int] = {}  # the columns that a cell above covers, each up to which row
    cells = 0
    for number, spanning in enumerate(rows):
        row: Row = []
        for cell, down, right in spanning:
            row += _covered(covered, number, len(row), cell)
            at = len(row)
            row += [cell, *(replace(cell, text="") for _ in range(min(right, WIDEST) - 1))]
            covered |= dict.fromkeys(range(at, len(row)), number + down - 1)
            if (down, right) != (1, 1):
                merged.append(Merged("", number, at, number + down - 1, len(row) - 1))
        if row:
            row += _covered(covered, number, len(row), row[-1])
        found.append(row)
        cells += len(row)
        if cells > MAX_CELLS:
            raise ClaimError(TOO_MANY, row[0].place)
    return found, merged


def _covered(covered: Mapping[int, int], number: int, at: int, cell: Written) -> Row:
    """Empty cells where cells of the rows above reach down to the next places of this row."""
    end = at
    while covered.get(end, -1) >= number:
        end += 1
    return [replace(cell, text="")] * (end - at)


def grid_of_merged(rows: list[Row], merged: Sequence[Merged], form: str) -> Grid:
    """The table with each of its merged cells by itself; a row of one cell over all columns is a title, and told.

    Raises `ClaimError` for too many cells, and where a cell names several columns.
    """
    if not merged:
        return Grid(rows, form)
    merged = [replace(one, bottom=min(one.bottom, len(rows) - 1)) for one in merged]
    width = max(map(len, rows))
    if width * len(rows) > MAX_CELLS:
        raise ClaimError(TOO_MANY, rows[0][0].place)
    rows = [[*row, *(replace(row[-1], text="") for _ in range(width - len(row)))] for row in rows]
    titles = {one.top for one in merged if (one.left, one.right) == (0, width - 1)}
    begin = next((at for at in range(len(rows)) if at not in titles), 0)
    header, body = unmerged(rows, merged, begin)
    return Grid([header, *body], form, told=left_out("title", [rows[at][0].place for at in range(begin)]))


def unmerged(rows: list[Row], merged: Sequence[Merged], begin: int = 0) -> tuple[Row, list[Row]]:
    """The names and the rows of a table whose names begin in the row `begin`, each cell by itself.

    All rows are as wide, and what a merged cell covers is empty. Raises `ClaimError` where one names several columns.
    """
    header, end = _header(rows, begin, merged)
    first = [header, *rows[end : end + 2]]
    with_name = with_index_name(first)  # in a row of its own, as pandas writes it
    header, end = with_name[0], end + len(first) - len(with_name)
    for one in merged:
        if one.top >= end:
            _spread(rows, one, header)
    return header, rows[end:]


def _header(rows: Sequence[Row], begin: int, merged: Sequence[Merged]) -> tuple[Row, int]:
    """The names of the columns, and the row with which the numbers begin.

    A name merged over several columns is that of a group: it stands before the names of its columns, in the row below.
    """
    if begin >= len(rows):
        return [], begin
    heads = [one for one in merged if one.top == begin]
    groups = [one for one in heads if one.right > one.left]
    last = max([one.bottom for one in heads] + [one.bottom + 1 for one in groups], default=begin)
    for group in groups:
        below = rows[group.bottom + 1][group.left : group.right + 1] if group.bottom + 1 < len(rows) else []
        if not below or not all(cell.text and not _is_number(cell.text) for cell in below):
            place = rows[begin][group.left].place
            called = f" {group.name}" if group.name else ""
            message = f"the merged cell{called} names {group.right - group.left + 1} columns"
            raise ClaimError(f"{message}; unmerge it, and give each column a name of its own", place)
    header = []
    for at, cell in enumerate(rows[begin]):
        over = next((one for one in groups if one.left <= at <= one.right), None)
        above = [] if over is None else [rows[begin][over.left]]
        first = begin if over is None else over.bottom + 1
        parts = [one for one in (*above, *(row[at] for row in rows[first : last + 1])) if one.text]
        header.append(replace(parts[-1], text=" ".join(part.text for part in parts)) if parts else cell)
    return header, last + 1


def _is_number(text: str) -> bool:
    return text.lstrip("+-−.,")[:1].isdigit()


def _spread(rows: list[Row], merged: Merged, header: Row) -> None:
    """What a merged cell says of the rows that it covers: a step or epoch is that of all of them.

    Any other number could be about one of them or about all, as the mean of an epoch is, and is not read.
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
    remedy = "unmerge them" if merged.name else "write it in the row of its step"
    why = f"stands in {merged.called}: which row it is about is not told; {remedy}"
    rows[merged.top][merged.left] = replace(cell, why=why)
