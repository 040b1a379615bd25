"""The binary floating-point formats of PyTorch, by what rounding in them can do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Format:
    """A binary floating-point format, by its unit roundoff u and the ends of its range.

    PyTorch calculates in the format `inner`, which is another one for the 16-bit formats: each operation
    and each sum is made in float32 and its result is rounded once.
    """

    name: str
    unit: int  # u = 2^unit: half an ulp of 1
    tiny: int  # 2^tiny: half the smallest subnormal, the largest error of a result that underflows
    normal: int  # 2^normal: the smallest number that is held with all digits
    largest: float
    inner: Format | None = None

    @property
    def accumulator(self) -> int:
        """The exponent of the unit roundoff in which sums are gathered."""
        return self.inner.unit if self.inner else self.unit

    @property
    def flushes(self) -> bool:
        """Whether products of matrices may read and write numbers below the normal ones as 0.

        Instructions for bfloat16 do (VDPBF16PS of AVX512_BF16, AMX), wherever a processor has them: "DAZ and FTZ", as
        Intel's manual of instructions says.
        """
        return self.inner is not None and self.inner.normal == self.normal

    def units(self, units: int, composed: bool = False) -> float:
        """The relative error, in units u, of an operation that is off by `units` u in the format it is calculated in.

        A 16-bit result is rounded once more: 1 u, and 1 inner u for the rounding of what was already off. One
        that is `composed` of several operations (1/(x·x)) is rounded after each.
        """
        if composed:
            return float(units)
        return (1.0 + (units + 1) * 2.0 ** (self.inner.unit - self.unit)) if self.inner and units else float(units)

    def held(self, values: Floats) -> Truth:
        """For each number whether the format holds it exactly."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self.name == "float64":
                return np.isfinite(values)
            kept = values.astype(np.float16 if self.name == "float16" else np.float32)
            same = np.isfinite(kept) & (kept.astype(np.float64) == values)
            if self.name == "bfloat16":  # the upper half of a float32
                same &= (kept.view(np.uint32) & 0xFFFF) == 0
            return np.asarray(same)

    def has_digits(self, value: float, digits: int) -> bool:
        """Whether a number of so many significant digits is surely the rounded one of a number of the format.

        `value` is the float64 nearest to it, or NaN beyond the range. Half a unit of the last digit is at least
        10^-digits / 2 of the number, and the nearest normal number of the format is no farther off than u of it; that
        holds as well where only the float64 lies in the range, by half of its own last bit. False says nothing.
        """
        if not 0 < digits < 20 or 10**digits > 2 ** (-self.unit - 1):
            return False
        return 2.0**self.normal <= abs(value) <= self.largest

    def nearest(self, value: Fraction) -> Fraction | None:
        """The number of the format that is nearest to `value`; None beyond the range."""
        size = abs(value)
        if not size:
            return value
        exponent = size.numerator.bit_length() - size.denominator.bit_length()
        exponent -= Fraction(2) ** exponent > size  # 2^exponent ≤ size < 2^(exponent + 1)
        spacing = Fraction(2) ** (max(exponent, self.normal) + self.unit + 1)
        found = round(value / spacing) * spacing
        return found if abs(found) <= self.largest else None

    def ulp(self, values: Floats) -> Floats:
        """One unit in the last place at each number; NaN beyond the range."""
        size = np.abs(np.asarray(values, dtype=np.float64))
        _, exponent = np.frexp(size)
        exponent = np.maximum(np.where(size > 0, exponent, self.normal), self.normal + 1)
        return np.where(size <= self.largest, np.ldexp(1.0, exponent + self.unit), np.nan)


_FLOAT32 = Format("float32", -24, -150, -126, float(np.finfo(np.float32).max))
_TABLE = (
    _FLOAT32,
    Format("float64", -53, -1075, -1022, float(np.finfo(np.float64).max)),
    Format("float16", -11, -25, -14, 65504.0, inner=_FLOAT32),
    Format("bfloat16", -8, -134, -126, (2 - 2.0**-7) * 2.0**127, inner=_FLOAT32),
)

FORMATS = {found.name: found for found in _TABLE}


def log_sum_exp_units(count: int, result: Floats, gathered: float = 1.0) -> Floats:
    """The error of max + log Σ exp(x − max), in units u; a sum is gathered in units of `gathered` u.

    Each exponential is off by the 4 u of exp and by |x − max| u of its argument; weighted with
    the exponentials themselves, |x − max| is at most log m on average. log turns what the sum of m terms is
    off relatively into as much absolutely, and is off by 4 u of itself; the last addition rounds the
    result. Twice that covers what is of second order.
    """
    return np.asarray(2 * (4 + 5 * math.log(count) + np.abs(result)) + gathered * count)
