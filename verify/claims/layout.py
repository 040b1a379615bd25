"""A table before its names are looked up: its numbers with decimal points, its header in words, each row as wide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from derive.errors import ClaimError, Place, UnknownQuantityError, shorten
from derive.graph.node import SIZE
from derive.source.numerals import NumeralError
from verify.claims.cells import VALUES, by_lists
from verify.claims.claim import Quantity
from verify.claims.counters import by_unknown_column, with_counters
from verify.claims.literal import read_literal, written_like
from verify.claims.places import Timeline
from verify.claims.unknown import without_single
from verify.numbers import from_fraction
from verify.printed.lines import LINES
from verify.tabular.across import side_by_side, steps_down
from verify.tabular.arrays import is_array
from verify.tabular.dots import without_dots
from verify.tabular.grid import Grid, ShapeOf, with_points
from verify.tabular.heads import Known, plain_heads, with_one_header
from verify.tabular.index import with_index_name, without_index
from verify.tabular.written import NAMES, NO_CLAIM, Row, Written, is_words, place_word

_KINDS = {  # of the groups of a step's numbers, what people call them
    **dict.fromkeys(("gradients", "adjoints", "partials", "clipped"), "gradient"),
    "loss": "loss",
    "nodes": "line",
    "before": "parameter",
    "after": "parameter",
}
_NUMERAL = re.compile(r"[-+−]?[\d.,]*\d[\d.,]*(?:e[-+]?\d+)?[.:)]?|\[[^\[\]=]*\d[^\[\]=]*\]", re.IGNORECASE)
_IN_PERCENT = re.compile(r"(?P<name>.*\S)\s*(?:\((?:in )?%\)|\[(?:in )?%\]|\s(?:in )?%|\sin percent)")
_NUMPY = re.compile(r"(?:np|numpy|jnp)\.(?:u?int|float|longdouble)\d*\(\s*'?([^\s()']+)'?\s*\)")


@dataclass(frozen=True)
class Laid:
    """A table before its names are looked up: its header in one line, its rows, and how many of their cells are empty.

    `form` is what it was read as, and `more` what else is told of it; `apart` are names with numbers that say no step,
    and `odd` says what is wrong with each line that cannot be read. `gap` is a line that may be a row,
    or stand for some.
    """

    header: Row
    body: Sequence[Row]
    empty: int
    is_tidy: bool
    form: str
    more: str
    apart: tuple[tuple[Written, Written], ...] = ()
    odd: tuple[ClaimError, ...] = ()
    gap: Place | None = None

    def told(self, count: int) -> str:
        """`read as Markdown, decimal comma, 12 rows`."""
        return ", ".join(filter(None, (f"read as {self.form}", f"{count} row{'s' if count != 1 else ''}", self.more)))


def laid_out(grid: Grid, run: Timeline) -> Laid:
    """A table with its numbers in points and its header in words. Raises `ClaimError` for one without, or cut short."""
    grid = with_one_header(without_dots(grid))
    grid = replace(grid, rows=with_index_name(grid.rows))
    grid = replace(grid, rows=side_by_side(grid.rows))
    rows = [row for row in grid.rows if any(cell.text for cell in row)]
    if not rows:
        name = grid.rows[0][0].place.source if grid.rows and grid.rows[0] else "the text"
        raise ClaimError(f"{name} has no table; expected a line with the names of the columns", Place(name))
    padded = [[_unwrapped(cell) for cell in row] for row in _padded(grid.rows, rows[0])]
    grid, has_commas = with_points(replace(grid, rows=padded), _shapes(padded[0], run))
    turned, is_across = steps_down(grid.rows, run.names.taken)
    grid = replace(grid, rows=turned, form=f"{grid.form}, its steps across" if is_across else grid.form)
    says_where = any(run.is_place(place_word(cell.text)) for cell in grid.rows[0])
    names, body, index = without_index(grid.rows[0], grid.rows[1:], says_where)
    names, body, single = without_single(names, body, run) if grid.form == LINES else (names, body, ())
    names, body, listed = by_lists(names, body, run)
    names, percent = _without_percent([_in_one_line(cell, run) for cell in names], body, run)
    names = plain_heads(names, _known(run))
    header = _long_form([_as_place(cell, run) for cell in names], run)
    header, numbered, counts = with_counters(header, body, run)
    _check_header(header, numbered, run)
    is_tidy = _is_tidy([cell.text.lower() for cell in header], numbered, run)
    numbered = _with_plain_names(header, numbered, run) if is_tidy else numbered
    form = f"{grid.form}, decimal comma" if has_commas else grid.form
    more = ", ".join(filter(None, (index, grid.told, counts, listed, percent, _words_told(header, numbered))))
    odd = (*grid.odd, *single)
    return Laid(header, numbered, _empty(header, numbered, is_tidy), is_tidy, form, more, grid.apart, odd, grid.gap)


def _shapes(header: Row, run: Timeline) -> ShapeOf:
    """Gives the sizes of what a column is named after, or the first cell of a row that is a name; None for no name."""

    @cache
    def named(text: str) -> tuple[int, ...] | None:
        try:
            quantity, entry = run.names.find(plain_name(Written(text, Place(text)), run).text, Place(text))
            shape = run.shape(quantity)
        except ClaimError:
            return None
        if entry:
            return () if len(entry) == len(shape) else None
        counts = {batch.n for batch in run.batches} if SIZE in shape else {0}
        sizes = tuple(size if isinstance(size, int) else min(counts) for size in shape)
        return sizes if len(counts) == 1 else None

    def shape_of(position: int, row: Row) -> tuple[int, ...] | None:
        found = (named(cell.text) for cell in (header[position], *row) if cell.text)
        return next((sizes for sizes in found if sizes is not None), None)

    return shape_of


def plain_name(name: Written, run: Timeline) -> Written:
    """The name of a number, as `J` of `Cost J`, where it is written as the head of a column may be."""
    return plain_heads([name], _known(run))[0]


def _with_plain_names(header: Row, body: Sequence[Row], run: Timeline) -> list[Row]:
    """The rows of a tidy table with the names of their quantities as plain as those of a header."""
    at = [cell.text.lower() for cell in header].index("quantity")
    names = {row[at].text: row[at] for row in body}
    plain = dict(zip(names, plain_heads(list(names.values()), _known(run)), strict=True))
    return [[*row[:at], replace(row[at], text=plain[row[at].text].text), *row[at + 1 :]] for row in body]


def _known(run: Timeline) -> Known:
    """What the problem calls its numbers, for heads that are no name by themselves."""

    def found(name: str) -> tuple[Quantity, tuple[int, ...]] | None:
        if run.is_place(place_word(name)):
            return Quantity("place", place_word(name), name), ()
        try:
            return run.names.find(name, Place(name))
        except UnknownQuantityError:
            return None
        except ClaimError:  # it can be two
            return Quantity("several", name, name), ()

    def shape(name: str) -> tuple[int | str, ...]:
        known = found(name)
        return () if known is None or known[1] or known[0].group in ("place", "several") else run.shape(known[0])

    def kind(name: str) -> tuple[str, str]:
        quantity = known[0] if (known := found(name)) is not None else None
        if quantity is None:
            return "", ""
        is_rate = (quantity.group, quantity.name) == ("setting", "lr")
        return "rate" if is_rate else _KINDS.get(quantity.group, ""), quantity.name

    return Known(found, shape, run.names.taken.__contains__, kind)


def _unwrapped(cell: Written) -> Written:
    """A cell without the names of types by which NumPy 2 shows its numbers: `np.float64(2.25)`."""
    return replace(cell, text=_NUMPY.sub(r"\1", cell.text)) if "(" in cell.text else cell


def counted(laid: Laid, run: Timeline) -> Laid:
    """The table, in which a column of unknown name that counts the rows is the step. Raises `ClaimError` in doubt."""
    header, told = by_unknown_column(laid.header, laid.body, run, is_tidy=laid.is_tidy)
    return replace(laid, header=header, more=", ".join(filter(None, (laid.more, told)))) if told else laid


def _without_percent(header: Row, body: Sequence[Row], run: Timeline) -> tuple[Row, str]:
    """The heads without a % where all numbers below them have one, and what is to be told of these.

    Raises `ClaimError` for a number without one below such a head, or among others that have one.
    """
    heads: Row = []
    first: Written | None = None
    for at, head in enumerate(header):
        match = _IN_PERCENT.fullmatch(head.text)
        name = replace(head, text=match["name"]) if match is not None else head
        signed = [
            row[at] for row in body if row[at].text.endswith("%") and _NUMERAL.fullmatch(row[at].text[:-1].rstrip())
        ]
        meaning = _meaning(name, run) if match or signed else None
        is_known = meaning is not None
        if signed and meaning is not None and meaning.group == "change":
            message = (
                f"{shorten(signed[0].text)} may be a share of what {meaning.name} was, or {meaning.label} itself, "
            )
            message += f"{_hundredth(signed[0].text)}"
            raise ClaimError(f"{message}; write the change without a %", signed[0].place)
        unsigned = (row[at] for row in body if is_known and _NUMERAL.fullmatch(row[at].text))
        bare = next((cell for cell in unsigned if re.search("[1-9]", cell.text)), None)
        if bare is not None:
            where = f"below {shorten(head.text)}" if match else f"beside {shorten(signed[0].text)}"
            message = f"{shorten(bare.text)} {where} is {_hundredth(f'{bare.text}%')} as a percentage, and {bare.text}"
            message += f" without; write {bare.text}% for the one, and no % in the column for the other"
            raise ClaimError(message, bare.place)
        heads.append(name if is_known else head)
        first = first or (signed[0] if is_known and signed else None)
    return heads, "" if first is None else f"{first.text} as {_hundredth(first.text)}"


def _meaning(head: Written, run: Timeline) -> Quantity | None:
    """What a head is the name of, with whatever is written around it; None for an unknown name."""
    try:
        return run.names.find(plain_name(head, run).text, head.place)[0]
    except UnknownQuantityError:
        return None
    except ClaimError:  # it can be two
        return Quantity("several", head.text, head.text)


def _hundredth(percentage: str) -> str:
    """The number that a percentage is, `0.333` of `33.3%`; a question mark for what cannot be read."""
    try:
        literal = read_literal(percentage)
    except NumeralError:
        return "?"
    return written_like(literal, from_fraction(literal.value))


def _words_told(header: Row, body: Sequence[Row]) -> str:
    """What is told of columns of words that have no name."""
    unnamed = [row[at].text for at, cell in enumerate(header) if not cell.text for row in body if row[at].text]
    return f"words without a name passed over: {shorten(unnamed[0])}" if unnamed else ""


def _empty(header: Row, body: Sequence[Row], is_tidy: bool) -> int:
    """How many cells, in columns with a name, hold no number."""
    lower = [cell.text.lower() for cell in header]
    counts = [name in VALUES if is_tidy else bool(name) for name in lower]
    cells = (cell for row in body for cell, counted in zip(row, counts, strict=True) if counted)
    return sum(cell.text.lower() in NO_CLAIM for cell in cells)


def _padded(rows: Sequence[Row], header: Row) -> list[Row]:
    """The table from its header on; an empty row is as wide. Raises `ClaimError` for a row of another width."""
    place = next(position for position, row in enumerate(rows) if row is header)
    found = [header]
    names = [cell.text for cell in header]
    for row in rows[place + 1 :]:
        if [cell.text for cell in row] == names:
            continue  # the names once more
        if len(rows) > 2 and names[0] and row[0].text == names[0] and not any(_NUMERAL.fullmatch(c.text) for c in row):
            raise ClaimError("a second table begins here; leave one of the two", row[0].place)
        if len(row) == len(header):
            found.append(row)
        elif any(cell.text for cell in row):
            message = f"{len(row)} cells in this row; expected {len(header)}, as in the first line"
            message += ' (a number with commas stands in quotes: "8,585.23")' if "," in row[-1].place.text else ""
            raise ClaimError(message, row[-1].place)
        else:
            found.append([Written("", row[0].place)] * len(header))
    while len(found) > 1 and not any(cell.text for cell in found[-1]):
        found.pop()
    return found


def _long_form(header: Row, run: Timeline) -> Row:
    """The header, in which what names the numbers of a tidy table is called `quantity`, as of `DataFrame.melt`."""
    lower = [cell.text.lower() for cell in header]
    called = next((lower.index(name) for name in NAMES if name in lower and name not in run.names.taken), None)
    if called is None or "quantity" in lower or not any(name in VALUES[:1] for name in lower):
        return header
    return [Written("quantity", cell.place) if k == called else cell for k, cell in enumerate(header)]


def _is_tidy(lower: list[str], body: Sequence[Row], run: Timeline) -> bool:
    """Whether a table has one row a number; a column `quantity` of numbers is a line or parameter of that name."""
    if "quantity" not in lower or "quantity" not in run.names.own:
        return "quantity" in lower
    try:
        return bool(body) and all(run.literal(row[lower.index("quantity")]) is None for row in body)
    except ClaimError:
        return True


def _in_one_line(cell: Written, run: Timeline) -> Written:
    """A head without line breaks. Raises `ClaimError`, which names the line break, where that is no quantity."""
    if "\n" not in cell.text:
        return cell
    found = Written(" ".join(cell.text.split()), cell.place)
    if not run.is_place(place_word(found.text)):
        try:
            run.names.check(found.text, found.place)
        except ClaimError as error:
            raise ClaimError(f"a line break in the name of a column: {error.message}", cell.place) from None
    return found


def _as_place(cell: Written, run: Timeline) -> Written:
    """A head as `Iteration #` by the word for which it stands, where it is no name by itself."""
    word = place_word(cell.text)
    is_own = word == cell.text.lower() or word in run.names.taken
    return Written(word, cell.place) if not is_own and run.is_place(word) else cell


def _check_header(header: Row, body: Sequence[Row], run: Timeline) -> None:
    """Raises `ClaimError` for a table whose first line has no names, or one name twice."""
    if any(cell.text for cell in header) and all(
        _NUMERAL.fullmatch(cell.text) or (is_array(cell.text) and re.search(r"\d", cell.text))
        for cell in header
        if cell.text
    ):
        message = "the first line has numbers in the place of names; write one above it, such as step,loss,w"
        raise ClaimError(message, header[0].place)
    seen: set[str] = set()
    for position, cell in enumerate(header):
        if not cell.text and any(row[position].text and not is_words(row[position].text) for row in body):
            raise ClaimError("a column without a name has numbers; name it, or leave it out", cell.place)
        name = cell.text.lower() if run.is_place(cell.text.lower()) else cell.text
        if name and name in seen:
            raise ClaimError(f"two columns are named {shorten(cell.text)}; leave one out", cell.place)
        seen.add(name)
