"""A table that a Python program holds: a data frame, or a list of dicts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from derive.errors import ClaimError, Place
from verify.tabular.grid import Grid
from verify.tabular.records import rows_of
from verify.tabular.written import PLACES, Row, Written, place_word


class Frame(Protocol):
    """A data frame of pandas, known by what it can do."""

    columns: Any
    iloc: Any
    index: Any

    def reset_index(self) -> Any:
        """The same with its index as columns."""


_WHOLE = re.compile(r"\d{1,15}")
_LABEL = "row label"  # what an index of words is called, which may say the steps

Rows = Frame | Iterable[Mapping[str, object]]


def read_objects(given: object) -> tuple[str, Grid]:
    """What the claims are, in words, and the table of a data frame or of dicts. Raises `ClaimError` for all else."""
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        return "a DataFrame", Grid(list(_frame_rows(given)), "a DataFrame")
    if hasattr(given, "to_dicts"):  # as polars has it
        given = given.to_dicts()
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        message = f"claims are a {type(given).__name__}; expected the name of a file, a DataFrame or a list of dicts"
        raise ClaimError(message)
    records = []
    for number, row in enumerate(given):
        if not isinstance(row, Mapping):
            message = f"claims[{number}] is a {type(row).__name__}; expected a dict such as {{'step': 1, 'w': 0.267}}"
            raise ClaimError(message)
        places = {key: Place(f"claims[{number}][{key!r}]") for key in row}
        records.append([(Written(str(key).strip(), places[key]), _cell(row[key], places[key])) for key in row])
    return "a list of dicts", Grid(rows_of(records), "a list of dicts")


def _frame_rows(frame: Any) -> Iterator[Row]:
    """The cells of a data frame; an index with a name is a column, and a missing value an empty cell.

    An index without a name is a column without one, as in the CSV file of the frame; where it says no more than the
    place of each row, it is none. Steps that stand across are turned into rows.
    """
    frame = _steps_down(frame)
    is_named = any(name is not None for name in frame.index.names)
    is_counter = list(frame.index) in (list(range(len(frame))), list(range(1, len(frame) + 1)))
    names = [_called(name) for name in frame.columns]
    if is_named or not is_counter:
        frame = frame.reset_index()
        added = [_called(name) for name in frame.columns[: len(frame.columns) - len(names)]]
        numbered = all(_WHOLE.fullmatch(str(one)) for one in frame.iloc[:, 0])
        names = [*(added if is_named else [""] if numbered else [_LABEL]), *names]
    yield [Written(name, Place(f"the column {name!r}")) for name in names]
    columns = [frame.iloc[:, position].to_numpy() for position in range(len(names))]
    missing = [frame.iloc[:, position].isna().to_numpy() for position in range(len(names))]
    for number in range(len(frame)):
        yield [
            Written("", place) if gaps[number] else _cell(column[number], place)
            for name, column, gaps in zip(names, columns, missing, strict=True)
            for place in (Place(f"row {number + 1}, column {name!r}"),)
        ]


def _steps_down(frame: Any) -> Any:
    """The frame with a row for each step, where its columns count them, as those of `df.set_index("step").T`.

    So it is where their labels are whole numbers and those of the rows are not, and with `df.unstack()`, where one
    level of the labels is called as what counts: `batch`.
    """
    levels = [level for level, name in enumerate(frame.columns.names) if place_word(str(name)) in PLACES]
    if 0 < len(levels) < frame.columns.nlevels:
        return frame.stack(levels, future_stack=True)
    labels = [part for label in frame.columns for part in (label if isinstance(label, tuple) else (label,))]
    counts = bool(labels) and all(_WHOLE.fullmatch(str(part)) for part in labels)
    has_names = len(frame) > 0 and all(isinstance(label, str) and not _WHOLE.fullmatch(label) for label in frame.index)
    return (
        frame.T if counts and has_names and len(set(frame.columns)) == len(labels) // frame.columns.nlevels else frame
    )


def _called(label: object) -> str:
    """The name of a column: of several levels, `('grad', 'w')`, in one line."""
    parts = label if isinstance(label, tuple) else (label,)
    return " ".join(part for part in (str(one).strip() for one in parts) if part)


def _cell(value: object, place: Place) -> Written:
    return Written(_text(value), place, is_number=not isinstance(value, str))


def _text(value: object) -> str:
    """A value as Python prints it; the commas of an array, which separate its numbers, as blanks."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple):
        return f"[{' '.join(_text(entry) or '–' for entry in value)}]"
    return str(value).replace(",", " ").strip()
