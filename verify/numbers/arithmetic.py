"""Arithmetic that is written out, `0.532 - 0.01*(-40.6)`: what it comes to, and what the digits of its numbers allow.

It is parsed by the reader of equations, and never evaluated by Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, fmpq

from derive.algebra.expression import Apply, Expr, Ref, children, names
from derive.errors import EquationError, Place
from derive.paper.syntax import read_expression
from verify.numbers.elements import CalculationError, evaluate
from verify.numbers.scalars import Exactly, as_ball, from_fraction, is_moderate, middle, precision

_NUMERAL = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?(?![\w.])", re.ASCII)
_DATED = re.compile(r"(?<![\w.])0\d")  # 2026-01-02
_LONGEST = 1000  # characters of a calculation
_MOST = 2  # digits of a factor that is taken at its word
_BITS = 200  # of the balls: more than any printed number has digits
_PRODUCTS = ("mul", "div", "pow")


@dataclass(frozen=True)
class Arithmetic:
    """What a calculation comes to, with its numbers as they are printed, and from where to where their digits allow."""

    value: Exactly
    low: Fraction
    high: Fraction


def read_arithmetic(text: str) -> Arithmetic | None:
    """What numbers, + - * / ^, parentheses and functions come to; None for any other text, and without a value.

    A whole number is exact, and so is the shorter factor of a product, of one or two digits as a learning rate is; any
    other number may be half a unit of its last digit off.
    """
    if len(text) > _LONGEST or _DATED.search(text):
        return None
    numerals: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        """A name in the place of each number while the text is parsed, so that its digits are known."""
        name = f"number_{len(numerals)}"
        numerals[name] = match[0]
        return f" {name} "

    spelled = _NUMERAL.sub(named, re.sub("[·⋅∙]", "*", text))  # between numbers it is no product of matrices
    try:
        tree = read_expression(spelled, Place("a calculation", 1, 1, spelled))
        if not numerals or not set(names(tree)) <= numerals.keys():
            return None
        exact = {name: Fraction(numeral) for name, numeral in numerals.items()}
        at_their_word = set(_at_their_word(tree, numerals))
        slack = {name: _slack(numerals[name]) for name in numerals if name not in at_their_word}
        with precision(_BITS):
            value = evaluate(tree, {name: from_fraction(number) for name, number in exact.items()})
            around = as_ball(evaluate(tree, {name: _ball(exact[name], slack.get(name)) for name in numerals}))
    except (EquationError, CalculationError, TypeError, KeyError):
        return None
    if not is_moderate(value) or not is_moderate(around):
        return None
    if isinstance(value, fmpq) and not any(slack.values()):
        return Arithmetic(value, middle(value), middle(value))
    width = middle(as_ball(around.rad()))
    return Arithmetic(value, middle(around) - width, middle(around) + width)


def _at_their_word(expr: Expr, numerals: Mapping[str, str]) -> Iterator[str]:
    """The factors that are taken for exact: a learning rate or another constant, and no number on the way.

    Of one digit, if the other factor is no such decimal; of two, if it is a longer decimal or a calculation.
    """
    if isinstance(expr, Apply) and expr.op in _PRODUCTS:
        pair = [_digits(arg, numerals) for arg in expr.args]
        for arg, own, other in zip(expr.args, pair, reversed(pair), strict=True):
            is_short = own == 1 and other != 1
            if isinstance(arg, Ref) and (is_short or (own == _MOST and (other is None or other > _MOST))):
                yield arg.name
    for child in children(expr):
        yield from _at_their_word(child, numerals)


def _digits(expr: Expr, numerals: Mapping[str, str]) -> int | None:
    """The significant digits of a decimal, whatever its sign; 0 for a whole number, None for a calculation."""
    if isinstance(expr, Apply) and expr.op == "neg":
        return _digits(expr.args[0], numerals)
    if not isinstance(expr, Ref):
        return None
    mantissa = numerals[expr.name].lower().partition("e")[0]
    return len(mantissa.replace(".", "").lstrip("0")) if _slack(numerals[expr.name]) else 0


def _slack(numeral: str) -> Fraction:
    """How far the number behind a numeral may be from it: half a unit of its last digit, and none of a whole number."""
    mantissa, _, power = numeral.lower().partition("e")
    _, point, after = mantissa.partition(".")
    if not point and not power.startswith("-"):
        return Fraction(0)
    return Fraction(10) ** (int(power or 0) - len(after)) / 2


def _ball(value: Fraction, slack: Fraction | None) -> Exactly:
    number = from_fraction(value)
    return as_ball(number) + arb(0, as_ball(from_fraction(slack))) if slack else number
