"""[[training.groups]]: parameters with an lr and with options of their own, as the param_groups of torch.optim."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.characters import normalise
from derive.errors import Place, SettingError, suggestion
from derive.source.numerals import Numeral, shown
from derive.training.optimizers import OPTIONS, Value, written
from derive.training.rates import Rate, write_rate
from derive.training.settings import check_option, read_optimizer, read_setting

# torch.optim.Adagrad takes it from the optimizer and not from a group.
_ONE_FOR_ALL = ("initial_accumulator_value",)


@dataclass(frozen=True)
class Group:
    """Parameters that are updated with an lr (None: that of the others) and with options of their own."""

    parameters: tuple[str, ...]
    lr: Rate | None = None
    options: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        """`group b, c: lr 0.1, weight_decay 0`."""
        return f"group {', '.join(self.parameters)}: {self.of_its_own.replace(' = ', ' ')}"

    @property
    def of_its_own(self) -> str:
        """`lr = 0.1, weight_decay = 0`."""
        own = [] if self.lr is None else [f"lr = {write_rate(self.lr)}"]
        return ", ".join([*own, *(f"{name} = {written(value)}" for name, value in self.options.items())])


@dataclass(frozen=True)
class Reading:
    """What a group is read with: the names of the `parameters`, and those of them that are `frozen` as a whole.

    Both functions take the number of a group, from 1: `rate` reads its lr, `place` says where a key of it stands (""
    for the group itself).
    """

    parameters: Collection[str]
    frozen: Collection[str]
    rate: Callable[[Fraction | tuple[Fraction, ...] | str, int], Rate]
    place: Callable[[int, str], Place | None]


def read_groups(value: object, optimizer: str, common: Mapping[str, Value], how: Reading) -> tuple[Group, ...]:
    """Returns the groups of `value`, a list of tables; `common` are the options that all parameters have.

    Raises `SettingError` for tables that are not possible, and the errors of `read_rate` for their lr.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(entry, dict) for entry in value):
        expected = 'expected tables [[training.groups]] with parameters = ["b"] and what they have of their own'
        raise SettingError(f"groups = {shown(value)} is not a list of tables; {expected}", how.place(1, ""))
    groups: list[Group] = []
    for number, table in enumerate(value, start=1):
        taken = {name for group in groups for name in group.parameters}
        groups.append(_Reader(table, number, optimizer, how).group(common, taken))
    return tuple(groups)


class _Reader:
    """Reads one table."""

    def __init__(self, table: Mapping[str, object], number: int, optimizer: str, how: Reading) -> None:
        self.table = table
        self.number = number
        self.optimizer = optimizer
        self.how = how

    def error(self, message: str, key: str) -> SettingError:
        return SettingError(message, self.how.place(self.number, key))

    def group(self, common: Mapping[str, Value], taken: Collection[str]) -> Group:
        for key in self.table:
            self.refuse_unknown(key)
        parameters = self.parameters(taken)
        lr: Any = self.table.get("lr")
        if lr is not None:
            lr = self.how.rate(read_setting("lr", lr, self.how.place(self.number, "lr")), self.number)
        options = {key: self.option(key, value) for key, value in self.table.items() if key in OPTIONS}
        if lr is None and not options:
            raise self.error(f"group {self.number} has nothing of its own; expected an lr, or options", "parameters")
        read_optimizer(self.optimizer, {**common, **options}, self.how.place(self.number, "nesterov"))
        return Group(parameters, lr, options)

    def refuse_unknown(self, key: str) -> None:
        known = ("parameters", "lr", *OPTIONS)
        if key not in known:
            hint = suggestion(key, known) or "; known: parameters, lr, and the options of the optimizer"
            raise self.error(f"unknown key {shown(key)} in group {self.number}{hint}", key)

    def option(self, key: str, value: object) -> Value:
        place = self.how.place(self.number, key)
        check_option(self.optimizer, key, place)
        if key in _ONE_FOR_ALL:
            raise SettingError(f"{key} is one for all parameters, as in torch.optim; set it under [training]", place)
        found: Value = read_setting(key, value, place)
        return found

    def parameters(self, taken: Collection[str]) -> tuple[str, ...]:
        """The names of the parameters, each of which is in no other group."""
        value = self.table.get("parameters")
        example = 'expected names of parameters, such as parameters = ["b"]'
        if value is None:
            raise self.error(f"group {self.number} has no parameters; {example}", "")
        texts = [value] if isinstance(value, str) else value
        if (
            not isinstance(texts, list | tuple)
            or not texts
            or not all(isinstance(text, str) and not isinstance(text, Numeral) for text in texts)
        ):
            raise self.error(f"parameters = {shown(value)} in group {self.number}; {example}", "parameters")
        names = tuple(normalise(text) for text in texts)
        for place, name in enumerate(names):
            if name not in self.how.parameters:
                hint = suggestion(name, self.how.parameters) or f"; known: {', '.join(self.how.parameters)}"
                raise self.error(f"group {self.number}: {name!r} is no parameter{hint}", "parameters")
            if name in self.how.frozen:
                raise self.error(
                    f"group {self.number}: {name} is frozen, and never updated; leave it out", "parameters"
                )
            if name in taken or name in names[:place]:
                where = f"group {self.number} twice" if name in names[:place] else "another group too"
                raise self.error(f"{name} is in {where}; a parameter is in one group", "parameters")
        return names
