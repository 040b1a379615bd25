"""How far a sum, a mean or a norm can be off that is made of other numbers of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import fmpq

from derive.run.batches import epoch_of
from derive.run.run import Run
from verify.claims.claim import Cell, Quantity
from verify.logs.meaning import FORGETTING, KEPT, Averaged, GradientNorm, RunningSums, averaged
from verify.logs.means import asked_steps, line_of, losses_of, weights_of
from verify.numbers import FORMATS, Exactly, exact_float, from_fraction, is_finite, to_float
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
        return [Cell(number, _loss(run)) for number in range(cell.quantity.first, cell.step + 1)]
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


def parts_of_all(run: Run, means: Sequence[Cell]) -> set[Cell]:
    """What means, sums and norms are made of together; the means of a long log share most of their losses."""
    of_losses = [mean for mean in means if isinstance(mean.quantity, Averaged)]
    found = {Cell(step, _loss(run)) for step in asked_steps(run, of_losses)}
    return found | {part for mean in means if not isinstance(mean.quantity, Averaged) for part in parts_of(run, mean)}


@dataclass
class OfParts:
    """How far means, sums and norms can be off in `dtype`, by how far what they are made of can be: `found`.

    `known` are the sizes of what they are made of.
    """

    run: Run
    found: Mapping[Cell, float]
    known: Mapping[Cell, float]
    dtype: str

    def __post_init__(self) -> None:
        batches, averages = self.run.batches, self.run.watched.graph.averages
        self.off, self.sizes = (RunningSums(batches, averages, _added, float) for _ in range(2))
        self.most = RunningSums(batches, False, _larger)

    def of(self, cell: Cell) -> float:
        """The bound of one of them; infinite where there is none."""
        if cell.quantity.group == "epoch":
            return _of_mean(self.run, cell, self.found, self.known, self.dtype)
        so_far = self._so_far(cell)
        return of_parts(self.run, cell, self.found, self.known, self.dtype) if so_far is None else so_far

    def _so_far(self, cell: Cell) -> float | None:
        """That of a mean of all losses so far; None of all others."""
        if not isinstance(cell.quantity, Averaged):
            return None
        off = self.off.of(cell.quantity, cell.step, self._off)
        size = self.sizes.of(cell.quantity, cell.step, self._size)
        if off is None or size is None:
            return None
        own, mean = off[0] / off[1], size[0] / size[1]
        if cell.quantity.kind in FORGETTING:
            most = self.most.of(replace(cell.quantity, kind="batches"), cell.step, self._size_and_off)
            assert most is not None  # it has one for every kind but these
            own += _of_forgetting(most[0], self.dtype)
        bound = _with_roundings(own, mean, cell.step - cell.quantity.first + 1, self.dtype)
        return bound if math.isfinite(bound) else math.inf

    def _off(self, step: int) -> float:
        return self.found.get(Cell(step, _loss(self.run)), math.inf)

    def _size(self, step: int) -> float:
        return self.known.get(Cell(step, _loss(self.run)), math.inf)

    def _size_and_off(self, step: int) -> float:
        return self._size(step) + self._off(step)


def _loss(run: Run) -> Quantity:
    return Quantity("loss", run.loss, "loss")


def _added(total: float | None, number: float, times: int) -> float:
    return number * times if total is None else total + number * times


def _larger(most: float | None, number: float, times: int) -> float:  # noqa: ARG001 - as a sum has it
    return number if most is None else max(most, number)


def _of_forgetting(most: float, dtype: str) -> float:
    """How far the roundings of an average that forgets go: each step makes three at most, of numbers up to `most`.

    Of what a step rounds, the share `KEPT` is left after each later one.
    """
    return 3 * 2.0 ** FORMATS[dtype].unit * most / float(1 - KEPT)


def _with_roundings(own: float, size: float, count: int, dtype: str) -> float:
    """How far a mean of so many parts can be off, that are off by `own` on average, with its own roundings."""
    return (own + (count + FEW_ROUNDINGS) * 2.0 ** FORMATS[dtype].unit * (size + own)) * SLACK


@dataclass
class MadeByProgram:
    """Means, sums and norms as a program has them, by the number that it has of each part: `number`."""

    run: Run
    number: Callable[[Cell], float]

    def __post_init__(self) -> None:
        self.sums = losses_of(self.run).sums

    def of(self, cell: Cell) -> float:
        """One of them; a mean of all losses so far by the one before it, where they are finite."""
        if isinstance(cell.quantity, Averaged):
            so_far = self.sums.of(cell.quantity, cell.step, self._exactly)
            if so_far is not None and is_finite(so_far[0]):
                return to_float(so_far[0] / fmpq(so_far[1]))
        return made_of(self.run, cell, [self.number(part) for part in parts_of(self.run, cell)])

    def _exactly(self, step: int) -> Exactly:
        return exact_float(self.number(Cell(step, _loss(self.run))))


def of_parts(run: Run, cell: Cell, found: Mapping[Cell, float], known: Mapping[Cell, float], dtype: str) -> float:
    """How far an average of losses or a norm can be off, by all its parts."""
    parts = parts_of(run, cell)
    if not all(part in known for part in parts):
        return math.inf
    sizes = [known[part] for part in parts]
    over = [place for place, size in enumerate(sizes) if not size <= FORMATS[dtype].largest]
    is_filtered = isinstance(cell.quantity, Averaged) and cell.quantity.kind == "filtered"
    off = [0 if is_filtered and place in over else found.get(part, math.inf) for place, part in enumerate(parts)]
    if not all(map(math.isfinite, off)):
        return math.inf
    if isinstance(cell.quantity, Averaged):  # the weights are not negative: errors average as losses do
        batches = [run.batches[part.step - 1] for part in parts]
        averages = run.watched.graph.averages
        own, size = (averaged(cell.quantity, batches, each, float, averages, over) for each in (off, sizes))
    else:  # a norm moves by no more than the norm of what its vector moves by
        assert isinstance(cell.quantity, GradientNorm)
        own, size = (math.hypot(*each) / cell.quantity.divisor for each in (off, sizes))
    return _with_roundings(own, size, len(parts), dtype)


def _of_mean(run: Run, mean: Cell, found: Mapping[Cell, float], sizes: Mapping[Cell, float], dtype: str) -> float:
    """How far the mean of an epoch's losses can be off: each loss, and the sum and its quotient, in any order."""
    weights, divisor = weights_of(run, mean.quantity.name, epoch_of(run.batches, mean.step))
    losses = parts_of(run, mean)
    own = sum(weight * found.get(loss, math.inf) for weight, loss in zip(weights, losses, strict=True)) / divisor
    if not math.isfinite(own) or not all(loss in sizes for loss in losses):
        return math.inf
    size = sum(weight * sizes[loss] for weight, loss in zip(weights, losses, strict=True)) / divisor
    return (own + (len(losses) + 2) * 2.0 ** FORMATS[dtype].unit * (size + own)) * SLACK
