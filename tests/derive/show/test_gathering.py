from pathlib import Path

import pytest

from derive.command import main
from derive.steps.update_rules import PLAIN, gathering, with_gathering
from derive.training.plan import Training

LINE = """equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2, 3, 4, 5]
y = [2, 4, 6, 8, 10]
[training]
lr = 0.01
batch_size = 2
"""


@pytest.mark.parametrize("training", [Training(), Training(zero_grad=True), Training(zero_grad=1, accumulate=1)])
def test_where_every_step_is_its_own_nothing_is_said(training: Training) -> None:
    assert gathering(training, True) == PLAIN
    assert with_gathering((), PLAIN) == ()


@pytest.mark.parametrize(
    ("setting", "printed"),
    [
        (
            "zero_grad = false",
            """Update: SGD, after each batch
  (6)  w ← w − lr·∂l/∂w
  The gradient is never set to zero: each gradient in the update is the sum over
  all batches so far, each at the parameters of its own step.
""",
        ),
        (
            "zero_grad = 3",
            """Update: SGD, after each batch
  (6)  w ← w − lr·∂l/∂w
  The gradient is set to zero before every 3 steps: each gradient in the update
  is the sum over the batches since then, each at the parameters of its own
  step.
""",
        ),
        (
            "accumulate = 2",
            """Update: SGD, after every 2 batches and at the end of an epoch
  (6)  w ← w − lr·∂l/∂w
  Each gradient in the update is the sum over the last 2 batches, fewer at the
  end of an epoch, all at the same parameters; then it is set to zero.
""",
        ),
    ],
)
def test_the_update_says_what_its_gradient_is(
    setting: str, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "line.toml"
    path.write_text(f"{LINE}{setting}\n")
    assert main([str(path), "--steps", "update"]) == 0
    assert capsys.readouterr().out == f"line\n\n{printed}"


@pytest.mark.parametrize("form", ["latex", "markdown"])
def test_other_formats_say_it_too(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.toml"
    path.write_text(f"{LINE}zero_grad = false\n")
    assert main([str(path), "--format", form]) == 0
    assert "The gradient is never set to zero: each gradient in the update is the sum" in capsys.readouterr().out


def test_without_data_an_epoch_does_not_end_a_group() -> None:
    found = gathering(Training(accumulate=4), False)
    assert found.when == "after every 4 batches"
    assert "epoch" not in found.sentence
