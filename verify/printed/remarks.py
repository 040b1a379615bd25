"""What stands around a table between separators and is no part of it: comments, a title, a note, a count of rows."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.errors import ClaimError
from verify.tabular.delimited import SIGNS, is_ruler, read_delimited
from verify.tabular.grid import Grid, Source, left_out
from verify.tabular.index import FOOTER

_COMMENT = re.compile(r"\s*(?:#+(?![,;|\t#])(?!\s*\d)|//|%(?=\s))")
_NUMBERS = re.compile(r"\s*[-+−]?[.\d]")  # how a row of numbers begins
_NUMERAL = re.compile(r"[-+−]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_AROUND = re.compile(  # what databases print below a table, the command above it, and how MATLAB begins a table
    r"^[ \t]*(?:\(\d+ rows?\)|\d+ rows? in set\b.*|Query OK.*|Time: [\d.,]+ ms.*|Run Time: real .*|"
    r"(?:mysql|sqlite|MariaDB \[[^\]\n]*\])>[ \t].*|\w+=[#>] (?:select|SELECT)\b.*|"
    r"[A-Za-z]\w*[ \t]*=[ \t]*\r?\n\s*\d+[×x]\d+ table)[ \t]*\r?$",
    re.MULTILINE,
)
_BESIDE = "a line beside the table is not read"


def without_frame(source: Source) -> Source:
    """The text without what a database prints around its rows, such as their number, or MATLAB above a table."""
    return replace(source, text=_AROUND.sub(lambda match: "\n" * match[0].count("\n"), source.text))


def read_with_remarks(source: Source) -> Grid:
    """A table between separators, without comments, the lines above its names and those below its last row.

    Comments are told; the lines may be claims by themselves, and are `odd`. Raises `ClaimError`.
    """
    kept = list(source.lines)
    comments = _comments(kept)
    for number in comments:
        kept[number] = ""
    beside = _beside(kept)
    for number in beside:
        kept[number] = ""
    if not comments and not beside:
        return read_delimited(source)
    grid = read_delimited(replace(source, text="\n".join(kept)))
    odd = tuple(ClaimError(_BESIDE, source.place(source.starts[number])) for number in beside)
    places = [source.place(source.starts[number]) for number in comments]
    return replace(grid, odd=(*grid.odd, *odd), told=", ".join(filter(None, (grid.told, left_out("comment", places)))))


def _comments(lines: list[str]) -> list[int]:
    """The lines that begin with a #; not that with which NumPy begins the names, directly above the numbers."""
    found = [number for number, line in enumerate(lines) if _COMMENT.match(line)]
    others = [number for number, line in enumerate(lines) if line.strip() and number not in found]
    if not others:
        return []
    first = others[0]
    if _NUMBERS.match(lines[first]) and (above := [number for number in found if number < first]):
        found.remove(above[-1])
    return found


def _beside(lines: list[str]) -> list[int]:
    """The lines above the names and below the last row: of other cells than these, without a number alone in one."""
    filled = [number for number, line in enumerate(lines) if line.strip() and not is_ruler(line)]
    rows = [number for number in filled if _NUMBERS.match(lines[number])]
    is_quoted = any('"' in lines[number] for number in filled)  # a cell may be several lines
    if not rows or rows[0] == filled[0] or is_quoted:
        return []
    for sign in (*SIGNS, None):
        width = len(_cells(lines[rows[0]], sign))
        head = filled[filled.index(rows[0]) - 1]
        if width < 2 or len(_cells(lines[head], sign)) not in _widths_of_names(width, sign):
            continue
        outside = [number for number in filled if number < head or number > rows[-1]]
        outside = [number for number in outside if not FOOTER.fullmatch(lines[number].strip())]  # of pandas
        others = [number for number in outside if len(_cells(lines[number], sign)) != width]
        if any(_has_numbers(_cells(lines[number], sign), is_prose=sign is None) for number in others):
            return []
        is_title = all(number in others for number in outside if number < head)
        return others if is_title else []
    return []


def _widths_of_names(width: int, sign: str | None) -> tuple[int, ...]:
    """How many names may stand above so many cells: as many, or one less where an index has none, as of print(df)."""
    return (width, width - 1) if sign is None and width > 2 else (width,)


def _has_numbers(cells: list[str], *, is_prose: bool) -> bool:
    """Whether a number stands alone in a cell; where blanks separate them, whether that is every second word."""
    count = sum(_NUMERAL.fullmatch(cell) is not None for cell in cells)
    return 2 * count >= len(cells) if is_prose else count > 0


def _cells(line: str, sign: str | None) -> list[str]:
    return [cell.strip() for cell in line.split(sign)]
