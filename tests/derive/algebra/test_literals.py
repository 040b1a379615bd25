"""Constants are worked out exactly, and what no calculation could hold is refused before it is."""

from fractions import Fraction

import pytest

from derive.algebra.expression import Apply, Expr
from derive.algebra.literals import constant_value
from derive.errors import EquationError, Place
from derive.paper.syntax import read_expression


def read(text: str) -> Expr:
    return read_expression(text, Place("test", 1, 1, text))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/3 + 0.5", Fraction(5, 6)), ("-2^-2", Fraction(-1, 4)), ("2*3 - 1", Fraction(5)), ("x", None), ("2^0.5", None)],
)
def test_constants_are_worked_out_exactly_or_not_at_all(text: str, value: Fraction | None) -> None:
    assert constant_value(read(text)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/0", "division by zero"),
        ("x/(1 - 1)", "division by zero"),
        ("0^-1", "division by zero"),
        ("9^9^9^9", "this power is too large; expected an exponent of at most 1000"),
        ("(10^100)^99", "this power is too large; expected an exponent of at most 30, or a base of fewer digits"),
        ("x^1e300", "this power is too large; expected an exponent of at most 1000"),
        ("2^10000", "this power is too large; expected an exponent of at most 1000"),
        ("(10^999)^999", "this power is too large; expected an exponent of at most 3, or a base of fewer digits"),
    ],
)
def test_what_cannot_be_worked_out(text: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        read(text)
    assert caught.value.message == message


@pytest.mark.parametrize("text", ["(10^100)^30", "(10^999)^3", "x^1000", "2^1000", "1/x", "0/3", "0^0", "x^-1000"])
def test_what_can_be(text: str) -> None:
    assert isinstance(read(text), Apply)
