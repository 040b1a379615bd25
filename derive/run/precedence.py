"""How the settings of a run are found. One rule of precedence: flag, then problem file, then default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import partial

from derive.errors import Place, SettingError
from derive.graph.node import Node
from derive.problem.loading import Problem
from derive.problem.watch import condition, with_lines
from derive.run.settings import Settings
from derive.training import schedulers
from derive.training.checked import checked
from derive.training.clipping import NORM, VALUE, clip_of
from derive.training.groups import Group, Reading, read_groups
from derive.training.optimizers import ENTRIES, OPTIONS, Value
from derive.training.rates import Rate, read_rate, sets_lr
from derive.training.settings import MAX_COUNT, Setting, check_option, read_as, read_optimizer, read_setting, whole
from derive.training.variants import NONE, VARIANTS

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

    Flags are named as the settings of a problem file, and `nodes`, `drift` and `first`. Raises `SettingError` for a
    setting that is unknown or not possible, for both epochs and steps, and for a missing lr. A problem
    without [training] needs none: its gradients are evaluated once. The options of the file that an optimizer of
    the flags does not have are left out.
    """
    given = {key: value for key, value in flags.items() if value is not None and key not in _OF_COMPARISON}
    groups = given.pop("groups", None)
    flagged = {key: read_setting(key, _as_written(value)) for key, value in given.items()}
    if "lr" in flagged:
        flagged["lr"] = _rate(problem, flagged["lr"], "--lr")
    flagged_options = {key: flagged.pop(key) for key in OPTIONS if key in flagged}
    flagged_schedule = {key: flagged.pop(key) for key in schedulers.OPTIONS if key in flagged}
    if "epochs" in flagged and "steps" in flagged:
        raise SettingError("both epochs and steps are given; expected one of them")
    filed = {key: value for key in _KEYS if (value := getattr(problem.training, key)) is not None}
    replaced = {key for flag in flagged for key in _REPLACES.get(flag, ())}
    replaced |= {"variant"} if _has_no_variant(flagged.get("optimizer"), filed.get("variant")) else set()
    filed = {key: value for key, value in filed.items() if key not in replaced}
    samples = problem.samples or 0
    places = {key: problem.place_of(f"training.{key}") for key in filed if key not in flagged}
    chosen: dict[str, object] = {**DEFAULTS, **filed, **flagged}
    schedule = _of_scheduler(chosen.get("scheduler"), problem.training.schedule, flagged_schedule)
    found = checked(
        {**filed, **flagged},
        _options(str(chosen["optimizer"]), problem.training.options, flagged_options),
        schedule,
        samples,
        partial(_groups, problem, groups),
        places.get,
    )
    options, scheduler = found.options, found.scheduler
    chosen = {**_sized(chosen, samples), "groups": found.groups}
    if scheduler is not None and sets_lr(scheduler) and "lr" not in chosen:
        chosen["lr"] = scheduler.numbers["max_lr"] / scheduler.numbers["div_factor"]
    for_training = flagged.keys() & _OF_TRAINING or flagged_options or flagged_schedule or groups
    at_a_point = "lr" not in chosen and not problem.trains and not for_training
    if at_a_point:
        chosen = {**chosen, "lr": None, "epochs": 1}
    if "lr" not in chosen:
        raise SettingError(f"lr is missing in {problem.source}; give it as lr = 0.01 under [training], or as --lr 0.01")
    origins = {key: "flag" if key in flagged else "file" if key in filed else "default" for key in chosen}
    origins |= {key: "flag" if key in flagged_options else "file" for key in options}
    if flagged_schedule:
        origins["scheduler"] = "flag"
    if groups is not None:
        origins["groups"] = "flag"
    elif problem.training.groups:
        origins["groups"] = "file"
    else:
        del origins["groups"]
    left_out = tuple(key for key in problem.training.options if key not in options)
    left_out += tuple(key for key in problem.training.schedule if key not in schedule)
    dropped = problem.training.variant not in (None, NONE) and "variant" not in {**filed, **flagged}
    left_out += ("variant",) if dropped else ()
    if groups is None:
        of_groups = dict.fromkeys(key for group in problem.training.groups for key in group.options)
        left_out += tuple(k for k in of_groups if k not in {*left_out, *ENTRIES[str(chosen["optimizer"])].options})
    drift = None if flags.get("drift") is None else read_as(_DRIFT, "drift", flags["drift"])
    compared = {"nodes": bool(flags.get("nodes")), "drift": drift, "first": bool(flags.get("first"))}
    until = _condition(problem, chosen["until"], "flag" if "until" in flagged else "file")
    beside = {"until": until, "watch": problem.watch, "options": options, "left_out": left_out, "scheduler": scheduler}
    norm, value = chosen.pop(NORM, None), chosen.pop(VALUE, None)
    clip = clip_of(norm if isinstance(norm, Fraction) else None, value if isinstance(value, Fraction) else None)
    chosen.pop("scheduler_every", None)
    trained = {"clip": clip, "parameters": _trained(problem)}
    run_settings = _settings({**chosen, **compared, **beside, **trained}, samples, origins)
    _refuse_long(run_settings, {**places, **_places_of_groups(problem, groups)}.get)
    return run_settings


def _has_no_variant(optimizer: object, variant: object) -> bool:
    """Whether the optimizer of a flag does not have the variant of the file."""
    return optimizer is not None and (optimizer, variant) not in VARIANTS


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


_DRIFT = Setting("a whole number of steps, from 0", whole(0, MAX_COUNT))
_OF_COMPARISON = ("nodes", "drift", "first")
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
_OF_TRAINING = {*_KEYS} - {"lr", "seed", "dtype", "report"}


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
