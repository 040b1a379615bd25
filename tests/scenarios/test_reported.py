"""[report]: what is reported is calculated on both sides, judged, and stands beside the loss."""

from collections.abc import Mapping
from fractions import Fraction

import pytest
import torch

from tables.frames import comparison, steps
from tables.text.report import to_text
from verify import Outcome, verify
from verify.compare.verdict import explanations
from verify.pytorch import run as training

DTYPES = ("float32", "float64")

LINE = '''
equations = """
p = w*x
l = mean((p - y)^2)
"""
[parameters]
w = 0
[data]
x = [1, 2, 3, 4, 5]
y = [2, 4, 6, 8, 10]
[training]
lr = 0.01
batch_size = 2
[report]
half_mse = "l/2"
rmse = "sqrt(2*half_mse)"
worst = "max(abs(p - y))"
'''


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nodes", [False, True])
def test_it_stands_beside_the_loss(nodes: bool, dtype: str) -> None:
    result = verify(LINE, dtype=dtype, nodes=nodes)
    assert result.agrees
    assert list(result.rows[0].checks) == ["l", "half_mse", "rmse", "worst", "dl/dw", "w"]
    for row in result.rows:
        loss, half = row.checks["l"], row.checks["half_mse"]
        assert half.hand_fraction == (loss.hand_fraction or Fraction(0)) / 2
        assert half.autograd == loss.autograd / 2
        assert row.checks["rmse"].hand_value == pytest.approx(loss.hand_value**0.5, rel=1e-14)
        assert half.bound < 1e-4


def test_its_gradient_is_not_the_losses() -> None:
    """A half MSE may be printed while the MSE is differentiated: the gradient keeps its factor 2."""
    reported = verify(LINE).rows[0].checks
    differentiated = verify(LINE.replace("l = mean((p - y)^2)", "l = mean((p - y)^2)/2")).rows[0].checks
    assert reported["half_mse"].hand_fraction == differentiated["l"].hand_fraction
    assert reported["dl/dw"].hand_fraction == 2 * (differentiated["dl/dw"].hand_fraction or 0)


def test_the_tables_have_its_columns() -> None:
    result = verify(LINE)
    assert list(steps(result)) == [
        *("step", "epoch", "batch", "n", "loss", "half_mse", "rmse", "worst", "dl/dw", "lr", "w"),
    ]
    assert set(comparison(result)["quantity"]) == {"l", "half_mse", "rmse", "worst", "dl/dw", "w", "w_before"}
    head = next(line for line in to_text(result).splitlines() if line.startswith("epoch batch "))
    assert head.split()[3:8] == ["loss", "half_mse", "rmse", "worst", "dl/dw"]


def test_a_name_of_a_column_gets_another() -> None:
    frame = steps(verify(LINE.replace("half_mse", "loss")))
    assert list(frame)[4:6] == ["loss", "loss_reported"]
    assert frame["loss_reported"].to_list() == (frame["loss"] / 2).to_list()


def test_it_is_reported_without_training_too() -> None:
    result = verify(LINE.replace("[training]\nlr = 0.01\nbatch_size = 2\n", ""))
    assert result.agrees
    assert list(result.rows[0].checks) == ["l", "half_mse", "rmse", "worst", "dl/dw"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_number_is_found(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    class Planted(training.GraphModule):
        def forward(self, columns: Mapping[str, torch.Tensor], n: int) -> dict[str, torch.Tensor]:
            found = super().forward(columns, n)
            return {**found, "half_mse": found["half_mse"] * (2 if columns["x"][0] == 3 else 1)}

    monkeypatch.setattr(training, "GraphModule", Planted)
    result = verify(LINE, dtype=dtype)
    assert result.verdict.outcome is Outcome.DISAGREES
    told = explanations(result.comparison, result.tally)
    assert told[0].startswith("half_mse at step 2 (epoch 1, batch 2): PyTorch has ")
    wrong = {(check.batch.step, check.name) for check in result.comparison.checks if check.agrees is False}
    assert (2, "half_mse") in wrong
    assert {step for step, _ in wrong} == {2}


def test_what_is_reported_beside_what_is_watched_and_the_steps_to_print() -> None:
    """[report] is a table of expressions, report a list of steps; [watch] may use what is reported."""
    text = LINE.replace("batch_size = 2", 'batch_size = 2\nreport = [2]\nuntil = "half_mse < 1"')
    result = verify(text + '[watch]\ntwice = "2*half_mse"\n', epochs=9)
    assert result.agrees
    assert list(result.rows[0].checks) == ["l", "half_mse", "rmse", "worst", "dl/dw", "w", "twice"]
    assert [step.batch.step for step in result.reported] == [2]
    assert all(row.checks["twice"].autograd == row.checks["l"].autograd for row in result.rows)
    last, before = result.rows[-1].checks["half_mse"], result.rows[-2].checks["half_mse"]
    assert last.autograd < 1 <= before.autograd
