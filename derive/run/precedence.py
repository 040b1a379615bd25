"""How the settings of a run are found. One rule of precedence: flag, then problem file, then default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from derive.errors import Place, SettingError
from derive.graph.node import Node
from derive.problem.loading import Problem
from derive.problem.watch import condition, with_lines
from derive.run.settings import LIMIT, Settings
from derive.run.update_numbers import with_formulas
from derive.source.numerals import NumeralError, exact
from derive.training import schedulers
from derive.training.checked import checked
from derive.training.clipping import NORM, VALUE, clip_of
from derive.training.groups import Group, Reading, read_groups
from derive.training.optimizers import ENTRIES, OPTIONS, Value
from derive.training.plan import Training
from derive.training.rates import Rate, read_rate, sets_lr
from derive.training.settings import (
    MAX_COUNT,
    WITHOUT_TRAINING,
    Setting,
    check_option,
    read_as,
    read_optimizer,
    read_setting,
    whole,
)
from derive.training.variants import AND, NONE, VARIANTS

DEFAULTS: Mapping[str, object] = {
    "optimizer": "SGD",
    "variant": NONE,
    "epochs": 1,
    "drop_last": False,
    "shuffle": False,
    "zero_grad": True,
    "accumulate": 1,
    "seed": 0,
    "dtype": "float32",
    "until": None,
    "report": (),
    "on_nonfinite": "stop",
}


def effective(problem: Problem, flags: Mapping[str, object]) -> Settings:
    """The settings of `problem`, with those of `flags` that are not None in their place.

    Flags are named as the settings of a problem file, and `nodes`, `drift`, `every`,
    `first` and `limit`, which no file can set. Raises `SettingError` for a
    setting that is unknown or not possible, for both epochs and steps, and for a missing lr. A problem
    without [training] needs none: its gradients are evaluated once. The options of the file that an optimizer of
    the flags does not have are left out.
    """
    flagged, training, samples = _flagged(problem, flags), problem.training, problem.samples or 0
    filed = _filed(training, flagged.values)
    given = {**filed, **flagged.values}
    places = {key: problem.place_of(f"training.{key}") for key in filed if key not in flagged.values}
    chosen: dict[str, object] = {**DEFAULTS, **given}
    schedule = _of_scheduler(chosen.get("scheduler"), training.schedule, flagged.schedule)
    options = _options(str(chosen["optimizer"]), training.options, flagged.options)
    found = checked(given, options, schedule, samples, partial(_groups, problem, flagged.groups), places.get)
    chosen = {**_sized(chosen, samples), **_rate_chosen(problem, given, found.scheduler, flagged)}
    origins = _origins(training, flagged, filed, (*chosen, *found.options))
    norm, value = chosen.pop(NORM, None), chosen.pop(VALUE, None)
    chosen.pop("scheduler_every", None)
    beside = {
        "nodes": bool(flags.get("nodes")),
        "drift": None if flags.get("drift") is None else read_as(_DRIFT, "drift", flags["drift"]),
        "every": 1 if flags.get("every") is None else read_as(_EVERY, "every", flags["every"]),
        "first": bool(flags.get("first")),
        "limit": LIMIT if flags.get("limit") is None else read_as(_LIMIT, "limit", flags["limit"]),
        "until": _condition(problem, chosen["until"], "flag" if "until" in flagged.values else "file"),
        "watch": problem.watch,
        "options": found.options,
        "groups": found.groups,
        "scheduler": found.scheduler,
        "left_out": _left_out(training, flagged, given, (*found.options, *schedule)),
        "clip": clip_of(norm if isinstance(norm, Fraction) else None, value if isinstance(value, Fraction) else None),
        "parameters": _trained(problem),
    }
    settings = with_formulas(problem.graph, _settings({**chosen, **beside}, samples, origins))
    if settings.trains and not problem.graph.of_kind("parameter"):
        raise SettingError(
            f"{problem.source} has no parameters, so nothing is trained; leave lr and the settings of training out"
        )
    _refuse_long(settings, {**places, **_places_of_groups(problem, flagged.groups)}.get)
    return settings


@dataclass(frozen=True)
class _Flagged:
    """The settings of flags, each read by itself; the options of optimizer and scheduler apart, groups as given."""

    values: Mapping[str, Any]
    options: Mapping[str, Value]
    schedule: schedulers.Options
    groups: object

    @property
    def trains(self) -> bool:
        """Whether one of them asks for training, and not for gradients at a point alone."""
        return bool(self.values.keys() & _OF_TRAINING or self.options or self.schedule or self.groups)


def _flagged(problem: Problem, flags: Mapping[str, object]) -> _Flagged:
    """The flags that are given, read. Raises `SettingError`."""
    given = {key: value for key, value in flags.items() if value is not None and key not in _OF_COMPARISON}
    groups = given.pop("groups", None)
    values = {key: read_setting(key, _as_written(value)) for key, value in given.items()}
    if "lr" in values:
        values["lr"] = _rate(problem, values["lr"], "--lr")
    if "epochs" in values and "steps" in values:
        raise SettingError("both epochs and steps are given; expected one of them")
    options = {key: values.pop(key) for key in OPTIONS if key in values}
    schedule = {key: values.pop(key) for key in schedulers.OPTIONS if key in values}
    return _Flagged(values, options, schedule, groups)


def _filed(training: Training, flagged: Mapping[str, object]) -> dict[str, Any]:
    """The settings of the file that no flag replaces or excludes."""
    filed = {key: value for key in _KEYS if (value := getattr(training, key)) is not None}
    replaced = {key for flag in flagged for key in _REPLACES.get(flag, ())}
    replaced |= {"variant"} if _has_no_variant(flagged.get("optimizer"), filed.get("variant")) else set()
    return {key: value for key, value in filed.items() if key not in replaced}


def _rate_chosen(
    problem: Problem, given: Mapping[str, Any], scheduler: schedulers.Scheduler | None, flagged: _Flagged
) -> dict[str, object]:
    """The lr: that of the settings, or the scheduler's first one; None, and one epoch, for gradients at a point.

    Raises `SettingError` where something is trained without an lr.
    """
    if "lr" in given:
        return {"lr": given["lr"]}
    if scheduler is not None and sets_lr(scheduler):
        return {"lr": scheduler.numbers["max_lr"] / scheduler.numbers["div_factor"]}
    if not problem.trains and not flagged.trains:
        return {"lr": None, "epochs": 1}
    raise SettingError(f"lr is missing in {problem.source}; give it as lr = 0.01 under [training], or as --lr 0.01")


def _origins(training: Training, flagged: _Flagged, filed: Collection[str], keys: Iterable[str]) -> dict[str, str]:
    """Of each setting that is in effect, whether it comes from a flag, from the file, or is the default."""
    by_flag, by_file = {*flagged.values, *flagged.options}, {*filed, *training.options}
    found = {key: "flag" if key in by_flag else "file" if key in by_file else "default" for key in keys}
    if flagged.schedule:
        found["scheduler"] = "flag"
    if flagged.groups is not None:
        found["groups"] = "flag"
    elif training.groups:
        found["groups"] = "file"
    return found


def _left_out(
    training: Training, flagged: _Flagged, given: Mapping[str, object], kept: Collection[str]
) -> tuple[str, ...]:
    """What the file sets for another optimizer or scheduler than that of a flag; `kept` are the options in effect."""
    found = [key for key in (*training.options, *training.schedule) if key not in kept]
    if training.variant not in (None, NONE) and "variant" not in given:
        found.append("variant")
    if flagged.groups is None:
        known = ENTRIES[str(given.get("optimizer", DEFAULTS["optimizer"]))].options
        of_groups = dict.fromkeys(key for group in training.groups for key in group.options)
        found += [key for key in of_groups if key not in known and key not in found]
    return tuple(found)


def _has_no_variant(optimizer: object, variant: object) -> bool:
    """Whether the optimizer of a flag does not have the variant of the file."""
    names = str(variant).split(AND)
    return optimizer is not None and any((optimizer, name) not in VARIANTS for name in names)


def _trained(problem: Problem) -> tuple[str, ...]:
    """The parameters that are not frozen as a whole."""
    whole = {frozen.name for frozen in problem.graph.frozen if not frozen.entries}
    return tuple(parameter.name for parameter in problem.parameters if parameter.name not in whole)


def _rate(problem: Problem, value: Fraction | tuple[Fraction, ...] | str, source: str) -> Rate:
    """An lr of a flag, or of a group of one."""
    constants = {constant.name: constant.number for constant in problem.constants}
    return read_rate(value, constants, Place(source, None, 1, value if isinstance(value, str) else ""))


def _groups(problem: Problem, flagged: object, optimizer: str, options: Mapping[str, Value]) -> tuple[Group, ...]:
    """The groups of a flag; else those of the file, without the options that the optimizer does not have."""
    if flagged is None:
        known = ENTRIES[optimizer].options
        kept = [replace(g, options={k: v for k, v in g.options.items() if k in known}) for g in problem.training.groups]
        for group in kept:
            read_optimizer(optimizer, {**options, **group.options}, problem.place_of("training.groups"))
        return tuple(group for group in kept if group.lr is not None or group.options)
    names, trained = [parameter.name for parameter in problem.parameters], _trained(problem)
    how = Reading(
        names,
        [name for name in names if name not in trained],
        lambda rate, number: _rate(problem, rate, f"the lr of group {number}"),
        lambda *_: None,
    )
    return read_groups(_as_written(flagged), optimizer, options, how)


def _places_of_groups(problem: Problem, flagged: object) -> dict[str, Place | None]:
    """Where the lr of each group stands in the file; nothing where the groups are those of a flag."""
    count = len(problem.training.groups) if flagged is None else 0
    keys = (f"groups.{number}.lr" for number in range(1, count + 1))
    return {key: problem.place_of(f"training.{key}") for key in keys}


def _of_scheduler(name: object, filed: schedulers.Options, flagged: schedulers.Options) -> schedulers.Options:
    """The options that are given to the scheduler; those of the file where it is another one are left out."""
    if name is None:
        return {**filed, **flagged}
    return {**{key: value for key, value in filed.items() if key in schedulers.ENTRIES[str(name)].known}, **flagged}


def _refuse_long(settings: Settings, place: Callable[[str], Place | None]) -> None:
    """Raises `SettingError` for a run that goes on after the last lr of a list, or the last step of a cycle."""
    epochs = -(-settings.steps // settings.batches_per_epoch)
    of_groups = ((f"groups.{k}.lr", f"lr of group {k}", g.lr) for k, g in enumerate(settings.groups, start=1))
    for key, what, lr in (("lr", "lr", settings.lr), *of_groups):
        if isinstance(lr, tuple) and len(lr) < epochs:
            entries = "1 entry" if len(lr) == 1 else f"{len(lr)} entries"
            message = (
                f"{what} has {entries}, one for each epoch, and the run has {epochs} epochs; expected {epochs} entries"
            )
            raise SettingError(message, place(key))
    if sets_lr(settings.scheduler) and settings.scheduler is not None:
        total, by_epoch = int(settings.scheduler.numbers["total_steps"]), settings.scheduler.every == "epoch"
        steps, what = (epochs, "epochs") if by_epoch else (settings.updates, "updates")
        if steps > total:
            message = f"OneCycleLR ends after total_steps = {total}, and the run has {steps} {what}"
            raise SettingError(f"{message}; expected total_steps = {steps}", place("scheduler"))


def _options(optimizer: str, filed: Mapping[str, Value], flagged: Mapping[str, Value]) -> Mapping[str, Value]:
    """The options that are given to the optimizer; one of a flag has to be its own."""
    for key in flagged:
        check_option(optimizer, key)
    return {key: value for key, value in filed.items() if key in ENTRIES[optimizer].options} | dict(flagged)


def _condition(problem: Problem, text: object, origin: str) -> Node | None:
    """The condition of `until`, whose caret stands under the text itself; that of a file has been read before."""
    if text is None:
        return None
    source = "--until" if origin == "flag" else problem.source
    return condition(str(text), with_lines(problem.graph, problem.watch), Place(source, None, 1, str(text)))


def _as_written(value: object) -> object:
    """A float as the shortest decimal that stands for it: lr=0.1 in Python is one tenth, as on paper.

    A range is a list, and what NumPy or PyTorch hold is what it is in Python.
    """
    if hasattr(value, "tolist") and not isinstance(value, float):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [_as_written(part) for part in value]
    if isinstance(value, dict):
        return {key: _as_written(part) for key, part in value.items()}
    return (
        repr(float(value))
        if isinstance(value, float)
        else str(value)
        if isinstance(value, Fraction | Decimal)
        else value
    )


_EVERY = Setting("a whole number of steps, from 1", whole(1, MAX_COUNT))
_DRIFT = Setting("a whole number of steps, from 0", whole(0, MAX_COUNT))


def _calculations(value: object) -> int:
    """A number of calculations, which are many and so may be written with an exponent: 1e9."""
    number = exact(value)
    if number.denominator != 1 or not 1 <= number <= MOST_CALCULATIONS:
        raise NumeralError(f"is not a whole number from 1 to {MOST_CALCULATIONS:.0e}")
    return int(number)


MOST_CALCULATIONS = 10**18
_LIMIT = Setting("how many calculations may be made, such as 1e9", _calculations)
_OF_COMPARISON = ("nodes", "drift", "every", "first", "limit")
_REPLACES: Mapping[str, tuple[str, ...]] = {  # by a flag, in the file
    "epochs": ("steps",),
    "steps": ("epochs",),
    "batches": ("batch_size", "shuffle", "drop_last"),
    "batch_size": ("batches",),
    "zero_grad": ("accumulate",),
    "accumulate": ("zero_grad",),
    NORM: (VALUE,),
    VALUE: (NORM,),
}
_KEYS = (
    *("optimizer", "variant", "lr", "batch_size", "drop_last", "batches", "zero_grad", "accumulate"),
    *("epochs", "steps", "shuffle", "seed", "dtype", "until", "report", "on_nonfinite"),
    *("scheduler", "scheduler_every", NORM, VALUE),
)
_OF_TRAINING = {*_KEYS} - {"lr"} - WITHOUT_TRAINING


def _sized(chosen: dict[str, object], samples: int) -> dict[str, object]:
    """The settings with a number for batch_size: of all samples, or of the largest batch that is listed."""
    batches, size = chosen.get("batches"), chosen.get("batch_size", "all")
    if isinstance(batches, tuple):
        size = max(map(len, batches))
    return {**chosen, "batch_size": (samples or 1) if size == "all" else size}


def _settings(chosen: Mapping[str, object], samples: int, origins: Mapping[str, str]) -> Settings:
    values = {key: value for key, value in chosen.items() if key not in ("epochs", "steps")}
    one_epoch = Settings(**values, steps=1, samples=samples, origins=origins)  # type: ignore[arg-type]
    epochs, steps = chosen["epochs"], chosen.get("steps")
    count = steps if steps is not None else int(str(epochs)) * one_epoch.batches_per_epoch
    return Settings(**values, steps=int(str(count)), samples=samples, origins=origins)  # type: ignore[arg-type]


def in_effect(problem: Problem, settings: Settings) -> Problem:
    """Returns the problem with the settings of its run in place of those of its file.

    `settings` are those that `effective` returns for it. What reads a problem's own training, such as a claimed update
    rule, then reads what is run.
    """
    scheduler, clip = settings.scheduler, settings.clip
    limits = {} if clip is None else {clip.by: clip.limit}
    is_listed = settings.batches is not None
    training = replace(
        problem.training,
        optimizer=settings.optimizer,
        variant=settings.variant,
        lr=settings.lr,
        batch_size=settings.batch_size if settings.samples and not is_listed else None,
        drop_last=None if is_listed else settings.drop_last,
        batches=settings.batches,
        zero_grad=settings.zero_grad,
        accumulate=settings.accumulate,
        shuffle=settings.shuffle,
        seed=settings.seed,
        dtype=settings.dtype,
        scheduler=None if scheduler is None else scheduler.name,
        scheduler_every=None if scheduler is None else scheduler.every,
        schedule={} if scheduler is None else scheduler.given,
        clip_grad_norm=limits.get(NORM),
        clip_grad_value=limits.get(VALUE),
        groups=settings.groups,
        options=settings.options,
    )
    return replace(problem, training=training, trains=settings.trains)
