"""A CSV file with the data: a header, and exact numbers below it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from io import StringIO
from pathlib import Path

from derive.characters import normalise
from derive.errors import DataError, Place, shorten, suggestion
from derive.source.files import read_text
from derive.source.numerals import NumeralError, exact, last_digit, shown

MAX_CSV = 100 * 10**6  # bytes; a larger file is refused

Row = tuple[int, list[str]]  # the number of the line, and its cells


@dataclass(frozen=True)
class CsvFile:
    """The rows of `name` that are not blank; `header` are the names of the columns, without the spaces around them."""

    name: str
    header: list[str]
    rows: list[Row]
    header_place: Place

    @cached_property
    def by_name(self) -> Mapping[str, str]:
        """The names of the columns as they are compared → as they are written."""
        return {normalise(written): written for written in self.header if written}

    @property
    def columns_text(self) -> str:
        """The names of the columns, for a message."""
        return ", ".join(map(shorten, self.by_name.values()))

    def find(self, entry: object, place: Place) -> str:
        """Returns the header's spelling of the column `entry`. Raises `DataError`, at `place`, where there is none."""
        written = self.by_name.get(normalise(entry)) if isinstance(entry, str) else None
        if written is None:
            hint = suggestion(str(entry), self.by_name) or f"; the columns are {self.columns_text}"
            raise DataError(f"no column {shown(entry)}{hint}", place)
        return written

    def numbers(self, written: str) -> tuple[Fraction, ...]:
        """Returns the numbers of one column, from top to bottom. Raises `DataError` for a cell that is no number."""
        position = self.header.index(written)
        return tuple(_number(row[position].strip(), written, self.name, line) for line, row in self.rows)

    def digits(self, written: str) -> tuple[int | None, ...]:
        """Returns the powers of ten of the last digits of a column whose cells are all numbers."""
        position = self.header.index(written)
        return tuple(last_digit(row[position]) for _, row in self.rows)


def read_csv(folder: Path, name: str, place: Place | None = None) -> CsvFile:
    """The CSV file `name` in `folder`; `place` is where the problem file names it. Raises `DataError`."""
    text = read_text(folder / name, limit=MAX_CSV, what="a CSV file with the data", error=DataError, place=place)
    (line, cells), *rows = _rows(text, name)
    header_place = Place(name, line)
    return CsvFile(name, _header(cells, header_place), rows, header_place)


def _rows(text: str, name: str) -> list[Row]:
    """The rows that are not blank, each with its line number, all as wide as the first one."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"not CSV: {error}", Place(name, reader.line_num)) from None
    if not rows:
        raise DataError(f"{name} is empty; expected a line with the names of the columns", Place(name))
    _refuse_other_separators(rows[0], text, name)
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width:
            raise DataError(f"{len(row)} cells in this row; expected {width}, as in the first line", Place(name, line))
    return rows


_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


def _refuse_other_separators(first: Row, text: str, name: str) -> None:
    """The first line in one piece, with signs in it that separate cells elsewhere."""
    line, cells = first
    found = next((sign for sign in _SEPARATORS if sign in cells[0]), None) if len(cells) == 1 else None
    if found is not None:
        written = text.split("\n")[line - 1]
        raise DataError(
            f"the cells of {name} are separated by {_SEPARATORS[found]}; expected commas (and points in numbers): "
            "save it with commas",
            Place(name, line, written.find(found) + 1, written),
        )


def _header(cells: list[str], place: Place) -> list[str]:
    """The names of the columns, without the spaces around them."""
    header = [cell.strip() for cell in cells]
    seen: dict[str, str] = {}
    for written in filter(None, header):
        earlier = seen.setdefault(normalise(written), written)
        if header.count(written) > 1:
            raise DataError(f"two columns are named {shorten(written)}; rename one", place)
        if earlier != written:
            raise DataError(same_name(earlier, written), place)
    if all(_is_number(cell) for cell in header):
        raise DataError("the first line holds numbers; expected the names of the columns", place)
    return header


def same_name(first: str, second: str) -> str:
    """The message for two spellings that are compared as one name."""
    return f"{first!r} and {second!r} are the same name after Unicode normalisation (NFKC); rename one"


def _is_number(cell: str) -> bool:
    try:
        exact(cell)
    except NumeralError:
        return False
    return True


def _number(cell: str, written: str, source: str, line: int) -> Fraction:
    """The number in a cell of the column `written`."""
    if not cell:
        raise DataError(f"column {written!r} has an empty cell; expected a number", Place(source, line))
    try:
        return exact(cell)
    except NumeralError as error:
        raise DataError(f"column {written!r}: {shown(cell)} {error}; expected a number", Place(source, line)) from None
