"""The number systems, each with the same three methods: `constant`, `apply`, `total`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from derive.expression import Apply, Expr, Number, Ref
from derive.operations import OPERATIONS
from verify.numbers.elements import REDUCTIONS, CalculationError, Element, element, expansion, shares
from verify.numbers.scalars import Exactly, as_ball, from_fraction

Array = NDArray[Any]


def objects(values: Sequence[Exactly], shape: tuple[int, ...]) -> Array:
    """An array of exact numbers; NumPy is kept from looking inside them."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def _each(function: Element, args: tuple[Array, ...]) -> Array:
    """`function` on every element of arrays that broadcast together."""
    if not args or all(arg.ndim == 0 for arg in args):
        return objects([function(*(arg.item() for arg in args))], ())
    result = np.frompyfunc(function, len(args), 1)(*args)
    return np.asarray(result, dtype=object)


class Exact:
    """Rational numbers without rounding; where a value is irrational, a ball that contains it."""

    def constant(self, value: Fraction) -> Array:
        """The same number."""
        return objects([from_fraction(value)], ())

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """Raises `CalculationError` where the operation has no value."""
        return _each(element(op), args)

    def reduce(self, op: str, array: Array) -> Array:
        """The sum, logsumexp, max or min over the last dimension."""
        return _by_rows(REDUCTIONS[op], array)

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min over the last dimension."""
        return _shares(op, array)


def _shares(op: str, array: Array) -> Array:
    """The share of each entry along the last dimension."""
    rows = array.reshape((-1, array.shape[-1]))
    return objects([share for row in rows for share in shares(op, list(row))], array.shape)


def _by_rows(function: Callable[[list[Exactly]], Exactly], array: Array) -> Array:
    """`function` of the numbers along the last dimension."""
    rows = array.reshape((-1, array.shape[-1]))
    return objects([function(list(row)) for row in rows], array.shape[:-1])


@dataclass(frozen=True)
class Format:
    """A binary floating-point format, by its unit roundoff u and the ends of its range."""

    name: str
    unit: int  # u = 2^unit: half an ulp of 1
    tiny: int  # 2^tiny: half the smallest subnormal, the largest error of a result that underflows
    normal: int  # 2^normal: the smallest number that is held with all digits
    largest: float


FORMATS = {
    "float32": Format("float32", -24, -150, -126, float(np.finfo(np.float32).max)),
    "float64": Format("float64", -53, -1075, -1022, float(np.finfo(np.float64).max)),
}


class Rounded:
    """Balls that contain what any correct evaluation in a floating-point format can give.

    After every operation the ball grows by the operation's rounding error (`Operation.rounding`
    units u of the result); a sum of m terms by (m−1)·u·Σ|terms|, for any order of summation
    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §4.2).
    """

    def __init__(self, dtype: str) -> None:
        self.format = FORMATS[dtype]
        self.unit = arb(2) ** self.format.unit
        self.underflow = arb(0, arb(2) ** self.format.tiny)
        self.flushed = arb(0, arb(2) ** self.format.normal)
        self.largest = arb(self.format.largest)
        self._elements: dict[str, Element] = {}

    def rounded(self, value: Exactly, units: int = 1) -> arb:
        """The ball of all floats that `value` can become by an error of `units` u.

        IEEE's own operations underflow gradually. A function of a library may flush to 0 what is
        below the smallest normal number: PyTorch's sigmoid does, and its log1p loses digits there.
        """
        ball, lost = as_ball(value), self.underflow if units <= 2 else self.flushed
        if units == 1 and self.holds(ball):
            return ball  # + − × ÷ are correctly rounded: what the format holds comes out as it is
        return ball if ball == 0 else self._held(ball * arb(1, units * self.unit) + lost)

    def holds(self, ball: arb) -> bool:
        """Whether the ball is one number that the format holds exactly."""
        if not ball.is_exact() or not ball.is_finite() or abs(ball) > self.largest:
            return False
        digits, exponent = ball.man_exp()
        return int(digits).bit_length() <= -self.format.unit and int(exponent) > self.format.tiny

    def adds_exactly(self, terms: list[arb]) -> bool:
        """Whether every partial sum, in any order, is a number that the format holds."""
        if not all(self.holds(term) for term in terms):
            return False
        lowest = min((int(term.man_exp()[1]) for term in terms if term != 0), default=0)
        size = sum(map(abs, terms), arb(0))
        return bool(size <= arb(2) ** (lowest - self.format.unit) and size <= self.largest)

    def _held(self, ball: arb) -> arb:
        """The ball; where the format may overflow, one that tells nothing: 1/inf is 0, whatever the true value."""
        return ball if abs(ball) <= self.largest else arb.nan()

    def read(self, value: Fraction) -> arb:
        """A number as it is stored: itself where the format holds it, else rounded once."""
        held = value.numerator / value.denominator if abs(value) <= self.format.largest else math.inf
        exactly = float(np.float32(held)) if self.format.name == "float32" and math.isfinite(held) else held
        exact = as_ball(from_fraction(value))
        return exact if math.isfinite(exactly) and Fraction(exactly) == value else self.rounded(exact)

    def constant(self, value: Fraction) -> Array:
        """A literal of an equation, rounded once."""
        return objects([self.read(value)], ())

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """The operation and its rounding."""
        if op not in self._elements:
            self._elements[op] = self._element(op)
        return _each(self._elements[op], args)

    def _element(self, op: str) -> Element:
        exact, units = element(op), OPERATIONS[op].rounding

        def rounded(*args: Exactly) -> Exactly:
            try:
                value = exact(*args)
            except CalculationError:
                return arb.nan()  # PyTorch goes on with inf or nan; the ball tells nothing about it
            return self.rounded(value, units) if units else as_ball(value)

        return rounded

    def reduce(self, op: str, array: Array) -> Array:
        """The sum, logsumexp, max or min over the last dimension, in any order."""
        return _by_rows(getattr(self, f"_{op}"), array)

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min; where rounding leaves it open, a ball around 0 and 1."""
        return _shares(op, array)

    def _max(self, terms: list[arb]) -> Exactly:
        return REDUCTIONS["max"](list(terms))

    def _min(self, terms: list[arb]) -> Exactly:
        return REDUCTIONS["min"](list(terms))

    def _logsumexp(self, terms: list[arb]) -> arb:
        """The ball of log Σ exp as PyTorch takes it: max + log Σ exp(x − max).

        The sum of m terms between 0 and 1, of which the largest is 1, is off by (m + 8) u relative; log
        turns that into as much absolute error, has 4 u of its own, and two more roundings follow.
        """
        exact = as_ball(REDUCTIONS["logsumexp"](list(terms)))
        units = self.unit * (len(terms) + 12 + 2 * exact.abs_upper() + 4 * arb(len(terms)).log())
        return self._held(exact + arb(0, units) + self.underflow)

    def _sum(self, terms: list[arb]) -> arb:
        if self.adds_exactly(terms):
            return sum(terms, arb(0))
        size = sum((term.abs_upper() for term in terms), arb(0))
        roundings = (len(terms) - 1) * self.unit
        total = sum(terms, arb(0)) + arb(0, size * (roundings / (1 - roundings)))
        return total if size <= self.largest else arb.nan()


