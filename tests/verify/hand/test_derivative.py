"""The derivative of any line by any name, against differences of exact numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.audited import audited, fraction
from verify.hand.calculation import beginnings, numbers
from verify.hand.derivative import derivative
from verify.numbers import Exact, from_fraction, objects

TEXT = """
equations = \"\"\"
y[i] = w*x[i] + b
u = sum(y^2)
z[i] = y[i]^2*u
E = mean(z)
l = E + w^2
\"\"\"
[parameters]
w = 3
b = 1
[data]
x = [1, 2, 4]
"""


def at(name: str, *position: int, local: bool = False, w: Fraction = Fraction(3)) -> Fraction:
    run, system = audited(TEXT), Exact()
    given = {**beginnings(run.watched, run.settings, system), "w": objects([from_fraction(w)], ())}
    data = {column.name: numbers(column, system) for column in run.watched.data}
    return fraction(derivative(run, name, system).at({**given, **data}, 3, position, local=local))


def test_any_line_can_be_the_one_that_is_differentiated() -> None:
    y, u = (4, 7, 13), 16 + 49 + 169
    assert at("z/u", 1) == 49
    assert at("z/y", 1, 1) == 2 * 7 * u + 49 * 14
    assert at("z/y", 1, 0) == 49 * 8
    assert at("u/w") == sum(2 * a * x for a, x in zip(y, (1, 2, 4), strict=True))
    assert at("E/b") == Fraction(sum(2 * a * u + a**2 * sum(2 * c for c in y) for a in y), 3)
    assert at("u/x", 2) == 2 * 13 * 3
    assert at("y/u", 0) == 0


def test_the_local_partial_leaves_out_the_paths_through_other_lines() -> None:
    assert at("z/y", 1, 1, local=True) == 2 * 7 * 234
    assert at("z/y", 1, 0, local=True) == 0
    assert at("l/w", local=True) == 6
    assert at("E/w", local=True) == 0


@pytest.mark.parametrize(("name", "position", "value"), [("l/l", (), 1), ("y/y", (1, 1), 1), ("y/y", (0, 1), 0)])
def test_the_derivative_of_a_line_by_itself_is_the_seed(name: str, position: tuple[int, ...], value: int) -> None:
    assert at(name, *position) == value
