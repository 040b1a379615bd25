"""What PyTorch prints: of a step, of means and norms made of several, and where the number by hand has none."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.problem.loading import load
from derive.run.precedence import effective
from tables.account import sentence
from verify.auditing.pipeline import audit
from verify.auditing.reading import drawn
from verify.claims.claim import Cell, Quantity
from verify.following.finding import Status
from verify.logs.meaning import Averaged, GradientNorm
from verify.residue.pytorch_prints import by_pytorch

LINE = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = {x}
y = {y}
[training]
lr = 0.01
batch_size = 2
epochs = 2
"""
LOGARITHM = """
equations = "l = mean((log(w*x) - y)^2)"
[parameters]
w = 1
[data]
x = [1, 2, 3]
y = [-30, -40, -20]
[training]
lr = 0.1
batch_size = 2
epochs = 2
"""
OVERFLOWS = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 1e18
[data]
x = [1e3, 2, 3]
y = [1, 2, 3]
[training]
lr = 0.1
batch_size = 1
epochs = 2
"""


def losses_and_norms(x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    """Of a plain loop in float32."""
    w, b = (torch.zeros((), requires_grad=True) for _ in range(2))
    losses, norms = [], []
    optimizer = torch.optim.SGD([w, b], lr=0.01)
    for _ in range(2):
        for at in range(0, len(x), 2):
            loss = ((w * torch.tensor(x[at : at + 2]) + b - torch.tensor(y[at : at + 2])) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            losses.append(loss.item())
            norms.append(math.hypot(*(float(one.grad) for one in (w, b) if one.grad is not None)))
            optimizer.step()
    return losses, norms


NUMBERS = st.lists(st.integers(-30, 30).map(lambda n: n / 4), min_size=5, max_size=5)


@settings(max_examples=10)
@given(NUMBERS, NUMBERS)
def test_means_sums_and_norms_are_those_of_a_loop(x: list[float], y: list[float]) -> None:
    problem = load(LINE.format(x=x, y=y))
    losses, norms = losses_and_norms(x, y)
    second = losses[3:]
    cells = {
        Cell(6, Quantity("epoch", "mean_of_batches", "")): sum(second) / 3,
        Cell(6, Quantity("epoch", "mean_over_samples", "")): (2 * second[0] + 2 * second[1] + second[2]) / 5,
        Cell(6, Quantity("epoch", "sum_of_batches", "")): sum(second),
        Cell(6, Quantity("epoch", "sum_over_samples", "")): 2 * second[0] + 2 * second[1] + second[2],
        Cell(5, Averaged("averaged", "l", "", "batches", 2)): sum(losses[1:5]) / 4,
        Cell(6, Averaged("averaged", "l", "", "samples", 4)): (2 * second[0] + 2 * second[1] + second[2]) / 5,
        Cell(4, GradientNorm("norm", "gradients", "", 2)): norms[3] / 2,
    }
    found = by_pytorch(drawn(problem, effective(problem, {})), list(cells))
    assert found == pytest.approx(cells, rel=1e-12)


def statuses(problem: str, table: str, log: str | None = None) -> list[str]:
    return [one.status.value for one in audit(load(problem), claims=table, log=log).findings]


def test_nan_is_right_where_pytorch_prints_it_and_nowhere_else() -> None:
    assert statuses(LOGARITHM, "step,loss,w\n1,1277.966,-6.069\n2,nan,nan\n3,nan,nan\n") == [
        *("right", "right", "residue", "residue", "residue", "residue"),
    ]
    found = audit(load(LOGARITHM), claims="step,loss\n2,nan\n")
    assert sentence(found, found.findings[0]) == (
        "step 2, loss = nan: exactly what PyTorch prints in float32; by hand, at step 2 log(-18.2079442) has no real "
        "value, in line l"
    )
    for claimed in ("inf", "-inf", "5"):  # of what has no value by hand, and is another one in PyTorch
        [finding] = audit(load(LOGARITHM), claims=f"step,loss\n2,{claimed}\n").findings
        assert (finding.status, "exactly what PyTorch prints" in finding.why) == (Status.UNDECIDED, False)
    assert statuses(LINE.format(x=[1, 2, 3], y=[3, 5, 8]), "step,loss\n1,nan\n2,nan\n") == ["wrong", "wrong"]
    assert statuses(OVERFLOWS, "step,loss\n1,inf\n2,nan\n") == ["residue", "wrong"]


def test_a_mean_that_overflows_is_that_of_pytorch() -> None:
    assert statuses(OVERFLOWS, "step,loss\n1,inf\n2,inf\n", "hf-trainer") == ["residue", "residue"]
    assert statuses(OVERFLOWS, "step,loss\n1,nan\n2,nan\n", "hf-trainer") == ["wrong", "wrong"]
    assert statuses(OVERFLOWS, "step,loss\n1,0.0\n2,0.0\n", "hf-trainer") == ["right", "right"]  # its filter
    assert statuses(OVERFLOWS, "epoch,mean_of_batches\n1,inf\n") == ["residue"]
    assert statuses(OVERFLOWS, "epoch,mean_of_batches\n1,-inf\n") == ["wrong"]
