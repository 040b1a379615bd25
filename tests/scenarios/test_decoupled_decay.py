"""Decoupled weight decay of every optimizer: where torch.optim does not have it, as a loop makes it before the step."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import tables
from derive.training.optimizers import DECOUPLED_IN_TORCH, OPTIMIZERS
from tables.text.report import to_text
from tests import problems
from verify import audit, verify
from verify.following.finding import Status

LINE = problems.LINE + 'epochs = 2\ndtype = "float64"\n'
HAVE = [name for name in OPTIMIZERS if name != "AdamW"]


def plain(name: str, decay: float = 0.2, **options: Any) -> list[float]:
    """W after each step: `p.mul_(1 - lr*decay)` and then the step of torch.optim without decay, as users of SGDW do."""
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.5, -1.0))
    optimizer = getattr(torch.optim, name)([w, b], lr=0.1, **options)
    x, y = (torch.tensor(v, dtype=torch.float64) for v in ([0.0, 1, 2, 3], [1.0, 3, 2, 5]))
    found = []
    for step in range(4):
        rows = slice(0, 2) if step % 2 == 0 else slice(2, 4)
        optimizer.zero_grad()
        ((w * x[rows] + b - y[rows]) ** 2).mean().backward()
        with torch.no_grad():
            w.mul_(1 - 0.1 * decay)
            b.mul_(1 - 0.1 * decay)
        optimizer.step()
        found.append(w.item())
    return found


@pytest.mark.parametrize("name", HAVE)
def test_it_is_that_of_a_plain_loop(name: str) -> None:
    result = verify(LINE, optimizer=name, weight_decay=0.2, decoupled_weight_decay=True)
    assert result.agrees, result.verdict.sentence
    rounded = 1e-6 if name == "NAdam" else 1e-12  # whose mu_product is a float32
    assert list(tables.steps(result)["w"]) == pytest.approx(plain(name), rel=rounded)
    assert ("leaves decoupled weight decay to the loop" in " ".join(to_text(result).split())) == (
        name not in DECOUPLED_IN_TORCH
    )


@pytest.mark.parametrize("name", HAVE)
def test_claims_are_judged_and_the_coupled_form_is_wrong(name: str) -> None:
    more: dict[str, Any] = {"momentum": 0.9} if name == "SGD" else {}  # without it, both forms are the same
    chosen: dict[str, Any] = {"optimizer": name, "weight_decay": 0.2, **more}
    rows = [{"step": k, "w": f"{value:.10f}"} for k, value in enumerate(plain(name, **more), start=1)]
    found = audit(LINE, claims=rows, decoupled_weight_decay=True, **chosen)
    assert set(found.counts) <= {Status.RIGHT, Status.RESIDUE}
    coupled = audit(LINE, claims=rows, **chosen)
    assert coupled.first_wrong is not None


def test_with_momentum_groups_and_frozen_entries() -> None:
    result = verify(LINE, momentum=0.9, nesterov=True, weight_decay=0.2, decoupled_weight_decay=True)
    assert result.agrees
    assert list(tables.steps(result)["w"]) == pytest.approx(plain("SGD", momentum=0.9, nesterov=True), rel=1e-12)
    groups = [{"parameters": ["b"], "lr": 0.01, "decoupled_weight_decay": True}]
    for own in (groups, [{"parameters": ["b"], "decoupled_weight_decay": False}]):
        assert verify(LINE, weight_decay=0.2, groups=own).agrees
        assert verify(LINE, weight_decay=0.2, decoupled_weight_decay=True, groups=own).agrees
    text = 'frozen = ["W[1]"]\nequations = "l = sum(W^2)"\n[parameters]\nW = [1, 2]\n[training]\nlr = 0.1\nsteps = 3\n'
    frozen = verify(text, weight_decay=0.2, decoupled_weight_decay=True)
    assert frozen.agrees
    assert set(tables.steps(frozen)["W[1]"]) == {2.0}


def test_lr_as_it_is_in_the_step() -> None:
    for chosen in ({"lr": [0.1, 0.05]}, {"scheduler": "StepLR", "step_size": 1}, {"lr": "1/(5+t)"}, {"accumulate": 2}):
        assert verify(LINE, weight_decay=0.2, decoupled_weight_decay=True, **chosen).agrees, chosen
