"""What a cell holds: a number, an array as programs print them (`[0.45 0.25]`, `tensor([[1., 2.]])`), or neither."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise, product
from math import ceil, prod

from derive.errors import ClaimError, Place, shorten
from derive.graph.node import SIZE
from derive.source.numerals import NumeralError
from verify.claims.claim import Quantity
from verify.claims.literal import Literal, read_literal, written_like
from verify.claims.places import Timeline
from verify.numbers import Arithmetic, decimal, middle, read_arithmetic
from verify.tabular.arrays import Array, is_array, read_array
from verify.tabular.written import NO_CLAIM, Row, Written

_PLAIN = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?", re.ASCII)  # what needs no closer look


_OF_LISTS = re.compile(r"_?(?:history|hist|list|values|log)$", re.IGNORECASE)  # loss_history
VALUES = ("value", "claimed", "claim", "number", "hand", "autograd")  # of a tidy table, the first that is there
_OPERATION = re.compile(r"[-+−*/·×^]")
_CALCULATES = re.compile(
    r"[\d)][ \t]*(?:[*·×^]|\+(?![ \t]*[-/]))|(?<!^)\("
)  # 0.5-0.6, 3/4 and 0.5+-0.1 may be two numbers
_EQUALS = re.compile(r"=|≈")
_EXACT_LENGTH = 20  # of a fraction that is shown as one
_PLACES = range(-20, 21)  # of the last digit of what a calculation comes to
_UNITS = 10  # of it that the number may at least be off
_LONG = 15  # digits of a number that is known to more of them


@dataclass
class Readings:
    """What is found out while the cells of a table are read: those that cannot be, and calculations in cells."""

    unread: list[ClaimError] = field(default_factory=list)
    worked_out: list[str] = field(default_factory=list)
    slips: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """What is to be told of the calculations."""
        count = len(self.worked_out)
        others = f" and {count - 1} more" if count > 1 else ""
        parts = [f"read the calculation {self.worked_out[0]}{others}" if count else ""]
        parts += [f"a slip in the arithmetic of {slip}" for slip in self.slips]
        return "; ".join(filter(None, parts))


_Table = tuple[Row, list[Row], Readings]


def readable(header: Row, body: Sequence[Row], run: Timeline) -> _Table:
    """A wide table with one number a cell, and what is wrong with a cell that cannot be read, which is empty instead.

    A column of arrays becomes a column for each entry; a calculation is what it comes to. Raises `ClaimError` for
    arrays whose name is unknown.
    """
    readings = Readings()
    heads: Row = []
    columns: list[list[Written]] = []
    for position, head in enumerate(header):
        cells = [row[position] for row in body]
        if head.text and not run.is_place(head.text.lower()):
            if any(is_array(cell.text) for cell in cells):
                texts = [other.text for other in header]
                for name, entries in _spread(head, cells, texts, run, readings.unread):
                    heads.append(name)
                    columns.append([one_number(cell, head.text, run, readings) for cell in entries])
                continue
            cells = [one_number(cell, head.text, run, readings) for cell in cells]
        heads.append(head)
        columns.append(cells)
    return heads, [list(row) for row in zip(*columns, strict=True)], readings


def readable_values(header: Row, body: Sequence[Row], run: Timeline) -> _Table:
    """The same of a tidy table, in the first of the columns `VALUES` that it has.

    A row with an array becomes a row for each entry. Raises `ClaimError` for one whose name is unknown.
    """
    names = [cell.text.lower() for cell in header]
    value = next((names.index(name) for name in VALUES if name in names), None)
    rows = [list(row) for row in body if any(cell.text for cell in row)]
    readings = Readings()
    if value is None:
        return list(header), rows, readings
    if any(is_array(row[value].text) for row in rows) and "index" not in names:
        header, rows = [*header, Written("index", header[0].place)], [[*row, Written("", row[0].place)] for row in rows]
        names.append("index")
    found: list[Row] = []
    for row in rows:
        if is_array(row[value].text):
            found.extend(_by_entry(row, value, names, run, readings))
        else:
            cell = one_number(row[value], row[names.index("quantity")].text, run, readings)
            found.append([*row[:value], cell, *row[value + 1 :]])
    return list(header), found, readings


def _by_entry(row: Row, value: int, names: Sequence[str], run: Timeline, readings: Readings) -> Iterator[Row]:
    """A row for each entry of the array in a row."""
    called, at = row[names.index("quantity")], names.index("index")
    for name, [cell] in _spread(called, [row[value]], [called.text], run, readings.unread):
        entry = name.text[len(called.text) :].strip("[]") or row[at].text
        own = list(row)
        own[at], own[value] = Written(entry, row[at].place), one_number(cell, called.text, run, readings)
        yield own


def by_lists(header: Row, body: Sequence[Row], run: Timeline) -> tuple[Row, list[Row], str]:
    """The table of one row of lists, `losses = [64.6, 37.7]`, as a row for each step; and what is told of that.

    So it is where every list is as long, and some name is that of one number: a vector has its entries in a list.
    """
    filled = [row for row in body if any(cell.text for cell in row)]
    if len(filled) != 1 or not header or not all(is_array(cell.text) for cell in filled[0]):
        return header, list(body), ""
    try:
        lists = [read_array(cell.text) for cell in filled[0]]
    except NumeralError:
        return header, list(body), ""
    names = [replace(head, text=_singular(head.text, run)) for head in header]
    lengths = {(found.shape, found.gap) for found in lists}
    if len(lengths) > 1 or len(lists[0].shape) != 1 or not any(_is_one_number(name, run) for name in names):
        return header, list(body), ""
    columns = [
        [Written(text, _inside(cell, at)) for _, text, at in found.entries[: found.gap]]
        for cell, found in zip(filled[0], lists, strict=True)
    ]
    behind = ", those behind the dots passed over, as nothing says of which steps they are" if lists[0].gap else ""
    return names, [list(row) for row in zip(*columns, strict=True)], f"each number of a list a step{behind}"


def _singular(name: str, run: Timeline) -> str:
    """`losses` and `loss_history` as `loss`, unless the problem has that very name."""
    if name in run.names.names:
        return name
    word = _OF_LISTS.sub("", name)
    word = re.sub(r"losses$", "loss", word, flags=re.IGNORECASE)
    return word[:-1] if word.endswith("s") and len(run.names.known.find(word[:-1])) == 1 else word


def _is_one_number(head: Written, run: Timeline) -> bool:
    """Whether a name is that of a single number; of a loss also one that only logs have."""
    try:
        return not run.shape(run.names.find(head.text, head.place)[0])
    except ClaimError:
        return head.text.casefold().endswith("loss")


def one_number(cell: Written, name: str, run: Timeline, readings: Readings) -> Written:
    """The cell of what is called so, of a calculation what it comes to; an empty one in place of what is no number."""
    if cell.why or not _PLAIN.fullmatch(cell.text):
        try:
            run.literal(cell)
        except ClaimError as error:
            result = None if cell.why else _result(cell, name, readings)
            if result is None:
                readings.unread.append(error)
            return result or Written("", cell.place)
    return cell


def _result(cell: Written, name: str, readings: Readings) -> Written | None:
    """What the calculation in a cell comes to: `0.9 - 0.4 = 0.5` claims 0.5, `w = 0.9 - 0.4` what the digits allow.

    Steps in names in front of it, `w - lr*dw`, say nothing. None for what is no calculation, or may be two numbers. A
    step that does not come to what is written behind it is a slip, unless the digits of its numbers allow it.
    """
    parts = [part.strip() for part in _EQUALS.split(cell.text)]
    if len(parts) == 1 and not _CALCULATES.search(cell.text):
        return None
    found = [(part, read_arithmetic(part)) for part in parts]
    if len(parts) > 1 and parts[0] in ("", name):
        found = found[1:]
    while len(found) > 1 and found[0][1] is None and _OPERATION.search(found[0][0]):
        found = found[1:]
    steps = [(part, arithmetic) for part, arithmetic in found if arithmetic is not None]
    if len(steps) < len(found):
        return None
    for (part, arithmetic), (following, other) in pairwise(steps):
        if (slip := _slip(part, arithmetic, following, other)) is not None:
            readings.slips.append(f"{cell.place}: {slip}")
    last, arithmetic = steps[-1]
    if _literal(last) is not None:
        return replace(cell, text=last)
    text = _in_digits(arithmetic)
    readings.worked_out.append(f"{shorten(last)} as {text}")
    return replace(cell, text=text)


def _literal(text: str) -> Literal | None:
    """A number as it is printed; None for any other text."""
    try:
        return read_literal(text)
    except NumeralError:
        return None


def _slip(text: str, arithmetic: Arithmetic, result: str, other: Arithmetic) -> str | None:
    """That a calculation is not what is written behind it, where the digits of no number in it allow that."""
    literal = _literal(result)
    low, high = (other.low, other.high) if literal is None else literal.around
    if arithmetic.low <= high and low <= arithmetic.high:
        return None
    right = "" if literal is None else f" {written_like(literal, arithmetic.value)},"
    return f"{text} is{right} not {result}"


def _in_digits(arithmetic: Arithmetic) -> str:
    """What a calculation comes to, with as many digits as those of its numbers allow: `0.9381(11)`."""
    value = middle(arithmetic.value)
    around = max(arithmetic.high - value, value - arithmetic.low)
    if not around and len(str(value)) <= _EXACT_LENGTH:
        return str(value)
    place = next((place for place in _PLACES if around * Fraction(10) ** place >= _UNITS), None)
    if place is None:
        return decimal(arithmetic.value, _LONG)
    number = round(value * Fraction(10) ** place)
    units = ceil(around * Fraction(10) ** place + abs(value * Fraction(10) ** place - number))
    digits = str(abs(number)).rjust(place + 1, "0")
    shown = f"{digits[:-place]}.{digits[-place:]}" if place > 0 else f"{digits}e{-place}"
    return f"{'-' if value < 0 else ''}{shown}({units})"


def _spread(
    head: Written, cells: Sequence[Written], texts: Sequence[str], run: Timeline, unread: list[ClaimError]
) -> list[tuple[Written, list[Written]]]:
    """A column for each entry of the arrays in one column."""
    run.names.check(head.text, head.place)
    try:
        quantity, entry = run.names.column(head.text, texts) or run.names.find(head.text, head.place)
        sizes = () if entry else _sizes(quantity, run, head.place)
    except ClaimError as error:  # of [predict] alone, or of batches that differ
        unread.extend(ClaimError(error.message, cell.place) for cell in cells if cell.text)
        return [(head, [Written("", cell.place) for cell in cells])]
    spread = [_entries(cell, tuple(map(len, sizes)), head, unread) for cell in cells]
    names = [
        Written(f"{head.text}[{','.join(map(str, index))}]" if index else head.text, head.place)
        for index in product(*sizes)
    ]
    return [(name, [found[k] for found in spread]) for k, name in enumerate(names)]


def _sizes(quantity: Quantity, run: Timeline, place: Place) -> tuple[Sequence[int], ...]:
    """The entries along each axis by their numbers; along the samples those are rows of the data."""
    shape = run.shape(quantity)
    rows = run.batches[0].indices
    if SIZE in shape and any(batch.indices != rows for batch in run.batches):
        message = f"{quantity.label} runs over the samples, and the batches hold different rows of the data"
        raise ClaimError(f"{message}; write one column for each entry, such as {quantity.label}[{rows[0]}]", place)
    return tuple(rows if isinstance(size, str) else range(size) for size in shape)


def _entries(cell: Written, shape: tuple[int, ...], head: Written, unread: list[ClaimError]) -> list[Written]:
    """The numbers of an array in order, empty where it is none of that shape, which is named."""
    count = prod(shape)
    nothing = [Written("", cell.place)] * count
    if cell.text.lower() in NO_CLAIM:
        return nothing
    if not is_array(cell.text) and not shape:
        return [cell]
    try:
        found = read_array(cell.text) if is_array(cell.text) else Array((), (((), cell.text, 0),))
    except NumeralError as error:
        unread.append(ClaimError(f"{shorten(cell.text)} {error}; expected {_called(shape)}", cell.place))
        return nothing
    if found.gap is not None and len(shape) == 1 and found.shape[0] < shape[0]:
        written = [Written(text, _inside(cell, at)) for _, text, at in found.entries]
        return [*written[: found.gap], *nothing[: shape[0] - found.shape[0]], *written[found.gap :]]
    if [size for size in found.shape if size != 1] != [size for size in shape if size != 1]:
        message = f"{shorten(cell.text)} is {_called(found.shape)}; {head.text} is {_called(shape)}"
        unread.append(ClaimError(message, cell.place))
        return nothing
    return [Written(text, _inside(cell, at)) for _, text, at in found.entries]


def _called(shape: Sequence[int]) -> str:
    return f"an array of {' × '.join(map(str, shape))}" if shape else "one number"


def _inside(cell: Written, at: int) -> Place:
    """The place of a character of a cell; that of the cell where it has several lines or stands in no file."""
    place = cell.place
    if place.column is None or "\n" in cell.text[:at]:
        return place
    return Place(place.source, place.line, place.column + at, place.text)
