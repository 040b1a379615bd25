"""The hand calculation against an oracle that shares no code with it (long form: tests/benchmarks/oracle.py)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derive.algebra.operations import FUNCTIONS, REDUCTIONS, TENSOR_FUNCTIONS
from derive.errors import HandgradError
from derive.paper.macros import MACRO_NAMES
from derive.training.optimizers import ENTRIES
from derive.training.schedulers import SCHEDULERS
from derive.training.variants import VARIANTS as TEXTBOOK
from tests import claims_of_oracle
from tests.against_oracle import Compared, compare
from tests.grammar import Drawn, draw
from tests.oracle import notation, optimizers, tape
from tests.oracle.numbers import BIG, Real, UnclearError
from tests.oracle.tape import ELEMENTWISE, Var
from tests.oracle.training import Training

ORACLE = Path(__file__).resolve().parents[1] / "oracle"


def differences(text: str, **settings: Any) -> list[str]:
    """What differs; a problem of which nothing was compared would show nothing."""
    found = compare(Drawn(text, settings))
    assert found.steps
    assert found.numbers
    assert not found.ended
    return found.differences


# the oracle itself


def test_the_oracle_imports_nothing_of_ours() -> None:
    known = {*sys.stdlib_module_names, "mpmath", "numpy"}
    modules = sorted(ORACLE.glob("*.py"))
    assert len(modules) > 5
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            others = [name for name in names if name.partition(".")[0] not in known]
            assert all(f"{name}.".startswith("tests.oracle.") for name in others), path


@pytest.mark.parametrize("name", sorted(set(ELEMENTWISE) - {"detach"}))
@given(st.fractions(-3, 3, max_denominator=50))
@settings(max_examples=10)
def test_its_derivatives_are_difference_quotients(name: str, x: Any) -> None:
    """To 30 digits, with a step of 10⁻⁴⁰: what is left is of third order."""
    step = Real(BIG.mpf(10) ** -40)
    low, high = (ELEMENTWISE[name](Var(Real(x) + sign * step)).value for sign in (-1, 1))
    assume(low.value is not None and high.value is not None and x != 0)
    found = tape.leaf(Real(x))
    tape.backward(ELEMENTWISE[name](found))
    assert abs(((high - low) / (2 * step) - found.adjoint).big) < 1e-30 * (1 + abs(found.adjoint.big))


# drawn problems


@settings(max_examples=40)
@given(st.integers(0, 2**40))
def test_every_number_by_hand_is_that_of_the_oracle(seed: int) -> None:
    drawn = draw(Random(seed))
    try:
        found = compare(drawn)
    except HandgradError:
        return
    assert not found.differences, (drawn.text, drawn.settings)


@settings(max_examples=8)
@given(st.integers(0, 2**40))
def test_what_the_oracle_claims_is_right_and_what_is_moved_is_not(seed: int) -> None:
    drawn = draw(Random(seed))
    try:
        found = compare(drawn)
        assume(not found.ended and found.oracle is not None)
    except HandgradError:
        return
    assert found.oracle is not None
    assert not list(claims_of_oracle.faults(drawn, found.oracle, Random(seed))), (drawn.text, drawn.settings)


DRAWN = (
    *(
        "cross_entropy(",
        "bce(",
        "bce_with_logits(",
        "pick(",
        "outer(",
        "softmax(",
        "transpose(",
        "@",
        "where(",
        "clip(",
    ),
    *("[watch]", "[report]", "[predict]", "delta_", "m_hat_", "seed_gradient", "frozen", "distribution", "huber("),
)
SET = (
    *(
        "groups",
        "accumulate",
        "zero_grad",
        "until",
        "variant",
        "scheduler",
        "scheduler_every",
        "max_lr",
        "clip_grad_norm",
    ),
    *(
        "clip_grad_value",
        "batches",
        "drop_last",
        "shuffle",
        "maximize",
        "decoupled_weight_decay",
        "centered",
        "amsgrad",
    ),
    *("nesterov", "dampening", "lr_decay", "rho", "momentum_decay"),
)


def test_everything_is_drawn_and_until_ends_some_runs() -> None:
    problems = [draw(Random(seed)) for seed in range(1000)]
    text = "\n".join(drawn.text for drawn in problems)
    assert not [piece for piece in DRAWN if piece not in text]
    assert not set(SET) - {key for drawn in problems for key in drawn.settings}
    assert {drawn.settings["optimizer"] for drawn in problems} == set(optimizers.DEFAULTS)
    assert {type(drawn.settings.get("lr", 0)) for drawn in problems} >= {float, list, str}
    runs = (Drawn(d.text, d.settings) for d in problems if "until" in d.settings and not d.settings.get("shuffle"))
    assert any(_ends_early(drawn) for drawn in runs if "distribution" not in drawn.text)


def _ends_early(drawn: Drawn) -> bool:
    without = {key: value for key, value in drawn.settings.items() if key != "until"}
    try:
        whole, ended = ([*Training(drawn.text, settings).steps()] for settings in (without, drawn.settings))
    except UnclearError:
        return False
    return 0 < len(ended) < len(whole)


# each thing by itself

NETWORK = """equations = '''
h = tanh(x @ W + b)
z = h @ v
l = mean((z - y)^2) + 0.01*l2(v)
'''
{above}
[parameters]
W = [[0.5, -0.3], [0.1, 0.8]]
b = [0.1, 0]
v = {v}
[data]
x = [[1, 2], [-1, 0.5], [0.25, -3], [2, 2], [-0.5, 1]]
y = [1, -1, 2, 0, 0.5]
{below}
"""
FIVE = {"lr": 0.1, "epochs": 2, "batch_size": 2}


def network(above: str = "", below: str = "", v: str = "[1, -0.5]") -> str:
    return NETWORK.format(above=above, below=below, v=v)


OPTIMIZERS = [
    {"optimizer": name, **options}
    for name, several in {
        "SGD": ({}, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}, {"momentum": 0.9, "nesterov": True}),
        "Adagrad": ({"lr_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True},),
        "RMSprop": ({"centered": True, "momentum": 0.9}, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
        "Adam": ({"amsgrad": True, "betas": [0.5, 0.75]}, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
        "AdamW": ({}, {"amsgrad": True, "maximize": True}),
        "Adadelta": ({}, {"rho": 0.5, "weight_decay": 0.1}),
        "NAdam": ({}, {"momentum_decay": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1}),
        "Adamax": ({"betas": [0.5, 0.75]},),
    }.items()
    for options in several
]
VARIANTS = [
    *({"momentum": 0.9, "variant": name} for name in ("lr_in_velocity", "velocity_as_step", "averaged_velocity")),
    {"optimizer": "Adagrad", "variant": "eps_inside", "lr_decay": 0.5},
    {"optimizer": "RMSprop", "variant": ["eps_inside", "average_from_1"], "centered": True},
    *(
        {"optimizer": optimizer, "variant": name, "amsgrad": amsgrad}
        for optimizer, amsgrad in (("Adam", False), ("AdamW", True))
        for name in ("eps_inside", "folded_bias_correction", "no_bias_correction")
    ),
]
CYCLE = {"scheduler": "OneCycleLR", "max_lr": 0.5, "total_steps": 8}
RATES = [
    {"lr": [0.1, 0.02]},
    {"lr": "1/(t + epoch)"},
    {"scheduler": "StepLR", "step_size": 2, "scheduler_every": "batch"},
    {"scheduler": "ExponentialLR", "gamma": 0.5},
    {"scheduler": "CosineAnnealingLR", "T_max": 2, "eta_min": 0.01, "scheduler_every": "batch"},
    {**CYCLE, "momentum": 0.5},
    {**CYCLE, "optimizer": "Adam", "three_phase": True},
    {**CYCLE, "cycle_momentum": False, "anneal_strategy": "linear"},
]
BATCHES = [
    *({"zero_grad": False}, {"zero_grad": 2}, {"accumulate": 2}, {"accumulate": 3, "momentum": 0.9}),
    *({"drop_last": True}, {"batches": [[4, 1], [0, 2, 3]]}, {"shuffle": True, "seed": 5}),
    *({"clip_grad_norm": 0.5}, {"clip_grad_value": 0.1, "accumulate": 2}, {"clip_grad_norm": 0.1, "zero_grad": False}),
    {"groups": [{"parameters": ["v"], "lr": 0.3, "weight_decay": 0.2}], "scheduler": "StepLR", "step_size": 1},
]


@pytest.mark.parametrize("more", [*OPTIMIZERS, *VARIANTS, *RATES, *BATCHES], ids=str)
def test_training_is_that_of_the_oracle(more: dict[str, Any]) -> None:
    instead = {"lr": "max_lr", "batch_size": "batches"}
    given = {key: value for key, value in FIVE.items() if instead.get(key) not in more}
    assert not differences(network(), **{**given, **more})


def test_nothing_is_unknown_to_the_oracle() -> None:
    """What is added to derive is calculated once more, and tried above."""
    assert {*FUNCTIONS, *REDUCTIONS, *TENSOR_FUNCTIONS, *MACRO_NAMES} <= notation.NAMES
    assert set(ENTRIES) == set(optimizers.DEFAULTS) == {more["optimizer"] for more in OPTIMIZERS}
    tried = {(more.get("optimizer", "SGD"), name) for more in VARIANTS for name in _listed(more["variant"])}
    assert tried == set(TEXTBOOK)
    assert {more["scheduler"] for more in RATES if "scheduler" in more} == set(SCHEDULERS)


def _listed(variant: str | list[str]) -> list[str]:
    return [variant] if isinstance(variant, str) else variant


HATS = """[watch]
hat = "sum(m_hat_v) - max(v_hat_b)"
"""
WATCHED = """norm = "norm(W)"
step = "sum(delta_W) + 2*max(step_size_b)"
[report]
half = "l/2"
twice = "2*half + mean(abs(z))"
rate = "3*lr"
[predict]
x = [[1, 1], [0, -1]]
y = [1, 2]
"""


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (network(below=f"[watch]\n{WATCHED}"), {}),
        (network(below=f"{HATS}{WATCHED}"), {"optimizer": "Adam"}),
        (network(below='[watch]\ng = "norm(dl/dW) - sum(∂l/∂b)"'), {"until": "l < 1.5", "epochs": 9}),
        (network(below='[watch]\ng = "norm(dl/dW)"'), {"until": "norm(dl/dW) < 1", "epochs": 9, "variant": "none"}),
        (network(above='frozen = ["W[0,1]", "b"]'), {"momentum": 0.9, "clip_grad_norm": 0.5, "weight_decay": 0.1}),
        (network(v='{shape = [2], distribution = "normal", mean = 0, std = 1, seed = 3}'), {"shuffle": True}),
        (network(v='{shape = [2], distribution = "uniform", low = -1, high = 1, seed = 4}'), {"optimizer": "NAdam"}),
    ],
)
def test_what_stands_beside_training_is_that_of_the_oracle(text: str, more: dict[str, Any]) -> None:
    assert not differences(text, **{**FIVE, **more})


SEEDED = """equations = '''
h = sigmoid(x*w)
z = h^2 + b
'''
seed_gradient = [1, 0, -2]
[parameters]
w = 0.5
b = 0.25
[data]
x = [1, 2, -3]
[watch]
g = "dL/dw - L"
"""


@pytest.mark.parametrize("more", [{}, {"batch_size": 2, "momentum": 0.9}, {"until": "L < 0.3", "epochs": 5}], ids=str)
def test_an_upstream_gradient_is_that_of_the_oracle(more: dict[str, Any]) -> None:
    assert not differences(SEEDED, **{"lr": 0.1, "epochs": 2, **more})


@pytest.mark.parametrize(
    "line",
    [
        *("cross_entropy(u @ W, c)", "mean(pick(softmax(u @ W), c))", "bce(sigmoid(u[i,0]), p[i])", "l2(outer(v, v))"),
        *("bce_with_logits(u @ v, p)", "hinge(u @ v, p)", "huber(u @ v, p)", "mean(where(u > 0, log(u), u))"),
        *("mean(max(u[i,k], k), i)", "sum(clip(u, 0, 1))", "sum(clip(u, v, v + 1))", "sum(relu(u) + abs(u))"),
        *("sum(log_softmax(u[i,k]*v[k], k)*i, i, k)", "var(u[i,k]*v[k], i, k) + u[2,1]*v[0]", "logsumexp(u @ W)"),
        *("sum(where(c[i] != i, u[i,c[i]]*v[0], 1), i)", "sum(max(u, v)) + sum(min(u, 0))", "sum(abs(u)^(v + 1))"),
    ],
)
def test_each_construct_is_that_of_the_oracle(line: str) -> None:
    text = f"""equations = "u = x*v\\nl = {line} + l2(v, W)"
