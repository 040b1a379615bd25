"""Arithmetic that is written out: worked out exactly, with what the digits of its numbers allow."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verify.numbers import read_arithmetic, to_fraction

Term = tuple[str, Fraction, Fraction]  # its text, its value, and that of other numbers that are printed so


def of_signs(draw: st.DrawFn) -> Term:
    """A number of three digits or more, another one that is printed so, and the sign before it."""
    places = draw(st.integers(0, 4))
    digits = draw(st.integers(100, 99_999))
    value = Fraction(digits, 10**places)
    text = f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)
    off = Fraction(draw(st.integers(-50, 50)), 100 * 10**places) if places else Fraction(0)
    return text, value, value + off


@st.composite
def terms(draw: st.DrawFn, depth: int = 3) -> Term:
    """A calculation, what it comes to, and what it would with other numbers that are printed alike."""
    if not depth or draw(st.booleans()):
        return of_signs(draw)
    left, right = draw(terms(depth - 1)), draw(terms(depth - 1))
    sign = draw(st.sampled_from(["+", "-", "*", "/", "·", "×", "−"]))
    assume(sign != "/" or (right[1] and right[2]))
    found = []
    for one, other in ((left[1], right[1]), (left[2], right[2])):
        match sign:
            case "+":
                found.append(one + other)
            case "-" | "−":
                found.append(one - other)
            case "/":
                found.append(one / other)
            case _:
                found.append(one * other)
    blank = draw(st.sampled_from(["", " "]))
    return f"({left[0]}){blank}{sign}{blank}({right[0]})", found[0], found[1]


@given(terms())
def test_it_comes_to_what_fractions_do_and_allows_what_the_digits_do(term: Term) -> None:
    text, value, other = term
    found = read_arithmetic(text)
    if found is None:  # a divisor that the digits do not keep away from 0
        assert "/" in text
        return
    assert to_fraction(found.value) == value
    assert found.low <= value <= found.high
    assert found.low <= other <= found.high


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("0.01*(-99)", "-0.99", "-0.99", "-0.99"),  # a whole number, and a factor of two digits
        ("0.532 - 0.01*(-40.6)", "0.938", "0.9370", "0.9390"),
        ("0.5 + 0.25", "0.75", "0.695", "0.805"),  # summands may be rounded
        ("0.1*0.53", "0.053", "0.0525", "0.0535"),
        ("0.1*0.5", "0.05", "0.0175", "0.0825"),  # which of them is the learning rate, is not said
        ("2*0.53", "1.06", "1.05", "1.07"),
        ("0.15*-0.532", "-0.0798", "-0.079875", "-0.079725"),
        ("0.15*(3 - 2)", "0.15", "0.15", "0.15"),
        ("3.0*0.1", "0.3", "0.295", "0.305"),
        ("2^10/1e3", "1.024", "1.024", "1.024"),
        ("-0.1**2", "-0.01", "-0.01", "-0.01"),
        ("5² - 5", "20", "20", "20"),
        ("sqrt(16)/3", "4/3", "4/3", "4/3"),
    ],
)
def test_which_numbers_are_exact(text: str, value: str, low: str, high: str) -> None:
    found = read_arithmetic(text)
    assert found is not None
    assert to_fraction(found.value) == Fraction(value)
    room = Fraction(1, 10**9)  # of the ball, whose radius is rounded up
    assert Fraction(low) - room <= found.low <= Fraction(low)
    assert Fraction(high) <= found.high <= Fraction(high) + room


@pytest.mark.parametrize(
    "text",
    [
        "",
        "w - 3",
        "number_0",
        "1/0",
        "1/(0.1 - 0.1)",
        "2(3)",
        "3 -",
        "__import__('os')",
        "2^10000000",
        "sum(3)",
        "a" * 2000,
        "2024-01-02",
        "0.01*1e9999",
    ],
)
def test_what_is_no_calculation(text: str) -> None:
    assert read_arithmetic(text) is None


@given(st.text("0123456789.+-*/^()e= nlogsqrt·−", max_size=40))
def test_no_text_gives_a_traceback(text: str) -> None:
    read_arithmetic(text)
