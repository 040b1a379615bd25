"""How PyTorch's and NumPy's functions are called: long arrays, with steps, and every short length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from derive.algebra.operations import OPERATIONS
from tests.rounding.formats import Array, Format

Kernel = Callable[..., Array]  # float64 arrays of numbers of the dtype → float64 array of its results

LENGTHS = (1, 3, 7, 8, 15, 16, 17, 33, 64, 1000)  # below, at and above the vectors' lengths
LAYOUTS = ("long", "strided", "short")
POWERS = (2, 3, 7, -1, -2, -3, 0.5, -0.5, 1.5, 2.5, 1 / 3)  # as verify/pytorch/run.py hands them to torch.pow


def torch_function(op: str) -> Callable[..., Tensor]:
    """The operation as verify/pytorch/run.py calls it; `pow:2.5` is a power with that number as exponent."""
    if op.startswith("pow:"):
        exponent = float(op.removeprefix("pow:"))
        plain = int(exponent) if exponent.is_integer() else exponent
        return lambda x: torch.pow(x, plain)
    name = OPERATIONS[op].torch
    assert name is not None, op
    if op == "where":
        return lambda x, y, z: torch.where(x > 0, y, z)
    found: Callable[..., Tensor] = getattr(torch, name)
    return found


def torch_kernel(op: str, dtype: Format) -> Kernel:
    """PyTorch's function on arrays."""
    function = torch_function(op)

    def kernel(*columns: Array) -> Array:
        results = function(*(laid_out(column, dtype) for column in columns))
        return results.to(torch.float64).numpy()

    return kernel


def laid_out(column: Array, dtype: Format) -> Tensor:
    """The numbers as a tensor of the dtype; what has steps in memory keeps them."""
    spread = column.strides[0] // column.itemsize
    if spread <= 1:
        return torch.from_numpy(np.ascontiguousarray(column)).to(dtype.torch)
    tensor = torch.empty(len(column) * spread, dtype=dtype.torch)[::spread]
    return tensor.copy_(torch.from_numpy(np.ascontiguousarray(column)))


def numpy_kernel(op: str) -> Kernel:
    """NumPy's float64 function, or the one of Python's math that stands in for it."""
    name = OPERATIONS[op].numpy
    assert name is not None, op
    if op == "where":
        return lambda x, y, z: np.where(x > 0, y, z)
    found = getattr(np, name, None) or np.vectorize(getattr(math, name), otypes=[float])

    def kernel(*columns: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(found(*columns), dtype=np.float64)

    return kernel


def by_layout(kernel: Kernel, columns: tuple[Array, ...], few: int) -> Iterator[tuple[str, Array, Array]]:
    """The layout, which of the inputs it took, and the results."""
    every = np.arange(len(columns[0]))
    yield "long", every, kernel(*columns)
    yield "strided", every, kernel(*(np.repeat(column, 3)[::3] for column in columns))
    places, results = [], []
    for length in LENGTHS:
        chosen = every[:: max(1, len(every) // (few * min(length, 8)))]
        for start in range(0, len(chosen), length):
            piece = chosen[start : start + length]
            places.append(piece)
            results.append(kernel(*(column[piece] for column in columns)))
    yield "short", np.concatenate(places), np.concatenate(results)
