"""What of lr, scheduler, clipping and groups cannot hold together; for the problem file and for flags alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from derive.errors import Place, SettingError
from derive.training.clipping import NORM, VALUE
from derive.training.schedulers import Options, Scheduler, check_scheduler_option, read_scheduler


def read_together(
    settings: Mapping[str, Any], schedule: Options, place: Callable[[str], Place | None] = lambda _: None
) -> Scheduler | None:
    """The scheduler that the settings choose with its options, `schedule`; None without one.

    `place` says where a setting stands. Raises `SettingError` for what does not go together.
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
    """Whether the scheduler sets lr from the first step on, whatever the optimizer was given."""
    return scheduler is not None and "max_lr" in scheduler.options
