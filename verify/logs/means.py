"""Means and sums of losses: the steps that each is made of, how they count, and what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from flint import fmpq

from derive.run.batches import Batch, epoch_of
from derive.run.run import Run
from verify.claims.claim import SUMS, Cell, Quantity
from verify.logs.meaning import Averaged, RunningSums, averaged
from verify.numbers import FORMATS, Exactly, from_fraction, to_float


@dataclass
class Losses:
    """The losses of a run so far, and what is reported, by step and line; and the sums of those of the steps so far."""

    sums: RunningSums
    known: dict[tuple[int, str], Exactly] = field(default_factory=dict)


def losses_of(run: Run) -> Losses:
    """No losses yet."""
    return Losses(RunningSums(run.batches, run.watched.graph.averages, _added, from_fraction))


def _added(total: Exactly | None, number: Exactly, times: int) -> Exactly:
    return number * times if total is None else total + number * times


def asked_steps(run: Run, cells: Iterable[Cell]) -> set[int]:
    """The steps of which numbers are asked for, and all that a mean is made of."""
    longest: dict[int, int] = {}  # many means of a log begin with the same step
    for cell in cells:
        first = next(needed(run, cell))
        longest[first] = max(longest.get(first, 0), cell.step)
    return {step for first, last in longest.items() for step in range(first, last + 1)}


def needed(run: Run, cell: Cell) -> Iterator[int]:
    """The steps from which a cell is calculated."""
    if cell.quantity.group == "epoch":
        yield from (batch.step for batch in epoch_of(run.batches, cell.step))
    elif isinstance(cell.quantity, Averaged):
        yield from range(cell.quantity.first, cell.step + 1)
    else:
        yield cell.step


def epoch_mean(run: Run, cell: Cell, losses: Mapping[tuple[int, str], Exactly]) -> Exactly:
    """A line's mean or sum in the epoch that ends with the cell's step, by `weights_of`; `losses` by step and line."""
    batches = epoch_of(run.batches, cell.step)
    weights, divisor = weights_of(run, cell.quantity.name, batches)
    total: Exactly = from_fraction(Fraction(0))
    for batch, weight in zip(batches, weights, strict=True):
        total = total + losses[batch.step, line_of(run, cell.quantity)] * from_fraction(Fraction(weight))
    return total / from_fraction(Fraction(divisor))


def line_of(run: Run, quantity: Quantity) -> str:
    """The line of which a quantity of an epoch is the mean or the sum."""
    return quantity.name.partition("/")[2] or run.loss


def logged_mean(run: Run, cell: Cell, losses: Losses) -> Exactly:
    """The mean of losses that a row of a log holds."""
    quantity = cell.quantity
    assert isinstance(quantity, Averaged)
    so_far = losses.sums.of(quantity, cell.step, lambda step: losses.known[step, run.loss])
    if so_far is not None:
        total: Exactly = so_far[0]
        return total / fmpq(so_far[1])
    own = [losses.known[number, run.loss] for number in needed(run, cell)]
    largest = FORMATS[run.settings.dtype].largest
    over = {place for place, loss in enumerate(own) if not abs(to_float(loss)) <= largest}
    batches = [run.batches[number - 1] for number in needed(run, cell)]
    found: Exactly = averaged(quantity, batches, own, from_fraction, run.watched.graph.averages, over)
    return found


def weights_of(run: Run, name: str, batches: Sequence[Batch]) -> tuple[list[int], int]:
    """The weight of each batch in the mean or sum `name`, such as "mean_of_batches", and what is divided by.

    Over the samples, a batch counts with its n; a line that is a sum over its samples has that weight already.
    """
    kind, _, line = name.partition("/")
    sizes = [batch.n for batch in batches]
    graph = run.watched.graph
    averages = replace(graph, loss=line).averages if line else graph.averages
    weights = sizes if kind.endswith("over_samples") and averages else [1] * len(batches)
    if kind in SUMS:
        return weights, 1
    return weights, sum(sizes) if kind == "mean_over_samples" else len(batches)
