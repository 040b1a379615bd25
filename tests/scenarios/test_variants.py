"""Textbook variants of the optimizers: by hand against formulas written out here, and PyTorch's gradients beside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from derive.errors import ProblemError, SettingError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.training.variants import VARIANTS
from tables import comparison, steps
from tables.json_report import to_json
from tables.text.remarks import remarks
from tables.text.report import to_text
from tests import problems
from verify import Outcome, Result, verify
from verify.compare.verdict import explanations

LINE = problems.LINE + "steps = 6\n"
X, Y = (0.0, 1.0, 2.0, 3.0), (1.0, 3.0, 2.0, 5.0)
State = dict[str, float]


def gradients(w: float, b: float, step: int) -> tuple[float, float]:
    rows = (0, 1) if step % 2 == 0 else (2, 3)
    errors = [w * X[row] + b - Y[row] for row in rows]
    return sum(e * X[row] for e, row in zip(errors, rows, strict=True)), sum(errors)


# Every rule once more, written out for one parameter: p, its gradient, its state, t → p.


def lr_in_velocity(p: float, g: float, s: State, _t: int) -> float:
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g
    return p - s["v"]


def velocity_as_step(p: float, g: float, s: State, _t: int) -> float:
    s["v"] = 0.9 * s.get("v", 0) - 0.1 * g
    return p + s["v"]


def averaged_velocity(p: float, g: float, s: State, _t: int) -> float:
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g  # 1 − 0.9 is 0.1
    return p - 0.1 * s["v"]


def adagrad(p: float, g: float, s: State, _t: int) -> float:
    s["s"] = s.get("s", 0) + g * g
    return p - 0.1 * g / math.sqrt(s["s"] + 0.01)


def decayed_adagrad(p: float, g: float, s: State, t: int) -> float:
    s["s"] = s.get("s", 0.5) + g * g
    return p - 0.1 / (1 + (t - 1) * 0.2) * g / math.sqrt(s["s"] + 1e-10)


def rmsprop(p: float, g: float, s: State, _t: int) -> float:
    s["v"] = 0.99 * s.get("v", 0) + 0.01 * g * g
    return p - 0.1 * g / math.sqrt(s["v"] + 0.01)


def centered_rmsprop(p: float, g: float, s: State, _t: int) -> float:
    s["v"] = 0.99 * s.get("v", 0) + 0.01 * g * g
    s["m"] = 0.99 * s.get("m", 0) + 0.01 * g
    s["b"] = 0.5 * s.get("b", 0) + g / math.sqrt(s["v"] - s["m"] ** 2 + 1e-8)
    return p - 0.1 * s["b"]


def rmsprop_from_1(p: float, g: float, s: State, _t: int) -> float:
    s["v"] = 0.99 * s.get("v", 1) + 0.01 * g * g
    return p - 0.1 * g / (math.sqrt(s["v"]) + 1e-8)


def moments(g: float, s: State) -> None:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g


def adam_eps_inside(p: float, g: float, s: State, t: int) -> float:
    moments(g, s)
    return p - 0.1 * (s["m"] / (1 - 0.9**t)) / math.sqrt(s["v"] / (1 - 0.999**t) + 0.01)


def folded_adam(p: float, g: float, s: State, t: int) -> float:
    moments(g, s)
    return p - 0.1 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (math.sqrt(s["v"]) + 0.01)


def folded_amsgrad(p: float, g: float, s: State, t: int) -> float:
    moments(g, s)
    s["v_max"] = max(s.get("v_max", 0), s["v"])
    return p - 0.1 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (math.sqrt(s["v_max"]) + 1e-8)


def uncorrected_adam(p: float, g: float, s: State, _t: int) -> float:
    moments(g, s)
    return p - 0.1 * s["m"] / (math.sqrt(s["v"]) + 0.01)


def uncorrected_adamw(p: float, g: float, s: State, _t: int) -> float:
    moments(g, s)
    return p - 0.1 * 0.3 * p - 0.1 * s["m"] / (math.sqrt(s["v"]) + 1e-8)


def folded_adamw(p: float, g: float, s: State, t: int) -> float:
    return folded_adam(p - 0.1 * 0.01 * p, g, s, t)


def adamw_eps_inside(p: float, g: float, s: State, t: int) -> float:
    return adam_eps_inside(p - 0.1 * 0.01 * p, g, s, t)


FORMULAS: tuple[tuple[str, str, dict[str, str], Callable[[float, float, State, int], float]], ...] = (
    ("SGD", "lr_in_velocity", {"momentum": "0.9"}, lr_in_velocity),
    ("SGD", "velocity_as_step", {"momentum": "0.9"}, velocity_as_step),
    ("SGD", "averaged_velocity", {"momentum": "0.9"}, averaged_velocity),
    ("Adagrad", "eps_inside", {"eps": "0.01"}, adagrad),
    ("Adagrad", "eps_inside", {"lr_decay": "0.2", "initial_accumulator_value": "0.5"}, decayed_adagrad),
    ("RMSprop", "eps_inside", {"eps": "0.01"}, rmsprop),
    ("RMSprop", "eps_inside", {"centered": "true", "momentum": "0.5"}, centered_rmsprop),
    ("RMSprop", "average_from_1", {}, rmsprop_from_1),
    ("Adam", "eps_inside", {"eps": "0.01"}, adam_eps_inside),
    ("Adam", "folded_bias_correction", {"eps": "0.01"}, folded_adam),
    ("Adam", "folded_bias_correction", {"amsgrad": "true"}, folded_amsgrad),
    ("Adam", "no_bias_correction", {"eps": "0.01"}, uncorrected_adam),
    ("AdamW", "eps_inside", {"eps": "0.01"}, adamw_eps_inside),
    ("AdamW", "folded_bias_correction", {"eps": "0.01"}, folded_adamw),
    ("AdamW", "no_bias_correction", {"weight_decay": "0.3"}, uncorrected_adamw),
)


def run(name: str, variant: str, **more: Any) -> Result:
    extra = {"momentum": 0.9} if name == "SGD" else {}
    return verify(LINE, optimizer=name, variant=variant, **{**extra, **more})


def test_every_variant_has_its_formula() -> None:
    assert {(name, variant) for name, variant, *_ in FORMULAS} == set(VARIANTS)


@pytest.mark.parametrize(("name", "variant", "options", "formula"), FORMULAS)
def test_by_hand_as_the_formula_says(
    name: str, variant: str, options: Mapping[str, str], formula: Callable[[float, float, State, int], float]
) -> None:
    result = run(name, variant, **options)
    w, b = 0.5, -1.0
    own: tuple[State, State] = ({}, {})
    for step, row in enumerate(result.rows):
        slopes = gradients(w, b, step)
        assert [row.checks[of].hand_value for of in ("dl/dw", "dl/db")] == pytest.approx(slopes, rel=1e-11)
        w, b = (formula(p, g, s, step + 1) for p, g, s in zip((w, b), slopes, own, strict=True))
        assert [row.checks[of].hand_value for of in ("w", "b")] == pytest.approx((w, b), rel=1e-11)
        for parameter, state in zip(("w", "b"), own, strict=True):
            for of, value in state.items():
                assert row.checks[f"{parameter}.{of}"].hand_value == pytest.approx(value, rel=1e-11)
    assert len(result.rows) == 6
    assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize(("name", "variant"), list(VARIANTS))
def test_the_gradients_agree_at_the_parameters_by_hand(name: str, variant: str, dtype: str) -> None:
    result = run(name, variant, dtype=dtype)
    assert result.agrees, result.verdict.sentence
    assert result.verdict.sentence.startswith("agrees: all 18 numbers of 6 steps lie within their")
    assert result.verdict.sentence.endswith(
        f"; PyTorch has no such update ({name}, variant {variant}): the gradients are compared at the parameters by "
        "hand, the updates are not"
    )
    rounded = getattr(torch, dtype)
    for by_hand, step in zip(result.hand.steps, result.record.steps, strict=True):
        for group in ("before", "after"):
            for of, exact in getattr(by_hand, group).items():
                value = torch.tensor(_float(exact.item()), dtype=torch.float64)
                taken = value.to(rounded) if of in ("w", "b") else value  # PyTorch has no use for the state
                assert float(getattr(step, group)[of]) == float(taken)


def _float(exact: Any) -> float:
    return float(Fraction(str(exact))) if hasattr(exact, "p") else float(exact.mid())


def test_a_million_roundings_do_not_gather() -> None:
    """Each step begins at the numbers by hand: after 200 steps no gradient has drifted further than in one."""
    result = verify(LINE, variant="lr_in_velocity", momentum=0.9, steps=200, lr=0.01)
    assert result.agrees
    assert len(result.hand.steps) == 200
    last = result.rows[-1].checks["w"]
    assert abs(last.difference) <= 2.0**-24 * abs(last.hand_value)


@pytest.mark.parametrize(
    "sums",
    [
        "accumulate = 2\n",
        "zero_grad = false\n",
        "shuffle = true\nseed = 3\n",
        'frozen = "b"\n',
        "drop_last = true\nbatch_size = 3\n",
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_every_kind_of_batch(sums: str, dtype: str) -> None:
    text = LINE.replace("batch_size = 2\n", "") if "batch_size" in sums else LINE
    text = f'frozen = ["b"]\n{text}' if "frozen" in sums else text + sums
    result = verify(text, optimizer="Adam", variant="eps_inside", dtype=dtype, nodes=True)
    assert result.agrees, result.verdict.sentence
    assert len(result.record.steps) == 6
    if "shuffle" in sums:
        plain = verify(text, optimizer="Adam", dtype=dtype)
        assert [s.batch.indices for s in plain.record.steps] == [s.batch.indices for s in result.record.steps]
    if "accumulate" in sums:
        moved = [float(step.after["w"]) != float(step.before["w"]) for step in result.record.steps]
        assert moved == [False, True] * 3


def test_a_state_that_the_dtype_cannot_hold_is_by_hand() -> None:
    result = verify(
        PARABOLA.replace("momentum = 0.5\n", "").replace("x = 0", "x = 250"),
        optimizer="Adam",
        variant="eps_inside",
        dtype="float16",
    )
    assert result.rows[0].checks["x.v"].hand_value == pytest.approx(244.036)
    far = verify(
        PARABOLA.replace("momentum = 0.5\n", "").replace("x = 0", "x = 250"),
        optimizer="Adagrad",
        variant="eps_inside",
        dtype="float16",
    )
    assert far.rows[0].checks["x.s"].hand_value == 494**2 > 65504
    assert far.agrees


def test_arrays_and_a_prediction() -> None:
    result = verify(
        """
