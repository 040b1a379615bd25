"""Textbook variants with schedules, clipping and groups: by hand as formulas written out here, and what is compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tables
from tables.text.report import to_text
from tests import problems
from tests.problems import GROUP
from verify import verify
from verify.compare.summary import summarize
from verify.compare.verdict import Outcome
from verify.names import quantity
from verify.numbers import to_float

LINE = problems.LINE + "epochs = 3\n"
X, Y = (0.0, 1.0, 2.0, 3.0), (1.0, 3.0, 2.0, 5.0)
State = dict[str, float]
Rule = Callable[[float, float, State, int, float, float], float]  # p, g, its state, t, lr, momentum → p


def by_hand(
    rule: Rule,
    rate: Callable[[int, str], float],
    momentum: Callable[[int, str], float] = lambda _t, _name: 0.9,
    norm: float = math.inf,
    value: float = math.inf,
) -> list[State]:
    """The parameters after each of six updates."""
    held = {"w": 0.5, "b": -1.0}
    states: dict[str, State] = {"w": {}, "b": {}}
    found = []
    for t in range(1, 7):
        taken = (0, 1) if t % 2 else (2, 3)
        errors = [held["w"] * X[row] + held["b"] - Y[row] for row in taken]
        gradient = {"w": sum(e * X[row] for e, row in zip(errors, taken, strict=True)), "b": sum(errors)}
        share = min(1.0, norm / (math.hypot(*gradient.values()) + 1e-6))
        for name in held:
            g = min(max(share * gradient[name], -value), value)
            held[name] = rule(held[name], g, states[name], t, rate(t, name), momentum(t, name))
        found.append(dict(held))
    return found


def lr_in_velocity(p: float, g: float, s: State, _t: int, lr: float, momentum: float) -> float:
    s["v"] = momentum * s.get("v", 0.0) + lr * g
    return p - s["v"]


def velocity_as_step(p: float, g: float, s: State, _t: int, lr: float, momentum: float) -> float:
    s["v"] = momentum * s.get("v", 0.0) - lr * g
    return p + s["v"]


def eps_inside(p: float, g: float, s: State, t: int, lr: float, _momentum: float) -> float:
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g * g
    return p - lr * s["m"] / (1 - 0.9**t) / math.sqrt(s["v"] / (1 - 0.999**t) + 1e-8)


def folded(p: float, g: float, s: State, t: int, lr: float, beta1: float) -> float:
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g * g
    lr_t = lr * math.sqrt(1 - 0.999**t) / (1 - beta1**t)
    return p - lr_t * s["m"] / (math.sqrt(s["v"]) + 1e-8)


def halved(t: int, _name: str) -> float:
    return 0.1 * 0.5 ** ((t - 1) // 2)


def annealed(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)


def one_cycle(low: float, high: float, last: float) -> Callable[[int, str], float]:
    """OneCycleLR over 11 updates, of which the first 0.3·11 − 1 = 2.3 go up."""
    return lambda t, _name: (
        annealed(low, high, (t - 1) / 2.3) if t - 1 <= 2.3 else annealed(high, last, (t - 1 - 2.3) / (10 - 2.3))
    )


CYCLE: dict[str, Any] = {"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 11}
CYCLED_LR, CYCLED_MOMENTUM = one_cycle(0.004, 0.1, 4e-7), one_cycle(0.95, 0.85, 0.95)
SGD = {"optimizer": "SGD", "momentum": 0.9}
HALF: dict[str, Any] = {"scheduler": "StepLR", "step_size": 1, "gamma": 0.5}
ADAM = {"optimizer": "Adam"}
RUNS: list[tuple[str, dict[str, Any], list[State]]] = [
    (LINE, {**SGD, **HALF, "variant": "lr_in_velocity"}, by_hand(lr_in_velocity, halved)),
    (LINE, {**ADAM, "lr": "1/(t + 4)", "variant": "eps_inside"}, by_hand(eps_inside, lambda t, _: 1 / (t + 4))),
    (
        LINE.replace("lr = 0.1\n", ""),
        {**SGD, **CYCLE, "variant": "velocity_as_step"},
        by_hand(velocity_as_step, CYCLED_LR, CYCLED_MOMENTUM),
    ),
    (
        LINE.replace("lr = 0.1\n", ""),
        {**ADAM, **CYCLE, "variant": "folded_bias_correction"},
        by_hand(folded, CYCLED_LR, CYCLED_MOMENTUM),
    ),
    (LINE, {**SGD, "clip_grad_norm": 2, "variant": "lr_in_velocity"}, by_hand(lr_in_velocity, lambda *_: 0.1, norm=2)),
    (LINE, {**ADAM, "clip_grad_value": 2, "variant": "eps_inside"}, by_hand(eps_inside, lambda *_: 0.1, value=2)),
    (
        LINE.replace("lr = 0.1", "optimizer = 'Adam'\nlr = 0.1").replace("'", '"') + GROUP + "betas = [0.5, 0.999]\n",
        {"variant": "folded_bias_correction"},
        by_hand(folded, lambda *_: 0.1, lambda _t, name: 0.5 if name == "b" else 0.9),
    ),
    (
        LINE + GROUP + "lr = 0.01\nmomentum = 0.5\n",
        {**SGD, **HALF, "variant": "lr_in_velocity", "clip_grad_norm": 3},
        by_hand(
            lr_in_velocity,
            lambda t, name: halved(t, name) * (0.1 if name == "b" else 1),
            lambda _t, name: 0.5 if name == "b" else 0.9,
            norm=3,
        ),
    ),
]


@pytest.mark.parametrize(("text", "options", "wanted"), RUNS)
def test_by_hand_as_the_formulas_say(text: str, options: dict[str, Any], wanted: list[State]) -> None:
    result = verify(text, **options)
    assert result.verdict.outcome is Outcome.AGREES
    assert "the gradients are compared at the parameters by hand, the updates are not" in result.verdict.sentence
    for step, row in zip(result.hand.steps, wanted, strict=True):
        for name, value in row.items():
            assert to_float(step.after[name].item()) == pytest.approx(value, rel=1e-9)


def test_lr_and_clipped_gradients_stand_there_by_hand_and_are_not_counted() -> None:
    text, options, _ = RUNS[-1]
    result = verify(text, **options)
    frame = tables.steps(result)
    assert list(frame["lr"]) == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025], rel=1e-12)
    assert list(frame["lr[1]"]) == pytest.approx([0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025], rel=1e-12)
    assert np.hypot(frame["dl/dw_clipped"], frame["dl/db_clipped"]).max() < 3
    numbers = {quantity(name, "l", ()) for step in result.comparison.steps for name in step.numbers}
    assert {"optimizer.lr", "dl/dw_clipped"} <= numbers
    assert {summary.quantity for summary in summarize(result.comparison)} == {"l", "dl/dw", "dl/db"}
    assert "agrees: all 18 numbers of 6 steps" in result.verdict.sentence
    printed = to_text(result)
    row = printed.split("dl/db_clipped")[1].split("\n")[1].split()
    assert row[-4:-2] == ["0.1", "0.01"]
