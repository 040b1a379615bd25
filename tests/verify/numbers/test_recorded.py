"""A calculation that is recorded and repeated gives the numbers of the calculation itself, balls and all."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exact_numbers import as_told
from verify.numbers import (
    CalculationError,
    Exact,
    NotRecordedError,
    Recorded,
    Shaped,
    from_fraction,
    objects,
    precision,
    repeated,
)

UNARY = ("neg", "abs", "sqrt", "sign", "exp", "tanh", "sin", "log1p", "detach", "erf")
BINARY = ("add", "sub", "mul", "div", "max", "min", "pow")


def calculated(system: Exact, inputs: list, seed: int) -> list:
    """Random operations on numbers of a system, some of them on one number twice, some in a list."""
    random, held = Random(seed), [*inputs, system.number(Fraction(2)), system.number(Fraction(1, 3))]
    for _ in range(12):
        kind = random.random()
        if kind < 0.4:
            held.append(system.element(random.choice(UNARY))(random.choice(held)))
        elif kind < 0.8:
            held.append(system.element(random.choice(BINARY))(random.choice(held), random.choice(held)))
        elif kind < 0.9:
            held.append(system.reduced(random.choice(("sum", "max", "logsumexp")), random.choices(held, k=3)))
        else:
            shares = system.share("max", objects(random.choices(held, k=3), (3,)))
            held.extend(shares.tolist())
    return held


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**40), st.lists(st.fractions(-3, 3, max_denominator=8), min_size=2, max_size=2))
def test_what_is_repeated_is_what_is_calculated(seed: int, inputs: list[Fraction]) -> None:
    exact = [from_fraction(value) for value in inputs]
    system = Recorded()
    given_ = system.given((2,), 2)
    registers = calculated(system, given_.tolist(), seed)
    with precision(80):
        try:
            plain = calculated(Exact(), exact, seed)
        except CalculationError as error:
            with pytest.raises(CalculationError, match=str(error)):
                repeated(system, [given_]).of(exact)
            return
        found = repeated(system, [given_]).of(exact)
    assert [as_told(found[register.place]) for register in registers] == [as_told(number) for number in plain]


def test_what_asks_for_a_number_is_not_recorded() -> None:
    number = Recorded().given((), 1).item()
    for ask in (lambda: number == 1, lambda: number < 1, lambda: bool(number), lambda: float(number)):
        with pytest.raises(NotRecordedError):
            ask()


def test_a_long_calculation_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.numbers.recorded.MOST_CALLS", 3)
    system = Recorded()
    number = system.given((), 1).item()
    for _ in range(3):
        number = system.element("exp")(number)
    with pytest.raises(NotRecordedError):
        system.element("exp")(number)


def test_arrays_are_made_when_they_are_asked_for() -> None:
    shaped = Shaped({"x": ((2,), [1, 0]), "y": ((), [2])}, [10, 20, 30])
    assert shaped["x"].tolist() == [20, 10]
    assert shaped["x"] is shaped["x"]
    assert (list(shaped), len(shaped), "y" in shaped, "z" in shaped) == (["x", "y"], 2, True, False)
