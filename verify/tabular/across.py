"""Tables with the steps across: a line for each quantity, and a column for each step."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from verify.tabular.delimited import read_delimited
from verify.tabular.grid import Grid, Source
from verify.tabular.written import KINDS, PLACES, Row, Written, place_word

_WORDS = "|".join(sorted((re.escape(word) for kind in KINDS.values() for word in kind), key=len, reverse=True))
_STEP = re.compile(rf"(?:(?P<word>{_WORDS})\s*[=#:]?\s*)?(?P<number>\d{{1,15}})", re.IGNORECASE)  # 3, step 3, k=3
_STEPS = re.compile(rf"(?<!\S)(?:(?:{_WORDS}) ?[=#:]? ?)?\d{{1,15}}(?!\S)", re.IGNORECASE)
_NUMBER = re.compile(r"[-+−]?(?:[\d.,]*\d[\d.,]*(?:e[-+]?\d+)?|nan|inf)(?:\.\.+|…)?", re.IGNORECASE)
_OF_NAMES = ("", "quantity", "name", "variable", "parameter", "metric", "key")  # heads of the column of names


def is_across(source: Source) -> bool:
    """Whether the first line of a text counts steps, and every other one is a name with a number for each of them.

    Cells stand between tabs or blanks, or the steps have their word before them, which could begin a line of a log.
    """
    return bool(_separator(source) or _lines(source))


def read_across(source: Source) -> Grid:
    """The table as it stands, with the steps as the names of its columns."""
    sign = _separator(source)
    if sign:
        return read_delimited(source, sign)
    form = "cells between tabs" if "\t" in source.text else "columns between blanks"
    return Grid(_lines(source), form)


def _separator(source: Source) -> str:
    """The comma or semicolon between the cells of a first line of steps in words, `;step 1;step 2`; else nothing."""
    head = next((line for line in source.lines if line.strip()), "")
    for sign in ";,":
        first, *others = (cell.strip().strip('"') for cell in head.split(sign))
        matches = [_STEP.fullmatch(cell) for cell in others]
        if first.lower() in _OF_NAMES and matches and all(match and match["word"] for match in matches):
            return sign
    return ""


def _lines(source: Source) -> list[Row]:
    """The cells of each line; nothing where the text is no such table. Further steps may stand in a block below."""
    filled = [number for number, line in enumerate(source.lines) if line.strip()]
    head = _head(source, filled[0]) if len(filled) > 1 else []
    if len(head) < 3:  # `step 1` alone may begin the lines of a log
        return []
    rows, width = [head], len(head)
    for number in filled[1:]:
        again = _head(source, number)
        if again and again[0].text == head[0].text:
            row, width = again, len(again)
        else:
            row = _row(source, number, width - 1)
        if not row:
            return []
        rows.append(row)
    return rows


def _head(source: Source, number: int) -> Row:
    """The cells of a line that counts steps; nothing for another line."""
    head, start = source.lines[number], source.starts[number]
    steps = list(_STEPS.finditer(head))
    before = head[: steps[0].start()] if steps else head
    word = re.match(rf"(?:{_WORDS})(?=\s)", head[len(before) :], re.IGNORECASE)
    if word and len(steps) > 1 and steps[1][0].isdecimal():  # step 1 2 3
        before += word[0]
        steps = list(_STEPS.finditer(head, len(before)))
    beyond = _STEPS.sub("", head[len(before) :]).strip()
    if not steps or beyond:
        return []
    found = [source.cell(start, start + len(before))]
    found += [source.cell(start + match.start(), start + match.end()) for match in steps]
    return found if _numbers(found) else []


def _row(source: Source, number: int, count: int) -> Row:
    """A name and its numbers; between tabs some of these may be empty. Nothing for another line."""
    line, start = source.lines[number], source.starts[number]
    cuts = list(re.finditer(r"\t" if "\t" in line else r"[ \t]+", line.rstrip(" ")))
    cuts = [cut for cut in cuts if line[: cut.start()].strip()]
    if len(cuts) < count:
        return []
    edges = cuts[-count:]
    stops = [*(cut.start() for cut in edges[1:]), len(line)]
    cells = [source.cell(start + cut.end(), start + stop) for cut, stop in zip(edges, stops, strict=True)]
    name = source.cell(start, start + edges[0].start())
    is_numbered = all(not cell.text or _NUMBER.fullmatch(cell.text) for cell in cells)
    return [name, *cells] if is_numbered and not _NUMBER.fullmatch(name.text) else []


def steps_down(rows: Sequence[Row], taken: Collection[str]) -> tuple[list[Row], bool]:
    """A table with the steps across as one with a row for each, and whether it was one.

    Its heads count steps, each once, and its first column has names; `taken` are the names of the problem in lower
    case, of which a head is none that counts. Where a line says the steps as well, the heads only count the columns, as
    those of a data frame do that somebody has turned.
    """
    if len(rows) < 2 or rows[0][0].text.lower() in taken or not _numbers(rows[0]):
        return list(rows), False
    header, *body = [row for row in rows if any(cell.text for cell in row)]
    if not body or any(not row[0].text or _NUMBER.fullmatch(row[0].text) for row in body):
        return list(rows), False
    first = header[0]
    says_where = any(place_word(row[0].text) in PLACES and row[0].text.lower() not in taken for row in body)
    if says_where and first.text.lower() in _OF_NAMES:
        return [list(row) for row in zip(*body, strict=True)], True
    words = [match["word"] for cell in header[1:] if (match := _STEP.fullmatch(cell.text)) and match["word"]]
    word = first.text if first.text.lower() not in _OF_NAMES else words[0] if words else "step"
    numbers = _numbers(header)
    turned = [
        [replace(cell, text=str(number)), *(row[at] for row in body)]
        for at, (cell, number) in enumerate(zip(header[1:], numbers, strict=True), start=1)
    ]
    return [[Written(word, first.place), *(row[0] for row in body)], *turned], True


def _numbers(header: Row) -> list[int]:
    """The steps that a header counts; nothing where it is none of such a table."""
    called = header[0].text.lower()
    matches = [_STEP.fullmatch(cell.text) for cell in header[1:]]
    counts = re.fullmatch(_WORDS, place_word(called), re.IGNORECASE)
    if called not in _OF_NAMES and not counts:
        return []
    numbers = [int(match["number"]) for match in matches if match is not None]
    words = {(match["word"] or "").lower() for match in matches if match is not None}
    if len(numbers) < max(len(matches), 1) or len(words) > 1 or (len(numbers) < 2 and words == {""} and not counts):
        return []
    return numbers if len(set(numbers)) == len(numbers) else []


def side_by_side(rows: Sequence[Row]) -> list[Row]:
    """A table with the steps across in blocks one below the other, `step,1,2` and further down `step,3,4`, as one.

    A name that a block lacks has no numbers there. Any other table stays as it is.
    """
    filled = [row for row in rows if any(cell.text for cell in row)]
    blocks: list[list[Row]] = []
    for row in filled:
        if (not blocks or row[0].text == blocks[0][0][0].text) and _numbers(_trimmed(row)):
            blocks.append([_trimmed(row)])
        elif not blocks:
            return list(rows)
        else:
            blocks[-1].append(row)
    steps = [number for block in blocks for number in _numbers(block[0])]
    named = [{row[0].text: row[1 : len(head)] for row in body} for head, *body in blocks]
    is_even = all(len(row) >= len(head) and len(_trimmed(row)) <= len(head) for head, *body in blocks for row in body)
    is_once = all(len(found) == len(block) - 1 for found, block in zip(named, blocks, strict=True))
    if len(blocks) < 2 or len(set(steps)) < len(steps) or not is_even or not is_once:
        return list(rows)
    firsts = {row[0].text: row[0] for _, *body in reversed(blocks) for row in reversed(body)}
    empty = [[Written("", head[0].place)] * (len(head) - 1) for head, *_ in blocks]
    joined = [
        [first, *(cell for found, nothing in zip(named, empty, strict=True) for cell in found.get(name, nothing))]
        for name, first in firsts.items()
    ]
    return [[blocks[0][0][0], *(cell for head, *_ in blocks for cell in head[1:])], *joined]


def _trimmed(row: Row) -> Row:
    """A row without the empty cells at its end."""
    width = max((at for at, cell in enumerate(row, start=1) if cell.text), default=0)
    return list(row[:width])
