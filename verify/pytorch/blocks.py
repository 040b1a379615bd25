"""The record of a run, written into rows of arrays that are made once. Of the training side: it imports torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive.run.batches import Batch
from verify.record import GROUPS, Block, StepRecord, Steps

LENGTH = 1_024  # steps of a block, at most
NUMBERS = 2**22  # of one array of a block, where a step has fewer


class _Array:
    """One array of a block: a row for each step."""

    def __init__(self, length: int, like: Tensor | NDArray[Any]) -> None:
        """Rows for numbers like these, no more than `length`, of a type that holds them exactly."""
        rows = max(1, min(length, NUMBERS // max(1, math.prod(like.shape))))
        is_wide = not isinstance(like, Tensor) or like.dtype in (torch.float64, torch.int64)
        self.numbers: NDArray[Any] = np.empty((rows, *like.shape), dtype=np.float64 if is_wide else np.float32)
        self.converts = isinstance(like, Tensor) and like.dtype in (torch.bfloat16, torch.float16)
        self.written = 0

    def take(self, place: int, values: Tensor | NDArray[Any]) -> None:
        """Copies the numbers of a step into its row; without dimensions as a Python number, which is faster."""
        self.written += 1
        if not isinstance(values, Tensor):
            self.numbers[place] = values
        elif values.dim():
            self.numbers[place] = (values.to(torch.float32) if self.converts else values.detach()).numpy()
        else:
            self.numbers[place] = values.item()


@dataclass
class _Open:
    """A block that is being written, of no more than `length` steps."""

    length: int
    fits: bool
    batches: list[Batch] = field(default_factory=list)
    arrays: dict[tuple[str, str], _Array] = field(default_factory=dict)

    def closed(self) -> Block:
        """The block of the steps so far."""
        groups: dict[str, dict[str, NDArray[Any]]] = {group: {} for group in GROUPS}
        for (group, name), array in self.arrays.items():
            assert array.written >= len(self.batches)  # else rows would hold what was in memory before
            groups.setdefault(group, {})[name] = array.numbers[: len(self.batches)]
        loss = groups.pop("loss")[""]
        return Block(tuple(self.batches), loss=loss, fits=self.fits, **groups)

    def last(self) -> StepRecord:
        """The last step, with what has been written of it so far."""
        place = len(self.batches) - 1
        groups: dict[str, dict[str, NDArray[Any]]] = {group: {} for group in GROUPS}
        for (group, name), array in self.arrays.items():
            if array.written > place:
                groups.setdefault(group, {})[name] = np.array(array.numbers[place], dtype=np.float64)
        return StepRecord(self.batches[-1], loss=groups.pop("loss")[""], fits=self.fits, **groups)


class Blocks:
    """The steps of a run, or of a piece of one, as they are written."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.blocks: list[_Open] = []
        self.current: dict[tuple[int, bool, bool, bool], int] = {}
        self.places: list[tuple[int, int]] = []
        self.finite = 0  # of so many steps it is known whether their numbers are finite
        self._row: tuple[_Open, int] | None = None

    def __len__(self) -> int:
        return len(self.places)

    def begin(self, batch: Batch, fits: bool = True) -> None:
        """Begins the row of the next step."""
        kind = (batch.n, batch.adds, batch.updates, fits)
        number = self.current.get(kind)
        if number is None or len(self.blocks[number].batches) >= self.blocks[number].length:
            number = self.current[kind] = len(self.blocks)
            self.blocks.append(_Open(self.length, fits))
        block = self.blocks[number]
        self.places.append((number, len(block.batches)))
        self._row = block, len(block.batches)
        block.batches.append(batch)

    def write(self, group: str, values: Mapping[str, Tensor | NDArray[Any]]) -> None:
        """Copies numbers of a group of `StepRecord` into the row; within torch.no_grad, as autograd follows a copy."""
        assert self._row is not None  # a step has begun
        block, place = self._row
        for name, own in values.items():
            array = block.arrays.get((group, name))
            if array is None:
                array = block.arrays[group, name] = _Array(block.length, own)
                block.length = min(block.length, len(array.numbers))
            array.take(place, own)

    def steps(self) -> Steps:
        """The steps so far."""
        places = np.array(self.places, dtype=np.intp).reshape(-1, 2)
        return Steps([block.closed() for block in self.blocks], places)

    def last(self) -> StepRecord:
        """The record of the last step, with what has been written of it so far."""
        assert self._row is not None  # a step has begun
        return self._row[0].last()

    def end_at_nonfinite(self) -> bool:
        """Whether a step has a number that is not finite; the steps after the first such are dropped."""
        unseen = self.places[self.finite :]
        firsts: dict[int, int] = {}
        for number, place in unseen:
            firsts.setdefault(number, place)
        finite = {}
        for number, first in firsts.items():
            block = self.blocks[number].closed()
            finite[number] = block.part(first, len(block)).finite
        each = [bool(finite[number][place - firsts[number]]) for number, place in unseen]
        self.finite += each.index(False) + 1 if not all(each) else len(each)
        self.drop(self.finite)
        return not all(each)

    def drop(self, kept: int) -> None:
        """Keeps the first steps alone, so many as `kept` says."""
        for number, _ in self.places[kept:]:
            self.blocks[number].batches.pop()
        del self.places[kept:]
        self.blocks = [block for block in self.blocks if block.batches]  # those without a step came last
