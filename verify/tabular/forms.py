"""Which form a table is written in, and the table."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.errors import ClaimError, Place
from verify.tabular.delimited import SIGNS, read_delimited
from verify.tabular.grid import Grid, Source
from verify.tabular.markup import (
    is_barred,
    is_latex,
    is_markdown,
    is_rst_grid,
    is_rst_simple,
    read_barred,
    read_latex,
    read_markdown,
    read_rst_grid,
    read_rst_simple,
)
from verify.tabular.records import is_log, read_json, read_log

MAX_CELLS = 10**6  # of a table; a larger one is refused

_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*["}]')
_SEPARATOR = re.compile(r'"?sep=(?P<sign>[^\n])"?[ \t,;]*(?:\n|$)', re.IGNORECASE)  # as Excel reads and writes it


def read_grid(source: Source) -> Grid:
    """The rows of a table in whatever form, its header first. Raises `ClaimError` for a text that is none."""
    if source.text.count("\n") + max(map(source.text.count, (*SIGNS, "&", "=", ":"))) > MAX_CELLS:
        raise ClaimError(f"{source.name} has more than {MAX_CELLS:,} cells; claim fewer steps", Place(source.name))
    separator = _SEPARATOR.match(source.text)
    if separator is not None:
        return _separated(source, separator)
    if _JSON.match(source.text):
        return read_json(source)
    if is_latex(source.text):
        return read_latex(source)
    if is_rst_grid(source):
        return read_rst_grid(source)
    if is_rst_simple(source):
        return read_rst_simple(source)
    if is_markdown(source):
        return read_markdown(source)
    if is_log(source):
        return read_log(source)
    return read_barred(source) if is_barred(source) else read_delimited(source)


def _separated(source: Source, line: re.Match[str]) -> Grid:
    """A table whose first line, `sep=;`, says what separates its cells. Raises `ClaimError` for another sign."""
    sign = line["sign"]
    if sign not in SIGNS:
        raise ClaimError(f"cells between {sign!r}; expected one of {' '.join(map(repr, SIGNS))}", source.place(0))
    rest = replace(source, text=source.text[: line.end()].count("\n") * "\n" + source.text[line.end() :])
    return read_delimited(rest, sign)
