"""The orders of the rows that a DataLoader draws with a seed, apart from the run that is verified by them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from derive.run.settings import Settings


def orders(settings: Settings, seed: int | None = None) -> Iterator[tuple[int, ...]]:
    """Yields for each epoch, without end, the rows that its batches take in order, counted from 0.

    A plain DataLoader draws them over the numbers of the rows alone, with `seed`, that of the settings when left out.
    """
    loader: DataLoader[int] = DataLoader(
        range(settings.samples),  # type: ignore[arg-type]
        settings.batch_size,
        shuffle=True,
        drop_last=settings.drop_last,
        generator=torch.Generator().manual_seed(settings.seed if seed is None else seed),
        collate_fn=tuple,
    )
    while True:
        yield tuple(row for batch in loader for row in batch)
