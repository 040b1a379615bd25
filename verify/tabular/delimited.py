"""Cells between separators: commas, semicolons, tabs, `|`, or blanks; some in quotes, arrays in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from derive.errors import ClaimError, Place
from verify.tabular.arrays import is_array
from verify.tabular.grid import Grid, Source
from verify.tabular.index import printed_frame
from verify.tabular.written import Row, Written

SIGNS = {",": "CSV", ";": "cells between semicolons", "\t": "cells between tabs", "|": "cells between '|'"}
_LONGEST = 10_000  # characters of a cell in which brackets are looked for
_QUOTED = re.compile(r'"(?:[^"]|"")*(?:"|$)')
_RULER = re.compile(r"[\s\-=+|:_]*[-=_]{2}[\s\-=+|:_]*")  # ----- ------, and ____ of MATLAB
_TYPES = re.compile(r"(?:\s*<\w+>)+\s*")  # <dbl> <int> of a tibble


def read_delimited(source: Source, sign: str | None = None) -> Grid:
    """The table in the one form in which every row has as many cells as the header. Raises `ClaimError`.

    `sign` is what separates its cells, where the file says so.
    """
    if sign is not None:
        return _of(source, sign)
    source = _without_hash(source)
    header = next((line for line in source.lines if line.strip()), "")
    found = [sign for sign in SIGNS if _width(header, sign) > 1]
    if not found:
        return _in_columns(source, header)
    tables = {sign: _of(source, sign) for sign in found}
    even = [sign for sign, grid in tables.items() if _is_even(grid.rows)]
    even = [sign for sign in even if sign != "\t"] or even  # tabs beside other separators are blanks
    if len(even) > 1:
        called = " or ".join(repr(sign) for sign in even)
        raise ClaimError(
            f"the cells of {source.name} may be separated by {called}; write the table with one of them alone",
            tables[even[0]].rows[0][0].place,
        )
    sign = even[0] if even else max(found, key=lambda one: (_width(header, one), one == ","))
    _check_alone(tables[sign].rows[1:], sign)
    return tables[sign]


def _without_hash(source: Source) -> Source:
    """The text without the # that NumPy writes in front of the names."""
    return replace(source, text=re.sub(r"\A(\s*)#(?=[ \t]+\w)", r"\1 ", source.text))


def _is_even(rows: Sequence[Row]) -> bool:
    return all(len(row) == len(rows[0]) for row in rows[1:] if any(cell.text for cell in row))


def _check_alone(body: Sequence[Row], sign: str) -> None:
    """Raises `ClaimError` for a cell with another separator in it: its row may be cut in the wrong places."""
    others = [other for other in SIGNS if other not in (sign, ",")]
    for row in body:
        for cell in row:
            other = next((other for other in others if other in cell.text), None)
            if other is None and sign != "," and "," in (cell.text[:1], cell.text[-1:]):
                other = ","
            if other is not None and not is_array(cell.text) and not cell.is_quoted:
                called = "blanks" if sign == " " else repr(sign)
                message = f"a {other!r} in a table whose cells are separated by {called}"
                raise ClaimError(f"{message}; separate all cells in one way", cell.place)


def _of(source: Source, sign: str) -> Grid:
    """The table with one separator; lines with nothing on them are passed over."""
    rows: list[Row] = []
    gaps: list[tuple[int, Place]] = []
    at = 0
    while at <= len(source.text):
        begin = at
        row, at = _row(source, at, sign)
        if len(row) == 1 and not row[0].text and sign not in source.text[begin:at] and '"' not in row[0].place.text:
            gaps.append((len(rows), row[0].place))
        elif rows or any(cell.text for cell in row):
            rows.append(row)
    _check_breaks(rows)
    single = len(rows) > 0 and len(rows[0]) == 1
    gap = next((place for above, place in gaps if 1 < above < len(rows)), None) if single else None
    return Grid(rows, SIGNS[sign], gap)


def _check_breaks(rows: Sequence[Row]) -> None:
    """Raises `ClaimError` for a line break inside a number: a stray quotation mark would swallow rows."""
    for row in rows[1:]:
        for cell in row:
            if "\n" in cell.text and "[" not in cell.text:
                message = "a quotation mark opens here and closes on a later line; a number has no line break"
                raise ClaimError(f"{message}: close it in this line", cell.place)


def _row(source: Source, at: int, sign: str) -> tuple[Row, int]:
    """The cells from `at` to the end of the line, and where the next line begins."""
    text = source.text
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    line = text[at:end].rstrip("\r")
    if '"' not in line:
        return _between(source, at, _stops(line, sign)), end + 1
    cells: Row = []
    while True:
        found = _quoted(source, at, sign)
        cell, at = found or _bare(source, at, sign)
        cells.append(cell)
        if text[at : at + 1] != sign:
            return cells, at + (2 if text[at : at + 1] == "\r" else 1)
        at += 1


def _quoted(source: Source, at: int, sign: str) -> tuple[Written, int] | None:
    """The cell in quotes at `at`, and where it ends. Raises `ClaimError` where more follows behind the quotes."""
    match = re.compile(rf'(?:(?!{re.escape(sign)})[^\S\n])*"((?:[^"]|"")*)"(?:(?!{re.escape(sign)})[^\S\n])*').match(
        source.text, at
    )
    if match is None:
        return None
    end = match.end()
    if source.text[end : end + 1] not in (sign, "\n", ""):
        raise ClaimError("not CSV: a quotation mark inside a cell", source.place(at))
    text = match[1].replace('""', '"')
    place = source.place(match.start(1) + len(text) - len(text.lstrip()))
    return Written(text.strip(), place, is_quoted=True), end