equations = '''
h = tanh(x @ W)
p = h @ u
l = mse(p, y)
'''
frozen = ["u[0]"]
[parameters]
W = [[0.15, -1.25], [0.7, 0.3]]
u = [1.4, -0.5]
[data]
x = [[0.05, 0.1], [1, 2], [-1, 0]]
y = [0.01, 0.99, 0.5]
[training]
optimizer = "RMSprop"
variant = "average_from_1"
lr = 0.01
steps = 3
[predict]
x = [[1, 1]]
[watch]
size = "norm(dl/dW)"
"""
    )
    assert result.agrees, result.verdict.sentence
    assert result.record.steps[0].before["W.v"].tolist() == [[1, 1], [1, 1]]
    assert all(float(step.after["u"][0]) == float(np.float32(1.4)) for step in result.record.steps)
    assert "numbers of 3 steps and of the prediction lie" in result.verdict.sentence


# where a run by hand ends


def test_until_ends_it_by_hand_as_in_pytorch() -> None:
    result = run("SGD", "lr_in_velocity", until="l < 1", steps=400)
    assert result.agrees
    assert result.stopped.endswith("the first after which l < 1 holds, by hand as in PyTorch")
    last = result.rows[-1].checks["l"]
    assert last.hand_value < 1
    assert all(row.checks["l"].hand_value >= 1 for row in result.rows[:-1])
    never = run("SGD", "lr_in_velocity", until="l < 0")
    assert never.agrees
    assert never.stopped == "l < 0 holds after none of the 6 steps"


PARABOLA = problems.PARABOLA + "momentum = 0.5\nsteps = 9\n"


def test_rounding_may_decide_whether_the_condition_holds() -> None:
    """X is 0.6 after the first step by hand, and 0.6000000238 in float32."""
    late = verify(PARABOLA, variant="lr_in_velocity", until="x - 0.5 <= 0.1")
    assert late.agrees
    assert len(late.record.steps) == len(late.hand.steps) == 1
    assert late.stopped == (
        "the run ends after step 1, the first after which x - 0.5 <= 0.1 holds by hand; "
        "in PyTorch it does not hold yet: rounding decides"
    )
    early = verify(PARABOLA, variant="lr_in_velocity", until="x - 0.5 > 0.1")
    assert early.agrees
    assert len(early.record.steps) == len(early.hand.steps) == 1
    assert early.stopped.endswith("holds in PyTorch; by hand it does not hold yet: rounding decides")


def test_a_run_by_hand_that_ends_early_leaves_the_rest_open() -> None:
    result = run("SGD", "lr_in_velocity", drift=2)
    assert result.verdict.outcome is Outcome.UNDECIDED
    assert result.verdict.sentence == "the run by hand ended after 2 of 6 steps"
    assert result.stopped == ""
    with pytest.raises(
        ProblemError, match=r"^torch\.optim\.SGD has no variant lr_in_velocity, and its update is made "
    ):
        run("SGD", "lr_in_velocity", drift=0)
    with pytest.raises(ProblemError, match=r"by hand, but at step 1 \(epoch 1, batch 1\) the hand calculation ends: "):
        verify(PARABOLA.replace("(x - 3)^2", "1/x"), variant="lr_in_velocity")


def test_a_number_that_the_dtype_cannot_hold() -> None:
    result = verify(PARABOLA, variant="lr_in_velocity", dtype="float16", lr=20000, steps=3)
    assert result.verdict.outcome is Outcome.UNDECIDED
    assert result.nonfinite == ("PyTorch's x is inf first at step 1 (epoch 1, batch 1); by hand it is 120000 there",)
    assert len(result.record.steps) == len(result.hand.steps) == 1
    far = verify(PARABOLA, variant="lr_in_velocity", dtype="float64", lr="1e308", steps=3)
    assert far.verdict.outcome is Outcome.UNDECIDED


# mistakes that are planted


def test_a_wrong_gradient_of_pytorch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from verify.pytorch import run as training

    right = training._gradients

    def wrong(model: Any) -> dict[str, torch.Tensor]:
        return {name: value * (2 if name == "b" else 1) for name, value in right(model).items()}

    monkeypatch.setattr(training, "_gradients", wrong)
    for dtype in ("float32", "float64"):
        result = run("Adam", "folded_bias_correction", dtype=dtype)
        assert result.verdict.outcome is Outcome.DISAGREES
        assert "first dl/db at step 1 (epoch 1, batch 1)" in result.verdict.sentence
        assert explanations(result.comparison, result.tally)[0].endswith("the ratio is 2")


@pytest.mark.parametrize(("of", "first"), [("w", "w at step 2"), ("b.v", "b.v at step 2")])
def test_other_numbers_than_those_by_hand_are_found(monkeypatch: pytest.MonkeyPatch, of: str, first: str) -> None:
    """PyTorch is given a parameter or a state that is off by two units in the last place."""
    from verify.pytorch import run as training

    right = training.UpdateByHand.step

    def wrong(self: Any) -> None:
        self.count = getattr(self, "count", 0) + 1
        right(self)
        if self.count == 2:
            self.values = {**self.values, of: np.asarray(self.values[of] * (1 + 2.0**-21))}
            if of == "w":
                with torch.no_grad():
                    self.model.named["w"].mul_(1 + 2.0**-21)

    monkeypatch.setattr(training.UpdateByHand, "step", wrong)
    result = run("Adam", "eps_inside")
    assert result.verdict.outcome is Outcome.DISAGREES
    assert f"first {first} (epoch 1, batch 2)" in result.verdict.sentence


def test_parameters_that_move_between_two_steps_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from verify.pytorch import run as training

    right = training._step
    count = 0

    def wrong(model: Any, *rest: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            with torch.no_grad():
                model.named["b"].add_(0.001)
        return right(model, *rest)

    monkeypatch.setattr(training, "_step", wrong)
    result = run("Adam", "eps_inside")
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "first b_before at step 3 " in result.verdict.sentence


# what is printed and written


def test_the_settings_say_what_is_compared() -> None:
    settings = effective(load(LINE), {"optimizer": "Adam", "variant": "eps_inside"})
    assert str(settings).startswith("Adam (flag), variant eps_inside (flag), lr 0.1, betas (0.9, 0.999)")
    [remark] = remarks(settings)
    assert remark == (
        "torch.optim.Adam has no variant eps_inside (Défossez, Bottou, Bach, Usunier: A Simple Convergence Proof of "
        "Adam and Adagrad (2022)): the updates are those by hand, and PyTorch's gradients are taken at the "
        "parameters by hand"
    )
    assert "variant" not in str(effective(load(LINE), {"optimizer": "Adam"}))


def test_the_table_shows_the_update_by_hand_alone() -> None:
    result = run("RMSprop", "eps_inside", steps=1)
    text = to_text(result)
    lines = text.split("\n")
    head = next(k for k, line in enumerate(lines) if line.startswith("epoch batch"))
    own = result.rows[0].checks
    assert lines[head + 1].split()[-2:] == ["0.1225", "0.3025"]
    assert "1.5 -1.652893e-08" in lines[head + 1]
    assert lines[head + 2].split() == ["autograd", "8.125", "-3.5", "-5.5"]
    wide = to_text(run("Adam", "eps_inside", steps=2)).split("\n")
    states = next(k for k, line in enumerate(wide) if "w.v" in line)
    assert wide[states + 1].split()[-4:] == ["-0.35", "0.01225", "-0.55", "0.03025"]
    assert wide[states + 2].split()[:3] == ["1", "2", "2"]  # no line for PyTorch, which has no state
    assert "largest drift" not in text
    assert '"variant": "eps_inside"' in to_json(result)
    frame = steps(result)
    assert frame["w"].tolist() == [own["w"].hand_value]
    assert comparison(result)["agrees"].all()
    assert "w" not in to_text(result, summary=True).split("quantity")[1].split("|error|")[0].split()


def test_a_flag_comes_before_the_file_and_another_optimizer_leaves_it_out() -> None:
    problem = load(LINE + 'optimizer = "Adam"\nvariant = "no_bias_correction"\n')
    assert effective(problem, {}).variant == "no_bias_correction"
    assert effective(problem, {"variant": "eps_inside"}).variant == "eps_inside"
    assert effective(problem, {"variant": "none"}).rule.variant is None
    assert effective(problem, {"optimizer": "AdamW"}).variant == "no_bias_correction"
    other = effective(problem, {"optimizer": "SGD"})
    assert other.variant == "none"
    assert remarks(other) == ("variant of the problem file: left out, no option of SGD",)
    with pytest.raises(SettingError, match=r"^eps_inside is no variant of SGD but of Adagrad"):
        effective(problem, {"optimizer": "SGD", "variant": "eps_inside"})
    with pytest.raises(SettingError, match=r"^the variant lr_in_velocity of SGD needs a momentum above 0"):
        effective(load(LINE), {"variant": "lr_in_velocity"})


# the perceptron rule needs no variant


def test_the_perceptron_rule_is_gradient_descent_on_a_loss() -> None:
    result = verify("perceptron")
    assert result.agrees
    w, mistakes = [Fraction(0)] * 3, []
    samples = [((0, 0, 1), 0), ((0, 1, 1), 0), ((1, 0, 1), 0), ((1, 1, 1), 1)]
    for row, (x, t) in zip(result.rows, samples * 6, strict=True):
        o = int(sum(a * b for a, b in zip(w, x, strict=True)) >= 0)
        w = [a + (t - o) * b for a, b in zip(w, x, strict=True)]
        mistakes.append(abs(o - t))
        assert [row.checks[name].hand_fraction for name in ("w1", "w2", "b")] == w
        assert row.checks["mistakes"].hand_fraction == abs(o - t)
    assert sum(mistakes[-4:]) == 0
    assert sum(mistakes) == 11


@pytest.mark.parametrize("start", ["0", "0.3"])
@pytest.mark.parametrize(("loss", "moves"), [("sum(where(y*z <= 0, -y*z, 0))", True), ("sum(relu(-y*z))", False)])
def test_the_perceptron_rule_with_targets_of_both_signs(start: str, loss: str, moves: bool) -> None:
    """At w = 0 every sample lies on the boundary: relu does not move there, the rule counts it as a mistake."""
    result = verify(f"""
equations = "z = w*x + b; l = {loss}"
[parameters]
w = {start}
b = {start}
[data]
x = [1, 2, -1, 0.5]
y = [-1, 1, 1, -1]
[training]
lr = 0.5
batch_size = 1
epochs = 3
""")
    assert result.agrees, result.verdict.sentence
    w = b = Fraction(start)
    for row, (x, y) in zip(result.rows, [(1, -1), (2, 1), (-1, 1), (Fraction(1, 2), -1)] * 3, strict=True):
        margin = y * (w * x + b)
        if margin < 0 or (moves and margin == 0):
            w, b = w + Fraction(1, 2) * y * x, b + Fraction(1, 2) * y
        assert (row.checks["w"].hand_fraction, row.checks["b"].hand_fraction) == (w, b)


def test_ascent_is_an_option_of_pytorch() -> None:
    result = verify(LINE, maximize=True, steps=2)
    assert result.agrees
    first = result.rows[0].checks
    assert first["w"].hand_fraction == Fraction(1, 2) + Fraction(1, 10) * (first["dl/dw"].hand_fraction or 0)
