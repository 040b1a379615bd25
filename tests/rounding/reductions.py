"""Sums, means, logsumexp, shared maxima and the optimizer's update: how they round."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import torch
from flint import arb
from torch import Tensor

from tests.rounding.exact import BITS
from tests.rounding.formats import FORMATS, Array, Format, nearest
from tests.rounding.points import in_format, log_uniform
from verify.numbers import precision

Cases = Iterator[tuple[Tensor, Tensor]]  # PyTorch's sums, and the terms of each along the last dimension
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 256, 500, 1000, 1023, 2048, 4096)


def terms(random: np.random.Generator, rows: int, length: int, dtype: Format, kind: int) -> Tensor:
    """Rows of numbers: normal ones, of very different sizes, or all positive."""
    if kind == 0:
        numbers = random.standard_normal((rows, length))
    elif kind == 1:
        numbers = log_uniform(random, rows * length, -8, 8).reshape(rows, length)
    else:
        numbers = random.uniform(0.5, 1, (rows, length))
    return torch.from_numpy(in_format(numbers, dtype)).to(dtype.torch)


def over_last(x: Tensor) -> Cases:
    """A sum over the last dimension; of all."""
    yield x.sum(-1), x
    yield x[:1].sum(), x[:1]


def over_first(x: Tensor) -> Cases:
    """A sum over the first dimension, whose terms lie apart in memory."""
    across = x.T.contiguous()
    yield across.sum(0), x


def over_several(x: Tensor) -> Cases:
    """A sum over the first and the last of three dimensions."""
    if x.shape[1] % 4 == 0:
        apart = x.reshape(x.shape[0], 4, -1).permute(1, 0, 2).contiguous()
        yield apart.sum((0, 2)), x


def unbroadcast(x: Tensor) -> Cases:
    """The sums that autograd makes of the gradient of an operand that was broadcast."""
    across = x.T.contiguous()
    row = torch.zeros(x.shape[0], dtype=x.dtype, requires_grad=True)
    yield torch.autograd.grad(row + torch.zeros_like(across), row, across)[0], x
    column = torch.zeros((x.shape[0], 1), dtype=x.dtype, requires_grad=True)
    yield torch.autograd.grad(column + torch.zeros_like(x), column, x)[0].reshape(-1), x
    number = torch.zeros((), dtype=x.dtype, requires_grad=True)
    yield torch.autograd.grad(number + torch.zeros_like(x), number, x)[0], x.reshape(1, -1)


def mean(x: Tensor) -> Cases:
    """A mean over the last dimension, times the count: terms x, off by the division too."""
    yield x.mean(-1), x
    yield x.T.contiguous().mean(0), x


SUMS: dict[str, Callable[[Tensor], Cases]] = {
    "sum over the last": over_last,
    "sum over the first": over_first,
    "sum over several": over_several,
    "sum of a broadcast operand": unbroadcast,
    "mean": mean,
}


def worst_sum(kind: str, dtype: Format, lengths: tuple[int, ...] = LENGTHS, rows: int = 40) -> float:
    """The largest error of sums of m terms, as a share of what is allowed.

    In float32 and float64 that is (m − 1) u Σ|terms|. In 16 bits the terms are added in float32 and the
    result is rounded once: u |result| + (m − 1) 2⁻²⁴ Σ|terms|. A mean has a division more.
    """
    random = np.random.default_rng(3)
    share = 0.0
    for length in lengths:
        for numbers in range(3):
            for result, added in SUMS[kind](terms(random, rows, length, dtype, numbers)):
                rows64 = added.to(torch.float64).numpy().reshape(-1, added.shape[-1])
                if result.dim() == 0:
                    rows64 = rows64.reshape(1, -1)
                given = result.detach().to(torch.float64).numpy().reshape(-1)
                share = max(share, _share(kind, given, rows64, dtype))
    return share


def _share(kind: str, given: Array, rows: Array, dtype: Format) -> float:
    m = rows.shape[1]
    divisor = m if kind == "mean" else 1
    # of float64 terms math.fsum rounds once: what is left of that is found by adding the rounded sum
    total = np.array([math.fsum(row) for row in rows])
    if dtype.name == "float64":
        left = np.array([math.fsum([*row, -result * divisor]) for row, result in zip(rows, given, strict=True)])
        off = np.abs(left) / divisor
    else:
        off = np.abs(given - total / divisor)
    size = np.abs(rows).sum(axis=1) / divisor
    adds = max(dtype.u if dtype.digits >= 24 else 2.0**-24, 0)
    allowed = (m - 1) * adds * size * (1 + m * adds)
    last = dtype.u * np.maximum(np.abs(total / divisor), dtype.normal)
    if dtype.digits < 24 or kind == "mean":
        allowed = allowed + last + (2.0**-24 * size if dtype.digits < 24 and kind == "mean" else 0)
    if m == 1 and dtype.digits >= 24 and kind != "mean":
        return float("inf") if (off > 0).any() else 0.0
    fits = (allowed > 0) & (np.abs(total / divisor) <= dtype.largest)
    return float(np.max(np.where(fits, off, 0) / np.where(fits, allowed, 1)))


def logsumexp_by_steps(x: Tensor) -> Tensor:
    """Logsumexp over the last dimension with every step rounded to the dtype."""
    largest = torch.amax(x, -1, keepdim=True)
    return (x - largest).exp().sum(-1).log() + largest.squeeze(-1)


def _logits(dtype: Format, lengths: tuple[int, ...] = LENGTHS) -> Iterator[Tensor]:
    """Rows of every length and several sizes."""
    random = np.random.default_rng(4)
    for length in lengths:
        for scale in (0.1, 1.0, 10.0):
            yield terms(random, 40, length, dtype, 0) * scale


def worst_logsumexp(dtype: Format, lengths: tuple[int, ...] = LENGTHS) -> float:
    """The error as a share of (m + 12 + 2 |result| + 4 log m) u, which verify/numbers allows."""
    share = 0.0
    for rows in _logits(dtype, lengths):
        x = rows[:5] if dtype.name == "float64" else rows  # balls are slow
        given, length = torch.logsumexp(x, -1).to(torch.float64).numpy(), x.shape[-1]
        exact = _logsumexp(x.to(torch.float64).numpy(), dtype)
        allowed = dtype.u * (length + 12 + 2 * np.abs(exact) + 4 * math.log(length))
        share = max(share, float(np.max(np.abs(given - exact) / allowed)))
    return share


def _logsumexp(rows: Array, dtype: Format) -> Array:
    """In float64, to some 2^-50; beside float64 itself as balls, rounded once, which is half a u of the result."""
    if dtype.name != "float64":
        largest = rows.max(axis=-1)
        return np.log(np.exp(rows - largest[:, None]).sum(axis=-1)) + largest
    with precision(BITS):
        return np.array([float(sum((arb(x).exp() for x in row), arb(0)).log().mid()) for row in rows.tolist()])


def stepwise_logsumexp(dtype: Format) -> float:
    """How many results equal those of separate steps."""
    same = [(torch.logsumexp(x, -1) == logsumexp_by_steps(x)).to(torch.float64).mean() for x in _logits(dtype)]
    return float(sum(same) / len(same))


def shared_maximum(dtype: Format, equals: int) -> float:
    """How far what each of so many equal entries gets of a gradient 1 by amax is from 1/equals, in u."""
    x = torch.ones(equals, dtype=dtype.torch, requires_grad=True)
    (share,) = torch.autograd.grad(torch.amax(x, [0]), x)
    return float(abs(Fraction(float(share[0])) * equals - 1)) / dtype.u


# How p − lr·g may be rounded: lr to float32 or the dtype; the product not at all, to float32 or the dtype.
def updates(p: Array, g: Array, lr: float, dtype: Format) -> dict[str, Array]:
    """The update in every way of rounding it, in float64 numbers of the dtype."""
    wide = FORMATS["float32"]
    ways: dict[str, Array] = {}
    for name, factor in (("lr exact", lr), ("lr to float32", in_format(np.array([lr]), wide)[0])):
        ways.update(_products(name, p, g, float(factor), dtype))
    ways.update(_products("lr to the dtype", p, g, float(in_format(np.array([lr]), dtype)[0]), dtype))
    return ways


def _products(name: str, p: Array, g: Array, lr: float, dtype: Format) -> dict[str, Array]:
    wide = FORMATS["float32"]
    if dtype.name == "float64":
        fused = [float(Fraction(a) - Fraction(lr) * Fraction(b)) for a, b in zip(p.tolist(), g.tolist(), strict=True)]
        return {f"{name}, fused": np.array(fused), f"{name}, product rounded": p - lr * g}
    ways = {
        f"{name}, fused": nearest(p - lr * g, dtype),
        f"{name}, product rounded": nearest(p - nearest(lr * g, dtype), dtype),
    }
    if dtype.digits < 24:
        ways[f"{name}, in float32, rounded once"] = nearest(nearest(p - nearest(lr * g, wide), wide), dtype)
    return ways


def sgd(p: Array, g: Array, lr: float, dtype: Format) -> Array:
    """One step of torch.optim.SGD."""
    parameter = torch.nn.Parameter(torch.tensor(p, dtype=dtype.torch))
    parameter.grad = torch.tensor(g, dtype=dtype.torch)
    torch.optim.SGD([parameter], lr=lr).step()
    return parameter.detach().to(torch.float64).numpy()


def worst_update(dtype: Format, length: int, lr: float = 0.01) -> float:
    """The error of the update as a share of what rounding lr, the product and the difference once each allows."""
    random, share = np.random.default_rng(5), Fraction(0)
    p, g = (in_format(random.standard_normal(length), dtype) for _ in range(2))
    u = Fraction(dtype.u)
    for a, b, given in zip(p.tolist(), g.tolist(), sgd(p, g, lr, dtype).tolist(), strict=True):
        step = Fraction(lr) * Fraction(b)
        allowed = 2 * u * abs(step) + u * abs(Fraction(a) - step) + 2 * u * u * abs(step)
        share = max(share, abs(Fraction(given) - Fraction(a) + step) / allowed)
    return float(share)


def ways_of_sgd(dtype: Format, length: int, lr: float = 0.01) -> str:
    """The ways of rounding that give every number of the update, for parameters of this length."""
    random = np.random.default_rng(5)
    rows = max(1, 3000 // length)
    p, g = (in_format(random.standard_normal((rows, length)), dtype) for _ in range(2))
    given = np.concatenate([sgd(a, b, lr, dtype) for a, b in zip(p, g, strict=True)])
    ways = updates(p.ravel(), g.ravel(), lr, dtype)
    same = [name for name, way in ways.items() if np.array_equal(way, given)]
    return "; ".join(same) or "mixed: vector and remainder differ"
