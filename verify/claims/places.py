"""Where in a run the number of a cell is: its step, epoch and batch, its quantity and entry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal as OneOf

from derive.errors import ClaimError, Place, shorten
from derive.graph.node import SIZE
from derive.run.batches import Batches
from derive.source.numerals import NumeralError
from verify.claims.claim import Cell, Quantity
from verify.claims.literal import Literal, read_literal
from verify.claims.names import Names
from verify.tabular.written import COUNTERS, NO_CLAIM, PLACES, Row, Written

OF_EPOCHS = ("before", "after", "setting")  # what is said of a whole epoch: at its beginning, or after its last step
STAGE = "stage"  # the column of an exported table that says what a row is about
STAGES = ("train", "epoch", "predict")  # a step of training, a whole epoch, the rows of [predict]
PREDICTION = re.compile(r"(?:predict|prediction)\s*(\d{0,9})", re.IGNORECASE)


_OF_ALL = re.compile(r"(?P<number>\d{1,9})\s*(?:/|of)\s*(?P<all>\d{1,9})", re.ASCII)


class NoEntryError(ClaimError):
    """A number of something that has several, without an index that says which; `sizes` are those along each axis."""

    sizes: tuple[Sequence[int], ...] = ()


class BeyondError(ClaimError):
    """What a step after the last one of the run would have, and nobody knows of what batch."""


@dataclass(frozen=True)
class Timeline:
    """What the claims are about: the names, the batches of the run, and how many of them an epoch has.

    `units` is how many units of its last digit a number may be off; None for half a unit, as by rounding. `end` gives
    the step with which the run ends, where a condition can end it before its last batch; it may have to be calculated.
    `whole_epochs` says that a row of which nothing but the epoch is said is about the whole of it. `repeats` says that
    every step has the same batch, so that what one after the last would calculate is known. `begun` says that the
    "parameters" of a row, or the whole "state", are those that its step begins with; otherwise its first row tells.
    `of_left` says that the "loss" of a row, with its "lines" or "everything", is calculated of the parameters that its
    step leaves. `row_0` says what a row 0 is: the "start", with what the run begins with, or the "first step";
    otherwise what stands in it tells.
    `steady` says whether a number is the same in every step, so that a claim of it need not name one. `at_end` says
    that the only row of a table, if it names no step, is about the last one.
    """

    names: Names
    batches: Batches
    per_epoch: int
    loss: str
    units: int | None = None
    starts: Mapping[str, Sequence[Fraction]] = field(default_factory=dict)  # the initial values of single numbers
    end: Callable[[], int] | None = None
    whole_epochs: bool = False
    repeats: bool = False
    begun: OneOf["", "parameters", "state"] = ""
    of_left: OneOf["", "loss", "lines", "everything"] = ""
    row_0: OneOf["", "start", "first step"] = ""
    steady: Callable[[Quantity], bool] | None = None
    at_end: bool = False

    @property
    def last(self) -> int:
        """The step with which the run ends."""
        return len(self.batches) if self.end is None else self.end()

    @cached_property
    def is_by_sample(self) -> bool:
        """Whether every step has one sample, so that a line with an entry for each of them is one number."""
        return all(batch.n == 1 for batch in self.batches)

    def shape(self, quantity: Quantity) -> tuple[int | str, ...]:
        """How many entries a quantity has along each axis: along the samples none, where every step has one."""
        shape = self.names.shape(quantity)
        return tuple(size for size in shape if size != SIZE) if self.is_by_sample else shape

    def literal(self, cell: Written) -> Literal | None:
        """The number of a cell, None where it claims nothing. Raises `ClaimError` for a text."""
        if cell.text.strip().lower() in NO_CLAIM:
            return None
        if cell.why:
            raise ClaimError(f"{shorten(cell.text.strip())} {cell.why}", cell.place)
        try:
            return read_literal(cell.text).off_by(self.units)
        except NumeralError as error:
            message = f"{shorten(cell.text.strip())} {error}; expected a number, or an empty cell for no claim"
            raise ClaimError(message, cell.place) from None

    def is_place(self, column: str) -> bool:
        """Whether a column, in lower case, says where in the run the numbers of a row are."""
        if column == STAGE:
            return column not in self.names.taken
        if column in COUNTERS:
            return column not in self.names.taken and self.batches[-1].t == len(self.batches)
        return column in PLACES

    def columns_that_say_where(self, header: Row) -> dict[str, int]:
        """The columns, in lower case, that say where a row is, with their positions.

        A line or a parameter called `epoch` is what it names, except in an exported table. Raises `ClaimError` for
        `Epoch`, which may be either.
        """
        heads = [cell.text for cell in header]
        found: dict[str, int] = {}
        for position, cell in enumerate(header):
            name = cell.text.lower()
            if not self.is_place(name) or not self.names.says_where(cell.text, heads):
                continue
            if cell.text != name and (other := self.names.alike(cell.text)):
                message = (
                    f"{shorten(cell.text)} can be {other}, a line or parameter of the problem, or say which {name}"
                )
                raise ClaimError(
                    f"{message} a row is about; write {other} for the first, and number the rows by "
                    "another word (step, iteration, update) for the second",
                    cell.place,
                )
            found[name] = position
        return found

    def step(self, number: int, place: Place) -> int:
        """A step of the run. Raises `ClaimError` for one that it does not have."""
        _check_counted_from_1("step", number, place)
        if not 1 <= number <= len(self.batches):
            raise ClaimError(f"there is no step {number}; the run has the steps 1 to {len(self.batches)}", place)
        return number

    def at(self, epoch: int | None, batch: int | None, place: Place) -> int:
        """The step of a batch of an epoch, all counted from 1. Raises `ClaimError` where the run lacks it."""
        if batch is None and epoch is not None and self.per_epoch > 1:
            message = (
                f"an epoch has {self.per_epoch} batches; say which one in a column batch, or count in a column step; "
                "of the whole epoch, a loss is called mean loss or sum(loss)"
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
        """The last step of an epoch, where the run ends in it that of the run.

        Raises `ClaimError` for one that the run does not have.
        """
        _check_counted_from_1("epoch", epoch, place)
        found = [epoch * self.per_epoch, len(self.batches)]
        if epoch < 1 or min(found) <= (epoch - 1) * self.per_epoch:
            raise ClaimError(f"there is no epoch {epoch}; the last is epoch {self.batches[-1].epoch}", place)
        return self.last if (epoch - 1) * self.per_epoch < self.last < min(found) else min(found)


def _check_counted_from_1(kind: str, number: int, place: Place) -> None:
    """Raises `ClaimError` for a number 0: taken for 1 it would move a claim to another step than its author means."""
    if number == 0:
        message = f"there is no {kind} 0 of this quantity; steps, epochs and batches are counted from 1: add 1 to each"
        raise ClaimError(f"{message} (a row 0 can only hold the parameters, as they begin)", place)


def cell_at(
    quantity: Quantity, entry: tuple[int, ...], given: dict[str, int], row: int, run: Timeline, place: Place
) -> Cell:
    """The cell of a quantity at the step, or the batch of an epoch, that is `given`; else at the step `row`.

    A parameter at step 0 is what it begins with. Raises `ClaimError` for what the run does not have.
    """
    step, epoch, batch = given.get("step"), given.get("epoch"), given.get("batch")
    if quantity.group == "before":
        quantity = run.names.begun(quantity.name)  # by the name that it has in tables
    if quantity.group == "epoch":
        if epoch is None:
            raise ClaimError(f"{quantity.label} is of an epoch; say which one in a column epoch", place)
        return Cell(run.end_of_epoch(epoch, place), quantity)
    if run.whole_epochs and epoch is not None and (step, batch) == (None, None) and run.per_epoch > 1:
        whole = _of_epoch(quantity, epoch, run, place)
        if isinstance(whole, Cell):
            return whole
        quantity, epoch, step = whole[0], None, whole[1]
    single = epoch is not None and batch is None and run.per_epoch == 1
    if quantity.group == "after" and (step == 0 or (step is None and single and epoch == 0)):
        return _checked(1, run.names.begun(quantity.name), entry, run, place)
    if step is not None:
        number = run.step(step, place)
        _check_epoch_of(number, epoch, batch, run, place)
    elif epoch is not None or batch is not None:
        number = run.at(epoch, batch, place)
    else:
        number = run.step(row, place)
    return _checked(number, quantity, entry, run, place)


def _of_epoch(quantity: Quantity, epoch: int, run: Timeline, place: Place) -> Cell | tuple[Quantity, int]:
    """The number of a whole epoch: a loss is a mean or a sum, a parameter what it is after the last step.

    Given as a cell, or as a quantity with its step. Raises `ClaimError` for what an epoch has several of.
    """
    if quantity.group == "after" and epoch == 0:
        return quantity, 0
    last = run.end_of_epoch(epoch, place)
    first = (epoch - 1) * run.per_epoch + 1
    if quantity.group == "loss":
        return Cell(last, Quantity("epoch", "any", quantity.label))
    if quantity.group not in OF_EPOCHS:
        return quantity, run.at(epoch, None, place)
    return quantity, first if quantity.group == "before" else last


def _check_epoch_of(step: int, epoch: int | None, batch: int | None, run: Timeline, place: Place) -> None:
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


def predicted_cell(quantity: Quantity, entry: tuple[int, ...], row: str, run: Timeline, place: Place) -> Cell:
    """The cell of a line at a row of [predict], empty where there is one row. Raises `ClaimError` for another row."""
    rank = len(run.names.shapes[quantity])
    full = entry
    if rank and len(entry) == rank - 1 and (row or run.names.rows == 1):
        full = (int(row or 0), *entry)
    if len(full) != rank or (rank and not full[0] < run.names.rows):
        message = f"{quantity.label} of [predict] has {run.names.rows} row(s), counted from 0"
        raise ClaimError(f"{message}; name one, such as predict 0", place)
    return Cell(run.last, quantity, full, full)


def _checked(step: int, quantity: Quantity, entry: tuple[int, ...], run: Timeline, place: Place) -> Cell:
    """The cell, where the quantity has that entry. Raises `ClaimError`, `NoEntryError` where none is named."""
    shape = run.names.shape(quantity)
    if not shape and not entry and quantity.group != "clipped":
        return Cell(step, quantity)  # as nearly all are
    if quantity.group == "clipped" and not run.batches[step - 1].updates:
        message = f"no update follows step {step}, so there is no {quantity.label}: gradients are clipped before one"
        raise ClaimError(message, place)
    if quantity.group == "setting" and shape and not entry:
        entry = (0,)  # as in an exported table: of the groups of parameters, the first
    rows = run.batches[step - 1].indices if SIZE in shape else ()
    written, entry = entry, _with_the_row(entry, shape, rows)
    if len(entry) != len(shape):
        expected = f"runs over {_over(shape, step, run)}" if shape else "is one number"
        example = f"; name one entry, such as {quantity.label}[{','.join('0' for _ in shape)}]" if shape else ""
        error = (NoEntryError if shape and not entry else ClaimError)(f"{quantity.label} {expected}{example}", place)
        if isinstance(error, NoEntryError):
            error.sizes = tuple(rows if isinstance(size, str) else range(size) for size in shape)
        raise error
    for number, size in zip(entry, shape, strict=True):
        if size == SIZE and number not in rows:
            held = ", ".join(map(str, rows[:12])) + (", …" if len(rows) > 12 else "")
            raise ClaimError(
                f"the batch of step {step} does not hold the row {number} of the data; it holds {held}", place
            )
        if isinstance(size, int) and number >= size:
            raise ClaimError(f"{quantity.label} has no entry {number}; it has {size}, counted from 0", place)
    position = (rows.index(number) if size == SIZE else number for number, size in zip(entry, shape, strict=True))
    return Cell(step, quantity, entry, tuple(position), None if written == entry else written)


def _with_the_row(entry: tuple[int, ...], shape: Sequence[int | str], rows: Sequence[int]) -> tuple[int, ...]:
    """The entry with the row of the data that it leaves out, where the step has no other: `p` is `p[4]` there."""
    if len(rows) != 1 or len(entry) != len([size for size in shape if size != SIZE]):
        return entry
    others = iter(entry)
    return tuple(rows[0] if size == SIZE else next(others) for size in shape)


def _over(shape: Sequence[int | str], step: int, run: Timeline) -> str:
    """What a quantity runs over, `the samples × 3`; where some steps have one sample and this one more, that too."""
    have = " × ".join("the samples" if size == SIZE else str(size) for size in shape)
    single = next((batch for batch in run.batches if batch.n == 1), None)
    if SIZE not in shape or single is None:
        return have
    return f"{have}, and step {step} has {run.batches[step - 1].n} of them (step {single.step} has one)"


def whole_number(cell: Written) -> int:
    """The number of a step, epoch or batch in a cell. Raises `ClaimError`."""
    if len(cell.text) <= 9 and cell.text.isascii() and cell.text.isdecimal() and not cell.why:
        return int(cell.text)  # as nearly all are: a long table has one in each of its cells
    counted = _OF_ALL.fullmatch(cell.text)  # 1/5
    if counted is not None and int(counted["number"]) <= int(counted["all"]):
        return int(counted["number"])
    try:
        number = None if cell.why else read_literal(cell.text).value
    except NumeralError:
        number = None
    if number is None or number.denominator != 1:
        raise ClaimError(f"{shorten(cell.text)} is not a number of a step; expected 1, 2, 3, …", cell.place)
    return int(number)


@dataclass(frozen=True)
class Counting:
    """The columns (`epoch`) that count from 0, and whether the parameters of a row are those its step begins with.

    `with_states` says that so are the states of the optimizer beside them. `of_left` are the groups of what is
    calculated of the parameters that the step of a row leaves, as the next step does. `starts` says that its row 0 is
    the start, before the first step, whose loss is that of the first step.
    """

    from_0: tuple[str, ...] = ()
    begins: bool = False
    with_states: bool = True
    of_left: tuple[str, ...] = ()
    starts: bool = False

    @property
    def told(self) -> str:
        """How the table was read, where it does not count from 1 or its parameters are not those after a step."""
        found = f"the table counts from 0 (in {' and '.join(self.from_0)}): its row 0 is read as the first step"
        if self.of_left:
            read = "losses and derivatives" if "gradients" in self.of_left else "losses"
            of_row_0 = "its row 0 is read as what the run begins with" if self.starts else found if self.from_0 else ""
            own = f"its {read} are read as those of the parameters in their own row, which its step leaves"
            return f"{of_row_0}, and {own}" if of_row_0 else own
        if self.starts:
            return "its row 0 is read as what the run begins with, and its loss as that of the first step"
        begun = "its parameters as those a step begins with" if self.begins else ""
        if not self.from_0:
            return "its parameters are read as those a step begins with" if begun else ""
        return f"{found}, and {begun}" if begun else found

    def of(self, quantity: Quantity) -> Quantity:
        """The quantity that a column is about: a parameter before its step, where the table has those."""
        if self.begins and quantity.group == "after" and (self.with_states or "." not in quantity.name):
            return Quantity("before", quantity.name, f"{quantity.name}_before")
        return quantity


FROM_1 = Counting()


NOT_COUNTED = ("after", "before", "setting")  # what a row 0 may hold where a table counts from 1: the beginning
