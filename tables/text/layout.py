"""Formulas below one another: `a = w·x = 2·3 = 6` in columns where they fit, else part by part; and tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from derive.show.text import fold

WIDTH = 80  # characters of a line, as in a terminal


class Row(NamedTuple):
    """A formula: its left side and sign, itself in symbols, its numbers (empty where left out), what they give."""

    left: str
    sign: str
    symbols: str
    numbers: str
    result: str


def wrapped(sentence: str) -> list[str]:
    """A sentence in lines of the page's width."""
    return textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_long_words=False)


def section(title: str, rows: Iterable[Row]) -> Iterator[str]:
    """A title and the formulas: in columns those that fit, the others one part below the other."""
    rows = [_tidy(row) for row in rows]
    if not rows:
        return
    yield ""
    yield title
    widths = _widths(rows)
    left = max(len(row.left) for row in rows)
    for row in rows:
        yield from _line(row, left, widths) if _fits(row, left, widths) else _stack(row, left)


def _tidy(row: Row) -> Row:
    """The row without numbers that say no more than what they give, and without a result that says no more yet."""
    numbers = "" if row.numbers == row.result else row.numbers
    return row._replace(numbers=numbers, result="" if row.result == row.symbols else row.result)


def _widths(rows: list[Row]) -> tuple[int, int]:
    """The widths of the columns of symbols and of numbers, of as many rows as fit beside one another."""
    left = max(len(row.left) for row in rows)
    fitting = sorted(rows, key=lambda row: len(row.symbols) + len(row.numbers) + len(row.result))
    while fitting:
        symbols, numbers = (
            max(map(len, column)) for column in zip(*((r.symbols, r.numbers) for r in fitting), strict=True)
        )
        if all(_fits(row, left, (symbols, numbers)) for row in fitting):
            return symbols, numbers
        fitting.pop()
    return 0, 0


def _fits(row: Row, left: int, widths: tuple[int, int]) -> bool:
    within = len(row.symbols) <= widths[0] and len(row.numbers) <= widths[1]
    return within and len(next(iter(_line(row, left, widths)))) <= WIDTH


def _line(row: Row, left: int, widths: tuple[int, int]) -> Iterator[str]:
    """A formula on one line, `a = w·x = 2·3 = 6`, its parts in columns."""
    symbols, numbers = widths
    head = f"  {row.left.ljust(left)} {row.sign.ljust(1)} {row.symbols.ljust(symbols)}"
    middle = f" = {row.numbers.ljust(numbers)}" if row.numbers else " " * (numbers + 3 if numbers else 0)
    yield f"{head}{middle} = {row.result}" if row.result else head.rstrip()


def _stack(row: Row, left: int) -> Iterator[str]:
    """A formula on several lines, its parts below one another."""
    head = f"  {row.left.ljust(left)} {row.sign.ljust(1)} "
    indent = " " * (len(head) - 2)
    for sign, part in zip((head, f"{indent}= ", f"{indent}= "), (row.symbols, row.numbers, row.result), strict=True):
        if part:
            first, *rest = fold(part, WIDTH - len(sign), WIDTH - len(head) - 2)
            yield sign + first
            yield from (" " * (len(head) + 2) + line for line in rest)


def columns(table: list[tuple[str, list[str]]], samples: int) -> Iterator[str]:
    """Rows of a name and its cells, a column for each sample, as many as fit; a line counts the others of `samples`."""
    left = max(len(name) for name, _ in table)
    widths = [max(map(len, cells)) for cells in zip(*(cells for _, cells in table), strict=True)]
    room, count = WIDTH - left - 2, 0
    while count < len(widths) and room >= widths[count] + 2:
        room -= widths[count] + 2
        count += 1
    for name, cells in table:
        line = "".join(f"  {cell.rjust(width)}" for cell, width in zip(cells[:count], widths[:count], strict=True))
        yield f"  {name.ljust(left)}{line}"
    if count < samples:
        yield f"  … and {samples - count} more sample{'s' if samples - count > 1 else ''}"


def number(value: float) -> str:
    """The number with seven significant digits, as many as a float32 has; empty for NaN."""
    if math.isnan(value):
        return ""
    return f"{value:.7g}" if 1e-4 <= abs(value) < 1e7 or not value else f"{value:.6e}"


def small(value: float) -> str:
    """A difference, a bound or a share with two digits; empty for NaN."""
    if math.isnan(value):
        return ""
    return f"{value:.1e}" if value else "0"
