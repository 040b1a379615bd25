"""One step of every K is compared in full; of all steps, that each begins where the one before has ended."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor

from derive.run.batches import Batch
from tests.planting import plant_gradient
from tests.problems import LINE
from verify import Outcome, verify
from verify.bound.bound import AtState, Beside, Bound
from verify.pytorch import run as training
from verify.record import Block


def numbers(steps: int, every: int) -> list[int]:
    return sorted({*range(1, steps + 1, every), steps})


@pytest.mark.parametrize("every", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("flags", [{}, {"accumulate": 2}, {"momentum": "0.9"}, {"dtype": "bfloat16"}])
def test_the_steps_that_are_compared_are_those_of_the_whole_comparison(every: int, flags: dict[str, object]) -> None:
    whole, found = verify(LINE, epochs=6, **flags), verify(LINE, epochs=6, every=every, **flags)
    assert [step.batch.step for step in found.comparison.steps] == numbers(len(whole.rows), every)
    wanted = [check for check in whole.comparison.checks if check.batch.step in numbers(len(whole.rows), every)]
    assert [(c.name, c.step_error, c.bound, c.agrees) for c in found.comparison.checks] == [
        (c.name, c.step_error, c.bound, c.agrees) for c in wanted
    ]
    assert found.agrees
    assert found.epochs == whole.epochs
    assert [row.batch.step for row in found.rows] == numbers(len(whole.rows), every)


def test_the_verdict_says_which_share_is_compared() -> None:
    sentence = verify("article", epochs=100, every=10).verdict.sentence
    assert sentence.startswith("agrees: all 155 numbers of 31 of 300 steps lie within their float32 rounding bounds")
    assert sentence.endswith(
        "; one step of 10 is compared (--every), and each begins where the one before has ended: a single wrong step "
        "is missed with a probability of 89.7 %"
    )
    assert "--every" not in verify("article", epochs=100).verdict.sentence
    assert "--every" not in verify("article", every=2, steps=2).verdict.sentence  # the last step is compared


@pytest.mark.parametrize(("step", "is_found"), [(1, True), (2, False), (5, True), (8, False), (9, True), (12, True)])
def test_a_wrong_gradient_is_found_in_the_steps_that_are_compared(
    monkeypatch: pytest.MonkeyPatch, step: int, is_found: bool
) -> None:
    plant_gradient(monkeypatch, "w", step, lambda gradient: gradient * 1.5)
    found = verify("article", epochs=4, every=4)
    assert (found.verdict.outcome is Outcome.DISAGREES) is is_found
    if is_found:
        assert f"first dl/dw at step {step} " in found.verdict.sentence


@pytest.mark.parametrize("step", [2, 3, 11])
def test_a_state_that_is_edited_between_two_steps_is_found_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    original = training._step

    def edited(model: training.GraphModule, update: object, batch: Batch, *more: object) -> None:
        if batch.step == step:
            with torch.no_grad():
                model.named["b"].mul_(1.001)
        original(model, update, batch, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "_step", edited)
    found = verify("article", epochs=4, every=100)
    assert found.verdict.outcome is Outcome.DISAGREES
    assert f"first b_before at step {step} " in found.verdict.sentence


def test_wrong_rows_and_numbers_that_are_not_finite_are_found_wherever_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overflows = verify(LINE, lr="1e30", epochs=6, every=5)
    assert overflows.verdict.outcome is Outcome.UNDECIDED
    last = overflows.record.steps[-1]
    assert not last.finite
    assert overflows.comparison.steps[-1].batch == last.batch
    original = training.batches_of

    def planted(data: dict[str, Tensor], settings: object) -> object:
        for batch, columns in original(data, settings):  # type: ignore[arg-type]
            yield batch, {**columns, "x": columns["x"] + (batch.step == 3)}

    monkeypatch.setattr(training, "batches_of", planted)
    sentence = verify("article", epochs=4, every=100).verdict.sentence
    assert re.match(r"disagrees: step 3 \(epoch 1, batch 3\): x does not hold the rows", sentence)


def test_reported_steps_are_compared_too_also_of_a_long_run() -> None:
    found = verify("article", steps=10_004, every=1000, report="2,77", drift=3, limit="1e9")
    assert {1, 2, 77, 10_004} <= {step.batch.step for step in found.comparison.steps}
    assert 3 not in {step.batch.step for step in found.comparison.steps}
    assert found.tally.compared < 30
    assert found.tally.steps == 10_004
    assert len(found.comparison.steps) == found.tally.compared
    assert found.kept == ""
    np.testing.assert_array_equal([row.batch.step for row in map(found.row, found.reported)], [2, 77])


@pytest.mark.parametrize("every", [2, 3])
def test_steps_that_are_compared_stand_side_by_side_however_far_apart_they_are(
    monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    sizes: list[int] = []
    original = Bound.at

    def counted(bound: Bound, block: Block, beside: Beside | None = None) -> AtState:
        sizes.append(len(block))
        return original(bound, block, beside)

    monkeypatch.setattr(Bound, "at", counted)
    found = verify("article", epochs=20, every=every)
    assert found.agrees
    assert sizes[0] == found.tally.compared == len(found.comparison.steps)
    wanted = verify("article", epochs=20)
    numbers = {step.batch.step: step for step in wanted.comparison.steps}
    for step in found.comparison.steps:
        for name, own in step.numbers.items():
            np.testing.assert_array_equal(own.distance.bound, numbers[step.batch.step].numbers[name].distance.bound)
