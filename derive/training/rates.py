"""The learning rate: a number, a list of one for each epoch, an expression in t and epoch, or that of a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.algebra.expression import Apply, Expr, Number, Ref, refs, replace, walk
from derive.algebra.operations import ALIASES, OPERATIONS
from derive.errors import Place, SettingError, suggestion
from derive.paper.syntax import read_expression
from derive.source.numerals import write_number
from derive.training.clipping import NORM, VALUE
from derive.training.optimizers import Assignment, written
from derive.training.schedulers import Options, Scheduler, check_scheduler_option, read_scheduler, with_pi

COUNTERS = ("t", "epoch")  # the number of the update, and the epoch; both from 1


@dataclass(frozen=True)
class Formula:
    """An expression for lr in t, epoch and constants of the problem; `constants` has the numbers of those in it."""

    text: str
    expr: Expr = field(compare=False)
    constants: Mapping[str, Fraction] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


Rate = Fraction | tuple[Fraction, ...] | Formula


@dataclass(frozen=True)
class Moment:
    """The moment of an update: its number `t` and `epoch`, both from 1, and the `k` steps of the scheduler before."""

    t: int
    epoch: int
    k: int


@dataclass(frozen=True)
class Schedule:
    """How lr goes in a run: the rate that is given, and the scheduler that changes it, if any.

    `cycled` is the option that the scheduler changes as well: "momentum", "beta1", or none.
    """

    lr: Rate
    scheduler: Scheduler | None = None
    cycled: str = ""

    @property
    def varies(self) -> bool:
        """Whether lr may change from step to step."""
        return self.scheduler is not None or not isinstance(self.lr, Fraction)

    @property
    def names(self) -> tuple[str, ...]:
        """What changes: lr, and what is cycled with it."""
        return ("lr", self.cycled) if self.cycled else ("lr",)

    def numbers(self, moment: Moment) -> Mapping[str, Fraction]:
        """Returns the numbers, by name, that the equations of lr read at a moment, such as t, lr_0 and k."""
        match self.lr:
            case Formula(constants=constants):
                return {"t": Fraction(moment.t), "epoch": Fraction(moment.epoch), **constants}
            case tuple():
                return {"lr_epoch": self.lr[moment.epoch - 1]}
        if self.scheduler is None:
            return {"lr_0": self.lr}
        counts = {name: Fraction(value) for name, value in self.scheduler.counts(moment.k).items()}
        return {"lr_0": self.lr, "k": Fraction(moment.k), **self.scheduler.numbers, **counts}

    def on_paper(self, moment: Moment | None = None) -> tuple[Assignment, ...]:
        """Returns the equations that give lr at `moment`; without one, the equations that are printed."""
        match self.lr:
            case Formula(expr=expr):
                return (Assignment("lr", expr),)
            case tuple():
                return (Assignment("lr", Ref("lr_epoch", ())),)
        return self.scheduler.on_paper(self.cycled, moment.k if moment else None) if self.scheduler else _CONSTANT

    def in_torch(self, before: Moment | None, moment: Moment) -> tuple[Assignment, ...]:
        """Returns the equations in PyTorch's order that give lr at `moment`; none where it keeps the lr that it holds.

        `before` is the moment of the update before, None at the first.
        """
        if self.scheduler is None or not self.scheduler.recursive:
            return self.on_paper(moment)
        if before is None:
            return _CONSTANT
        return self.scheduler.in_torch(moment.k, self.cycled) if moment.k != before.k else ()


_CONSTANT = (Assignment("lr", Ref("lr_0", ())),)


def write_rate(rate: Rate) -> str:
    """Returns the rate as it is written in a file: `0.1`, `[0.1, 0.05]`, `1/(lambda*t)`."""
    if isinstance(rate, Formula):
        return rate.text
    return f"[{', '.join(map(written, rate))}]" if isinstance(rate, tuple) else write_number(rate)


def read_rate(
    value: Fraction | tuple[Fraction, ...] | str,
    constants: Mapping[str, Fraction | None],
    place: Place,
) -> Rate:
    """Returns the rate of the value from `read_setting`: a text is an expression in t, epoch and `constants`.

    `constants` has None for one that is more than a number. `place` is where the text begins. Raises, with a caret,
    `EquationError` for what is not in the language, and `SettingError` for unknown names and operations on arrays.
    """
    if not isinstance(value, str):
        return value
    column = (place.column or 1) - 1
    expr = read_expression(value, place, column)
    for ref in refs(expr):
        _refuse_name(ref, constants, _at(place, ref.column))
    for part in walk(expr):
        if not isinstance(part, Number | Ref) and not (isinstance(part, Apply) and part.op in OPERATIONS):
            what = part.op if not isinstance(part, Number | Ref) and hasattr(part, "op") else "this"
            message = f"{what} is of arrays, and lr is one number; expected operations on numbers"
            raise SettingError(message, _at(place, getattr(part, "column", None)))
    used = {_plain(ref) for ref in refs(expr)}
    plain = replace(expr, lambda ref: Ref(_plain(ref), ()))
    found = {name: number for name, number in constants.items() if name in used and number is not None}
    return Formula(" ".join(value.split()), plain if "pi" in found else with_pi(plain), found)


def _plain(ref: Ref) -> str:
    """The name that is meant: π is pi."""
    return ALIASES.get(ref.name, ref.name)


def _refuse_name(ref: Ref, constants: Mapping[str, Fraction | None], place: Place) -> None:
    """Raises `SettingError` for a name that lr cannot be calculated from."""
    if ref.name in COUNTERS and ref.name in constants:
        counted = "the number of the update" if ref.name == "t" else "the number of the epoch"
        raise SettingError(f"{ref.name} is {counted} in lr, and a constant too; rename the constant", place)
    if ref.axes:
        raise SettingError(f"{ref.name} has an index, and lr is one number; expected t, epoch and constants", place)
    if ref.name in constants and constants[ref.name] is None:
        message = f"{ref.name} is more than one number, and lr is one; expected constants that are a number"
        raise SettingError(message, place)
    if _plain(ref) not in (*COUNTERS, "pi", *constants):
        known = (*COUNTERS, *constants)
        hint = suggestion(ref.name, known)
        expected = "a number, or an expression in t (the number of the update), epoch and [constants]"
        raise SettingError(f"lr has the unknown name {ref.name!r}; expected {expected}{hint}", place)


def _at(place: Place, column: int | None) -> Place:
    return place if column is None else Place(place.source, place.line, column + 1, place.text)


def read_together(
    settings: Mapping[str, Any], schedule: Options, place: Callable[[str], Place | None] = lambda _: None
) -> Scheduler | None:
    """Returns the scheduler that the settings choose, with its options `schedule`; None without one.

    `place` says where a setting stands. Raises `SettingError` for options that the scheduler does not have, for an lr
    that is no number beside it, for both ways of clipping, and for other settings that do not go together.
    """
    name = settings.get("scheduler")
    if settings.get(NORM) is not None and settings.get(VALUE) is not None:
        raise SettingError(f"both {NORM} and {VALUE} are given; keep one", place(VALUE))
    if settings.get("scheduler_every") is not None and name is None:
        raise SettingError('scheduler_every needs a scheduler, such as scheduler = "StepLR"', place("scheduler_every"))
    for key in schedule:
        check_scheduler_option(name, key, place(key))
    if name is None:
        return None
    found = read_scheduler(name, schedule, settings.get("scheduler_every"), place("scheduler"))
    for key, lr in (("lr", settings.get("lr")), *(("groups", group.lr) for group in settings.get("groups", ()))):
        if lr is not None and not isinstance(lr, Fraction):
            kind = "a list" if isinstance(lr, tuple) else "an expression"
            where = "of a group " if key == "groups" else ""
            message = f"the lr {where}is {kind}, and a scheduler changes it as well; expected a number, or no scheduler"
            raise SettingError(message, place(key))
        if lr is not None and key == "groups" and sets_lr(found):
            raise SettingError(f"{name} sets lr from max_lr in every group; leave out the lr of the group", place(key))
    try:
        found.cycled(settings["optimizer"])
    except SettingError as error:
        raise SettingError(error.message, place("scheduler")) from None
    return found


def sets_lr(scheduler: Scheduler | None) -> bool:
    """Whether the scheduler sets lr from the first step on, as OneCycleLR does from max_lr, whatever lr is given."""
    return scheduler is not None and "max_lr" in scheduler.options
