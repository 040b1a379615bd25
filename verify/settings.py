"""The effective settings of a run. One rule of precedence: flag, then problem file, then default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from derive.errors import SettingError
from derive.numerals import write_number
from derive.optimizers import ENTRIES, OPTIONS, Optimizer, Value, written
from derive.problem import Problem
from derive.settings import MAX_COUNT, Setting, check_option, read_as, read_optimizer, read_setting, whole
from verify.numbers.formats import FORMATS

DEFAULTS: Mapping[str, object] = {
    "optimizer": "SGD",
    "epochs": 1,
    "shuffle": False,
    "seed": 0,
    "dtype": "float32",
}


@dataclass(frozen=True)
class Settings:
    """What one run is made with. `samples` is the number of rows of data, 0 without data.

    `lr` is None where nothing is trained: the gradients are evaluated once, at the values that are given.
    `steps` counts mini-batches over the whole run. `nodes` compares every line too, `drift` is the number of
    steps that are calculated by hand from the initial values on (None: while the digits suffice), `first` ends
    the comparison with the first step that disagrees. `origins` tells of each setting whether it
    comes from a flag, from the problem file, or is the default. `options` are the optimizer's that are given;
    `left_out` names those of the problem file that the optimizer of a flag does not have.
    """

    optimizer: str
    lr: Fraction | None
    batch_size: int
    steps: int
    shuffle: bool
    seed: int
    dtype: str
    samples: int
    origins: Mapping[str, str]
    nodes: bool = False
    drift: int | None = None
    first: bool = False
    options: Mapping[str, Value] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @cached_property
    def rule(self) -> Optimizer:
        """The optimizer with its options."""
        return Optimizer(self.optimizer, self.options)

    @property
    def trains(self) -> bool:
        """Whether the parameters are updated after a step."""
        return self.lr is not None

    @property
    def batches_per_epoch(self) -> int:
        """Steps in one epoch; without data every epoch is one step."""
        return -(-self.samples // self.batch_size) if self.samples else 1

    def __str__(self) -> str:
        """One line, such as `SGD, lr 0.1 (flag), batch_size 3 of 9, epochs 1, float32`."""
        if self.lr is None:
            samples = f", all {self.samples} samples" if self.samples > 1 else ""
            flag = " (flag)" if self.origins.get("dtype") == "flag" else ""
            return f"gradients at a point: one step without update{samples}, {self.dtype}{flag}"
        epochs, rest = divmod(self.steps, self.batches_per_epoch)
        whole_epochs = bool(self.samples) and not rest
        shown = [
            ("optimizer", self.optimizer),
            ("lr", f"lr {write_number(self.lr)}"),
            *((name, name if text == "true" else f"{name} {text}") for name, text in self.rule.in_effect),
            ("batch_size", f"batch_size {self.batch_size} of {self.samples}" if self.samples else ""),
            ("epochs", f"epochs {epochs}" if whole_epochs else f"steps {self.steps}"),
            ("shuffle", f"shuffle with seed {self.seed}" if self.shuffle else ""),
            ("dtype", self.dtype),
        ]
        flagged = {"epochs" if key == "steps" else key for key, origin in self.origins.items() if origin == "flag"}
        return ", ".join(text + (" (flag)" if key in flagged else "") for key, text in shown if text)


def effective(problem: Problem, flags: Mapping[str, object]) -> Settings:
    """The settings of `problem`, with those of `flags` that are not None in their place.

    Flags are named as the settings of a problem file, and `nodes`, `drift` and `first`. Raises `SettingError` for a
    setting that is unknown or not possible, for both epochs and steps, and for a missing lr. A problem
    without [training] needs none: its gradients are evaluated once. The options of the file that an optimizer of
    the flags does not have are left out.
    """
    given = {key: value for key, value in flags.items() if value is not None and key not in _OF_COMPARISON}
    flagged = {key: read_setting(key, _as_written(value)) for key, value in given.items()}
    flagged_options = {key: flagged.pop(key) for key in OPTIONS if key in flagged}
    if "epochs" in flagged and "steps" in flagged:
        raise SettingError("both epochs and steps are given; expected one of them")
    filed = {key: value for key in _KEYS if (value := getattr(problem.training, key)) is not None}
    if "epochs" in flagged or "steps" in flagged:
        filed = {key: value for key, value in filed.items() if key not in ("epochs", "steps")}
    samples = problem.samples or 0
    chosen = {**DEFAULTS, "batch_size": samples or 1, **filed, **flagged}
    options = _options(str(chosen["optimizer"]), problem.training.options, flagged_options)
    at_a_point = "lr" not in chosen and not problem.trains and not (flagged.keys() & _OF_TRAINING or flagged_options)
    if at_a_point:
        chosen = {**chosen, "lr": None, "epochs": 1}
    if "lr" not in chosen:
        raise SettingError(f"lr is missing in {problem.source}; give it as lr = 0.01 under [training], or as --lr 0.01")
    origins = {key: "flag" if key in flagged else "file" if key in filed else "default" for key in chosen}
    origins |= {key: "flag" if key in flagged_options else "file" for key in options}
    left_out = tuple(key for key in problem.training.options if key not in options)
    drift = None if flags.get("drift") is None else read_as(_DRIFT, "drift", flags["drift"])
    compared = {"nodes": bool(flags.get("nodes")), "drift": drift, "first": bool(flags.get("first"))}
    whole_run = {**chosen, **compared, "options": options, "left_out": left_out}
    return _settings(whole_run, samples, origins)


def _options(optimizer: str, filed: Mapping[str, Value], flagged: Mapping[str, Value]) -> Mapping[str, Value]:
    """The options that are given to the optimizer; one of a flag has to be its own."""
    for key in flagged:
        check_option(optimizer, key)
    kept = {key: value for key, value in filed.items() if key in ENTRIES[optimizer].options}
    return read_optimizer(optimizer, {**kept, **flagged}).given


def _as_written(value: object) -> object:
    """A float as the shortest decimal that stands for it: lr=0.1 in Python is one tenth, as on paper."""
    if isinstance(value, list | tuple):
        return [_as_written(part) for part in value]
    return (
        repr(float(value))
        if isinstance(value, float)
        else str(value)
        if isinstance(value, Fraction | Decimal)
        else value
    )


_DRIFT = Setting("a whole number of steps, from 0", whole(0, MAX_COUNT))
_OF_COMPARISON = ("nodes", "drift", "first")
_OF_TRAINING = {"optimizer", "batch_size", "epochs", "steps", "shuffle"}
_KEYS = ("optimizer", "lr", "batch_size", "epochs", "steps", "shuffle", "seed", "dtype")


def _settings(chosen: Mapping[str, object], samples: int, origins: Mapping[str, str]) -> Settings:
    values = {key: value for key, value in chosen.items() if key not in ("epochs", "steps")}
    one_epoch = Settings(**values, steps=1, samples=samples, origins=origins)  # type: ignore[arg-type]
    epochs, steps = chosen["epochs"], chosen.get("steps")
    count = steps if steps is not None else int(str(epochs)) * one_epoch.batches_per_epoch
    return Settings(**values, steps=int(str(count)), samples=samples, origins=origins)  # type: ignore[arg-type]


def remarks(settings: Settings) -> tuple[str, ...]:
    """What a person should know about the settings before reading the tables."""
    found = []
    if settings.samples and settings.batch_size > settings.samples:
        sizes = f"batch_size {settings.batch_size} is larger than the {settings.samples} samples"
        found.append(f"{sizes}: each epoch is one batch of all of them")
    eps = settings.rule.numbers.get("eps")
    if settings.trains and eps and eps <= Fraction(2) ** FORMATS[settings.dtype].tiny:
        found.append(f"eps {written(eps)} is 0 in {settings.dtype}: where a gradient is 0, 0/0 has no value")
    if settings.left_out:
        found.append(f"{', '.join(settings.left_out)} of the problem file: left out, no option of {settings.optimizer}")
    return tuple(found)
