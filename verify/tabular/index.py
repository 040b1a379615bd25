"""The index of a data frame: the column without a name in front of a table that pandas has printed or written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from verify.tabular.grid import Grid, Source
from verify.tabular.written import PLACES, Row, Written, is_dots, place_word

FOOTER = re.compile(r"\[\d+ rows x \d+ columns\]")


def printed_frame(rows: Sequence[Row], source: Source) -> Grid | None:
    """A table as `print(df)` shows it: its rows have one cell more than the names; None for any other table.

    An index with a name has it in a line of its own, below the names. `NaN` is a missing value there: no claim.
    """
    rows = [row for row in rows if not FOOTER.fullmatch(" ".join(cell.text for cell in row))]
    if len(rows) < 2:
        return None
    header, *body = rows
    named = len(body) > 1 and len(body[0]) < len(body[1]) and _is_of_words(body[0])
    above = body.pop(0) if named else []
    if named and header[0].place.column == 1 and len(header) > 1:
        header = header[1:]  # without the name that all columns have together
    levels = max(len(body[0]) - len(header), 1) if len(above) > 1 and body else 1
    first = list(above) if levels > 1 else [_joined(above) if above else Written("", source.place(0))]
    kept = [row for row in body if not is_dots(row[0].text)]
    if len(first) != levels or not kept or (levels == 1 and any(len(row) != len(header) + 1 for row in kept)):
        return None
    kept = [[_without_colon(row[0]), *row[1:]] for row in kept]
    full = _filled_down(kept, levels, levels + len(header))
    if full is None or any(_whole(cell) is None for row in full for cell in row[:levels]):
        return None
    missing = sum(cell.text == "NaN" for row in full for cell in row)
    told = [
        f"{missing} NaN, a missing value, passed over" if missing else "",
        "rows that pandas left out" if len(kept) < len(body) else "",
    ]
    filled = [[replace(cell, text="") if cell.text == "NaN" else cell for cell in row] for row in full]
    return Grid([[*first, *header], *filled], "a printed data frame", told=", ".join(filter(None, told)))


def _without_colon(cell: Written) -> Written:
    """The number of a row without the colon of R's data.table, or the brackets of its matrices: `1:` and `[1,]`."""
    match = re.fullmatch(r"\[?(?P<number>\d+)(?:,\]|:)", cell.text, re.ASCII)
    return replace(cell, text=match["number"]) if match is not None else cell


def _filled_down(body: Sequence[Row], levels: int, width: int) -> list[Row] | None:
    """The rows, in which a level of the index that is left blank is that of the row above, as pandas prints it.

    None where a row has another width, or begins where no level stands: a cell of a column may be blank, too.
    """
    found: list[Row] = []
    starts = [cell.place.column for cell in body[0][:levels]]
    for row in body:
        blank = width - len(row)
        if not 0 <= blank < levels or (blank and not found) or (levels > 1 and row[0].place.column != starts[blank]):
            return None
        found.append([*(replace(cell, place=row[0].place) for cell in found[-1][:blank]), *row] if blank else list(row))
    return found


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
    names = list(takewhile(lambda cell: cell.text, named))
    levels = len(names)
    if any(_whole(name) is not None or is_dots(name.text) for name in names) or any(c.text for c in named[levels:]):
        return list(rows)
    if not names or len(named) not in (levels, len(below)):
        return list(rows)
    if len(header) + levels == len(below):
        return [[*names, *header], *filled[2:]]
    are_places = [place_word(name.text) in PLACES for name in names]
    is_place = all(are_places) and place_word(header[0].text) not in PLACES
    if len(header) != len(below) or not (is_place or not any(cell.text for cell in header[:levels])):
        return list(rows)
    return [[*names, *header[levels:]], *filled[2:]]


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
