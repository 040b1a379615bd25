"""The mini-batches as PyTorch's DataLoader gives them. Of the training side: it imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from derive.run.batches import Batch
from derive.run.settings import Settings


def batches_of(data: Mapping[str, Tensor], settings: Settings) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
    """The mini-batches in the order of the DataLoader, each with the tensors of its rows, by column."""
    gathering = _Gathering(settings)
    if not data:
        for step in range(1, settings.steps + 1):
            yield gathering.marked(Batch(step, step, 1), False), {}
        return
    rows = torch.arange(settings.samples)
    loader = _loader(TensorDataset(rows, *data.values()), settings)
    step, epoch = 0, 0
    while True:
        epoch += 1
        for number, (indices, *columns) in enumerate(loader, start=1):
            step += 1
            batch = Batch(step, epoch, number, tuple(indices.tolist()))
            yield gathering.marked(batch, number == len(loader)), dict(zip(data, columns, strict=True))
            if step == settings.steps:
                return


def _loader(dataset: TensorDataset, settings: Settings) -> DataLoader[Any]:
    # a generator of its own even without shuffle: the DataLoader draws from it at the start of each epoch
    generator = torch.Generator().manual_seed(settings.seed)
    whole, collate = _Columns(dataset), _as_they_are
    if settings.batches is not None:
        rows = [list(rows) for rows in settings.batches]
        return DataLoader(whole, batch_sampler=rows, generator=generator, collate_fn=collate)
    return DataLoader(
        whole,
        settings.batch_size,
        shuffle=settings.shuffle,
        drop_last=settings.drop_last,
        generator=generator,
        collate_fn=collate,
    )


class _Columns(Dataset[Any]):
    """The columns of a dataset, of which a batch is gathered at once and not row by row."""

    def __init__(self, dataset: TensorDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, rows: list[int]) -> list[Tensor]:
        """The rows of every column: a DataLoader asks for them so where a dataset offers it."""
        wanted = torch.tensor(rows)
        return [column[wanted] for column in self.dataset.tensors]


def _as_they_are(columns: list[Any]) -> Any:
    """The columns of a batch, which are gathered already."""
    return columns


class _Gathering:
    """When the loop calls zero_grad and optimizer.step(), counted as loops count: batches since the last zero_grad."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.gathered = 0
        self.skipped = 0

    def marked(self, batch: Batch, ends_epoch: bool) -> Batch:
        """The next batch of the run with what is done before and after it; the last group of an epoch may be short."""
        adds = self.gathered > 0
        self.gathered += 1
        if self.settings.accumulate == 1:
            if self.gathered == self.settings.zero_every:
                self.gathered = 0
            return replace(batch, adds=True) if adds else batch
        updates = ends_epoch or self.gathered == self.settings.accumulate
        if updates:
            self.gathered = 0
        else:
            self.skipped += 1
        return replace(batch, adds=adds, updates=updates, skipped=self.skipped)
