"""The number systems of pairs: exact numbers within float64's own rounding, and numbers rounded as PyTorch does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import arb

from derive.algebra.expression import Apply, Expr, Number, Ref
from derive.algebra.operations import OPERATIONS, power_rounding
from verify.intervals.contraction import Contraction
from verify.intervals.functions import FUNCTIONS
from verify.intervals.midpoint_radius import (
    ELEMENTS,
    LEAST,
    UNIT,
    Pairs,
    function,
    gamma,
    gathered,
    last_bit,
    matrix_product,
    multiplies_exactly,
    negative,
    pairs,
    possible_largest,
    size,
    summed,
    sums_exactly,
    up,
)
from verify.intervals.rounded_sums import product_rounding, sum_rounding
from verify.numbers.by_element import Literals
from verify.numbers.distance import Distance
from verify.numbers.elements import CalculationError, element, expansion
from verify.numbers.formats import FORMATS, Floats, Format, Truth, log_sum_exp_units
from verify.numbers.scalars import as_ball, from_fraction, to_float
from verify.summation.sums import Known, Orders, Sum, in_any_order


def _by_balls(op: str, args: tuple[Pairs, ...]) -> Pairs:
    """An operation of which `FUNCTIONS` does not say how far it moves inside an interval: number by number, in balls.

    Where it has no value the pair tells nothing.
    """
    together = np.broadcast_arrays(*args)
    found = np.empty(together[0].shape, dtype=together[0].dtype)
    for place in np.ndindex(found.shape):
        try:
            ball = as_ball(element(op)(*(arb(float(arg[place]["mid"]), float(arg[place]["rad"])) for arg in together)))
        except CalculationError:
            ball = arb.nan()
        mid, rad = float(ball.mid()), float(ball.rad())
        known = ball.is_finite() and math.isfinite(mid)
        found[place] = (mid, float(up(np.asarray(rad + abs(mid) * UNIT + LEAST)))) if known else (math.nan, math.inf)
    return found


def _nearest(top: int, bottom: int) -> tuple[float, bool]:
    """The float64 nearest to a fraction, infinite beyond the range, and whether it is the fraction itself."""
    try:
        number = top / bottom
    except OverflowError:
        return math.inf, False
    return number, math.isfinite(number) and number.as_integer_ratio() == (top, bottom)


class Enclosed(Literals):
    """Pairs that contain the exact value: what float64 loses is in the radius, and nothing else."""

    def constants(self, values: Sequence[Fraction]) -> Pairs:
        """The nearest float64 of each, with what it lacks; a number beyond float64 tells nothing."""
        found = [_nearest(*value.as_integer_ratio()) for value in values]
        return self.nearest([number for number, _ in found], [held for _, held in found])

    def nearest(self, floats: Sequence[float], are_exact: Sequence[bool]) -> Pairs:
        """Numbers of which the nearest float64 is known, and whether it is the number itself."""
        mid = np.array(floats, dtype=np.float64)
        return pairs(mid, np.where(np.array(are_exact, dtype=np.bool_), 0.0, np.abs(mid) * UNIT + LEAST))

    def take(self, array: Floats) -> Pairs:
        """Floats as they are; an infinity or NaN tells nothing."""
        return pairs(array)

    def cast(self, array: Pairs) -> Pairs:
        """Python's numbers as an operation on tensors reads them: as they are."""
        return array

    def apply(self, op: str, args: tuple[Pairs, ...]) -> Pairs:
        """The operation on every element; where it may have no value, a pair that tells nothing."""
        with np.errstate(all="ignore"):
            if op in ELEMENTS:
                return ELEMENTS[op](*args)
            if op in FUNCTIONS:
                return function(op, *args)
            if OPERATIONS[op].expansion is None:
                return _by_balls(op, args)
            return self.evaluated(expansion(op), dict(zip("xy", args, strict=False)))

    def evaluated(self, expr: Expr, names: dict[str, Pairs]) -> Pairs:
        """An expression at numbers that its names stand for, not rounded."""
        match expr:
            case Number(value=value):
                return Enclosed.constants(self, (value,)).reshape(())
            case Ref(name=name):
                return names[name]
            case Apply(op=op, args=args):
                return Enclosed.apply(self, op, tuple(self.evaluated(arg, names) for arg in args))
        raise TypeError(f"{type(expr).__name__} in an expansion")

    def reduce(self, op: str, array: Pairs) -> Pairs:
        """The sum, logsumexp, max or min over the last dimension."""
        with np.errstate(all="ignore"):
            return np.asarray(getattr(self, f"_{op}")(array))

    def accumulate(self, array: Pairs) -> Pairs:
        """The sum over the last dimension."""
        return self.reduce("sum", array)

    def contract(self, how: Contraction, left: Pairs, right: Pairs) -> Pairs:
        """The sum of products of two arrays: product by product, or, of many, by products of matrices of float64.

        BLAS may add in any order and fuse a multiplication with an addition: its result is off by at most
        γ(m)·|left|·|right| for m products (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM
        2002, §3.1).
        """
        with np.errstate(all="ignore"):
            sums = how.sums(how.lengths(left, right))
            if how.is_small(left, right):
                return self._by_products(how.summed, sums, left, right)
            found = self._contracted(sums, *how.matrices(left, right))
            return how.restored(found, left, right)

    def contracted_size(self, how: Contraction, left: Pairs, right: Pairs) -> Floats:
        """The sum of the sizes of the products."""
        with np.errstate(all="ignore"):
            x, y = how.matrices(np.abs(left["mid"]), np.abs(right["mid"]))
            x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
            return np.asarray(how.restored(x @ y, left, right))

    def _by_products(self, summed: int, sums: Sum, left: Pairs, right: Pairs) -> Pairs:
        """The sum over the last dimensions of the products, each taken by itself."""
        products = self.apply("mul", (left, right))
        return self._sums(sums, products.reshape((*products.shape[: products.ndim - summed], -1)))

    def _contracted(self, sums: Sum, left: Pairs, right: Pairs) -> Pairs:  # noqa: ARG002 - which only rounding asks for
        """The product of matrices."""
        mid, sizes, spread = matrix_product(left, right)
        own = np.where(
            multiplies_exactly(left, right, sizes, FORMATS["float64"]), 0.0, gamma(left.shape[-1], UNIT) * sizes
        )
        return pairs(mid, up(spread + own))

    def share(self, op: str, array: Pairs) -> Pairs:
        """The share of each entry in the max or min over the last dimension; equal ones share evenly.

        Where it is not known which is the largest, an enclosure of 0 and 1.
        """
        mid, rad = (array["mid"] if op == "max" else -array["mid"]), array["rad"]
        possible = possible_largest(mid, rad)
        many = possible.sum(axis=-1, keepdims=True)
        exact = np.where(possible, rad, 0.0).max(axis=-1, keepdims=True) == 0  # then all that are possible are equal
        known = exact | (many == 1)
        each = self.apply("div", (pairs(1.0), pairs(many)))
        found = pairs(np.where(known, each["mid"], 0.5), np.where(known, each["rad"], 0.5))
        return np.where(possible, found, pairs(0.0))

    def size(self, array: Pairs) -> Floats:
        """The absolute value of each number."""
        return np.asarray(np.abs(array["mid"]))

    def _sum(self, array: Pairs) -> Pairs:
        return self._sums(Sum((array.shape[-1], 1)), array)

    def _sums(self, sums: Sum, array: Pairs) -> Pairs:  # noqa: ARG002 - as above
        total, own = summed(array)
        return pairs(total, up(gathered(array["rad"]) + own))

    def _max(self, array: Pairs) -> Pairs:
        possible = possible_largest(array["mid"], array["rad"])
        return pairs(array["mid"].max(axis=-1), np.where(possible, array["rad"], 0.0).max(axis=-1))

    def _min(self, array: Pairs) -> Pairs:
        return negative(self._max(negative(array)))

    def _logsumexp(self, array: Pairs) -> Pairs:
        mid, rad = array["mid"], array["rad"]
        found = _log_sum_exp(mid)
        own = UNIT * log_sum_exp_units(array.shape[-1], np.abs(found) + np.abs(mid).max(axis=-1) + rad.max(axis=-1))
        # it grows with every term: the ends are those of all terms, and no further off than the widest term
        ends = np.maximum(_log_sum_exp(mid + rad) - found, found - _log_sum_exp(mid - rad)) + 2 * own
        return pairs(found, up(np.minimum(rad.max(axis=-1), ends) + own))


