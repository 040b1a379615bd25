"""Dicts as Python prints them, one for each row: `{'loss': '63.63', 'learning_rate': '0.01', 'epoch': '0.67'}`.

They are read by their signs, and never evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from derive.errors import ClaimError, Place
from verify.tabular.grid import Grid, Source
from verify.tabular.records import Record, by_index, columns_of, rows_of
from verify.tabular.written import Row, Written

_OPENING = re.compile(r"\{\s*(?:'[^'\n]*'\s*:|\d{1,15}\s*:\s*\{)")
_MEMBER = re.compile(
    r"""\s*(?:(?P<quote>['"])(?P<key>[^'"\n]*)(?P=quote)|(?P<number>\d{1,15}))\s*:\s*"""
    r"""(?:(?P<inner>\{)|(?P<mark>['"])(?P<text>[^\n]*?)(?P=mark)|(?P<array>\[)|(?P<bare>[^,(){}\[\]'"\n]+(?:\([^()\n]*\))?))"""
)
_END = re.compile(r"\s*(?P<sign>[,}])\s*(?P<last>\})?")
_DEEPEST = 3  # dicts in dicts
_PROGRESS = re.compile(r"\s*\d{1,3}%\|")  # of tqdm


def is_printed_dicts(source: Source) -> bool:
    """Whether a dict as Python prints it stands in a text, one on a line that is no other table's."""
    return bool(_OPENING.search(source.text))


def read_printed_dicts(source: Source) -> Grid:
    """One row a dict; what else the lines hold is passed over, and counted. Raises `ClaimError` for a broken dict."""
    records: list[Record] = []
    indexed: list[Row] | None = None
    inside: list[tuple[int, int]] = []
    at = 0
    while (opening := _OPENING.search(source.text, at)) is not None:
        record, at = _dict(source, opening.start() + 1)
        records.append(record)
        inside.append((opening.start(), at))
    passed = _passed(source, inside)
    count = len(passed)
    told = f"{count} line{'s' if count != 1 else ''} without a dict passed over" if passed else ""
    if len(records) == 1 and (indexed := by_index(records[0])) is not None:
        return Grid(indexed, "a printed dict of dicts", next(iter(passed), None), told)
    columns = columns_of(records)
    rows = rows_of(records) if columns is None else columns
    return Grid(
        rows,
        "printed dicts" if columns is None else "a printed dict, a list for each column",
        next(iter(passed), None),
        told,
    )


def _dict(source: Source, at: int, before: str = "") -> tuple[Record, int]:
    """The members of a dict, those of a dict inside it as `outer.inner`; and where it ends."""
    found: Record = []
    while True:
        member = _MEMBER.match(source.text, at)
        if member is None or (member["inner"] and before.count(".") > _DEEPEST):
            raise _broken(source, at)
        key = source.cell(*member.span("key" if member["number"] is None else "number"))
        key = replace(key, text=f"{before}{key.text}")
        if member["inner"]:
            inner, at = _dict(source, member.end(), f"{key.text}.")
            found += inner
        else:
            value, at = _value(source, member)
            found.append((key, value))
        end = _END.match(source.text, at)
        if end is None:
            raise _broken(source, at)
        if end["sign"] == "}" or end["last"]:
            return found, end.end("sign" if end["sign"] == "}" else "last")
        at = end.end()


def _value(source: Source, member: re.Match[str]) -> tuple[Written, int]:
    """What a member holds, and where that ends."""
    if member["array"]:
        stop = source.text.find("]", member.end())
        if stop < 0:
            raise _broken(source, member.start("array"))
        written = source.cell(member.start("array"), stop + 1)
        return Written(written.text.replace(",", " "), written.place, is_number=True), stop + 1
    is_text = member["mark"] is not None
    value = replace(source.cell(*member.span("text" if is_text else "bare")), is_number=not is_text)
    return Written("", value.place) if value.text == "None" else value, member.end()


def _broken(source: Source, at: int) -> ClaimError:
    return ClaimError(
        "a dict that breaks off here; expected such as {'loss': 17.0, 'epoch': 0.33}",
        source.place(min(at, len(source.text))),
    )


def _passed(source: Source, inside: Sequence[tuple[int, int]]) -> list[Place]:
    """The lines with something on them and no dict, but progress bars."""
    return [
        source.place(start)
        for line, start in zip(source.lines, source.starts, strict=True)
        if any(map(str.isalnum, line)) and not _PROGRESS.match(line)
        if not any(first <= start + len(line) and start <= last for first, last in inside)
    ]
