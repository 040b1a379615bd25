"""Derivatives inside a formula: dl/dw is one name, also before a power and where it is transposed."""

from __future__ import annotations

import re

import pytest

from derive.errors import HandgradError
from tests.problems import ADAM_OF_TWO
from tests.scenarios.test_claimed_back import judged
from verify import audit

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


EXPONENTIAL = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3]
y = [3, 5, 8]
[training]
lr = 0.01
epochs = 3
scheduler = "ExponentialLR"
gamma = 0.9
"""


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (
            "lr = 0.01 * 0.9^epoch",
            "lr is a setting of the run, of which no formula is judged: say its numbers, 'step 4",
        ),
        ("lr' = 0.9*lr", "lr is a setting of the run"),
        ("learning_rate = 0.01/t", "lr is a setting of the run"),
        ("gamma = lr/0.01", "gamma is a setting of the run, of which no formula is judged; it may stand in a formula"),
        ("momentum = 1 - lr", "momentum is a setting of the run"),
        ("w = w - 0.01*0.9^(epoch - 1)*dl/dw", "unknown name 'epoch'; no equation reads which step it is"),
        ("lrr = 2*w", "'lrr' is no quantity of this problem"),
    ],
)
def test_a_formula_of_a_setting_is_refused_with_what_to_say(formula: str, message: str) -> None:
    with pytest.raises(HandgradError, match=re.escape(message)):
        audit(EXPONENTIAL, sentences=[formula])


def test_what_to_say_of_a_setting_is_judged() -> None:
    found = audit(EXPONENTIAL, sentences=["epoch 3: lr = 0.0081", "w = w - lr*dl/dw"])
    assert [one.status.value for one in found.findings] == ["right"]
    assert [one.status for one in found.formulas] == ["right"]
    alone = EXPONENTIAL.replace('scheduler = "ExponentialLR"\ngamma = 0.9\n', "")
    other = audit(alone, lr="0.01*0.9^(epoch - 1)", sentences=["epoch 3: lr = 0.0081"])
    assert [one.status.value for one in other.findings] == ["right"]


def test_a_line_that_is_called_as_a_setting_is_what_it_names() -> None:
    problem = EXPONENTIAL.replace("l = mean((w*x + b - y)^2)", "momentum = w*x + b - y; l = mean(momentum^2)")
    found = audit(problem, sentences=["dl/dmomentum = 2*momentum/n"])
    assert [one.status for one in found.formulas] == ["right"]
