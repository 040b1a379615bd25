"""The training settings: what each may be, for the problem file and for flags alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import Place, SettingError, suggestion
from derive.source.numerals import NotNumericError, Numeral, NumeralError, exact, shown
from derive.training.batching import read_batches
from derive.training.clipping import NORM, VALUE
from derive.training.optimizers import ENTRIES, OPTIMIZERS, OPTIONS, Optimizer, Value
from derive.training.schedulers import EVERY, SCHEDULERS
from derive.training.schedulers import OPTIONS as SCHEDULER_OPTIONS
from derive.training.variants import AND, NAMES, NONE

DTYPES = ("float32", "float64", "float16", "bfloat16")
MAX_COUNT = 10**9  # batch_size, epochs, steps; nobody waits for more steps than that
MAX_SEED = 2**63 - 1  # what torch.manual_seed takes

# What a setting is called elsewhere, for messages.
ALSO_CALLED: Mapping[str, str] = {
    **dict.fromkeys(("learning_rate", "learningrate", "eta"), "lr"),
    **dict.fromkeys(("batch", "batchsize", "minibatch", "mini_batch_size", "bs"), "batch_size"),
    **dict.fromkeys(("epoch", "num_epochs", "n_epochs", "max_epochs"), "epochs"),
    **dict.fromkeys(("step", "iterations", "num_steps", "n_steps", "max_steps", "max_iter"), "steps"),
    **dict.fromkeys(("optim", "algorithm", "method"), "optimizer"),
    **dict.fromkeys(("random_state", "random_seed", "manual_seed"), "seed"),
    **dict.fromkeys(("type", "precision"), "dtype"),
    **dict.fromkeys(("stop", "stop_when", "stop_if", "tol", "converged"), "until"),
    **dict.fromkeys(("print", "print_steps", "log_every", "reported"), "report"),
    **dict.fromkeys(("on_nan", "on_inf", "nonfinite"), "on_nonfinite"),
    **dict.fromkeys(("droplast", "drop_remainder", "drop_incomplete"), "drop_last"),
    **dict.fromkeys(("batch_sampler", "minibatches"), "batches"),
    **dict.fromkeys(("zerograd", "zero_gradients", "reset_grad"), "zero_grad"),
    **dict.fromkeys(("gradient_accumulation_steps", "accumulation_steps", "accumulate_grad_batches"), "accumulate"),
    **dict.fromkeys(("beta1", "beta2", "beta"), "betas"),
    **dict.fromkeys(("epsilon",), "eps"),
    **dict.fromkeys(("wd", "l2_penalty", "decay"), "weight_decay"),
    **dict.fromkeys(("lr_scheduler", "schedule", "lr_schedule"), "scheduler"),
    **dict.fromkeys(("clip_norm", "max_norm", "max_grad_norm", "clip_grad_norm_", "gradient_clip_val"), NORM),
    **dict.fromkeys(("clip_value", "clip_grad_value_"), VALUE),
    **dict.fromkeys(("param_groups", "parameter_groups"), "groups"),
    **dict.fromkeys(("t_max", "tmax"), "T_max"),
}

# numbers with commas between them, with or without brackets: no expression
_NUMBERS = re.compile(r"\[[^\[\]()]*\]|[^\[\]()]*,[^\[\]()]*")
_INTEGER = re.compile(r"[+-]?[0-9][0-9_]{0,40}")

WITHOUT_TRAINING = frozenset(("dtype", "seed", "report"))  # settings that ask for no training by themselves


@dataclass(frozen=True)
class Setting:
    """One setting: `read` turns a value of the file or the text of a flag into the setting's own type.

    `read` raises `NumeralError` with the end of the sentence "`lr = 'fast'` ..."; `expected` says what it takes.
    """

    expected: str
    read: Callable[[object], object]


def read_setting(key: str, value: object, place: Place | None = None) -> Any:
    """Returns the checked value of a setting or option: a Fraction, a tuple, an int, a bool or a str.

    An lr is a Fraction, a tuple of one for each epoch, or the text of an expression, for `rates.read_rate`.
    `value` is what stands in the file (int, `Numeral`, bool, str) or the text of a flag. Raises
    `SettingError` for an unknown key and for a value that is not possible.
    """
    setting = SETTINGS.get(key) or OPTION_SETTINGS.get(key) or SCHEDULER_SETTINGS.get(key)
    if setting is None:
        usual = ALSO_CALLED.get(key.lower())
        remedy = f"; did you mean {usual!r}?" if usual else suggestion(key, (*SETTINGS, *OPTIONS, *SCHEDULER_OPTIONS))
        remedy = remedy or f"; known: {', '.join(SETTINGS)}, and the options of the optimizer and the scheduler"
        raise SettingError(f"unknown setting {key!r}{remedy}", place)
    return read_as(setting, key, value, place)


def read_as(setting: Setting, key: str, value: object, place: Place | None = None) -> Any:
    """Returns the value as `setting` reads it. Raises `SettingError`, which names `key`, where it is not possible."""
    try:
        return setting.read(value)
    except NumeralError as error:
        raise SettingError(f"{key} = {shown(value)} {error}; expected {setting.expected}", place) from None


def _above_zero(value: object) -> Fraction:
    number = exact(value)
    if number <= 0:
        raise NumeralError("is not above 0")
    return _in_float64(number)


def _lr(value: object) -> Fraction:
    """An lr may be 0, as in torch.optim: the parameters stay, and what the optimizer remembers moves."""
    return _in_float64(_from_zero(value))


def _in_float64(number: Fraction) -> Fraction:
    """The number. Raises `NumeralError` where PyTorch would be given 0 in its place."""
    if number and not number.numerator / number.denominator:
        raise NumeralError("is smaller than any float64")
    return number


def _rate(value: object) -> Fraction | tuple[Fraction, ...] | str:
    """A number, a list of one for each epoch (as a flag `0.1,0.05`), or the text of an expression."""
    if isinstance(value, list | tuple):
        return _rates(value)
    try:
        return _lr(value)
    except NotNumericError:
        if not isinstance(value, str) or isinstance(value, Numeral):
            raise
    text = value.strip()
    if _NUMBERS.fullmatch(text):
        return _rates(text.strip("[]").split(","))
    return _text(text)


def _rates(entries: list[Any] | tuple[Any, ...] | list[str]) -> tuple[Fraction, ...]:
    """The lr of each epoch."""
    if not entries:
        raise NumeralError("has no numbers")
    return tuple(_part(_lr, entry) for entry in entries)


def _from_zero(value: object) -> Fraction:
    number = exact(value)
    if number < 0:
        raise NumeralError("is below 0")
    return number


def _share(value: object) -> Fraction:
    number = _from_zero(value)
    if number.numerator / number.denominator >= 1:  # as the float64 that PyTorch holds
        raise NumeralError("is not below 1")
    return number


def _inside(value: object) -> Fraction:
    number = _share(value)
    if number <= 0:
        raise NumeralError("is not above 0")
    return number


def _pair(value: object) -> tuple[Fraction, ...]:
    """Two shares: a list of a file, or a text with a comma."""
    parts = value.strip(" ()[]").split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        raise NumeralError("is not a pair of numbers")
    return tuple(_part(_share, part) for part in parts)


def _part(read: Callable[[object], Fraction], entry: object) -> Fraction:
    """An entry of a list; what is wrong with it is said of the list."""
    try:
        return read(entry.strip() if type(entry) is str else entry)
    except NumeralError as error:
        raise NumeralError(f"holds {shown(entry)}, which {error}") from None


def whole(low: int, high: int) -> Callable[[object], int]:
    """Returns a reader of integers from `low` to `high`, both included; it raises `NumeralError` for anything else."""

    def read(value: object) -> int:
        # 3.0 is refused as well: a count is written without a point
        if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
            value = int(value.strip())
        if isinstance(value, bool) or not isinstance(value, int):
            raise NumeralError("is not a whole number")
        if value < low:
            raise NumeralError(f"is below {low}")
        if value > high:
            raise NumeralError(f"is above {high:,}")
        return value

    return read


def _one_of(known: Iterable[str]) -> Callable[[object], str]:
    """A reader of one of some words."""
    words = tuple(known)

    def read(value: object) -> str:
        if isinstance(value, str) and not isinstance(value, Numeral):
            if value in words:
                return value
            raise NumeralError("is not known")
        raise NumeralError("is not a word in quotes")

    return read


def _variants(value: object) -> str:
    """One variant, or several: a list in a file, or a text with a + between them."""
    parts = value if isinstance(value, list | tuple) else value.split(AND) if isinstance(value, str) else [value]
    read = _one_of(NAMES)
    names = [read(part.strip() if type(part) is str else part) for part in parts]
    if not names:
        raise NumeralError("has no names")
    if len(names) > 1 and (NONE in names or len({*names}) < len(names)):
        raise NumeralError(f"has {NONE} beside another" if NONE in names else "has a name twice")
    return AND.join(sorted(names, key=NAMES.index))


def _true_or_false(value: object) -> bool:
    answer = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(answer, bool):
        raise NumeralError("is neither true nor false")
    return answer


def _batch_size(value: object) -> int | str:
    """A count, or "all" for all samples."""
    if isinstance(value, str) and value.strip() == "all":
        return "all"
    return whole(1, MAX_COUNT)(value)


def _zero_grad(value: object) -> bool | int:
    """True for every step, False for never, or every how many steps."""
    if isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in ("true", "false")):
        return _true_or_false(value)
    try:
        return whole(1, MAX_COUNT)(value)
    except NumeralError as error:
        raise NumeralError(f"{error}, nor true or false" if "number" in str(error) else str(error)) from None


def _text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Numeral):
        raise NumeralError("is not a text in quotes")
    if not value.strip():
        raise NumeralError("is empty")
    return value


def _steps(value: object) -> tuple[int, ...]:
    """Step numbers in increasing order: a list in a file, `1,5,10` as a flag."""
    entries = value if isinstance(value, list | tuple) else value.split(",") if isinstance(value, str) else None
    if entries is None:
        raise NumeralError("is not a list of steps")
    if not entries:
        raise NumeralError("has no steps")
    read = whole(1, MAX_COUNT)
    try:
        return tuple(sorted({read(entry) for entry in entries}))
    except NumeralError as error:
        wrong = next(entry for entry in entries if not _is_read(read, entry))
        raise NumeralError(f"holds {shown(wrong)}, which {error}") from None


def _is_read(read: Callable[[object], object], value: object) -> bool:
    try:
        read(value)
    except NumeralError:
        return False
    return True


ON_NONFINITE = ("stop", "continue")
_COUNT = Setting(f"a whole number from 1 to {MAX_COUNT:,}", whole(1, MAX_COUNT))

SETTINGS = {
    "optimizer": Setting(f"one of: {', '.join(OPTIMIZERS)}", _one_of(OPTIMIZERS)),
    "variant": Setting(f"one of: {', '.join(NAMES)}; or several, with a {AND} between them, or a list", _variants),
    "lr": Setting("a number from 0, such as 0.01, a list of one for each epoch, or an expression in t or epoch", _rate),
    "scheduler": Setting(f"one of: {', '.join(SCHEDULERS)}", _one_of(SCHEDULERS)),
    "scheduler_every": Setting(f"one of: {', '.join(EVERY)}", _one_of(EVERY)),
    NORM: Setting("a number above 0, the largest norm of all gradients together", _above_zero),
    VALUE: Setting("a number above 0, the largest absolute value of a gradient's numbers", _above_zero),
    "batch_size": Setting(f'a whole number from 1 to {MAX_COUNT:,}, or "all"', _batch_size),
    "drop_last": Setting("true or false", _true_or_false),
    "batches": Setting("lists of rows, counted from 0, such as [[0, 1, 2], [3, 4]]", read_batches),
    "zero_grad": Setting("true, false, or every how many steps (a whole number from 1)", _zero_grad),
    "accumulate": Setting("a whole number of batches for one update, from 1", whole(1, MAX_COUNT)),
    "epochs": _COUNT,
    "steps": _COUNT,
    "shuffle": Setting("true or false", _true_or_false),
    "seed": Setting(f"a whole number from 0 to {MAX_SEED:,}", whole(0, MAX_SEED)),
    "dtype": Setting(f"one of: {', '.join(DTYPES)}", _one_of(DTYPES)),
    "until": Setting('a comparison in quotes, such as "l < 1e-6"', _text),
    "report": Setting("numbers of steps, such as [1, 5, 10]; as a flag 1,5,10", _steps),
    "on_nonfinite": Setting(f"one of: {', '.join(ON_NONFINITE)}", _one_of(ON_NONFINITE)),
}

_NOT_NEGATIVE = Setting("a number from 0", _from_zero)
_BELOW_1 = Setting("a number from 0 and below 1, such as 0.9", _share)
_SWITCH = SETTINGS["shuffle"]

# What the options may be, within what torch.optim allows; which optimizer has which is in optimizers.py.
OPTION_SETTINGS = {
    "momentum": _NOT_NEGATIVE,
    "dampening": Setting("a number", exact),
    "weight_decay": _NOT_NEGATIVE,
    "nesterov": _SWITCH,
    "maximize": _SWITCH,
    "lr_decay": _NOT_NEGATIVE,
    "initial_accumulator_value": _NOT_NEGATIVE,
    "eps": _NOT_NEGATIVE,
    "alpha": _NOT_NEGATIVE,
    "centered": _SWITCH,
    "betas": Setting("two numbers from 0 and below 1, such as [0.9, 0.999]", _pair),
    "amsgrad": _SWITCH,
    "decoupled_weight_decay": _SWITCH,
    "rho": _BELOW_1,
    "momentum_decay": _NOT_NEGATIVE,
}


_INSIDE_1 = Setting("a number above 0 and below 1, such as 0.9", _inside)
_ABOVE_0 = Setting("a number above 0", _above_zero)

# What the options of a scheduler may be, within what torch.optim.lr_scheduler allows; who has which: schedulers.py.
SCHEDULER_SETTINGS = {
    "step_size": _COUNT,
    "gamma": _ABOVE_0,
    "T_max": _COUNT,
    "eta_min": _NOT_NEGATIVE,
    "max_lr": _ABOVE_0,
    "total_steps": _COUNT,
    "pct_start": _BELOW_1,
    "anneal_strategy": Setting("one of: cos, linear", _one_of(("cos", "linear"))),
    "cycle_momentum": _SWITCH,
    "base_momentum": _INSIDE_1,
    "max_momentum": _INSIDE_1,
    "div_factor": _ABOVE_0,
    "final_div_factor": _ABOVE_0,
    "three_phase": _SWITCH,
}


def check_option(name: str, key: str, place: Place | None = None) -> None:
    """Raises `SettingError` where the optimizer `name` has no option `key`."""
    if key in ENTRIES[name].options:
        return
    owners = ", ".join(entry.name for entry in ENTRIES.values() if key in entry.options)
    raise SettingError(
        f"{key} is no option of {name} but of {owners}; the options of {name} are {', '.join(ENTRIES[name].options)}",
        place,
    )


def read_optimizer(name: str, options: Mapping[str, Value], place: Place | None = None) -> Optimizer:
    """Returns the optimizer with its options, each checked already.

    Raises `SettingError` for nesterov without momentum or with dampening, as torch.optim.SGD does.
    """
    found = Optimizer(name, options)
    if found.options.get("nesterov") and not (found.options["momentum"] and not found.options["dampening"]):
        raise SettingError("nesterov needs a momentum above 0 and no dampening, as in torch.optim.SGD", place)
    return found
