"""The number system of pairs that hold all that correct evaluation in a floating-point format can give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from derive.algebra.operations import OPERATIONS, power_rounding
from verify.intervals.enclosures import Enclosed
from verify.intervals.in_parts import NUMBERS, in_parts, parts
from verify.intervals.matrix_products import Products, multiplies_exactly, spread
from verify.intervals.midpoint_radius import (
    UNIT,
    Pairs,
    finite_pairs,
    gamma,
    gathered,
    last_bit,
    nearest_float,
    pairs,
    size,
    summed,
    sums_exactly,
    up,
)
from verify.intervals.rounded_sums import product_rounding, sum_rounding
from verify.numbers.distance import Distance
from verify.numbers.formats import FORMATS, Floats, Format, Truth, log_sum_exp_units
from verify.numbers.scalars import from_fraction, to_float
from verify.summation.sums import Known, Orders, Sum, in_any_order


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

    def __init__(self, dtype: str, orders: Orders | None = None, products: Products | None = None) -> None:
        super().__init__(products)
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
        return RoundedPairs(self.format.name, orders, self._products)

    def sharing(self, products: Products) -> RoundedPairs:
        """The same system with products of matrices that are made once."""
        return RoundedPairs(self.format.name, self.orders, products)

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
        through = np.array([nearest_float(*value.as_integer_ratio())[0] for value in values])
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
        return in_parts(partial(self._applied, op), args)

    def _applied(self, op: str, args: tuple[Pairs, ...]) -> Pairs:
        exact, units = self._enclosed(op, args), _units(op, args)
        if not units:
            return exact
        with np.errstate(all="ignore"):
            found = self._rounded(exact, self.format.units(units, composed=op == "pow"), units)
            absolute = OPERATIONS[op].absolute_in(self.format.name)
            return pairs(found["mid"], found["rad"] + absolute) if absolute else found

    def distance(self, floats: Floats, found: Pairs, exact: Pairs | None) -> Distance:
        """The distance of floats from `exact`, or from the midpoints of `found`; all correct numbers lie in `found`."""
        if floats.size <= NUMBERS:
            return self._distance(floats, found, exact)
        whole = Distance(*(np.empty(floats.shape, dtype=kind) for kind in (*[np.float64] * 4, np.bool_, np.bool_)))
        for part in parts(floats.shape, NUMBERS):
            whole.put(part, self._distance(floats[part], found[part], None if exact is None else exact[part]))
        return whole

    def _distance(self, floats: Floats, found: Pairs, exact: Pairs | None) -> Distance:
        with np.errstate(all="ignore"):
            wanted = found if exact is None else exact
            known = np.isfinite(wanted["mid"])
            expected = np.where(known, wanted["mid"], found["mid"])
            own = np.where(known, wanted["rad"], 0.0) if exact is not None else 0.0
            aside = found["mid"] - expected
            radius = up(found["rad"] + own)
            error = floats - expected
            if known.all() and not aside.any():  # both have the same midpoints
                is_known = np.ones(floats.shape, dtype=np.bool_)
                return Distance(expected, error, up(radius), radius, is_known, ~is_known)
            consistent = ~(np.abs(aside) > radius)
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
        rad = np.asarray(largest * (units * self.unit))
        rad += exact["rad"]
        rad += self.underflow if lost <= 2 else self.flushed
        rad = up(rad)
        if not largest.all():
            np.copyto(rad, 0.0, where=largest == 0)
        if lost == 1 and not exact["rad"].all():
            # + − × ÷ are correctly rounded: what the format holds comes out as it is
            np.copyto(rad, 0.0, where=(exact["rad"] == 0) & self.format.held(exact["mid"]))
        return self._within_range(exact["mid"], rad, largest)

    def _within_range(self, mid: Floats, rad: Floats, largest: Floats) -> Pairs:
        """The pairs; where the format may overflow, ones that tell nothing: 1/inf is 0, whatever the true value."""
        total = np.asarray(largest + rad)
        if total.size and float(total.max()) <= self.format.largest:  # NaN is not
            return finite_pairs(mid, rad)
        return pairs(mid, np.where(total <= self.format.largest, rad, np.nan))

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

    def product(self, left: Pairs, right: Pairs) -> Pairs:
        """The same where numbers below the normal ones may count as 0."""
        if not self.format.flushes:
            return super().product(left, right)
        with np.errstate(all="ignore"):
            found = super().product(self._as_read(left), self._as_read(right))
            lost = self._flushed_of(Enclosed.apply(self, "mul", (left, right)), 0)
            return pairs(found["mid"], up(found["rad"] + lost))

    def _as_read(self, array: Pairs) -> Pairs:
        """The operands of a product of matrices, which may be 0 where they are below the normal numbers."""
        if not self.format.flushes:
            return array
        mid, rad, largest = array["mid"], array["rad"], size(array)
        least = 2.0**self.format.normal
        may_be_small = (np.abs(mid) - rad < least) & (largest > 0)
        return pairs(mid, np.where(may_be_small, up(rad + np.minimum(largest, least)), rad))

    def _flushed_of(self, products: Pairs, summed: int) -> Floats:
        """What products and additions over the last dimensions may lose below the normal numbers.

        Nothing where all products are exact, and so are all sums: multiples of one of these.
        """
        places = tuple(range(-summed, 0))
        least, mid = 2.0**self.format.normal, products["mid"]
        is_held = (products["rad"] == 0) & ((mid == 0) | (last_bit(mid) >= least))
        count = math.prod(products.shape[products.ndim - summed :])
        return np.where(is_held.all(axis=places), 0.0, 2 * count * least)

    def _contracted(self, sums: Sum, left: Pairs, right: Pairs) -> Pairs:
        """The product of matrices, each multiplication and addition rounded; of 16 bits in float32."""
        into, count, known = self.format.inner or self.format, left.shape[-1], self.orders.of(sums)
        flushes = self.format.flushes
        left, right = self._as_read(left), self._as_read(right)
        product = self.products.of(left, right)
        moved, sizes = spread(product, left, right), product.sizes
        least = 2.0 ** (into.normal + 1 if flushes else max(into.tiny, -1074))  # of a product and its addition
        terms = sizes + moved
        lost = product_rounding(known, 2.0**into.unit, product, moved, least)
        lost += terms * gamma(count, UNIT)
        lost += count * least
        if not terms.all():
            np.copyto(lost, 0.0, where=terms == 0)
        is_exact = multiplies_exactly(left, right, sizes, into, flushes=flushes)
        if is_exact.any():
            np.copyto(lost, 0.0, where=is_exact)
        rad = up(lost + moved)
        found = pairs(product.product, np.where(sizes + rad <= into.largest, rad, np.nan))
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
