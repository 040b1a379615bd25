"""Which samples stand in which batch: the order that both sides share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from verify.settings import Settings


@dataclass(frozen=True)
class Batch:
    """One mini-batch. `step` counts over the whole run, `batch` within its `epoch`, all from 1.

    `indices` are the rows of the data, counted from 0 as in PyTorch and pandas; none without data.
    """

    step: int
    epoch: int
    batch: int
    indices: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        """The number of samples; 1 without data."""
        return len(self.indices) or 1

    def __str__(self) -> str:
        return f"step {self.step} (epoch {self.epoch}, batch {self.batch})"


def plan(settings: Settings, orders: Iterable[Sequence[int]] | None = None) -> Iterator[Batch]:
    """The batches of the run, in order.

    `orders` gives the order of the rows in each epoch, and the run ends with them; the rows stand
    as in the data when it is None.
    """
    drawn = iter(orders) if orders is not None else None
    step, epoch = 0, 0
    while step < settings.steps:
        epoch += 1
        order = tuple(range(settings.samples) if drawn is None else next(drawn, ()))
        if drawn is not None and not order:
            return  # PyTorch's run ended early
        for number in range(settings.batches_per_epoch):
            if step == settings.steps:
                return
            step += 1
            first = number * settings.batch_size
            yield Batch(step, epoch, number + 1, order[first : first + settings.batch_size])
