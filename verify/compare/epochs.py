"""The loss of an epoch, in the two ways people calculate it from the losses of its batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flint import fmpq

from derive.graph.graph import Graph
from derive.run.batches import Batch
from verify.hand.run import HandRun
from verify.numbers import Exactly, from_float, is_finite, is_moderate, midpoint, to_float
from verify.record import Record, side_by_side


@dataclass(frozen=True)
class Means:
    """`of_batches` counts every batch alike, `over_samples` every sample; NaN where a loss is not known."""

    of_batches: float
    over_samples: float


@dataclass(frozen=True)
class EpochLoss:
    """The losses of the batches of one epoch, each before its own update, as one number: by hand and PyTorch's.

    `n` counts the samples of its `batches`; `alike` says that all of them have the same size.
    """

    epoch: int
    batches: int
    n: int
    alike: bool
    hand: Means
    autograd: Means


def epoch_losses(graph: Graph, hand: HandRun, record: Record) -> tuple[EpochLoss, ...]:
    """The loss of each epoch of a run; of the last one the batches that were taken."""
    by_hand = {step.batch.step: _exact(step.loss.item()) for step in hand.steps}
    epochs: dict[int, list[tuple[Batch, fmpq | float]]] = {}
    steps = side_by_side(record.steps)
    losses = steps.each([block.floats("loss", "") for block in steps.blocks])
    for batch, loss in zip(steps.batches, losses.tolist(), strict=True):
        epochs.setdefault(batch.epoch, []).append((batch, loss))
    averaged = graph.averages
    found = []
    for epoch, taken in epochs.items():
        sizes = [batch.n for batch, _ in taken]
        known = [by_hand.get(batch.step, math.nan) for batch, _ in taken]
        found.append(
            EpochLoss(
                epoch,
                len(taken),
                sum(sizes),
                len(set(sizes)) == 1,
                _means(known, sizes, averaged),
                _means([loss for _, loss in taken], sizes, averaged),
            )
        )
    return tuple(found)


def _exact(number: Exactly) -> fmpq | float:
    """A number by hand as a fraction; the middle of a ball, whose radius is far below what is printed."""
    if not is_finite(number):
        return math.nan
    return midpoint(number) if is_moderate(number) else to_float(number)


def _means(losses: Sequence[fmpq | float], sizes: Sequence[int], averaged: bool) -> Means:
    """Both means, exact before they are rounded; the loss of a batch that is a sum has its samples' weight already."""
    if not all(isinstance(loss, fmpq) or math.isfinite(loss) for loss in losses):
        return Means(math.nan, math.nan)
    exact = [loss if isinstance(loss, fmpq) else from_float(loss) for loss in losses]
    weighted = (loss * size for loss, size in zip(exact, sizes, strict=True)) if averaged else exact
    return Means(_rounded(exact, len(exact)), _rounded(weighted, sum(sizes)))


def _rounded(numbers: Iterable[fmpq], count: int) -> float:
    return to_float(sum(numbers, fmpq(0)) / count)
