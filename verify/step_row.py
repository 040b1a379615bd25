"""One step as a person writes it in a table; of its many numbers no more are made than are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import prod

import numpy as np

from derive.run.batches import Batch
from verify.compare.check import Check
from verify.compare.compared import StepComparison
from verify.compare.comparison import Comparison, Place
from verify.names import Name, quantity

SHOWN = 10  # numbers of a quantity in a table that cannot show them all


class Checks(Mapping[str, Check]):
    """The checks of a step by name (`l`, `dl/dw`, `W[2,1]`, `w.v`), in the order of `columns`.

    Each is made when it is asked for: a matrix of 1000 × 1000 has a million, of which a table shows ten.
    """

    def __init__(self, comparison: Comparison, step: StepComparison, columns: Sequence[str]) -> None:
        self._comparison, self._step = comparison, step
        self._made: dict[str, Check] = {}
        self._arrays: dict[str, list[Name]] = {name: [] for name in columns}
        for name in step.numbers:
            called = quantity(name, comparison.loss, comparison.nodes)
            if called in self._arrays:
                self._arrays[called].append(name)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many numbers each quantity has, of those that the step has."""
        return {
            called: sum(prod(self._shape(name)) for name in names) for called, names in self._arrays.items() if names
        }

    def first(self, count: int) -> Mapping[str, Check]:
        """The first `count` checks of each quantity, by name; all where it has no more."""
        chosen = (place for called in self._arrays for place in islice(self._places(called), count))
        made = {self._comparison.called(self._step, *place): place for place in chosen}
        return {name: self._at(name, place) for name, place in made.items()}

    def __getitem__(self, name: str) -> Check:
        found = self._made.get(name) or self._few.get(name)  # what is shown of many, before all of them are named
        return found or self._at(name, self._named[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    @cached_property
    def _named(self) -> Mapping[str, tuple[Name, Place]]:
        """Where each number stands, by its name."""
        every = (place for called in self._arrays for place in self._places(called))
        return {self._comparison.called(self._step, *place): place for place in every}

    @cached_property
    def _few(self) -> Mapping[str, Check]:
        return self.first(SHOWN)

    def _places(self, called: str) -> Iterator[tuple[Name, Place]]:
        return ((name, place) for name in self._arrays[called] for place in np.ndindex(self._shape(name)))

    def _shape(self, name: Name) -> tuple[int, ...]:
        return self._step.numbers[name].autograd.shape

    def _at(self, called: str, place: tuple[Name, Place]) -> Check:
        if called not in self._made:
            self._made[called] = self._comparison.check(self._step, *place)
        return self._made[called]


@dataclass(frozen=True)
class StepRow:
    """One step as a person writes it in a table: its batch and its checks by name."""

    batch: Batch
    checks: Checks
