"""Which steps of a run the rows of a log are about, by the way in which its writer counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.errors import ClaimError, Place
from derive.source.numerals import NumeralError
from verify.claims.literal import Literal, read_literal
from verify.claims.places import Timeline, whole_number
from verify.logs.writers import Writer
from verify.tabular.written import KINDS, Row, Written

_TWO_DECIMALS = Fraction(1, 200)  # half a unit of the second


@dataclass(frozen=True)
class Span:
    """The steps of the run, from `first` to `last`, that the step `number` of a log consists of: mostly one."""

    first: int
    last: int
    number: int


@dataclass(frozen=True)
class Steps:
    """The steps of a run as a writer counts them: each batch, each update of several batches, or each epoch."""

    run: Timeline
    unit: str

    def __len__(self) -> int:
        last = self.run.batches[-1]
        return {"update": last.update, "epoch": last.epoch}.get(self.unit, len(self.run.batches))

    @property
    def per_epoch(self) -> int:
        """How many there are in an epoch."""
        if self.unit == "epoch":
            return 1
        if not self._is_grouped:
            return self.run.per_epoch
        last = self.run.batches[min(self.run.per_epoch, len(self.run.batches)) - 1]
        return last.update

    @property
    def _is_grouped(self) -> bool:
        return self.unit == "update" and self.run.batches[-1].t != len(self.run.batches)

    def span(self, number: int, place: Place, begin: int = 1) -> Span:
        """The steps of the run that one is, counted from `begin`. Raises `ClaimError` where the run has no such one."""
        _check(self.unit, number, begin, len(self), place)
        number += 1 - begin
        if self.unit == "epoch":
            last = self.run.end_of_epoch(number, place)
            return Span((number - 1) * self.run.per_epoch + 1, last, number)
        if not self._is_grouped:
            return Span(number, number, number)
        own = [batch.step for batch in self.run.batches if batch.update == number]
        return Span(own[0], own[-1], number)

    def done(self, number: int) -> Fraction:
        """How many epochs are done after a step: a window of batches that is cut short at their end counts less."""
        whole, rest = divmod(number, self.per_epoch)
        if not rest or not self._is_grouped:
            return Fraction(number, self.per_epoch)
        return whole + Fraction(self.span(rest, Place("")).last, self.run.per_epoch)

    def begin_of_epoch(self, step: int) -> int:
        """The first step of the epoch of a step of the run."""
        return step - self.run.batches[step - 1].batch + 1


def spans(
    header: Row, body: Sequence[Row], counted: Sequence[bool], run: Timeline, writer: Writer, begins: Mapping[str, int]
) -> tuple[list[Span], str]:
    """The steps of each row, and what is to be told of how they were found.

    `counted` says which rows are of steps and not of a whole run; `begins` from which number each kind of column
    counts. Raises `ClaimError` where a row's step cannot be known, or the run does not have it.
    """
    steps = Steps(run, writer.unit)
    columns = places(header)
    if "step" in columns:
        cells = [row[columns["step"]] for row in body]
        return [steps.span(whole_number(cell), cell.place, begins["step"]) for cell in cells], ""
    if "epoch" in columns and "batch" in columns:
        return [_of_batch(row, columns, run, begins) for row in body], ""
    if "epoch" in columns:
        cells = [row[columns["epoch"]] for row in body]
        if writer.rows == "step":
            return _by_fractions(cells, counted, steps)
        return [_end_of(run, whole_number(cell), cell.place, begins["epoch"]) for cell in cells], ""
    if writer.rows == "epoch":
        return [_end_of(run, number, row[0].place) for number, row in enumerate(body, start=1)], "each row an epoch"
    return [steps.span(number, row[0].place) for number, row in enumerate(body, start=1)], ""


def places(header: Row) -> dict[str, int]:
    """The columns that say where a row is, by their kind: step, epoch, batch."""
    found: dict[str, int] = {}
    for position, cell in enumerate(header):
        kind = next((kind for kind, words in KINDS.items() if cell.text.casefold() in words), None)
        if kind is not None:
            found.setdefault(kind, position)
    return found


def _check(what: str, number: int, begin: int, count: int, place: Place) -> None:
    """Raises `ClaimError` for a number that the run does not have."""
    if not begin <= number < begin + count:
        message = f"there is no {what} {number}; the run has those from {begin} to {begin + count - 1}"
        raise ClaimError(f"{message}, as this log counts", place)


def _end_of(run: Timeline, epoch: int, place: Place, begin: int = 1) -> Span:
    _check("epoch", epoch, begin, run.batches[-1].epoch, place)
    last = run.end_of_epoch(epoch + 1 - begin, place)
    return Span(last, last, last)


def _of_batch(row: Row, columns: Mapping[str, int], run: Timeline, begins: Mapping[str, int]) -> Span:
    epoch = whole_number(row[columns["epoch"]]) - begins["epoch"] + 1
    batch = whole_number(row[columns["batch"]]) - begins.get("batch", 1) + 1
    step = run.at(epoch, batch, row[columns["batch"]].place)
    return Span(step, step, step)


def _by_fractions(cells: Sequence[Written], counted: Sequence[bool], steps: Steps) -> tuple[list[Span], str]:
    """The steps of rows that say only how many epochs are done, such as 0.33, in few digits.

    Each can leave several steps open; the rows of a log come after equally many.
    """
    epochs = [_literal(cell) for cell in cells]
    every = [at for at, is_counted in enumerate(counted) if is_counted]
    fitting = [
        s
        for s in range(1, len(steps) // max(len(every), 1) + 1)
        if all(_is_near(epochs[at], s * k, steps) for k, at in enumerate(every, start=1))
    ]
    numbers: list[int] = []
    for at, (cell, epoch) in enumerate(zip(cells, epochs, strict=True)):
        near = _near(epoch, steps)
        if at in every and len(fitting) == 1:
            numbers.append(fitting[0] * (every.index(at) + 1))
        elif len(near) == 1:
            numbers.append(near[0])
        else:
            could = f"the steps {near[0]} to {near[-1]}" if near else "no step of this run"
            raise ClaimError(f"epoch {cell.text} can be {could}; number the rows in a column step", cell.place)
    told = f"a row after every {fitting[0]} steps" if len(fitting) == 1 and fitting[0] > 1 else ""
    return [steps.span(number, cell.place) for number, cell in zip(numbers, cells, strict=True)], told


def _literal(cell: Written) -> Literal:
    """How many epochs are done, to two decimals at least: zeros at their end are not printed."""
    try:
        found = read_literal(cell.text)
        return found if found.slack <= _TWO_DECIMALS else replace(found, unit=_TWO_DECIMALS, units=Fraction(1))
    except NumeralError as error:
        raise ClaimError(
            f"{cell.text!r} {error}; expected how many epochs are done, such as 0.33", cell.place
        ) from None


def _near(epoch: Literal, steps: Steps) -> list[int]:
    """The steps at which so many epochs are done, as it is printed."""
    low, high = epoch.low * steps.per_epoch, epoch.high * steps.per_epoch
    first, last = max(1, -(-low.numerator // low.denominator) - 1), high.numerator // high.denominator + 1
    return [number for number in range(first, min(len(steps), last) + 1) if _is_near(epoch, number, steps)]


def _is_near(epoch: Literal, number: int, steps: Steps) -> bool:
    """Whether so many epochs are done after a step: by the batches that it and those before it consist of."""
    return number <= len(steps) and epoch.low <= steps.done(number) <= epoch.high
