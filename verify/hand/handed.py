"""Where PyTorch does not have the update: the numbers by hand, which it takes in place of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.hand.run import Exacts, HandRun
from verify.numbers import to_float
from verify.record import Values


@dataclass(frozen=True)
class Handed:
    """The parameters and the optimizer's state by hand, as float64: with which a run begins, and after each update.

    `clipped` are the gradients after clipping before each update, and `rates` what changes from step to step, such as
    lr, in each step. `steps` is the number of steps that have been calculated by hand.
    """

    start: Values
    updates: tuple[Values, ...]
    steps: int
    clipped: tuple[Values, ...] = ()
    rates: tuple[Values, ...] = ()


def handed(run: HandRun) -> Handed:
    """What PyTorch is given of a run by hand of one step or more."""
    updates = tuple(as_floats(step.after) for step in run.steps if step.batch.updates)
    clipped = tuple(as_floats(step.clipped) for step in run.steps if step.batch.updates)
    rates = tuple(as_floats(step.rates) for step in run.steps)
    return Handed(as_floats(run.steps[0].before), updates, len(run.steps), clipped, rates)


def as_floats(numbers: Exacts) -> Values:
    """The exact numbers, each rounded to the nearest float64."""
    return {
        name: np.array([to_float(number) for number in array.flat]).reshape(array.shape)
        for name, array in numbers.items()
    }
