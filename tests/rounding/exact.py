"""What the functions give without rounding: in float64 beside narrower formats, as balls beside float64.

NumPy's float64 functions are themselves measured against balls (some u of 2^-53): beside float32
their error is less than 2^-25 u. Balls are python-flint's arb, with the table's own elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from flint import arb

from tests.rounding.formats import FORMATS, Array, Exact
from verify.numbers import precision
from verify.numbers.elements import CalculationError, element

Function = Callable[..., Array]
BITS = 256
DOUBLE = FORMATS["float64"]


def _erf(x: Array) -> Array:
    return np.fromiter(map(math.erf, x.tolist()), np.float64, len(x))


# In float64, for inputs of narrower formats.
IN_FLOAT64: dict[str, Function] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "log1p": np.log1p,
    "relu": lambda x: np.maximum(x, 0),
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
    "sign": np.sign,
    "erf": _erf,
    "expm1": np.expm1,
    "log2": np.log2,
    "log10": np.log10,
    "detach": lambda x: x,
    "where": lambda x, y, z: np.where(x > 0, y, z),
    "clip": lambda x, y, z: np.minimum(np.maximum(x, y), z),
}


def in_float64(op: str, *inputs: Array) -> Exact:
    """The results beside formats of at most 24 digits."""
    with np.errstate(all="ignore"):
        return Exact(IN_FLOAT64[op](*(column.astype(np.float64) for column in inputs)))


def as_balls(op: str, *inputs: Array) -> Exact:
    """The results beside float64."""
    function = element(op)
    with precision(BITS):
        return split([_ball(function, values) for values in zip(*(column.tolist() for column in inputs), strict=True)])


def _ball(function: Callable[..., object], values: Sequence[float]) -> arb:
    try:
        result = function(*map(arb, values))
    except (CalculationError, ZeroDivisionError):
        return arb.nan()
    return result if isinstance(result, arb) else arb(result)


def split(balls: Sequence[arb]) -> Exact:
    """Balls as a float64 each and the rest."""
    near, rest = np.empty(len(balls)), np.zeros(len(balls))
    unit = arb(2) ** -DOUBLE.digits
    for place, ball in enumerate(balls):
        if not ball.is_finite():
            near[place] = np.nan
        elif abs(ball) > arb(DOUBLE.largest):
            near[place] = np.copysign(np.inf, 1.0 if ball > 0 else -1.0)
        else:
            near[place] = float(ball.mid())
            scale = max(abs(near[place]), DOUBLE.normal)
            left = (ball - arb(near[place])) / (unit * arb(scale))
            assert left.rad() < arb(2) ** -20, "the ball is too wide to measure against"
            rest[place] = float(left.mid())
    return Exact(near, rest)


_RATIONAL: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
}


def correctly_rounded(op: str, x: Array, y: Array) -> Array:
    """The float64 nearest to x + y, x − y, x · y or x / y, by way of fractions; nan for x / 0."""
    results = np.empty(len(x))
    for place, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        try:
            results[place] = float(_RATIONAL[op](Fraction(a), Fraction(b)))  # Python rounds a quotient of integers once
        except ZeroDivisionError:
            results[place] = np.nan
        except OverflowError:
            size = _RATIONAL[op](Fraction(a), Fraction(b))
            results[place] = np.inf if size > 0 else -np.inf
    return results
