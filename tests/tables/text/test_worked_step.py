"""A step worked out on paper: a golden page, numbers that come out, and what is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tables
from derive.errors import SettingError
from derive.problem.loading import load, shipped
from derive.run.run import Run
from derive.training.optimizers import OPTIMIZERS
from derive.training.variants import VARIANTS
from tables.text.layout import Row
from tables.text.report import to_text
from tables.text.worked_step import _LEFT_OUT, Digits, _Page, _worked_out
from tests import problems
from tests.optimizer_options import options
from tests.problems import GROUP
from verify import Result, verify
from verify.hand.worked import work_out
from verify.numbers import Exactly, as_ball, precision, to_float, to_fraction

GOLDEN = Path(__file__).with_name("worked-step.txt")
LINE = problems.LINE + "steps = 4\n"


def page(result: Result, step: int) -> _Page:
    return _Page(result, _worked_out(result, step))


def rows(result: Result, step: int) -> Iterator[Row]:
    found = page(result, step)
    yield from found.forward()
    yield from found.backward()
    yield from found.moves()


def same(first: Exactly, second: Exactly) -> bool:
    with precision(256):
        return bool(abs(as_ball(first) - as_ball(second)) < 2.0**-80)


# the golden page, and its numbers calculated here


def test_the_page_of_the_articles_second_step() -> None:
    assert tables.worked(verify("article"), 2) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_the_readme_shows_what_is_printed() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    section = readme.split("## A step worked out\n")[1].split("\n## ")[0]
    first, second = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    assert first in GOLDEN.read_text(encoding="utf-8")
    assert second in tables.worked(verify(LINE, optimizer="Adam"), 3)


def test_the_golden_numbers_are_those_of_fractions() -> None:
    w, b, lr = Fraction(4, 15), Fraction(6, 25), Fraction(1, 100)  # after the first step, as the article has it
    text = GOLDEN.read_text(encoding="utf-8").replace("−", "-")
    x, y = [3, 4, 5], [16, 18, 20]
    d = [w * first + b - second for first, second in zip(x, y, strict=True)]
    adjoint = [2 * value / 3 for value in d]
    slope = sum(value * first for value, first in zip(adjoint, x, strict=True))
    expected = {
        "aᵢ": w * 3,
        "cᵢ": w * 3 + b,
        "dᵢ": d[0],
        "eᵢ": d[0] ** 2,
        "l": sum(value**2 for value in d) / 3,
        "∂l/∂eᵢ": Fraction(1, 3),
        "∂l/∂dᵢ": adjoint[0],
        "∂l/∂cᵢ": adjoint[0],
        "∂l/∂aᵢ": adjoint[0],
        "∂l/∂w": slope,
        "∂l/∂b": sum(adjoint),
        "w": w - lr * slope,
        "b": b - lr * sum(adjoint),
    }
    printed = dict(_results(text))
    assert printed.keys() == expected.keys()
    for name, value in expected.items():
        assert printed[name] == f"{float(value):.7g}", name
    columns = {
        line.split()[0]: line.split()[1:]
        for line in text.split("For every sample\n")[1].split("\n\n")[0].split("\n")[1:]
    }
    assert columns["dᵢ"] == [f"{float(value):.7g}" for value in d]
    assert columns["∂l/∂aᵢ"] == [f"{float(value):.7g}" for value in adjoint]
    assert re.search(r"w ← w - lr·∂l/∂w = 0\.2666667 - 0\.01·\(-135\.8578\) += 1\.625244\n", text)


def _results(text: str) -> Iterator[tuple[str, str]]:
    """The left side of each formula with the last number of it."""
    formulas = re.split(r"\n(?=  \S+ +[=←])", text.split("For every sample")[0] + text.split("Update:")[1])
    for formula in formulas[1:]:
        lines = formula.split("\n\n")[0].rstrip().split("\n")
        yield lines[0].split()[0], lines[-1].rsplit("= ", 1)[1].strip()


# every formula's numbers give its result, read back from what is printed

_WORDS = {
    "σ": lambda z: 1 / (1 + math.exp(-z)),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "relu": lambda z: max(z, 0.0),
    "where": lambda holds, a, b: a if holds else b,
    "logsumexp": lambda *z: math.log(sum(map(math.exp, z))),
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
    "max": max,
    "min": min,
    "clip": lambda x, low, high: min(max(x, low), high),
}


def read_back(numbers: str) -> float:
    """The value of what is printed."""
    code = numbers.replace("−", "-").replace("·", "*").replace("^", "**").replace("≤", "<=")
    code = re.sub(r"(?<![<>=]) = ", " == ", code).replace(")(", ")*(").replace("[", "float(").replace("]", ")")
    code = re.sub(
        r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda m: f"**({m[1].translate(str.maketrans('⁰¹²³⁴⁵⁶⁷⁸⁹⁻', '0123456789-'))})", code
    )
    code = re.sub(r"\|([^|]*)\|", r"abs(\1)", code)
    code = re.sub(r"√\(", "sqrt(", re.sub(r"√([0-9.]+)", r"sqrt(\1)", code))
    return float(eval(code, {"__builtins__": {"float": float}}, dict(_WORDS)))  # noqa: S307 - written by the program


def come_out(result: Result, step: int) -> int:
    """Checks every formula that is written out in full; returns how many."""
    count = 0
    for row in rows(result, step):
        if row.numbers and "…" not in row.numbers:
            value, told = read_back(row.numbers), read_back(row.result)
            terms = [abs(float(n.replace("−", "-"))) for n in re.findall(r"\d+\.?\d*(?:e-?\d+)?", row.numbers)]
            scale = max(abs(told), min(max(terms), 1e3) * 1e-1)
            assert abs(value - told) <= 2e-5 * scale, row
            count += 1
    return count


@pytest.mark.parametrize("name", [name for name, _ in shipped()])
def test_the_numbers_of_every_formula_give_its_result(name: str) -> None:
    result = verify(name, steps=20) if load(name).training.lr else verify(name)
    assert come_out(result, 1) > 2
    assert come_out(result, len(result.record.steps)) > 2
    for line in tables.worked(result, 1).split("\n"):
        assert len(line) <= 80
        assert line == line.rstrip()


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=6)
@given(data=st.data())
def test_under_all_options_of_an_optimizer(name: str, data: st.DataObject) -> None:
    result = verify(LINE, optimizer=name, **data.draw(options(name)))
    step = data.draw(st.integers(1, len(result.hand.steps)))
    found = _worked_out(result, step)
    last = {update.equation.parameter: update.after for update in found.updates if update.equation.left.name in "wb"}
    assert set(last) == {"w", "b"}
    for parameter, value in last.items():  # the equations that are printed are those that were calculated
        assert same(value.item(), result.hand.steps[step - 1].after[parameter].item())
    assert come_out(result, step) >= 4


@pytest.mark.parametrize(("optimizer", "variant"), list(VARIANTS))
def test_of_a_textbook_variant(optimizer: str, variant: str) -> None:
    extra = {"momentum": 0.9} if optimizer == "SGD" else {}
    result = verify(LINE, optimizer=optimizer, variant=variant, **extra)
    assert come_out(result, 3) >= 4
    assert f"Update: {optimizer} ({variant}), lr = 0.1\n" in tables.worked(result, 3)


def test_a_state_is_that_of_the_step_before() -> None:
    result = verify(LINE, optimizer="NAdam")
    text = tables.worked(result, 2)
    before, after = (result.rows[k].checks["w.mu_product"].hand_value for k in (0, 1))
    assert re.search(rf"mu_product ← mu_product·mu += {before:.7g}·0\.\d+ += {after:.7g}\n", text)
    moment = result.rows[0].checks["w.m"].hand_value
    assert f"= 0.9·({moment:.7g})".replace("-", "−") in text


# gradients that add up, frozen entries, long sums


def test_a_gradient_with_what_was_there_before() -> None:
    text = tables.worked(verify(LINE, zero_grad=False), 2)
    found = verify(LINE, zero_grad=False).rows
    first, both = (found[k].checks["dl/dw"].hand_value for k in (0, 1))
    told = f"with what was there before = {first:.7g} + ({both - first:.7g})".replace("-", "−")
    assert told in text
    assert re.search(rf"w ← w − lr·∂l/∂w = .* − 0\.1·\({both:.7g}\)".replace("(-", "(−"), text)


def test_a_batch_without_an_update_says_so() -> None:
    result = verify(LINE, accumulate=2)
    assert tables.worked(result, 1).endswith(
        "\n\nNo update after this batch: its gradients add up with those of the next one"
    )
    assert "Update: SGD, lr = 0.1, t = 1\n" in tables.worked(result, 2)


def test_the_first_entry_that_is_not_frozen_is_updated() -> None:
    text = """