def _bare(source: Source, at: int, sign: str) -> tuple[Written, int]:
    """The cell without quotes at `at`, and where it ends."""
    end = source.text.find("\n", at)
    end = len(source.text) if end < 0 else end
    depth = 0
    for stop in range(at, min(end, at + _LONGEST)):
        char = source.text[stop]
        if char == sign and not depth:
            return source.cell(at, stop), stop
        depth += (char in "[(") - (char in "])" and depth > 0)
    plain = source.text.find(sign, at, end) if depth or end > at + _LONGEST else -1
    stop = end if plain < 0 else plain
    return source.cell(at, stop), stop


def _width(line: str, sign: str) -> int:
    """How many cells a line has, some of them in quotes."""
    return len(_stops(_QUOTED.sub(lambda match: " " * len(match[0]), line), sign))


def _stops(line: str, sign: str) -> list[int]:
    """Where the cells of a line without quotes end; a separator inside brackets is part of its cell."""
    if "[" not in line and "(" not in line:
        return [*(match.start() for match in re.finditer(re.escape(sign), line)), len(line)]
    held = _depths(line)
    return [*(at for at, char in enumerate(line) if char == sign and not (held and held[at])), len(line)]


def _depths(line: str) -> list[int] | None:
    """How many brackets are open at each character; None where they do not match."""
    depth, found = 0, []
    for char in line:
        depth += (char in "[(") - (char in "])")
        found.append(depth)
        if depth < 0:
            return None
    return None if depth else found


def _between(source: Source, at: int, stops: Sequence[int]) -> Row:
    starts = [at, *(at + stop + 1 for stop in stops[:-1])]
    return source.cells(starts, [at + stop for stop in stops])


def is_ruler(line: str) -> bool:
    """Whether a line only rules off the names, or says the types of the columns below them."""
    return bool(_RULER.fullmatch(line) or _TYPES.fullmatch(line))


def _in_columns(source: Source, header: str) -> Grid:
    """A table whose header has no separators but blanks: one blank, or at least two where names have blanks in them.

    A header whose rows have one cell each, as `dl / dw`, is one column.
    """
    narrow = list(blank_rows(source, r"\s+"))
    aligned = _aligned_frame(source, narrow) if header[:1].isspace() else None
    if aligned is not None:
        return aligned
    for gap in (r"\s+", r"\s{2,}"):
        rows = list(blank_rows(source, gap))
        # names may have blanks in them where the place above the index is empty; numbers have none
        is_frame = gap == r"\s+" or header[:1].isspace()
        frame = printed_frame([*rows[:1], *narrow[1:]], source) if is_frame else None
        if frame is not None:
            return frame
        if rows and len(rows[0]) > 1 and len(rows) > 1 and _is_even(rows):
            _check_alone(rows[1:], " ")
            return Grid(rows, "columns between blanks")
    single = _of(source, ",")
    words = any(" " in cell.text for row in single.rows[1:] for cell in row if not is_array(cell.text))
    if not single.rows or (_is_even(single.rows) and not words) or "," in header or len(header.split()) == 1:
        return single
    return Grid(list(blank_rows(source, r"\s+")), "columns between blanks")


def _aligned_frame(source: Source, narrow: Sequence[Row]) -> Grid | None:
    """A data frame with a blank in the name of a column, whose rows have as many cells as its names have words.

    Each of its names ends where its numbers do, and the index stands before the first one; None for another table.
    Raises `ClaimError` where neither is so, nor the same without an index.
    """
    names = next(blank_rows(source, r"\s{2,}"))
    frame = printed_frame([names, *narrow[1:]], source) if len(names) < len(narrow[0]) else None
    if frame is None:
        return None
    if all(list(map(_ending, row[1:])) == list(map(_ending, names)) for row in frame.rows[1:]):
        return frame
    same_ends = all(list(map(_ending, row)) == list(map(_ending, narrow[0])) for row in narrow[1:])
    same_starts = all(
        [cell.place.column for cell in row] == [cell.place.column for cell in narrow[0]] for row in narrow[1:]
    )
    if same_ends or same_starts or not _is_even(narrow):
        return None
    message = f"these may be {len(names)} names with an index before them, or {len(narrow[0])}"
    raise ClaimError(f"{message}; put commas between the columns", narrow[0][0].place)


def _ending(cell: Written) -> int:
    """The column of the line behind a cell."""
    return (cell.place.column or 0) + len(cell.text)


def blank_rows(source: Source, gap: str) -> Iterator[Row]:
    """The rows of a table whose columns stand between blanks; lines that only rule it off are passed over."""
    between = re.compile(gap)
    for line, start in zip(source.lines, source.starts, strict=True):
        if not line.strip() or is_ruler(line):
            continue
        held = _depths(line)
        cuts = [match.span() for match in between.finditer(line) if not (held and held[match.start()])]
        starts = [0, *(stop for _, stop in cuts)]
        stops = [*(begin for begin, _ in cuts), len(line)]
        yield [
            source.cell(start + begin, start + stop)
            for begin, stop in zip(starts, stops, strict=True)
            if line[begin:stop].strip()
        ]
