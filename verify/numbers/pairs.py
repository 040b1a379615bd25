"""A float64 and an error radius beside it: enclosures that NumPy calculates for whole arrays at once.

An array of pairs is a structured array with the fields `mid` and `rad`: the number is at most `rad`
away from `mid`; NaN tells nothing. The rounding of float64 itself is part of the radius. For sums,
products and quotients it is found exactly (T. J. Dekker, "A floating-point technique for extending
the available precision", Numer. Math. 18 (1971); D. E. Knuth, TAOCP vol. 2, 4.2.2), so that what is
exact has a radius of 0; for functions it is the measured error of NumPy's (`Operation.numpy_rounding`).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.expression import Apply, Expr, Number, Ref
from derive.operations import OPERATIONS
from verify.numbers.distance import Distance
from verify.numbers.elements import expansion, rounding
from verify.numbers.formats import FORMATS, Floats, Format, Truth, log_sum_exp_units
from verify.numbers.functions import FUNCTIONS, power, values

Pairs = NDArray[Any]

PAIR = np.dtype([("mid", np.float64), ("rad", np.float64)])
UNIT = 2.0**-53  # float64's unit roundoff
LEAST = 2.0**-1000  # above what can be lost where float64 underflows
# A radius is calculated in float64 with a few dozen roundings of 2⁻⁵³ each; this much more covers them.
UP = 1 + 2.0**-44
_SAFE = 2.0**900  # within its inverse and itself, the error of a product is found exactly


def pairs(mid: Any, rad: Any = 0.0) -> Pairs:
    """An array of pairs; where either part is not finite, the pair tells nothing."""
    mid, rad = np.broadcast_arrays(np.asarray(mid, dtype=np.float64), np.asarray(rad, dtype=np.float64))
    known = np.isfinite(mid) & np.isfinite(rad)
    found = np.empty(mid.shape, dtype=PAIR)
    found["mid"] = np.where(known, mid, np.nan)
    found["rad"] = np.where(known, rad, np.nan)
    return found


def up(radius: Floats) -> Floats:
    """Above the exact value of a radius formula that was calculated in float64; 0 stays 0."""
    return np.where(radius == 0, 0.0, radius * UP + LEAST)


def size(x: Pairs) -> Floats:
    """The largest absolute value that each number can have."""
    return np.asarray((np.abs(x["mid"]) + x["rad"]) * UP)


def _add(x: Pairs, y: Pairs) -> Pairs:
    a, b = x["mid"], y["mid"]
    total = a + b
    back = total - a
    lost = np.abs((a - (total - back)) + (b - back))
    return pairs(total, up(x["rad"] + y["rad"] + lost))


def _lost_in_product(a: Floats, b: Floats, product: Floats) -> Floats:
    """|a·b − product|, exactly where nothing over- or underflows on the way; else above it."""
    high_a, low_a = _halves(a)
    high_b, low_b = _halves(b)
    exact = np.abs(((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b)
    largest = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.abs(product))
    safe = (largest < _SAFE) & (np.abs(product) > 1 / _SAFE)
    above = np.where((a == 0) | (b == 0), 0.0, np.abs(product) * UNIT + LEAST)
    return np.where(safe, exact, above)


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """`a` as a sum of two numbers of 26 bits."""
    scaled = a * 134217729.0  # 2²⁷ + 1
    high = scaled - (scaled - a)
    return high, a - high


def _mul(x: Pairs, y: Pairs) -> Pairs:
    a, b, ra, rb = x["mid"], y["mid"], x["rad"], y["rad"]
    product = a * b
    zero = ((a == 0) & (ra == 0)) | ((b == 0) & (rb == 0))
    exact = zero | ((ra == 0) & (rb == 0))  # else the spread may underflow to 0 without being 0
    spread = np.where(exact, 0.0, np.abs(a) * rb + np.abs(b) * ra + ra * rb + LEAST)
    return pairs(product, up(spread + _lost_in_product(a, b, product)))


def _div(x: Pairs, y: Pairs) -> Pairs:
    a, b = x["mid"], y["mid"]
    quotient = a / b
    back = quotient * b
    exact = (back == a) & (_lost_in_product(quotient, b, back) == 0)
    lost = np.where(exact, 0.0, np.abs(quotient) * UNIT + LEAST)
    least = np.abs(b) - y["rad"] * UP  # the smallest divisor
    spread = np.where(least > 0, (x["rad"] + np.abs(quotient) * y["rad"]) / least, np.nan)
    return pairs(quotient, up(spread + lost))


def _pow(x: Pairs, y: Pairs) -> Pairs:
    if _is_square("pow", (x, y)):
        a = x["mid"]
        squared = a * a
        return pairs(squared, up((2 * np.abs(a) + x["rad"]) * x["rad"] + _lost_in_product(a, a, squared)))
    mid, spread = power(x["mid"], x["rad"], y["mid"], y["rad"])
    return pairs(mid, up(spread + np.abs(mid) * (OPERATIONS["pow"].numpy_rounding * UNIT) + LEAST))


def _function(op: str, x: Pairs) -> Pairs:
    function = FUNCTIONS[op]
    mid = values(op, x["mid"])
    lost = np.abs(mid) * ((function.units or OPERATIONS[op].numpy_rounding) * UNIT) + LEAST
    if function.point is not None:
        lost = np.where(x["mid"] == function.point, 0.0, lost)
    spread = np.where(x["rad"] == 0, 0.0, function.spread(x["mid"], x["rad"], mid))
    return pairs(mid, up(spread + lost))


def _neg(x: Pairs) -> Pairs:
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
    return np.where(rad == 0, 0.0, (np.abs(mid) + rad) * 2.0**-50)


def _possible(mid: Floats, rad: Floats) -> Truth:
    """Which entries along the last dimension can be the largest."""
    margin = _margin(mid, rad)
    return np.asarray(~(mid + rad + margin < (mid - rad - margin).max(axis=-1, keepdims=True)))


def _min(x: Pairs, y: Pairs) -> Pairs:
    return _neg(_max(_neg(x), _neg(y)))


def _sign(x: Pairs) -> Pairs:
    a, r = x["mid"], x["rad"]
    return pairs(np.where(np.abs(a) > r, np.sign(a), a * 0.0), np.where((np.abs(a) > r) | (r == 0), 0.0, 1.0))


def _where(chosen: Pairs, x: Pairs, y: Pairs) -> Pairs:
    """X where the condition is 1, y where it is 0; where it is not known, an enclosure of both."""
    yes, no = (chosen["rad"] == 0) & (chosen["mid"] == 1), (chosen["rad"] == 0) & (chosen["mid"] == 0)
    middle = x["mid"] / 2 + y["mid"] / 2
    aside = up(np.maximum(np.abs(x["mid"] - middle), np.abs(y["mid"] - middle)) + np.maximum(x["rad"], y["rad"]))
    mid = np.where(yes, x["mid"], np.where(no, y["mid"], middle))
    return pairs(mid, np.where(yes, x["rad"], np.where(no, y["rad"], aside)))


_ELEMENTS = {
    "add": _add,
    "sub": lambda x, y: _add(x, _neg(y)),
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "neg": _neg,
    "abs": _abs,
    "relu": lambda x: _max(x, pairs(0.0)),
    "max": _max,
    "min": _min,
    "sign": _sign,
    "where": _where,
    "clip": lambda x, low, high: _min(_max(x, low), high),
    "detach": lambda x: x,
    "pi": lambda: pairs(math.pi, math.ulp(math.pi)),
    "e": lambda: pairs(math.e, math.ulp(math.e)),
}


def _is_square(op: str, args: tuple[Pairs, ...]) -> bool:
    return op == "pow" and args[1].ndim == 0 and bool(args[1]["mid"] == 2) and bool(args[1]["rad"] == 0)


class Enclosed:
    """Pairs that contain the exact value: what float64 loses is in the radius, and nothing else."""

    def constant(self, value: Fraction) -> Pairs:
        """The nearest float64, with what it lacks."""
        mid = value.numerator / value.denominator
        return pairs(mid, 0.0 if math.isfinite(mid) and Fraction(mid) == value else abs(mid) * UNIT + LEAST)

    def take(self, array: Floats) -> Pairs:
        """Floats as they are; an infinity or NaN tells nothing."""
        return pairs(array)

    def apply(self, op: str, args: tuple[Pairs, ...]) -> Pairs:
        """The operation on every element; where it may have no value, a pair that tells nothing."""
        with np.errstate(all="ignore"):
            if op in _ELEMENTS:
                return _ELEMENTS[op](*args)
            if op in FUNCTIONS:
                return _function(op, *args)
            return self._expanded(expansion(op), dict(zip("xy", args, strict=False)))

    def _expanded(self, expr: Expr, names: dict[str, Pairs]) -> Pairs:
        match expr:
            case Number(value=value):
                return Enclosed.constant(self, value)
            case Ref(name=name):
                return names[name]
            case Apply(op=op, args=args):
                return Enclosed.apply(self, op, tuple(self._expanded(arg, names) for arg in args))
        raise TypeError(f"{type(expr).__name__} in an expansion")

    def reduce(self, op: str, array: Pairs) -> Pairs:
        """The sum, logsumexp, max or min over the last dimension."""
        with np.errstate(all="ignore"):
            found: Pairs = getattr(self, f"_{op}")(array)
            return found

    def accumulate(self, array: Pairs) -> Pairs:
        """The sum over the last dimension."""
        return self.reduce("sum", array)

    def share(self, op: str, array: Pairs) -> Pairs:
        """The share of each entry in the max or min over the last dimension; equal ones share evenly.

        Where it is not known which is the largest, an enclosure of 0 and 1.
        """
        mid, rad = (array["mid"] if op == "max" else -array["mid"]), array["rad"]
        possible = _possible(mid, rad)
        many = possible.sum(axis=-1, keepdims=True)
        exact = np.where(possible, rad, 0.0).max(axis=-1, keepdims=True) == 0  # then all that are possible are equal
        known = exact | (many == 1)
        each = self.apply("div", (pairs(1.0), pairs(many)))
        found = pairs(np.where(known, each["mid"], 0.5), np.where(known, each["rad"], 0.5))
        return np.where(possible, found, pairs(0.0))

    def size(self, array: Pairs) -> Floats:
        """The absolute value of each number."""
        return np.abs(array["mid"])

    def _sum(self, array: Pairs) -> Pairs:
        total, own = _summed(array)
        return pairs(total, up(array["rad"].sum(axis=-1) + own))

    def _max(self, array: Pairs) -> Pairs:
        possible = _possible(array["mid"], array["rad"])
        return pairs(array["mid"].max(axis=-1), np.where(possible, array["rad"], 0.0).max(axis=-1))

    def _min(self, array: Pairs) -> Pairs:
        return _neg(self._max(_neg(array)))

    def _logsumexp(self, array: Pairs) -> Pairs:
        best = array["mid"].max(axis=-1)
        rest = np.log(np.exp(array["mid"] - best[..., np.newaxis]).sum(axis=-1))
        spread = array["rad"].max(axis=-1)
        return pairs(best + rest, up(spread + UNIT * log_sum_exp_units(array.shape[-1], best + rest)))


def _summed(array: Pairs) -> tuple[Floats, Floats]:
    """The sum of the midpoints over the last dimension, and above what float64 loses in it."""
    mid = array["mid"]
    own = (mid.shape[-1] - 1) * UNIT * np.abs(mid).sum(axis=-1) * UP
    return mid.sum(axis=-1), np.where(sums_exactly(array, FORMATS["float64"]), 0.0, own)


def sums_exactly(array: Pairs, format: Format) -> Truth:
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
        exact & format.held(mid).all(axis=-1) & (total <= lowest * 2.0**-format.unit) & (total <= format.largest)
    )


def last_bit(values: Floats) -> Floats:
    """The value of the last bit of each number that is not 0."""
    digits, exponent = np.frexp(values)
    whole = np.ldexp(digits, 53).astype(np.int64)
    return np.ldexp((whole & -whole).astype(np.float64), exponent - 53)


class RoundedPairs(Enclosed):
    """Pairs that contain what any correct evaluation in a floating-point format can give.

    After every operation the radius grows by the operation's rounding error (`Operation.rounding`
    units u of the result); by a sum of m terms by (m−1)·u·Σ|terms|, for any order of summation
    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §4.2). The
    same as `Rounded`, for whole arrays at once.
    """

    def __init__(self, dtype: str) -> None:
        self.format = FORMATS[dtype]
        self.unit = 2.0**self.format.unit
        self.underflow = 2.0 ** max(self.format.tiny, -1074)
        self.flushed = self.underflow + 2.0 ** (self.format.inner or self.format).normal

    def read(self, value: Fraction) -> Pairs:
        """A number as it is stored: itself where the format holds it, else rounded once."""
        return self._rounded(Enclosed.constant(self, value), 1.0, 1)

    def constant(self, value: Fraction) -> Pairs:
        """A literal of an equation, rounded once."""
        return self.read(value)

    def apply(self, op: str, args: tuple[Pairs, ...]) -> Pairs:
        """The operation and its rounding."""
        exact, units = super().apply(op, args), rounding(op, _is_square(op, args))
        if not units:
            return exact
        with np.errstate(all="ignore"):
            return self._rounded(exact, self.format.units(units), units)

    def distance(self, floats: Floats, found: Pairs, exact: Pairs | None) -> Distance:
        """How floats stand to the numbers that are `exact`, or else `found`, where all correct ones lie in `found`."""
        with np.errstate(all="ignore"):
            known = exact is not None and np.isfinite(exact["mid"])
            expected = np.where(known, exact["mid"], found["mid"]) if exact is not None else found["mid"]
            own = np.where(known, exact["rad"], 0.0) if exact is not None else 0.0
            aside = np.abs(found["mid"] - expected)
            bound = up(found["rad"] + own + aside)
            error = floats - expected
            return Distance(expected, error, np.where(np.isnan(bound), np.inf, bound), aside <= up(found["rad"] + own))

    def around_0(self, array: Pairs) -> tuple[Truth, Truth]:
        """Which numbers may be 0, and which certainly are."""
        return np.abs(array["mid"]) <= array["rad"], (array["mid"] == 0) & (array["rad"] == 0)

    def certain(self, array: Pairs) -> Truth:
        """Which shares of a maximum are known."""
        return np.asarray((array["mid"] != 0.5) | (array["rad"] != 0.5))

    def _rounded(self, exact: Pairs, units: float, lost: int) -> Pairs:
        """The pairs of all floats that an error of `units` u can make of them.

        IEEE's own operations underflow gradually. A function of a library may flush to 0 what is
        below the smallest normal number: PyTorch's sigmoid does, and its log1p loses digits there.
        """
        largest = size(exact)
        rad = up(exact["rad"] + units * self.unit * largest + (self.underflow if lost <= 2 else self.flushed))
        rad = np.where(largest == 0, 0.0, rad)
        if lost == 1:  # + − × ÷ are correctly rounded: what the format holds comes out as it is
            rad = np.where((exact["rad"] == 0) & self.format.held(exact["mid"]), 0.0, rad)
        return self._within_range(exact["mid"], rad, largest)

    def _within_range(self, mid: Floats, rad: Floats, largest: Floats) -> Pairs:
        """The pairs; where the format may overflow, ones that tell nothing: 1/inf is 0, whatever the true value."""
        return pairs(mid, np.where(largest + rad <= self.format.largest, rad, np.nan))

    def _sum(self, array: Pairs) -> Pairs:
        if self.format.inner is None:
            return self._gathered(array, self.format)
        with np.errstate(all="ignore"):
            return self._rounded(self._gathered(array, self.format.inner), self.format.units(1), 1)

    def accumulate(self, array: Pairs) -> Pairs:
        """The sum over the last dimension of what autograd adds one by one, each time rounded."""
        with np.errstate(all="ignore"):
            return self._gathered(array, self.format)

    def _gathered(self, array: Pairs, format: Format) -> Pairs:
        """The sum in any order, each addition rounded to `format`."""
        total, own = _summed(array)
        roundings = (array.shape[-1] - 1) * 2.0**format.unit
        sizes = size(array).sum(axis=-1) * UP
        share = roundings / (1 - roundings) if roundings < 1 else math.inf
        gathered = np.where(sums_exactly(array, format), 0.0, sizes * share)
        rad = up(array["rad"].sum(axis=-1) + own + gathered)
        return pairs(total, np.where(sizes <= format.largest, rad, np.nan))

    def _logsumexp(self, array: Pairs) -> Pairs:
        exact = super()._logsumexp(array)
        ratio = 2.0 ** (self.format.accumulator - self.format.unit)
        units = log_sum_exp_units(array.shape[-1], size(exact), ratio)
        return self._within_range(exact["mid"], up(exact["rad"] + units * self.unit + self.underflow), size(exact))
