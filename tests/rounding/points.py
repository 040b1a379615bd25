"""The inputs at which functions are measured: every pattern of 16 bits, dense samples of 32 and 64."""

from __future__ import annotations

import math

import numpy as np

from tests.rounding.formats import FORMATS, Array, Format

STRIDE = 257  # every 257th float32: prime, so that all low bits occur
WINDOW = 512  # neighbours on each side of a special point

# Where functions have zeros, poles, edges of their range, or change their method.
SPECIAL = (
    *(0.0, 0.5, 1.0, 2.0, 10.0, math.e, math.log(2), 0.25, 0.625, 0.84375, 1.25, 2.857143, 4.0, 6.0, 9.0, 20.0),
    *(k * math.pi / 2 for k in (0.5, 1, 1.5, 2, 3, 4, 5, 7, 22, 101, 710, 10_000, 1_000_003)),
)


def edges(dtype: Format) -> tuple[float, ...]:
    """Where exp and sigmoid, and powers and products on the way to them, overflow and underflow."""
    ends = (dtype.largest, dtype.normal, dtype.normal * 2 * dtype.u)
    exponents = tuple(math.log(end) / part for end in ends for part in (1, 2))
    return (*exponents, *(end**power for end in ends for power in (-1 / 3, -1 / 2, 1 / 7, 1 / 3, 1 / 2)))


def _neighbours(values: Array, kind: type, integer: type, window: int) -> Array:
    """The numbers within `window` bit patterns of each value, of both signs."""
    bits = np.abs(values).astype(kind).view(integer).astype(np.int64)
    near = np.clip(bits[:, None] + np.arange(-window, window + 1), 0, None).astype(integer).view(kind).ravel()
    return np.concatenate([near, -near])


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def float32_patterns(start: int, stop: int, stride: int = 1) -> Array:
    """The finite float32 numbers whose bit patterns are start, start + stride and so on."""
    return _finite(np.arange(start, stop, stride, dtype=np.int64).astype(np.uint32).view(np.float32))


def float32_special() -> Array:
    """Powers of two with their neighbours, the smallest subnormals, and windows around special points."""
    special = np.array([*SPECIAL, *edges(FORMATS["float32"])])
    powers = 2.0 ** np.arange(-149, 128)
    return _finite(
        np.concatenate(
            [_neighbours(special, np.float32, np.uint32, WINDOW), _neighbours(powers, np.float32, np.uint32, 2)]
        )
    )


def sixteen_bits(dtype: Format) -> Array:
    """All finite numbers of a dtype of 16 bits, as float64."""
    bits = np.arange(2**16, dtype=np.uint16)
    values = bits.view(np.float16) if dtype.name == "float16" else (bits.astype(np.uint32) << 16).view(np.float32)
    return _finite(values).astype(np.float64)


def float64_sample(count: int, seed: int = 1) -> Array:
    """Two fifths log-uniform over all numbers, two fifths from 2^-60 to 2^10, the rest near special points."""
    random = np.random.default_rng(seed)
    part = 2 * count // 5
    anywhere = random.integers(0, 2**64, part, dtype=np.uint64).view(np.float64)
    moderate = log_uniform(random, part, -60, 10)
    special = np.array([*SPECIAL, *edges(FORMATS["float64"])])
    powers = 2.0 ** np.arange(-1074, 1024, 8)
    near = np.concatenate(
        [_neighbours(special, np.float64, np.uint64, WINDOW), _neighbours(powers, np.float64, np.uint64, 2)]
    )
    return _finite(np.concatenate([anywhere, moderate, random.choice(near, count - 2 * part)]))


def log_uniform(random: np.random.Generator, count: int, lowest: float, highest: float) -> Array:
    """Numbers of both signs whose binary logarithms are evenly spread."""
    return random.choice([-1.0, 1.0], count) * 2.0 ** random.uniform(lowest, highest, count)


def in_format(values: Array, dtype: Format) -> Array:
    """The numbers as PyTorch rounds them to the dtype, as float64."""
    import torch

    return torch.from_numpy(np.asarray(values, dtype=np.float64)).to(dtype.torch).to(torch.float64).numpy()


def pairs(dtype: Format, count: int, seed: int = 2) -> tuple[Array, Array]:
    """Two operands: anywhere; of like size, where sums cancel; with results near the ends of the range."""
    random = np.random.default_rng(seed)
    lowest, highest = dtype.lowest - dtype.digits + 1, 1 - dtype.lowest
    part = count // 3
    x, y = log_uniform(random, part, lowest, highest), log_uniform(random, part, lowest, highest)
    like = log_uniform(random, part, lowest, highest - 2)
    near = like * random.uniform(-2, 2, part)
    first = log_uniform(random, part, lowest / 2, highest / 2)
    end = random.choice([float(lowest), float(dtype.lowest), float(highest)], part) + random.uniform(-3, 3, part)
    end = end - np.log2(np.abs(first))
    upside = random.choice([-1.0, 1.0], part)  # for quotients, and for products
    with np.errstate(all="ignore"):
        second = random.choice([-1.0, 1.0], part) * 2.0 ** (upside * end)
        x, y = np.concatenate([x, like, first]), np.concatenate([y, near, second])
        x, y = in_format(x, dtype), in_format(y, dtype)
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept]
