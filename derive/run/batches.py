"""Which samples stand in which batch: the order that both sides share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from derive.run.settings import Settings


@dataclass(frozen=True)
class Batch:
    """One mini-batch. `step` counts over the whole run, `batch` within its `epoch`, all from 1.

    `indices` are the rows of the data, counted from 0 as in PyTorch and pandas; none without data.
    `adds` says that its gradient is added to the one that is there, which is not set to zero before; `updates`
    that the parameters are updated after it; `skipped` counts the steps up to it without an update.
    """

    step: int
    epoch: int
    batch: int
    indices: tuple[int, ...] = ()
    adds: bool = False
    updates: bool = True
    skipped: int = 0

    @property
    def n(self) -> int:
        """The number of samples; 1 without data."""
        return len(self.indices) or 1

    @property
    def t(self) -> int:
        """The number of updates up to the one after this batch."""
        return self.step - self.skipped

    @property
    def update(self) -> int:
        """The number, from 1, of the update that this batch's gradient is part of."""
        return self.t if self.updates else self.t + 1

    @property
    def made(self) -> int:
        """The number of the last update that is made by the end of this batch; 1 before there is one."""
        return max(self.t, 1)

    def __str__(self) -> str:
        return f"step {self.step} (epoch {self.epoch}, batch {self.batch})"


def plan(settings: Settings, orders: Iterable[Sequence[int]] | None = None) -> Iterator[Batch]:
    """Yields the batches of the run, in order.

    `orders` gives the order of the rows in each epoch, and the run ends with them; the rows stand
    as in the data when it is None.
    """
    drawn = iter(orders) if orders is not None else None
    step, epoch, skipped = 0, 0, 0
    while step < settings.steps:
        epoch += 1
        order = tuple(range(settings.samples) if drawn is None else next(drawn, ()))
        if drawn is not None and not order:
            return  # PyTorch's run ended early
        for number in range(settings.batches_per_epoch):
            if step == settings.steps:
                return
            step += 1
            adds, updates = _adds(settings, step, number + 1), _updates(settings, step, number + 1)
            skipped += not updates
            yield Batch(step, epoch, number + 1, _rows(settings, order, number), adds, updates, skipped)


@dataclass(frozen=True)
class Plan:
    """The batches of a run without shuffling or `accumulate`, each made when asked for: a run may have millions."""

    settings: Settings

    def __len__(self) -> int:
        return self.settings.steps

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step, counted from 0."""
        step = step % len(self)
        epoch, batch = divmod(step, self.settings.batches_per_epoch)
        rows = _rows(self.settings, range(self.settings.samples), batch)
        return Batch(step + 1, epoch + 1, batch + 1, rows, _adds(self.settings, step + 1, batch + 1))

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))


Batches = Plan | tuple[Batch, ...]


def planned(settings: Settings) -> Batches:
    """The batches of a run without shuffling, in order."""
    return Plan(settings) if settings.accumulate == 1 else tuple(plan(settings))


def epoch_of(batches: Batches, step: int) -> tuple[Batch, ...]:
    """Returns the batches of the epoch of `step`, which counts from 1, up to that step."""
    last = batches[step - 1]
    return tuple(batches[number] for number in range(step - last.batch, step))


def _rows(settings: Settings, order: Sequence[int], number: int) -> tuple[int, ...]:
    """The rows of the batch `number` of an epoch, counted from 0."""
    if settings.batches is not None:
        return settings.batches[number]
    return tuple(order[number * settings.batch_size : (number + 1) * settings.batch_size])


def _adds(settings: Settings, step: int, batch: int) -> bool:
    """Whether the gradient is not set to zero before this batch."""
    if settings.accumulate > 1:
        return (_place(settings, step, batch) - 1) % settings.accumulate != 0
    if not settings.zero_every:
        return step > 1
    return (step - 1) % settings.zero_every != 0


def _updates(settings: Settings, step: int, batch: int) -> bool:
    """Whether the parameters are updated after this batch: after every `accumulate`, and at the end of an epoch."""
    ends_epoch = bool(settings.samples) and batch == settings.batches_per_epoch
    return ends_epoch or _place(settings, step, batch) % settings.accumulate == 0


def _place(settings: Settings, step: int, batch: int) -> int:
    """The number of a batch among those that accumulate: within its epoch, or within the run without data."""
    return batch if settings.samples else step