def _log_sum_exp(terms: Floats) -> Floats:
    best = terms.max(axis=-1)
    return np.asarray(best + np.log(np.exp(terms - best[..., np.newaxis]).sum(axis=-1)))


def _units(op: str, args: tuple[Pairs, ...]) -> int:
    """The rounding of an operation; of a power, by its exponent."""
    if op != "pow":
        return OPERATIONS[op].rounding
    return power_rounding(float(args[1]["mid"]) if args[1].ndim == 0 else None)


class RoundedPairs(Enclosed):
    """Pairs that contain what any correct evaluation in a floating-point format can give.

    After every operation the radius grows by the operation's rounding error (`Operation.rounding`
    units u of the result); by a sum of m terms by (m−1)·u·Σ|terms|, for any order of summation
    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §4.2), or by what
    `orders` says of it. The same as `Rounded`, for whole arrays at once.
    """

    def __init__(self, dtype: str, orders: Orders | None = None) -> None:
        self.format = FORMATS[dtype]
        self.orders = orders or Orders()
        self.unit = 2.0**self.format.unit
        self.underflow = 2.0 ** max(self.format.tiny, -1074)
        self.flushed = self.underflow + 2.0 ** (self.format.inner or self.format).normal

    def of(self, dtype: str) -> RoundedPairs:
        """The system of another dtype in the same calculation."""
        return RoundedPairs(dtype)

    def ordered(self, orders: Orders) -> RoundedPairs:
        """The same system where it is known in which orders PyTorch adds up."""
        return RoundedPairs(self.format.name, orders)

    def nearest(self, floats: Sequence[float], are_exact: Sequence[bool]) -> Pairs:
        """Numbers as they are stored: themselves where the format holds them, else rounded once."""
        with np.errstate(all="ignore"):
            return self._rounded(super().nearest(floats, are_exact), 1.0, 1)

    def stored(self, values: Sequence[Fraction]) -> Pairs:
        """Inputs in a row as a program stores them: each the nearest number of the format, which is known.

        It may have been a float64 before; where that makes another number of it, it is one of the two.
        """
        if self.format.name not in ("float32", "float64"):
            return np.stack([self._stored(value) for value in values])
        through = np.array([_nearest(*value.as_integer_ratio())[0] for value in values])
        with np.errstate(all="ignore"):
            direct = through if self.format.name == "float64" else through.astype(np.float32).astype(np.float64)
            # A tie of float32 is a float64: a number and its nearest float64 lie on one side of it, or that is the tie.
            # It is half of what lies between them from both; below a power of two that is half of what lies above it.
            share = np.abs(through - direct) / np.ldexp(1.0, np.frexp(direct)[1] + self.format.unit)
            is_tie = (share == 0.5) | (share == 0.25)
            known = np.isfinite(direct) & ~is_tie & ((np.abs(direct) >= 2.0**self.format.normal) | (through == 0))
        found = pairs(direct)
        for place in np.flatnonzero(~known).tolist():
            found[place] = self._stored(values[place])
        return found

    def _stored(self, value: Fraction) -> Pairs:
        through = FORMATS["float64"].nearest(value)
        direct = self.format.nearest(value)
        if direct is None or through is None or self.format.nearest(through) != direct:
            return self.constant(value)
        return pairs(to_float(from_fraction(direct)))

    def cast(self, array: Pairs) -> Pairs:
        """Python's float64 numbers as an operation on tensors reads them: rounded once."""
        with np.errstate(all="ignore"):
            return array if self.format.name == "float64" else self._rounded(array, 1.0, 1)

    def apply(self, op: str, args: tuple[Pairs, ...]) -> Pairs:
        """The operation and its rounding."""
        exact, units = super().apply(op, args), _units(op, args)
        if not units:
            return exact
        with np.errstate(all="ignore"):
            found = self._rounded(exact, self.format.units(units, composed=op == "pow"), units)
            return pairs(found["mid"], found["rad"] + OPERATIONS[op].absolute_in(self.format.name))

    def distance(self, floats: Floats, found: Pairs, exact: Pairs | None) -> Distance:
        """The distance of floats from `exact`, or from the midpoints of `found`; all correct numbers lie in `found`."""
        with np.errstate(all="ignore"):
            wanted = found if exact is None else exact
            known = np.isfinite(wanted["mid"])
            expected = np.where(known, wanted["mid"], found["mid"])
            own = np.where(known, wanted["rad"], 0.0) if exact is not None else 0.0
            aside = found["mid"] - expected
            radius = up(found["rad"] + own)
            consistent = ~(np.abs(aside) > radius)
            error = floats - expected
            # |aside| ≤ radius: what float64 rounds here is far less than the 2⁻⁴⁰ of it that `up` adds
            side = np.where(error < 0, -aside, np.where(error > 0, aside, np.abs(aside)))
            bound = np.where(consistent, up(radius) + side, radius)
            bound, radius = (np.where(np.isnan(found["rad"]), np.inf, array) for array in (bound, radius))
            return Distance(expected, error, bound, radius, consistent, ~known)

    def around_0(self, array: Pairs) -> tuple[Truth, Truth]:
        """Two arrays: where a number may be 0, and where it certainly is."""
        return np.abs(array["mid"]) <= array["rad"], (array["mid"] == 0) & (array["rad"] == 0)

    def certain(self, array: Pairs) -> Truth:
        """For each share of a maximum, as `share` gives it, whether it is known."""
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

    def _sums(self, sums: Sum, array: Pairs) -> Pairs:
        known = self.orders.of(sums)
        if self.format.inner is None:
            return self._gathered(array, self.format, known)
        with np.errstate(all="ignore"):
            return self._rounded(self._gathered(array, self.format.inner, known), self.format.units(1), 1)

    def _by_products(self, summed: int, sums: Sum, left: Pairs, right: Pairs) -> Pairs:
        """The sum over the last dimensions of the products, of 16 bits in float32, and then rounded once."""
        if self.format.inner is None:
            return super()._by_products(summed, sums, left, right)
        left, right = self._as_read(left), self._as_read(right)
        found = RoundedPairs(self.format.inner.name, self.orders)._by_products(summed, sums, left, right)
        if self.format.flushes:
            products = Enclosed.apply(self, "mul", (left, right))
            found = pairs(found["mid"], up(found["rad"] + self._flushed_of(products, summed)))
        return self._rounded(found, self.format.units(1), 1)

    def _as_read(self, array: Pairs) -> Pairs:
        """The operands of a product of matrices, which may be 0 where they are below the normal numbers."""
        if not self.format.flushes:
            return array
        mid, rad = array["mid"], array["rad"]
        least = 2.0**self.format.normal
        may_be_small = (np.abs(mid) - rad < least) & (size(array) > 0)
        return pairs(mid, np.where(may_be_small, up(rad + np.minimum(size(array), least)), rad))

    def _flushed_of(self, products: Pairs, summed: int) -> Floats:
        """What products and additions over the last dimensions may lose below the normal numbers.

        Nothing where all products are exact, and so are all sums: multiples of one of these.
        """
        places = tuple(range(-summed, 0))
        least, mid = 2.0**self.format.normal, products["mid"]
        is_held = (products["rad"] == 0) & ((mid == 0) | (last_bit(mid) >= least))
        count = math.prod(products.shape[-summed:])
        return np.where(is_held.all(axis=places), 0.0, 2 * count * least)

    def _contracted(self, sums: Sum, left: Pairs, right: Pairs) -> Pairs:
        """The product of matrices, each multiplication and addition rounded; of 16 bits in float32."""
        into, count, known = self.format.inner or self.format, left.shape[-1], self.orders.of(sums)
        flushes = self.format.flushes
        left, right = self._as_read(left), self._as_read(right)
        mid, sizes, spread = matrix_product(left, right)
        least = 2.0 ** (into.normal + 1 if flushes else max(into.tiny, -1074))  # of a product and its addition
        rounding = product_rounding(known, 2.0**into.unit, (left, right), sizes, spread, least)
        lost = rounding + gamma(count, UNIT) * (sizes + spread) + count * least
        lost = np.where(sizes + spread == 0, 0.0, lost)
        is_exact = multiplies_exactly(left, right, sizes, into, flushes=flushes)
        rad = up(spread + np.where(is_exact, 0.0, lost))
        found = pairs(mid, np.where(sizes + rad <= into.largest, rad, np.nan))
        return found if self.format.inner is None else self._rounded(found, self.format.units(1), 1)

    def accumulate(self, array: Pairs) -> Pairs:
        """The sum over the last dimension of what autograd adds one by one, each time rounded."""
        with np.errstate(all="ignore"):
            return self._gathered(array, self.format, in_any_order(array.shape[-1]))

    def _gathered(self, array: Pairs, into: Format, known: Known) -> Pairs:
        """The sum, each addition rounded to the format `into`."""
        total, own = summed(array)
        sizes = gathered(size(array))
        rounding = np.where(sums_exactly(array, into), 0.0, sum_rounding(known, 2.0**into.unit, array, sizes))
        rad = up(gathered(array["rad"]) + own + rounding)
        return pairs(total, np.where(sizes <= into.largest, rad, np.nan))

    def _logsumexp(self, array: Pairs) -> Pairs:
        exact = super()._logsumexp(array)
        ratio = 2.0 ** (self.format.accumulator - self.format.unit)
        units = log_sum_exp_units(array.shape[-1], size(exact), ratio)
        return self._within_range(exact["mid"], up(exact["rad"] + units * self.unit + self.underflow), size(exact))
