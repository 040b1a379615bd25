"""lr as a PyTorch loop changes it: a scheduler of `torch.optim`, or `param_group["lr"]` set before the step.

Of the training side: it imports torch. An expression is calculated with tensors of float64.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive.algebra.expression import Apply, Expr, Number, Ref
from derive.algebra.literals import constant_value
from derive.errors import Place, SettingError
from derive.run.batches import Batch
from derive.run.reads import Held, Reads, rates_by_name
from derive.run.settings import Settings
from derive.training.rates import Formula, Rate
from derive.training.schedulers import Scheduler, Value
from verify.pytorch.module import operation
from verify.record import Values


class Rates:
    """Changes lr and the like in the groups of an optimizer, as the settings say; `place_of` is for messages."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, settings: Settings, place_of: Callable[[str], Place | None]
    ) -> None:
        self.groups = optimizer.param_groups
        self.settings = settings
        shared = len(settings.param_groups) - len(settings.groups)  # 1 where some parameters are in no group
        own = [group.lr is not None for group in settings.groups]
        keys = ["lr"] * shared + [f"groups.{k}.lr" if has else "lr" for k, has in enumerate(own, start=1)]
        self.places = [self._place(key, place_of) for key in keys]
        self.given = [group.schedule.lr for group in settings.param_groups]
        self.scheduler = None if settings.scheduler is None else _built(optimizer, settings.scheduler)
        self.last: Batch | None = None

    def _place(self, key: str, place_of: Callable[[str], Place | None]) -> Place | None:
        """Where an lr stands in the file; None where it is a flag's."""
        flagged = self.settings.origins.get(key.partition(".")[0]) == "flag"
        return None if flagged else place_of(f"training.{key}")

    def begin(self, batch: Batch) -> None:
        """Does what a loop does before the step of `batch`: scheduler.step(), if it is due, or sets lr to `rate_at`."""
        last, self.last = self.last, batch
        if self.settings.scheduler is not None:
            if last is not None and self.ended(last, batch):
                self.step()
        else:
            for group, lr, place in zip(self.groups, self.given, self.places, strict=True):
                group["lr"] = rate_at(lr, batch, place)

    def ended(self, last: Batch, batch: Batch) -> bool:
        """Whether the scheduler steps between two batches: a new epoch begins, or the first of them updates."""
        assert self.settings.scheduler is not None
        return batch.epoch > last.epoch if self.settings.scheduler.every == "epoch" else last.updates

    def step(self) -> None:
        """One scheduler.step()."""
        with warnings.catch_warnings():  # an epoch without an update, where gradients accumulate over epochs
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            if self.scheduler is not None:
                self.scheduler.step()

    def held(self) -> dict[str, NDArray[Any]]:
        """The numbers that change, as the optimizer holds them, by name: one, or one for each of several groups."""
        found = {}
        for name in self.settings.varying:
            values = [group["betas"][0] if name == "beta1" else group[name] for group in self.groups]
            found[name] = np.array(values if len(values) > 1 else values[0], dtype=np.float64)
        return found


def _built(optimizer: torch.optim.Optimizer, scheduler: Scheduler) -> Any:
    """The scheduler of torch.optim.lr_scheduler, with the options that are given."""
    build = getattr(torch.optim.lr_scheduler, scheduler.name)
    return build(optimizer, **{name: plain(value) for name, value in scheduler.given.items()})


def plain(value: Value | tuple[Fraction, ...]) -> float | int | bool | str | tuple[float, ...]:
    """An option as torch.optim takes it."""
    if isinstance(value, tuple):
        return tuple(map(float, value))
    return float(value) if isinstance(value, Fraction) else value


def first_rate(lr: Rate) -> float:
    """The lr that an optimizer is built with; what an expression gives is set before the first step."""
    if isinstance(lr, Formula):
        return 1.0
    return float(lr[0] if isinstance(lr, tuple) else lr)


def rate_at(lr: Rate, batch: Batch, place: Place | None) -> float:
    """The lr of a batch, as a loop calculates it. Raises `SettingError` where an expression gives none."""
    if isinstance(lr, Fraction):
        return float(lr)
    if isinstance(lr, tuple):
        return float(lr[batch.epoch - 1])
    names = {"t": torch.tensor(float(batch.update)), "epoch": torch.tensor(float(batch.epoch))}
    names = {name: value.to(torch.float64) for name, value in names.items()}
    names |= {name: _float64(value) for name, value in lr.constants.items()}
    found = float(_value(lr.expr, names))
    if not math.isfinite(found) or found < 0:
        raise SettingError(f"lr = {lr.text!r} is {found:g} at {batch}; expected a number from 0", place)
    return found


def inside(reads: Reads, step: Held, batch: Batch, rates: Values, dtype: torch.dtype) -> dict[str, Tensor]:
    """What the watched lines read of the update of a step, as tensors; numbers alone are calculated in float64."""
    groups = max((value.size for value in rates.values()), default=1)
    named = {"t": batch.made, **rates_by_name(rates, groups)}
    numbers = {name: torch.tensor(float(value), dtype=torch.float64) for name, value in named.items()}
    found = {name: _value(expr, numbers).to(dtype) for name, expr in reads.numbers.items()}
    return {name: _held(value, dtype) for name, value in reads.values(step).items()} | found


def _held(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """An array of a step as a tensor of the dtype; what is calculated by hand, and is none, in float64."""
    exact = torch.tensor(array, dtype=torch.float64)
    rounded = exact.to(dtype)
    return rounded if torch.equal(rounded.to(torch.float64), exact) else exact


def _float64(value: Fraction) -> Tensor:
    return torch.tensor(value.numerator / value.denominator, dtype=torch.float64)


def _value(expr: Expr, names: Mapping[str, Tensor]) -> Tensor:
    """The value of an expression in numbers alone."""
    match expr:
        case Number(value=value):
            return _float64(value)
        case Ref(name=name):
            return names[name]
        case Apply(op="pow", args=(base, exponent)) if (power := constant_value(exponent)) is not None:
            plain = int(power) if power.denominator == 1 else float(power)
            return torch.pow(_value(base, names), plain)
        case Apply(op=op, args=args):
            return operation(op, tuple(_value(arg, names) for arg in args), torch.float64)
    raise TypeError(type(expr).__name__)