[parameters]
v = [1, 0.5]
W = [[1, 2], [0, -1]]
[data]
x = [[1, 0], [0, 2], [2, 1], [-0.5, 3]]
c = [0, 1, 1, 0]
p = [1, 0, 0.5, 1]
"""
    assert not differences(text, lr=0.125, optimizer="SGD", steps=1)


# what is planted is found


@pytest.mark.parametrize(
    ("target", "replacement", "more"),
    [
        ("verify.hand.calculation.Calculation.accumulated", lambda _, __, new: new, {"accumulate": 2}),
        ("verify.hand.clipping.clipped", lambda _, __, gradients, ___: gradients, {"clip_grad_norm": 0.1}),
        ("derive.run.batches.Batch.t", property(lambda batch: batch.step + 1), {"optimizer": "Adam"}),
        ("derive.run.batches.Batch.update", property(lambda batch: batch.t + 1), {"lr": "1/t"}),
        ("verify.hand.calculation.applied", lambda _, __, ___, after: after, {}),
    ],
)
def test_a_planted_mistake_is_found(
    monkeypatch: pytest.MonkeyPatch, target: str, replacement: Callable[..., Any], more: dict[str, Any]
) -> None:
    drawn = Drawn(network(above='frozen = ["W[0,1]"]'), {**FIVE, **more})
    assert not compare(drawn).differences
    monkeypatch.setattr(target, replacement)
    assert _differs(drawn)


def _differs(drawn: Drawn) -> bool:
    found: Compared = compare(drawn)
    return bool(found.differences)


@pytest.mark.parametrize("name", sorted(optimizers.DEFAULTS))
def test_a_default_that_differs_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Of the options that matter without any other."""
    known = {**optimizers.DEFAULTS, name: {**optimizers.DEFAULTS[name], "weight_decay": "0.001"}}
    monkeypatch.setattr(optimizers, "DEFAULTS", known)
    assert _differs(Drawn(network(), {**FIVE, "optimizer": name}))
