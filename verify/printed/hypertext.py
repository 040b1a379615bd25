"""Tables of HTML, as `df.to_html()`, Jupyter and web pages have them: read by their tags, and never shown or run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from derive.errors import ClaimError, Place
from verify.tabular.grid import Grid, Source
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
    """The one table of a page. Raises `ClaimError` for a second one, one inside another, and merged cells."""
    reader = _Reader(source)
    reader.feed(source.text)
    reader.close()
    reader.end_row()
    return Grid([row for row in reader.rows if row], "HTML")


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
            spans = {name: value for name, value in attrs if name in ("rowspan", "colspan")}
            if any((value or "1").strip() not in ("0", "1") for value in spans.values()):
                raise ClaimError("merged cells are not read; write each cell by itself", self.place)
            self.open = ([], self.place)
        elif self.is_inside and tag in _ENDS:
            self.end_row()
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
        if self.open is not None:
            texts, place = self.open
            self.rows[-1].append(Written(" ".join("".join(texts).split()), place))
            self.open = None

    def end_row(self) -> None:
        """Begins another row."""
        self.end_cell()
        if self.rows[-1]:
            self.rows.append([])
