"""Claims as people write them in a table: wide (one row a step) or tidy (one row a number).

A cell knows its line and column, so that a message can point at it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from derive.errors import ClaimError, Place, shorten
from derive.graph.node import SIZE
from derive.source.files import read_text
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.literal import Literal
from verify.claims.names import EPOCH_MEANS, is_of_epochs
from verify.claims.places import (
    FROM_1,
    KINDS,
    NO_CLAIM,
    NOT_COUNTED,
    PREDICTION,
    Counting,
    Row,
    Timeline,
    Written,
    cell_at,
    predicted_cell,
    whole_number,
)

MAX_CLAIMS = 20 * 10**6  # bytes of a file of claims; a larger one is refused
MAX_CELLS = 10**6  # of a table; a larger one is refused

_VALUE = ("value", "claimed", "claim", "number", "hand", "autograd")  # of a tidy table, the first that is there
_PIECE = re.compile(r'\s*"((?:[^"]|"")*)"\s*|([^,]*)')


def read_file(path: str | os.PathLike[str], run: Timeline) -> tuple[Claim, ...]:
    """The claims of a CSV file, wide or tidy. Raises `ClaimError`."""
    text = read_text(path, limit=MAX_CLAIMS, what="a CSV file of claims", error=ClaimError)
    return read_table(text, str(path), run)


def empty_cells(path: str | os.PathLike[str]) -> int:
    """How many cells of a CSV file, in columns with a name, hold no number. Raises `ClaimError`."""
    text = read_text(path, limit=MAX_CLAIMS, what="a CSV file of claims", error=ClaimError)
    rows = [row for row in _rows(text, str(path), 1) if any(cell.text for cell in row)]
    header = [cell.text.lower() for cell in rows[0]] if rows else []
    values = [name in _VALUE if "quantity" in header else bool(name) for name in header]
    cells = (cell for row in rows[1:] for cell, counts in zip(row, values, strict=False) if counts)
    return sum(cell.text.lower() in NO_CLAIM for cell in cells)


def read_table(text: str, source: str, run: Timeline, first_line: int = 1) -> tuple[Claim, ...]:
    """The claims of a table whose first line is the line `first_line` of `source`. Raises `ClaimError`."""
    if text.count(",") + text.count("\n") > MAX_CELLS:
        raise ClaimError(f"{source} has more than {MAX_CELLS:,} cells; claim fewer steps", Place(source))
    rows = [row for row in _rows(text, source, first_line) if any(cell.text for cell in row)]
    if not rows:
        raise ClaimError(f"{source} has no table; expected a line with the names of the columns", Place(source))
    header, *body = rows
    _check_header(header, body, source)
    for row in body:
        if len(row) != len(header):
            message = f"{len(row)} cells in this row; expected {len(header)}, as in the first line"
            raise ClaimError(f'{message} (a number with commas stands in quotes: "8,585.23")', row[-1].place)
    lower = [cell.text.lower() for cell in header]
    found = _tidy(lower, body, run) if _is_tidy(lower, body, run) else _wide(header, body, run)
    return once(found)


def _is_tidy(lower: list[str], body: Sequence[Row], run: Timeline) -> bool:
    """Whether a table has one row a number; a column `quantity` of numbers is a line or parameter of that name."""
    if "quantity" not in lower or "quantity" not in run.names.own:
        return "quantity" in lower
    try:
        return bool(body) and all(run.literal(row[lower.index("quantity")]) is None for row in body)
    except ClaimError:
        return True


def _rows(text: str, source: str, first_line: int) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=first_line):
        yield list(_cells(line.rstrip("\r"), source, number))


def _cells(line: str, source: str, number: int) -> Iterator[Written]:
    """The cells of a line, between commas, some of them in quotes."""
    at = 0
    while at <= len(line):
        match = _PIECE.match(line, at)
        if match is None or (match.end() < len(line) and line[match.end()] != ","):
            raise ClaimError("not CSV: a quotation mark inside a cell", Place(source, number, at + 1, line))
        quoted = match[1] is not None
        text = match[1].replace('""', '"') if quoted else match[2]
        column = match.start(1 if quoted else 2) + len(text) - len(text.lstrip()) + 1
        yield Written(text.strip(), Place(source, number, column, line))
        at = match.end() + 1


_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


def _check_header(header: Row, body: Sequence[Row], source: str) -> None:
    """Raises `ClaimError` for a table with other separators, or whose first line has no names."""
    first = header[0]
    if len(header) == 1:
        for sign, called in _SEPARATORS.items():
            if sign in first.text:
                message = f"the cells of {source} are separated by {called}; expected commas (and points in numbers)"
                raise ClaimError(f"{message}: save it with commas", first.place)
    seen: set[str] = set()
    for cell in header:
        if not cell.text and any(len(row) > header.index(cell) and row[header.index(cell)].text for row in body):
            raise ClaimError("a column without a name has numbers; name it, or leave it out", cell.place)
        if cell.text and cell.text in seen:
            raise ClaimError(f"two columns are named {shorten(cell.text)}; leave one out", cell.place)
        seen.add(cell.text)


def _wide(header: Row, body: Sequence[Row], run: Timeline) -> Iterator[Claim]:
    """One row a step, one column a quantity."""
    lower = [cell.text.lower() for cell in header]
    heads = [cell.text for cell in header]
    places = run.columns_that_say_where(header)
    named = set() if is_of_epochs(heads) else run.names.own
    of_epochs = any(name in EPOCH_MEANS and name not in named for name in lower)
    passed_over = {"batches", SIZE, *(name for name in lower if name.endswith("_autograd"))} if of_epochs else set()
    passed_over -= named
    columns = [
        (position, cell)
        for position, cell in enumerate(header)
        if cell.text and position not in places.values() and lower[position] not in passed_over
    ]
    own = {position: run.names.column(cell.text, heads) for position, cell in columns}
    for position, cell in columns:
        if own[position] is None:
            run.names.check(cell.text, cell.place)
    counting = _counting(
        places, {position: _of_a_step(own[position], cell, run) for position, cell in columns}, body, run
    )
    counters = [cell.text for position, cell in columns if run.is_place(lower[position])]
    claimed = (
        f"{' and '.join(counters)} is what the problem calls so, and does not say where a row is" if counters else ""
    )
    found: dict[tuple[int, bool], tuple[Quantity, tuple[int, ...]]] = {}
    for number, row in enumerate(body, start=1):
        prediction = _prediction(places, row)
        for position, cell in columns:
            literal = run.literal(row[position])
            if literal is None:
                continue
            key = (position, prediction is not None)
            if key not in found:
                found[key] = own[position] or run.names.find(cell.text, cell.place, predicted=prediction is not None)
            quantity, entry = found[key]
            cell_of = _cell(quantity, entry, places, row, number, run, prediction, counting)
            yield Claim(cell_of, literal, row[position].place, "; ".join(filter(None, (counting.told, claimed))))


def _of_a_step(own: tuple[Quantity, tuple[int, ...]] | None, column: Written, run: Timeline) -> Quantity | None:
    """The quantity of a column; None where it is one of [predict] alone."""
    try:
        return (own or run.names.find(column.text, column.place))[0]
    except ClaimError:
        return None


def _counting(
    places: dict[str, int], columns: Mapping[int, Quantity | None], body: Sequence[Row], run: Timeline
) -> Counting:
    """Whether a table counts from 0: a loss or gradient stands in a row 0, which from 1 on there is not."""
    from_0, first = [], None
    for name, place in places.items():
        zeros = [row for row in body if row[place].text.strip() == "0"]
        counted = [position for position, own in columns.items() if own and own.group not in NOT_COUNTED]
        if any(run.literal(row[position]) is not None for row in zeros for position in counted):
            from_0.append(name)
            first = first or zeros[0]
    if first is None:
        return FROM_1
    held = [
        (literal, run.starts[quantity.name][0])
        for position, quantity in columns.items()
        if quantity and quantity.group == "after" and len(run.starts.get(quantity.name, ())) == 1
        if (literal := run.literal(first[position])) is not None
    ]
    begins = all(abs(literal.value - start) <= literal.slack for literal, start in held)
    return Counting(tuple(from_0), bool(held) and begins)


def _prediction(places: dict[str, int], row: Row) -> str | None:
    """The row of [predict] that a row of the table is about; empty where it is not said, None for a step."""
    for position in places.values():
        match = PREDICTION.fullmatch(row[position].text)
        if match is not None:
            return str(match[1])
    return None


def _cell(
    quantity: Quantity,
    entry: tuple[int, ...],
    places: dict[str, int],
    row: Row,
    number: int,
    run: Timeline,
    prediction: str | None,
    counting: Counting = FROM_1,
) -> Cell:
    """The number of the run that a cell of a table is about; without a column for the step, the rows count them."""
    if prediction is not None:
        return predicted_cell(quantity, entry, prediction, run, row[0].place)
    if counting.of(quantity) != quantity:
        try:
            return _cell(counting.of(quantity), entry, places, row, number, run, None, replace(counting, begins=False))
        except ClaimError:
            counting = FROM_1  # the last row may hold what the last step has left
    given = {
        name: (whole_number(row[position]) + (name in counting.from_0), row[position].place)
        for name, position in places.items()
    }
    numbers = {kind: next((given[name] for name in kinds if name in given), None) for kind, kinds in KINDS.items()}
    place = next((place for found in numbers.values() if found for place in (found[1],)), row[0].place)
    return cell_at(quantity, entry, {kind: found[0] for kind, found in numbers.items() if found}, number, run, place)


def _tidy(header: list[str], body: Sequence[Row], run: Timeline) -> Iterator[Claim]:
    """One row a number: columns for the step, `quantity`, `index` and the value."""
    position = {name: place for place, name in enumerate(header)}
    value = next((position[name] for name in _VALUE if name in position), None)
    if value is None:
        place = body[0][0].place if body else Place("the table")
        raise ClaimError(f"a table with a column quantity needs one with its numbers: {', '.join(_VALUE[:2])}", place)
    places = {name: place for name, place in position.items() if run.is_place(name)}
    for number, row in enumerate(body, start=1):
        literal = run.literal(row[value])
        prediction = _prediction(places, row)
        called = row[position["quantity"]]
        quantity, entry = run.names.find(called.text, called.place, predicted=prediction is not None)
        if "index" in position and row[position["index"]].text:
            entry = tuple(
                whole_number(Written(part, row[position["index"]].place)) for part in _parts(row[position["index"]])
            )
        if literal is not None:
            yield Claim(_cell(quantity, entry, places, row, number, run, prediction), literal, row[value].place)


def _parts(cell: Written) -> list[str]:
    return re.split(r"[,\s]+", cell.text.strip("[]() "))


def once(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """One claim for each number, the one with the most digits; raises `ClaimError` where two contradict."""
    found: dict[Cell, Claim] = {}
    for claim in claims:
        earlier = found.setdefault(claim.cell, claim)
        if not _compatible(earlier.literal, claim.literal):
            message = (
                f"{claim.cell.name} at step {claim.cell.step} is claimed to be {shorten(claim.literal.text)} here and"
            )
            raise ClaimError(f"{message} {shorten(earlier.literal.text)} at {earlier.place}; keep one", claim.place)
        if claim.literal.slack < earlier.literal.slack:
            found[claim.cell] = claim
    return tuple(found.values())


def _compatible(first: Literal, second: Literal) -> bool:
    """Whether one number can be printed in both ways; a tie, which can be rounded up and down, is none of them."""
    if first.special is not None or second.special is not None:
        return repr(first.special) == repr(second.special)
    low, high = max(first.low, second.low), min(first.high, second.high)
    return low < high or (low == high and 0 in (first.slack, second.slack))
