"""What PyTorch held in each step of what changes (lr, a cycled momentum), from what it held in the step before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from derive.run.settings import Settings
from derive.training.rates import Moment
from verify.compare.check import Numbers
from verify.hand.evaluation import Array, NumberSystem
from verify.hand.rates import RATES_DTYPE, in_torch, moment, of_group, together
from verify.numbers import Exact, Floats, Rounded, precision
from verify.record import Record, StepRecord

PRECISION = 192  # bits inside the balls


def judged(settings: Settings, record: Record, last: StepRecord | None = None) -> dict[int, dict[str, Numbers]]:
    """The numbers of each step, by the number of the step and by their names; `last` is the step before the first."""
    with precision(PRECISION):
        return {step.batch.step: dict(numbers) for step, numbers in _steps(settings, record, last)}


def _steps(
    settings: Settings, record: Record, last: StepRecord | None
) -> Iterator[tuple[StepRecord, dict[str, Numbers]]]:
    rounded, exact = Rounded(RATES_DTYPE), Exact(strict=False)
    before = None if last is None else moment(last.batch, settings)
    held: dict[str, Floats] = {} if last is None else dict(last.rates)
    for step in record.steps:
        at = moment(step.batch, settings)
        sides = partial(_side, settings, before, held, at)
        found = {} if not step.rates else _numbers(step, rounded, sides(rounded), sides(exact))
        yield step, found
        before, held = at, dict(step.rates)


def _numbers(
    step: StepRecord, system: Rounded, rounded: dict[str, Array], exact: dict[str, Array]
) -> dict[str, Numbers]:
    """Each number beside all that correct evaluation can give, and the exact one."""
    return {
        name: Numbers(floats, system.distance(floats, rounded[name], exact[name]))
        for name, floats in step.rates.items()
    }


def _side(
    settings: Settings, before: Moment | None, held: dict[str, Floats], at: Moment, system: NumberSystem
) -> dict[str, Array]:
    """What one number system gives for every group, from what PyTorch held before."""
    many = len(settings.param_groups)
    taken = {name: system.take(np.asarray(values)) for name, values in held.items()}
    groups = [
        in_torch(group.schedule, system, before, of_group(taken, place, many), at)
        for place, group in enumerate(settings.param_groups)
    ]
    return together(groups, settings.varying)
