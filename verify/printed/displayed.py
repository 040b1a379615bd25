"""Values as MATLAB and Octave display them: `w =`, and its numbers below it between empty lines."""

from __future__ import annotations

import re

from derive.errors import ClaimError
from verify.tabular.grid import Grid, Source
from verify.tabular.records import Record, rows_of
from verify.tabular.written import Written

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)"
_NAME = re.compile(r"[ \t]*(?:>>[ \t]*)?(?P<name>[A-Za-z]\w*)[ \t]*=[ \t]*")
_NUMBERS = re.compile(rf"[ \t]*{_NUMBER}(?:[ \t]+{_NUMBER})*[ \t]*", re.IGNORECASE)
_SCALE = re.compile(r"[ \t]*1\.0+e(?P<power>[-+]\d+)[ \t]*\*[ \t]*")  # of all numbers below it


def is_displayed(source: Source) -> bool:
    """Whether a text is nothing but names, each with its numbers in the lines below it."""
    kinds = [_kind(line) for line in source.lines if line.strip()]
    return bool(kinds) and kinds[0] == "=" and re.fullmatch(r"(?:=\*?n+)+", "".join(kinds)) is not None


def _kind(line: str) -> str:
    """`=` for a name, `*` for a factor, `n` for numbers, `?` for anything else."""
    forms = ((_NAME, "="), (_SCALE, "*"), (_NUMBERS, "n"))
    return next((kind for form, kind in forms if form.fullmatch(line)), "?")


def read_displayed(source: Source) -> Grid:
    """One row, or one for each time that the names are displayed. Raises `ClaimError` for lines of other lengths."""
    records: list[Record] = [[]]
    filled = [(line, start) for line, start in zip(source.lines, source.starts, strict=True) if line.strip()]
    begins = [k for k, (line, _) in enumerate(filled) if _NAME.fullmatch(line)]
    for first, last in zip(begins, [*begins[1:], len(filled)], strict=True):
        line, start = filled[first]
        match = _NAME.fullmatch(line)
        assert match is not None  # chosen so
        name = source.cell(start + match.start("name"), start + match.end("name"))
        if name.text in {key.text for key, _ in records[-1]}:
            records.append([])
        records[-1].append((name, _value(source, filled[first + 1 : last])))
    return Grid(rows_of(records), "values as MATLAB and Octave display them")


def _value(source: Source, lines: list[tuple[str, int]]) -> Written:
    """The number below a name, or its numbers as an array."""
    scale = _SCALE.fullmatch(lines[0][0])
    power = f"e{scale['power']}" if scale else ""
    rows = [[f"{number}{power}" for number in line.split()] for line, _ in lines[1 if scale else 0 :]]
    line, start = lines[1 if scale else 0]
    place = source.place(start + len(line) - len(line.lstrip()))
    if len({len(row) for row in rows}) > 1:
        raise ClaimError("the lines of this array are not of one length", place)
    if len(rows) == len(rows[0]) == 1:
        return Written(rows[0][0], place)
    if len(rows[0]) == 1 or len(rows) == 1:
        return Written(f"[{' '.join(number for row in rows for number in row)}]", place)
    return Written(f"[{' '.join('[' + ' '.join(row) + ']' for row in rows)}]", place)
