"""Derivatives inside a formula: dl/dw is one name, also before a power and where it is transposed."""

from __future__ import annotations

import pytest

from tests.problems import ADAM_OF_TWO
from tests.scenarios.test_claimed_back import judged

MATRIX = """
equations = "r = X @ w - y; l = mean(r^2)"
[parameters]
w = [1, 2]
[data]
X = [[1, 2], [3, 4], [5, 7]]
y = [1, 3, 2]
"""


@pytest.mark.parametrize(
    ("formula", "status"),
    [
        ("beta2*v + (1 - beta2)*dl/dw^2", "right"),
        ("beta2*v + (1 - beta2)*(dl/dw)^2", "right"),
        ("beta2*v + (1 - beta2)*∂l/∂w²", "right"),
        ("beta2*v + dl/dw**2 - beta2*dl/dw^2", "right"),
        ("beta2*v + (1 - beta2)*dl/dw^3", "wrong"),
        ("beta2*v + (1 - beta2)*dl/dw", "wrong"),
    ],
)
def test_the_square_of_a_gradient(formula: str, status: str) -> None:
    assert judged(ADAM_OF_TWO, "w.v", formula).status == status


@pytest.mark.parametrize(
    ("formula", "status"),
    [
        ("dl/dr.T @ X", "right"),
        ("dl/dr^T @ X", "right"),
        ("(dl/dr)ᵀ @ X", "right"),
        ("-(dl/dr.T) @ X", "wrong"),
        ("X.T @ dl/dr", "right"),
        ("X' @ dl/dr", "right"),
        ("2*X′ @ r/n", "right"),
        ("X^⊤ @ r*2/n", "right"),
        ("X.T @ r", "wrong"),
    ],
)
def test_a_gradient_beside_what_is_transposed(formula: str, status: str) -> None:
    assert judged(MATRIX, "dl/dw", formula).status == status
