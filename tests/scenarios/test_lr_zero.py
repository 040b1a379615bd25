"""lr = 0, as torch.optim takes it: nothing is updated, and what the optimizer remembers moves all the same."""

from __future__ import annotations

import pytest
import torch

import tables
from derive.errors import SettingError
from derive.training.optimizers import OPTIMIZERS
from tests import problems
from verify import audit, verify
from verify.following.finding import Status

LINE = problems.LINE.replace("lr = 0.1", "lr = 0") + "epochs = 2\n"


def plain_buffers(steps: int) -> list[float]:
    """The momentum buffer of w after each step of a plain loop in PyTorch, with lr = 0."""
    w, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, -1.0))
    optimizer = torch.optim.SGD([w, b], lr=0.0, momentum=0.9)
    x, y = (torch.tensor(v, dtype=torch.float64) for v in ([0.0, 1, 2, 3], [1.0, 3, 2, 5]))
    found = []
    for step in range(steps):
        rows = slice(0, 2) if step % 2 == 0 else slice(2, 4)
        optimizer.zero_grad()
        ((w * x[rows] + b - y[rows]) ** 2).mean().backward()
        optimizer.step()
        assert w.item() == 0.5
        found.append(optimizer.state[w]["momentum_buffer"].item())
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_parameters_stay_and_all_agrees(name: str) -> None:
    result = verify(LINE, optimizer=name)
    assert result.agrees, result.verdict.sentence
    assert set(tables.steps(result)["w"]) == {0.5}
    assert set(tables.steps(result)["b"]) == {-1.0}


def test_the_state_is_that_of_a_plain_loop() -> None:
    result = verify(LINE, momentum=0.9)
    assert list(tables.steps(result)["w.v"]) == pytest.approx(plain_buffers(4), rel=1e-15)


def test_claims_are_judged() -> None:
    found = audit(
        LINE,
        claims=[
            {"step": 1, "w": "0.5", "delta w": "0", "lr*dl/dw": "0", "lr": "0"},
            {"step": 2, "w": "0.6", "lr": "0.1"},
        ],
    )
    assert [(f.cell.step, f.cell.name, f.status) for f in found.findings if f.status is not Status.RIGHT] == [
        (2, "lr", Status.WRONG),
        (2, "w", Status.WRONG),
    ]


def test_zero_may_stand_in_a_list_and_in_a_group() -> None:
    listed = verify(LINE, lr=[0.1, 0])
    assert listed.agrees
    assert tables.steps(listed)["w"].iloc[1] == tables.steps(listed)["w"].iloc[3]
    grouped = verify(LINE, lr=0.1, groups=[{"parameters": ["b"], "lr": 0}])
    assert grouped.agrees
    assert set(tables.steps(grouped)["b"]) == {-1.0}


@pytest.mark.parametrize("lr", ["-0.1", "1e-400"])
def test_what_torch_would_not_hold_is_refused(lr: str) -> None:
    with pytest.raises(SettingError, match=r"is below 0|smaller than any float64"):
        verify(LINE, lr=lr)
