"""Tables as wikis and manuals have them.

MediaWiki between `{|` and `|}`, AsciiDoc between two `|===`, Jira, Textile and DokuWiki between bars, and the
directives `csv-table` and `list-table` of reStructuredText.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape
from itertools import pairwise

from derive.errors import ClaimError
from verify.tabular.delimited import SIGNS, read_delimited
from verify.tabular.grid import Grid, Source
from verify.tabular.markup import plain_signs
from verify.tabular.merged import Spanning, grid_of_merged, spread_out
from verify.tabular.written import Row, Written

_BEGIN = re.compile(r"^[ \t]*\{\|[^\n]*$", re.MULTILINE)
_END = re.compile(r"^[ \t]*\|\}[ \t]*$", re.MULTILINE)
_ATTRIBUTES = re.compile(r"[^\[\]|]*=[^\[\]|]*\|(?!\|)")  # style="…" | in front of what a cell shows
_OVER = re.compile(r"\b(?P<of>col|row)span\s*=\s*[\"']?\s*(?P<count>\d{1,4})", re.IGNORECASE)
_MARKS = re.compile(
    r"'{2,5}|</?(?:nowiki|math|b|i|small|big|span|center)\b[^>]*>|(?::\w+:)?`+(?P<code>[^`]*)`+", re.IGNORECASE
)
_FENCE = re.compile(r"^[|,]={3,}[ \t]*$", re.MULTILINE)
_COLUMNS = re.compile(r"\bcols=(?:\"(?P<list>[^\"]*)\"|(?P<count>\d{1,3}))")
_CELL = re.compile(
    r"(?:^|(?<=[ \t]))(?:(?P<right>\d{1,4})?(?:\.(?P<down>\d{1,4}))?\+|(?P<times>\d{1,3})\*)?[<^>.]{0,4}[a-z]?\|",
    re.MULTILINE,
)
_BARRED = {  # how the first line of a table begins and ends, and what stands between its cells
    "Jira": (re.compile(r"[ \t]*\|\|.*[^|\s].*\|\|[ \t]*"), re.compile(r"\|\|?")),
    "DokuWiki": (re.compile(r"[ \t]*\^.*[^^\s].*\^[ \t]*"), re.compile(r"[|^]")),
    "Textile": (
        re.compile(r"[ \t]*\|(?:[<>=^~]|\\\d+|/\d+|\([^)]*\)|\{[^}]*\})*_[^|\s]*\..*\|[ \t]*"),
        re.compile(r"\|"),
    ),
}
_TEXTILE = re.compile(
    r"(?=[_<>=^~\\/({])(?:[_<>=^~]|\\(?P<right>\d{1,4})|/(?P<down>\d{1,4})|\([^)]*\)|\{[^}]*\})+\.(?:\s+|(?<=_\.)|$)"
)
_ABOVE = re.compile(r"[ \t]*table(?:\([^)]*\)|\{[^}]*\})*\.[ \t]*")  # of Textile
_DIRECTIVE = re.compile(r"^(?P<indent>[ \t]*)\.\.[ \t]+(?P<kind>csv|list)-table::[^\n]*$", re.MULTILINE)
_OPTION = re.compile(r"[ \t]+:(?P<name>[\w-]+):[ \t]*(?P<value>.*)")
_ITEM = re.compile(r"[ \t]*(?P<row>[*+][ \t]+)?-(?:[ \t]+(?P<cell>.*\S))?[ \t]*")
_SECOND = "a second table; leave one of them out"


def is_mediawiki(source: Source) -> bool:
    """Whether a table of MediaWiki begins in a text."""
    return _BEGIN.search(source.text) is not None


def read_mediawiki(source: Source) -> Grid:
    """The one table of a text. Raises `ClaimError` for a second one, and one that does not end."""
    begin, end = _BEGIN.search(source.text), _END.search(source.text)
    assert begin is not None  # asked by is_mediawiki
    if end is None:
        raise ClaimError("a '{|' without '|}': the table may be cut off", source.place(begin.start()))
    second = _BEGIN.search(source.text, end.end())
    if second is not None:
        raise ClaimError(_SECOND, source.place(second.start()))
    rows: list[list[Spanning]] = [[]]
    for line, start in zip(source.lines, source.starts, strict=True):
        mark = line.lstrip()[:2]
        if not begin.end() < start < end.start() or mark == "|+":
            continue
        if mark == "|-":
            rows.append([])
        elif mark[:1] in ("|", "!"):
            rows[-1] += _cells(source, start + line.index(mark[:1]) + 1, start + len(line), mark[0])
        elif line.strip() and rows[-1]:
            cell, down, right = rows[-1][-1]
            rows[-1][-1] = replace(cell, text=f"{cell.text} {line.strip()}".strip()), down, right
    return _grid(rows, "MediaWiki")


def _cells(source: Source, at: int, stop: int, sign: str) -> Iterator[Spanning]:
    """The cells of a line: between `||`, those of a header also between `!!`."""
    parting = re.compile(r"\|\||!!" if sign == "!" else r"\|\|")
    ends = [*(match.span() for match in parting.finditer(source.text, at, stop)), (stop, stop)]
    for end, following in ends:
        shown = _ATTRIBUTES.match(source.text, at, end)
        over = {match["of"].lower(): int(match["count"]) for match in _OVER.finditer(shown[0])} if shown else {}
        cell = _plain(source.cell(shown.end() if shown else at, end))
        yield cell, over.get("row", 1) or 1, over.get("col", 1) or 1
        at = following


def _grid(rows: Sequence[Sequence[Spanning]], form: str) -> Grid:
    found, merged = spread_out([row for row in rows if row])
    return grid_of_merged(found, merged, form)


def _plain(cell: Written) -> Written:
    """A cell without the marks of bold, of code and of mathematics."""
    text = unescape(_MARKS.sub(lambda mark: mark["code"] or "", cell.text)).strip()
    return replace(cell, text=plain_signs(text) if "\\" in text or "$" in text else text)


def is_asciidoc(source: Source) -> bool:
    """Whether a table of AsciiDoc begins in a text."""
    return _FENCE.search(source.text) is not None


def read_asciidoc(source: Source) -> Grid:
    """The one table of a text: as many columns as `cols` says, else as its first line has cells.

    Raises `ClaimError` for a second one, one that does not end, and cells that fill no row.
    """
    fences = list(_FENCE.finditer(source.text))
    if len(fences) != 2:
        message = f"a '{fences[0][0].strip()[:4]}' without a second one" if len(fences) == 1 else _SECOND
        raise ClaimError(message, source.place(fences[0 if len(fences) == 1 else 2].start()))
    begin, end = fences[0].end(), fences[1].start()
    above = source.text[: fences[0].start()]
    if source.text.startswith(",", fences[0].start()) or re.search(r"\bformat=\"?csv\b", above):
        return replace(read_delimited(_inside(source, begin, end), ","), form="AsciiDoc, its CSV")
    marks = list(_CELL.finditer(source.text, begin, end))
    stops = [*(mark.start() for mark in marks[1:]), end][: len(marks)]  # none of a table without a cell
    cells: list[Spanning] = []
    for mark, stop in zip(marks, stops, strict=True):
        cell = _plain(source.cell(mark.end(), stop))
        cells += [(cell, int(mark["down"] or 1) or 1, int(mark["right"] or 1) or 1)] * int(mark["times"] or 1)
    first = [right for cell, _, right in cells if cell.place.line == cells[0][0].place.line]
    return _grid(_filled(cells, _width(above) or sum(first), source, fences[0].start()), "AsciiDoc")


def _inside(source: Source, begin: int, end: int) -> Source:
    """The text with nothing but blanks outside of two places."""
    blank = (re.sub(r"[^\n]", " ", part) for part in (source.text[:begin], source.text[end:]))
    return replace(source, text=source.text[begin:end].join(blank))


def _filled(cells: Sequence[Spanning], width: int, source: Source, at: int) -> list[list[Spanning]]:
    """The rows of so many columns that cells in order fill. Raises `ClaimError` where they do not."""
    rows: list[list[Spanning]] = []
    taken: list[int] = []  # of each row, how many columns cells of this row and of those above take
    number = 0
    for cell, down, right in cells:
        while number < len(taken) and taken[number] >= width:
            number += 1
        taken += [0] * (number + min(down, len(cells)) - len(taken))
        rows += [[] for _ in range(len(taken) - len(rows))]
        rows[number].append((cell, down, right))
        for row in range(number, number + min(down, len(cells))):
            taken[row] += right
    if any(count != width for count in taken):
        message = f"{len(cells)} cells, which fill no rows of {width}"
        raise ClaimError(f"{message}; the first line has one cell for each column", source.place(at))
    return rows


def _width(above: str) -> int:
    """How many columns the attributes above a table say that it has; 0 where they do not."""
    found = _COLUMNS.search(above)
    if found is None:
        return 0
    if found["count"]:
        return int(found["count"])
    parts = [re.fullmatch(r"(?:(\d{1,3})\*)?.*", part.strip()) for part in re.split("[,;]", found["list"])]
    return sum(int(match[1] or 1) for match in parts if match)


def is_barred_wiki(source: Source) -> bool:
    """Whether the first line of a text is the header of a table of Jira, DokuWiki or Textile."""
    return _barred_as(source) is not None


def _barred_as(source: Source) -> str | None:
    first = next((line for line in source.lines if line.strip() and not _ABOVE.fullmatch(line)), "")
    return next((name for name, (begins, _) in _BARRED.items() if begins.fullmatch(first)), None)


def read_barred_wiki(source: Source) -> Grid:
    """A table of Jira, DokuWiki or Textile; a line that is none of its rows is `odd`."""
    name = _barred_as(source)
    assert name is not None  # asked by is_barred_wiki
    parting = _BARRED[name][1]
    rows: list[list[Spanning]] = []
    odd: list[ClaimError] = []
    for line, start in zip(source.lines, source.starts, strict=True):
        marks = [(start + mark.start(), start + mark.end()) for mark in parting.finditer(line)]
        if len(marks) > 1 and not line[: marks[0][0] - start].strip() and not line[marks[-1][1] - start :].strip():
            cells = (_plain(source.cell(left[1], right[0])) for left, right in pairwise(marks))
            rows.append([_of_textile(cell) if name == "Textile" else (cell, 1, 1) for cell in cells])
        elif line.strip() and not _ABOVE.fullmatch(line):
            odd.append(ClaimError("a line beside the table is not read", source.place(start)))
    return replace(_grid(rows, name), odd=tuple(odd))


def _of_textile(cell: Written) -> Spanning:
    """A cell without what says how it is shown, `_. w`, `>. 0.5`, and over how many rows and columns it is."""
    match = _TEXTILE.match(cell.text)
    if match is None:
        return cell, 1, 1
    place = cell.place if cell.place.column is None else replace(cell.place, column=cell.place.column + match.end())
    plain = replace(cell, text=cell.text[match.end() :].strip(), place=place)
    return plain, int(match["down"] or 1) or 1, int(match["right"] or 1) or 1


def is_directive(source: Source) -> bool:
    """Whether a `csv-table` or `list-table` of reStructuredText begins in a text."""
    return ".. " in source.text and _DIRECTIVE.search(source.text) is not None


def read_directive(source: Source) -> Grid:
    """The one such table of a text. Raises `ClaimError` for a second one, and one whose rows are in another file."""
    first, *others = _DIRECTIVE.finditer(source.text)
    if others:
        raise ClaimError(_SECOND, source.place(others[0].start()))
    begin = source.text.count("\n", 0, first.start()) + 1
    options: dict[str, Written] = {}
    while begin < len(source.lines) and (option := _OPTION.fullmatch(source.lines[begin])) is not None:
        start = source.starts[begin]
        options[option["name"]] = source.cell(start + option.start("value"), start + option.end("value"))
        begin += 1
    for name in ("file", "url"):
        if name in options:
            message = f"a table whose rows stand in {options[name].text}, which is not read; give that file itself"
            raise ClaimError(message, options[name].place)
    end = next((at for at in range(begin, len(source.lines)) if _ends(source.lines[at], first["indent"])), None)
    lines = range(begin, len(source.lines) if end is None else end)
    return _csv_table(source, lines, options) if first["kind"] == "csv" else _list_table(source, lines)


def _ends(line: str, indent: str) -> bool:
    """Whether a line is no part of a directive: it is not farther to the right than that."""
    return bool(line.strip()) and len(line) - len(line.lstrip()) <= len(indent)


def _csv_table(source: Source, lines: range, options: dict[str, Written]) -> Grid:
    """The rows of a `csv-table`, below the names of its option `header`. Raises `ClaimError` for another `delim`."""
    sign = options["delim"].text if "delim" in options else ","
    sign = {"tab": "\t"}.get(sign, sign)
    if sign not in SIGNS:
        raise ClaimError(
            f"cells between {sign!r}; expected one of {' '.join(map(repr, SIGNS))}", options["delim"].place
        )
    kept = ["" for _ in source.lines]
    for at in lines:
        kept[at] = source.lines[at]
    header = options.get("header")
    if header is not None and header.place.line is not None and header.place.column is not None:
        at = header.place.line - source.first_line
        kept[at] = " " * (header.place.column - 1) + source.lines[at][header.place.column - 1 :]
    grid = read_delimited(replace(source, text="\n".join(kept)), sign)
    return replace(
        grid, rows=[[_plain(cell) for cell in row] for row in grid.rows], form="reStructuredText (csv-table)"
    )


def _list_table(source: Source, lines: range) -> Grid:
    """The rows of a `list-table`: `* -` begins one, `-` another cell. Raises `ClaimError` for a text before them."""
    rows: list[Row] = []
    for at in lines:
        line, start = source.lines[at], source.starts[at]
        item = _ITEM.fullmatch(line)
        if item is None and line.strip() and not (rows and rows[-1]):
            raise ClaimError("no row of a list-table; expected such as '* - 1'", source.place(start))
        if item is None:
            if line.strip():
                rows[-1][-1] = replace(rows[-1][-1], text=f"{rows[-1][-1].text} {line.strip()}".strip())
            continue
        if item["row"]:
            rows.append([])
        elif not rows:
            raise ClaimError("a cell before the first row; begin the row with '* -'", source.place(start))
        begin, stop = item.span("cell") if item["cell"] else (len(line), len(line))
        rows[-1].append(source.cell(start + begin, start + stop))
    return Grid([[_plain(cell) for cell in row] for row in rows], "reStructuredText (list-table)")
