"""Functions on enclosures: how far f(x) can be from f(mid) where x is at most rad away from mid.

Each bound holds for exact numbers, by the monotonicity of f or by its derivative's largest value
between; what float64 rounds in it is covered by `midpoint_radius.UP`. NaN where f may have no value there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from derive.algebra.operations import OPERATIONS
from verify.numbers.formats import Floats

Spread = Callable[[Floats, Floats, Floats], Floats]

_NEAR_1 = 1 - 2.0**-8  # log(1 − q) loses its digits above
_LOST = 2.0**-900  # below, a power may have underflowed


@dataclass(frozen=True)
class Function:
    """A function by its `spread(mid, rad, value)`; at `point` its value is rational, and NumPy's is exact."""

    spread: Spread
    point: float | None = None
    units: int = 0  # what a function that NumPy lacks is off by here, in units of 2⁻⁵³; else the table says


def _ratio(rad: Floats, mid: Floats) -> Floats:
    """rad/mid, for a mid above 0 that rad does not reach; else NaN."""
    ratio = rad / mid
    return np.where((mid > 0) & (ratio < _NEAR_1), ratio, np.nan)


def _nearest_to_0(mid: Floats, rad: Floats) -> Floats:
    return np.maximum(np.abs(mid) - rad, 0.0)


def _sqrt(mid: Floats, rad: Floats, value: Floats) -> Floats:
    # √m − √(m − r) = r / (√m + √(m − r))
    return np.where(mid > rad, rad / (value + np.sqrt(np.maximum(mid - rad, 0.0))), np.nan)


def _tan(mid: Floats, rad: Floats, value: Floats) -> Floats:  # noqa: ARG001
    # |tan(m + r) − tan m| = |sin r| / |cos m cos(m + r)|
    cosine = np.abs(np.cos(mid))
    return np.where(rad < cosine / 2, rad / (cosine * (cosine - rad)), np.nan)


def _sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1 + small))


def _sigmoid_spread(mid: Floats, rad: Floats, value: Floats) -> Floats:  # noqa: ARG001
    small = np.exp(-_nearest_to_0(mid, rad))
    return np.asarray(rad * small / (1 + small) ** 2)


_EXP = OPERATIONS["exp"].numpy_rounding or 0

FUNCTIONS = {
    "exp": Function(lambda m, r, f: np.where(f < _LOST, 2 * np.exp(m + r), f * np.expm1(r)), 0.0),
    "expm1": Function(lambda m, r, f: np.exp(m) * np.expm1(r), 0.0),  # noqa: ARG005
    "log": Function(lambda m, r, f: -np.log1p(-_ratio(r, m)), 1.0),  # noqa: ARG005
    "log1p": Function(lambda m, r, f: -np.log1p(-_ratio(r, 1 + m)), 0.0),  # noqa: ARG005
    "log2": Function(lambda m, r, f: -np.log1p(-_ratio(r, m)) / math.log(2), 1.0),  # noqa: ARG005
    "log10": Function(lambda m, r, f: -np.log1p(-_ratio(r, m)) / math.log(10), 1.0),  # noqa: ARG005
    "sqrt": Function(_sqrt, 0.0),
    "sin": Function(lambda m, r, f: np.minimum(r, np.abs(np.cos(m)) * r + r * r / 2), 0.0),  # noqa: ARG005
    "cos": Function(lambda m, r, f: np.minimum(r, np.abs(np.sin(m)) * r + r * r / 2), 0.0),  # noqa: ARG005
    "tan": Function(_tan, 0.0),
    "tanh": Function(lambda m, r, f: r / np.cosh(_nearest_to_0(m, r)) ** 2, 0.0),  # noqa: ARG005
    "erf": Function(lambda m, r, f: r * (2 / math.sqrt(math.pi)) * np.exp(-(_nearest_to_0(m, r) ** 2)), 0.0),  # noqa: ARG005
    "sigmoid": Function(_sigmoid_spread, 0.0, _EXP + 3),
    "softplus": Function(lambda m, r, f: r * _sigmoid(m + r), None, 2 * _EXP + 4),  # noqa: ARG005
}

_erf = np.vectorize(math.erf, otypes=[np.float64])


def values(op: str, x: Floats) -> Floats:
    """The function at float64 numbers, by NumPy where NumPy has it."""
    if op == "sigmoid":
        return _sigmoid(x)
    if op == "softplus":
        return np.asarray(np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))))
    if op == "erf":
        return np.asarray(_erf(x)) if np.size(x) else x
    return np.asarray(getattr(np, OPERATIONS[op].numpy or op)(x))


def power(base: Floats, base_rad: Floats, exponent: Floats, exponent_rad: Floats) -> tuple[Floats, Floats]:
    """base^exponent and its spread, NaN where it has no value: other exponents than whole ones need a base above 0."""
    mid = np.power(base, exponent)
    size, whole = np.abs(base), (exponent_rad == 0) & (exponent == np.rint(exponent))
    # |xᵖ − mᵖ| ≤ (|m| + r)ᵖ − |m|ᵖ for p ≥ 1, also where a ball of a whole power contains 0
    grown = np.abs(mid) * np.expm1(exponent * np.log1p(base_rad / size))
    grown = np.where(np.abs(mid) < _LOST, 2 * np.power(size + base_rad, exponent), grown)
    # else |log xᵖ − log mᵖ| ≤ |p| r' + |log m| s + r' s, where r' = −log(1 − r/m) and s is the exponent's radius
    logs = -np.log1p(-_ratio(base_rad, np.where(whole, size, base)))
    aside = np.abs(exponent) * logs + np.abs(np.log(size)) * exponent_rad + logs * exponent_rad
    other = np.abs(mid) * np.expm1(aside)
    other = np.where(np.abs(mid) < _LOST, 2 * np.exp(exponent * np.log(size) + aside), other)
    simple = (exponent_rad == 0) & (exponent >= 1) & (whole | (base > base_rad))
    spread = np.where(simple, grown, other)
    zero = (base == 0) & (base_rad == 0) & (exponent - exponent_rad > 0)
    return mid, np.where(zero | ((base_rad == 0) & (exponent_rad == 0)) | (whole & (exponent == 0)), 0.0, spread)
