"""A table that a Python program holds: a data frame or a series, a list of dicts, or a dict of lists or of dicts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from derive.errors import ClaimError, Place, shorten
from verify.tabular.grid import Grid
from verify.tabular.records import by_index, columns_of, rows_of
from verify.tabular.written import PLACES, Row, Written, place_word


class Frame(Protocol):
    """A data frame of pandas, known by what it can do."""

    columns: Any
    iloc: Any
    index: Any

    def reset_index(self) -> Any:
        """The same with its index as columns."""


_WHOLE = re.compile(r"\d{1,15}")
_DEEPEST = 4  # dicts in dicts
_LABEL = "row label"  # what an index of words is called, which may say the steps


class Column(Protocol):
    """A series of pandas, known by what it can do."""

    iloc: Any
    index: Any

    def to_frame(self) -> Any:
        """The same as the only column of a frame."""


Rows = Frame | Column | Mapping[Any, object] | Iterable[Mapping[str, object]] | Sequence[Sequence[object]]


def read_objects(given: object) -> tuple[str, Grid]:
    """What the claims are, in words, and the table of a data frame or of dicts. Raises `ClaimError` for all else."""
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        return "a DataFrame", Grid(list(_frame_rows(given)), "a DataFrame")
    if hasattr(given, "iloc") and hasattr(given, "to_frame"):
        return "a Series", Grid(list(_frame_rows(_as_frame(given))), "a Series")
    if hasattr(given, "to_dicts"):  # as polars has it
        given = given.to_dicts()
    if isinstance(given, Mapping):
        return "a dict", _of_dict(given)
    if not isinstance(given, Iterable):
        message = f"claims are a {type(given).__name__}; expected the name of a file, a DataFrame or a list of dicts"
        raise ClaimError(message)
    given = list(given)
    named = dict(given) if all(map(_is_named, given)) else {}  # as of dict.items()
    if named and len(named) == len(given):
        return "a list of pairs", _of_dict(named)
    if len(given) > 1 and all(isinstance(row, list | tuple) for row in given):
        return "a list of rows", Grid(list(_of_rows(given)), "a list of rows, its names in the first")
    records = []
    for number, row in enumerate(given):
        if not isinstance(row, Mapping):
            message = f"claims[{number}] is a {type(row).__name__}; expected a dict such as {{'step': 1, 'w': 0.267}}"
            raise ClaimError(f"{message}, or first a tuple of names, then tuples of numbers")
        records.append(list(_members(row, "", f"claims[{number}]")))
    return "a list of dicts", Grid(rows_of(records), "a list of dicts")


def _is_named(pair: object) -> bool:
    """Whether something is a name with its number."""
    return isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) and not isinstance(pair[1], str)


def _of_rows(given: Sequence[Sequence[object]]) -> Iterator[Row]:
    """The cells of a list of tuples, of which the first has the names. Raises `ClaimError` where it has others."""
    for number, row in enumerate(given):
        if not number and not all(isinstance(name, str) for name in row):
            raise ClaimError(f"claims[0] is {shorten(str(row))}; expected the names, such as ('step', 'w')")
        yield [_cell(_as_list(value), Place(f"claims[{number}][{at}]")) for at, value in enumerate(row)]


def _as_frame(series: Any) -> Any:
    """The frame of a series: a column of that name, or the one row of numbers that have names, such as `df.loc[2]`.

    Raises `ClaimError` for a column without a name, and for a row that is called by a number.
    """
    has_names = all(isinstance(label, str) and not _WHOLE.fullmatch(label) for label in series.index)
    if has_names and place_word(str(series.index.name)) not in PLACES:
        says_where = any(place_word(label) in PLACES for label in series.index)
        if not (says_where or series.name is None or isinstance(series.name, str)):
            message = (
                f"claims are a Series called {series.name}, which may be the step of its numbers or the place of a row"
            )
            raise ClaimError(f"{message}; put its step among them: series['step'] = {series.name}")
        row = series.to_frame().T
        return row.reset_index(drop=True) if says_where or series.name is None else row
    if series.name is None:
        raise ClaimError("claims are a Series without a name; give it that of its numbers: series.rename('w')")
    return series.to_frame()


def _of_dict(given: Mapping[Any, object]) -> Grid:
    """A dict of numbers is a row, one of lists has a column in each, one of dicts is by steps or by names.

    Raises `ClaimError` for a dict that is none of these.
    """
    if {"columns", "data"} <= given.keys() <= {"columns", "index", "data"}:  # as df.to_dict(orient="split")
        return _of_split(given)
    record = list(_members(given, "", "claims"))
    inner = [isinstance(value, Mapping) for value in given.values()]
    if any(inner):
        rows = by_index(record, is_full=False) if all(inner) else None
        if rows is None:
            example = "{'step 1': {'w': 0.267}} or {'w': {1: 0.267}}"
            raise ClaimError(f"claims are a dict of dicts that is no table; expected such as {example}")
        return Grid(rows, "a dict of dicts")
    columns = columns_of([record])
    return Grid(rows_of([record]), "a dict") if columns is None else Grid(columns, "a dict, a list for each column")


def _of_split(given: Mapping[Any, Any]) -> Grid:
    """The table of a dict of the lists `columns`, `index` and `data`, its index in front."""
    names = [_called(name) for name in given["columns"]]
    rows = list(_of_rows([names, *given["data"]]))
    index = list(given.get("index", ()))
    if len(index) == len(rows) - 1:
        rows = [
            [_cell(one, Place(f"claims['index'][{at}]")), *row]
            for at, (one, row) in enumerate(zip(["", *index], rows, strict=True))
        ]
    return Grid(rows, "a dict, its data")


def _members(given: Mapping[Any, object], before: str, at: str) -> Iterator[tuple[Written, Written]]:
    """The keys of a dict with their values, those of a dict inside it as `outer.inner`."""
    for key, value in given.items():
        place = f"{at}[{key!r}]"
        if isinstance(value, Mapping) and before.count(".") < _DEEPEST:
            yield from _members(value, f"{before}{str(key).strip()}.", place)
        else:
            yield Written(f"{before}{str(key).strip()}", Place(place)), _cell(_as_list(value), Place(place))


def _as_list(value: object) -> object:
    """An array or a series as a list of its entries."""
    return value.tolist() if hasattr(value, "tolist") and getattr(value, "shape", None) else value


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
