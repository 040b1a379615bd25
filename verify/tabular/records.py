"""Rows that name each number: JSON, an object for each row or a list for each column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from derive.errors import ClaimError, shorten
from derive.source.numerals import NumeralError
from verify.tabular.arrays import is_array, read_array
from verify.tabular.grid import Grid, Source
from verify.tabular.written import KINDS, Row, Written

Record = list[tuple[Written, Written]]  # of one row: the keys and the values

_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)  # the text itself is the number
_LIST = re.compile(r'"(?P<key>[^"\n]+)"\s*:\s*(?=\[\s*\{)')
_SPLIT = re.compile(r'"(?P<key>columns|index|data)"\s*:\s*(?=\[)')  # the members of orient="split"
_SCHEMA = re.compile(r'\{\s*"schema"\s*:\s*\{\s*"fields"\s*:')  # how orient="table" begins
_OWN_INDEX = re.compile(r'"primaryKey"\s*:\s*\[\s*"index"\s*\]')  # of one without a name
_WORDS = "|".join(sorted((re.escape(word) for kind in KINDS.values() for word in kind), key=len, reverse=True))
_INDEX = rf"(?:(?P<word>{_WORDS})[ _#]*)?(?P<index>\d{{1,15}})"  # step 1, or 1 alone
_INDEXED = re.compile(rf"(?P<name>.+)\.{_INDEX}", re.IGNORECASE)  # as objects inside an object are called
_OF_INDEX = re.compile(rf"{_INDEX}\.(?P<name>.+)", re.IGNORECASE)
_BLANK = re.compile(r"\s*")


def read_json(source: Source) -> Grid:
    """One object a row: a list of them, or one after another as in JSON lines; or one object that holds such a list.

    An object of nothing but lists of one length has a list for each column. So pandas writes a data frame, whatever its
    `orient` but "values", which has no names. Raises `ClaimError`.
    """
    at = _skip(source, 0)
    if source.text.startswith("[", at):
        rows, at = _list(source, at)
        if _skip(source, at) < len(source.text):
            raise _not_json(source, at, "nothing after the list")
        return Grid(rows_of(rows), "JSON")
    split = _split(source, at)
    if split is not None:
        return Grid(split, "JSON, its data")
    held = _held(source, at)
    if held is not None:
        records = _list(source, held.end())[0]
        is_table = _SCHEMA.match(source.text, at) and _OWN_INDEX.search(source.text, at, held.start())
        records = (
            [[(_without(key, "index"), cell) for key, cell in record] for record in records] if is_table else records
        )
        return Grid(rows_of(records), f"JSON, its {held['key']}")
    rows = []
    while at < len(source.text):
        members, at = _object(source, at)
        rows.append(members)
        at = _skip(source, at)
    columns = columns_of(rows)
    indexed = by_index(rows[0]) if len(rows) == 1 else None
    if indexed is not None:
        return Grid(indexed, "JSON, a number for each row")
    return Grid(rows_of(rows), "JSON lines") if columns is None else Grid(columns, "JSON, a list for each column")


def _held(source: Source, at: int) -> re.Match[str] | None:
    """The first list of objects in a text that is one object, such as `log_history`; not what describes the columns."""
    schema = _SCHEMA.match(source.text, at)
    begin = at if schema is None else _decoded(source, source.text.index("{", at + 1))[1]
    found = _LIST.search(source.text, begin)
    if found is None or _skip(source, _decoded(source, at)[1]) < len(source.text):
        return None
    return found


def _without(key: Written, name: str) -> Written:
    return replace(key, text="") if key.text == name else key


def _split(source: Source, at: int) -> list[Row] | None:
    """The table of an object of the lists `columns`, `index` and `data`, its index in front; None for another one."""
    lists = {match["key"]: match.end() for match in _SPLIT.finditer(source.text, at)}
    if not {"columns", "data"} <= lists.keys():
        return None
    whole, end = _decoded(source, at)
    if not whole.keys() <= {"columns", "index", "data"} or _skip(source, end) < len(source.text):
        return None
    header = _values(source, lists["columns"])[0]
    rows: list[Row] = []
    at = _skip(source, lists["data"] + 1)
    while not source.text.startswith("]", at):
        row, at = _values(source, at)
        rows.append(row)
        at = _after_item(source, _skip(source, at), "]")
    index = _values(source, lists["index"])[0] if "index" in lists else []
    if len(index) != len(rows):
        return [header, *rows]
    return [
        [Written("", source.place(lists["index"])), *header],
        *([cell, *row] for cell, row in zip(index, rows, strict=True)),
    ]


def _values(source: Source, at: int) -> tuple[Row, int]:
    """The values of a list, each where it stands, and where the list ends; a name of several levels is one."""
    if not source.text.startswith("[", at):
        raise _not_json(source, at, "a list such as [1, 0.267]")
    row: Row = []
    at = _skip(source, at + 1)
    while not source.text.startswith("]", at):
        start = at
        value, at = _decoded(source, at)
        is_name = (
            isinstance(value, list) and all(isinstance(part, str) for part in value) and '"' in source.text[start:at]
        )
        cell = _json_cell(source, start, at, value)
        row.append(replace(cell, text=" ".join(filter(None, value))) if is_name else cell)
        at = _after_item(source, _skip(source, at), "]")
    return row, at + 1


def _list(source: Source, at: int) -> tuple[list[Record], int]:
    """The objects of a list, and where it ends."""
    rows = []
    at = _skip(source, at + 1)
    while not source.text.startswith("]", at):
        if at >= len(source.text):
            raise _not_json(source, at, "a ']'")
        members, at = _object(source, at)
        rows.append(members)
        at = _after_item(source, _skip(source, at), "]")
    return rows, at + 1


def _skip(source: Source, at: int) -> int:
    found = _BLANK.match(source.text, at)
    return found.end() if found else at


def _not_json(source: Source, at: int, expected: str) -> ClaimError:
    return ClaimError(f"not JSON: expected {expected} here", source.place(min(at, len(source.text))))


def _after_item(source: Source, at: int, closing: str) -> int:
    """Where the next item begins, or the bracket that closes them all stands."""
    if source.text.startswith(closing, at):
        return at
    if not source.text.startswith(",", at):
        raise _not_json(source, at, f"',' or {closing!r}")
    following = _skip(source, at + 1)
    if source.text.startswith(closing, following):
        raise _not_json(source, following, "another item after the ','")
    return following


def _object(source: Source, at: int, before: str = "", depth: int = 0) -> tuple[Record, int]:
    """The members of an object, those of an object inside it as `outer.inner`; and where it ends."""
    if not source.text.startswith("{", at) or depth > 20:
        raise _not_json(source, at, 'an object such as {"step": 1, "w": 0.267}')
    found: Record = []
    at = _skip(source, at + 1)
    while not source.text.startswith("}", at):
        if not source.text.startswith('"', at):
            raise _not_json(source, at, "a name in quotes")
        start = at
        name, at = _decoded(source, at)
        key = Written(f"{before}{name}".strip(), source.place(start + 1))
        at = _skip(source, at)
        if not source.text.startswith(":", at):
            raise _not_json(source, at, "':'")
        at = _skip(source, at + 1)
        if source.text.startswith("{", at):
            inner, at = _object(source, at, f"{key.text}.", depth + 1)
            found += inner
        else:
            start = at
            value, at = _decoded(source, at)
            found.append((key, _json_cell(source, start, at, value)))
        at = _after_item(source, _skip(source, at), "}")
    return found, at + 1


def _decoded(source: Source, at: int) -> tuple[Any, int]:
    """The value that begins here, and where it ends."""
    try:
        return _DECODER.raw_decode(source.text, at)
    except json.JSONDecodeError as error:
        raise ClaimError(f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}", source.place(error.pos)) from None
    except RecursionError:
        raise ClaimError("not a table: lists within lists without end", source.place(at)) from None


def _json_cell(source: Source, start: int, stop: int, value: object) -> Written:
    text = source.text[start:stop]
    if value is None:
        return Written("", source.place(start))
    if text.startswith('"'):
        return Written(str(value).strip(), source.place(start + 1))
    # in JSON a comma separates, whatever decimal mark stands in its strings
    return Written(text.replace(",", " "), source.place(start), is_number=True)


def columns_of(records: Sequence[Record]) -> list[Row] | None:
    """The table of a record of nothing but lists of one length, as a DataFrame is made of; None for other records."""
    if len(records) != 1 or not records[0] or not all(is_array(value.text) for _, value in records[0]):
        return None
    try:
        lists = [read_array(value.text) for _, value in records[0]]
    except NumeralError:
        return None
    if len({found.shape for found in lists}) > 1 or len(lists[0].shape) != 1:
        return None
    columns = [
        [_entry(value, text, at) for _, text, at in found.entries]
        for (_, value), found in zip(records[0], lists, strict=True)
    ]
    return [[key for key, _ in records[0]], *(list(row) for row in zip(*columns, strict=True))]


def by_index(record: Record, *, is_full: bool = True) -> list[Row] | None:
    """The table of objects in an object, `{"w": {"0": 0.5, "1": 0.9}}`, also by rows; None for another object.

    So `DataFrame.to_json()` writes it. The first column holds what counts the rows: it has the word that is written,
    `{"step 1": {"w": 0.5}}`, or no name. A number that a row lacks is an empty cell; without that word, where the names
    may have points of their own, no row lacks one (`is_full`).
    """
    for pattern in (_INDEXED, _OF_INDEX):
        matches = [match for key, _ in record if (match := pattern.fullmatch(key.text)) is not None]
        parts = [(match["name"], int(match["index"])) for match in matches]
        words = {(match["word"] or "").lower() for match in matches}
        if not parts or len(parts) < len(record) or len(set(parts)) < len(parts) or len(words) > 1:
            continue
        names, numbers = list(dict.fromkeys(name for name, _ in parts)), list(dict.fromkeys(k for _, k in parts))
        if is_full and words == {""} and len(parts) != len(names) * len(numbers):
            continue
        cells = {part: cell for part, (_, cell) in zip(parts, record, strict=True)}
        keys = {name: key for (name, _), (key, _) in zip(reversed(parts), reversed(record), strict=True)}
        firsts = {k: cell for (_, k), (_, cell) in zip(reversed(parts), reversed(record), strict=True)}
        header = [Written(words.pop(), record[0][0].place), *(Written(name, keys[name].place) for name in names)]
        nothing = {k: Written("", firsts[k].place) for k in numbers}
        rows = ([_numbered(k, firsts[k]), *(cells.get((name, k), nothing[k]) for name in names)] for k in numbers)
        return [header, *rows]
    return None


def _numbered(number: int, cell: Written) -> Written:
    return Written(str(number), cell.place)


def _entry(value: Written, text: str, at: int) -> Written:
    """A number of a list, where it stands; an empty cell where it says that there is none."""
    place = value.place
    if place.column is not None and "\n" not in value.text[:at]:
        place = replace(place, column=place.column + at)
    return Written("" if text in ("null", "None") else text.strip("'\""), place)


def records_of(pairs: Iterable[tuple[Written, Written]]) -> list[Record]:
    """The rows of keys each with its value, one after the other; a key that comes once more begins another row."""
    records: list[Record] = [[]]
    for key, value in pairs:
        if key.text in {other.text for other, _ in records[-1]}:
            records.append([])
        records[-1].append((key, value))
    return records


def rows_of(records: Sequence[Record]) -> list[Row]:
    """The table of records: a column for each key, empty where a record lacks it. Raises `ClaimError`."""
    header: dict[str, Written] = {}
    for record in records:
        seen: set[str] = set()
        for key, _ in record:
            if key.text in seen:
                raise ClaimError(f"{shorten(key.text)} stands twice in one row; leave one out", key.place)
            seen.add(key.text)
            header.setdefault(key.text, key)
    rows = [list(header.values())] if header else []
    for record in records:
        if record:
            values = {key.text: value for key, value in record}
            rows.append([values.get(name, Written("", record[0][0].place)) for name in header])
    return rows
