"""What a program's float64 makes of an lr is residue; what it cannot make is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler_options import options
from verify.auditing.pipeline import audit
from verify.following.finding import Status

TEXT = 'equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = {lr}\nsteps = 40\n'


def recursive(gamma: float, steps: int) -> list[float]:
    """The lr as PyTorch's ExponentialLR goes on from the one it holds."""
    found = [0.1]
    for _ in range(steps - 1):
        found.append(found[-1] * gamma)
    return found


def test_what_a_recursion_in_float64_prints_is_residue() -> None:
    chosen: dict[str, Any] = {"scheduler": "ExponentialLR", "gamma": 0.9}
    printed = [repr(value) for value in recursive(0.9, 40)]
    assert printed[2] == "0.08100000000000002"  # rightly 0.081
    claims = [f"step {step}: lr = {text}" for step, text in enumerate(printed, start=1)]
    found = audit(TEXT.format(lr=0.1), sentences=claims, **chosen)
    assert set(found.counts) == {Status.RIGHT, Status.RESIDUE}
    assert found.counts[Status.RESIDUE] > 20
    assert "a correct float64 program may print it" in next(f.why for f in found.findings if f.why)
    off = audit(TEXT.format(lr=0.1), sentences=["step 40: lr = 0.0016423203268271"], **chosen)
    assert off.counts == {Status.WRONG: 1}


def test_a_constant_lr_and_a_list_have_no_rounding() -> None:
    off = ["step 3: lr = 0.10000000000000002"]
    assert audit(TEXT.format(lr=0.1), sentences=off).counts == {Status.WRONG: 1}
    assert audit(TEXT.format(lr=[0.1] * 40), sentences=off).exit_status == 1


@pytest.mark.parametrize(
    ("claim", "status"),
    [("0.1", Status.RIGHT), ("0.1001", Status.UNDECIDED), ("0.0999755859375", Status.UNDECIDED), ("0.2", Status.WRONG)],
)
def test_an_lr_that_rounding_takes_far_off_is_no_residue(claim: str, status: Status) -> None:
    """10¹² before and after it leaves four digits: 0.0999755859375 is what a float64 program makes of it."""
    assert (0.1 + 1e12) - 1e12 == 0.0999755859375
    text = TEXT.format(lr='"(0.1 + 10^12) - 10^12 + 0*t"')
    assert audit(text, sentences=[f"step 3: lr = {claim}"]).counts == {status: 1}


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR", "CosineAnnealingLR"])
@settings(max_examples=4)
@given(data=st.data())
def test_what_pytorch_holds_is_not_wrong(name: str, data: st.DataObject) -> None:
    import torch

    chosen = data.draw(options(name))
    numbers = {key: _number(text) for key, text in chosen.items()}
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **numbers)
    claims = []
    for step in range(1, 31):
        claims.append(f"step {step}: lr = {optimizer.param_groups[0]['lr']!r}")
        optimizer.step()
        scheduler.step()
    found = audit(TEXT.format(lr=0.1), sentences=claims, scheduler=name, scheduler_every="batch", steps=30, **chosen)
    assert not {Status.WRONG, Status.UNDECIDED} & set(found.counts), found.first_wrong


def _number(text: str) -> float | int:
    """An option as a script has it."""
    top, _, bottom = text.partition("/")
    value = float(top) / float(bottom or 1)
    return int(value) if value.is_integer() else value
