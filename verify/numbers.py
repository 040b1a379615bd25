"""Number systems: exact rationals and balls, balls that also round like PyTorch, and float64.

Nothing outside this module knows how a number is represented. Balls are `flint.arb`: a midpoint
and a radius that is proven to contain the exact value (F. Johansson, "Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Computers 66 (2017)).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from derive.expression import Apply, Expr, Number, Ref
from derive.operations import OPERATIONS
from derive.paper import read_expression
from derive.errors import Place

Array = NDArray[Any]
Exactly = fmpq | arb  # one number of the hand calculation: a fraction, or a ball that contains it

MAX_FRACTION_BITS = 20_000  # a fraction with more digits is carried on as a ball


class CalculationError(ArithmeticError):
    """A step that has no value: a division by zero, a logarithm of a negative number."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Balls are calculated with `bits` bits inside."""
    with ctx.workprec(bits):
        yield


# --- single numbers -----------------------------------------------------------------------------


def from_fraction(value: Fraction) -> fmpq:
    """The same number."""
    return fmpq(value.numerator, value.denominator)


def from_float(value: float) -> fmpq:
    """The exact value of a finite float."""
    return fmpq(*value.as_integer_ratio())


def float_ball(value: float) -> arb:
    """The exact value of a float as a ball of radius 0; for infinity and NaN, a ball that tells nothing."""
    return arb(from_float(value)) if math.isfinite(value) else arb.nan()


def as_ball(value: Exactly) -> arb:
    """A ball that contains the number."""
    return arb(value) if isinstance(value, fmpq) else value


def is_finite(value: Exactly) -> bool:
    """Whether the number is known at all; a ball around infinity or nothing is not."""
    return isinstance(value, fmpq) or bool(value.is_finite())


def is_sharp(value: Exactly, bits: int = 60) -> bool:
    """Whether the number is known to `bits` bits, or to be 0 within 2⁻¹²⁰: enough to print a float64."""
    if isinstance(value, fmpq):
        return True
    return bool(value.is_finite()) and (value.rel_accuracy_bits() >= bits or value.abs_upper() < arb(2) ** -120)


def to_float(value: Exactly) -> float:
    """The nearest float64 of a fraction, or of a ball's midpoint; infinite beyond the range."""
    if isinstance(value, arb):
        return float(value.mid())
    try:
        return int(value.p) / int(value.q)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def to_fraction(value: Exactly) -> Fraction | None:
    """The number as a fraction, where it is one."""
    return Fraction(int(value.p), int(value.q)) if isinstance(value, fmpq) else None


def radius(value: Exactly) -> float:
    """An upper bound of how far the exact value can be from `to_float(value)`, for a ball from its midpoint."""
    if isinstance(value, fmpq) or value.is_exact():
        return 0.0
    return math.nextafter(float(value.rad()), math.inf)


# --- exact --------------------------------------------------------------------------------------

Element = Callable[..., Exactly]


def _kept(value: Exactly) -> Exactly:
    """A fraction while its digits are few, else a ball around it."""
    return arb(value) if isinstance(value, fmpq) and value.height_bits() > MAX_FRACTION_BITS else value


def _divide(x: Exactly, y: Exactly) -> Exactly:
    if y == 0:
        raise CalculationError("division by zero")
    return _kept(x / y)


def _power(x: Exactly, y: Exactly) -> Exactly:
    if x == 0 and y < 0:
        raise CalculationError("division by zero")
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        if y.q == 1 and x.height_bits() * abs(int(y.p)) <= MAX_FRACTION_BITS:
            return x ** int(y.p)
        if y == fmpq(1, 2):
            return _square_root(x)
    return as_ball(x) ** as_ball(y)


def _square_root(x: Exactly) -> Exactly:
    if isinstance(x, fmpq) and x >= 0:
        top, bottom = math.isqrt(int(x.p)), math.isqrt(int(x.q))
        if top * top == x.p and bottom * bottom == x.q:
            return fmpq(top, bottom)
    return as_ball(x).sqrt()


def _sign(x: Exactly) -> Exactly:
    return as_ball(x).sgn() if isinstance(x, arb) else fmpq((x > 0) - (x < 0))


def _larger(x: Exactly, y: Exactly) -> Exactly:
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return max(x, y)
    return as_ball(x).max(as_ball(y))


def _smaller(x: Exactly, y: Exactly) -> Exactly:
    return -_larger(-x, -y)


