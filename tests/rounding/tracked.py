"""Numbers with the largest error that rounding after each operation can give them (a running error analysis).

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

import numpy as np

from tests.rounding.formats import Array, Format

Operand = Union["Tracked", float]


@dataclass(frozen=True)
class Tracked:
    """Values, and how far off they can be."""

    value: Array
    radius: Array
    dtype: Format

    def rounded(self, units: float = 1) -> Tracked:
        """After one more error of `units` u; below the normal numbers it is as large as there."""
        size = np.abs(self.value) + self.radius
        return Tracked(self.value, self.radius + units * self.dtype.u * np.maximum(size, self.dtype.normal), self.dtype)

    def _other(self, other: Operand) -> Tracked:
        return other if isinstance(other, Tracked) else Tracked(np.float64(other), np.float64(0), self.dtype)

    def __add__(self, other: Operand) -> Tracked:
        other = self._other(other)
        return Tracked(self.value + other.value, self.radius + other.radius, self.dtype).rounded()

    __radd__ = __add__

    def __neg__(self) -> Tracked:
        return Tracked(-self.value, self.radius, self.dtype)

    def __sub__(self, other: Operand) -> Tracked:
        return self + -self._other(other)

    def __rsub__(self, other: Operand) -> Tracked:
        return self._other(other) - self

    def __mul__(self, other: Operand) -> Tracked:
        other = self._other(other)
        spread = np.abs(self.value) * other.radius + self.radius * (np.abs(other.value) + other.radius)
        return Tracked(self.value * other.value, spread, self.dtype).rounded()

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Tracked:
        other = self._other(other)
        quotient = self.value / other.value
        spread = (self.radius + np.abs(quotient) * other.radius) / (np.abs(other.value) - other.radius)
        return Tracked(quotient, spread, self.dtype).rounded()

    def __rtruediv__(self, other: Operand) -> Tracked:
        return self._other(other) / self

    def function(self, value: Array, slope: Array, units: float) -> Tracked:
        """A function with that value and at most that slope, which adds an error of `units` u."""
        return Tracked(value, slope * self.radius, self.dtype).rounded(units)

    def exp(self) -> Tracked:
        """e^x, within 4 u."""
        value = np.exp(self.value)
        return self.function(value, value * np.exp(self.radius), 4)

    def sin(self) -> Tracked:
        """Sin x, within 4 u."""
        return self.function(np.sin(self.value), np.float64(1), 4)

    def cos(self) -> Tracked:
        """Cos x, within 4 u."""
        return self.function(np.cos(self.value), np.float64(1), 4)


def exactly(values: Array, dtype: Format) -> Tracked:
    """Inputs, which are as they are."""
    return Tracked(values, np.zeros(len(values)), dtype)
