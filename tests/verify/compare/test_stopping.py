import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import EquationError, SettingError
from tables.text.report import to_text
from tests import problems
from verify import Outcome, Result, verify
from verify.compare.summary import drift

PARABOLA = problems.PARABOLA + "steps = 100\n"
LINE = """
equations = \"\"\"
d = w*x + b - y
l = mean(d^2)
\"\"\"
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3, 4]
y = [3, 5, 7, 9]
[training]
lr = 0.05
batch_size = 2
epochs = 20
"""
WATCH = '[watch]\nnorm = "sqrt(w^2 + b^2)"\nworst = "max(abs(d))"\n'


def steps(result: Result) -> int:
    assert len(result.hand.steps) == len(result.record.steps) == len(result.comparison.steps)
    return len(result.record.steps)


# until


@given(st.sampled_from(["0.5", "1e-2", "1e-6"]), st.sampled_from(["0.05", "0.1", "0.4"]))
def test_the_run_ends_after_the_first_step_whose_loss_is_small(limit: str, lr: str) -> None:
    result = verify(PARABOLA, until=f"l < {limit}", lr=lr, steps=300)
    losses = [9 * (1 - 2 * Fraction(lr)) ** (2 * step) for step in range(300)]
    first = next(step for step, loss in enumerate(losses, start=1) if loss < Fraction(limit))
    assert steps(result) == first
    assert result.agrees
    assert (
        result.stopped
        == f"the run ends after step {first}, the first after which l < {limit} holds, by hand as in PyTorch"
    )
    assert f"until l < {limit} (flag)" in str(result.settings)


def test_a_parameter_counts_after_its_update_and_a_line_before() -> None:
    assert steps(verify(PARABOLA, until="x > 0.5")) == 1  # x is 0.6 after the first step
    assert steps(verify(PARABOLA, until="l < 9")) == 2  # l is 9 in the first step
    assert steps(verify(PARABOLA, until="l < (x - 3)^2")) == 100  # the loss of a step is larger than that after it


def test_a_condition_that_never_holds() -> None:
    result = verify(PARABOLA, until="x > 3", steps=5)
    assert steps(result) == 5
    assert result.stopped == "x > 3 holds after none of the 5 steps"
    assert result.agrees


def test_the_file_gives_the_condition_and_a_flag_another() -> None:
    text = PARABOLA + 'until = "x > 1"\n'
    assert steps(verify(text)) == 2
    assert steps(verify(text, until="x > 2")) == 5
    assert "until x > 1, " in str(verify(text).settings)


def test_a_step_within_an_epoch_and_shuffled() -> None:
    result = verify(LINE, until="w > 0.5", shuffle=True)
    assert steps(result) == 1
    assert result.agrees


@pytest.mark.parametrize(("sign", "expected"), [("<", 3), ("<=", 2), ("==", 2), (">", 1), ("!=", 1)])
def test_every_comparison(sign: str, expected: int) -> None:
    # l is 9, 9/4, 9/16: exact in float32
    result = verify(PARABOLA, until=f"l {sign} 2.25", lr="1/4")
    assert steps(result) == expected
    assert result.agrees


# x is 0.6 after the first step by hand, and 0.6000000238 in float32: x − 0.5 is 0.1 by hand and above it in PyTorch


def test_rounding_may_end_a_run_early() -> None:
    result = verify(PARABOLA, until="x - 0.5 > 0.1")
    assert steps(result) == 1
    assert result.agrees
    assert result.stopped == (
        "the run ends after step 1, the first after which x - 0.5 > 0.1 holds in PyTorch; "
        "by hand it does not hold yet: rounding decides"
    )


def test_rounding_may_end_a_run_late() -> None:
    result = verify(PARABOLA, until="(0.1 - (x - 0.5))*(2 - x) >= 0")
    assert steps(result) == 5
    assert result.agrees
    assert result.stopped.endswith("holds in PyTorch; by hand it holds after step 1 already: rounding decides")


def test_rounding_may_keep_a_run_from_ending() -> None:
    result = verify(PARABOLA, until="x - 0.5 <= 0.1", steps=3)
    assert steps(result) == 3
    assert result.agrees
    assert result.stopped == (
        "x - 0.5 <= 0.1 holds after none of the 3 steps, but by hand after step 1: rounding decides"
    )


def test_the_hand_calculation_may_end_before() -> None:
    result = verify(PARABOLA, until="x > 2", drift=2)
    assert (
        result.stopped
        == "the run ends after step 5, the first after which x > 2 holds in PyTorch; the hand calculation ends before"
    )


def test_a_condition_is_refused_with_a_caret() -> None:
    with pytest.raises(EquationError) as caught:
        verify(PARABOLA, until="l < q")
    assert str(caught.value).startswith("--until:5: unknown name 'q'")
    assert str(caught.value).endswith("\n    l < q\n        ^")
    with pytest.raises(SettingError, match="until = 3 is not a text in quotes"):
        verify(PARABOLA, until=3)


