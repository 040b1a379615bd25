"""The floating-point formats, what they round to, and how far a computed number is off in their units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Format:
    """A binary dtype: u = 2^-digits is half an ulp of 1, 2^lowest the smallest normal number."""

    name: str
    digits: int
    lowest: int
    torch: torch.dtype

    @property
    def u(self) -> float:
        """The unit of every error here."""
        return 2.0**-self.digits

    @property
    def normal(self) -> float:
        """The smallest number that is held with all digits."""
        return 2.0**self.lowest

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return math.ldexp(2 - 2.0 ** (1 - self.digits), 1 - self.lowest)


FORMATS = {
    dtype.name: dtype
    for dtype in (
        Format("float32", 24, -126, torch.float32),
        Format("float64", 53, -1022, torch.float64),
        Format("float16", 11, -14, torch.float16),
        Format("bfloat16", 8, -126, torch.bfloat16),
    )
}


def nearest(exact: Array, dtype: Format) -> Array:
    """Float64 numbers rounded once to a narrower dtype: to nearest, ties to even, subnormals, inf.

    Of float32 operands + − × ÷ √ can be taken in float64 first: 53 ≥ 2·24 + 2 digits make the second
    rounding innocuous (S. A. Figueroa, When is double rounding innocuous?, SIGNUM Newsletter 30, 1995).
    """
    with np.errstate(all="ignore"):
        exponent = np.maximum(np.frexp(exact)[1], dtype.lowest + 1)
        quantum = np.ldexp(1.0, exponent - dtype.digits)
        rounded = np.where(np.isfinite(exact), np.rint(exact / quantum) * quantum, exact)
        return np.where(np.abs(rounded) > dtype.largest, np.copysign(np.inf, rounded), rounded)


# So close to the largest number, relatively, PyTorch's vectorised float64 pow gives inf already: it takes the logarithm
# of the result for too large when it is within an ulp of the largest number's. Seen: 1.23e-13.
EARLY = 2.0**-42


@dataclass(frozen=True)
class Exact:
    """Exact results: the nearby float64 `near`, and the `rest` in units u of `Format` float64.

    Beside float32 and narrower formats, float64 is exact enough and `rest` is left out.
    """

    near: Array
    rest: Array | None = None

    def __getitem__(self, places: Any) -> Exact:
        return Exact(self.near[places], None if self.rest is None else self.rest[places])


@dataclass(frozen=True)
class Worst:
    """The largest errors seen: of normal results in u, relative; of results below, in half their spacing.

    `at` is where. `wrong`: how many results were inf or nan that should not be, with one of them.
    """

    normal: float = 0.0
    at: str = ""
    subnormal: float = 0.0
    subnormal_at: str = ""
    wrong: int = 0
    wrong_at: str = ""

    def joined(self, other: Worst) -> Worst:
        """The worse of two."""
        normal = (self.normal, self.at) if self.normal >= other.normal else (other.normal, other.at)
        below = (self.subnormal, self.subnormal_at), (other.subnormal, other.subnormal_at)
        return Worst(*normal, *max(below), self.wrong + other.wrong, self.wrong_at or other.wrong_at)


def units(computed: Array, exact: Exact, dtype: Format) -> Array:
    """How far each computed number is off, in u of the exact one, or of the smallest normal number below that."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(exact.near), dtype.normal)
        off = (computed - exact.near) / scale / dtype.u
        return np.abs(off if exact.rest is None else off - exact.rest)


def worst(computed: Array, exact: Exact, dtype: Format, *inputs: Array) -> Worst:
    """The largest errors, and the inputs they were seen at. What overflows or has no value does not count."""
    with np.errstate(all="ignore"):
        counts = np.abs(exact.near) <= dtype.largest
        below = np.abs(exact.near) < dtype.normal
        off = np.where(counts, units(computed, exact, dtype), 0.0)
        early = np.isinf(computed) & (np.abs(exact.near) >= dtype.largest * (1 - EARLY))
    wrong = ~np.isfinite(off) & ~early
    off = np.where(np.isfinite(off), off, 0.0)

    def place(where: Array) -> str:
        return ", ".join(repr(float(column[where])) for column in inputs)

    def largest(off: Array) -> tuple[float, str]:
        where = np.argmax(off)
        return (float(off[where]), place(where)) if off[where] > 0 else (0.0, "")

    wrong_at = place(np.argmax(wrong)) if wrong.any() else ""
    return Worst(*largest(np.where(below, 0, off)), *largest(np.where(below, off, 0)), int(wrong.sum()), wrong_at)
