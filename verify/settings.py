"""The effective settings of a run. One rule of precedence: flag, then problem file, then default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from derive.batching import Batches, refuse_contradictions
from derive.errors import Place, SettingError
from derive.node import Node
from derive.numerals import write_number
from derive.optimizers import ENTRIES, OPTIONS, Optimizer, Value, written
from derive.problem import Problem
from derive.settings import MAX_COUNT, Setting, check_option, read_as, read_optimizer, read_setting, whole
from derive.variants import NONE, VARIANTS, optimizer_of, read_variant
from derive.watch import condition, with_lines
from verify.numbers.formats import FORMATS

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


@dataclass(frozen=True)
class Settings:
    """What one run is made with. `samples` is the number of rows of data, 0 without data.

    `batches`, where it is given, lists the rows of every batch of an epoch, and `batch_size` is the largest.
    `zero_grad` is True, False, or every how many steps the gradient is set to zero; `accumulate` is the number of
    batches whose gradients add up for one update.
    `lr` is None where nothing is trained: the gradients are evaluated once, at the values that are given.
    `steps` counts mini-batches over the whole run. `nodes` compares every line too, `drift` is the number of
    steps that are calculated by hand from the initial values on (None: while the digits suffice), `first` ends
    the comparison with the first step that disagrees. `origins` tells of each setting whether it
    comes from a flag, from the problem file, or is the default. The run ends after the first step in which `until`
    holds, and with `on_nonfinite` "stop" after the first that is not finite. `report` are the steps that are
    printed, all where it is empty. `variant` is the textbook's form of the optimizer, or "none"; `options` are
    the optimizer's that are given;
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
    until: Node | None = None
    report: tuple[int, ...] = ()
    on_nonfinite: str = "stop"
    watch: tuple[Node, ...] = ()
    drop_last: bool = False
    batches: Batches | None = None
    zero_grad: bool | int = True
    accumulate: int = 1
    options: Mapping[str, Value] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    variant: str = NONE

    @cached_property
    def rule(self) -> Optimizer:
        """The optimizer with its options, in PyTorch's form or a textbook's."""
        return optimizer_of(self.optimizer, self.options, self.variant)

    @property
    def by_hand_alone(self) -> bool:
        """Whether the update is one that PyTorch does not have: it is given the parameters by hand."""
        return self.trains and self.rule.variant is not None

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
        if self.batches is not None:
            return len(self.batches)
        if self.drop_last and self.samples:
            return self.samples // self.batch_size
        return -(-self.samples // self.batch_size) if self.samples else 1

    @property
    def zero_every(self) -> int:
        """Every how many steps the gradient is set to zero; 0 for never."""
        return int(self.zero_grad)

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
            ("variant", "" if self.variant == NONE else f"variant {self.variant}"),
            ("lr", f"lr {write_number(self.lr)}"),
            *((name, name if text == "true" else f"{name} {text}") for name, text in self.rule.in_effect),
            ("batches" if self.batches else "batch_size", self._batches_in_words()),
            ("epochs", f"epochs {epochs}" if whole_epochs else f"steps {self.steps}"),
            ("until", "" if self.until is None else f"until {self.until.name}"),
            ("drop_last", "drop_last" if self.drop_last else ""),
            ("zero_grad", self._zero_grad_in_words()),
            ("accumulate", f"accumulate {self.accumulate} batches" if self.accumulate > 1 else ""),
            ("shuffle", f"shuffle with seed {self.seed}" if self.shuffle else ""),
            ("dtype", self.dtype),
            ("on_nonfinite", "" if self.on_nonfinite == "stop" else f"on_nonfinite {self.on_nonfinite}"),
        ]
        flagged = {"epochs" if key == "steps" else key for key, origin in self.origins.items() if origin == "flag"}
        return ", ".join(text + (" (flag)" if key in flagged else "") for key, text in shown if text)

    def _batches_in_words(self) -> str:
        if not self.samples:
            return ""
        if self.batches is None:
            return f"batch_size {self.batch_size} of {self.samples}"
        return f"{len(self.batches)} listed batch{'es' if len(self.batches) > 1 else ''} of {self.samples} samples"

    def _zero_grad_in_words(self) -> str:
        if self.zero_every == 1:
            return ""
        return f"zero_grad every {self.zero_every} steps" if self.zero_every else "no zero_grad"


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
    replaced = {key for flag in flagged for key in _REPLACES.get(flag, ())}
    filed = {key: value for key, value in filed.items() if key not in replaced}
    if (flagged.get("optimizer"), filed.get("variant")) not in VARIANTS and "optimizer" in flagged:
        filed.pop("variant", None)  # the optimizer of the flag does not have it
    samples = problem.samples or 0
    places = {key: problem.place_of(f"training.{key}") for key in filed if key not in flagged}
    refuse_contradictions({**filed, **flagged}, samples, places.get)
    chosen = _sized({**DEFAULTS, **filed, **flagged}, samples)
    options = _options(str(chosen["optimizer"]), problem.training.options, flagged_options)
    read_variant(str(chosen["optimizer"]), options, str(chosen["variant"]))
    at_a_point = "lr" not in chosen and not problem.trains and not (flagged.keys() & _OF_TRAINING or flagged_options)
    if at_a_point:
        chosen = {**chosen, "lr": None, "epochs": 1}
    if "lr" not in chosen:
        raise SettingError(f"lr is missing in {problem.source}; give it as lr = 0.01 under [training], or as --lr 0.01")
    origins = {key: "flag" if key in flagged else "file" if key in filed else "default" for key in chosen}
    origins |= {key: "flag" if key in flagged_options else "file" for key in options}
    left_out = tuple(key for key in problem.training.options if key not in options)
    dropped = problem.training.variant not in (None, NONE) and "variant" not in {**filed, **flagged}
    left_out += ("variant",) if dropped else ()
    drift = None if flags.get("drift") is None else read_as(_DRIFT, "drift", flags["drift"])
    compared = {"nodes": bool(flags.get("nodes")), "drift": drift, "first": bool(flags.get("first"))}
    until = _condition(problem, chosen["until"], "flag" if "until" in flagged else "file")
    beside = {"until": until, "watch": problem.watch, "options": options, "left_out": left_out}
    return _settings({**chosen, **compared, **beside}, samples, origins)


