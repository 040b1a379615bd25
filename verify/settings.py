"""The effective settings of a run. One rule of precedence: flag, then problem file, then default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from derive.errors import Place, SettingError
from derive.node import Node
from derive.numerals import write_number
from derive.problem import Problem
from derive.settings import MAX_COUNT, Setting, read_as, read_setting, whole
from derive.watch import condition, with_lines

DEFAULTS: Mapping[str, object] = {
    "optimizer": "SGD",
    "epochs": 1,
    "shuffle": False,
    "seed": 0,
    "dtype": "float32",
    "until": None,
    "report": (),
    "on_nonfinite": "stop",
}


@dataclass(frozen=True)
class Settings:
    """What one run is made with. `samples` is the number of rows of data, 0 without data.

    `lr` is None where nothing is trained: the gradients are evaluated once, at the values that are given.
    `steps` counts mini-batches over the whole run. `nodes` compares every line too, `drift` is the number of
    steps that are calculated by hand from the initial values on (None: while the digits suffice), `first` ends
    the comparison with the first step that disagrees. `origins` tells of each setting whether it
    comes from a flag, from the problem file, or is the default. The run ends after the first step in which `until`
    holds, and with `on_nonfinite` "stop" after the first that is not finite. `report` are the steps that are
    printed, all where it is empty.
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
    until: Node | None = None
    report: tuple[int, ...] = ()
    on_nonfinite: str = "stop"
    watch: tuple[Node, ...] = ()

    @property
    def watched(self) -> tuple[Node, ...]:
        """The lines that are calculated beside those of the problem: [watch], and the condition of `until`."""
        return (*self.watch, *([] if self.until is None else [self.until]))

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
            ("batch_size", f"batch_size {self.batch_size} of {self.samples}" if self.samples else ""),
            ("epochs", f"epochs {epochs}" if whole_epochs else f"steps {self.steps}"),
            ("until", "" if self.until is None else f"until {self.until.name}"),
            ("shuffle", f"shuffle with seed {self.seed}" if self.shuffle else ""),
            ("dtype", self.dtype),
            ("on_nonfinite", "" if self.on_nonfinite == "stop" else f"on_nonfinite {self.on_nonfinite}"),
        ]
        flagged = {"epochs" if key == "steps" else key for key, origin in self.origins.items() if origin == "flag"}
        return ", ".join(text + (" (flag)" if key in flagged else "") for key, text in shown if text)


def effective(problem: Problem, flags: Mapping[str, object]) -> Settings:
    """The settings of `problem`, with those of `flags` that are not None in their place.

    Flags are named as the settings of a problem file, and `nodes`, `drift` and `first`. Raises `SettingError` for a
    setting that is unknown or not possible, for both epochs and steps, and for a missing lr. A problem
    without [training] needs none: its gradients are evaluated once.
    """
    given = {key: value for key, value in flags.items() if value is not None and key not in _OF_COMPARISON}
    flagged = {key: read_setting(key, _as_written(value)) for key, value in given.items()}
    if "epochs" in flagged and "steps" in flagged:
        raise SettingError("both epochs and steps are given; expected one of them")
    filed = {key: value for key in _KEYS if (value := getattr(problem.training, key)) is not None}
    if "epochs" in flagged or "steps" in flagged:
        filed = {key: value for key, value in filed.items() if key not in ("epochs", "steps")}
    samples = problem.samples or 0
    chosen = {**DEFAULTS, "batch_size": samples or 1, **filed, **flagged}
    at_a_point = "lr" not in chosen and not problem.trains and not flagged.keys() & _OF_TRAINING
    if at_a_point:
        chosen = {**chosen, "lr": None, "epochs": 1}
    if "lr" not in chosen:
        raise SettingError(f"lr is missing in {problem.source}; give it as lr = 0.01 under [training], or as --lr 0.01")
    origins = {key: "flag" if key in flagged else "file" if key in filed else "default" for key in chosen}
    drift = None if flags.get("drift") is None else read_as(_DRIFT, "drift", flags["drift"])
    compared = {"nodes": bool(flags.get("nodes")), "drift": drift, "first": bool(flags.get("first"))}
    until = _condition(problem, chosen["until"], "flag" if "until" in flagged else "file")
    return _settings({**chosen, **compared, "until": until, "watch": problem.watch}, samples, origins)


def _condition(problem: Problem, text: object, origin: str) -> Node | None:
    """The condition of `until`, whose caret stands under the text itself; that of a file has been read before."""
    if text is None:
        return None
    source = "--until" if origin == "flag" else problem.source
    return condition(str(text), with_lines(problem.graph, problem.watch), Place(source, None, 1, str(text)))


def _as_written(value: object) -> object:
    """A float as the shortest decimal that stands for it: lr=0.1 in Python is one tenth, as on paper."""
    return (
        repr(float(value))
        if isinstance(value, float)
        else str(value)
        if isinstance(value, Fraction | Decimal)
        else value
    )


_DRIFT = Setting("a whole number of steps, from 0", whole(0, MAX_COUNT))
_OF_COMPARISON = ("nodes", "drift", "first")
_OF_TRAINING = {"optimizer", "batch_size", "epochs", "steps", "shuffle", "until", "on_nonfinite"}
_KEYS = (
    *("optimizer", "lr", "batch_size", "epochs", "steps", "shuffle", "seed", "dtype"),
    *("until", "report", "on_nonfinite"),
)


def _settings(chosen: Mapping[str, object], samples: int, origins: Mapping[str, str]) -> Settings:
    values = {key: value for key, value in chosen.items() if key not in ("epochs", "steps")}
    one_epoch = Settings(**values, steps=1, samples=samples, origins=origins)  # type: ignore[arg-type]
    epochs, steps = chosen["epochs"], chosen.get("steps")
    count = steps if steps is not None else int(str(epochs)) * one_epoch.batches_per_epoch
    return Settings(**values, steps=int(str(count)), samples=samples, origins=origins)  # type: ignore[arg-type]


def remarks(settings: Settings) -> tuple[str, ...]:
    """What a person should know about the settings before reading the tables."""
    if not settings.samples or settings.batch_size <= settings.samples:
        return ()
    sizes = f"batch_size {settings.batch_size} is larger than the {settings.samples} samples"
    return (f"{sizes}: each epoch is one batch of all of them",)
