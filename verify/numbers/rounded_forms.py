"""Forms that round as a floating-point format does: every rounding is an unknown of its own.

What a rounded number has moved is the same wherever the number is read: in p − p·p the roundings of p move both
products alike. Intervals forget that, and each quotient and difference after them is as wide as if all were at their
worst ends; here a rounding goes on by the derivative of what follows, and what is of second order is in the rest
(E. Goubault, S. Putot, "Static analysis of numerical algorithms", SAS 2006, LNCS 4134). The errors of the operations
are those of `Rounded`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import count

import numpy as np
from flint import arb

from derive.algebra.operations import OPERATIONS, power_rounding
from verify.numbers.affine import Form, Forms, fixed, forms, shortened, unknown
from verify.numbers.by_element import Array
from verify.numbers.formats import log_sum_exp_units
from verify.numbers.scalars import as_ball, from_fraction, to_float
from verify.numbers.systems import Rounded

FIRST = 1 << 40  # the mark of the first rounding
MOST = 200  # roundings of one number that are held apart


class RoundedForms(Forms):
    """What any correct evaluation in a floating-point format can give, to first order in every rounding.

    `dtype` is one whose operations are rounded once, float32 or float64.
    """

    def __init__(self, dtype: str) -> None:
        super().__init__()
        self.rounding = Rounded(dtype)
        self._marks = count(FIRST)

    def of(self, dtype: str) -> RoundedForms:
        """The system of another dtype, in the same calculation: no rounding of the one is a rounding of the other."""
        other = RoundedForms(dtype)
        other._marks = self._marks
        return other

    def number(self, value: Fraction) -> Form:
        """A literal of an equation: itself where the format holds it, else rounded once."""
        return self._moved(fixed(from_fraction(value)), 1)

    def stored(self, value: Fraction) -> Form:
        """An input as a program stores it: the nearest number of the format, if it is one beyond doubt."""
        into = self.rounding.format
        direct = into.nearest(value)
        through = Rounded("float64").format.nearest(value)
        if direct is None or through is None or into.nearest(through) != direct:
            return self.number(value)
        return fixed(from_fraction(direct))

    def cast(self, array: Array) -> Array:
        """Python's float64 numbers as an operation on tensors reads them: rounded once."""
        if self.rounding.format.name == "float64":
            return array
        return forms([self._moved(form, 1) for form in array.flat], array.shape)

    def element(self, op: str) -> Callable[..., Form]:
        """The operation on single forms, and its rounding."""
        exact, operation = super().element(op), OPERATIONS[op]
        absolute = arb(operation.absolute_in(self.rounding.format.name))

        def function(*args: Form) -> Form:
            units = power_rounding(to_float(args[1].centre)) if op == "pow" else operation.rounding
            form = exact(*args)
            return self._moved(form, units, absolute, is_composed=op == "pow") if units else form

        return function

    def reduced(self, op: str, row: list[Form]) -> Form:
        """The sum, logsumexp, max or min of single forms, in any order."""
        form = super().reduced(op, row)
        if op in ("max", "min"):
            return form
        unit, format_ = self.rounding.unit, self.rounding.format
        if op == "sum":
            exact = self.rounding.reduced("sum", [as_ball(one.ball) for one in row])
            if all(one.is_fixed for one in row) and as_ball(exact) == as_ball(form.centre):
                return form  # every partial sum is a number of the format
            size = sum((as_ball(one.ball).abs_upper() for one in row), arb(0))
            roundings = (len(row) - 1) * unit
            return self._off(form, size * (roundings / (1 - roundings))) if roundings < 1 else unknown(form.sources)
        ratio = 2.0 ** (format_.accumulator - format_.unit)
        units = log_sum_exp_units(len(row), np.asarray(float(as_ball(form.ball).abs_upper())), ratio)
        return self._off(form, arb(float(units)) * unit + self.rounding.underflow.abs_upper())

    def _moved(self, form: Form, units: int, absolute: arb | None = None, *, is_composed: bool = False) -> Form:
        """A result with its rounding, as `Rounded.rounded` has it."""
        ball = as_ball(form.ball)
        if form.is_fixed and (ball == 0 or (units == 1 and self.rounding.holds(ball))):
            return form
        lost = self.rounding.underflow if units <= 2 else self.rounding.flushed
        share = arb(self.rounding.format.units(units, is_composed)) * self.rounding.unit
        return self._off(form, ball.abs_upper() * share + lost.abs_upper() + (absolute or arb(0)))

    def _off(self, form: Form, error: arb) -> Form:
        """The form, moved by up to `error`: a new unknown. Nothing is known where the format may overflow."""
        if not as_ball(form.ball).abs_upper() + error <= self.rounding.largest:
            return unknown(form.sources)
        if error == 0:
            return form
        parts = {**form.parts, next(self._marks): error.upper()}
        found = Form(form.centre, parts, form.rest, form.sources)
        return shortened(found, next(self._marks), MOST) if len(parts) > MOST else found
