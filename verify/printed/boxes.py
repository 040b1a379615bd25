"""Tables in boxes, as rich, polars, DuckDB and tabulate print them: cells between │, ruled off by lines of ─."""

from __future__ import annotations

import re
from itertools import pairwise

from derive.errors import ClaimError
from verify.tabular.grid import Grid, Source
from verify.tabular.written import Row

_BAR = re.compile(r"[│┃┆║╎]")
_RULE = re.compile(r"[\s─━═┄╌┈┌┐└┘├┤┬┴┼╒╕╘╛╞╡╤╧╪╔╗╚╝╠╣╦╩╬╭╮╰╯┏┓┗┛┡┩┣┫┳┻╇┠┨╂╟╢╥╨╫]+")
_TYPE = re.compile(
    r"-+|u?int\d*|[iuf]\d+|float\d*|double|bool(?:ean)?|str(?:ing)?|varchar|bigint|date(?:time.*)?", re.IGNORECASE
)
_LEFT_OUT = ("…", "...", "·")  # in place of rows in the middle


def is_boxed(source: Source) -> bool:
    """Whether a line of a text is a rule of a box, and the next begins with the bar of a cell."""
    lines = [line for line in source.lines if line.strip()]
    return any(_RULE.fullmatch(line) and _BAR.match(below.strip()) for line, below in pairwise(lines))


def read_boxed(source: Source) -> Grid:
    """The names above the second rule, without the types below them, and a row for each line beneath it.

    Raises `ClaimError` for names in several lines.
    """
    blocks: list[list[Row]] = [[]]
    beside: list[ClaimError] = []
    for number, line in enumerate(source.lines):
        if _BAR.match(line.strip()):
            blocks[-1].append(_row(source, number))
        elif line.strip() and _RULE.fullmatch(line):
            blocks.append([])
        elif line.strip() and not line.startswith("shape: ("):
            beside.append(ClaimError("a line beside the table is not read", source.place(source.starts[number])))
    filled = [block for block in blocks if block]
    names, *types = filled[0] if len(filled) > 1 else filled[0][:1]
    for row in types:
        if not all(_TYPE.fullmatch(cell.text) for cell in row if cell.text):
            raise ClaimError("the name of a column in several lines; print the table wider", row[0].place)
    body = [row for block in filled[1:] for row in block] if len(filled) > 1 else filled[0][1:]
    kept = [row for row in body if not all(cell.text in _LEFT_OUT for cell in row)]
    told = "rows that the program left out" if len(kept) < len(body) else ""
    return Grid([names, *kept], "a table in a box", told=told, odd=tuple(beside))


def _row(source: Source, number: int) -> Row:
    """The cells of a line between its bars."""
    bars = [match.start() for match in _BAR.finditer(source.lines[number])]
    start = source.starts[number]
    return [source.cell(start + left + 1, start + right) for left, right in pairwise(bars)]
