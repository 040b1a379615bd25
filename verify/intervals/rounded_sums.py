"""How far rounding can take a sum whose order is known, from the sizes of its partial sums.

An addition is off by at most u·|ŝ|, where ŝ is what it gives; what all of them lose adds up (N. J. Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §4.2). Where only the depth of the tree is known, each term goes
through no more roundings than that.
"""

from __future__ import annotations

import numpy as np

from verify.intervals.matrix_products import Product
from verify.intervals.midpoint_radius import UNIT, Pairs, gamma
from verify.numbers.formats import Floats
from verify.summation.order import Order
from verify.summation.partial_sums import partial_sums
from verify.summation.sums import Known


def sum_rounding(known: Known, unit: float, array: Pairs, sizes: Floats) -> Floats:
    """What the additions over the last dimension can lose; `sizes` are Σ|terms|, from above."""
    widest = np.asarray(sizes * gamma(known.depth, unit))
    if known.order is None:
        return widest
    mid, found = array["mid"], partial_sums(known.order)
    near = found.sizes(lambda own: np.asarray(mid[..., own].sum(axis=-1))) + (np.abs(mid) * found.weights).sum(axis=-1)
    return np.minimum(widest, unit * _sizes(known.order, unit, near, array["rad"].sum(axis=-1), sizes))


def product_rounding(known: Known, unit: float, product: Product, spread: Floats, least: float) -> Floats:
    """What the products and additions of a product of matrices can lose.

    `spread` is how far the radii can move the result, from above; a product may lose `least` to underflow.
    """
    terms = product.sizes + spread
    widest = np.asarray(gamma(known.depth + 1, unit) * terms)
    if known.order is None:
        return widest
    near = product.partial_sums(known.order)
    partial = _sizes(known.order, unit, near, spread, terms) + known.order.count**2 * least
    return np.minimum(widest, unit * (terms + partial))


def _sizes(order: Order, unit: float, near: Floats, spread: Floats, terms: Floats) -> Floats:
    """Σ|ŝ| over all partial sums as PyTorch has them, from above.

    `near` is the same of the midpoints' exact ones. Each term is a part of `depth` of them at most, so the radii, which
    come to `spread`, move the whole by `depth` times as much; and what is lost in each before it, by γ(depth + 1) of
    its terms. The last part is float64's own: each of the partial sums is off by less than γ(2m)·Σ|terms|.
    """
    own = order.depth * gamma(order.depth + 1, unit) + 2 * order.count * gamma(2 * order.count, UNIT)
    return np.asarray(near + order.depth * spread + own * terms)
