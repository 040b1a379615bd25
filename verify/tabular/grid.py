"""A table as it is written, whatever its form: rows of cells with their places, numbers with a decimal point."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from derive.errors import ClaimError, Place, shorten
from verify.tabular.arrays import commas_of, is_array, with_decimal_points
from verify.tabular.written import NAMES, Row, Written

ShapeOf = Callable[[int, Row], Sequence[int] | None]  # of a column in a row
MAX_CELLS = 10**6  # of a table; a larger one is refused
_SHOWN = 3  # lines that are left out, by their words
_MINUS = str.maketrans({"−": "-", "–": "-", "＋": "+"})
_CUT = r"(?:\.{2,}|…|⋯)"  # 0,26..: its digits are cut off
_TAIL = rf"{_CUT}?(?:(?:[eE][+-]?\d+)?(?:\(\d{{1,3}}\))?|\s*%)"
_POINT = re.compile(rf"[+-]?(?:[\d,]*\.\d*|\d{{1,3}}(?:,\d{{3}}){{2,}}){_TAIL}", re.ASCII)
_COMMA = re.compile(rf"[+-]?(?:\d*|\d{{1,3}}(?:\.\d{{3}})+),\d+{_TAIL}|[+-]?\d{{1,3}}(?:\.\d{{3}}){{2,}}", re.ASCII)
_EITHER = re.compile(rf"[+-]?[1-9]\d{{0,2}},\d{{3}}{_TAIL}", re.ASCII)


class PartError(ClaimError):
    """A part of a line that cannot be read, beside others that can; `part` is how it is written."""

    part: str = ""


@dataclass(frozen=True)
class Source:
    """A text with the name that messages give it; its first line is the line `first_line` of what it stands in."""

    name: str
    text: str
    first_line: int = 1

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without what ends them."""
        return [line.rstrip("\r") for line in self.text.split("\n")]

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins."""
        found, at = [], 0
        for line in self.text.split("\n"):
            found.append(at)
            at += len(line) + 1
        return found

    def place(self, at: int) -> Place:
        """The place of a character."""
        line = bisect_right(self.starts, at) - 1
        return Place(self.name, self.first_line + line, at - self.starts[line] + 1, self.lines[line])

    def cell(self, start: int, stop: int) -> Written:
        """What stands between two characters, without the blanks around it."""
        text = self.text[start:stop]
        return Written(text.strip(), self.place(start + len(text) - len(text.lstrip())))

    def cells(self, starts: Sequence[int], stops: Sequence[int]) -> Row:
        """The cells of one line."""
        line = bisect_right(self.starts, starts[0]) - 1
        number, begin, whole = self.first_line + line, self.starts[line] - 1, self.lines[line]
        found = []
        for start, stop in zip(starts, stops, strict=True):
            text = self.text[start:stop]
            at = start + len(text) - len(text.lstrip())
            found.append(Written(text.strip(), Place(self.name, number, at - begin, whole)))
        return found


@dataclass(frozen=True)
class Grid:
    """The rows of a table, its header first, and what it was read as.

    `gap` is a line that may be a row without numbers or nothing, where there is one; `told` is what else is to be said
    of how it was read. `apart` are names with their numbers that stand in no row, where the others say which one, and
    `odd` says what is wrong with each line, or part of one, that cannot be read.
    """

    rows: Sequence[Row]
    form: str
    gap: Place | None = None
    told: str = ""
    apart: tuple[tuple[Written, Written], ...] = ()
    odd: tuple[ClaimError, ...] = ()


def with_points(grid: Grid, shape: ShapeOf | None = None) -> tuple[Grid, bool]:
    """The table with decimal points, and whether it was written with decimal commas.

    All numbers of a table are written alike. `shape` gives the sizes of what a column of a row is about, where that is
    known: of an array they may tell whether its commas separate. Raises `ClaimError` where some numbers have a comma
    and others a point, and where nothing tells whether `1,234` has a decimal comma: neither `0,5` nor `1,234.5` does.
    """
    header, *body = grid.rows
    names = [cell.text.lower() for cell in header]
    is_tidy = "index" in names and not {"quantity", *NAMES}.isdisjoint(names)
    apart = {names.index("index")} if is_tidy else set()
    points, commas, either, thousands = _evidence(body, apart, shape)
    if points and commas:
        message = f"{shorten(commas.text)} has a decimal comma, and {shorten(points.text)} at {points.place} a point"
        raise ClaimError(f"{message}; write all numbers of a table in one way", commas.place)
    if either and not thousands and not commas:
        raise ClaimError(_two_readings(either.text), either.place)
    if not commas:
        return grid, False
    rows = [
        header,
        *([cell if k in apart else _with_point(cell, k, row, shape) for k, cell in enumerate(row)] for row in body),
    ]
    return replace(grid, rows=rows), True


def _two_readings(text: str) -> str:
    """What to say of a comma that may be one or the other."""
    if is_array(text):
        message = f"{shorten(text)} has commas that may be decimal commas, or separate its numbers"
        return f"{message}; write decimal points, or a blank after each comma that separates"
    whole, decimal = text.replace(",", ""), text.replace(",", ".")
    message = f"{shorten(text)} is {whole} if its comma is a thousands mark, and {decimal} if it is a decimal comma"
    return f"{message}, and no other number of the table tells which; write one of the two"


_Evidence = tuple[Written | None, Written | None, Written | None, Written | None]


def _evidence(body: Sequence[Row], apart: Collection[int], shape: ShapeOf | None) -> _Evidence:
    """The first number with a decimal point, with a decimal comma, that may be either, and with thousands marked."""
    first: dict[str, Written] = {}
    for row in body:
        for position, cell in enumerate(row):
            if ("," in cell.text or "." in cell.text) and position not in apart and not cell.is_number:
                for mark in _marks(cell, position, row, shape):
                    first.setdefault(mark, cell)
    return first.get("."), first.get(","), first.get("?"), first.get("thousands")


def _marks(cell: Written, position: int, row: Row, shape: ShapeOf | None) -> Iterator[str]:
    """The decimal marks of the numbers in a cell; `?` for a comma that may be one.

    A single comma in quotes is a decimal comma: it is what the quotes are for where commas separate the cells.
    """
    text = cell.text.translate(_MINUS)
    if is_array(text):
        yield from _marks_of_array(text, _commas(text, position, row, shape))
    elif _EITHER.fullmatch(text):
        yield "," if cell.is_quoted else "?"
    elif _COMMA.fullmatch(text):
        yield ","
    elif _POINT.fullmatch(text):
        yield "."
        if "," in text:
            yield "thousands"


def _marks_of_array(text: str, commas: str) -> Iterator[str]:
    """The decimal marks of an array, whose commas may also separate two numbers."""
    if commas in ("decimal", "either"):
        yield "," if commas == "decimal" else "?"
    if re.search(r"\d\.|\.\d", text):
        yield "."


def _commas(text: str, position: int, row: Row, shape: ShapeOf | None) -> str:
    """What the commas of an array are; what it is about is looked up only where that can tell."""
    found = commas_of(text)
    return commas_of(text, shape(position, row)) if found and shape is not None else found


def _with_point(cell: Written, position: int, row: Row, shape: ShapeOf | None) -> Written:
    """A cell of a table of decimal commas, with points."""
    if is_array(cell.text):
        separates = _commas(cell.text.translate(_MINUS), position, row, shape) == "separating"
        return cell if separates else Written(with_decimal_points(cell.text), cell.place)
    if _COMMA.fullmatch(cell.text.translate(_MINUS)) or _EITHER.fullmatch(cell.text.translate(_MINUS)):
        number, *cut = re.split(f"({_CUT})", cell.text, maxsplit=1)
        return Written(number.replace(".", "").replace(",", ".") + "".join(cut), cell.place)
    return cell


def left_out(what: str, places: Sequence[Place], of_kind: str = "") -> str:
    """`2 lines without claims left out: 'Training begins', 'Done.'`; nothing where there are none."""
    if not places:
        return ""
    shown = ", ".join(shorten(place.text.strip()) for place in places[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"{len(places)} {what}{'s' if len(places) != 1 else ''}{of_kind} left out: {shown}{more}"
