"""Reverse mode on single numbers: each result remembers what it was made of, and the derivative by each of it.

At a kink the derivative is what PyTorch takes, written down here once more: relu, abs and sign have 0 at 0, equal
operands of max and min share evenly, clip at an edge is one of three `EDGES`. What has no value lets only what is
made of it have none, so that the side of a `where` that is not chosen does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count

from tests.oracle import numbers
from tests.oracle.numbers import HALF, NOTHING, ONE, PI, ZERO, Real, exp, log, root

Partial = Callable[[], Real]

EDGES = ("passes", "stops", "shares")  # at an edge of clip: 1; 0; half to the number and half to the edge

_order = count()


class Var:
    """A number on the tape: its value, and the numbers that it depends on with the derivative by each.

    A derivative is calculated when backpropagation asks for it: where it has no value, nobody may want it.
    """

    __slots__ = ("adjoint", "is_tracked", "order", "parents", "value")

    def __init__(self, value: Real, parents: Sequence[tuple[Var, Partial]] = (), is_tracked: bool = False) -> None:
        self.value = value
        self.parents = [(parent, partial) for parent, partial in parents if parent.is_tracked]
        self.is_tracked = is_tracked or bool(self.parents)
        self.order = next(_order)
        self.adjoint = ZERO


def leaf(value: Real) -> Var:
    """A parameter."""
    return Var(value, is_tracked=True)


def named(x: Var) -> Var:
    """The number x under a name of its own, with an adjoint of its own."""
    return Var(x.value, [(x, lambda: ONE)], is_tracked=True)


def backward(loss: Var) -> None:
    """Fills in the adjoint of everything that `loss` depends on."""
    found, pending = {loss.order: loss}, [loss]
    while pending:
        for parent, _ in pending.pop().parents:
            if parent.order not in found:
                found[parent.order] = parent
                pending.append(parent)
    loss.adjoint = ONE
    for order in sorted(found, reverse=True):
        var = found[order]
        for parent, partial in var.parents:
            parent.adjoint += var.adjoint * partial()


def _lost(of: Sequence[Var]) -> Var | None:
    """A result without a value where an operand has none."""
    if all(x.value.value is not None for x in of):
        return None
    return Var(NOTHING, [(x, lambda: NOTHING) for x in of])


def add(x: Var, y: Var) -> Var:
    return Var(x.value + y.value, [(x, lambda: ONE), (y, lambda: ONE)])


def subtract(x: Var, y: Var) -> Var:
    return Var(x.value - y.value, [(x, lambda: ONE), (y, lambda: -ONE)])


def multiply(x: Var, y: Var) -> Var:
    return Var(x.value * y.value, [(x, lambda: y.value), (y, lambda: x.value)])


def divide(x: Var, y: Var) -> Var:
    return Var(x.value / y.value, [(x, lambda: 1 / y.value), (y, lambda: -x.value / (y.value * y.value))])


def negate(x: Var) -> Var:
    return Var(-x.value, [(x, lambda: -ONE)])


def raised(x: Var, y: Var) -> Var:
    """x^y. By x: y·x^(y−1), 0 for y = 0. By y: x^y·log x, and 0 for x = 0 while y is not negative."""

    def by_base() -> Real:
        return ZERO if y.value.sign == 0 else y.value * x.value ** (y.value - 1)

    def by_exponent() -> Real:
        return ZERO if x.value.sign == 0 and y.value.sign >= 0 else x.value**y.value * log(x.value)

    return _lost((x, y)) or Var(x.value**y.value, [(x, by_base), (y, by_exponent)])


def largest(of: Sequence[Var]) -> Var:
    """The largest of many; equal ones share evenly."""
    lost = _lost(of)
    if lost is not None:
        return lost
    best = of[0]
    for x in of[1:]:
        best = x if (x.value - best.value).sign > 0 else best
    alike = [x for x in of if x is best or (x.value - best.value).sign == 0]
    return Var(best.value, [(x, lambda: Real(Fraction(1, len(alike)))) for x in alike])


def smallest(of: Sequence[Var]) -> Var:
    """The smallest of many; equal ones share evenly."""
    return negate(largest([negate(x) for x in of]))


def clipped(x: Var, low: Var, high: Var, edge: str) -> Var:
    """min(max(x, low), high), with what `edge` says at an edge."""
    if edge == "shares":
        return smallest((largest((x, low)), high))
    lost = _lost((x, low, high))
    if lost is not None:
        return lost
    if (low.value - high.value).sign > 0:
        return Var(high.value, [(high, lambda: ONE)])
    below, above = (x.value - low.value).sign, (x.value - high.value).sign
    if below < 0 or above > 0:
        bound = low if below < 0 else high
        return Var(bound.value, [(bound, lambda: ONE)])
    inside = below > 0 and above < 0
    return Var(x.value, [(x, lambda: ONE if edge == "passes" or inside else ZERO)])


def total(of: Sequence[Var]) -> Var:
    """The sum of many."""
    return Var(sum((x.value for x in of), ZERO), [(x, lambda: ONE) for x in of])


def _smooth(value: Callable[[Real], Real], slope: Callable[[Real, Real], Real]) -> Callable[[Var], Var]:
    """A function of one number; `slope` is its derivative at x where it has the value z."""

    def function(x: Var) -> Var:
        z = NOTHING if x.value.value is None else value(x.value)
        return Var(z, [(x, lambda: NOTHING if z.value is None else slope(x.value, z))])

    return function


def _sigmoid(x: Real) -> Real:
    return 1 / (1 + exp(-x))


def _softplus(x: Real) -> Real:
    return log(1 + exp(-abs(x))) + (x if x.sign > 0 else ZERO)


_LN_2, _LN_10 = log(Real(2)), log(Real(10))
_SLOPE_OF_ERF = 2 / root(PI)

ELEMENTWISE: dict[str, Callable[[Var], Var]] = {
    "exp": _smooth(exp, lambda _, z: z),
    "log": _smooth(log, lambda x, _: 1 / x),
    "log2": _smooth(lambda x: log(x) / _LN_2, lambda x, _: 1 / (x * _LN_2)),
    "log10": _smooth(lambda x: log(x) / _LN_10, lambda x, _: 1 / (x * _LN_10)),
    "log1p": _smooth(lambda x: log(1 + x), lambda x, _: 1 / (1 + x)),
    "expm1": _smooth(lambda x: exp(x) - 1, lambda x, _: exp(x)),
    "sqrt": _smooth(root, lambda _, z: HALF / z),
    "sin": _smooth(numbers.sin, lambda x, _: numbers.cos(x)),
    "cos": _smooth(numbers.cos, lambda x, _: -numbers.sin(x)),
    "tan": _smooth(numbers.tan, lambda _, z: 1 + z * z),
    "tanh": _smooth(numbers.tanh, lambda _, z: 1 - z * z),
    "sigmoid": _smooth(_sigmoid, lambda _, z: z * (1 - z)),
    "softplus": _smooth(_softplus, lambda x, _: _sigmoid(x)),
    "erf": _smooth(numbers.erf, lambda x, _: _SLOPE_OF_ERF * exp(-x * x)),
    "relu": _smooth(lambda x: x if x.sign > 0 else ZERO, lambda x, _: ONE if x.sign > 0 else ZERO),
    "abs": _smooth(abs, lambda x, _: Real(x.sign)),
    "sign": _smooth(lambda x: Real(x.sign), lambda *_: ZERO),
    "detach": lambda x: Var(x.value),
}
