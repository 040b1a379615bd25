"""Sheets of an OpenDocument spreadsheet, read by odfpy.

A cell of the file holds both the text that it shows and the number behind it. The text has the digits, with the decimal
mark of its author's language; the number tells which of its marks is the decimal one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from itertools import count
from typing import Any

from derive.errors import Place
from verify.spreadsheet.number_format import general
from verify.spreadsheet.sheet import DATE, FRACTIONS, MAX_CELLS, NOT_CALCULATED, Sheet, check_size, place_of
from verify.tabular.merged import Merged
from verify.tabular.written import Row, Written

_SHOWN = re.compile(
    r"[^\d.,+\-−]*(?P<number>[+\-−]?[\d.,' \u00a0\u202f’]*\d)(?P<power>[eE][+-]?\d+)?(?P<percent>\s*%)?[^\d]*"
)
_FRACTION = re.compile(r"[-−]?(?:\d+ )?\d+/\d+")


def open_document_sheets(name: str, content: bytes) -> Iterator[Sheet]:
    """The sheets of an OpenDocument spreadsheet."""
    from odf.opendocument import load
    from odf.table import Table, TableRow

    tables = load(BytesIO(content)).spreadsheet.getElementsByType(Table)
    for table in tables:
        title = str(table.getAttribute("name"))
        rows: list[Row] = []
        numbers: set[tuple[int, int]] = set()
        merged: list[Merged] = []
        empty = 0  # rows, which count only where another follows
        has_fractions = False
        for element in table.getElementsByType(TableRow):
            repeated = int(element.getAttribute("numberrowsrepeated") or 1)
            cells = _expanded(element)
            if not any(cell is not None for cell in cells):
                empty += repeated
                continue
            check_size(name, (len(rows) + empty + repeated) * len(cells))
            rows += [[] for _ in range(empty)]
            empty = 0
            has_fractions = has_fractions or any(_FRACTION.fullmatch(_text(cell)) for cell in cells if _is_number(cell))
            for _ in range(repeated):
                rows.append(_open_row(cells, len(rows), name, title, len(tables), numbers, merged))
        yield Sheet(
            title,
            _rectangular(rows, name, title, len(tables)),
            merged,
            frozenset(numbers),
            FRACTIONS if has_fractions else "",
        )


def _expanded(row: Any) -> list[Any]:
    """The cells of a row, None for one that is empty; what is empty at its end is left out."""
    found: list[Any] = []
    empty = 0
    for cell in row.childNodes:
        if cell.qname[1] not in ("table-cell", "covered-table-cell"):
            continue
        repeated = int(cell.getAttribute("numbercolumnsrepeated") or 1)
        is_covered = cell.qname[1] == "covered-table-cell"
        if is_covered or not (cell.childNodes or cell.getAttribute("formula")):
            empty += repeated
            continue
        if empty + repeated > MAX_CELLS:
            raise ValueError
        found += [None] * empty + [cell] * repeated
        empty = 0
    return found


def _open_row(
    cells: Sequence[Any],
    at: int,
    name: str,
    title: str,
    sheets: int,
    numbers: set[tuple[int, int]],
    merged: list[Merged],
) -> Row:
    row: Row = []
    for column, cell in enumerate(cells):
        where = _address(at, column)
        place = place_of(name, title, where, sheets)
        if cell is None:
            row.append(Written("", place))
            continue
        row.append(_as_shown(cell, place))
        if _is_number(cell):
            numbers.add((at, column))
        down = int(cell.getAttribute("numberrowsspanned") or 1)
        right = int(cell.getAttribute("numbercolumnsspanned") or 1)
        if down > 1 or right > 1:
            last = _address(at + down - 1, column + right - 1)
            merged.append(Merged(f"{where}:{last}", at, column, at + down - 1, column + right - 1))
    return row


def _is_number(cell: Any) -> bool:
    return cell is not None and cell.getAttribute("valuetype") in ("float", "percentage", "currency")


def _address(row: int, column: int) -> str:
    """`B3` for the row 2 and the column 1, both from 0."""
    letters = ""
    for _ in count():
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
        if column < 0:
            break
    return f"{letters}{row + 1}"


def _rectangular(rows: Sequence[Row], name: str, title: str, sheets: int) -> list[Row]:
    """Rows of one length, as a table has them."""
    width = max(map(len, rows), default=0)
    check_size(name, width * len(rows))
    return [
        [*row, *(Written("", place_of(name, title, _address(at, k), sheets)) for k in range(len(row), width))]
        for at, row in enumerate(rows)
    ]


def _as_shown(cell: Any, place: Place) -> Written:
    """The cell as it is shown, and why it is not read."""
    kind = cell.getAttribute("valuetype")
    text = _text(cell)
    if _is_number(cell):
        return Written(_number(text, float(cell.getAttribute("value"))), place)
    if kind is None and cell.getAttribute("formula") and not text:
        return Written(str(cell.getAttribute("formula")), place, NOT_CALCULATED)
    return Written(text, place, DATE if kind in ("date", "time") else "")


def _text(cell: Any) -> str:
    """The text that a cell shows; a comment on it is none of it."""
    from odf import teletype
    from odf.text import P

    lines = [child for child in cell.childNodes if child.qname == P().qname]
    return "\n".join(str(teletype.extractText(line)) for line in lines).strip()


def _number(text: str, value: float) -> str:
    """The number with the digits of the text, where one reading of its marks gives the number; else with 15 digits."""
    match = _SHOWN.fullmatch(text)
    if match is not None:
        shift = -2 if match["percent"] else 0
        for read in _readings(match["number"]):
            shown = Decimal(f"{read}{match['power'] or ''}").scaleb(shift)
            unit = Decimal(1).scaleb(int(shown.as_tuple().exponent))
            if abs(shown - Decimal(general(value))) <= unit / 2:
                return f"{read}{match['power']}" if match["power"] else f"{shown:f}"
    return general(value)


def _readings(text: str) -> Iterator[str]:
    """The number where a point is its decimal mark, and where a comma is; the other mark separates thousands."""
    plain = re.sub(r"[' \u00a0\u202f’]", "", text.replace("−", "-"))
    for decimal, other in (".,", ",."):
        whole, mark, after = plain.partition(decimal)
        grouped = re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(other)}\d{{3}})+", whole)
        found = f"{whole.replace(other, '') if grouped else whole}{mark and '.'}{after}"
        if re.fullmatch(r"[+-]?\d*\.?\d+", found):
            yield found
