"""The calls of PyTorch that add up numbers, in a forward and backward pass. Of the training side: it imports torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from verify.summation.sums import Sum, product

SUM, MEAN, PRODUCT = "aten::sum", "aten::mean", "aten::bmm"
OVER = {"aten::sum", "aten::sum.dim_IntList", "aten::mean", "aten::mean.dim"}


@dataclass(frozen=True)
class Laid:
    """How an operand lies in memory: two with the same go the same way through a kernel."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    offset: int = 0  # of the first number from where its memory begins, as kernels go by how it is aligned

    @property
    def is_spread(self) -> bool:
        """Whether one number in memory stands for several."""
        return any(not step and many > 1 for many, step in zip(self.shape, self.strides, strict=True))

    def filled(self, values: Tensor | float) -> Tensor:
        """A tensor that lies so, with these values."""
        last = sum((many - 1) * step for many, step in zip(self.shape, self.strides, strict=True))
        memory = torch.empty(self.offset + last + 1, dtype=self.dtype)
        return memory.as_strided(self.shape, self.strides, self.offset).copy_(torch.as_tensor(values))


def laid(tensor: Tensor) -> Laid:
    """How a tensor lies."""
    return Laid(tuple(tensor.shape), tensor.stride(), tensor.dtype, int(tensor.storage_offset()))


@dataclass(frozen=True)
class Call:
    """A sum or mean over `dimensions` of one operand, or a product of matrices of two, with `threads` threads."""

    name: str
    operands: tuple[Laid, ...]
    dimensions: tuple[int, ...]
    threads: int

    @property
    def sums(self) -> Sum:
        """What it adds up."""
        if self.name == PRODUCT:
            (many, rows, terms), (_, _, columns) = (own.shape for own in self.operands)
            return product(terms, many, rows, columns)
        shape = self.operands[0].shape
        terms = math.prod(shape[place] for place in self.dimensions)
        return Sum((terms, math.prod(shape) // max(1, terms)))

    @property
    def in_a_row(self) -> bool:
        """Whether the terms stand along one dimension."""
        shape = self.operands[0].shape
        return self.name == PRODUCT or sum(shape[place] > 1 for place in self.dimensions) < 2

    def made(self, operands: Sequence[Tensor]) -> Tensor:
        """What the call gives for other numbers."""
        if self.name == PRODUCT:
            return torch.bmm(*operands)
        return (torch.sum if self.name == SUM else torch.mean)(operands[0], self.dimensions, keepdim=True)


class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the calls that add up numbers while it is entered, below autograd, which makes calls of its own."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Notes the call, and makes it."""
        name = func.name()
        if name == PRODUCT:
            self._note(PRODUCT, args[:2], ())
        elif name in OVER:
            given = args[1] if len(args) > 1 and args[1] else range(args[0].dim())
            self._note(SUM if name.startswith(SUM) else MEAN, args[:1], [place % args[0].dim() for place in given])
        return func(*args, **(kwargs or {}))

    def _note(self, name: str, operands: Sequence[Tensor], dimensions: Sequence[int]) -> None:
        lying = tuple(laid(own) for own in operands)
        self.found.append(Call(name, lying, tuple(dimensions), torch.get_num_threads()))