def _options(optimizer: str, filed: Mapping[str, Value], flagged: Mapping[str, Value]) -> Mapping[str, Value]:
    """The options that are given to the optimizer; one of a flag has to be its own."""
    for key in flagged:
        check_option(optimizer, key)
    kept = {key: value for key, value in filed.items() if key in ENTRIES[optimizer].options}
    return read_optimizer(optimizer, {**kept, **flagged}).given


def _condition(problem: Problem, text: object, origin: str) -> Node | None:
    """The condition of `until`, whose caret stands under the text itself; that of a file has been read before."""
    if text is None:
        return None
    source = "--until" if origin == "flag" else problem.source
    return condition(str(text), with_lines(problem.graph, problem.watch), Place(source, None, 1, str(text)))


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
_REPLACES: Mapping[str, tuple[str, ...]] = {  # by a flag, in the file
    "epochs": ("steps",),
    "steps": ("epochs",),
    "batches": ("batch_size", "shuffle", "drop_last"),
    "batch_size": ("batches",),
    "zero_grad": ("accumulate",),
    "accumulate": ("zero_grad",),
}
_KEYS = (
    *("optimizer", "variant", "lr", "batch_size", "drop_last", "batches", "zero_grad", "accumulate"),
    *("epochs", "steps", "shuffle", "seed", "dtype", "until", "report", "on_nonfinite"),
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


def remarks(settings: Settings) -> tuple[str, ...]:
    """What a person should know about the settings before reading the tables."""
    return (
        *_large_batch(settings),
        *_rows_left_out(settings),
        *_accumulation(settings),
        *_options_in_effect(settings),
        *_by_hand_alone(settings),
    )


def _large_batch(settings: Settings) -> list[str]:
    if not settings.samples or settings.batch_size <= settings.samples:
        return []
    sizes = f"batch_size {settings.batch_size} is larger than the {settings.samples} samples"
    return [f"{sizes}: each epoch is one batch of all of them"]


def _rows_left_out(settings: Settings) -> list[str]:
    """The samples that a listed epoch does not use, and how many drop_last leaves out."""
    if settings.batches is not None:
        used = {row for rows in settings.batches for row in rows}
        left = [str(row) for row in range(settings.samples) if row not in used]
        rows = ", ".join(left[:12]) + (", …" if len(left) > 12 else "")
        return [f"no batch has the row{'s' if len(left) > 1 else ''} {rows} of the data"] if left else []
    left_out = settings.samples % settings.batch_size if settings.drop_last and settings.samples else 0
    if not left_out:
        return []
    return [f"drop_last leaves out {left_out} of the {settings.samples} samples in each epoch"]


def _accumulation(settings: Settings) -> list[str]:
    if settings.samples and settings.accumulate > settings.batches_per_epoch:
        batches = "one batch" if settings.batches_per_epoch == 1 else f"{settings.batches_per_epoch} batches"
        return [f"an epoch has {batches}, fewer than accumulate {settings.accumulate}: one update an epoch"]
    if settings.accumulate > 1:
        until = ", fewer at the end of an epoch" if settings.samples else ""
        sums = f"the gradients of {settings.accumulate} batches add up (not their mean) for one update{until}"
        return [f"{sums}; each gradient below is the sum so far"]
    if settings.zero_every != 1:
        since = "the run began" if not settings.zero_every else "the last zero_grad"
        return [f"the gradients below are not those of one batch: each is the sum of all since {since}"]
    return []


def _options_in_effect(settings: Settings) -> list[str]:
    """An eps that is 0 in the dtype, and the options of the file that another optimizer does not have."""
    found = []
    eps = settings.rule.numbers.get("eps")
    if settings.trains and eps and eps <= Fraction(2) ** FORMATS[settings.dtype].tiny:
        found.append(f"eps {written(eps)} is 0 in {settings.dtype}: where a gradient is 0, 0/0 has no value")
    if settings.left_out:
        found.append(f"{', '.join(settings.left_out)} of the problem file: left out, no option of {settings.optimizer}")
    return found


def _by_hand_alone(settings: Settings) -> list[str]:
    """What is compared where PyTorch does not have the update."""
    if not settings.by_hand_alone or settings.rule.variant is None:
        return []
    form = f"torch.optim.{settings.optimizer} has no variant {settings.variant} ({settings.rule.variant.source})"
    return [f"{form}: the updates are those by hand, and PyTorch's gradients are taken at the parameters by hand"]
