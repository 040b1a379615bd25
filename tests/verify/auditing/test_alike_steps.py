"""The step after the last one of a run, and where it is known what it would be."""

import pytest

from tests.audited import HALVING, audited, cell, claim
from verify.auditing.alike_steps import covering, repeats

FULL = HALVING.replace("l = (w - 3)^2", "l = mean((w*x - 3)^2)").replace("[training]", "[data]\nx = [1, 2]\n[training]")


@pytest.mark.parametrize("more", ["", "momentum = 0.5", "clip_grad_norm = 1"])
def test_a_run_of_one_batch_and_one_lr_goes_on_alike(more: str) -> None:
    assert repeats(audited(FULL + more))


@pytest.mark.parametrize(
    "more", ["batch_size = 1", 'scheduler = "StepLR"\nstep_size = 2', 'until = "l < 0.1"', "accumulate = 2"]
)
def test_another_run_does_not(more: str) -> None:
    assert not repeats(audited(FULL + more))


def test_a_run_is_longer_only_where_something_is_claimed_of_it() -> None:
    run = audited(HALVING)
    assert covering(run, [claim(cell(4, "loss", "l"), "1")]) is run
    assert len(covering(run, [claim(cell(5, "loss", "l"), "1")]).batches) == 5