# [watch]


def test_what_is_watched_is_a_column_by_hand_and_in_pytorch() -> None:
    result = verify(LINE + WATCH)
    assert result.agrees
    assert result.columns == ("l", "dl/dw", "dl/db", "w", "b", "norm", "worst")
    for row, step in zip(result.rows, result.hand.steps, strict=True):
        assert tuple(row.checks) == result.columns
        w, b = row.checks["w"], row.checks["b"]
        norm, worst = row.checks["norm"], row.checks["worst"]
        assert math.isclose(norm.hand_value, math.hypot(w.hand_value, b.hand_value), rel_tol=1e-15)
        assert math.isclose(norm.autograd, math.hypot(w.autograd, b.autograd), rel_tol=1e-6)
        assert 0 < norm.bound < 1e-5
        x, y = np.array([1, 2, 3, 4])[list(row.batch.indices)], np.array([3, 5, 7, 9])[list(row.batch.indices)]
        before = [float(Fraction(str(step.before[name].item()))) for name in ("w", "b")]
        assert math.isclose(worst.hand_value, np.abs(before[0] * x + before[1] - y).max(), rel_tol=1e-12)


def test_what_is_watched_changes_nothing_else() -> None:
    plain, watched = verify(LINE), verify(LINE + WATCH, until="l < 0")
    for one, other in zip(plain.record.steps, watched.record.steps, strict=True):
        assert float(one.loss) == float(other.loss)
        assert {name: float(value) for name, value in one.after.items()} == {
            name: float(value) for name, value in other.after.items()
        }
    assert str(plain.derivation) == str(watched.derivation)


def test_watching_with_all_lines_compared() -> None:
    result = verify(LINE + WATCH, nodes=True, epochs=2)
    assert result.agrees
    assert {"norm", "worst", "d"} <= {check.quantity for check in result.comparison.checks}


def test_a_wrong_watched_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from verify.pytorch import run as training

    right = training.GraphModule.watched

    def wrong(*args: object) -> dict[str, torch.Tensor]:
        found = right(*args)  # type: ignore[arg-type]
        return {**found, "norm": found["norm"] * 1.00001}

    monkeypatch.setattr(training.GraphModule, "watched", wrong)
    result = verify(LINE + WATCH)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "first norm at step 1 (epoch 1, batch 1)" in result.verdict.sentence


def test_a_wrong_decision_to_stop_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from verify.pytorch import run as training

    right = training.GraphModule.watched

    def wrong(*args: object) -> dict[str, torch.Tensor]:
        return {name: 1 - value for name, value in right(*args).items()}  # type: ignore[arg-type]

    monkeypatch.setattr(training.GraphModule, "watched", wrong)
    result = verify(PARABOLA, until="x > 2")
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "x > 2 at step 1" in result.verdict.sentence


# gradients in [watch] and until

GRADIENTS = '[watch]\nsize = "sqrt((dl/dw)^2 + (∂l/∂b)^2)"\nstep = "w + 0.05*dl/dw"\n'


