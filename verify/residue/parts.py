"""How far a sum, a mean or a norm can be off that is made of other numbers of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from derive.run.batches import epoch_of
from derive.run.run import Run
from verify.claims.claim import Cell, Quantity
from verify.following.right_values import line_of, weights_of
from verify.logs.meaning import KEPT, Averaged, GradientNorm, averaged
from verify.numbers import FORMATS, from_fraction, to_float
from verify.residue.rounded_step import SLACK

FEW_ROUNDINGS = 8  # of the sum and the quotient beside one for each part


def parts_of(run: Run, cell: Cell) -> list[Cell]:
    """The losses of a mean, the numbers of another line, or the gradients of a norm."""
    if cell.quantity.group == "norm":
        return [
            Cell(cell.step, Quantity("gradients", parameter.name, parameter.name), place, place)
            for parameter in run.watched.parameters
            for place in np.ndindex(parameter.shape)
        ]
    if isinstance(cell.quantity, Averaged):
        loss = Quantity("loss", run.loss, "loss")
        return [Cell(number, loss) for number in range(cell.quantity.first, cell.step + 1)]
    line = line_of(run, cell.quantity)
    part = Quantity("loss" if line == run.loss else "nodes", line, line)
    return [Cell(batch.step, part) for batch in epoch_of(run.batches, cell.step)]


def made_of(run: Run, cell: Cell, numbers: Sequence[float]) -> float:
    """A mean, a sum or a norm of the numbers of its parts, as a program has them; without a rounding of its own.

    One that is not finite makes the whole not finite, but where a log filters those.
    """
    if isinstance(cell.quantity, GradientNorm):
        return math.hypot(*numbers) / cell.quantity.divisor
    is_finite = all(map(math.isfinite, numbers))
    own = [Fraction(number) if is_finite else number for number in numbers]
    constant = Fraction if is_finite else float
    if isinstance(cell.quantity, Averaged):
        batches = [run.batches[number - 1] for number in range(cell.quantity.first, cell.step + 1)]
        over = [place for place, number in enumerate(numbers) if not math.isfinite(number)]
        found = averaged(cell.quantity, batches, own, constant, run.watched.graph.averages, over)
    else:
        weights, divisor = weights_of(run, cell.quantity.name, epoch_of(run.batches, cell.step))
        found = sum(weight * number for weight, number in zip(weights, own, strict=True)) / divisor
    return to_float(from_fraction(found)) if isinstance(found, Fraction) else float(found)


def of_parts(run: Run, cell: Cell, found: Mapping[Cell, float], known: Mapping[Cell, float], dtype: str) -> float:
    """How far a mean or a norm can be off; `known` are the sizes of what it is made of."""
    if cell.quantity.group == "epoch":
        return _of_mean(run, cell, found, known, dtype)
    parts = parts_of(run, cell)
    if not all(part in known for part in parts):
        return math.inf
    sizes = [known[part] for part in parts]
    over = [place for place, size in enumerate(sizes) if not size <= FORMATS[dtype].largest]
    is_filtered = isinstance(cell.quantity, Averaged) and cell.quantity.kind == "filtered"
    off = [0 if is_filtered and place in over else found.get(part, math.inf) for place, part in enumerate(parts)]
    if not all(map(math.isfinite, off)):
        return math.inf
    unit = 2.0 ** FORMATS[dtype].unit
    if isinstance(cell.quantity, Averaged):  # the weights are not negative: errors average as losses do
        batches = [run.batches[part.step - 1] for part in parts]
        averages = run.watched.graph.averages
        own, size = (averaged(cell.quantity, batches, each, float, averages, over) for each in (off, sizes))
        if cell.quantity.kind in ("smoothed", "debiased"):
            # each step of it rounds numbers as large as the losses, at most thrice, and 0.98 of what it rounds is kept
            own += 3 * unit * (max(sizes) + max(off)) / float(1 - KEPT)
    else:  # a norm moves by no more than the norm of what its vector moves by
        assert isinstance(cell.quantity, GradientNorm)
        own, size = (math.hypot(*each) / cell.quantity.divisor for each in (off, sizes))
    bound: float = (own + (len(parts) + FEW_ROUNDINGS) * unit * (size + own)) * SLACK
    return bound


def _of_mean(run: Run, mean: Cell, found: Mapping[Cell, float], sizes: Mapping[Cell, float], dtype: str) -> float:
    """How far the mean of an epoch's losses can be off: each loss, and the sum and its quotient, in any order."""
    weights, divisor = weights_of(run, mean.quantity.name, epoch_of(run.batches, mean.step))
    losses = parts_of(run, mean)
    own = sum(weight * found.get(loss, math.inf) for weight, loss in zip(weights, losses, strict=True)) / divisor
    if not math.isfinite(own) or not all(loss in sizes for loss in losses):
        return math.inf
    size = sum(weight * sizes[loss] for weight, loss in zip(weights, losses, strict=True)) / divisor
    return (own + (len(losses) + 2) * 2.0 ** FORMATS[dtype].unit * (size + own)) * SLACK
