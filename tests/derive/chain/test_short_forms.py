"""A formula as a person writes it: the same number, and not longer."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Axis, Expr, Reduce, Ref, size
from derive.chain.short_forms import is_fraction, shortest, tidied, with_sums_of_1, without_indices
from derive.errors import Place
from derive.paper.syntax import read_expression
from derive.show.notation import Ascii
from tests.piecewise import GRID, ONE, ZERO, call, formulas, number


def read(text: str) -> Expr:
    return read_expression(text, Place("t", None, 1, text))


def as_tidied(text: str) -> str:
    return Ascii().show(tidied(read(text)))


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("min(1, exp(1*x))", "min(1, exp(x))"),
        ("x*1 + 0", "x"),
        ("0 - x", "-x"),
        ("0 + x/1", "x"),
        ("x^1 - -y", "x + y"),
        ("transpose(transpose(x)) @ y", "x @ y"),
        ("1/x + x*0", "1/x + x*0"),
        ("x - 1", "x - 1"),
        ("1 - x", "1 - x"),
        ("0/x + 1^x", "0/x + 1^x"),
        ("0/2 + x", "x"),
        ("4/2*x + 3/2", "2*x + 3/2"),
        ("-(x - y)", "y - x"),
        ("transpose((x - y) @ transpose(z))", "z @ transpose(x - y)"),
    ],
)
def test_it_is_as_a_person_writes_it(text: str, tidy: str) -> None:
    assert as_tidied(text) == tidy


@given(formulas(), st.sampled_from(GRID))
def test_what_is_tidied_is_the_same(expr: Expr, at: Mapping[str, Fraction]) -> None:
    whole = call("add", call("mul", ONE, call("sub", ZERO, expr)), call("neg", call("neg", ZERO)))
    assert number(tidied(whole), at) == number(whole, at)
    assert number(tidied(expr), at) == number(expr, at)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("n*(h - T)/n", "h - T"),
        ("n*(p - T)/n/n", "(p - T)/n"),
        ("x + 2*(n*h/n)", "x + 2*h"),
        ("(2/n)*sum(w*x - y)", "(2/n)*sum(w*x - y)"),
        ("n*(transpose(X) @ (h - T))/n", "transpose(X) @ (h - T)"),
        ("2*p + 2*q", "2*p + 2*q"),
    ],
)
def test_what_cancels_is_left_out(text: str, short: str) -> None:
    assert Ascii().show(shortest(read(text))) == short


@given(formulas(), st.sampled_from(GRID))
def test_the_shortest_form_is_the_same_number_and_not_longer(expr: Expr, at: Mapping[str, Fraction]) -> None:
    for whole in (expr, call("mul", ONE, call("div", call("mul", read("3"), expr), read("3")))):
        assert number(shortest(whole), at) == number(whole, at)
        assert size(shortest(whole)) <= size(whole)
    assert size(shortest(call("div", call("mul", read("3"), expr), read("3")))) <= size(expr)


def test_sums_of_known_rows_are_1() -> None:
    i, k = Axis("i", "n"), Axis("k", 3)
    total = Reduce("sum", Ref("T", (i, k)), (k,))
    assert with_sums_of_1(total, {"T"}) == ONE
    assert with_sums_of_1(total, {"U"}) == total
    assert with_sums_of_1(Reduce("sum", Ref("T", (i, k)), (i,)), {"T"}) != ONE


def test_what_is_a_fraction_and_what_has_no_indices() -> None:
    assert is_fraction(read("1/2"))
    assert not is_fraction(read("1/n"))
    assert without_indices(read("x[i]*w[k] + b")) == read("x*w + b")
