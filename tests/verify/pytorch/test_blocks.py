"""What is written row by row is what PyTorch had, whatever its dtype; a run ends with its first step not finite."""

import numpy as np
import pytest
import torch

from derive.problem.loading import load
from derive.run.batches import Batch
from derive.run.precedence import effective
from verify.pytorch import run as training
from verify.pytorch.blocks import Blocks
from verify.pytorch.module import DTYPES

DIVERGES = """
equations = "l = mean((w*x)^2)"
[parameters]
w = 1
[data]
x = [3, 2, 1, 4]
[training]
lr = 100
batch_size = 2
"""


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_numbers_of_every_dtype_are_held_exactly(dtype: str) -> None:
    blocks, kind = Blocks(3), DTYPES[dtype]
    rows = [torch.randn((2, 3), generator=torch.Generator().manual_seed(k)).to(kind) for k in range(7)]
    for number, row in enumerate(rows, start=1):
        blocks.begin(Batch(number, 1, number, (0, 1)))
        with torch.no_grad():
            blocks.write("before", {"w": row})
            blocks.write("loss", {"": row[0, 0]})
    steps = blocks.steps()
    assert [len(block) for block in steps.blocks] == [3, 3, 1]
    for step, row in zip(steps, rows, strict=True):
        np.testing.assert_array_equal(step.before["w"], row.to(torch.float64).numpy())
        assert float(step.loss) == row[0, 0].item()


def test_a_row_is_not_what_the_parameter_becomes() -> None:
    blocks, parameter = Blocks(2), torch.nn.Parameter(torch.ones(2))
    with torch.no_grad():
        for number in (1, 2):
            blocks.begin(Batch(number, 1, number))
            blocks.write("before", {"w": parameter})
            blocks.write("loss", {"": parameter.sum()})
            parameter.mul_(2)
    assert [step.before["w"].tolist() for step in blocks.steps()] == [[1, 1], [2, 2]]


def test_a_row_that_lacks_an_array_is_a_fault() -> None:
    blocks = Blocks(2)
    with torch.no_grad():
        blocks.begin(Batch(1, 1, 1))
        blocks.write("loss", {"": torch.tensor(1.0)})
        blocks.write("before", {"w": torch.tensor(1.0)})
        blocks.begin(Batch(2, 1, 2))
        blocks.write("loss", {"": torch.tensor(1.0)})
    assert blocks.last().before == {}
    with pytest.raises(AssertionError):
        blocks.steps()


@pytest.mark.parametrize("looks", [1, 7, 64])
@pytest.mark.parametrize("length", [4, 1000])
def test_a_run_ends_with_the_first_step_that_is_not_finite_whenever_it_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, looks: int, length: int
) -> None:
    monkeypatch.setattr(training, "LOOKS", looks)
    problem = load(DIVERGES)
    settings = effective(problem, {"steps": 200})
    steps = [step for record in training.pieces(problem, settings, length) for step in record.steps]
    assert [step.finite for step in steps] == [True] * (len(steps) - 1) + [False]
    assert len(steps) == 7  # w² at its beginning is (1299·1699)⁶, about 10³⁸
    goes_on = effective(problem, {"steps": 200, "on_nonfinite": "continue"})
    assert len(training.train(problem, goes_on).steps) == 200
    until = effective(problem, {"steps": 200, "until": "l > 1000"})
    assert len(training.train(problem, until).steps) == 2
