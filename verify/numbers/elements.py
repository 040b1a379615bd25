"""The operations of the table on single exact numbers: fractions stay fractions while they can."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, reduce

from flint import arb, fmpq

from derive.algebra.expression import Apply, Expr, Number, Ref
from derive.algebra.operations import OPERATIONS
from derive.errors import Place
from derive.paper.syntax import read_expression
from verify.numbers.scalars import Exactly, as_ball, from_fraction, is_finite

MAX_FRACTION_BITS = 2_000  # a fraction with more digits is carried on as a ball: sums of long ones cost the most


class CalculationError(ArithmeticError):
    """A division by zero, also by a power; log(−1) and the like give a ball that tells nothing instead."""


Element = Callable[..., Exactly]


def kept(value: Exactly) -> Exactly:
    """The number itself; for a fraction of more than `MAX_FRACTION_BITS` bits, a ball around it.

    A ball that holds 0 alone, as 0 times a ball does, is the fraction.
    """
    if isinstance(value, arb):
        return fmpq(0) if value.is_zero() else value
    return arb(value) if value.height_bits() > MAX_FRACTION_BITS else value


def _is_same(x: Exactly, y: Exactly) -> bool:
    """Whether both are one number, and not only balls that may hold the same: what is equal is calculated once."""
    return x is y and is_finite(x)


def _divide(x: Exactly, y: Exactly) -> Exactly:
    if y == 0:
        raise CalculationError("division by zero")
    return kept(x / y)


def _power(x: Exactly, y: Exactly) -> Exactly:
    if x == 0 and y < 0:
        raise CalculationError("division by zero")
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        if y.q == 1 and x.height_bits() * abs(int(y.p)) <= MAX_FRACTION_BITS:
            return x ** int(y.p)
        root = _square_root(x) if y.q == 2 else x
        if y.q == 2 and isinstance(root, fmpq) and root.height_bits() * abs(int(y.p)) <= MAX_FRACTION_BITS:
            return root ** int(y.p)
    base, exponent = as_ball(x), as_ball(y)
    if base.mid() == 0 and exponent.is_integer() and exponent > 0:
        return arb(0, base.abs_upper() ** exponent)  # flint has no power of a ball around 0
    return base**exponent


def _square_root(x: Exactly) -> Exactly:
    if isinstance(x, fmpq) and x >= 0:
        top, bottom = math.isqrt(int(x.p)), math.isqrt(int(x.q))
        if top * top == x.p and bottom * bottom == x.q:
            return fmpq(top, bottom)
    return as_ball(x).sqrt()


def _sign(x: Exactly) -> Exactly:
    """The sign as a fraction, also of a ball that is known to lie on one side of 0: what it multiplies stays one."""
    if isinstance(x, arb) and not (x > 0 or x < 0 or x == 0):
        return x.sgn()
    return fmpq((x > 0) - (x < 0))


def _where(chosen: Exactly, x: Exactly, y: Exactly) -> Exactly:
    """X where the condition is 1, y where it is 0; where a ball does not tell, a ball around both."""
    if chosen == 1:
        return x
    return y if chosen == 0 else as_ball(x).union(as_ball(y))


def _larger(x: Exactly, y: Exactly) -> Exactly:
    """The larger number itself, where that is known: a ball that is cut off at a fraction is that fraction."""
    if x is y:
        return x
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return max(x, y)
    one, other = as_ball(x), as_ball(y)
    if one >= other:
        return x
    return y if one <= other else one.max(other)


def _smaller(x: Exactly, y: Exactly) -> Exactly:
    return -_larger(-x, -y)


def _function(method: str, at_point: int, value: int) -> Element:
    """A transcendental function as a ball, exact at the one rational point where it is rational."""

    def element(x: Exactly) -> Exactly:
        if x == at_point:
            return fmpq(value)
        ball: arb = getattr(as_ball(x), method)()
        return ball

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
    "expm1": (0, 0),
    "erf": (0, 0),
}

_ELEMENTS: dict[str, Element] = {
    "add": lambda x, y: kept(x + y),
    "sub": lambda x, y: fmpq(0) if _is_same(x, y) else kept(x - y),
    "mul": lambda x, y: kept(x * y),
    "div": _divide,
    "pow": _power,
    "neg": lambda x: -x,
    "abs": abs,
    "sqrt": _square_root,
    "sign": _sign,
    "max": _larger,
    "min": _smaller,
    "detach": lambda x: x,
    "where": _where,
    "clip": lambda x, low, high: _smaller(_larger(x, low), high),
    "pi": arb.pi,
    "e": arb.const_e,
}


@cache
def element(op: str) -> Element:
    """The function of an operation on single exact numbers; it raises `CalculationError` for a division by zero."""
    if op in _ELEMENTS:
        return _ELEMENTS[op]
    entry = OPERATIONS[op]
    if entry.ball is not None:
        return _function(entry.ball, *_RATIONAL_POINTS.get(op, (None, 0)))
    whole = expansion(op)
    return lambda *args: evaluate(whole, dict(zip("xy", args, strict=False)))


@cache
def expansion(op: str) -> Expr:
    """The equation in x and y by which an operation is calculated where a library lacks it; else `TypeError`."""
    text = OPERATIONS[op].expansion
    if text is None:
        raise TypeError(f"operation {op!r} has neither a name in this library nor an expansion")
    return read_expression(text, Place(op, text=text))


def evaluate(expr: Expr, names: dict[str, Exactly]) -> Exactly:
    """The value of an expression without sums, at a number for each of its names."""
    match expr:
        case Number(value=value):
            return from_fraction(value)
        case Ref(name=name):
            return names[name]
        case Apply(op=op, args=args):
            return element(op)(*(evaluate(arg, names) for arg in args))
    raise TypeError(f"{type(expr).__name__} in an expansion")


def _logsumexp(terms: list[Exactly]) -> Exactly:
    """Log Σ exp."""
    exponentials = [element("exp")(term) for term in terms]
    return element("log")(sum(exponentials, fmpq(0))) if len(terms) > 1 else terms[0]


# What a reduction makes of the numbers along an axis; a mean is a sum that is divided.
REDUCTIONS: dict[str, Callable[[list[Exactly]], Exactly]] = {
    "sum": lambda terms: kept(sum(terms, fmpq(0))),
    "max": lambda terms: reduce(_larger, terms),
    "min": lambda terms: reduce(_smaller, terms),
    "logsumexp": _logsumexp,
}


def shares(op: str, terms: list[Exactly]) -> list[Exactly]:
    """The share of each number in their max or min: equal ones share evenly.

    Where balls overlap, so that it is not known which is the largest, a ball around 0 and 1.
    """
    possible = [not any(_beats(op, other, term) for other in terms) for term in terms]
    candidates = [term for term, can in zip(terms, possible, strict=True) if can]
    alike = all(_is_same(other, candidates[0]) or bool(other == candidates[0]) for other in candidates)
    each = fmpq(1, len(candidates))
    return [(each if alike else arb(0.5, 0.5)) if can else fmpq(0) for can in possible]  # each ball a number of its own


def _beats(op: str, x: Exactly, y: Exactly) -> bool:
    """Whether x is certainly larger than y (for max) or smaller (for min)."""
    return bool(as_ball(x) > as_ball(y)) if op == "max" else bool(as_ball(x) < as_ball(y))
