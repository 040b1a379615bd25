"""Which form a table is written in, and the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from derive.errors import ClaimError, Place
from verify.printed.boxes import is_boxed, read_boxed
from verify.printed.displayed import is_displayed, read_displayed
from verify.printed.frames import is_continued, is_in_levels, is_series, read_continued, read_in_levels, read_series
from verify.printed.hypertext import is_html, read_html
from verify.printed.lines import is_lines, read_lines
from verify.printed.printed_dicts import is_printed_dicts, read_printed_dicts
from verify.printed.remarks import read_with_remarks, without_frame
from verify.printed.tuples import is_dataclasses, is_tuples, read_dataclasses, read_tuples
from verify.printed.wiki import (
    is_asciidoc,
    is_barred_wiki,
    is_directive,
    is_mediawiki,
    read_asciidoc,
    read_barred_wiki,
    read_directive,
    read_mediawiki,
)
from verify.tabular.across import is_across, read_across
from verify.tabular.delimited import SIGNS, read_delimited
from verify.tabular.grid import MAX_CELLS, Grid, Source
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
from verify.tabular.records import read_json

_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*["}]')
_COLOURS = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")  # and other signs to a terminal
_STRING = re.compile(r'[ \t]*\[1\] "(?P<text>[^"\n]*)"[ \t]*$', re.MULTILINE)
_SEPARATOR = re.compile(r'"?sep=(?P<sign>[^\n])"?[ \t,;]*(?:\n|$)', re.IGNORECASE)  # as Excel reads and writes it


def read_grid(source: Source) -> Grid:
    """The rows of a table in whatever form, its header first. Raises `ClaimError` for a text that is none."""
    if source.text.count("\n") + max(map(source.text.count, (*SIGNS, "&", "=", ":"))) > MAX_CELLS:
        raise ClaimError(f"{source.name} has more than {MAX_CELLS:,} cells; claim fewer steps", Place(source.name))
    if source.text.lstrip().startswith("[") and _is_of_strings(source):
        source = replace(source, text=_STRING.sub(_bare, source.text))
    if "\x1b" in source.text:
        source = replace(source, text=_COLOURS.sub("", source.text))
    separator = _SEPARATOR.match(source.text)
    if separator is not None:
        return _separated(source, separator)
    source = without_frame(source)
    of_form = next((read for belongs, read in _FORMS if belongs(source)), read_with_remarks)
    return of_form(source)


def _bare(line: re.Match[str]) -> str:
    """What a string says, where it stands."""
    return " " * (line.start("text") - line.start()) + line["text"]


def _is_of_strings(source: Source) -> bool:
    """Whether every line is a string as R prints it, `[1] "step 1: loss 0.5"`."""
    return all(_STRING.fullmatch(line) for line in source.lines if line.strip())


# How each form is known, and read; the first one counts, and a text that is none of them has cells between separators.
_FORMS: tuple[tuple[Callable[[Source], bool], Callable[[Source], Grid]], ...] = (
    (lambda source: bool(_JSON.match(source.text)), read_json),
    (is_mediawiki, read_mediawiki),
    (is_asciidoc, read_asciidoc),
    (is_directive, read_directive),
    (is_barred_wiki, read_barred_wiki),
    (is_displayed, read_displayed),
    (is_html, read_html),
    (is_printed_dicts, read_printed_dicts),
    (is_tuples, read_tuples),
    (is_dataclasses, read_dataclasses),
    (lambda source: is_latex(source.text), read_latex),
    (is_boxed, read_boxed),
    (is_rst_grid, read_rst_grid),
    (is_rst_simple, read_rst_simple),
    (is_markdown, read_markdown),
    (is_series, read_series),
    (is_continued, read_continued),
    (is_in_levels, read_in_levels),
    (is_across, read_across),
    (is_lines, read_lines),
    (is_barred, read_barred),
)


def _separated(source: Source, line: re.Match[str]) -> Grid:
    """A table whose first line, `sep=;`, says what separates its cells. Raises `ClaimError` for another sign."""
    sign = line["sign"]
    if sign not in SIGNS:
        raise ClaimError(f"cells between {sign!r}; expected one of {' '.join(map(repr, SIGNS))}", source.place(0))
    rest = replace(source, text=source.text[: line.end()].count("\n") * "\n" + source.text[line.end() :])
    return read_delimited(rest, sign)
