"""Numbers that are equal by how they are calculated are known to be; those that are only near are not."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.numbers import CalculationError, Exact, ExactOnce, as_ball, objects, precision

SMOOTH = ("exp", "tanh", "sin", "log1p", "erf", "sqrt")


def chained(system: Exact, value: Fraction, ops: list[str]) -> object:
    """One operation after the other on a number."""
    number = system.number(value)
    for op in ops:
        number = system.element(op)(number)
    return number


@settings(deadline=None, max_examples=80)
@given(st.fractions(1, 3, max_denominator=9), st.lists(st.sampled_from(SMOOTH), min_size=1, max_size=4))
def test_the_same_operations_on_equal_numbers_tie(value: Fraction, ops: list[str]) -> None:
    system = ExactOnce()
    one, other, near = (chained(system, given_, ops) for given_ in (value, value, value + Fraction(1, 10**20)))
    row = objects([one, near, other, system.number(Fraction(-50))], (4,))
    with precision(300):
        system.forget()  # what is one number stays so
        assert system.share("max", objects([one, other], (2,))).tolist() == [fmpq(1, 2), fmpq(1, 2)]
        assert system.element("sub")(one, other) == 0
    assert not bool(system.share("max", row)[0] == fmpq(1, 2))
    with precision(30):  # near, and the digits do not tell
        shares = system.share("max", objects([chained(system, value, ops), chained(system, value * 3, ops)], (2,)))
        assert fmpq(1, 2) not in [share for share in shares if isinstance(share, fmpq)]


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**40), st.lists(st.fractions(-3, 3, max_denominator=8), min_size=2, max_size=2))
def test_it_calculates_what_exact_numbers_give(seed: int, inputs: list[Fraction]) -> None:
    """Every number of a random calculation lies in the ball that is found without looking up what is equal."""
    found = []
    for system in (Exact(), ExactOnce()):
        random = Random(seed)
        held = [system.number(value) for value in inputs]
        with precision(60):
            try:
                for _ in range(12):
                    op = random.choice(("add", "sub", "mul", "div", "max", "min", "exp", "tanh", "abs", "sqrt"))
                    args = random.choices(held, k=2 if op in ("add", "sub", "mul", "div", "max", "min") else 1)
                    held.append(system.element(op)(*args))
                    held.append(system.reduced(random.choice(("sum", "max", "min")), random.choices(held, k=3)))
            except CalculationError:
                held = held[:2]  # a difference that is known to be 0 is divided by
        found.append(held)
    for plain, once in zip(*found, strict=False):
        assert as_ball(plain).overlaps(as_ball(once)) or not as_ball(plain).is_finite()


X = Fraction(3, 7)
EQUAL = {
    "exp(x)·exp(x) is exp(2x)": lambda f, x: (f("mul")(f("exp")(x), f("exp")(x)), f("exp")(f("mul")(fmpq(2), x))),
    "(x + y)² is x² + 2xy + y²": lambda f, x: (
        f("pow")(f("add")(f("sin")(x), f("cos")(x)), fmpq(2)),
        f("add")(
            f("add")(f("pow")(f("sin")(x), fmpq(2)), f("pow")(f("cos")(x), fmpq(2))),
            f("mul")(fmpq(2), f("mul")(f("cos")(x), f("sin")(x))),
        ),
    ),
    "sin² + cos² is 1": lambda f, x: (
        f("add")(f("pow")(f("sin")(x), fmpq(2)), f("pow")(f("cos")(x), fmpq(2))),
        fmpq(1),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_algebra_makes_equal_ties(name: str) -> None:
    system = ExactOnce()
    one, other = EQUAL[name](system.element, system.number(X))
    assert system.share("max", objects([one, other], (2,))).tolist() == [fmpq(1, 2), fmpq(1, 2)]
    assert system.element("greater")(one, other) == 0
    plain = Exact()
    one, other = EQUAL[name](plain.element, plain.number(X))
    assert all(isinstance(share, arb) for share in plain.share("max", objects([one, other], (2,))))


def test_what_is_not_proved_is_left_open() -> None:
    """Two balls that nobody knows more of may be equal, and a number that differs in its thirtieth digit is another."""
    system = ExactOnce()
    one, other = arb(1, 0.5), arb(1, 0.5)
    assert all(isinstance(share, arb) for share in system.share("max", objects([one, other], (2,))))
    exp = system.element("exp")
    near = [exp(system.number(value)) for value in (X, X + Fraction(1, 10**30))]
    assert fmpq(1, 2) not in system.share("max", objects(near, (2,))).tolist()
