"""Reads the data of a problem file: columns of exact numbers, inline or from a CSV file.

A column has one number for each sample, or one row of numbers (a matrix), or more dimensions yet.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from pathlib import Path

from derive.arrays import Wording, read_array
from derive.errors import DataError, Place, shorten, suggestion
from derive.files import read_text
from derive.node import SIZE
from derive.numerals import NumeralError
from derive.paper import check_name
from derive.spelling import normalise
from derive.statement import Quantity
from derive.toml_text import Document
from derive.values import Numeral, exact, shown

MAX_CSV = 100 * 10**6  # bytes


@dataclass(frozen=True)
class Column:
    """One column of m samples; `written` is its name as spelled in the file.

    `row` is the shape of one sample: () for a number; `values` are flattened row by row.
    """

    written: str
    name: str
    values: tuple[Fraction, ...]
    place: Place
    row: tuple[int, ...] = ()

    @property
    def samples(self) -> int:
        """m, the number of samples."""
        return len(self.values) // math.prod(self.row)

    @property
    def quantity(self) -> Quantity:
        """The column as a quantity of shape (m,), or (m, …) for samples of several numbers."""
        return Quantity(self.name, (self.samples, *self.row), self.values)


def read_columns(document: Document, wanted: frozenset[str], folder: Path) -> tuple[tuple[Column, ...], list[str]]:
    """The columns of [data], and notes on what was left out.

    `wanted` are the names that the equations use and do not define; a CSV file, which is looked for
    in `folder`, gives those columns unless `columns` names others. Raises `DataError` or `ProblemError`.
    """
    if "data" not in document.content:
        return (), []
    table = document.table("data")
    if isinstance(table.get("file"), str):
        columns, notes = _from_csv(document, wanted, folder)
        _refuse_other_lengths(columns)
    else:
        columns, notes = read_inline(document, "data"), []
    notes.extend(f"data column {c.written!r} is not used in the equations" for c in columns if c.name not in wanted)
    return columns, notes


def csv_columns(document: Document, folder: Path) -> str:
    """`; d.csv has the columns 'x', 'y'`, for a name that is missing; empty where the data are not in a file."""
    file = document.table("data").get("file")
    if not isinstance(file, str):
        return ""
    text = read_text(folder / file, limit=MAX_CSV, what="a CSV file with the data", error=DataError)
    return f"; {file} has the columns {', '.join(map(shorten, filter(None, _header(_rows(text, file), file))))}"


def read_inline(document: Document, key: str) -> tuple[Column, ...]:
    """The columns that stand in the problem file itself, in the table `key`. Raises `DataError`."""
    columns: dict[str, Column] = {}
    for written, values in document.table(key).items():
        place = document.place(key, written)
        name = check_name(written, place)
        _refuse_same_name(written, name, columns, place)
        if not isinstance(values, list):
            raise DataError(
                f"data column {written!r} is {shown(values)}; "
                f"expected a list of numbers, such as {written} = [0, 1, 2]",
                place,
            )
        array = read_array(values, _wording(written), place)
        columns[name] = Column(written, name, array.values, place, array.shape[1:])
    if not columns:
        raise DataError(f"[{key}] has no columns; expected lists such as x = [0, 1, 2]", document.place(key))
    _refuse_other_lengths(tuple(columns.values()))
    return tuple(columns.values())


def _wording(written: str) -> Wording:
    """How messages speak of an inline column and its entries."""

    def entry(path: tuple[int, ...]) -> str:
        if len(path) == 1:
            return f"value {path[0] + 1} of column {written!r}"
        return f"{written}[{','.join(map(str, path))}]"

    return Wording(f"column {written!r}", "a number", DataError, entry)


def _from_csv(document: Document, wanted: frozenset[str], folder: Path) -> tuple[tuple[Column, ...], list[str]]:
    """The columns of the CSV file that [data] names: those of its header, renamed, or side by side."""
    groups = _groups(document)
    place = document.place("data", "file")
    file = document.words("data", "file") or ""
    text = read_text(folder / file, limit=MAX_CSV, what="a CSV file with the data", error=DataError, place=place)
    rows = _rows(text, file)
    header = _header(rows, file)
    by_name = {normalise(written): written for written in header if written}
    grouped = tuple(_grouped(group, by_name, header, rows, file) for group in groups)
    chosen = _choose(by_name, document, wanted, Place(file, rows[0][0]), groups)
    columns = tuple(_column(written, header.index(written), rows, file) for written in chosen)
    used = {*chosen, *(_find(entry, by_name, group.place) for group in groups for entry in group.entries)}
    ignored = [written for written in by_name.values() if written not in used]
    if document.table("data").get("columns") is not None or not ignored:
        return (*grouped, *columns), []
    return (*grouped, *columns), [f"ignored columns of {file}: {', '.join(map(repr, ignored))}"]


@dataclass(frozen=True)
class _Group:
    """`x = ["age", "fare"]` makes a matrix of two columns; `y = "label"` renames one (`single`)."""

    written: str
    name: str
    entries: tuple[str, ...]
    single: bool
    place: Place


def _groups(document: Document) -> tuple[_Group, ...]:
    """The entries of [data] beside `file` and `columns`."""
    groups: dict[str, _Group] = {}
    for written, value in document.table("data").items():
        if written in ("file", "columns"):
            continue
        place = document.place("data", written)
        name = check_name(written, place)
        if name in groups:
            raise DataError(_same_name(groups[name].written, written), place)
        listed = value if isinstance(value, list) else [value]
        entries = tuple(entry for entry in listed if isinstance(entry, str) and not isinstance(entry, Numeral))
        if not entries or len(entries) < len(listed):
            raise DataError(
                f"{written} stands beside a CSV file, and is {shown(value)}; expected the name of one of its columns, "
                f'or a list of names, such as {written} = ["age", "fare"]',
                place,
            )
        groups[name] = _Group(written, name, entries, not isinstance(value, list), place)
    return tuple(groups.values())


def _grouped(
    group: _Group, by_name: Mapping[str, str], header: list[str], rows: list[tuple[int, list[str]]], file: str
) -> Column:
    """The columns of a group side by side, or the one that is renamed."""
    found = [_find(entry, by_name, group.place) for entry in group.entries]
    single = [_cells(written, header.index(written), rows, file) for written in found]
    values = tuple(value for row in zip(*single, strict=True) for value in row)
    return _filled(Column(group.written, group.name, values, group.place, () if group.single else (len(found),)))


def _rows(text: str, file: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with its line number, all as wide as the first one."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"not CSV: {error}", Place(file, reader.line_num)) from None
    if not rows:
        raise DataError(f"{file} is empty; expected a line with the names of the columns", Place(file))
    _refuse_other_separators(rows[0], text, file)
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width:
            raise DataError(f"{len(row)} cells in this row; expected {width}, as in the first line", Place(file, line))
    return rows


_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


def _refuse_other_separators(first: tuple[int, list[str]], text: str, file: str) -> None:
    """The first line in one piece, with signs in it that separate cells elsewhere."""
    line, cells = first
    found = next((sign for sign in _SEPARATORS if sign in cells[0]), None) if len(cells) == 1 else None
    if found is not None:
        written = text.split("\n")[line - 1]
        raise DataError(
            f"the cells of {file} are separated by {_SEPARATORS[found]}; expected commas (and points in numbers): "
            "save it with commas",
            Place(file, line, written.find(found) + 1, written),
        )


def _header(rows: Sequence[tuple[int, list[str]]], file: str) -> list[str]:
    """The names of the columns, without the spaces around them."""
    line, cells = rows[0]
    header = [cell.strip() for cell in cells]
    seen: dict[str, str] = {}
    for written in filter(None, header):
        earlier = seen.setdefault(normalise(written), written)
        if header.count(written) > 1:
            raise DataError(f"two columns are named {shorten(written)}; rename one", Place(file, line))
        if earlier != written:
            raise DataError(_same_name(earlier, written), Place(file, line))
    if all(_is_number(cell) for cell in header):
        raise DataError("the first line holds numbers; expected the names of the columns", Place(file, line))
    return header


def _is_number(cell: str) -> bool:
    try:
        exact(cell)
    except NumeralError:
        return False
    return True


def _choose(
    by_name: Mapping[str, str], document: Document, wanted: frozenset[str], place: Place, groups: tuple[_Group, ...]
) -> list[str]:
    """The columns to read under their own names, as written in the header."""
    listed = document.table("data").get("columns")
    taken = {group.name: group.written for group in groups}
    if listed is None:
        free = wanted - {SIZE} - set(taken)  # a column n would be taken for the number of samples
        chosen = [written for name, written in by_name.items() if name in free]
        if not chosen and not groups:
            shown_names = ", ".join(map(shorten, by_name.values()))
            raise DataError(f"no column is used in the equations; the columns are {shown_names}", place)
        return chosen
    listed_place = document.place("data", "columns")
    if not isinstance(listed, list) or not listed:
        raise DataError(f'columns is {shown(listed)}; expected names, such as ["x", "y"]', listed_place)
    found = list(dict.fromkeys(_find(entry, by_name, listed_place) for entry in listed))
    for written in found:
        if normalise(written) in taken:
            raise DataError(f"{written!r} is listed in columns and defined beside it; keep one", listed_place)
    return found


def _find(entry: object, by_name: Mapping[str, str], place: Place) -> str:
    """The header's spelling of a column that the problem file lists."""
    written = by_name.get(normalise(entry)) if isinstance(entry, str) else None
    if written is None:
        hint = suggestion(str(entry), by_name) or f"; the columns are {', '.join(map(shorten, by_name.values()))}"
        raise DataError(f"no column {shown(entry)}{hint}", place)
    return written


