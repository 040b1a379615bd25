"""The index of a data frame: the column without a name in front of a table that pandas has printed or written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from verify.tabular.grid import Grid, Source
from verify.tabular.written import PLACES, Row, Written, is_dots, place_word

_FOOTER = re.compile(r"\[\d+ rows x \d+ columns\]")


def printed_frame(rows: Sequence[Row], source: Source) -> Grid | None:
    """A table as `print(df)` shows it: its rows have one cell more than the names; None for any other table.

    An index with a name has it in a line of its own, below the names. `NaN` is a missing value there: no claim.
    """
    rows = [row for row in rows if not _FOOTER.fullmatch(" ".join(cell.text for cell in row))]
    if len(rows) < 2:
        return None
    header, *body = rows
    named = len(body) > 1 and len(body[0]) < len(body[1]) and _is_of_words(body[0])
    first = _joined(body.pop(0)) if named else Written("", source.place(0))
    if named and len(body[0]) == len(header) > 1 and header[0].place.column == 1:
        header = header[1:]  # without the name that all columns have together
    if not body or any(len(row) != len(header) + 1 for row in body):
        return None
    kept = [row for row in body if not is_dots(row[0].text)]
    missing = sum(cell.text == "NaN" for row in kept for cell in row)
    if not all(_whole(row[0]) is not None for row in kept):
        return None
    told = [
        f"{missing} NaN, a missing value, passed over" if missing else "",
        "rows that pandas left out" if len(kept) < len(body) else "",
    ]
    filled = [[replace(cell, text="") if cell.text == "NaN" else cell for cell in row] for row in kept]
    return Grid([[first, *header], *filled], "a printed data frame", told=", ".join(filter(None, told)))


def _is_of_words(row: Row) -> bool:
    """Whether a line is the name of an index: it begins with the line, and none of its words with a digit."""
    return row[0].place.column == 1 and not any(cell.text[:1].isdigit() or is_dots(cell.text) for cell in row)


def _joined(row: Row) -> Written:
    return replace(row[0], text=" ".join(cell.text for cell in row))


def with_index_name(rows: Sequence[Row]) -> list[Row]:
    """The table in which the name of an index stands above it: pandas writes it alone in the row below the names."""
    filled = [row for row in rows if any(cell.text for cell in row)]
    if len(filled) < 3:
        return list(rows)
    header, named, below = filled[:3]
    name = named[0]
    if not name.text or _whole(name) is not None or is_dots(name.text) or any(cell.text for cell in named[1:]):
        return list(rows)
    if len(header) + 1 == len(below) and len(named) in (1, len(below)):
        return [[name, *header], *filled[2:]]
    is_place = place_word(name.text) in PLACES and place_word(header[0].text) not in PLACES
    if len(header) != len(below) or len(named) not in (1, len(below)) or not (is_place or not header[0].text):
        return list(rows)
    return [[name, *header[1:]], *filled[2:]]


def without_index(header: Row, body: Sequence[Row], says_where: bool) -> tuple[Row, list[Row], str]:
    """The table without the index of a data frame in front of it, and what is to be told.

    Its index has no name and holds whole numbers. Where no other column says where a row is (`says_where`), it is left
    out only if it counts the rows from 0 or 1: by other numbers the author may mean steps.
    """
    numbers = [_whole(row[0]) for row in body if any(cell.text for cell in row)]
    if header[0].text or len(header) < 2 or not numbers or None in numbers:
        return header, list(body), ""
    counts = numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))
    if not (says_where or counts):
        return header, list(body), ""
    return header[1:], [row[1:] for row in body], "its index passed over"


def _whole(cell: Written) -> int | None:
    return int(cell.text) if re.fullmatch(r"\d{1,15}", cell.text, re.ASCII) else None
