"""Reads the data of a problem file: columns of exact numbers, inline or from a CSV file.

A column has one number for each sample, or one row of numbers (a matrix), or more dimensions yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from derive.characters import normalise
from derive.errors import DataError, Place
from derive.graph.node import SIZE
from derive.paper.lines import check_name
from derive.problem.problem import Quantity
from derive.problem.rounded import unwrapped
from derive.source.arrays import Wording, read_array
from derive.source.csv_file import CsvFile, read_csv, same_name
from derive.source.numerals import Numeral, shown
from derive.source.toml_text import Document


@dataclass(frozen=True)
class Column:
    """One column of m samples; `written` is its name as spelled in the file.

    `row` is the shape of one sample: () for a number; `values` are flattened row by row. `digits` and `rounded` are
    those of the `Quantity`.
    """

    written: str
    name: str
    values: tuple[Fraction, ...]
    place: Place
    row: tuple[int, ...] = ()
    digits: tuple[int | None, ...] = ()
    rounded: bool = False

    @property
    def samples(self) -> int:
        """m, the number of samples."""
        return len(self.values) // math.prod(self.row)

    @property
    def quantity(self) -> Quantity:
        """The column as a quantity of shape (m,), or (m, …) for samples of several numbers."""
        return Quantity(self.name, (self.samples, *self.row), self.values, None, self.digits, self.rounded)


def read_columns(document: Document, wanted: frozenset[str], folder: Path) -> tuple[tuple[Column, ...], list[str]]:
    """Returns the columns of [data], and notes on columns that are not used.

    `wanted` are the names that the equations use and do not define; a CSV file, which is looked for
    in `folder`, gives those columns unless `columns` names others. Raises `DataError` or `ProblemError`.
    """
    if "data" not in document.content:
        return (), []
    columns, notes = read_table(document, "data", wanted, folder)
    notes.extend(f"data column {c.written!r} is not used in the equations" for c in columns if c.name not in wanted)
    return columns, notes


def read_table(
    document: Document, key: str, wanted: frozenset[str], folder: Path
) -> tuple[tuple[Column, ...], list[str]]:
    """Returns the columns of the table `key`, which stand in it or in the CSV file that it names, and notes on others.

    `wanted` and `folder` are as in `read_columns`. Raises `DataError` or `ProblemError`.
    """
    if not isinstance(document.table(key).get("file"), str):
        return read_inline(document, key), []
    columns, notes = _from_csv(document, key, wanted, folder)
    _refuse_other_lengths(columns)
    return columns, notes


def csv_columns(document: Document, folder: Path) -> str:
    """Returns `; d.csv has the columns 'x', 'y'` for a message, an empty string where the data are not in a file."""
    name = document.table("data").get("file")
    if not isinstance(name, str):
        return ""
    return f"; {name} has the columns {read_csv(folder, name).columns_text}"


def read_inline(document: Document, key: str) -> tuple[Column, ...]:
    """Returns the columns that stand in the problem file itself, in the table `key`.

    Raises `DataError` for columns of other lengths or without numbers, and `EquationError` for what is not a name.
    """
    columns: dict[str, Column] = {}
    for written, value in document.table(key).items():
        place = document.place(key, written)
        name = check_name(written, place)
        if name in columns:
            raise DataError(same_name(columns[name].written, written), place)
        values, is_rounded = unwrapped(value, written, place, DataError)
        if not isinstance(values, list):
            raise DataError(
                f"data column {written!r} is {shown(values)}; "
                f"expected a list of numbers, such as {written} = [0, 1, 2]",
                place,
            )
        array = read_array(values, _wording(written), place)
        columns[name] = Column(written, name, array.values, place, array.shape[1:], array.digits, is_rounded)
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


def _from_csv(
    document: Document, key: str, wanted: frozenset[str], folder: Path
) -> tuple[tuple[Column, ...], list[str]]:
    """The columns of the CSV file that the table `key` names: those of its header, renamed, or side by side."""
    groups = _groups(document, key)
    file = read_csv(folder, document.words(key, "file") or "", document.place(key, "file"))
    grouped = tuple(_grouped(group, file) for group in groups)
    chosen = _choose(file, document, key, wanted, groups)
    columns = (*grouped, *(_column(written, file) for written in chosen))
    used = {*chosen, *(file.find(entry, group.place) for group in groups for entry in group.entries)}
    ignored = [written for written in file.by_name.values() if written not in used]
    if document.table(key).get("columns") is not None or not ignored:
        return columns, []
    return columns, [f"ignored columns of {file.name}: {', '.join(map(repr, ignored))}"]


@dataclass(frozen=True)
class _Group:
    """`x = ["age", "fare"]` makes a matrix of two columns; `y = "label"` renames one (`single`)."""

    written: str
    name: str
    entries: tuple[str, ...]
    single: bool
    place: Place


def _groups(document: Document, key: str) -> tuple[_Group, ...]:
    """The entries of the table `key` beside `file` and `columns`."""
    groups: dict[str, _Group] = {}
    for written, value in document.table(key).items():
        if written in ("file", "columns"):
            continue
        place = document.place(key, written)
        name = check_name(written, place)
        if name in groups:
            raise DataError(same_name(groups[name].written, written), place)
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


def _grouped(group: _Group, file: CsvFile) -> Column:
    """The columns of a group side by side, or the one that is renamed."""
    found = [file.find(entry, group.place) for entry in group.entries]
    single = [file.numbers(written) for written in found]
    values = tuple(value for row in zip(*single, strict=True) for value in row)
    digits = tuple(last for row in zip(*map(file.digits, found), strict=True) for last in row)
    row = () if group.single else (len(found),)
    return _filled(Column(group.written, group.name, values, group.place, row, digits))


def _choose(
    file: CsvFile, document: Document, key: str, wanted: frozenset[str], groups: tuple[_Group, ...]
) -> list[str]:
    """The columns to read under their own names, as written in the header."""
    listed = document.table(key).get("columns")
    taken = {group.name for group in groups}
    if listed is None:
        is_renamed = any(normalise(entry) == SIZE for group in groups for entry in group.entries)
        if SIZE in wanted and SIZE in file.by_name and not is_renamed:
            raise DataError(
                f"{file.name} has a column {file.by_name[SIZE]!r}, and in the equations {SIZE!r} is the number of "
                f'samples; name the column otherwise, or here: count = "{file.by_name[SIZE]}"',
                file.header_place,
            )
        free = wanted - taken
        chosen = [written for name, written in file.by_name.items() if name in free]
        if not chosen and not groups:
            missing = "used in the equations" if key == "data" else "a column of [data]"
            message = f"no column is {missing}; the columns are {file.columns_text}"
            raise DataError(message, file.header_place)
        return chosen
    place = document.place(key, "columns")
    if not isinstance(listed, list) or not listed:
        raise DataError(f'columns is {shown(listed)}; expected names, such as ["x", "y"]', place)
    found = list(dict.fromkeys(file.find(entry, place) for entry in listed))
    for written in found:
        if normalise(written) in taken:
            raise DataError(f"{written!r} is listed in columns and defined beside it; keep one", place)
    return found


def _column(written: str, file: CsvFile) -> Column:
    """One column of a CSV file under its own name."""
    name = check_name(written, file.header_place)
    return _filled(Column(written, name, file.numbers(written), file.header_place, (), file.digits(written)))


def _filled(column: Column) -> Column:
    if not column.values:
        raise DataError(f"column {column.written!r} is empty; expected at least one number", column.place)
    return column


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
