"""Claims as people write them: a table, wide (one row a step) or tidy (one row a number), or one sentence.

`step 2: dl/db = -33.39`. A cell knows its line and column, so that a message can point at it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.errors import ClaimError, Place, shorten
from derive.graph.node import SIZE
from derive.run.batches import Batches
from derive.source.files import read_text
from derive.source.numerals import NumeralError
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.counting import FROM_1, NOT_COUNTED, Counting
from verify.claims.literal import Literal, read_literal
from verify.claims.names import EPOCH_MEANS, Names

MAX_CLAIMS = 20 * 10**6  # bytes of a file of claims
MAX_CELLS = 10**6  # of a table

_COUNTER = "t"  # a column of steps, where the problem has no such name and every step updates
_STEP = ("step", "iteration", "iter", "update", "step #", "step no.", _COUNTER)
_EPOCH = ("epoch",)
_BATCH = ("batch", "lot", "minibatch", "mini-batch")
_PLACES = (*_STEP, *_EPOCH, *_BATCH)
_VALUE = ("value", "claimed", "claim", "number", "hand", "autograd")  # of a tidy table, the first that is there
_NO_CLAIM = ("", "-", "–", "—", "--", "---", "…", "...", "n/a", "n.a.", "na")  # whatever its capitals
_PIECE = re.compile(r'\s*"((?:[^"]|"")*)"\s*|([^,]*)')
_PREDICTION = re.compile(r"(?:predict|prediction)\s*(\d{0,9})", re.IGNORECASE)
_WHERE = re.compile(
    r"\b(step|iteration|iter|epoch|batch|lot|t)\s*(?:#|no\.)?\s*[=:]?\s*([+-]?\d{1,15})(?!\d)", re.IGNORECASE
)


@dataclass(frozen=True)
class Written:
    """A cell as it is written."""

    text: str
    place: Place


Row = list[Written]


@dataclass(frozen=True)
class Run:
    """What the claims are about: the names, the batches of the run, and how many of them an epoch has."""

    names: Names
    batches: Batches
    per_epoch: int
    loss: str
    units: int | None = None
    starts: Mapping[str, Sequence[Fraction]] = field(default_factory=dict)  # the initial values of single numbers

    def literal(self, cell: Written) -> Literal | None:
        """The number of a cell, None where it claims nothing. Raises `ClaimError` for a text."""
        if cell.text.strip().lower() in _NO_CLAIM:
            return None
        try:
            return read_literal(cell.text).off_by(self.units)
        except NumeralError as error:
            message = f"{shorten(cell.text.strip())} {error}; expected a number, or an empty cell for no claim"
            raise ClaimError(message, cell.place) from None

    def is_place(self, column: str) -> bool:
        """Whether a column, in lower case, says where in the run the numbers of a row are."""
        if column == _COUNTER:
            return column not in self.names.taken and self.batches[-1].t == len(self.batches)
        return column in _PLACES

    def step(self, number: int, place: Place) -> int:
        """A step of the run. Raises `ClaimError` for one that it does not have."""
        _check_counted_from_1("step", number, place)
        if not 1 <= number <= len(self.batches):
            raise ClaimError(f"there is no step {number}; the run has the steps 1 to {len(self.batches)}", place)
        return number

    def at(self, epoch: int | None, batch: int | None, place: Place) -> int:
        """The step of a batch of an epoch; of the epoch, where it has one batch."""
        if batch is None and epoch is not None and self.per_epoch > 1:
            message = (
                f"an epoch has {self.per_epoch} batches; say which one in a column batch, or count in a column step"
            )
            raise ClaimError(message, place)
        wanted = (1 if epoch is None else epoch, 1 if batch is None else batch)
        _check_counted_from_1("epoch", wanted[0], place)
        _check_counted_from_1("batch", wanted[1], place)
        position = (wanted[0] - 1) * self.per_epoch + wanted[1]
        if wanted[0] < 1 or not 1 <= wanted[1] <= self.per_epoch or not 1 <= position <= len(self.batches):
            last = self.batches[-1]
            message = (
                f"there is no epoch {wanted[0]}, batch {wanted[1]}; the last is epoch {last.epoch}, batch {last.batch}"
            )
            raise ClaimError(f"{message}, and an epoch has {self.per_epoch}", place)
        return position

    def end_of_epoch(self, epoch: int, place: Place) -> int:
        """The last step of an epoch."""
        _check_counted_from_1("epoch", epoch, place)
        found = [epoch * self.per_epoch, len(self.batches)]
        if epoch < 1 or min(found) <= (epoch - 1) * self.per_epoch:
            raise ClaimError(f"there is no epoch {epoch}; the last is epoch {self.batches[-1].epoch}", place)
        return min(found)


def _check_counted_from_1(kind: str, number: int, place: Place) -> None:
    """Raises `ClaimError` for a number 0: taken for 1 it would move a claim to another step than its author means."""
    if number == 0:
        message = f"there is no {kind} 0 of this quantity; steps, epochs and batches are counted from 1: add 1 to each"
        raise ClaimError(f"{message} (a row 0 can only hold the parameters, as they begin)", place)


def read_file(path: str | os.PathLike[str], run: Run) -> tuple[Claim, ...]:
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
    return sum(cell.text.lower() in _NO_CLAIM for cell in cells)


def read_table(text: str, source: str, run: Run, first_line: int = 1) -> tuple[Claim, ...]:
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
    found = _tidy(lower, body, run) if "quantity" in lower else _wide(header, body, run)
    return once(found)


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


def _wide(header: Row, body: Sequence[Row], run: Run) -> Iterator[Claim]:
    """One row a step, one column a quantity."""
    lower = [cell.text.lower() for cell in header]
    places = {name: position for position, name in enumerate(lower) if run.is_place(name)}
    of_epochs = any(name in EPOCH_MEANS for name in lower)
    passed_over = {"batches", SIZE, *(name for name in lower if name.endswith("_autograd"))} if of_epochs else set()
    columns = [
        (position, cell)
        for position, cell in enumerate(header)
        if cell.text and position not in places.values() and lower[position] not in passed_over
    ]
    texts = {cell.text for cell in header}
    own = {position: run.names.column(cell.text, texts) for position, cell in columns}
    for position, cell in columns:
        if own[position] is None:
            run.names.check(cell.text, cell.place)
    counting = _counting(
        places, {position: _of_a_step(own[position], cell, run) for position, cell in columns}, body, run
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
            yield Claim(cell_of, literal, row[position].place, counting.told)


def _of_a_step(own: tuple[Quantity, tuple[int, ...]] | None, column: Written, run: Run) -> Quantity | None:
    """The quantity of a column; None where it is one of [predict] alone."""
    try:
        return (own or run.names.find(column.text, column.place))[0]
    except ClaimError:
        return None


def _counting(
    places: dict[str, int], columns: Mapping[int, Quantity | None], body: Sequence[Row], run: Run
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
        match = _PREDICTION.fullmatch(row[position].text)
        if match is not None:
            return str(match[1])
    return None


def _cell(
    quantity: Quantity,
    entry: tuple[int, ...],
    places: dict[str, int],
    row: Row,
    number: int,
    run: Run,
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
        name: (_count(row[position]) + (name in counting.from_0), row[position].place)
        for name, position in places.items()
    }
    numbers = {kind: next((given[name] for name in kinds if name in given), None) for kind, kinds in _KINDS.items()}
    place = next((place for found in numbers.values() if found for place in (found[1],)), row[0].place)
    return cell_at(quantity, entry, {kind: found[0] for kind, found in numbers.items() if found}, number, run, place)


_KINDS = {"step": _STEP, "epoch": _EPOCH, "batch": _BATCH}


def cell_at(
    quantity: Quantity, entry: tuple[int, ...], given: dict[str, int], row: int, run: Run, place: Place
) -> Cell:
    """The cell of a quantity at a step, or at a batch of an epoch. A parameter at step 0 is what it begins with."""
    step, epoch, batch = given.get("step"), given.get("epoch"), given.get("batch")
    if quantity.group == "epoch":
        if epoch is None:
            raise ClaimError(f"{quantity.label} is of an epoch; say which one in a column epoch", place)
        return Cell(run.end_of_epoch(epoch, place), quantity)
    single = epoch is not None and batch is None and run.per_epoch == 1
    if quantity.group == "after" and (step == 0 or (step is None and single and epoch == 0)):
        begun = Quantity("before", quantity.name, f"{quantity.name}_before")
        return _checked(1, begun, entry, run, place)
    if step is not None:
        number = run.step(step, place)
        _check_epoch_of(number, epoch, batch, run, place)
    elif epoch is not None or batch is not None:
        number = run.at(epoch, batch, place)
    else:
        number = run.step(row, place)
    return _checked(number, quantity, entry, run, place)


def _check_epoch_of(step: int, epoch: int | None, batch: int | None, run: Run, place: Place) -> None:
    """Raises `ClaimError` where a step is said to be of an epoch that it is not in, or to be another batch."""
    if epoch is None:
        return
    if batch is not None:
        if run.at(epoch, batch, place) != step:
            raise ClaimError(f"step {step} is not epoch {epoch}, batch {batch}", place)
        return
    within = run.batches[step - 1].epoch
    if within != epoch:
        message = f"step {step} of the run is in epoch {within}, not {epoch}"
        raise ClaimError(f"{message}; what counts within the epoch is called batch", place)


def predicted_cell(quantity: Quantity, entry: tuple[int, ...], row: str, run: Run, place: Place) -> Cell:
    """The cell of a line at a row of [predict], which may be left out where there is one row."""
    rank = len(run.names.shapes[quantity])
    full = entry
    if rank and len(entry) == rank - 1 and (row or run.names.rows == 1):
        full = (int(row or 0), *entry)
    if len(full) != rank or (rank and not full[0] < run.names.rows):
        message = f"{quantity.label} of [predict] has {run.names.rows} row(s), counted from 0"
        raise ClaimError(f"{message}; name one, such as predict 0", place)
    return Cell(len(run.batches), quantity, full, full)


def _checked(step: int, quantity: Quantity, entry: tuple[int, ...], run: Run, place: Place) -> Cell:
    """The cell, where the quantity has that entry. Raises `ClaimError`."""
    shape = run.names.shapes[quantity]
    if quantity.group == "clipped" and not run.batches[step - 1].updates:
        message = f"no update follows step {step}, so there is no {quantity.label}: gradients are clipped before one"
        raise ClaimError(message, place)
    if quantity.group == "setting" and shape and not entry:
        entry = (0,)  # as in an exported table: of the groups of parameters, the first
    if len(entry) != len(shape):
        have = " × ".join("the samples" if size == SIZE else str(size) for size in shape)
        example = ",".join("0" for _ in shape)
        expected = (
            f"runs over {have}; name one entry, such as {quantity.label}[{example}]" if shape else "is one number"
        )
        raise ClaimError(f"{quantity.label} {expected}", place)
    for number, size in zip(entry, shape, strict=True):
        rows = run.batches[step - 1].indices
        if size == SIZE and number not in rows:
            held = ", ".join(map(str, rows[:12])) + (", …" if len(rows) > 12 else "")
            raise ClaimError(
                f"the batch of step {step} does not hold the row {number} of the data; it holds {held}", place
            )
        if isinstance(size, int) and number >= size:
            raise ClaimError(f"{quantity.label} has no entry {number}; it has {size}, counted from 0", place)
    rows = run.batches[step - 1].indices
    position = (rows.index(number) if size == SIZE else number for number, size in zip(entry, shape, strict=True))
    return Cell(step, quantity, entry, tuple(position))


def _count(cell: Written) -> int:
    try:
        number = read_literal(cell.text).value
    except NumeralError:
        number = None
    if number is None or number.denominator != 1:
        raise ClaimError(f"{shorten(cell.text)} is not a number of a step; expected 1, 2, 3, …", cell.place)
    return int(number)


def _tidy(header: list[str], body: Sequence[Row], run: Run) -> Iterator[Claim]:
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
                _count(Written(part, row[position["index"]].place)) for part in _parts(row[position["index"]])
            )
        if literal is not None:
            yield Claim(_cell(quantity, entry, places, row, number, run, prediction), literal, row[value].place)


def _parts(cell: Written) -> list[str]:
    return re.split(r"[,\s]+", cell.text.strip("[]() "))


def read_sentence(text: str, run: Run) -> Claim:
    """One claim: `step 2: dl/db = -33.39`, `epoch 1, batch 2: w = 1.63`, `predict: pred = 98.6`.

    Raises `ClaimError`.
    """
    place = Place("--claim", None, 1, text)
    left, equals, right = text.rpartition("=")
    where, colon, name = left.rpartition(":") if ":" in left else ("", "", left)
    if not equals or not name.strip():
        raise ClaimError(f"{shorten(text, 60)} is no claim; expected one such as 'step 2: dl/db = -33.39'", place)
    literal = run.literal(Written(right.strip(), Place("--claim", None, len(left) + 2, text)))
    if literal is None:
        raise ClaimError("no number after the '='; expected one such as 'step 2: dl/db = -33.39'", place)
    at = Place("--claim", None, len(where) + len(colon) + 1 + len(name) - len(name.lstrip()), text)
    prediction = _PREDICTION.fullmatch(where.strip())
    quantity, entry = run.names.find(name.strip(), at, predicted=prediction is not None)
    if prediction is not None:
        return Claim(predicted_cell(quantity, entry, prediction[1], run, at), literal, place)
    given = {_kind(word): int(number) for word, number in _WHERE.findall(where)}
    if _WHERE.sub("", where).strip(" ,()") or (not given and len(run.batches) > 1):
        raise ClaimError("say first which step it is about, such as 'step 2: dl/db = -33.39'", place)
    return Claim(cell_at(quantity, entry, given, 1, run, place), literal, place)


def _kind(word: str) -> str:
    return next(kind for kind, words in _KINDS.items() if word.lower() in words)


def once(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Each number once, with the more digits of those claimed; raises `ClaimError` where two claims contradict."""
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
