"""A problem file and its settings, as numbers, lines and batches."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tests.oracle.notation import Line, line, parsed
from tests.oracle.schedulers import real

Array = Any  # of Real
Values = dict[str, Array]


class Problem:
    """A problem, and the settings that stand in place of those of its file.

    `drawn` are the numbers that PyTorch drew for parameters, nested lists of fractions; `orders` the rows of each
    epoch that it drew.
    """

    def __init__(
        self,
        text: str,
        settings: Mapping[str, Any],
        drawn: Mapping[str, Any] | None = None,
        orders: Sequence[Sequence[int]] | None = None,
    ) -> None:
        document = tomllib.loads(text, parse_float=Fraction)
        equations = document["equations"]
        listed = equations if isinstance(equations, list) else equations.splitlines()
        lines = [line(text.partition("#")[0]) for text in listed if text.partition("#")[0].strip()]
        self.lines = {found.name: found for found in lines}
        self.loss = document.get("loss", _end(lines))
        self.parameters = {
            name: array_of(value, (drawn or {}).get(name)) for name, value in _table(document, "parameters")
        }
        self.constants = {name: array_of(value) for name, value in _table(document, "constants")}
        self.data = {name: array_of(value) for name, value in _table(document, "data")}
        self.predict = {name: array_of(value) for name, value in _table(document, "predict")}
        self.watch = [Line(name, None, parsed(text)) for name, text in _table(document, "watch")]
        self.report = [Line(name, None, parsed(text)) for name, text in _table(document, "report")]
        seed = document.get("seed_gradient")
        self.seed = None if seed is None else array_of(seed)
        self.frozen = [text.replace(" ", "") for text in document.get("frozen", [])]
        self.settings = {**document.get("training", {}), **settings}
        self.trains = "lr" in self.settings or "max_lr" in self.settings
        self.samples = len(next(iter(self.data.values()))) if self.data else 0
        self.orders = orders
        self.groups = self._groups()

    def _groups(self) -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
        """The parameters of each group with its settings: first those that are in none and are trained."""
        listed = [(tuple(group["parameters"]), group) for group in self.settings.get("groups", [])]
        taken = {name for names, _ in listed for name in names}
        rest = tuple(name for name in self.parameters if name not in taken and name not in self.frozen)
        return [*([(rest, {})] if rest or not listed else []), *listed]

    def batches(self) -> Iterator[tuple[int, int, tuple[int, ...], bool]]:
        """Epoch, batch, rows, and whether it ends its epoch, without an end."""
        size = self.settings.get("batch_size", "all")
        size = self.samples if size == "all" else int(size)
        epoch = 0
        while True:
            order = range(self.samples) if self.orders is None else self.orders[epoch]
            epoch += 1
            listed = self.settings.get("batches")
            if not self.samples:
                listed = [()]
            elif listed is None:
                listed = [tuple(order[k : k + size]) for k in range(0, self.samples, size)]
                if self.settings.get("drop_last") and len(listed[-1]) < size:
                    listed.pop()
            for k, rows in enumerate(listed, start=1):
                yield epoch, k, tuple(rows), bool(self.samples) and k == len(listed)


def _end(lines: Sequence[Line]) -> str:
    """The line that is the loss: the last one, or where others read that, the only one that no other reads."""
    read = {part.id for own in lines for part in ast.walk(own.right) if isinstance(part, ast.Name)}
    ends = [own.name for own in lines if own.name not in read]
    return ends[0] if lines[-1].name in read and len(ends) == 1 else lines[-1].name


def _table(document: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    yield from document.get(key, {}).items()


def array_of(value: Any, drawn: Any = None) -> Array:
    """Nested lists as an array of numbers."""
    if isinstance(value, dict):
        value = drawn
    if isinstance(value, list):
        parts = [array_of(part) for part in value]
        array = np.empty((len(parts), *parts[0].shape), dtype=object)
        for place, part in enumerate(parts):
            array[place] = part if part.ndim else part.item()
        return array
    array = np.empty((), dtype=object)
    array[()] = real(value)
    return array


def mapped(function: Any, array: Any) -> Any:
    found = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        found[place] = function(array[place])
    return found
