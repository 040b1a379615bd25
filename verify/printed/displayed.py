"""Values as consoles display them, below a name: `w =` of MATLAB and Octave, `> w` and `$w` of R, `>>> w` of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from derive.errors import ClaimError
from verify.tabular.arrays import is_array
from verify.tabular.grid import Grid, Source
from verify.tabular.records import records_of, rows_of
from verify.tabular.written import Written

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)"
_NAME = re.compile(r"[ \t]*(?:>>[ \t]*)?(?P<name>[A-Za-z]\w*)[ \t]*=[ \t]*")
_INLINE = re.compile(rf"{_NAME.pattern}(?P<number>{_NUMBER})[ \t]*", re.IGNORECASE)  # a scalar, in Octave
_OF_LIST = re.compile(r"\$(?P<name>[A-Za-z.][\w.$]*)[ \t]*")  # of R
_COMMAND = re.compile(r"[ \t]*(?:>{1,3}|\w+>|octave:\d+>|In \[\d+\]:)(?:[ \t]+(?P<command>.*))?")
_PLAIN = re.compile(r"(?:(?:print|disp|display|show|println)\()?(?P<name>[A-Za-z.][\w.$]*)\)?;?[ \t]*")
_SCALE = re.compile(r"[ \t]*1\.0+e(?P<power>[-+]\d+)[ \t]*\*[ \t]*")  # of all numbers below it
_COLUMNS = re.compile(r"[ \t]*Columns?[ \t]+\d+(?:[ \t]+(?:through|and|to)[ \t]+\d+)?:?[ \t]*", re.IGNORECASE)
_HEAD = re.compile(  # of a matrix of R, its nothing, and what Julia says of a vector
    r"NULL[ \t]*|[ \t]*\[,\d+\](?:[ \t]+\[,\d+\])*[ \t]*|[ \t]*\d+(?:-element|×\d+)[ \t]+[\w{}, ]+:[ \t]*"
)
_NUMBERS = re.compile(
    rf"[ \t]*(?:(?P<at>\[\d+\])[ \t]+|\[\d+,\][ \t]+|Out\[\d+\]:[ \t]*)?"
    rf"(?P<numbers>{_NUMBER}(?:[ \t]+{_NUMBER})*|(?:(?:array|tensor)\()?\[[^=]*\].*)[ \t]*",
    re.IGNORECASE,
)
_ARRAY = re.compile(r"[ \t]*(?:Out\[\d+\]:[ \t]*)?(?:(?:array|tensor)\()?\[(?!,|\d+(?:,?\]))")
_KINDS = (
    (_NAME, "="),
    (_INLINE, "i"),
    (_OF_LIST, "$"),
    (_SCALE, "*"),
    (_COLUMNS, "c"),
    (_HEAD, "h"),
    (_NUMBERS, "n"),
    (_COMMAND, ">"),
)
_DISPLAYED = re.compile(r"(?:>(?:h?n+)*|\$(?:h|(?:[ch]*n+)*)|=\*?(?:[ch]*n+)+|i)+")


@dataclass
class _Shown:
    """A line that names something, and the lines with its numbers, each with where it begins."""

    name: Written | None
    start: int
    lines: list[tuple[str, str, int]] = field(default_factory=list)  # its kind, the line, where it begins


def is_displayed(source: Source) -> bool:
    """Whether a text is nothing but names and commands, some with their numbers in the lines below them."""
    first = next((line for line in source.lines if line.strip()), "")
    if _kind(first) not in ("=", "$", ">", "i"):
        return False
    kinds = "".join(_kind(line) for line, _ in _lines(source))
    return "n" in kinds and _DISPLAYED.fullmatch(kinds) is not None


def _lines(source: Source) -> Iterator[tuple[str, int]]:
    """The lines with something on them, each with where it begins; an array in several lines is one."""
    held, begin = "", 0
    for line, start in zip(source.lines, source.starts, strict=True):
        held, begin = (f"{held}\n{line}", begin) if held else (line, start)
        is_open = _ARRAY.match(held) is not None and held.count("[") > held.count("]")
        if held.strip() and not (is_open and line.strip()):
            yield held, begin
        held = held if is_open and line.strip() else ""
    if held.strip():
        yield held, begin


def _kind(line: str) -> str:
    """Which of `_KINDS` a line is, `?` for any other."""
    return next((kind for form, kind in _KINDS if form.fullmatch(line)), "?")


def read_displayed(source: Source) -> Grid:
    """One row, or one for each time that the names are displayed; the numbers of a calculation are `odd`.

    Raises `ClaimError` for lines of other lengths, and where there are no numbers but of calculations.
    """
    pairs: list[tuple[Written, Written]] = []
    odd: list[ClaimError] = []
    for one in _shown(source):
        if one.name is None:
            message = "below this command stand numbers without a name; display them by their names, such as w"
            odd += [ClaimError(message, source.place(one.start))] if one.lines else []
        elif any(kind == "n" for kind, *_ in one.lines):
            pairs.append((one.name, _value(source, one.lines)))
    if odd and not pairs:
        raise odd[0]
    is_matlab = all(_kind(line) not in ">$" or line.lstrip().startswith(">> ") for line in source.lines if line.strip())
    form = "values as MATLAB and Octave display them" if is_matlab else "values as a console displays them"
    return Grid(rows_of(records_of(pairs)), form, odd=tuple(odd))


def _shown(source: Source) -> list[_Shown]:
    """What the text names, in order, with the lines below each name."""
    found: list[_Shown] = []
    for line, start in _lines(source):
        kind = _kind(line)
        if kind == "i":
            match = _INLINE.fullmatch(line)
            assert match is not None  # its kind
            number = " " * match.start("number") + match["number"]
            found.append(_Shown(_named(source, line, start, kind), start, [("n", number, start)]))
        elif kind in ("=", "$", ">"):
            found.append(_Shown(_named(source, line, start, kind), start))
        else:
            found[-1].lines.append((kind, line, start))
    return found


def _named(source: Source, line: str, start: int, kind: str) -> Written | None:
    """The name that a line displays; None where it calculates something, or assigns it."""
    match = {"=": _NAME, "i": _INLINE, "$": _OF_LIST, ">": _COMMAND}[kind].fullmatch(line)
    assert match is not None  # its kind
    begin, text = (match.start("command"), match["command"]) if kind == ">" else (match.start("name"), match["name"])
    plain = _PLAIN.fullmatch(text or "")
    if plain is None:
        return None
    at = start + begin + plain.start("name")
    return Written(plain["name"].replace("$", "."), source.place(at))


def _value(source: Source, lines: Sequence[tuple[str, str, int]]) -> Written:
    """The number below a name, or its numbers as an array.

    Columns that stand in blocks one below the other, and a vector in several lines, are put together. Raises
    `ClaimError` for lines of other lengths.
    """
    scale = _SCALE.fullmatch(lines[0][1])
    power = f"e{scale['power']}" if scale else ""
    blocks: list[list[list[str]]] = [[]]
    first: int | None = None
    is_vector = False
    for kind, line, start in lines:
        match = _NUMBERS.fullmatch(line)
        if kind in "ch" and blocks[-1]:
            blocks.append([])
        if kind != "n" or match is None:
            continue
        first = start + match.start("numbers") if first is None else first
        is_vector = is_vector or match["at"] is not None
        if is_array(match["numbers"]):
            return Written(match["numbers"].replace(",", " ").strip(), source.place(first))
        blocks[-1].append([f"{number}{power}" for number in match["numbers"].split()])
    assert first is not None  # the form of the text
    place = source.place(first)
    if is_vector:
        blocks = [[[number for block in blocks for row in block for number in row]]]
    widths = [{len(row) for row in block} for block in blocks]
    if len({len(block) for block in blocks}) > 1 or any(len(width) > 1 for width in widths):
        raise ClaimError("the lines of this array are not of one length", place)
    rows = [[number for row in parts for number in row] for parts in zip(*blocks, strict=True)]
    if len(rows) == len(rows[0]) == 1:
        return Written(rows[0][0], place)
    if len(rows[0]) == 1 or len(rows) == 1:
        return Written(f"[{' '.join(number for row in rows for number in row)}]", place)
    return Written(f"[{' '.join('[' + ' '.join(row) + ']' for row in rows)}]", place)
