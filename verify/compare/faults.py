"""What can be wrong beside the numbers: the data that PyTorch holds, the rows of the batches, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from derive.graph.node import ROWS
from derive.problem.loading import Problem
from derive.run.batches import Batch, plan
from derive.run.settings import Settings
from verify.bound.bound import PRECISION, Bound
from verify.hand import calculation
from verify.numbers import precision
from verify.record import Record


def data_faults(problem: Problem, record: Record, bound: Bound) -> Iterator[str]:
    """A sentence for each number of the data that PyTorch holds and that is not the problem's, rounded once."""
    for column in problem.data:
        held = record.data[column.name]
        with precision(PRECISION):
            distance = bound.distance(held, calculation.numbers(column, bound.system), None)
        wrong = ~(np.abs(distance.error) <= distance.bound)
        for place in map(tuple, np.argwhere(wrong)):
            entry = f"{column.name}[{','.join(map(str, place))}]"
            value = float(column.values[int(np.ravel_multi_index(place, column.shape))])
            yield f"{entry} is {value:.9g} in the problem, but PyTorch holds {held[place]:.9g}"


def row_faults(record: Record) -> Iterator[str]:
    """A sentence for each column of a batch that does not hold the rows that the indices of the batch name."""
    for name, held in record.data.items():
        for step in record.steps:
            if not np.array_equal(step.data[name], held[list(step.batch.indices)]):
                yield f"{step.batch}: {_called(name)} does not hold the rows {_list(step.batch.indices)} of the data"


def _called(name: str) -> str:
    return "the index along the samples" if name == ROWS else name


def batch_faults(settings: Settings, record: Record, expected: Sequence[Batch] | None) -> Iterator[str]:
    """A sentence for each batch with other rows, or another zero_grad or update, than `expected`.

    That is, when it is None, what the settings plan. Shuffled, also for each epoch that takes a row twice.
    """
    taken = [step.batch for step in record.steps]
    if expected is None:
        expected = list(plan(settings, orders(taken) if settings.shuffle else None))
    for found, wanted in zip(taken, expected, strict=False):
        if found.indices != wanted.indices:
            yield f"{found}: PyTorch took the samples {_list(found.indices)}; expected {_list(wanted.indices)}"
        elif found != wanted:
            yield f"{found}: PyTorch {_doings(found)}; expected: {_doings(wanted)}"
    for order in orders(taken) if settings.shuffle else ():
        complete = len(order) == settings.samples
        if len(set(order)) != len(order) or (complete and set(order) != set(range(settings.samples))):
            yield f"an epoch does not use each sample once: it took {_list(order)}"


def _doings(batch: Batch) -> str:
    """What is done before and after a batch."""
    before = "adds to the gradient that is there" if batch.adds else "sets the gradient to zero first"
    return f"{before} and {'updates' if batch.updates else 'does not update'} the parameters after it"


def orders(taken: Iterable[Batch]) -> list[tuple[int, ...]]:
    """The rows of each epoch, counted from 0, in the order in which its batches take them."""
    epochs: dict[int, list[int]] = {}
    for batch in taken:
        epochs.setdefault(batch.epoch, []).extend(batch.indices)
    return [tuple(rows) for rows in epochs.values()]


def _list(indices: tuple[int, ...]) -> str:
    shown = ", ".join(str(index) for index in indices[:12])
    return shown + (", …" if len(indices) > 12 else "")
