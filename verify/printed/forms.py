"""Which form a table is written in, and the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

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
from verify.tabular.written import PLACES, Written, place_word

MOST_PARTS = 50  # tables below one another that are read as one
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*["}]')
_BETWEEN_CELLS = re.compile(r"\s*[,;|\t]\s*|\s+")
_NUMERAL = re.compile(r"(?<![\w.])[-+−]?\d")
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
    return _in_parts(source) or _of_one_form(source)


def _of_one_form(source: Source) -> Grid:
    of_form = next((read for belongs, read in _FORMS if belongs(source)), read_with_remarks)
    return of_form(source)


def _in_parts(source: Source) -> Grid | None:
    """Tables of the same steps below one another, with empty lines between them, as one; None where these are none.

    Each begins with the same words for its steps, no other name stands in two of them, and no step twice in one.
    Raises `ClaimError` where one has another word, such as epoch below step.
    """
    blocks = _blocks(source)
    first_lines = [source.lines[own[0]] for own in blocks]
    if not 1 < len(blocks) <= MOST_PARTS or any(map(_NUMERAL.search, first_lines)):
        return None  # the lines of a log begin alike, too
    words = [_BETWEEN_CELLS.split(start.strip(" \t|"))[0].lower() for start in first_lines]
    if not all(place_word(word) in PLACES for word in words):
        return None
    other = next((k for k, word in enumerate(words) if word != words[0]), None)
    if other is not None and all(any(sign in start for sign in SIGNS) for start in first_lines):
        message = f"a second table begins here, of {words[other]} and not of {words[0]}; leave one of the two"
        raise ClaimError(message, source.place(source.starts[blocks[other][0]]))
    if other is not None:
        return None
    grids = [_of_one_form(_alone(source, own)) for own in blocks]
    heads = [[cell.text.lower() for cell in grid.rows[0]] for grid in grids]
    count = _leading(heads)
    names = [name for head in heads for name in head[count:]]
    steps = [[tuple(cell.text for cell in row[:count]) for row in grid.rows[1:]] for grid in grids]
    is_even = all(len(row) == len(grid.rows[0]) for grid in grids for row in grid.rows)
    if not is_even or len({*names}) < len(names) or any(len({*own}) < len(own) for own in steps):
        return None
    return _joined(grids, steps, count)


def _leading(heads: Sequence[Sequence[str]]) -> int:
    """How many heads, from the first one on, say which step a row is about and are the same in all tables."""
    count = 0
    for own in zip(*heads, strict=False):
        if len({*own}) > 1 or place_word(own[0]) not in PLACES:
            break
        count += 1
    return count


def _blocks(source: Source) -> list[range]:
    """The numbers of the lines between empty ones."""
    ends = [number for number, line in enumerate(source.lines) if not line.strip()]
    borders = pairwise((-1, *ends, len(source.lines)))
    return [range(start + 1, stop) for start, stop in borders if stop - start > 1]


def _alone(source: Source, block: range) -> Source:
    """The text with some of its lines alone, in their place."""
    return replace(source, text="\n" * block.start + "\n".join(source.lines[block.start : block.stop]))


def _joined(grids: Sequence[Grid], steps: Sequence[Sequence[tuple[str, ...]]], count: int) -> Grid:
    """One row for each step of several tables, which its first `count` cells name; empty where one has no such row."""
    rows = [dict(zip(own, grid.rows[1:], strict=True)) for own, grid in zip(steps, grids, strict=True)]
    found = [[*grids[0].rows[0][:count], *(cell for grid in grids for cell in grid.rows[0][count:])]]
    for step in dict.fromkeys(step for own in steps for step in own):
        begun = next(own[step] for own in rows if step in own)
        row = list(begun[:count])
        for own, grid in zip(rows, grids, strict=True):
            width = len(grid.rows[0]) - count
            row += own[step][count:] if step in own else [Written("", begun[0].place)] * width
        found.append(row)
    told = ", ".join(filter(None, (*(grid.told for grid in grids), f"{len(grids)} tables of the same steps")))
    odd = tuple(error for grid in grids for error in grid.odd)
    return replace(grids[0], rows=found, told=told, gap=None, odd=odd)


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
