from fractions import Fraction
from pathlib import Path

import pytest
import torch

from tables.text.report import to_text
from verify import Outcome, pytorch, verify

TEXT = """
equations = \"\"\"
scale = exp(w)
h = tanh(w*x)
pred = h + b
l = mean((pred - y)^2)
\"\"\"
[parameters]
w = 0.5
b = 0
[data]
x = [1, 2, 3]
y = [3, 5, 7]
[training]
lr = 0.1
epochs = 4
[predict]
x = [37, 0.1]
"""
LINEAR = TEXT.replace("tanh(w*x)", "w*x")


def test_by_hand_in_pytorch_and_the_bound() -> None:
    result = verify(LINEAR)
    assert result.agrees
    assert "numbers of 4 steps and of the prediction lie within" in result.verdict.sentence
    checks = {check.name: check for check in result.comparison.predictions}
    assert list(checks) == ["h[0]", "h[1]", "pred[0]", "pred[1]"]
    last = result.hand.steps[-1].after
    w, b = (Fraction(str(last[name].item())) for name in ("w", "b"))
    assert checks["pred[0]"].hand_fraction == 37 * w + b
    assert checks["pred[1]"].hand_fraction == Fraction(1, 10) * w + b
    after = {name: torch.from_numpy(value).to(torch.float32) for name, value in result.record.steps[-1].after.items()}
    assert checks["pred[0]"].autograd == float(after["w"] * 37 + after["b"])
    assert all(check.agrees and abs(check.step_error) <= check.bound < 1e-5 for check in checks.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_function_without_rational_values(dtype: str) -> None:
    result = verify(TEXT, dtype=dtype)
    assert result.agrees
    assert all(abs(check.difference) < 1e-5 for check in result.comparison.predictions)


def test_at_a_point_the_parameters_are_those_given() -> None:
    text = LINEAR.replace("[training]\nlr = 0.1\nepochs = 4\n", "")
    assert [check.hand_value for check in verify(text).comparison.predictions] == [18.5, 0.05, 18.5, 0.05]


def test_rows_of_several_numbers() -> None:
    text = """
equations = \"\"\"
p = softmax(x @ W)
l = cross_entropy(x @ W, y)
\"\"\"
[parameters]
W = [[1, 0], [0, 1]]
[data]
x = [[1, 2], [3, 4]]
y = [0, 1]
[training]
lr = 0.1
[predict]
x = [[0, 1]]
"""
    result = verify(text)
    assert result.agrees
    assert [check.name for check in result.comparison.predictions] == ["p[0,0]", "p[0,1]"]
    assert sum(check.autograd for check in result.comparison.predictions) == pytest.approx(1)


def test_without_a_hand_calculation_there_is_a_bound_and_no_number_by_hand() -> None:
    result = verify(LINEAR, drift=2)
    assert result.agrees
    assert all(check.hand is None and check.agrees for check in result.comparison.predictions)


def test_after_an_infinity_nothing_can_be_said() -> None:
    result = verify(LINEAR, lr=1e30)
    assert result.verdict.outcome is Outcome.UNDECIDED
    assert {check.agrees for check in result.comparison.predictions} == {None}


def test_a_wrong_prediction_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = pytorch.predict

    def wrong(*args: object) -> object:
        found = right(*args)  # type: ignore[arg-type]
        return {**found, "pred": found["pred"] * (1 + 1e-6)}

    monkeypatch.setattr(pytorch, "predict", wrong)
    result = verify(LINEAR)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "first pred[0] at the prediction after step 4" in result.verdict.sentence


def test_nothing_is_predicted_unless_asked() -> None:
    assert verify("article").comparison.predictions == ()


def test_rows_of_a_csv_file_are_those_that_stand_in_the_problem_file(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("x\n37\n0.1\n", encoding="utf-8")
    (tmp_path / "p.toml").write_text(LINEAR.replace("x = [37, 0.1]", 'file = "new.csv"'), encoding="utf-8")
    named, inline = verify(tmp_path / "p.toml"), verify(LINEAR)
    assert named.comparison.predictions == inline.comparison.predictions
    assert "  x = [37, 0.1]" in to_text(named)
    (tmp_path / "new.csv").write_text("x\n" + "37\n" * 61, encoding="utf-8")
    assert "  x: 61 rows\n" in to_text(verify(tmp_path / "p.toml"))
