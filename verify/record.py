"""What PyTorch did, step by step, as plain numbers: all that the comparison ever sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from derive.run.batches import Batch

Values = Mapping[str, NDArray[Any]]  # float64 arrays that hold the dtype's numbers exactly


@dataclass(frozen=True)
class StepRecord:
    """One step: parameters before, loss and gradients after backward, parameters after the update.

    `before` and `after` hold the optimizer's state as well, `w.v` beside `w`.

    `data` are the columns of the batch, as the DataLoader gave them. An array has one dimension for each
    axis of its name. `after` is empty without an update. `nodes` and `adjoints` hold the value of every
    line and the loss's gradient with respect to it; unless they are asked for, `nodes` has only the lines of
    [report] and what is watched. `accumulated` are the gradients that were there before backward and to which
    it added; empty where they were set to zero. `clipped` are the gradients after clipping, empty where nothing is
    clipped, and `rates` what the optimizer held that changes from step to step, such as lr: one number, or one for each
    group of parameters. Where the columns of the batch do not have as many rows as its indices, the step does not
    `fit`: nothing was calculated, its numbers are NaN, and the run ends with it.
    """

    batch: Batch
    before: Values
    loss: NDArray[Any]
    gradients: Values
    after: Values
    nodes: Values
    adjoints: Values
    data: Values
    accumulated: Values = field(default_factory=dict)
    clipped: Values = field(default_factory=dict)
    rates: Values = field(default_factory=dict)
    fits: bool = True

    @property
    def left(self) -> Values:
        """The gradients that .grad holds after the step: the clipped ones where clipping has changed it in place."""
        return {**self.gradients, **self.clipped}

    @property
    def finite(self) -> bool:
        """Whether the loss, the gradients, and the parameters and state after the step are all finite numbers."""
        import numpy as np

        arrays = (self.loss, *self.gradients.values(), *self.after.values())
        return all(bool(np.isfinite(array).all()) for array in arrays)


@dataclass(frozen=True)
class Record:
    """A training run: the data as PyTorch holds them, and its steps.

    It ends early at the first step that is not finite, unless it is told to go on, and where the condition of
    `until` holds.
    """

    dtype: str
    torch_version: str
    data: Values
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True)
class Handed:
    """The parameters and the optimizer's state by hand, as float64: at the `start` of a run, and after each update.

    `clipped` are the clipped gradients from which each update is made, and `rates` the numbers that change from step to
    step, such as lr, in each step. `steps` is the number of steps that have been calculated by hand.
    """

    start: Values
    updates: tuple[Values, ...]
    steps: int
    clipped: tuple[Values, ...] = ()
    rates: tuple[Values, ...] = ()
