"""The entry that a label picks: [y = k] Σₘ [y = m] pₘ is [y = k] pₖ."""

from __future__ import annotations

from collections.abc import Mapping

from derive.algebra.expression import Apply, Axis, Expr, Number, Position, Reduce, Ref, rename_axes
from derive.algebra.monomial import Monomial, collect
from derive.algebra.tidying import powered, product


def picked(whole: Monomial) -> Monomial:
    """The product with picked entries by the index that another of its factors says they are at."""
    labels = {found[0]: found[1] for factor, power in whole.outside if power > 0 and (found := _label(factor))}
    if not labels:
        return whole
    factors = [powered(_entry(factor, labels), power) for factor, power in whole.outside]
    return product(Number(whole.coefficient), *factors)


def _label(factor: Expr) -> tuple[Ref, Axis] | None:
    """Y and k of [y = k]."""
    match factor:
        case Apply(op="equal", args=(Ref() as label, Position(axis=axis))):
            return label, axis
    return None


def _entry(factor: Expr, labels: Mapping[Ref, Axis]) -> Expr:
    """pₖ for Σₘ [y = m] pₘ, where y is known to be k; any other factor as it is."""
    if not isinstance(factor, Reduce) or factor.op != "sum":
        return factor
    body = collect((factor.body,))
    for part, power in body.outside:
        found = _label(part)
        if found is not None and power == 1 and found[0] in labels and factor.axes == (found[1],):
            rest = [powered(other, exponent) for other, exponent in body.outside if other != part]
            here = labels[found[0]]
            return rename_axes(collect([Number(body.coefficient), *rest]).tree(), {found[1]: here})
    return factor
