"""Rows as Python prints them, names in the first: `[('step', 'w'), (1, 0.267)]`, in one list or a tuple a line.

So are names each with its number, `[('w', 0.267), ('b', 0.24)]`, and what a dataclass shows. All are read by their
signs, and never evaluated.
"""

from __future__ import annotations

import re
from dataclasses import replace

from derive.errors import ClaimError
from verify.printed.lines import read_lines
from verify.tabular.grid import Grid, Source
from verify.tabular.records import records_of, rows_of
from verify.tabular.written import Row, Written

_CALL = r"(?:Parameter containing:\s*)?[\w.]+\((?:[^()]|\([^()]*\))*\)"  # np.float64(0.5), tensor([0.5], dtype=d)
_ITEM = re.compile(
    rf"""\s*(?:(?P<quote>['"])(?P<text>[^'"\n]*)(?P=quote)|(?P<array>\[[^\[\]]*\])|(?P<bare>{_CALL}|[^\s,()\[\]'"]+))\s*"""
)
_OPENING = re.compile(r"\s*(?:[\[(]\s*)?(?=[\[(]\s*['\"])")  # of the rows, and of the first one
_OF_NUMBERS = re.compile(r"\s*\((?:\s*[-+]?[\d.]+(?:e[-+]?\d+)?\s*,){1,}[^()\n]*\),?[ \t]*(?:\n|$)", re.IGNORECASE)
_RECORD = re.compile(r"(?P<before>[ \t]*[A-Za-z_]\w*\()(?P<inner>\w+=.*)\)[ \t]*")
_SEVERAL = re.compile(r"\s*[\[(]\s*[\[(]")


def is_tuples(source: Source) -> bool:
    """Whether a text begins with a tuple or a list of names in quotes, or of numbers, or is a list of lists."""
    if _OF_NUMBERS.match(source.text):
        return True
    return bool(_OPENING.match(source.text)) or bool(re.match(rf"{_SEVERAL.pattern}[^][(),]+,", source.text))


def read_tuples(source: Source) -> Grid:
    """One row for each tuple, or one of names with their numbers.

    Raises `ClaimError` for what breaks off, and where something stands between two.
    """
    opening = _SEVERAL.match(source.text)
    at = opening.end() - 1 if opening is not None else 0
    rows: list[Row] = []
    while True:
        at = _behind(source.text, at, r"[\s,]*")
        if at == len(source.text) or (opening is not None and source.text[at] in "])"):
            break
        row, at = _row(source, at)
        rows.append(row)
    end = _behind(source.text, at, r"[\])\s]*")
    if end < len(source.text):
        raise ClaimError("nothing is read behind the rows", source.place(end))
    if rows and all(len(row) == 2 and not row[0].is_number and row[1].is_number for row in rows):
        return Grid(rows_of(records_of((name, number) for name, number in rows)), "tuples as Python prints them")
    return Grid(rows, "tuples as Python prints them")


def is_dataclasses(source: Source) -> bool:
    """Whether each line is what Python shows of a dataclass or a named tuple, `Row(step=1, w=0.267)`."""
    filled = [line for line in source.lines if line.strip()]
    return bool(filled) and all(map(_RECORD.fullmatch, filled))


def read_dataclasses(source: Source) -> Grid:
    """The names and numbers of each line. Raises `ClaimError` for a number without a name."""
    matches = [_RECORD.fullmatch(line) for line in source.lines]
    inner = ["" if match is None else " " * match.start("inner") + match["inner"] for match in matches]
    return replace(read_lines(replace(source, text="\n".join(inner))), form="dataclasses as Python shows them")


def _row(source: Source, at: int) -> tuple[Row, int]:
    """The cells of a tuple or list, and where it ends."""
    if source.text[at] not in "[(":
        raise ClaimError("no tuple; expected such as (1, 0.267)", source.place(at))
    closing, row = {"[": "]", "(": ")"}[source.text[at]], []
    at = _behind(source.text, at + 1, r"\s*")
    while not source.text.startswith(closing, at):
        item = _ITEM.match(source.text, at)
        if item is None:
            raise _broken(source, at)
        row.append(_cell(source, item))
        at = item.end()
        if source.text.startswith(",", at):
            at = _behind(source.text, at + 1, r"\s*")
        elif not source.text.startswith(closing, at):
            raise _broken(source, at)
    return row, at + 1


def _cell(source: Source, item: re.Match[str]) -> Written:
    group = next(name for name in ("text", "array", "bare") if item[name] is not None)
    cell = source.cell(*item.span(group))
    if group == "text":
        return cell
    return Written("", cell.place) if cell.text in ("None", "null") else replace(cell, is_number=True)


def _behind(text: str, at: int, signs: str) -> int:
    found = re.compile(signs).match(text, at)
    return found.end() if found else at


def _broken(source: Source, at: int) -> ClaimError:
    message = "a tuple that breaks off here; expected such as (1, 0.267)"
    return ClaimError(message, source.place(min(at, len(source.text.rstrip()))))
