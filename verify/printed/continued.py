r"""Wide data frames that pandas prints in parts, one below the other: a header that goes on below ends with a `\`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from derive.errors import ClaimError
from verify.tabular.across import is_across, read_across
from verify.tabular.delimited import read_delimited
from verify.tabular.grid import Grid, Source
from verify.tabular.written import Row, Written

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
