r"""Tables as documents have them: Markdown, reStructuredText (simple and grid), LaTeX `tabular`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from derive.errors import ClaimError
from verify.tabular.grid import Grid, Source
from verify.tabular.merged import Merged, unmerged
from verify.tabular.written import Row, Written

_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:[|+]\s*:?-+:?\s*)*\|?\s*")
_GRID = re.compile(r"\s*\+(?:[-=]+\+)+\s*")
_SIMPLE = re.compile(r"\s*=+(?:\s+=+)+\s*")
_BAR = re.compile(r"(?<!\\)\|")
_WRAPPED = re.compile(r"(\*\*|__|\*|`+)(?P<inner>.+)\1", re.DOTALL)
_BEGIN = re.compile(r"\\begin\{(?P<name>(?:tabular[xy]?|longtable|array|tabu|tblr)\*?)\}")
_RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|endhead|endfirsthead|endfoot|endlastfoot|addlinespace|centering)\b"
    r"(?:\[[^\]]*\])?|\\c(?:mid)?(?:rule|line)(?:\([^)]*\))?\{[^}]*\}|\\(?:caption|label)\{[^}]*\}"
)
_MULTI = re.compile(  # \multirow[t]{3}{*}{1}, \multicolumn{2}{c}{w}
    r"\\multi(?P<kind>row|column)\s*(?:\[[^\]]*\]\s*)?\{\s*(?P<count>\d{1,6})\s*\}\s*(?:\[[^\]]*\]\s*)?"
    r"\{(?:[^{}]|\{[^{}]*\})*\}\s*(?:\[[^\]]*\]\s*)?\{(?P<inner>.*)\}",
    re.DOTALL,
)
_WIDEST = 1000  # columns and rows that a cell may be over
_PARTS = re.compile(
    r"(?P<comment>(?<!\\)%[^\n]*)|(?P<row>\\\\(?:\[[^\]]*\])?|\\tabularnewline\b)|(?P<cell>(?<!\\)&)|\\.|[^\\%&]+|."
)


def is_latex(text: str) -> bool:
    """Whether there is a table of LaTeX in a text, or its rows alone."""
    return bool(_BEGIN.search(text)) or bool(re.search(r"(?<!\\)&.*\\\\", text))


def is_markdown(source: Source) -> bool:
    """Whether some line is that which rules off the header, below a line with as many cells."""
    return _delimiter(source) is not None


def _delimiter(source: Source) -> int | None:
    for number, line in enumerate(source.lines[1:], start=1):
        if ("|" in line or "+" in line) and _DELIMITER.fullmatch(line) and "|" in source.lines[number - 1]:
            return number
    return None


def read_markdown(source: Source) -> Grid:
    """The table of a Markdown text. Raises `ClaimError` for a second one."""
    ruler = _delimiter(source)
    assert ruler is not None  # asked by is_markdown
    lines = source.lines
    end = next((at for at in range(ruler, len(lines)) if not lines[at].strip()), len(lines))
    rest = next((at for at in range(end, len(lines)) if "|" in lines[at]), None)
    if rest is not None:
        message = "more of a table after an empty line; leave one table, without empty lines"
        raise ClaimError(message, source.place(source.starts[rest]))
    kept = [at for at in (ruler - 1, *range(ruler + 1, end)) if not lines[at].lstrip().startswith("#+")]  # of Org mode
    rows = [_barred(source, at) for at in kept if not _DELIMITER.fullmatch(lines[at])]
    return Grid(rows, "Markdown")


def is_barred(source: Source) -> bool:
    """Whether every line begins and ends with a `|`."""
    lines = [line.strip() for line in source.lines if line.strip()]
    return bool(lines) and all(line.startswith("|") and line.endswith("|") and len(line) > 1 for line in lines[:2])


def read_barred(source: Source) -> Grid:
    """Cells between bars, with a bar at both ends of each line."""
    rows = [_barred(source, at) for at, line in enumerate(source.lines) if line.strip()]
    return Grid(rows, "cells between '|'")


def _barred(source: Source, number: int) -> Row:
    """The cells of a line between its bars."""
    line, start = source.lines[number], source.starts[number]
    bars = [match.start() for match in _BAR.finditer(line)]
    first = len(line) - len(line.lstrip())
    edges = [*([] if bars and bars[0] == first else [first - 1]), *bars]
    if len(edges) < 2 or bars[-1] != len(line.rstrip()) - 1:
        edges.append(len(line))
    cells = (source.cell(start + left + 1, start + right) for left, right in pairwise(edges))
    return [Written(_unwrapped(cell.text).replace("\\|", "|"), cell.place) for cell in cells]


def _unwrapped(text: str) -> str:
    """A cell without the signs that make it bold, slanted, or code, and without the dollars around mathematics."""
    match = _WRAPPED.fullmatch(text)
    while match is not None:
        text = match["inner"].strip()
        match = _WRAPPED.fullmatch(text)
    return plain_signs(text) if "$" in text or "\\" in text.replace("\\|", "") else text


def is_rst_grid(source: Source) -> bool:
    """Whether the first line of a text is the border of a grid."""
    first = next((line for line in source.lines if line.strip()), "")
    return bool(_GRID.fullmatch(first))


def read_rst_grid(source: Source) -> Grid:
    """A table in a grid of +, - and |. Raises `ClaimError` where its lines do not stand below each other."""
    numbers = [number for number, line in enumerate(source.lines) if line.strip()]
    border = source.lines[numbers[0]].rstrip()
    edges = [at for at, char in enumerate(border) if char == "+"]
    blocks: list[list[Row]] = [[]]
    for number in numbers:
        line = source.lines[number].rstrip()
        if _GRID.fullmatch(line):
            _check_edges([at for at, char in enumerate(line) if char == "+"], edges, source, number)
            blocks.append([])
        else:
            _check_edges([at for at in edges if line[at : at + 1] == "|"], edges, source, number)
            start = source.starts[number]
            blocks[-1].append([source.cell(start + left + 1, start + right) for left, right in pairwise(edges)])
    filled = [block for block in blocks if block]
    return Grid(list(_joined(filled)), "reStructuredText (grid)")


def _check_edges(found: Sequence[int], expected: Sequence[int], source: Source, number: int) -> None:
    if list(found) != list(expected):
        wrong = next((at for at in expected if at not in found), next((at for at in found if at not in expected), 0))
        message = "the columns of this line do not stand below those of the first; merged cells are not read"
        raise ClaimError(message, source.place(source.starts[number] + min(wrong, len(source.lines[number]))))


def _joined(blocks: Sequence[list[Row]]) -> Iterator[Row]:
    """One row for each block between borders; of a table with borders around all of its rows, one for each line.

    Raises `ClaimError` for a number in two lines: the border between two rows may be missing.
    """
    for block in blocks:
        if len(blocks) <= 2 and len(block) > 1:
            yield from block
            continue
        row = []
        for cells in zip(*block, strict=True):
            filled = [cell for cell in cells if cell.text] or [cells[0]]
            if len(filled) > 1 and block is not blocks[0]:
                raise ClaimError("two lines in one cell; put a border between two rows", filled[1].place)
            row.append(Written(" ".join(cell.text for cell in filled), filled[0].place))
        yield row


def is_rst_simple(source: Source) -> bool:
    """Whether the first line of a text is made of pieces of `====`."""
    first = next((line for line in source.lines if line.strip()), "")
    return bool(_SIMPLE.fullmatch(first))


def read_rst_simple(source: Source) -> Grid:
    """A table ruled off by `====`. Raises `ClaimError` where a cell stands between its columns."""
    numbers = [number for number, line in enumerate(source.lines) if line.strip()]
    border = source.lines[numbers[0]]
    spans = [match.span() for match in re.finditer(r"=+", border)]
    rows = []
    for number in numbers[1:]:
        line, start = source.lines[number], source.starts[number]
        if _SIMPLE.fullmatch(line):
            continue
        row = []
        for k, (left, right) in enumerate(spans):
            following = spans[k + 1][0] if k + 1 < len(spans) else len(line)
            if k + 1 < len(spans) and line[right:following].strip():
                message = "a cell stands between two columns; put it below the '=' of its column"
                raise ClaimError(message, source.place(start + right))
            row.append(source.cell(start + min(left, len(line)), start + min(max(right, following), len(line))))
            if not row[-1].text:  # nothing else would show that the rest of a row has moved to the left
                message = "an empty cell; write – for no claim, so that no number can stand below another name"
                raise ClaimError(message, source.place(start + min(left, len(line))))
        if line[: spans[0][0]].strip():
            raise ClaimError("a cell stands before the first column", source.place(start))
        rows.append(row)
    return Grid(rows, "reStructuredText (simple)")


def read_latex(source: Source) -> Grid:
    r"""The rows of a `tabular`: cells between &, rows ended by \\. Raises `ClaimError` for two tables."""
    begin = _BEGIN.search(source.text)
    start, stop = 0, len(source.text)
    if begin is not None:
        start, stop = _inside(source, begin)
    rows: list[Row] = [[]]
    merged: list[Merged] = []
    at = start
    for match in _PARTS.finditer(source.text, start, stop):
        if match["cell"] or match["row"]:
            _add_latex_cell(source, at, match.start(), rows, merged)
            at = match.end()
        if match["row"]:
            rows.append([])
    last = _latex_cell(source, at, stop, len(rows) > 1)
    if last.text or rows[-1]:
        _add_latex_cell(source, at, stop, rows, merged)
    rows = [row for row in rows if row]
    width = len(rows[0]) if rows else 0
    if not merged or any(len(row) != width for row in rows):
        return Grid(rows, "LaTeX")
    header, body = unmerged(rows, merged)
    return Grid([header, *body], "LaTeX")


def _add_latex_cell(source: Source, start: int, stop: int, rows: list[Row], merged: list[Merged]) -> None:
    r"""Takes a cell into the last row; what `\multirow` and `\multicolumn` hold is over several."""
    cell = _latex_cell(source, start, stop, len(rows) > 1)
    top, left = len(rows) - 1, len(rows[-1])
    down = right = 1
    while (match := _MULTI.fullmatch(cell.text)) is not None:
        count = max(1, min(int(match["count"]), _WIDEST))
        down, right = (count, right) if match["kind"] == "row" else (down, count)
        cell = replace(cell, text=match["inner"].strip())
    if (down, right) != (1, 1):
        merged.append(Merged("", top, left, top + down - 1, left + right - 1))
    rows[-1] += [replace(cell, text=plain_signs(cell.text)), *(Written("", cell.place) for _ in range(right - 1))]


def _inside(source: Source, begin: re.Match[str]) -> tuple[int, int]:
    """Where the rows of the table begin and end."""
    end = source.text.find(rf"\end{{{begin['name']}}}", begin.end())
    if end < 0:
        message = rf"\begin{{{begin['name']}}} without \end{{{begin['name']}}}: the table may be cut off"
        raise ClaimError(message, source.place(begin.start()))
    second = _BEGIN.search(source.text, end)
    if second is not None:
        raise ClaimError("a second table; leave one of them out", source.place(second.start()))
    count = 2 if begin["name"] in ("tabular*", "tabularx", "tabulary") else 1  # its width, and its columns
    argument = r"(?:\s*\[[^\]]*\])*\s*\{(?:[^{}]|\{[^{}]*\})*\}"
    arguments = re.compile(rf"(?:{argument}){{{count}}}").match(source.text, begin.end())
    return (arguments.end() if arguments else begin.end()), end


def _latex_cell(source: Source, start: int, stop: int, is_row: bool) -> Written:
    """A cell as it is written, without what rules off the rows."""
    text = source.text[start:stop]
    blanked = re.compile(r"(?<!\\)%[^\n]*").sub(lambda m: " " * len(m[0]), text)
    blanked = _RULES.sub(lambda m: " " * len(m[0]), blanked)
    at = start + len(blanked) - len(blanked.lstrip())
    place = source.place(min(at, stop))
    if is_row and "\n" in blanked.strip() and "[" not in blanked:
        raise ClaimError(r"a line break inside a cell; end the row above it with \\", place)
    return Written(blanked.strip(), place)


_COMMANDS = (
    (
        r"\\(?:text(?:bf|it|rm|tt|sf)?|math(?:bf|it|rm|tt|sf)?|mbox|num|bm|boldsymbol|emph|operatorname|ensuremath)\s*\{([^{}]*)\}",
        r"\1",
    ),
    (r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2"),
    (r"\s*\\(?:times|cdot)\s*10\s*\^\s*\{?\s*([-+−]?\d+)\s*\}?", r"e\1"),
    (r"_\{([^{}]*)\}", r"_\1"),
    (r"\\[lcvd]?dots(?![A-Za-z])\s*", "…"),
    (r"\{([,.])\}", r"\1"),  # 0{,}5: a decimal comma without the space of a list
)


def plain_signs(text: str) -> str:
    r"""`$\frac{\partial J}{\partial w}$` as `∂ J/∂ w`, `$-1.5 \times 10^{-3}$` as `-1.5e-3`."""
    text = re.sub(r"(?<!\\)\$|\\[()]", "", text)
    for _ in range(4):  # one inside another
        for pattern, plain in _COMMANDS:
            text = re.sub(pattern, plain, text)
    text = re.sub(r"\\partial(?![A-Za-z])\s*", "∂", text)
    text = re.sub(r"\\(?:cdot|times)(?![A-Za-z])", "·", text)
    text = re.sub(r"\\nabla(?![A-Za-z])\s*_?", "∇", text)
    text = re.sub(r"\\(?:bfseries|itshape|small|left|right|quad|[,;!: ])\s*|~", " ", text)
    text = re.sub(r"\\([%&#_$])", r"\1", text)
    text = re.sub(r"\\([A-Za-z]+)\s*", r"\1 ", text)  # \eta
    return re.sub(r"\s+", " ", re.sub(r"[{}]", "", text)).strip()
