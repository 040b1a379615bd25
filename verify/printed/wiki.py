"""Tables as wikis and manuals have them: MediaWiki between `{|` and `|}`, AsciiDoc between two `|===`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

from derive.errors import ClaimError
from verify.tabular.grid import Grid, Source
from verify.tabular.markup import plain_signs
from verify.tabular.written import Row, Written

_BEGIN = re.compile(r"^[ \t]*\{\|[^\n]*$", re.MULTILINE)
_END = re.compile(r"^[ \t]*\|\}[ \t]*$", re.MULTILINE)
_ATTRIBUTES = re.compile(r"[^\[\]|]*=[^\[\]|]*\|(?!\|)")  # style="…" | in front of what a cell shows
_OVER = re.compile(r"\b(?:col|row)span\s*=\s*\"?\s*(?!1\b)\d", re.IGNORECASE)
_MARKS = re.compile(r"'{2,5}|</?(?:nowiki|math|b|i|small|big|span|center)\b[^>]*>", re.IGNORECASE)
_FENCE = re.compile(r"^\|={3,}[ \t]*$", re.MULTILINE)
_COLUMNS = re.compile(r"\bcols=(?:\"(?P<list>[^\"]*)\"|(?P<count>\d{1,3}))")
_CELL = re.compile(r"(?:^|(?<=[ \t]))(?P<over>\d*(?:\.\d+)?[+*])?[<^>.]{0,4}[a-z]?\|", re.MULTILINE)
_MERGED = "a cell over several; write each of them by itself"


def is_mediawiki(source: Source) -> bool:
    """Whether a table of MediaWiki begins in a text."""
    return _BEGIN.search(source.text) is not None


def read_mediawiki(source: Source) -> Grid:
    """The one table of a text. Raises `ClaimError` for a second one, one that does not end, and merged cells."""
    begin, end = _BEGIN.search(source.text), _END.search(source.text)
    assert begin is not None  # asked by is_mediawiki
    if end is None:
        raise ClaimError("a '{|' without '|}': the table may be cut off", source.place(begin.start()))
    second = _BEGIN.search(source.text, end.end())
    if second is not None:
        raise ClaimError("a second table; leave one of them out", source.place(second.start()))
    rows: list[Row] = [[]]
    for line, start in zip(source.lines, source.starts, strict=True):
        mark = line.lstrip()[:2]
        if not begin.end() < start < end.start() or mark == "|+":
            continue
        if mark == "|-":
            rows.append([])
        elif mark[:1] in ("|", "!"):
            rows[-1] += _cells(source, start + line.index(mark[:1]) + 1, start + len(line), mark[0])
        elif line.strip() and rows[-1]:
            rows[-1][-1] = replace(rows[-1][-1], text=f"{rows[-1][-1].text} {line.strip()}".strip())
    return Grid([row for row in rows if row], "MediaWiki")


def _cells(source: Source, at: int, stop: int, sign: str) -> Iterator[Written]:
    """The cells of a line: between `||`, those of a header also between `!!`."""
    parting = re.compile(r"\|\||!!" if sign == "!" else r"\|\|")
    ends = [*(match.span() for match in parting.finditer(source.text, at, stop)), (stop, stop)]
    for end, following in ends:
        shown = _ATTRIBUTES.match(source.text, at, end)
        if shown is not None and _OVER.search(shown[0]):
            raise ClaimError(_MERGED, source.place(at))
        yield _plain(source.cell(shown.end() if shown else at, end))
        at = following


def _plain(cell: Written) -> Written:
    """A cell without the marks of bold and of mathematics."""
    text = unescape(_MARKS.sub("", cell.text)).strip()
    return replace(cell, text=plain_signs(text) if "\\" in text or "$" in text else text)


def is_asciidoc(source: Source) -> bool:
    """Whether a table of AsciiDoc begins in a text."""
    return _FENCE.search(source.text) is not None


def read_asciidoc(source: Source) -> Grid:
    """The one table of a text: as many columns as `cols` says, else as its first line has cells.

    Raises `ClaimError` for a second one, one that does not end, merged cells, and cells that fill no row.
    """
    fences = list(_FENCE.finditer(source.text))
    if len(fences) != 2:
        message = "a '|===' without a second one" if len(fences) == 1 else "a second table; leave one of them out"
        raise ClaimError(message, source.place(fences[0 if len(fences) == 1 else 2].start()))
    begin, end = fences[0].end(), fences[1].start()
    marks = list(_CELL.finditer(source.text, begin, end))
    stops = [*(mark.start() for mark in marks[1:]), end][: len(marks)]  # none of a table without a cell
    over = next((mark for mark in marks if mark["over"]), None)
    if over is not None:
        raise ClaimError(_MERGED, source.place(over.start()))
    cells = [_plain(source.cell(mark.end(), stop)) for mark, stop in zip(marks, stops, strict=True)]
    width = _width(source.text[: fences[0].start()]) or sum(cell.place.line == cells[0].place.line for cell in cells)
    if width and len(cells) % width:
        message = f"{len(cells)} cells, which fill no rows of {width}"
        raise ClaimError(f"{message}; the first line has one cell for each column", source.place(fences[0].start()))
    return Grid([cells[at : at + width] for at in range(0, len(cells), width or 1)], "AsciiDoc")


def _width(above: str) -> int:
    """How many columns the attributes above a table say that it has; 0 where they do not."""
    found = _COLUMNS.search(above)
    if found is None:
        return 0
    if found["count"]:
        return int(found["count"])
    parts = [re.fullmatch(r"(?:(\d{1,3})\*)?.*", part.strip()) for part in re.split("[,;]", found["list"])]
    return sum(int(match[1] or 1) for match in parts if match)
