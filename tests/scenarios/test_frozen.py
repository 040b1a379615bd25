"""Frozen parameters: their gradients are compared, and nothing is applied."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.show.text import to_text as derivation_text
from tables.json_report import to_json
from tables.text.report import to_text
from verify import pytorch, verify

TEXT = '''\
frozen = ["b1", "W[0,1]"]
equations = """
h = sigmoid(x @ W + b1)
l = mse(h @ v, y)
"""
[parameters]
W = [[0.15, 0.25], [0.2, 0.3]]
b1 = 0.35
v = [0.4, 0.5]
[data]
x = [[0.05, 0.1], [1, 2], [-1, 0]]
y = [0.01, 0.99, 0.5]
[training]
lr = 0.5
steps = 4
batch_size = 2
'''


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frozen_numbers_stay_and_their_gradients_agree(dtype: str) -> None:
    result = verify(TEXT, dtype=dtype)
    assert result.agrees, result.verdict.sentence
    last = result.rows[-1].checks
    assert (last["b1"].hand_fraction, last["W[0,1]"].hand_fraction) == (Fraction(35, 100), Fraction(1, 4))
    assert last["b1"].autograd == float(np.array(0.35, dtype=dtype))
    assert last["W[0,1]"].autograd == 0.25
    assert last["W[1,1]"].hand_value != 0.3
    assert all(row.checks["dl/db1"].hand_value != 0 for row in result.rows)
    assert all(row.checks["dl/dW[0,1]"].hand_value != 0 for row in result.rows)


def test_the_run_is_that_of_a_plain_program() -> None:
    w = torch.tensor([[0.15, 0.25], [0.2, 0.3]], requires_grad=True)
    b, v = torch.tensor(0.35), torch.tensor([0.4, 0.5], requires_grad=True)
    x, y = torch.tensor([[0.05, 0.1], [1, 2], [-1, 0]]), torch.tensor([0.01, 0.99, 0.5])
    optimizer = torch.optim.SGD([w, v], lr=0.5)
    for step in range(4):
        rows = [0, 1] if step % 2 == 0 else [2]
        optimizer.zero_grad()
        ((torch.sigmoid(x[rows] @ w + b) @ v - y[rows]) ** 2).mean().backward()
        assert w.grad is not None
        w.grad[0, 1] = 0
        optimizer.step()
    checks = verify(TEXT).rows[-1].checks
    for i in range(2):
        for k in range(2):
            assert checks[f"W[{i},{k}]"].autograd == pytest.approx(w[i, k].item(), rel=1e-5)


def test_frozen_parameters_are_said() -> None:
    result = verify(TEXT)
    sentence = "frozen: b1, W[0,1]; the gradient is derived and compared, and not applied there"
    assert sentence in to_text(result)
    assert '"frozen": [\n    "b1",\n    "W[0,1]"\n  ]' in to_json(result)
    shown = derivation_text(differentiate(load(TEXT).graph))
    assert "Frozen, never updated: W[0,1]." in shown
    assert "b1 ←" not in shown
    assert "∂l/∂b1 =" in shown


def test_an_update_of_a_frozen_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pytorch.pieces

    def forgets(problem, *others):  # type: ignore[no-untyped-def]
        return whole(replace(problem, graph=replace(problem.graph, frozen=())), *others)

    monkeypatch.setattr(pytorch, "pieces", forgets)
    result = verify(TEXT)
    assert result.verdict.sentence.startswith("disagrees: ")
    assert "W[0,1] at step 1" in result.verdict.sentence or "b1 at step 1" in result.verdict.sentence


def test_everything_may_be_frozen() -> None:
    result = verify('frozen = ["w"]\nequations = "l = w^2"\n[parameters]\nw = 3\n[training]\nlr = 0.1\nsteps = 2\n')
    assert result.agrees
    assert [row.checks["w"].hand_fraction for row in result.rows] == [3, 3]


@pytest.mark.parametrize("clip", [{"clip_grad_norm": 1}, {"clip_grad_value": 1}])
def test_where_everything_is_frozen_nothing_is_clipped(clip: dict[str, float]) -> None:
    text = 'frozen = ["w"]\nequations = "l = w^2"\n[parameters]\nw = 3\n[training]\nlr = 0.1\nsteps = 2\n'
    result = verify(text, **clip)
    assert result.agrees
    assert [row.checks["dl/dw"].hand_fraction for row in result.rows] == [6, 6]
