"""Functions for SymPy that it does not have, or would take apart, each with its partial derivatives.

They stay as they are written on paper; at a kink their derivatives are those of PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

Form = Callable[..., sympy.Expr]


class greater(sympy.Function):  # type: ignore[misc]  # noqa: N801 - SymPy functions are named as they print
    """[x > y]: 1 where x > y, else 0, also where x = y. Its derivative is taken as 0."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sympy.Expr:  # noqa: ARG002
        """The derivative with respect to any argument."""
        return sympy.S.Zero


class at_least(greater):  # noqa: N801
    """[x > y] + ½ [x = y]: the share of the larger of two, which share evenly when equal."""


class at_most(greater):  # noqa: N801
    """[x <= y]. Its derivative is taken as 0."""


class equal(greater):  # noqa: N801
    """[x = y]. Its derivative is taken as 0."""


class sign(greater):  # noqa: N801
    """-1, 0 or 1. Its derivative is taken as 0."""

    nargs = 1


def _opaque(name: str, *derivatives: Form) -> type[sympy.Function]:
    """A SymPy function that stays as it is written and has these partial derivatives."""

    def fdiff(self: Any, argindex: int = 1) -> sympy.Expr:
        return derivatives[argindex - 1](*self.args)

    return type(name, (sympy.Function,), {"fdiff": fdiff, "nargs": len(derivatives)})


# sigmoid, softplus and expm1 keep their names on paper, so their derivatives are stated through the output,
# as textbooks and PyTorch do (ATen, derivatives.yaml: sigmoid_backward is grad·(1 − y)·y, expm1 grad·(y + 1));
# tests/derive/algebra/test_operations.py proves them equal to sympy.diff of the expansions in the table of operations.
sigmoid: type[sympy.Function] = _opaque("sigmoid", lambda x: sigmoid(x) * (1 - sigmoid(x)))
softplus = _opaque("softplus", sigmoid)
detach = _opaque("detach", lambda *_: sympy.S.Zero)
where = _opaque("where", lambda *_: sympy.S.Zero, lambda c, *_: c, lambda c, *_: 1 - c)
# Beyond an edge the edge itself takes the gradient, the upper one where they cross. On an edge: as `passes`, `stops`
# and `shares` of conventions.toml, in this order.
clip = _opaque(
    "clip",
    lambda x, low, high: at_most(low, x) * at_most(x, high),
    lambda x, low, high: greater(low, x) * greater(high, low),
    lambda x, low, high: 1 - at_most(x, high) * at_most(low, high),
)
clip_stopping = _opaque(
    "clip_stopping",
    lambda x, low, high: greater(x, low) * greater(high, x),
    lambda x, low, high: at_most(x, low) * greater(high, low),
    lambda x, low, high: 1 - greater(high, x) * greater(high, low),
)
clip_sharing = _opaque(
    "clip_sharing",
    # where all three are equal, all of it goes to x
    lambda x, low, high: at_least(x, low) * at_least(high, x) + equal(x, low) * equal(x, high) * 3 / 4,
    lambda x, low, high: at_least(low, x) * greater(high, low) + greater(low, x) * equal(low, high),
    lambda x, low, high: (
        greater(low, high) + at_least(x, high) * greater(high, low) + greater(x, high) * equal(low, high)
    ),
)
expm1: type[sympy.Function] = _opaque("expm1", lambda x: expm1(x) + 1)
relu = _opaque("relu", lambda x: greater(x, 0))
absolute = _opaque("absolute", sign)
maximum = _opaque("maximum", at_least, lambda x, y: at_least(y, x))
minimum = _opaque("minimum", lambda x, y: at_least(y, x), at_least)
power: type[sympy.Function] = _opaque(
    "power",
    lambda x, y: y * power(x, y - 1),
    lambda x, y: power(x, y) * sympy.log(x) if x != 0 else sympy.S.Zero,  # 0^y is 0 wherever it may be moved
)


def raised(x: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
    """Returns x^y, as `power` where both are variable, or x is 0.

    SymPy derives it by x as (y/x) x^y, by y as x^y log(x): at x = 0 a division by 0, and its logarithm.
    """
    return power(x, y) if (x.free_symbols or x == 0) and not y.is_Rational else x**y
