"""What the update section says of lr, clipping and groups."""

from pathlib import Path

import pytest

from derive.command import main
from derive.interface import derive
from derive.problem.loading import load
from derive.show.latex import to_latex
from derive.show.text import to_text
from derive.steps.choice import Choice
from derive.steps.update_rules import gathering
from derive.training.optimizers import OPTIMIZERS, Optimizer
from derive.training.plan import PLAIN_PLAN, plan_of
from tests.problems import GROUP

LINE = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[constants]
lambda = 4
[data]
x = [1, 2]
y = [2, 4]
[training]
"""


def shown(text: str, latex: bool = False) -> str:
    problem = load(LINE + text)
    training = problem.training
    optimizer = Optimizer(training.optimizer or OPTIMIZERS[0], training.options)
    show = to_latex if latex else to_text
    return show(derive(problem), "", optimizer, choice=Choice(("update",)), plan=plan_of(training))


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in shown(text).splitlines()]


def test_a_constant_lr_is_as_before() -> None:
    assert plan_of(load(LINE + "lr = 0.1\n").training) == PLAIN_PLAN
    assert lines("lr = 0.1\n") == [
        "Update: SGD, after each batch",
        "(8) w ← w − lr·∂l/∂w",
        "(9) b ← b − lr·∂l/∂b",
    ]


@pytest.mark.parametrize(
    ("text", "equations", "sentence"),
    [
        ("lr = [0.1, 0.05]", [], "lr is 0.1, 0.05 in the epochs 1, 2"),
        ('lr = "1/(lambda*t)"', ["(8) lr ← 1/(λ·t)"], "In lr, t counts the updates, from 1"),
        ('lr = "0.1/epoch"', ["(8) lr ← 0.1/epoch"], "In lr, epoch counts the epochs, from 1"),
        (
            'lr = 0.1\nscheduler = "StepLR"\nstep_size = 2',
            ["(8) lr ← lr_0·gamma^m"],
            "lr_0 = 0.1, gamma = 0.1, step_size = 2; k counts the epochs before, from 0, m is k/step_size rounded down",
        ),
        (
            'lr = 0.1\nscheduler = "ExponentialLR"\ngamma = 0.9\nscheduler_every = "batch"',
            ["(8) lr ← lr_0·gamma^k"],
            "lr_0 = 0.1, gamma = 0.9; k counts the updates before, from 0",
        ),
        (
            'lr = 0.1\nscheduler = "CosineAnnealingLR"\nT_max = 5',
            ["(8) lr ← eta_min + (lr_0 − eta_min)·(1 + cos(π·k/T_max))/2"],
            "lr_0 = 0.1, eta_min = 0, T_max = 5; k counts the epochs before, from 0",
        ),
    ],
)
def test_lr_is_printed(text: str, equations: list[str], sentence: str) -> None:
    found = lines(text + "\n")
    assert found[1 : 1 + len(equations)] == equations
    assert sentence in " ".join(found)


def test_a_cycle_of_lr_and_momentum() -> None:
    found = lines('scheduler = "OneCycleLR"\nmax_lr = 0.1\ntotal_steps = 10\nanneal_strategy = "linear"\n')
    assert found[1:12] == [
        "(8) first_lr ← max_lr/div_factor",
        "(9) min_lr ← first_lr/final_div_factor",
        "(10) end_1 ← pct_start·total_steps − 1",
        "(11) share_1 ← k/end_1",
        "(12) share_2 ← (k − end_1)/(total_steps − 1 − end_1)",
        "(13) lr_1 ← (max_lr − first_lr)·share_1 + first_lr",
        "(14) lr_2 ← (min_lr − max_lr)·share_2 + max_lr",
        "(15) lr ← where([k ≤ end_1], lr_1, lr_2)",
        "(16) momentum_1 ← (base_momentum − max_momentum)·share_1 + max_momentum",
        "(17) momentum_2 ← (max_momentum − base_momentum)·share_2 + base_momentum",
        "(18) momentum ← where([k ≤ end_1], momentum_1, momentum_2)",
    ]
    assert found[12:14] == ["(19) v_w ← momentum·v_w + ∂l/∂w", "(20) w ← w − lr·v_w"]
    assert "max_lr = 0.1, total_steps = 10; k counts the updates before, from 0" in " ".join(found)


def test_clipping_by_norm() -> None:
    found = " ".join(lines("lr = 0.1\nclip_grad_norm = 1.5\n"))
    for equation in (
        "(8) g_w ← ∂l/∂w",
        "(9) g_b ← ∂l/∂b",
        "(10) c ← min(1, clip_grad_norm/(√(g_w² + g_b²) + 0.000001))",
        "(11) g_w ← c·g_w",
        "(12) w ← w − lr·g_w",
        "(13) g_b ← c·g_b",
        "(14) b ← b − lr·g_b",
        "clip_grad_norm = 1.5 bounds the norm of all gradients together, before the update",
    ):
        assert equation in found


def test_clipping_by_value_comes_before_what_the_optimizer_does() -> None:
    found = lines("lr = 0.1\nclip_grad_value = 2\nweight_decay = 0.1\nmomentum = 0.9\n")
    assert found[1:5] == [
        "(8) g_w ← clip(∂l/∂w, −clip_grad_value, clip_grad_value)",
        "(9) g_w ← g_w + weight_decay·w",
        "(10) v_w ← momentum·v_w + g_w",
        "(11) w ← w − lr·v_w",
    ]


def test_what_is_frozen_is_not_in_the_norm() -> None:
    problem = load('frozen = ["b"]\n' + LINE + "lr = 0.1\nclip_grad_norm = 1\n")
    found = to_text(derive(problem), "", "SGD", plan=plan_of(problem.training))
    assert "min(1, clip_grad_norm/(√(g_w²) + 0.000001))" in found


def test_a_group_has_its_own_equations_and_numbers() -> None:
    found = lines('lr = 0.1\nmomentum = 0.9\n[[training.groups]]\nparameters = ["b"]\nmomentum = 0\nlr = "0.2/epoch"\n')
    assert found[1:4] == ["(8) v_w ← momentum·v_w + ∂l/∂w", "(9) w ← w − lr·v_w", "(10) b ← b − lr·∂l/∂b"]
    told = " ".join(found)
    assert "momentum = 0.9; v_w begins at 0" in told
    assert "In lr, epoch counts the epochs, from 1 For b: lr = 0.2/epoch, momentum = 0" in told


OF_B = GROUP + "lr = 2\n"


def test_a_scheduler_begins_at_the_lr_of_a_group() -> None:
    found = lines('lr = 0.1\nscheduler = "ExponentialLR"\ngamma = 0.9\n' + OF_B)
    assert found[-1] == "For b: lr_0 = 2"


@pytest.mark.parametrize(
    ("zero_grad", "told", "since"),
    [("false", "never set to zero", "before"), ("4", "set to zero before every 4 steps", "since then")],
)
def test_what_clipping_leaves_is_what_the_next_gradient_adds_to(zero_grad: str, told: str, since: str) -> None:
    problem = load(LINE + f"lr = 0.1\nclip_grad_norm = 1\nzero_grad = {zero_grad}\n")
    found = gathering(problem.training, has_data=True)
    added = "that of each batch is added to what clipping has left of those"
    assert found.sentence == f"The gradient is {told}: {added} {since}."


def test_the_document_says_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "line.toml"
    for text, told in (("lr = 0.1\n", False), ("lr = [0.1]\n", True), ("lr = 0.1\nclip_grad_norm = 1\n", True)):
        file.write_text(LINE + text, encoding="utf-8")
        assert main([str(file), "--format", "json"]) == 0
        sentence = "note: --format json has the equations of the optimizer alone; how lr goes, clipping and groups are"
        assert (sentence in capsys.readouterr().err) is told


def test_the_command_prints_what_training_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "line.toml"
    file.write_text(LINE + "lr = 0.1\nclip_grad_value = 1\n", encoding="utf-8")
    assert main([str(file), "--steps", "update"]) == 0
    assert "g_w ← clip(∂l/∂w, −clip_grad_value, clip_grad_value)" in capsys.readouterr().out


def test_in_latex() -> None:
    found = shown('lr = "1/(lambda*t)"\nclip_grad_norm = 1\n', latex=True)
    assert r"\mathit{lr} &\leftarrow \frac{1}{\lambda \cdot t} \tag{8}" in found
    assert r"c &\leftarrow \min" in found