equations = "p = x @ W; l = mean(p^2)"
frozen = ["W[0,0]", "b"]
[parameters]
W = [[1, 2], [3, 4]]
b = 1
[data]
x = [[1, 2], [3, 4], [5, 6]]
[training]
lr = 0.1
"""
    result = verify(text.replace("x @ W", "x @ W + b"))
    page = tables.worked(result, 1)
    after = result.rows[0].checks["W[0,1]"].hand_value
    assert re.search(rf"Wⱼₖ \[0,1\] ← Wⱼₖ − lr·∂l/∂Wⱼₖ = 2 − .* = {after:.7g}".replace("= -", "= −"), page)
    assert "b ←" not in page


def test_of_a_long_sum_the_middle_and_of_many_samples_the_rest_is_left_out() -> None:
    x = list(range(40))
    text = f"""
equations = "p = w*x; l = mean(p)"
[parameters]
w = 2
[data]
x = {x}
[training]
lr = 0.1
"""
    page = tables.worked(verify(text), 1)
    assert "l  = (1/n) Σᵢ pᵢ" in page
    assert "= (0 + 2 + 4 + … + 78)/40" in page
    assert "(0.025)(0) + (0.025)(1) + (0.025)(2) + … + (0.025)(39)" in page
    assert re.search(r"… and \d\d more samples\n", page)
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … of the data" in page
    two = tables.worked(verify(text, batch_size=2), 1)
    assert "more sample" not in two
    assert _LEFT_OUT.name == "…"


def test_a_formula_too_long_for_its_numbers_keeps_its_result() -> None:
    long = " + ".join(f"sin({k}.12345*w)*cos({k}.54321*w)" for k in range(12))
    result = verify(f'equations = "l = {long}"\n[parameters]\nw = 0.3\n[training]\nlr = 0.1\n')
    [forward] = page(result, 1).forward()
    assert forward.numbers == ""
    assert forward.result.replace("−", "-") == f"{result.rows[0].checks['l'].hand_value:.7g}"


def test_an_upstream_gradient_and_a_point() -> None:
    text = """
