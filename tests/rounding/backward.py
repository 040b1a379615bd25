"""The derivatives that autograd calculates, against their formulas at the numbers that the kernel gets.

The formulas are those of PyTorch's derivatives.yaml. tanh and sigmoid have kernels of their own,
tanh_backward and sigmoid_backward; the others are composed of tensor operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from flint import arb

from tests.rounding.exact import BITS, split
from tests.rounding.formats import Array, Exact, Format, units
from tests.rounding.kernels import laid_out, torch_function
from tests.rounding.tracked import Tracked, exactly
from verify.numbers import precision


@dataclass(frozen=True)
class At:
    """The gradient g from above, the input x and the output y, as PyTorch rounded them, in some kind of number."""

    g: Any
    x: Any
    y: Any
    constant: Callable[[str], Any]


FORMULAS: dict[str, Callable[[At], Any]] = {
    "tanh_backward": lambda at: at.g * (1 - at.y * at.y),
    "sigmoid_backward": lambda at: at.g * (1 - at.y) * at.y,
    "exp": lambda at: at.g * at.y,
    "log": lambda at: at.g / at.x,
    "sqrt": lambda at: at.g / (2 * at.y),
    "sin": lambda at: at.g * function(at.x, "cos"),
    "cos": lambda at: at.g * -function(at.x, "sin"),
    "tan": lambda at: at.g * (1 + at.y * at.y),
    "log1p": lambda at: at.g / (at.x + 1),
    "expm1": lambda at: at.g * (at.y + 1),
    "erf": lambda at: at.constant("erf") * function(-(at.x * at.x), "exp") * at.g,
    "log2": lambda at: at.g / (at.x * at.constant("log2")),
    "log10": lambda at: at.g / (at.x * at.constant("log10")),
    "pow:2": lambda at: at.g * (2 * at.x),
    "pow:3": lambda at: at.g * (3 * (at.x * at.x)),
    "pow:-1": lambda at: at.g * (-1 * (1 / (at.x * at.x))),
}
CONSTANTS: dict[str, Callable[[], arb]] = {
    "erf": lambda: 2 / arb.pi().sqrt(),
    "log2": lambda: arb(2).log(),
    "log10": lambda: arb(10).log(),
}


def function(value: Any, name: str) -> Any:
    """A function by its name, of arrays of floats or balls or of tracked numbers."""
    return getattr(value, name)() if isinstance(value, Tracked) else getattr(np, name)(value)


def forward_name(name: str) -> str:
    """The operation whose derivative it is."""
    return name.removesuffix("_backward")


def backward(name: str, x: Array, g: Array, dtype: Format) -> tuple[Array, Array]:
    """The output and the gradient with respect to the input, by autograd."""
    leaf = laid_out(x, dtype).requires_grad_()
    y = torch_function(forward_name(name))(leaf)
    (gradient,) = torch.autograd.grad(y, leaf, laid_out(g, dtype))
    return y.detach().to(torch.float64).numpy(), gradient.to(torch.float64).numpy()


def share_of_allowed(name: str, x: Array, g: Array, dtype: Format) -> tuple[Array, Array]:
    """The error in u of the exact derivative, and as a share of what rounding each operation allows."""
    y, gradient = backward(name, x, g, dtype)
    formula = FORMULAS[name]
    with np.errstate(all="ignore"), precision(BITS):
        tracked = formula(At(*(exactly(values, dtype) for values in (g, x, y)), _tracked_constant(dtype)))
        if dtype.name == "float64":
            balls = formula(At(*map(_balls, (g, x, y)), lambda op: CONSTANTS[op]()))
            exact = split(balls.tolist())
        else:
            exact = Exact(formula(At(g, x, y, lambda op: float(CONSTANTS[op]().mid()))))
        off = units(gradient, exact, dtype)
        allowed = tracked.radius / np.maximum(np.abs(exact.near), dtype.normal) / dtype.u
        valid = (
            (np.abs(exact.near) <= dtype.largest)
            & (np.abs(exact.near) >= dtype.normal)
            & np.isfinite(tracked.radius)
            & np.isfinite(y)
        )
    return np.where(valid, off, 0), np.where(valid, off, 0) / np.where(valid, allowed, 1)


def _tracked_constant(dtype: Format) -> Callable[[str], Tracked]:
    return lambda op: exactly(np.array([float(CONSTANTS[op]().mid())]), dtype).rounded()


def _balls(values: Array) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = [arb(value) for value in values.tolist()]
    return array
