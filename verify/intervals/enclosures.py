"""The number system of pairs: exact numbers, for whole arrays at once, within float64's own rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np
from flint import arb

from derive.algebra.expression import Apply, Expr, Number, Ref
from derive.algebra.operations import OPERATIONS
from verify.intervals.contraction import Contraction
from verify.intervals.functions import FUNCTIONS
from verify.intervals.in_parts import in_parts
from verify.intervals.matrix_products import Products, multiplies_exactly, spread
from verify.intervals.midpoint_radius import (
    ELEMENTS,
    LEAST,
    UNIT,
    Pairs,
    function,
    gamma,
    gathered,
    nearest_float,
    negative,
    pairs,
    possible_largest,
    summed,
    up,
)
from verify.numbers.by_element import Literals
from verify.numbers.elements import CalculationError, element, expansion
from verify.numbers.formats import FORMATS, Floats, log_sum_exp_units
from verify.numbers.scalars import as_ball
from verify.summation.sums import Sum


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


class Enclosed(Literals):
    """Pairs that contain the exact value: what float64 loses is in the radius, and nothing else.

    `products` are those of matrices that another calculation may have made at the same midpoints; without them none is
    kept.
    """

    def __init__(self, products: Products | None = None) -> None:
        self._products = products

    @property
    def products(self) -> Products:
        """Where the products of matrices are made."""
        return Products() if self._products is None else self._products

    def sharing(self, products: Products) -> Enclosed:
        """The same system with products of matrices that are made once."""
        return Enclosed(products)

    def constants(self, values: Sequence[Fraction]) -> Pairs:
        """The nearest float64 of each, with what it lacks; a number beyond float64 tells nothing."""
        found = [nearest_float(*value.as_integer_ratio()) for value in values]
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
        return in_parts(partial(self._enclosed, op), args)

    def _enclosed(self, op: str, args: tuple[Pairs, ...]) -> Pairs:
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

    def product(self, left: Pairs, right: Pairs) -> Pairs:
        """The products of two arrays, which PyTorch makes as a product of matrices."""
        return self.apply("mul", (left, right))

    def contracted_size(self, how: Contraction, left: Pairs, right: Pairs) -> Floats:
        """The sum of the sizes of the products."""
        with np.errstate(all="ignore"):
            found = self.products.of(*how.matrices(left, right))
            return np.asarray(how.restored(found.terms, left, right))

    def _by_products(self, summed: int, sums: Sum, left: Pairs, right: Pairs) -> Pairs:
        """The sum over the last dimensions of the products, each taken by itself."""
        products = self.apply("mul", (left, right))
        return self._sums(sums, products.reshape((*products.shape[: products.ndim - summed], -1)))

    def _contracted(self, sums: Sum, left: Pairs, right: Pairs) -> Pairs:  # noqa: ARG002 - which only rounding asks for
        """The product of matrices."""
        product = self.products.of(left, right)
        is_exact = multiplies_exactly(left, right, product.sizes, FORMATS["float64"])
        own = np.where(is_exact, 0.0, gamma(left.shape[-1], UNIT) * product.sizes)
        return pairs(product.product, up(spread(product, left, right) + own))

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
