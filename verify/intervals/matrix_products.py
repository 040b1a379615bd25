"""Products of matrices of pairs: of their midpoints, and from above of their sizes and radii.

Several number systems multiply matrices that have the same midpoints; such a product is made once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verify.intervals.midpoint_radius import LEAST, UP, Pairs, last_bit, least
from verify.numbers.formats import Floats, Format, Truth
from verify.summation.order import Order
from verify.summation.partial_sums import partial_sums

FEW = 8  # numbers of a row or column that are looked at before all


@dataclass(frozen=True)
class Product:
    """A product of two matrices of midpoints, `product` = `left` @ `right`, and that of their sizes, `terms`.

    `sizes` are no less than the exact `terms`.
    """

    left: Floats
    right: Floats
    product: Floats
    terms: Floats
    sizes: Floats
    _near: dict[Order, Floats] = field(default_factory=dict)

    def partial_sums(self, order: Order) -> Floats:
        """From above what all partial sums of an order come to in size, each of them off by what float64 loses."""
        if order not in self._near:
            left, right, found = self.left, self.right, partial_sums(order, self.sizes[0].size)
            near = found.sizes(lambda own: _part(left[..., own], right[..., own, :]))
            self._near[order] = near + product_from_above(np.abs(left) * found.weights, np.abs(right))
        return self._near[order]


class Products:
    """The products of matrices that have been made, to be asked for again."""

    def __init__(self) -> None:
        self._found: dict[tuple[tuple[int, ...], ...], list[Product]] = {}

    def of(self, left: Pairs, right: Pairs) -> Product:
        """The product of the midpoints."""
        # side by side in memory, as BLAS wants them: the fields of a structured array are not
        a, b = (np.ascontiguousarray(x["mid"]) for x in (left, right))
        alike = self._found.setdefault((a.shape, b.shape), [])
        for known in alike:
            if np.array_equal(a, known.left) and np.array_equal(b, known.right):
                return known
        sizes = np.abs(a), np.abs(b)
        terms = sizes[0] @ sizes[1]
        alike.append(Product(a, b, a @ b, terms, _raised(terms.copy(), *sizes)))
        return alike[-1]


def _part(left: Floats, right: Floats) -> Floats:
    """A product of matrices; of a column and a row without BLAS, which is slower then."""
    return np.asarray(left * right if left.shape[-1] == 1 else left @ right)


def spread(product: Product, left: Pairs, right: Pairs) -> Floats:
    """From above how far the radii of two matrices can move their product."""
    found: Floats = np.zeros(())
    ra, rb = left["rad"], right["rad"]
    if rb.any():
        rb = np.ascontiguousarray(rb)
        found = found + product_from_above(np.abs(product.left), rb)
    if ra.any():
        found = found + product_from_above(np.ascontiguousarray(ra), np.abs(product.right) + rb)
    return np.asarray(found * UP)


def product_from_above(left: Floats, right: Floats) -> Floats:
    """No less than the product of two matrices of numbers that are not negative; 0 where all its products are."""
    return _raised(left @ right, left, right)


def _raised(product: Floats, left: Floats, right: Floats) -> Floats:
    """The product of two such matrices, of which float64 may have lost something; in its own memory."""
    count = left.shape[-1]
    zero = product == 0
    any_zero = bool(zero.any())
    if any_zero and not least(left) * least(right) > LEAST:  # some may have underflowed
        zero &= ((left > 0) * 1.0 @ ((right > 0) * 1.0)) == 0
    product *= 1 + count * 2.0**-52
    product += count * LEAST
    if any_zero:
        product[zero] = 0.0
    return product


def multiplies_exactly(left: Pairs, right: Pairs, sizes: Floats, into: Format, *, flushes: bool = False) -> Truth:
    """Whether every product and partial sum of a product of matrices, in any order, is a number of the format.

    All products are multiples of the last bit of the lowest number of the row times that of the column, and their
    absolute values add up to less than the format's digits can hold. Where what is below the normal numbers is 0
    (`flushes`), that last bit has to be one of these.
    """
    exact = (left["rad"] == 0).all(axis=-1)[..., :, np.newaxis] & (right["rad"] == 0).all(axis=-2)[..., np.newaxis, :]
    if not exact.any():
        return np.asarray(exact)
    least = 2.0 ** (into.normal if flushes else max(into.tiny + 1, -1074))
    for most in (FEW, None):  # the lowest of some numbers is no lower than that of all: often it decides
        lowest = _lowest(left["mid"][..., :most], -1) * _lowest(right["mid"][..., :most, :], -2)
        exact = exact & (lowest >= least) & (sizes < lowest * 2.0**-into.unit) & (sizes <= into.largest)
        if not exact.any():
            break
    return np.asarray(exact)


def _lowest(values: Floats, axis: int) -> Floats:
    """The last bit of the lowest of the numbers along an axis; infinite where all are 0."""
    return np.asarray(np.where(values == 0, np.inf, last_bit(values)).min(axis=axis, keepdims=True))