equations = "y = w*k"
seed_gradient = [1, 2]
[parameters]
w = 3
[constants]
k = [1, 2]
"""
    page = tables.worked(verify(text), 1)
    assert "∂L/∂yᵢ = seedᵢ                             = 1" in page or "∂L/∂yᵢ = seedᵢ" in page
    assert "∂L/∂w  = Σᵢ (∂L/∂yᵢ)(kᵢ) = (1)(1) + (2)(2) = 5" in page
    assert "Update" not in page


def test_a_gradient_that_is_0_for_every_number() -> None:
    result = verify('equations = "z = 2*u; l = w^2"\n[parameters]\nw = 1\nu = 2\n[training]\nlr = 0.1\n')
    assert "\n  ∂l/∂u = 0\n" in tables.worked(result, 1)


def test_an_idle_line_without_a_value() -> None:
    result = verify('equations = "z = log(w); l = w^2"\n[parameters]\nw = -1\n[training]\nlr = 0.1\n')
    assert result.agrees
    assert "\n  z = log(w) = log(−1) = nan\n" in tables.worked(result, 1)


def test_a_parameter_that_is_called_lr() -> None:
    result = verify('equations = "l = lr^2"\n[parameters]\nlr = 1\n[training]\nlr = 0.1\n')
    assert tables.worked(result, 1).endswith(
        "\n\nThe update is not worked out: lr is a parameter and a number of its equations"
    )


# numbers


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_digits_are_seven_and_read_back(value: float) -> None:
    text, _ = Digits().number(Fraction(value))
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=1e-6)
    assert len(re.sub(r"e.*|\D", "", text).lstrip("0")) <= 7


def test_digits_beyond_the_range_of_a_float() -> None:
    digits = Digits().as_written()
    assert digits.number(Fraction(10) ** 400)[0] == "1e400"
    assert digits.number(-Fraction(1, 3) * Fraction(10) ** -400)[0] == "−3.333333e-401"
    assert digits.number(Fraction(0))[0] == "0"


# which step


def test_the_text_of_a_run_shows_the_step_in_place_of_the_table() -> None:
    result = verify("article")
    text = to_text(result, step=2)
    assert tables.worked(result, 2) in text
    assert "epoch batch" not in text
    assert text.endswith(to_text(result).split("\n\n")[-1])
    assert text.startswith("A line fitted to nine points")


@pytest.mark.parametrize("step", [0, 4, -1])
def test_refuses_a_step_that_is_not_there(step: int) -> None:
    with pytest.raises(
        SettingError, match=rf"^there is no step {step} to show: the run has 3 steps; expected a number from 1 to 3$"
    ):
        tables.worked(verify("article"), step)
    with pytest.raises(SettingError, match=r"to show: the run has 1 step; expected 1$"):
        tables.worked(verify("article", steps=1), 2)


def test_refuses_a_step_after_the_hand_calculation_has_ended() -> None:
    with pytest.raises(
        SettingError, match=r"^step 3 is not calculated by hand: the hand calculation from .* \(--drift 2"
    ):
        tables.worked(verify("article", drift=2), 3)


def test_the_values_of_a_step_are_those_of_the_run() -> None:
    result = verify("tanh_network", nodes=True)
    found = work_out(Run(load("tanh_network"), result.derivation, result.settings), result.hand.steps[2])
    for name, values in result.hand.steps[2].nodes.items():
        assert all(same(a, b) for a, b in zip(values.flat, found.values[name].flat, strict=True))
    assert set(found.adjoints) == {"a", "h", "o", "l", "W", "b", "v", "c"}
    assert to_fraction(found.values["n"].item()) == 2
    assert np.shape(found.adjoints["W"]) == np.shape(found.values["W"])


MATRIX = """
equations = "p = x @ W + c; l = mean(p^2)"
[parameters]
W = [[1, 2], [3, 4]]
c = [0, 0.5]
[data]
x = [[1, 2], [3, 4], [5, 6]]
[training]
lr = 0.01
steps = 4
"""
ONE_CYCLE: dict[str, object] = {"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 9}
NO_LR = LINE.replace("lr = 0.1\n", "")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (LINE, {"lr": [0.1, 0.05]}),
        (LINE, {"lr": "1/(10*t + epoch)", "optimizer": "Adam"}),
        (LINE, {"scheduler": "StepLR", "step_size": 1, "optimizer": "Adagrad", "lr_decay": 0.1}),
        (LINE, {"scheduler": "ExponentialLR", "gamma": "1/3", "optimizer": "RMSprop"}),
        (LINE, {"scheduler": "CosineAnnealingLR", "T_max": 3, "optimizer": "NAdam"}),
        (NO_LR, ONE_CYCLE),
        (NO_LR, {**ONE_CYCLE, "optimizer": "AdamW"}),
        (NO_LR, {**ONE_CYCLE, "optimizer": "NAdam", "clip_grad_norm": 1.5}),
        (LINE, {"clip_grad_norm": 1.5}),
        (LINE, {"clip_grad_value": 1.5, "optimizer": "Adam"}),
        (LINE, {"clip_grad_norm": 1.5, "accumulate": 2}),
        (LINE.replace("b", "c").replace("catch", "batch"), {"clip_grad_norm": 1.5}),  # a parameter called c
        (MATRIX, {"clip_grad_norm": 1.5}),
        (MATRIX, {"clip_grad_value": 1.5}),
        (LINE + GROUP + "lr = 0.02\n", {"scheduler": "StepLR", "step_size": 1}),
        (LINE + GROUP + "lr = 0.02\n", {"optimizer": "Adagrad", "lr_decay": 0.1}),
        (LINE + GROUP + "lr = 0.02\nmomentum = 0.5\n", {}),
        (LINE.replace("lr", 'optimizer = "NAdam"\nlr', 1) + GROUP + "betas = [0.5, 0.9]\n", {}),
        (
            LINE.replace("lr", 'optimizer = "Adamax"\nlr', 1) + GROUP + "betas = [0.5, 0.9]\n",
            {"clip_grad_norm": 1.5},
        ),
        (NO_LR + GROUP + "weight_decay = 0.5\n", {**ONE_CYCLE, "optimizer": "Adam"}),
        (LINE + GROUP + "lr = 0.02\n", {"optimizer": "Adam", "variant": "folded_bias_correction"}),
        (NO_LR, {**ONE_CYCLE, "momentum": 0.9, "variant": "velocity_as_step", "clip_grad_value": 2}),
    ],
)
def test_with_schedules_clipping_and_groups(text: str, options: dict[str, object]) -> None:
    result = verify(text, **options)
    for step in (2, 4):
        found = _worked_out(result, step)
        last = {each.equation.parameter: each.after for each in found.updates if each.equation.left.name in "wbcW"}
        moved = {name: value for name, value in last.items() if name in result.hand.steps[0].after}
        assert set(moved) == {parameter.name for parameter in result.problem.parameters}
        for parameter, value in moved.items():
            wanted = result.hand.steps[step - 1].after[parameter]
            assert all(same(one, other) for one, other in zip(value.flat, wanted.flat, strict=True)), parameter
        assert come_out(result, step) >= 4


def test_clipping_stands_in_the_order_of_calculation() -> None:
    update = tables.worked(verify(LINE, clip_grad_norm=1.5), 2).split("Update: ")[1]
    lefts = [line.split()[0] for line in update.split("\n") if "←" in line]
    assert lefts == ["g_w", "g_b", "c", "g_w", "w", "g_b", "b"]
    result = verify(LINE, clip_grad_norm=1.5).hand.steps[1]
    gradients = {name: to_float(result.gradients[name].item()) for name in "wb"}
    share = min(1.0, 1.5 / (math.hypot(*gradients.values()) + 1e-6))
    assert f"= {share:.7g}\n" in update
    for name, gradient in gradients.items():
        assert f"c·g_{name} = {share:.7g}·({gradient:.7g})".replace("(-", "(−") in re.sub(" +", " ", update)


def test_what_a_group_has_of_its_own_is_worked_out_with_its_numbers() -> None:
    text = tables.worked(verify(LINE + GROUP + "lr = 0.02\n", optimizer="Adagrad", lr_decay=0.5), 3)
    first, second = re.findall(r"lr_t +← lr/.* = (.*?)/\(.*\) += (.*)\n", re.sub(r"\n +=", " =", text))
    assert (first, second) == (("0.1", "0.05"), ("0.02", "0.01"))
    assert "Update: Adagrad\n" in text  # no lr that would be that of all


def test_the_lr_of_the_step_is_in_the_title() -> None:
    result = verify(LINE, scheduler="StepLR", step_size=1, gamma=0.5)
    assert "Update: SGD, lr = 0.1\n" in tables.worked(result, 2)
    assert "Update: SGD, lr = 0.05\n" in tables.worked(result, 3)
