"""Rows and columns that a program has left out of a table: it prints dots in their place."""

from __future__ import annotations

from dataclasses import replace

from verify.tabular.grid import Grid
from verify.tabular.written import Row, is_dots


def without_dots(grid: Grid) -> Grid:
    """The table without its rows and columns of dots, which are told.

    Rows below such a row are no longer counted by their places: where nothing else does, its place is the `gap`.
    """
    rows = [row for row in grid.rows if not _is_of_dots(row)]
    left = {at for at, cell in enumerate(rows[0]) if is_dots(cell.text)} if rows and len(rows[0]) > 1 else set()
    if len(rows) == len(grid.rows) and not left:
        return grid
    width = {len(row) for row in rows}
    is_whole = len(width) == 1 and all(not row[at].text or is_dots(row[at].text) for row in rows for at in left)
    if left and is_whole:
        rows = [[cell for at, cell in enumerate(row) if at not in left] for row in rows]
    told = [
        grid.told,
        "rows of dots passed over" if len(rows) < len(grid.rows) else "",
        "columns of dots passed over" if left and is_whole else "",
    ]
    gaps = (row[0].place for row, below in zip(grid.rows, grid.rows[1:], strict=False) if _is_gap(row, below))
    return replace(grid, rows=rows, told=", ".join(filter(None, told)), gap=grid.gap or next(gaps, None))


def _is_of_dots(row: Row) -> bool:
    filled = [cell.text for cell in row if cell.text]
    return bool(filled) and all(map(is_dots, filled))


def _is_gap(row: Row, below: Row) -> bool:
    """Whether a row of dots stands above another one."""
    return _is_of_dots(row) and any(cell.text for cell in below)
