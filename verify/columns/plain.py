"""A table of plain numbers, read as arrays: a step and as many decimals in each row, between commas, below their names.

Nearly every table that a program writes is one. Its cells are made where one is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from verify.tabular.grid import Source
from verify.tabular.written import Row

_NAME = r" *[A-Za-z_][A-Za-z0-9_/]*(?:\[\d{1,4}\])? *"
_STEP = r" *+[1-9]\d{0,8}+ *+"
_NUMBER = r", *+[+-]?\d{1,15}+(?:\.\d{1,15}+)? *+"
_HEADER = re.compile(rf"(?P<first>{_NAME})(?:,{_NAME})+(?=\n)", re.ASCII)
_COUNTER = "step"


@dataclass(frozen=True)
class PlainTable:
    """The numbers of a table whose first column holds the steps, in order.

    `steps` are by row; `values`, each the nearest float64, and its `places` after the point by row and column.
    """

    source: Source
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    places: NDArray[np.int64]

    def row(self, number: int) -> Row:
        """The cells of a row, counted from 0, that of the step among them."""
        line = self.source.lines[number + 1]
        commas = [at for at, sign in enumerate(line) if sign == ","]
        begin = self.source.starts[number + 1]
        starts, stops = [0, *(at + 1 for at in commas)], [*commas, len(line)]
        return self.source.cells([begin + at for at in starts], [begin + at for at in stops])

    def head(self, rows: int) -> Source:
        """The text with no more than so many rows."""
        return replace(self.source, text="\n".join(self.source.lines[: rows + 1]) + "\n")


def plain_table(source: Source) -> PlainTable | None:
    """The table of a text that is nothing else; None for any other text, and where a step is not after the last."""
    text = source.text
    header = _HEADER.match(text)
    if header is None or header["first"].strip() != _COUNTER or not text.isascii():
        return None
    columns = header[0].count(",")
    body = text[header.end() + 1 :]
    if not re.fullmatch(rf"(?>{_STEP}(?:{_NUMBER}){{{columns}}}+(?:\n|\Z))++", body):
        return None
    cells = body.rstrip("\n").replace("\n", ",")
    numbers = np.fromstring(cells, dtype=np.float64, sep=",").reshape((-1, columns + 1))
    steps = numbers[:, 0].astype(np.int64)
    if (np.diff(steps) <= 0).any():
        return None
    return PlainTable(source, steps, numbers[:, 1:], _places(cells).reshape(numbers.shape)[:, 1:])


def _places(cells: str) -> NDArray[np.int64]:
    """How many digits stand after the point of each number."""
    signs = np.frombuffer(cells.replace(" ", "").encode() + b",", dtype=np.uint8)
    ends, points = np.flatnonzero(signs == ord(",")), np.flatnonzero(signs == ord("."))
    found = np.zeros(len(ends), dtype=np.int64)
    of = np.searchsorted(ends, points)
    found[of] = ends[of] - points - 1
    return found
