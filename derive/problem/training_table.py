"""[training] of a problem file: settings, the options of the optimizer and of the scheduler, groups of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction

from derive.errors import Place, SettingError
from derive.problem.watch import text_place
from derive.source.toml_text import Document
from derive.training import schedulers
from derive.training.checked import checked
from derive.training.groups import Reading, read_groups
from derive.training.optimizers import OPTIMIZERS, OPTIONS
from derive.training.plan import Training
from derive.training.rates import Rate, read_rate
from derive.training.settings import ALSO_CALLED, check_option, read_setting

_SETTINGS = tuple(field.name for field in fields(Training) if field.name not in ("options", "schedule"))
_TRAINING = (*_SETTINGS, *OPTIONS, *schedulers.OPTIONS)
_MISNAMED = {name: f"did you mean {known!r}?" for name, known in ALSO_CALLED.items()}

# A setting that stands above the first table, and what to do about it.
MISPLACED = {
    **{name: f"it belongs under [training], as {known}" for name, known in ALSO_CALLED.items()},
    **dict.fromkeys(_TRAINING, "it belongs under [training]"),
}


@dataclass(frozen=True)
class Own:
    """What settings may refer to: names of parameters, those of them `frozen` as a whole, and constants by name.

    A constant is None where it is more than one number.
    """

    parameters: tuple[str, ...]
    constants: Mapping[str, Fraction | None]
    frozen: tuple[str, ...] = ()


def read_training(document: Document, samples: int, own: Own) -> Training:
    """Returns the settings of [training], checked each and together, and against the number of `samples` of data.

    `samples` is 0 without data. Raises `ProblemError`, mostly `SettingError`, for what is not possible.
    """
    document.refuse_unknown(_TRAINING, "training", remedies=_MISNAMED)

    def place(key: str) -> Place:
        return document.place("training", key)

    table = document.table("training")
    values = {key: read_setting(key, value, place(key)) for key, value in table.items() if key != "groups"}
    if "epochs" in values and "steps" in values:
        raise SettingError("both epochs and steps are given; keep one", place("steps"))
    options = {key: values.pop(key) for key in OPTIONS if key in values}
    schedule = {key: values.pop(key) for key in schedulers.OPTIONS if key in values}
    for key in options:
        check_option(values.get("optimizer", OPTIMIZERS[0]), key, place(key))
    if "lr" in values:
        values["lr"] = _rate(values["lr"], own, document, "training", "lr")
    how = Reading(
        own.parameters,
        own.frozen,
        lambda rate, number: _rate(rate, own, document, "training", "groups", str(number), "lr"),
        lambda number, key: document.place("training", "groups", str(number), key),
    )
    found = checked(
        values,
        options,
        schedule,
        samples,
        lambda optimizer, given: read_groups(table.get("groups", ()), optimizer, given, how),
        place,
    )
    return Training(**{**values, "groups": found.groups}, options=options, schedule=schedule)


def _rate(value: Fraction | tuple[Fraction, ...] | str, own: Own, document: Document, *path: str) -> Rate:
    """An lr; the caret of an error stands in its expression."""
    place = text_place(document, path, value) if isinstance(value, str) else document.place(*path)
    return read_rate(value, own.constants, place)