def _function(method: str, at_point: int, value: int) -> Element:
    """A transcendental function as a ball, exact at the one rational point where it is rational."""

    def element(x: Exactly) -> Exactly:
        if x == at_point:
            return fmpq(value)
        return getattr(as_ball(x), method)()

    return element


# Where a transcendental function of a rational number is rational: f(point) = value.
_RATIONAL_POINTS = {
    "exp": (0, 1),
    "log": (1, 0),
    "sin": (0, 0),
    "cos": (0, 1),
    "tan": (0, 0),
    "tanh": (0, 0),
    "log1p": (0, 0),
}

_ELEMENTS: dict[str, Element] = {
    "add": lambda x, y: _kept(x + y),
    "sub": lambda x, y: _kept(x - y),
    "mul": lambda x, y: _kept(x * y),
    "div": _divide,
    "pow": _power,
    "neg": lambda x: -x,
    "abs": abs,
    "sqrt": _square_root,
    "sign": _sign,
    "max": _larger,
    "min": _smaller,
    "pi": arb.pi,
    "e": arb.const_e,
}


@cache
def element(op: str) -> Element:
    """An operation of the table on single exact numbers."""
    if op in _ELEMENTS:
        return _ELEMENTS[op]
    entry = OPERATIONS[op]
    if entry.ball is not None:
        return _function(entry.ball, *_RATIONAL_POINTS.get(op, (None, 0)))
    whole = expansion(op)
    return lambda *args: _evaluate(whole, dict(zip("xy", args, strict=False)))


@cache
def expansion(op: str) -> Expr:
    """The equation by which an operation is calculated where a library lacks it."""
    text = OPERATIONS[op].expansion
    if text is None:
        raise TypeError(f"operation {op!r} has neither a name in this library nor an expansion")
    return read_expression(text, Place(op, text=text))


def _evaluate(expr: Expr, names: dict[str, Exactly]) -> Exactly:
    match expr:
        case Number(value=value):
            return from_fraction(value)
        case Ref(name=name):
            return names[name]
        case Apply(op=op, args=args):
            return element(op)(*(_evaluate(arg, names) for arg in args))
    raise TypeError(f"{type(expr).__name__} in an expansion")


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

    def total(self, array: Array, count: int) -> Array:
        """The sum over the last `count` dimensions."""
        kept = array.shape[: array.ndim - count]
        rows = array.reshape((-1, math.prod(array.shape[array.ndim - count :])))
        return objects([_kept(sum(row, fmpq(0))) for row in rows], kept)


# --- rounded ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: unit roundoff u, half the smallest subnormal, the largest number."""

    name: str
    unit: int  # u = 2^unit: half an ulp of 1
    tiny: int  # 2^tiny: half the smallest subnormal, the largest error of a result that underflows
    largest: float


FORMATS = {
    "float32": Format("float32", -24, -150, float(np.finfo(np.float32).max)),
    "float64": Format("float64", -53, -1075, float(np.finfo(np.float64).max)),
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
        self._elements: dict[str, Element] = {}

    def rounded(self, value: Exactly, units: int = 1) -> arb:
        """The ball of all floats that `value` can become by an error of `units` u."""
        return as_ball(value) * arb(1, units * self.unit) + self.underflow

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

    def total(self, array: Array, count: int) -> Array:
        """The sum over the last `count` dimensions, in any order."""
        kept = array.shape[: array.ndim - count]
        rows = array.reshape((-1, math.prod(array.shape[array.ndim - count :])))
        return objects([self._sum(list(row)) for row in rows], kept)

    def _sum(self, terms: list[arb]) -> arb:
        size = sum((term.abs_upper() for term in terms), arb(0))
        roundings = (len(terms) - 1) * self.unit
        return sum(terms, arb(0)) + arb(0, size * (roundings / (1 - roundings)))


# --- float64 ------------------------------------------------------------------------------------


class Float64:
    """IEEE double precision by NumPy, without any bound: for comparison and for speed."""

    def constant(self, value: Fraction) -> Array:
        """The nearest double."""
        return np.asarray(value.numerator / value.denominator)

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """The NumPy function of that name, or the operation's expansion."""
        name = OPERATIONS[op].numpy
        if name is not None:
            function = getattr(np, name)
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

    def total(self, array: Array, count: int) -> Array:
        """The sum over the last `count` dimensions."""
        return np.asarray(array.sum(axis=tuple(range(array.ndim - count, array.ndim))))