def _column(written: str, position: int, rows: Sequence[tuple[int, list[str]]], file: str) -> Column:
    """One column of a CSV file under its own name."""
    header_place = Place(file, rows[0][0])
    name = check_name(written, header_place)
    return _filled(Column(written, name, _cells(written, position, rows, file), header_place))


def _cells(written: str, position: int, rows: Sequence[tuple[int, list[str]]], file: str) -> tuple[Fraction, ...]:
    """The numbers of one column of a CSV file."""
    values = []
    for line, row in rows[1:]:
        cell = row[position].strip()
        if not cell:
            raise DataError(f"column {written!r} has an empty cell; expected a number", Place(file, line))
        values.append(_number(cell, f"column {written!r}", Place(file, line)))
    return tuple(values)


def _number(value: str, where: str, place: Place) -> Fraction:
    try:
        return exact(value)
    except NumeralError as error:
        raise DataError(f"{where}: {shown(value)} {error}; expected a number", place) from None


def _filled(column: Column) -> Column:
    if not column.values:
        raise DataError(f"column {column.written!r} is empty; expected at least one number", column.place)
    return column


def _refuse_same_name(written: str, name: str, earlier: Mapping[str, Column], place: Place) -> None:
    if name in earlier:
        raise DataError(_same_name(earlier[name].written, written), place)


def _same_name(first: str, second: str) -> str:
    return f"{first!r} and {second!r} are the same name after Unicode normalisation (NFKC); rename one"


def _refuse_other_lengths(columns: Iterable[Column]) -> None:
    """Every sample has one value in every column."""
    first, *others = columns
    for other in others:
        if other.samples != first.samples:
            each = "row" if first.row or other.row else "value"
            raise DataError(
                f"{first.written} has {first.samples} {each}{'' if first.samples == 1 else 's'} and {other.written} "
                f"has {other.samples}; expected columns of the same length, one {each} for each sample",
                other.place,
            )
