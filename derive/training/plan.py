"""What training does beside the optimizer's own equations: how lr goes, clipping, groups of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.algebra.expression import names
from derive.source.numerals import write_number
from derive.training import schedulers
from derive.training.clipping import NORM, Clip, clip_of
from derive.training.groups import Group
from derive.training.optimizers import OPTIMIZERS, Assignment, Optimizer, Value
from derive.training.rates import Formula, Rate, Schedule, sets_lr, write_rate
from derive.training.schedulers import read_scheduler, written


@dataclass(frozen=True)
class Plan:
    """The schedule of lr, where it is more than a number; clipping; parameters with options of their own."""

    schedule: Schedule | None = None
    clip: Clip | None = None
    groups: tuple[Group, ...] = ()

    def rule_of(self, parameter: str, optimizer: Optimizer) -> Optimizer:
        """Returns the optimizer with the options of the parameter's group, and with a momentum where it is cycled."""
        own = next((group.options for group in self.groups if parameter in group.parameters), {})
        cycled = self.schedule.cycled if self.schedule else ""
        if cycled == "momentum" and self.schedule and self.schedule.scheduler:
            own = {**own, "momentum": self.schedule.scheduler.numbers["max_momentum"]}
        return replace(optimizer, given={**optimizer.given, **own})

    @property
    def rates(self) -> tuple[Assignment, ...]:
        """The equations of lr, and of the momentum that is cycled with it; none of a list."""
        if self.schedule is None or isinstance(self.schedule.lr, tuple):
            return ()
        return self.schedule.on_paper()

    @property
    def sentences(self) -> Iterator[str]:
        """Sentences that say what the names in the equations of lr are, how gradients are clipped, what groups have."""
        if self.schedule is not None and (told := _of_schedule(self.schedule)):
            yield told
        yield from self._counters()
        if self.clip is not None:
            how = "the norm of all gradients together" if self.clip.by == NORM else "the size of each number"
            yield f"{self.clip.by} = {write_number(self.clip.limit)} bounds {how}, before the update"
        for group in self.groups:
            yield f"For {', '.join(f'`{name}`' for name in group.parameters)}: {self._own(group)}"

    def _own(self, group: Group) -> str:
        """What a group has of its own; its lr is the scheduler's lr_0 where there is one."""
        scheduled = self.schedule is not None and self.schedule.scheduler is not None
        return f"lr_0{group.of_its_own[2:]}" if scheduled and group.lr is not None else group.of_its_own

    def _counters(self) -> Iterator[str]:
        """What the names t and epoch count, where an lr is an expression in them."""
        rates = [self.schedule.lr] if self.schedule else []
        rates += [group.lr for group in self.groups if group.lr is not None]
        used = {name for rate in rates if isinstance(rate, Formula) for name in names(rate.expr)}
        counted = [f"`{name}` counts the {what}" for name, what in _COUNTED.items() if name in used]
        if counted:
            yield f"In lr, {' and '.join(counted)}, from 1"


_COUNTED = {"t": "updates", "epoch": "epochs"}

PLAIN_PLAN = Plan()


def plan_of(training: Training) -> Plan:
    """Returns the plan of a file's settings; its schedule is None where no scheduler, list or expression changes lr."""
    scheduler = None
    if training.scheduler is not None:
        scheduler = read_scheduler(training.scheduler, training.schedule, training.scheduler_every)
    cycled = "" if scheduler is None else scheduler.cycled(training.optimizer or OPTIMIZERS[0])
    lr = training.lr
    if scheduler is not None and (lr is None or sets_lr(scheduler)):
        lr = Fraction(0)  # the scheduler's equations do not read it
    schedule = None if lr is None else Schedule(lr, scheduler, cycled)
    if schedule is not None and not schedule.varies:
        schedule = None
    return Plan(schedule, clip_of(training.clip_grad_norm, training.clip_grad_value), training.groups)


def _of_schedule(schedule: Schedule) -> str:
    """The numbers of a list or of a scheduler; empty of an expression, whose equation says all."""
    match schedule.lr:
        case Formula():
            return ""
        case tuple() as rates:
            epochs = ", ".join(str(number) for number in range(1, len(rates) + 1))
            return f"`lr` is {write_rate(rates)[1:-1]} in the epochs {epochs}"
    scheduler = schedule.scheduler
    assert scheduler is not None  # else lr is a constant
    values = {} if sets_lr(scheduler) else {"lr_0": write_number(schedule.lr)}
    values |= {n: written(v) for n, v in scheduler.options.items() if not isinstance(v, bool | str)}
    listed = ", ".join(f"{name} = {value}" for name, value in values.items())
    after = "epochs" if scheduler.every == "epoch" else "updates"
    meaning = f", {scheduler.entry.meaning}" if scheduler.entry.meaning else ""
    return f"{listed}; `k` counts the {after} before, from 0{meaning}"


@dataclass(frozen=True)
class Training:
    """The training settings of a problem file; None where it gives none.

    `options` are the optimizer's, `schedule` those of the scheduler, and `groups` the parameters with their own.
    """

    optimizer: str | None = None
    variant: str | None = None
    lr: Rate | None = None
    batch_size: int | str | None = None  # "all" for all samples
    drop_last: bool | None = None
    batches: tuple[tuple[int, ...], ...] | None = None
    zero_grad: bool | int | None = None
    accumulate: int | None = None
    epochs: int | None = None
    steps: int | None = None
    shuffle: bool | None = None
    seed: int | None = None
    dtype: str | None = None
    until: str | None = None
    report: tuple[int, ...] | None = None
    on_nonfinite: str | None = None
    scheduler: str | None = None
    scheduler_every: str | None = None
    clip_grad_norm: Fraction | None = None
    clip_grad_value: Fraction | None = None
    groups: tuple[Group, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    schedule: schedulers.Options = field(default_factory=dict)
