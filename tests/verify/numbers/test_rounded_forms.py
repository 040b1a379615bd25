"""Forms that round: all that float32 gives lies in them, and what rounds alike goes on alike."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from verify.numbers import (
    Exact,
    Forms,
    Rounded,
    RoundedForms,
    as_ball,
    between,
    fixed,
    forms,
    from_float,
    from_fraction,
    precision,
)

NUMBERS = st.floats(0.015625, 64.0, width=32)
STEPS = ("mul", "sub", "add", "div", "exp", "log", "sqrt", "tanh", "sigmoid")
_IN_FLOAT32 = {
    "mul": np.multiply,
    "sub": np.subtract,
    "add": np.add,
    "div": np.divide,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.float32(1) / (np.float32(1) + np.exp(-x)),
}


@given(st.lists(NUMBERS, min_size=2, max_size=4), st.integers(0, 10**9))
def test_what_float32_calculates_lies_in_the_forms(given_: list[float], seed: int) -> None:
    """A random program on few numbers, each result read again; in float32 by NumPy, whose functions round as well."""
    random, system = Random(seed), RoundedForms("float32")
    with precision(128), np.errstate(all="ignore"):
        floats = [np.float32(number) for number in given_]
        held = [fixed(from_float(number)) for number in given_]
        for _ in range(8):
            op = random.choice(STEPS)
            places = [random.randrange(len(floats)) for _ in range(2 if op in STEPS[:4] else 1)]
            found = np.float32(_IN_FLOAT32[op](*(floats[place] for place in places)))
            if not np.isfinite(found) or abs(found) < 1e-30:
                continue
            form = system.element(op)(*(held[place] for place in places))
            ball = as_ball(form.ball)
            assert not ball.is_finite() or ball.contains(as_ball(from_float(float(found)))), op
            floats.append(found)
            held.append(form)


@given(st.permutations([1.1, -2.3, 0.07, 5.9, -3.3, 0.3]))
def test_a_sum_in_any_order_lies_in_the_form(terms: list[float]) -> None:
    system = RoundedForms("float32")
    total = np.float32(0)
    for term in terms:
        total = np.float32(total + np.float32(term))
    row = forms([fixed(from_float(float(np.float32(term)))) for term in terms], (len(terms),))
    ball = as_ball(system.reduce("sum", row).item().ball)
    assert ball.contains(as_ball(from_float(float(total))))
    assert ball.rad() < arb(1e-4)


def test_what_rounds_alike_cancels() -> None:
    """P = 1/3 rounded; p·g with g = 1/p is 1 but for the roundings of g and of the product, whatever p is."""
    one, three = Fraction(1), Fraction(3)
    widths = []
    for system in (RoundedForms("float32"), Rounded("float32")):
        p = system.apply("div", (system.constant(one), system.constant(three)))
        g = system.apply("div", (system.constant(one), p))
        found = system.apply("mul", (p, g)).item()
        widths.append(float(as_ball(getattr(found, "ball", found)).rad()) * 2**24)
    assert widths[0] == pytest.approx(2, rel=1e-3)  # units: of g, and of the product
    assert widths[1] == pytest.approx(4, rel=1e-3)


@given(st.lists(st.fractions(-3, 3, max_denominator=40), min_size=2, max_size=4), st.integers(0, 10**6))
def test_the_log_of_a_sum_of_exponentials_is_a_form_of_its_terms(terms: list[Fraction], seed: int) -> None:
    """Every choice of the terms within their radii gives a number within the form, and the form is about as wide."""
    random, system, radius = Random(seed), Forms(), Fraction(1, 1000)
    row = [between(term - radius, term + radius, mark) for mark, term in enumerate(terms)]
    with precision(128):
        found = system.reduced("logsumexp", row)
        moved = [term + radius * random.choice((-1, 1)) for term in terms]
        exact = Exact().reduced("logsumexp", [from_fraction(term) for term in moved])
        assert as_ball(found.ball).overlaps(as_ball(exact))
        assert found.radius < 0.00101
        # x − log Σ exp of the same x moves by its share of the others alone
        left = system.element("sub")(row[0], found)
        assert left.radius < 0.00201


def test_stored_numbers_are_known() -> None:
    system = RoundedForms("float32")
    assert system.stored(Fraction(1, 10)).centre == from_float(float(np.float32(0.1)))
    assert system.number(Fraction(1, 2)).is_fixed
    assert not system.number(Fraction(1, 10)).is_fixed
