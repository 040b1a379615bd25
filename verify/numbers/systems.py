"""Exact numbers, and balls that round as a floating-point format does: number systems of Python objects."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from derive.algebra.operations import OPERATIONS, power_rounding
from verify.numbers.by_element import Array, ByElement, objects
from verify.numbers.distance import Distance, ball_distance
from verify.numbers.elements import MAX_FRACTION_BITS, REDUCTIONS, CalculationError, Element, element, shares
from verify.numbers.formats import FORMATS, Floats, Format, Truth, log_sum_exp_units
from verify.numbers.scalars import HAS_FLOATS, Exactly, as_ball, exact_float, float_ball, from_fraction, to_float

MANY = 1000  # numbers of an array from which on it is worth a look at all of them before
_PLAIN = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative}  # on objects: their own + − ×


def _truth(values: list[bool], like: Array) -> Truth:
    return np.array(values, dtype=np.bool_).reshape(like.shape)


def nearest_floats(array: Array) -> Floats:
    """The float64 nearest to each number."""
    if HAS_FLOATS and set(map(type, array.ravel().tolist())) == {fmpq}:
        try:
            return np.asarray(array.astype(np.float64))  # by the fractions themselves
        except OverflowError:
            pass  # one of them is infinite
    return np.array([to_float(value) for value in array.flat], dtype=np.float64).reshape(array.shape)


def sizes(array: Array) -> Floats:
    """The absolute value of each number, as a float."""
    return np.abs(nearest_floats(array))


class Exact(ByElement):
    """Rational numbers without rounding; where a value is irrational, a ball that contains it.

    A number without a value raises `CalculationError`, or is a ball that tells nothing where others
    stand beside it that have one (`strict=False`).
    """

    def __init__(self, strict: bool = True) -> None:
        self.strict = strict

    def number(self, value: Fraction) -> Exactly:
        """The literal as a fraction."""
        return from_fraction(value)

    def take(self, array: Floats) -> Array:
        """Floats as they are; an infinity or NaN tells nothing."""
        return objects([exact_float(float(value)) for value in np.ravel(array)], np.shape(array))

    def cast(self, array: Array) -> Array:
        """Python's numbers as an operation on tensors reads them: as they are."""
        return array

    def element(self, op: str) -> Element:
        """The operation on single numbers; the class says what happens where it has no value."""
        return element(op) if self.strict else _lenient(element(op))

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """The operation on every element; of many short fractions without a look at each result."""
        plain = _PLAIN.get(op)
        if plain is None or max(arg.size for arg in args) < MANY or not self.are_short(*args):
            return super().apply(op, args)
        return np.asarray(plain(*args), dtype=object)

    def are_short(self, *arrays: Array) -> bool:
        """Whether all numbers are fractions so short that their products and sums are carried on as fractions."""
        numbers = [array.ravel().tolist() for array in arrays]
        if any(set(map(type, own)) != {fmpq} for own in numbers):
            return False
        return all(max(map(fmpq.height_bits, own)) <= (MAX_FRACTION_BITS - 2) // 2 for own in numbers)

    def reduced(self, op: str, row: list[Exactly]) -> Exactly:
        """The sum, logsumexp, max or min of single numbers."""
        return REDUCTIONS[op](row)

    def accumulate(self, array: Array) -> Array:
        """The sum over the last dimension."""
        return self.reduce("sum", array)

    def size(self, array: Array) -> Floats:
        """The absolute value of each number, as a float."""
        return sizes(array)

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min over the last dimension."""
        return _shares(op, array)


def _lenient(function: Element) -> Element:
    """`function`, with a ball that tells nothing where it has no value."""

    def lenient(*args: Exactly) -> Exactly:
        try:
            return function(*args)
        except CalculationError:
            return arb.nan()

    return lenient


def _shares(op: str, array: Array) -> Array:
    """The share of each entry along the last dimension."""
    rows = array.reshape((-1, array.shape[-1]))
    return objects([share for row in rows for share in shares(op, list(row))], array.shape)


def _by_rows(function: Callable[[list[Exactly]], Exactly], array: Array) -> Array:
    """`function` of the numbers along the last dimension."""
    rows = array.reshape((-1, array.shape[-1]))
    return objects([function(list(row)) for row in rows], array.shape[:-1])


class Rounded(ByElement):
    """Balls that contain what any correct evaluation in a floating-point format can give.

    After every operation the ball grows by the operation's rounding error (`Operation.rounding`
    units u of the result); a sum of m terms by (m−1)·u·Σ|terms|, for any order of summation
    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §4.2).
    """

    def __init__(self, dtype: str) -> None:
        self.format = FORMATS[dtype]
        self.unit = arb(2) ** self.format.unit
        self.underflow = arb(0, arb(2) ** self.format.tiny)
        self.flushed = self.underflow + arb(0, arb(2) ** (self.format.inner or self.format).normal)
        self.largest = arb(self.format.largest)
        self._elements: dict[str, Element] = {}

    def of(self, dtype: str) -> Rounded:
        """The system of another dtype in the same calculation."""
        return Rounded(dtype)

    def take(self, array: Floats) -> Array:
        """Floats as they are; an infinity or NaN tells nothing."""
        return objects([float_ball(float(value)) for value in np.ravel(array)], np.shape(array))

    def cast(self, array: Array) -> Array:
        """Python's float64 numbers as an operation on tensors reads them: rounded once."""
        if self.format.name == "float64":
            return array
        return objects([self.rounded(value) for value in array.flat], array.shape)

    def rounded(self, value: Exactly, units: int = 1, composed: bool = False) -> arb:
        """The ball of all floats that `value` can become by an error of `units` u.

        IEEE's own operations underflow gradually. A function of a library may flush to 0 what is
        below the smallest normal number: PyTorch's sigmoid does, and its log1p loses digits there.
        """
        ball, lost = as_ball(value), self.underflow if units <= 2 else self.flushed
        if units == 1 and self.holds(ball):
            return ball  # + − × ÷ are correctly rounded: what the format holds comes out as it is
        return (
            ball if ball == 0 else self._held(ball * arb(1, arb(self.format.units(units, composed)) * self.unit) + lost)
        )

    def holds(self, ball: arb) -> bool:
        """Whether the ball is one number that the format holds exactly."""
        return _holds(self.format, ball)

    def _held(self, ball: arb) -> arb:
        """The ball; where the format may overflow, one that tells nothing: 1/inf is 0, whatever the true value."""
        return ball if abs(ball) <= self.largest else arb.nan()

    def number(self, value: Fraction) -> arb:
        """A literal of an equation: itself where the format holds it, else rounded once."""
        held = value.denominator & (value.denominator - 1) == 0 and self.holds(as_ball(from_fraction(value)))
        exact = as_ball(from_fraction(value))
        return exact if held else self.rounded(exact)

    def element(self, op: str) -> Element:
        """The operation and its rounding."""
        if op not in self._elements:
            self._elements[op] = self._element(op)
        return self._elements[op]

    def _element(self, op: str) -> Element:
        exact, absolute = element(op), arb(0, OPERATIONS[op].absolute_in(self.format.name))

        def rounded(*args: Exactly) -> Exactly:
            units = power_rounding(to_float(args[1])) if op == "pow" else OPERATIONS[op].rounding
            try:
                value = exact(*args)
            except CalculationError:
                return arb.nan()  # PyTorch goes on with inf or nan; the ball tells nothing about it
            return self.rounded(value, units, op == "pow") + absolute if units else as_ball(value)

        return rounded

    def reduced(self, op: str, row: list[arb]) -> Exactly:
        """The sum, logsumexp, max or min, in any order."""
        found: Exactly = getattr(self, f"_{op}")(row)
        return found

    def size(self, array: Array) -> Floats:
        """The absolute value of each number, as a float."""
        return sizes(array)

    def distance(self, floats: Floats, found: Array, exact: Array | None) -> Distance:
        """The distance of floats from `exact`, or from the midpoints of `found`; all correct numbers lie in `found`."""
        return ball_distance(floats, found, exact)

    def around_0(self, array: Array) -> tuple[Truth, Truth]:
        """Two arrays: where a number may be 0, and where it certainly is."""
        balls = [as_ball(value) for value in array.flat]
        may_be = [bool(ball.is_finite() and ball.contains(arb(0))) for ball in balls]
        return _truth(may_be, array), _truth([bool(ball == 0) for ball in balls], array)

    def certain(self, array: Array) -> Truth:
        """For each share of a maximum, as `share` gives it, whether it is known."""
        return _truth([isinstance(value, fmpq) for value in array.flat], array)

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min; where rounding leaves it open, a ball around 0 and 1."""
        return _shares(op, array)

    def _max(self, terms: list[arb]) -> Exactly:
        return REDUCTIONS["max"](list(terms))

    def _min(self, terms: list[arb]) -> Exactly:
        return REDUCTIONS["min"](list(terms))

    def _logsumexp(self, terms: list[arb]) -> arb:
        """The ball of log Σ exp as PyTorch takes it: max + log Σ exp(x − max)."""
        exact = as_ball(REDUCTIONS["logsumexp"](list(terms)))
        if not exact.is_finite():
            return arb.nan()
        ratio = 2.0 ** (self.format.accumulator - self.format.unit)
        size = np.asarray(float(exact.abs_upper()))
        units = arb(float(log_sum_exp_units(len(terms), size, ratio)))
        return self._held(exact + arb(0, units * self.unit) + self.underflow)

    def _sum(self, terms: list[arb]) -> arb:
        if self.format.inner is None:
            return self._gathered(terms, self.format)
        return self.rounded(self._gathered(terms, self.format.inner))

    def accumulate(self, array: Array) -> Array:
        """The sum over the last dimension of what autograd adds one by one, each time rounded."""
        return _by_rows(lambda terms: self._gathered([as_ball(term) for term in terms], self.format), array)

    def _gathered(self, terms: list[arb], into: Format) -> arb:
        """The sum in any order, each addition rounded to the format `into`."""
        if _adds_exactly(into, terms):
            return sum(terms, arb(0))
        size = sum((term.abs_upper() for term in terms), arb(0))
        roundings = (len(terms) - 1) * arb(2) ** into.unit
        if not size <= arb(into.largest) or not roundings < 1:
            return arb.nan()
        return sum(terms, arb(0)) + arb(0, size * (roundings / (1 - roundings)))


def _holds(into: Format, ball: arb) -> bool:
    """Whether the ball is one number that the format holds exactly."""
    if not ball.is_exact() or not ball.is_finite() or abs(ball) > arb(into.largest):
        return False
    digits, exponent = ball.man_exp()
    return int(digits).bit_length() <= -into.unit and int(exponent) > into.tiny


def _adds_exactly(into: Format, terms: list[arb]) -> bool:
    """Whether every partial sum, in any order, is a number that the format holds."""
    if not all(_holds(into, term) for term in terms):
        return False
    lowest = min((int(term.man_exp()[1]) for term in terms if term != 0), default=0)
    size = sum(map(abs, terms), arb(0))
    return bool(size <= arb(2) ** (lowest - into.unit) and size <= arb(into.largest))
