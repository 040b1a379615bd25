r"""What pandas prints: a Series, columns named in several lines, and wide frames in parts, one below the other.

The header of a part that goes on below ends with a `\`; below a Series stands what it is called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from derive.errors import ClaimError
from verify.tabular.across import is_across, read_across
from verify.tabular.delimited import blank_rows, read_delimited
from verify.tabular.grid import Grid, Source
from verify.tabular.index import FOOTER, printed_frame
from verify.tabular.written import PLACES, Row, Written, is_dots, place_word

_BELOW = re.compile(r"(?:Freq: \S+, )?(?:Name: (?P<name>.+?), )?(?:Length: \d+, )?dtype: \S+")
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_MOST_LEVELS = 4  # of the names of columns, and of the index
_LOOKED_AT = 50  # rows below which the columns end
_GOES_ON = re.compile(r"[^\n]*\S[ \t]+\\[ \t]*")


def is_continued(source: Source) -> bool:
    """Whether the first line of a text is a header that goes on below, after an empty line."""
    lines = [line.strip() for line in source.text.strip().splitlines()]
    return bool(lines) and "" in lines and _GOES_ON.fullmatch(lines[0]) is not None


def read_continued(source: Source) -> Grid:
    """The parts side by side, by the index that all of them have. Raises `ClaimError` where they have others."""
    parts = [_read(part) for part in _parts(source)]
    first = parts[0]
    if len(parts) > 1 and any(len(part.rows) != len(first.rows) for part in parts):
        other = next(part for part in parts if len(part.rows) != len(first.rows))
        message = f"this part of the table has {len(other.rows)} lines, and the first one {len(first.rows)}"
        raise ClaimError(f"{message}; print it in one part (df.to_string())", other.rows[0][0].place)
    held = [0]
    for part in parts[1:]:
        held.append(_in_common(first.rows, part.rows))
        if not held[-1]:
            message = "this part of the table has another index than the first; print it in one part (df.to_string())"
            raise ClaimError(message, part.rows[0][0].place)
    lines = zip(*(part.rows for part in parts), strict=True)
    rows = [[cell for row, left in zip(line, held, strict=True) for cell in row[left:]] for line in lines]
    told = ", ".join(dict.fromkeys(part.told for part in parts if part.told))
    return replace(first, rows=rows, form=f"{first.form}, in {len(parts)} parts", told=told)


def _parts(source: Source) -> list[Source]:
    """The text once for each part, without the others and the sign at the end of its header."""
    lines = [re.sub(r"\\(?=[ \t]*$)", " ", line) for line in source.lines]
    blocks: list[list[int]] = [[]]
    for number, line in enumerate(lines):
        if line.strip():
            blocks[-1].append(number)
        elif blocks[-1]:
            blocks.append([])
    return [
        replace(source, text="\n".join(line if number in block else "" for number, line in enumerate(lines)))
        for block in blocks
        if block
    ]


def _read(part: Source) -> Grid:
    return read_across(part) if is_across(part) else read_delimited(part)


def _in_common(first: Sequence[Row], other: Sequence[Row]) -> int:
    """How many columns two parts begin with alike."""
    columns = zip(zip(*first, strict=False), zip(*other, strict=False), strict=False)
    return len(list(takewhile(lambda pair: _texts(pair[0]) == _texts(pair[1]), columns)))


def _texts(column: Sequence[Written]) -> list[str]:
    return [cell.text for cell in column]


def is_series(source: Source) -> bool:
    """Whether the last line of a text is what pandas writes below a Series: `Name: w, dtype: float64`."""
    filled = [line.strip() for line in source.lines if line.strip()]
    return len(filled) > 1 and _BELOW.fullmatch(filled[-1]) is not None


def read_series(source: Source) -> Grid:
    """The column that a Series is, or the one row of numbers that have names, such as `df.loc[2]`.

    Raises `ClaimError` for a column without a name, and for a row that is called by a number.
    """
    last = max(number for number, line in enumerate(source.lines) if line.strip())
    below = _BELOW.search(source.text, source.starts[last])
    assert below is not None  # asked by is_series
    name = source.cell(*below.span("name")) if below["name"] else None
    rows = list(blank_rows(replace(source, text="\n".join(source.lines[:last])), r"\s{2,}"))
    labels = [row[0] for row in rows if len(row) > 1]
    if labels and not any(_WHOLE.fullmatch(label.text) for label in labels):
        says_where = any(place_word(label.text) in PLACES for label in labels)
        if name is not None and _WHOLE.fullmatch(name.text) and not says_where:
            message = f"a Series called {name.text}, which may be the step of its numbers or the place of a row"
            raise ClaimError(f"{message}; put a line 'step  {name.text}' above it", name.place)
        values = [replace(row[-1], text="" if row[-1].text == "NaN" else row[-1].text) for row in rows if len(row) > 1]
        return Grid([labels, values], "a printed Series")
    if name is None:
        raise ClaimError(
            "a Series without a name; print it with that of its numbers: series.rename('w')", rows[0][0].place
        )
    frame = printed_frame([[name], *rows], source)
    if frame is None:
        raise ClaimError("a Series that is not read; print it as a frame: series.to_frame()", rows[0][0].place)
    return replace(frame, form="a printed Series")


def is_in_levels(source: Source) -> bool:
    """Whether a text is a data frame whose columns are named in two lines or more, `grad` above w and b."""
    return _in_levels(source) is not None


def read_in_levels(source: Source) -> Grid:
    """The frame with the names of each column in one line: `grad w`. Raises `ClaimError` for rows of other widths."""
    rows = _in_levels(source)
    assert rows is not None  # asked by is_in_levels
    frame = printed_frame(rows, source)
    if frame is None:
        message = "a data frame whose rows are not of one width; write it as CSV: df.to_csv()"
        raise ClaimError(message, rows[0][0].place)
    return frame


def _in_levels(source: Source) -> list[Row] | None:
    """The rows of such a frame, its names in one line; None for any other text.

    Each name ends where the numbers below it do, and the first line leaves out what is as in the column before.
    """
    lines = [(number, line.rstrip()) for number, line in enumerate(source.lines) if line.strip()]
    first = next((at for at, (_, line) in enumerate(lines[: _MOST_LEVELS + 2]) if re.match(r"\s*\d", line)), 0)
    if first < 2:
        return None
    body = [line for _, line in lines[first : first + _LOOKED_AT] if not FOOTER.fullmatch(line.strip())]
    spans = [[match.span() for match in re.finditer(r"\S+", line)] for line in body if not is_dots(line.split()[0])]
    full = [row for row in spans if len(row) == max(map(len, spans))]
    for levels in range(1, _MOST_LEVELS):
        header = _header(source, lines[:first], full, levels) if levels < len(full[0]) else None
        if header is not None:
            rest = replace(source, text="\n" * lines[first][0] + "\n".join(source.lines[lines[first][0] :]))
            return [*header, *blank_rows(rest, r"\s+")]
    return None


def _header(
    source: Source, lines: Sequence[tuple[int, str]], rows: Sequence[Sequence[tuple[int, int]]], levels: int
) -> list[Row] | None:
    """The names in one line, and those of an index of so many `levels` in another; None where the lines are no such.

    `lines` are those of the names, by their numbers, and `rows` where the cells of rows of numbers begin and end.
    """
    ends = [end for _, end in rows[0][levels:]]
    number, last = lines[-1]
    is_of_index = not last.startswith(" ") and len(last) < ends[0]
    begin = max(row[levels - 1][1] for row in rows)
    begin = max(begin, len(last)) if is_of_index else begin
    names = lines[:-1] if is_of_index else lines
    if len(names) < 2 or any([end for _, end in row[levels:]] != ends for row in rows):
        return None
    parts = [_parts_of(source, line, begin, ends, has_name=is_of_index) for line in names]
    if any(part is None for part in parts):
        return None
    *above, below = [part for part in parts if part is not None]
    for row in above:  # what is left out is as in the column before
        for at in range(1, len(row)):
            row[at] = row[at] if row[at].text else row[at - 1]
    joined = [[cell for cell in column if cell.text] for column in zip(*above, below, strict=True)]
    if not all(joined):
        return None
    header = [replace(cells[-1], text=" ".join(cell.text for cell in cells)) for cells in joined]
    index = [
        source.cell(source.starts[number] + m.start(), source.starts[number] + m.end())
        for m in re.finditer(r"\S+", last)
    ]
    return [header, index] if is_of_index else [header]


def _parts_of(source: Source, line: tuple[int, str], begin: int, ends: Sequence[int], *, has_name: bool) -> Row | None:
    """The cells of a line of names, each up to where its column ends; None where a name ends elsewhere.

    In front of them, where the index stands, is nothing, or the name of the line where the index has one (`has_name`).
    """
    number, text = line
    name = re.match(r"\S+", text) if has_name else None
    start = max(begin, name.end() if name else 0)
    starts = [start, *ends[:-1]]
    if len(text) > ends[-1] or text[name.end() if name else 0 : start].strip():
        return None
    if any(text[end - 1 : end].strip() and text[end : end + 1].strip() for end in ends):
        return None
    if any(text[left:end].strip() and not text[end - 1 : end].strip() for left, end in zip(starts, ends, strict=True)):
        return None
    at = source.starts[number]
    return [source.cell(at + left, at + end) for left, end in zip(starts, ends, strict=True)]