@pytest.mark.parametrize(
    "sums", ["", "zero_grad = false\n", "accumulate = 2\n", "momentum = 0.9\nweight_decay = 0.1\n"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_watched_gradient_is_that_of_the_row(sums: str, dtype: str) -> None:
    result = verify(LINE + sums + GRADIENTS, dtype=dtype, epochs=5)
    assert result.agrees
    for row in result.rows:
        w, b, size = (row.checks[name] for name in ("dl/dw", "dl/db", "size"))
        assert math.isclose(size.hand_value, math.hypot(w.hand_value, b.hand_value), rel_tol=1e-12)
        assert math.isclose(size.autograd, math.hypot(w.autograd, b.autograd), rel_tol=1e-6)
        assert 0 < size.bound < 1e-4
        exact, moved = row.checks["w"].hand_fraction, row.checks["step"].hand_fraction
        assert exact is not None
        assert moved == exact + Fraction(1, 20) * (w.hand_fraction or 0)  # before the update: the old parameter
        if not sums:
            assert moved == Fraction(str(result.hand.steps[row.batch.step - 1].before["w"].item()))


@given(st.sampled_from(["1", "0.1", "1e-3"]), st.sampled_from(["0.05", "0.1", "0.4"]))
def test_the_run_ends_where_the_gradient_is_small(limit: str, lr: str) -> None:
    result = verify(PARABOLA, until=f"abs(dl/dx) < {limit}", lr=lr, steps=300)
    slopes = [6 * abs(1 - 2 * Fraction(lr)) ** step for step in range(300)]
    first = next(step for step, slope in enumerate(slopes, start=1) if slope < Fraction(limit))
    assert steps(result) == first
    assert result.agrees
    assert f"the first after which abs(dl/dx) < {limit} holds" in result.stopped


def test_a_wrong_gradient_that_is_watched_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number that is watched is not the gradient of the row, which is right."""
    from verify.pytorch import run as training

    right = training.GraphModule.watched

    def wrong(self: object, nodes: object, lines: dict[str, torch.Tensor], *rest: object) -> dict[str, torch.Tensor]:
        halved = {**lines, "dl/dw": lines["dl/dw"] * 0.999999}
        return right(self, nodes, halved, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(training.GraphModule, "watched", wrong)
    result = verify(LINE + GRADIENTS)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "first size at step 1 (epoch 1, batch 1)" in result.verdict.sentence


def test_the_entry_of_a_gradient_and_its_norm() -> None:
    text = """
equations = "l = mean((x @ W - y)^2)"
frozen = ["W[0]"]
[parameters]
W = [1, 2]
[data]
x = [[1, 2], [3, 4], [5, 6]]
y = [1, 2, 3]
[training]
lr = 0.01
steps = 3
[watch]
length = "norm(dl/dW)"
first = "dl/dW[0]"
"""
    result = verify(text, nodes=True)
    assert result.agrees
    for row in result.rows:
        first, second = (row.checks[f"dl/dW[{k}]"].hand_value for k in (0, 1))
        assert row.checks["first"].hand_value == first
        assert math.isclose(row.checks["length"].hand_value, math.hypot(first, second), rel_tol=1e-12)


def test_the_upstream_gradients_loss_has_a_name_of_its_own() -> None:
    text = """
equations = "y = w*k"
seed_gradient = [1, 2]
[parameters]
w = 3
[constants]
k = [1, 2]
[training]
lr = 0.1
[watch]
slope = "dL/dw"
"""
    assert verify(text).rows[0].checks["slope"].hand_fraction == 5


# infinity and NaN


def test_a_run_ends_with_the_step_that_is_not_finite_or_goes_on() -> None:
    ended, on = verify(PARABOLA, lr=2), verify(PARABOLA, lr=2, on_nonfinite="continue")
    assert (steps(ended), steps(on)) == (41, 100)
    for result in (ended, on):
        assert result.verdict.outcome is Outcome.UNDECIDED
        assert result.verdict.sentence.startswith("undecided: PyTorch's l is inf at step 41 (epoch 41, batch 1)")
        assert result.verdict.sentence.endswith("by hand it is 1.33027946e+39; the 40 steps before agree")
        assert result.nonfinite[0] == (
            "PyTorch's l is inf first at step 41 (epoch 41, batch 1); by hand it is 1.33027946e+39 there"
        )
    assert ", where the run ends" in ended.verdict.sentence
    assert ", where the run ends" not in on.verdict.sentence
    assert "on_nonfinite continue (flag)" in str(on.settings)
    assert "on_nonfinite" not in str(ended.settings)


def test_the_drift_is_told_of_the_last_step_with_finite_numbers() -> None:
    result = verify(PARABOLA, lr=2, on_nonfinite="continue")
    assert len(result.hand.steps) == 100
    check = drift(result.comparison)
    assert check is not None
    assert check.batch.step < 100
    assert math.isfinite(check.difference)
    text = to_text(result)
    assert f"largest drift at step {check.batch.step}: {check.name}, autograd − hand = {check.difference:.1e}, " in text


def test_where_neither_side_has_a_value() -> None:
    text = 'equations = "l = log(x)"\n[parameters]\nx = 1\n[training]\nlr = 2\nsteps = 3\n'
    result = verify(text, on_nonfinite="continue")
    assert (
        "PyTorch's l is nan first at step 2 (epoch 2, batch 1); by hand it is not calculated there" in result.nonfinite
    )
    assert result.hand.ended


def test_an_entry_of_an_array_is_named() -> None:
    text = 'equations = "l = sum(W^2)"\n[parameters]\nW = [1, 1e30]\n[training]\nlr = 0.1\n'
    assert verify(text).nonfinite == (
        "PyTorch's l is inf first at step 1 (epoch 1, batch 1); by hand it is 1e+60 there",
    )
    shifted = 'equations = "l = sum(W)*1e38"\n[parameters]\nW = [0, 3]\n[training]\nlr = 10\n'
    assert verify(shifted).nonfinite[0].startswith("PyTorch's W[0] is -inf first at step 1")


def test_a_finite_run_says_nothing() -> None:
    result = verify(PARABOLA)
    assert result.nonfinite == ()
    assert result.stopped == ""


# report


def test_reported_steps_are_counted_over_the_run_and_all_are_compared() -> None:
    result = verify(LINE, report=[1, 5, 1000])
    assert [step.batch.step for step in result.reported] == [1, 5]
    assert len(result.rows) == len(result.comparison.steps) == 40
    assert [step.batch.step for step in verify(LINE, report="3,2").reported] == [2, 3]
    whole = verify(LINE)
    assert whole.reported == whole.comparison.steps
