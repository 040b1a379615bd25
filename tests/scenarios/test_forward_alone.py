"""Problems without a parameter, without a loss, and with a dtype alone: their lines and derivatives are claimed."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import derive
from derive.errors import ClaimError, EquationError, ProblemError, SettingError
from derive.problem.loading import load
from verify import Outcome, audit, verify

FORWARD = """\
equations = \"\"\"
z = w*x + 1
p = sigmoid(z)
\"\"\"
[constants]
w = 2
[data]
x = [3, -1]
"""
OUTPUTS = """\
equations = \"\"\"
p = w*x
q = p^2 + v
\"\"\"
[parameters]
w = 2
v = 1
[data]
x = [1, 2, 3]
"""


def said(text: str, *claims: str) -> list[str]:
    found = audit(text, sentences=claims)
    return [one.status.value for one in found.findings] + [formula.status for formula in found.formulas]


def test_a_forward_pass_is_audited() -> None:
    text = FORWARD.replace("p = sigmoid(z)\n", "p = mean(sigmoid(z))\n")
    right = (1 / (1 + math.exp(-7)) + 1 / (1 + math.exp(1))) / 2
    assert said(text, "z[0] = 7", "z[1] = -1", f"p = {right:.6f}") == ["right"] * 3
    assert said(text, "z[0] = 7", "z[1] = 1", f"p = {right + 1e-4:.6f}") == ["right", "wrong", "wrong"]
    assert said(text, "z = w*x + 1", "p = mean(1/(1 + exp(-z)))", "z = w*x - 1") == ["right", "right", "wrong"]


def test_several_numbers_at_the_end_are_audited_too() -> None:
    assert said(FORWARD, "p[0] = 0.99909", "p[1] = 0.269", "z[0] = 7") == ["right"] * 3
    assert said(FORWARD, "p[0] = 0.99809") == ["wrong"]


def test_it_is_derived_and_verified() -> None:
    shown = str(derive.derive(FORWARD))
    assert "zᵢ = w·xᵢ + 1" in shown.replace("  ", " ") or "z = w·x + 1" in shown
    assert "Chain rule" not in shown
    result = verify(FORWARD, nodes=True)
    assert result.verdict.outcome is Outcome.AGREES
    assert {check.quantity for check in result.comparison.checks} >= {"z", "p"}


def test_nothing_is_trained_without_a_parameter() -> None:
    with pytest.raises(SettingError, match="has no parameters, so nothing is trained"):
        verify(FORWARD, lr=0.1)
    with pytest.raises(SettingError, match="has no parameters, so nothing is trained"):
        verify(FORWARD.replace("p = sigmoid(z)", "p = mean(sigmoid(z))") + "[training]\nlr = 0.1\n")
    with pytest.raises(EquationError, match=r"depends on no parameter; there is nothing to derive"):
        derive.derive("p = 3^2")


def test_lines_and_their_derivatives_without_a_loss() -> None:
    right = ["q[0] = 5", "q[2] = 37", "dq[1]/dw = 16", "dp[2]/dw = 3", "dq[0]/dp[0] = 4", "dq[1]/dv = 1"]
    assert said(OUTPUTS, *right) == ["right"] * 6
    assert said(OUTPUTS, "q[0] = 6", "dq[1]/dw = 8", "dp[2]/dw = 2") == ["wrong"] * 3
    assert said(OUTPUTS, "dp/dw = x", "dq/dw = 2*w*x^2", "dq/dp = 2*p", "q = w^2*x^2 + v") == ["right"] * 4
    assert said(OUTPUTS, "dp/dw = w", "dq/dw = w*x^2", "dq/dp = p") == ["wrong"] * 3


def test_an_entry_is_asked_for_where_no_seed_is_given() -> None:
    with pytest.raises(ProblemError, match="name one entry, such as"):
        audit(OUTPUTS, sentences=["step 1: dq/dw = 28"])
    assert said(OUTPUTS, "dq/dw = 28") == ["wrong"]  # a formula: the same number for every entry


def test_how_the_end_is_read_is_told() -> None:
    [note] = load(OUTPUTS).notes
    assert note.startswith("q has several numbers and no line is a loss: backpropagation starts from 1 at each of them")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=4), st.integers(-5, 5), st.integers(-5, 5))
def test_the_gradients_of_such_an_end_are_those_of_its_sum(x: list[int], w: int, v: int) -> None:
    """As by torch: q.backward(torch.ones_like(q))."""
    text = OUTPUTS.replace("w = 2", f"w = {w}").replace("v = 1", f"v = {v}").replace("[1, 2, 3]", str(x))
    tensors = [torch.tensor(float(number), dtype=torch.float64, requires_grad=True) for number in (w, v)]
    q = (tensors[0] * torch.tensor(x, dtype=torch.float64)) ** 2 + tensors[1]
    q.backward(torch.ones_like(q))
    claims = [f"grad {name} = {tensor.grad.item():.0f}" for name, tensor in zip("wv", tensors, strict=True)]  # type: ignore[union-attr]
    assert said(text, *claims) == ["right", "right"]
    assert said(text, f"grad w = {tensors[0].grad.item() + 1:.0f}") == ["wrong"]  # type: ignore[union-attr]
    assert verify(text).verdict.outcome is Outcome.AGREES


@pytest.mark.parametrize(
    "text",
    [
        OUTPUTS.replace("q = ", "l = "),  # what is called a loss was meant to be one number
        OUTPUTS + "[training]\nlr = 0.1\n",
        'loss = "q"\n' + OUTPUTS,
    ],
)
def test_a_loss_is_one_number(text: str) -> None:
    with pytest.raises(ProblemError, match=r"has a value for each sample; expected one number"):
        load(text)


def test_a_dtype_alone_trains_nothing() -> None:
    text = 'equations = "l = (w - 3)^2"\n[parameters]\nw = 1\n[training]\ndtype = "float64"\n'
    assert not load(text).trains
    result = verify(text)
    assert (result.settings.dtype, result.settings.trains, result.verdict.outcome) == ("float64", False, Outcome.AGREES)
    assert said(text, "l = 4", "dl/dw = -4", "dl/dw = 2*(w - 3)") == ["right"] * 3
    with pytest.raises(SettingError, match="lr is missing"):
        verify(text + "epochs = 2\n")
    assert verify(text, lr=0.1).settings.trains


SEEDED = """\
seed_gradient = [1, 2, 3]
equations = "z = w*x + b"
[parameters]
w = 2
b = [0, 1, 0]
[constants]
x = [1, 2, 4]
"""


def test_a_derivative_of_a_seeded_output_has_the_seed_in_it() -> None:
    """As z.backward(seed) leaves it: Σ seed·∂z/∂w = 1·1 + 2·2 + 3·4; dz/db[1] could be 2 so, or 1, the one of z[1]."""
    found = audit(SEEDED, sentences=["dz/dw = 17", "dz[2]/dw = 4", "dz/db[1,1] = 1", "dL/dw = 17"])
    assert {one.cell.name: one.status.value for one in found.findings} == {
        "dL/dw": "right", "dz/dw[2]": "right", "dz/db[1,1]": "right",
    }  # fmt: skip
    assert said(SEEDED, "dz/dw = 7", "dz[2]/dw = 12") == ["wrong", "wrong"]  # without the seed, and with it
    with pytest.raises(
        ClaimError, match=r"'dz/db\[1\]' can be dL/db\[1\], as z\.backward\(seed\) .* or dz/db\[1,1\]; write"
    ):
        audit(SEEDED, sentences=["dz/db[1] = 1"])


def test_of_one_number_it_is_the_derivative_itself() -> None:
    text = 'seed_gradient = 2\nequations = "z = x^2"\n[parameters]\nx = 3\n'
    assert said(text, "dz/dx = 6", "dL/dx = 12") == ["right", "right"]
    assert said(text, "dz/dx = 12") == ["wrong"]
