"""A float64 and an error radius beside it: enclosures that NumPy calculates for whole arrays at once.

An array of pairs is a structured array with the fields `mid` and `rad`: the number is at most `rad`
away from `mid`; NaN tells nothing. The rounding of float64 itself is part of the radius. For sums,
products and quotients it is found exactly (T. J. Dekker, "A floating-point technique for extending
the available precision", Numer. Math. 18 (1971); D. E. Knuth, TAOCP vol. 2, 4.2.2), so that what is
exact has a radius of 0; for functions it is the measured error of NumPy's (`Operation.numpy_rounding`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.algebra.operations import OPERATIONS
from verify.intervals.functions import FUNCTIONS, power, values
from verify.numbers.formats import FORMATS, Floats, Format, Truth

Pairs = NDArray[Any]

PAIR = np.dtype([("mid", np.float64), ("rad", np.float64)])
UNIT = 2.0**-53  # float64's unit roundoff
LEAST = 2.0**-1000  # above what can be lost where float64 underflows
# A radius is calculated in float64 by a few dozen operations, each off by some 2⁻⁵³, some with an exponential of up to
# 700 among them; this much more covers them all.
UP = 1 + 2.0**-40
_END = 2.0**-50  # of its size: more than an end of a pair can be off by in float64
_SAFE = 2.0**900  # within its inverse and itself, the error of a product is found exactly


def pairs(mid: Any, rad: Any = 0.0) -> Pairs:
    """An array of pairs; where either part is not finite, the pair tells nothing."""
    mid, rad = np.asarray(mid, dtype=np.float64), np.asarray(rad, dtype=np.float64)
    found = np.empty(mid.shape if mid.shape == rad.shape else np.broadcast_shapes(mid.shape, rad.shape), dtype=PAIR)
    found["mid"], found["rad"] = mid, rad
    are_known = np.isfinite(mid), np.isfinite(rad)
    if not (are_known[0].all() and are_known[1].all()):  # in nearly every array they all are
        unknown = ~(are_known[0] & are_known[1])
        np.copyto(found["mid"], np.nan, where=unknown)
        np.copyto(found["rad"], np.nan, where=unknown)
    return found


def finite_pairs(mid: Floats, rad: Floats) -> Pairs:
    """An array of pairs of numbers that are known to be finite."""
    found = np.empty(mid.shape if mid.shape == rad.shape else np.broadcast_shapes(mid.shape, rad.shape), dtype=PAIR)
    found["mid"], found["rad"] = mid, rad
    return found


def up(radius: Floats) -> Floats:
    """A number above the exact value of a radius formula that float64 has rounded to `radius`; 0 stays 0."""
    found = np.asarray(radius * UP)
    found += LEAST
    if not np.all(radius):
        np.copyto(found, 0.0, where=radius == 0)
    return found


def size(x: Pairs) -> Floats:
    """The largest absolute value that each number can have."""
    return np.asarray((np.abs(x["mid"]) + x["rad"]) * UP)


def _add(x: Pairs, y: Pairs) -> Pairs:
    a, b = x["mid"], y["mid"]
    total = a + b
    back = total - a
    lost = np.abs((a - (total - back)) + (b - back))
    return pairs(total, up(x["rad"] + y["rad"] + lost))


def _sub(x: Pairs, y: Pairs) -> Pairs:
    a, b = x["mid"], y["mid"]
    total = a - b
    back = total - a
    lost = np.abs((a - (total - back)) - (b + back))
    return pairs(total, up(x["rad"] + y["rad"] + lost))


def _lost_in_product(a: Floats, b: Floats, product: Floats) -> Floats:
    """|a·b − product|, exactly where nothing over- or underflows on the way; else above it."""
    exact = _left_of_product(a, b, product)
    if least(a) * least(b) > 1 / _SAFE and _most(a) < _SAFE and _most(b) < _SAFE and _most(product) < _SAFE:
        return exact  # a product is 0 only where one of its factors is
    size = np.abs(product)
    safe = (np.maximum(np.maximum(np.abs(a), np.abs(b)), size) < _SAFE) & (size > 1 / _SAFE)
    above = np.where((a == 0) | (b == 0), 0.0, size * UNIT + LEAST)
    return np.where(safe, exact, above)


def _left_of_product(a: Floats, b: Floats, product: Floats) -> Floats:
    """|a·b − product| by the products of halves; those of a lower half that is 0 are left out."""
    high_a, low_a = _halves(a)
    high_b, low_b = _halves(b)
    found = np.asarray(high_a * high_b - product)
    in_a, in_b = np.any(low_a), np.any(low_b)
    if in_b:
        found = found + high_a * low_b
    if in_a:
        found = found + low_a * high_b
    if in_a and in_b:
        found = found + low_a * low_b
    return np.abs(found)


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """`a` as a sum of two numbers of 26 bits."""
    scaled = a * 134217729.0  # 2²⁷ + 1
    high = scaled - (scaled - a)
    return high, a - high


def _mul(x: Pairs, y: Pairs) -> Pairs:
    a, b, ra, rb = x["mid"], y["mid"], x["rad"], y["rad"]
    product = a * b
    lost = _lost_in_product(a, b, product)
    if not ra.any() and not rb.any():
        return pairs(product, up(lost))
    spread = np.abs(a) * rb + np.abs(b) * ra + ra * rb
    if spread.all():  # nothing is exact, and nothing has underflowed to 0
        spread += LEAST
        return pairs(product, up(spread + lost))
    zero = ((a == 0) & (ra == 0)) | ((b == 0) & (rb == 0))
    exact = zero | ((ra == 0) & (rb == 0))  # else the spread may underflow to 0 without being 0
    spread = np.where(exact, 0.0, spread + LEAST)
    return pairs(product, up(spread + lost))


def _div(x: Pairs, y: Pairs) -> Pairs:
    a, b = x["mid"], y["mid"]
    quotient = a / b
    back = quotient * b
    exact = (back == a) & (_lost_in_product(quotient, b, back) == 0)
    lost = np.where(exact, 0.0, np.abs(quotient) * UNIT + LEAST)
    least = np.abs(b) - y["rad"] * UP  # the smallest divisor
    spread = np.where(least > 0, x["rad"] / least + np.abs(quotient) * (y["rad"] / least), np.nan)
    return pairs(quotient, up(spread + lost))


def _pow(x: Pairs, y: Pairs) -> Pairs:
    if is_square("pow", (x, y)):
        a = x["mid"]
        squared = a * a
        return pairs(squared, up((2 * np.abs(a) + x["rad"]) * x["rad"] + _lost_in_product(a, a, squared)))
    mid, spread = power(x["mid"], x["rad"], y["mid"], y["rad"])
    zero = (x["mid"] == 0) & (x["rad"] == 0) & (y["mid"] > y["rad"])
    lost = np.abs(mid) * ((OPERATIONS["pow"].numpy_rounding or 0) * UNIT) + LEAST
    return pairs(mid, np.where(zero, 0.0, up(spread + lost)))


def function(op: str, x: Pairs) -> Pairs:
    """A function of `FUNCTIONS` on pairs; its spread and its rounding by NumPy are in the radius."""
    known = FUNCTIONS[op]
    mid = values(op, x["mid"])
    lost = np.abs(mid) * ((known.units or OPERATIONS[op].numpy_rounding or 0) * UNIT) + LEAST
    if known.point is not None:
        lost = np.where(x["mid"] == known.point, 0.0, lost)
    spread = np.where(x["rad"] == 0, 0.0, known.spread(x["mid"], x["rad"], mid))
    return pairs(mid, up(spread + lost))


def negative(x: Pairs) -> Pairs:
    """The numbers with their signs turned."""
    return pairs(-x["mid"], x["rad"])


def _abs(x: Pairs) -> Pairs:
    return pairs(np.abs(x["mid"]), x["rad"])


def _max(x: Pairs, y: Pairs) -> Pairs:
    a, b, ra, rb = x["mid"], y["mid"], x["rad"], y["rad"]
    margin = _margin(a, ra) + _margin(b, rb)
    first, second = a - ra > b + rb + margin, b - rb > a + ra + margin
    # where they overlap, their maximum moves by no more than one of them does
    return pairs(np.maximum(a, b), np.where(first, ra, np.where(second, rb, np.maximum(ra, rb))))


def _margin(mid: Floats, rad: Floats) -> Floats:
    """What the ends of a pair may be off by in float64; those of an exact one are exact."""
    return np.where(rad == 0, 0.0, (np.abs(mid) + rad) * _END)


def possible_largest(mid: Floats, rad: Floats) -> Truth:
    """For each entry whether it can be the largest along the last dimension."""
    margin = _margin(mid, rad)
    return np.asarray(~(mid + rad + margin < (mid - rad - margin).max(axis=-1, keepdims=True)))


def _min(x: Pairs, y: Pairs) -> Pairs:
    return negative(_max(negative(x), negative(y)))


def _sign(x: Pairs) -> Pairs:
    a, r = x["mid"], x["rad"]
    return pairs(np.where(np.abs(a) > r, np.sign(a), a * 0.0), np.where((np.abs(a) > r) | (r == 0), 0.0, 1.0))


def _relu(x: Pairs) -> Pairs:
    a, r = x["mid"], x["rad"]
    below = a + r + (np.abs(a) + r) * _END < 0  # where it is certain that all are
    return pairs(np.maximum(a, 0.0), np.where(below, 0.0, r))


def _greater(x: Pairs, y: Pairs) -> Pairs:
    """1 where it is certain that x > y, 0 where it is certain that it is not, else an enclosure of both."""
    a, is_open = _compared(x, y)
    return pairs(np.where(is_open, a * 0.0, a > 0), is_open)


def _equal(x: Pairs, y: Pairs) -> Pairs:
    """1 where it is certain that x = y, 0 where it is certain that it is not, else an enclosure of both."""
    a, is_open = _compared(x, y)
    return pairs(np.where(is_open, a * 0.0 + 1, a == 0), is_open * float(up(np.asarray(1.0))))


def _compared(x: Pairs, y: Pairs) -> tuple[Floats, Truth]:
    """A number of the sign of x − y, and where that is not certain."""
    apart = x if y.ndim == 0 and y["mid"] == 0 and y["rad"] == 0 else _sub(x, y)
    a, r = apart["mid"], apart["rad"]
    return a, np.asarray(~(np.abs(a) > r) & (r != 0))


def _where(chosen: Pairs, x: Pairs, y: Pairs) -> Pairs:
    """X where the condition is 1, y where it is 0; where it is not known, an enclosure of both."""
    yes, no = (chosen["rad"] == 0) & (chosen["mid"] == 1), (chosen["rad"] == 0) & (chosen["mid"] == 0)
    if (yes | no).all():
        return pairs(np.where(yes, x["mid"], y["mid"]), np.where(yes, x["rad"], y["rad"]))
    middle = x["mid"] / 2 + y["mid"] / 2
    aside = up(np.maximum(np.abs(x["mid"] - middle), np.abs(y["mid"] - middle)) + np.maximum(x["rad"], y["rad"]))
    mid = np.where(yes, x["mid"], np.where(no, y["mid"], middle))
    return pairs(mid, np.where(yes, x["rad"], np.where(no, y["rad"], aside)))


ELEMENTS: Mapping[str, Callable[..., Pairs]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "neg": negative,
    "abs": _abs,
    "relu": _relu,
    "max": _max,
    "min": _min,
    "sign": _sign,
    "where": _where,
    "greater": _greater,
    "equal": _equal,
    "clip": lambda x, low, high: _min(_max(x, low), high),
    "detach": lambda x: x,
    "pi": lambda: pairs(math.pi, math.ulp(math.pi)),
    "e": lambda: pairs(math.e, math.ulp(math.e)),
}


def is_square(op: str, args: tuple[Pairs, ...]) -> bool:
    """Whether an operation is the power 2, which PyTorch takes as a product."""
    return op == "pow" and args[1].ndim == 0 and bool(args[1]["mid"] == 2) and bool(args[1]["rad"] == 0)


def gathered(radii: Floats) -> Floats:
    """The sum of radii over the last dimension, raised by more than float64 loses in it."""
    return np.asarray(radii.sum(axis=-1) * (1 + radii.shape[-1] * 2.0**-52))


def summed(array: Pairs) -> tuple[Floats, Floats]:
    """The sum of the midpoints over the last dimension, and a bound on what float64 loses in it."""
    mid = array["mid"]
    own = (mid.shape[-1] - 1) * UNIT * gathered(np.abs(mid)) * UP
    return mid.sum(axis=-1), np.where(sums_exactly(array, FORMATS["float64"]), 0.0, own)


def sums_exactly(array: Pairs, into: Format) -> Truth:
    """Whether every partial sum over the last dimension, in any order, is a number of the format.

    All terms are multiples of the last bit of the lowest, and their absolute values add up to
    less than its digits can hold.
    """
    mid = array["mid"]
    exact = (array["rad"] == 0).all(axis=-1)
    if not exact.any():
        return np.asarray(exact)
    lowest = np.where(mid == 0, np.inf, last_bit(mid)).min(axis=-1)
    total = np.abs(mid).sum(axis=-1)
    return np.asarray(
        exact & into.held(mid).all(axis=-1) & (total < lowest * 2.0**-into.unit) & (total <= into.largest)
    )


def gamma(count: int, unit: float) -> float:
    """γ(count) = count·u/(1 − count·u): how far `count` roundings can take a product or a sum, as a share."""
    return count * unit / (1 - count * unit) if count * unit < 1 else math.inf


def least(values: Floats) -> float:
    """The smallest size of the numbers that are not 0; infinite without one."""
    sizes = np.abs(values)
    if not np.all(sizes):
        sizes = sizes[sizes > 0]
    return float(sizes.min(initial=math.inf))


def _most(values: Floats) -> float:
    """The largest size of the numbers; NaN where one of them is."""
    return float(np.abs(values).max(initial=0.0))


def last_bit(values: Floats) -> Floats:
    """The value of the last bit of each number that is not 0."""
    digits, exponent = np.frexp(values)
    whole = np.ldexp(digits, 53).astype(np.int64)
    return np.asarray(np.ldexp((whole & -whole).astype(np.float64), exponent - 53))


def nearest_float(top: int, bottom: int) -> tuple[float, bool]:
    """The float64 nearest to a fraction, infinite beyond the range, and whether it is the fraction itself."""
    try:
        number = top / bottom
    except OverflowError:
        return math.inf, False
    return number, math.isfinite(number) and number.as_integer_ratio() == (top, bottom)
