"""What can be wrong beside the numbers: the data that PyTorch holds, the rows of the batches, and their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

import numpy as np

from derive.graph.node import ROWS
from derive.problem.loading import Problem
from derive.run.batches import Batch, plan
from derive.run.settings import Settings
from verify.bound.bound import PRECISION, Bound
from verify.hand import calculation
from verify.numbers import Floats, Truth, precision
from verify.record import Block, Record, Steps, Values, any_entry

MAX_SEEDS = 1_000  # seeds that are tried for an order that is not the one of the seed
MAX_EPOCHS = 20  # epochs of which the orders are compared then

Drawn = Callable[[int], Iterable[tuple[int, ...]]]  # the orders of the epochs that a seed draws


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


def row_faults(data: Values, steps: Steps) -> Iterator[str]:
    """A sentence for each column of a batch that does not hold the rows that the indices of the batch name."""
    for name, held in data.items():
        found: list[tuple[int, str]] = []
        for block in steps.blocks:
            for place in np.flatnonzero(_other_rows(held, block, name)):
                batch = block.batches[place]
                wrong = f"{_called(name)} does not hold the rows {_list(batch.indices)} of the data"
                found.append((batch.step, f"{batch}: {wrong}"))
        yield from (sentence for _, sentence in sorted(found, key=lambda numbered: numbered[0]))


def _other_rows(held: Floats, block: Block, name: str) -> Truth:
    """For each step of a block, whether a column does not hold the rows of its batch."""
    indices = [batch.indices for batch in block.batches]
    wanted = held[np.array(indices, dtype=np.intp)]
    taken = block.floats("data", name)
    if taken.shape != wanted.shape:
        return np.ones(len(block), dtype=np.bool_)
    return any_entry(taken != wanted)


def _called(name: str) -> str:
    return "the index along the samples" if name == ROWS else name


def batch_faults(
    settings: Settings, taken: Sequence[Batch], expected: Sequence[Batch] | None, drawn: Drawn | None = None
) -> Iterator[str]:
    """A sentence for each batch with other rows, or another zero_grad or update, than `expected`.

    That is, when it is None, what the settings plan. Shuffled, also for each epoch that takes a row twice. The first
    batch in another order is told with the seed, among the first `MAX_SEEDS` of `drawn`, that draws what was taken.
    """
    if expected is None:
        expected = list(plan(settings, orders(taken) if settings.shuffle else None))
    aside = _other_order(taken, expected, drawn) if settings.shuffle else ""
    for found, wanted in zip_longest(taken, expected[: len(taken)]):
        if wanted is None:
            yield f"{found}: a batch too many; expected the run to end after {settings.steps} steps"
        elif (found.epoch, found.batch) != (wanted.epoch, wanted.batch):
            epoch, number = wanted.epoch, wanted.batch
            many = "a batch too many" if found.epoch < epoch else "a batch is missing"
            yield f"{found}: {many}; expected batch {number} of epoch {epoch}"
            break  # all later ones are counted otherwise too
        elif found.indices != wanted.indices:
            yield f"{found}: PyTorch took {_samples(found.indices)}; expected {_list(wanted.indices)}{aside}"
            aside = ""
        elif found != wanted:
            yield f"{found}: PyTorch {_doings(found)}; expected: {_doings(wanted)}"
    for order in orders(taken) if settings.shuffle else ():
        complete = len(order) == settings.samples
        if len(set(order)) != len(order) or (complete and set(order) != set(range(settings.samples))):
            yield f"an epoch does not use each sample once: it took {_list(order)}"


def _other_order(taken: Sequence[Batch], expected: Sequence[Batch], drawn: Drawn | None) -> str:
    """`; these are the orders of seed 99` and the like: what is known of an order that is not the one of the seed."""
    found, wanted = orders(taken), orders(expected[: len(taken)])
    if found == wanted:
        return ""
    if all(order == tuple(range(len(order))) for order in found):
        if found[0] == wanted[0]:  # what the seed draws first happens to be the order of the data
            return "; every epoch takes the same order, that of the data: not shuffled, or drawn once"
        return "; the rows stand as in the data: not shuffled"
    whole = [order for order in found if len(order) == max(map(len, found))]
    if len(whole) > 1 and len({*whole}) == 1 and all(order == whole[0][: len(order)] for order in found):
        return "; every epoch takes the same order: drawn once, or with the seed set again for each epoch"
    if drawn is not None and taken[0].epoch == 1:
        some = found[:MAX_EPOCHS]
        for seed in range(MAX_SEEDS):
            if all(own[: len(order)] == order for own, order in zip(drawn(seed), some, strict=False)):
                return f"; seed {seed} draws {'these orders' if len(some) > 1 else 'this order'}"
    return ""


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


def _samples(indices: tuple[int, ...]) -> str:
    return f"the samples {_list(indices)}" if indices else "no sample"


def _list(indices: tuple[int, ...]) -> str:
    shown = ", ".join(str(index) for index in indices[:12])
    return shown + (", …" if len(indices) > 12 else "")