class Float64:
    """IEEE double precision by NumPy, without any bound: for comparison and for speed."""

    def constant(self, value: Fraction) -> Array:
        """The nearest double."""
        return np.asarray(value.numerator / value.denominator)

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """The NumPy function of that name, or the operation's expansion."""
        name = OPERATIONS[op].numpy
        if name is not None:
            function = getattr(np, name, None) or np.vectorize(getattr(math, name), otypes=[float])
            return np.asarray(function(*args) if args else function, dtype=np.float64)
        return self._expanded(expansion(op), dict(zip("xy", args, strict=False)))

    def _expanded(self, expr: Expr, names: dict[str, Array]) -> Array:
        match expr:
            case Number(value=value):
                return self.constant(value)
            case Ref(name=name):
                return names[name]
            case Apply(op=op, args=args):
                return self.apply(op, tuple(self._expanded(arg, names) for arg in args))
        raise TypeError(f"{type(expr).__name__} in an expansion")

    def reduce(self, op: str, array: Array) -> Array:
        """The sum, logsumexp, max or min over the last dimension."""
        name = {"sum": "add", "logsumexp": "logaddexp", "max": "maximum", "min": "minimum"}[op]
        return np.asarray(getattr(np, name).reduce(array, axis=-1))

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min over the last dimension."""
        equal = array == self.reduce(op, array)[..., np.newaxis]
        return np.asarray(equal / equal.sum(axis=-1, keepdims=True))
