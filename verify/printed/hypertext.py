"""Tables of HTML, as `df.to_html()`, Jupyter and web pages have them: read by their tags, and never shown or run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from derive.errors import ClaimError, Place
from verify.tabular.grid import MAX_CELLS, Grid, Source
from verify.tabular.merged import TOO_MANY, WIDEST, Merged, grid_of_merged
from verify.tabular.written import Row, Written

_TABLE = re.compile(r"<table(?=[\s>])", re.IGNORECASE)
_CELLS = ("td", "th")
_ENDS = ("tr", "thead", "tbody", "tfoot", "table")  # what ends a cell, and a row, that nothing else has ended
_SHOWN_AS = {"br": " ", "p": " ", "div": " ", "sup": "^", "sub": "_"}  # 10<sup>2</sup> is not 102
_UNSHOWN = ("script", "style", "template")


def is_html(source: Source) -> bool:
    """Whether a table begins in a text."""
    return _TABLE.search(source.text) is not None


def read_html(source: Source) -> Grid:
    """The one table of a page, its merged cells each by itself. Raises `ClaimError` for a second one, or one inside."""
    reader = _Reader(source)
    reader.feed(source.text)
    reader.close()
    reader.end_row()
    rows = [row for row in reader.rows if row]
    return grid_of_merged(rows, reader.merged, "HTML")


class _Reader(HTMLParser):
    """Gathers the cells of the table row by row, each with the place of what it shows."""

    def __init__(self, source: Source) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.rows: list[Row] = [[]]
        self.tables = 0
        self.is_inside = False
        self.unshown = 0
        self.open: tuple[list[str], Place] | None = None  # the texts of a cell that has begun, and where
        self.over = (1, 1)  # how many rows and columns it is over
        self.merged: list[Merged] = []
        self.covered: dict[int, int] = {}  # the columns that a cell above covers, each up to which row
        self.cells = 0
        self.has_begun = False  # whether a row has, which may be empty, as cells above reach down to it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A table, a row or a cell begins."""
        if tag in _UNSHOWN:
            self.unshown += 1
        elif tag == "table":
            self.tables += 1
            if self.is_inside or self.tables > 1:
                raise ClaimError("a second table; leave one of them out", self.place)
            self.is_inside = True
        elif self.is_inside and tag in _CELLS:
            self.end_cell()
            self.over = (_span(attrs, "rowspan"), _span(attrs, "colspan"))
            self.open = ([], self.place)
        elif self.is_inside and tag in _ENDS:
            self.end_row()
            self.has_begun = tag == "tr"
        elif tag in _SHOWN_AS and self.open is not None:
            self.open[0].append(_SHOWN_AS[tag])

    def handle_endtag(self, tag: str) -> None:
        """A table, a row or a cell ends."""
        if tag in _UNSHOWN:
            self.unshown = max(0, self.unshown - 1)
        elif self.is_inside and tag in _CELLS:
            self.end_cell()
        elif self.is_inside and tag in _ENDS:
            self.end_row()
            self.is_inside = tag != "table"

    def handle_data(self, data: str) -> None:
        """What a cell shows."""
        if self.open is None or self.unshown:
            return
        texts, place = self.open
        if data.strip() and not "".join(texts).strip() and place.column is not None:
            line, column = self.getpos()
            at = self.source.starts[line - 1] + column + len(data) - len(data.lstrip())
            self.open = (texts, self.source.place(min(at, len(self.source.text))))
        texts.append(data)

    @property
    def place(self) -> Place:
        """Where the reader stands."""
        line, column = self.getpos()
        return self.source.place(self.source.starts[line - 1] + column)

    def end_cell(self) -> None:
        """Takes a cell that has begun into its row."""
        if self.open is None:
            return
        texts, place = self.open
        self.open = None
        self.pass_covered(place)
        row, at = self.rows[-1], (len(self.rows) - 1, len(self.rows[-1]))
        down, right = self.over
        row += [Written(" ".join("".join(texts).split()), place), *(Written("", place) for _ in range(right - 1))]
        self.covered |= dict.fromkeys(range(at[1], at[1] + right), at[0] + down - 1)
        if self.over != (1, 1):
            self.merged.append(Merged("", *at, at[0] + down - 1, at[1] + right - 1))
        self.cells += right
        if self.cells > MAX_CELLS:
            raise ClaimError(TOO_MANY, place)

    def pass_covered(self, place: Place) -> None:
        """Puts empty cells where cells of the rows above reach down to the next place of this row."""
        row = self.rows[-1]
        while self.covered.get(len(row), -1) >= len(self.rows) - 1:
            row.append(Written("", place))
            self.cells += 1

    def end_row(self) -> None:
        """Begins another row."""
        self.end_cell()
        if self.rows[-1] or self.has_begun:
            self.pass_covered(self.rows[-1][-1].place if self.rows[-1] else self.place)
        self.has_begun = False
        if self.rows[-1]:
            self.rows.append([])


def _span(attributes: Sequence[tuple[str, str | None]], name: str) -> int:
    """Over how many rows or columns a cell is: one, if nothing or nonsense is said; at most as many as there may be.

    A rowspan of 0 goes down to the end of the table.
    """
    text = (dict(attributes).get(name) or "1").strip()
    count = int(text) if re.fullmatch(r"\d{1,6}", text, re.ASCII) else 1
    return min(count, WIDEST) or 1 if name == "colspan" else count or MAX_CELLS
