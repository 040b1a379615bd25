"""Every optimizer against torch.optim: parameters and state within their bounds, and mistakes in a rule found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import SettingError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.training import optimizers
from derive.training.optimizers import DECOUPLED_IN_TORCH, ENTRIES, OPTIMIZERS, Equation, Optimizer
from tables import comparison, steps
from tables.json_report import to_json
from tables.text.remarks import remarks
from tables.text.report import to_text
from tests import problems
from tests.optimizer_options import chosen, options
from verify import Outcome, Result, verify
from verify.compare.verdict import explanations
from verify.hand import calculation
from verify.numbers import Exact

NETWORK = problems.NETWORK.replace("lr = 0.05", "lr = 0.01")
LINE = problems.LINE + "steps = 3\n"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_are_those_of_torch(name: str) -> None:
    defaults = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)], lr=0.1).defaults
    assert ("decoupled_weight_decay" in defaults) == (name in DECOUPLED_IN_TORCH)
    for key, value in Optimizer(name).options.items():
        if key == "decoupled_weight_decay" and name not in DECOUPLED_IN_TORCH:
            assert value is False  # the loop's
            continue
        found = tuple(map(float, value)) if isinstance(value, tuple) else value if value is False else float(value)
        assert found == defaults[key], key
    untouched = {"lr", "foreach", "fused", "differentiable", "capturable"}
    assert set(defaults) - untouched - set(Optimizer(name).options) <= (
        {"decoupled_weight_decay"} if name == "AdamW" else set()
    )
    assert all(not defaults[key] for key in untouched - {"lr"} if key in defaults)  # the single-tensor path


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_agree(name: str, dtype: str) -> None:
    result = verify(NETWORK, optimizer=name, dtype=dtype, steps=50, drift=2)
    assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=8)
@given(data=st.data())
def test_no_option_gives_a_false_alarm(name: str, dtype: str, data: st.DataObject) -> None:
    given_options = data.draw(options(name))
    lr = data.draw(st.sampled_from(("0.001", "0.01", "0.1", "1/3")))
    result = verify(NETWORK, optimizer=name, dtype=dtype, steps=8, drift=2, lr=lr, **given_options)
    assert result.verdict.outcome is not Outcome.DISAGREES, explanations(result.comparison, result.tally)
    if all(step.finite for step in result.record.steps) and dtype != "bfloat16":
        assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float16_with_an_eps_that_it_holds(name: str) -> None:
    eps = {"eps": "0.001"} if "eps" in ENTRIES[name].options else {}
    result = verify(NETWORK, optimizer=name, dtype="float16", steps=5, **eps)
    assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=10)
@given(data=st.data())
def test_the_run_is_that_of_a_plain_program(name: str, data: st.DataObject) -> None:
    given_options = data.draw(options(name))
    result = verify(LINE, optimizer=name, **given_options)
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
    x, y = torch.tensor([0.0, 1, 2, 3]), torch.tensor([1.0, 3, 2, 5])
    plain = {
        key: tuple(map(float, value))
        if isinstance(value, tuple)
        else value
        if isinstance(value, bool)
        else float(value)
        for key, value in chosen(name, given_options).given.items()
    }
    in_loop = name not in DECOUPLED_IN_TORCH and plain.pop("decoupled_weight_decay", False)
    decay = plain.pop("weight_decay", 0.0) if in_loop else 0.0
    optimizer = getattr(torch.optim, name)([w, b], lr=0.1, **plain)
    for step in range(3):
        rows = [0, 1] if step % 2 == 0 else [2, 3]
        optimizer.zero_grad()
        ((w * x[rows] + b - y[rows]) ** 2).mean().backward()
        with torch.no_grad():
            for parameter in (w, b) if decay else ():
                parameter.mul_(1 - 0.1 * decay)
        optimizer.step()
        after = result.record.steps[step].after
        assert (float(after["w"]), float(after["b"])) == (w.item(), b.item())
        for state in result.settings.rule.states:
            assert float(after[f"w.{state.name}"]) == float(optimizer.state[w][state.key])


def test_an_eps_that_float16_does_not_hold_is_said() -> None:
    found = remarks(effective(load(LINE), {"optimizer": "Adam", "dtype": "float16"}))
    assert found == ("eps 1e-08 is 0 in float16: where a gradient is 0, 0/0 has no value",)
    assert torch.tensor(1e-8, dtype=torch.float16) == 0
    assert remarks(effective(load(LINE), {"optimizer": "Adam", "dtype": "float16", "eps": "0.001"})) == ()
    assert remarks(effective(load(LINE), {"optimizer": "Adam", "dtype": "bfloat16"})) == ()


def test_momentum_by_hand() -> None:
    result = verify('equations = "l = w^2/2"\n[parameters]\nw = 1\n[training]\nlr = 0.1\nmomentum = 0.9\nsteps = 3\n')
    hand = [(row.checks["w"].hand_fraction, row.checks["w.v"].hand_fraction) for row in result.rows]
    v, w, expected = Fraction(0), Fraction(1), []
    for _ in range(3):
        v = Fraction(9, 10) * v + w
        w -= v / 10
        expected.append((w, v))
    assert hand == expected
    assert result.agrees


def test_adam_by_hand() -> None:
    result = verify(LINE.replace("lr = 0.1", 'lr = 0.1\noptimizer = "Adam"\nbetas = [0.8, 0.9]'))
    m = v = 0.0
    w = 0.5
    for t, row in enumerate(result.rows, start=1):
        g = row.checks["dl/dw"].hand_value
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        w -= 0.1 * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.9**t)) + 1e-8)
        hand = [row.checks[name].hand_value for name in ("w", "w.m", "w.v")]
        assert hand == pytest.approx([w, m, v], rel=1e-12)


def test_the_first_step_copies_the_gradient_whatever_the_dampening() -> None:
    result = verify(LINE, momentum=0.9, dampening=0.5)
    first, second = result.rows[0].checks, result.rows[1].checks
    assert first["w.v"].hand_fraction == first["dl/dw"].hand_fraction
    expected = Fraction(9, 10) * first["w.v"].hand_fraction + second["dl/dw"].hand_fraction / 2  # type: ignore[operator]
    assert second["w.v"].hand_fraction == expected


def test_float64_takes_its_own_1_minus_beta() -> None:
    """1 − 0.999 is 0.0010000000000000009 in float64, more than 8 units from one thousandth."""
    result = verify(LINE, optimizer="Adam", dtype="float64")
    assert result.agrees
    check = result.rows[0].checks["w.v"]
    assert check.bound < 4 * 2.0**-53 * check.autograd
    assert abs(check.difference) > 3 * 2.0**-53 * check.autograd


WRONG: Mapping[str, tuple[str, str, str, str]] = {
    # mistake: optimizer, the equation on paper, what somebody writes, the first quantity that is wrong
    "eps inside the root": (
        "Adam",
        "p = p - lr*m_hat/(sqrt(v_hat) + eps)",
        "p = p - lr*m_hat/sqrt(v_hat + 0.001)",
        "w",
    ),
    "no bias correction": ("Adam", "m_hat = m/(1 - beta1^t)", "m_hat = m", "w"),
    "t from 0": ("Adam", "v_hat = v/(1 - beta2^t)", "v_hat = v/(1 - beta2^(t + 1))", "w"),
    "betas swapped": ("Adam", "m = beta1*m + (1 - beta1)*g", "m = beta2*m + (1 - beta2)*g", "w.m"),
    "decay in the gradient": ("AdamW", "p = p - lr*weight_decay*p", "g = g + weight_decay*p", "w.m"),
    "not squared": ("RMSprop", "v = alpha*v + (1 - alpha)*g^2", "v = alpha*v + (1 - alpha)*g", "w.v"),
    "a sum in place of an average": ("RMSprop", "v = alpha*v + (1 - alpha)*g^2", "v = v + g^2", "w.v"),
    "no root": ("Adagrad", "p = p - lr*g/(sqrt(s) + eps)", "p = p - lr*g/(s + eps)", "w"),
    "the squares of the gradient": ("Adadelta", "u = rho*u + (1 - rho)*d^2", "u = rho*u + (1 - rho)*g^2", "w.u"),
    "no eps": ("Adamax", "u = max(beta2*u, abs(g) + eps)", "u = max(beta2*u, abs(g) + 0.01)", "w.u"),
    "mu of the step before": (
        "NAdam",
        "mu = beta1*(1 - 0.5*0.96^(t*momentum_decay))",
        "mu = beta1*(1 - 0.5*0.96^((t - 1)*momentum_decay))",
        "w.mu_product",
    ),
    "lr in the velocity": ("SGD", "v = momentum*v + g", "v = momentum*v + lr*g", "w.v"),
    "dampened": ("SGD", "v = momentum*v + g", "v = momentum*v + (1 - momentum)*g", "w.v"),
    "velocity added": ("SGD", "p = p - lr*v", "p = p + lr*v", "w"),
    "no step ahead": ("SGD nesterov", "p = p - lr*(g + momentum*v)", "p = p - lr*v", "w"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mistake", list(WRONG))
def test_a_mistake_in_a_rule_is_found(monkeypatch: pytest.MonkeyPatch, mistake: str, dtype: str) -> None:
    name, right, wrong, first = WRONG[mistake]
    name, nesterov = name.removesuffix(" nesterov"), name.endswith("nesterov")
    entry = ENTRIES[name]
    found = [e for e in entry.equations if e.text == right]
    assert found
    planted = tuple(Equation(wrong, e.when, e.torch) if e in found else e for e in entry.equations)
    monkeypatch.setitem(optimizers.ENTRIES, name, replace(entry, equations=planted))
    extra = {"momentum": 0.9, "nesterov": nesterov} if name == "SGD" else {}
    result = verify(LINE, optimizer=name, dtype=dtype, **extra)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert f"first {first} at step 1 " in result.verdict.sentence or f"first {first} at step 2 " in (
        result.verdict.sentence
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_changed_state_of_pytorch_is_found(monkeypatch: pytest.MonkeyPatch, name: str, dtype: str) -> None:
    """PyTorch's state is halved between two steps: what a step begins with is what the step before left."""
    from verify.pytorch import run as training

    original = training.TorchUpdate.step

    def planted(self: Any) -> None:
        original(self)
        self.count = getattr(self, "count", 0) + 1
        if self.count == 2:
            self.before = training.as_values(self.state())
            for state in self.optimizer.state.values():
                for key, value in state.items():
                    if key != "step":
                        value.mul_(0.5)

    states = training.TorchUpdate.state

    def recorded(self: Any) -> dict[str, torch.Tensor]:
        held = states(self)
        kept = self.__dict__.pop("before", None)  # the state as the step left it is recorded
        return {key: torch.from_numpy(value) for key, value in kept.items()} if kept is not None else held

    monkeypatch.setattr(training.TorchUpdate, "step", planted)
    monkeypatch.setattr(training.TorchUpdate, "state", recorded)
    extra = {"momentum": 0.9} if name == "SGD" else {}
    result = verify(LINE, optimizer=name, dtype=dtype, **extra)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "_before at step 3 " in result.verdict.sentence


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "other", "first"),
    [
        ("SGD", {"momentum": 0.9001}, "w.v"),
        ("SGD", {"momentum": 0.9, "weight_decay": 1e-4}, "w.v"),
        ("SGD", {"momentum": 0.9, "maximize": True}, "w.v"),
        ("SGD", {"momentum": 0.9, "dampening": 1e-4}, "w.v"),
        ("Adam", {"betas": (0.9, 0.99901)}, "w.v"),
        ("Adam", {"betas": (0.90001, 0.999)}, "w.m"),
        ("Adam", {"eps": 0.001}, "w"),
        ("AdamW", {"weight_decay": 0.011}, "w"),
        ("RMSprop", {"centered": True}, "w"),
        ("NAdam", {"momentum_decay": 0.005}, "w.mu_product"),
        ("Adagrad", {"lr_decay": 0.01}, "w"),
    ],
)
def test_an_option_that_pytorch_was_not_to_have_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, other: dict[str, Any], first: str, dtype: str
) -> None:
    original = getattr(torch.optim, name)
    monkeypatch.setattr(torch.optim, name, lambda params, **kwargs: original(params, **{**kwargs, **other}))
    extra = {"momentum": 0.9} if name == "SGD" else {}
    result = verify(LINE, optimizer=name, dtype=dtype, **extra)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert f"first {first} at step " in result.verdict.sentence


def test_a_wrong_beginning_of_the_state_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ENTRIES["Adagrad"]
    original = torch.optim.Adagrad

    def planted(*args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        return original(*args, **{**kwargs, "initial_accumulator_value": 0.5})

    monkeypatch.setattr(torch.optim, "Adagrad", planted)
    assert entry.states[0].start == "initial_accumulator_value"
    result = verify(LINE, optimizer="Adagrad")
    assert "first w.s_before at step 1 " in result.verdict.sentence


FROZEN = 'frozen = ["W[0,1]", "b"]\n' + NETWORK


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "extra"), [("SGD", {"momentum": 0.9, "weight_decay": 0.1}), ("AdamW", {}), ("Adam", {})]
)
def test_frozen_numbers_stay(name: str, extra: dict[str, float], dtype: str) -> None:
    result = verify(FROZEN, optimizer=name, dtype=dtype, steps=6, **extra)
    assert result.agrees, result.verdict.sentence
    last = result.rows[-1].checks
    assert (last["W[0,1]"].autograd, last["W[0,1]"].hand_fraction) == (-1.25, Fraction(-5, 4))
    assert last["W[0,0]"].autograd != pytest.approx(0.15, abs=1e-5)
    assert not any(name.startswith("b.") for name in last)
    assert last["W.v[0,1]"].autograd != 0  # the state goes on: only the number itself is kept


def test_a_parameter_that_the_loss_does_not_see_is_decayed_too() -> None:
    text = LINE.replace('"l = mean((w*x + b - y)^2)"', '"""\nq = 2*b\nl = mean((w*x - y)^2)\n"""')
    result = verify(text, weight_decay=0.1)
    assert result.agrees
    assert result.rows[0].checks["b"].hand_fraction == -1 + Fraction(1, 100)


def result_of(name: str, **more: object) -> Result:
    return verify(LINE, optimizer=name, **more)


def test_the_state_is_in_the_tables() -> None:
    found = result_of("Adam")
    frame = comparison(found)
    assert set(frame["quantity"]) >= {"w.m", "b.m", "w.v", "b.v", "w.m_before"}
    assert frame[frame["quantity"] == "w.m"]["bound"].notna().all()
    assert list(steps(found).columns)[-6:] == ["w", "b", "w.m", "w.v", "b.m", "b.v"]
    text = to_text(found)
    assert "Adam (flag), lr 0.1, betas (0.9, 0.999), eps 1e-08, batch_size 2 of 4, steps 3" in text
    assert "      w.m" in text
    document = to_json(found)
    assert '"betas": "(0.9, 0.999)"' in document


def test_a_state_that_does_not_fit_is_left_to_the_file() -> None:
    result = verify(NETWORK, optimizer="Adam")
    assert "W.m[0,0]" not in to_text(result)
    assert "the state of Adam is compared too; --csv FILE lists it" in to_text(result)
    assert "W.m" in set(comparison(result)["quantity"])
    assert "the state of" not in to_text(verify(NETWORK))


def test_every_step_is_a_row_of_the_same_quantities() -> None:
    result = result_of("NAdam")
    assert [list(row.checks) for row in result.rows] == [list(result.rows[0].checks)] * 3
    assert list(result.rows[0].checks)[:5] == ["l", "dl/dw", "dl/db", "w", "b"]


def test_the_options_of_a_run() -> None:
    problem = load(LINE + "momentum = 0.5\nweight_decay = 0.1\n")
    assert str(effective(problem, {})).startswith("SGD, lr 0.1, momentum 0.5, weight_decay 0.1, batch_size")
    flagged = effective(problem, {"momentum": 0.9, "nesterov": True})
    assert str(flagged).startswith("SGD, lr 0.1, momentum 0.9 (flag), weight_decay 0.1, nesterov (flag), batch")
    other = effective(problem, {"optimizer": "Adam", "betas": (0.9, 0.99)})
    assert other.options == {"weight_decay": Fraction(1, 10), "betas": (Fraction(9, 10), Fraction(99, 100))}
    assert remarks(other) == ("momentum of the problem file: left out, no option of Adam",)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"eps": 0.1}, "^eps is no option of SGD but of Adagrad, RMSprop, Adam, "),
        (
            {"optimizer": "Adam", "momentum": 0.9},
            "^momentum is no option of Adam but of SGD, RMSprop; the options of Adam",
        ),
        ({"momentum": -1}, "^momentum = -1 is below 0; expected a number from 0$"),
        ({"nesterov": True}, "^nesterov needs a momentum above 0 and no dampening, as in torch.optim.SGD$"),
        ({"optimizer": "Adam", "betas": 0.9}, "^betas = '0.9' is not a pair of numbers"),
    ],
)
def test_refuses_an_option_that_is_not_possible(flags: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        effective(load(LINE), flags)


def test_an_option_needs_an_lr_like_all_training() -> None:
    with pytest.raises(SettingError, match=r"^lr is missing"):
        effective(load(LINE[: LINE.index("[training]")]), {"momentum": 0.9})


def test_a_step_that_torch_refuses() -> None:
    with pytest.raises(SettingError, match=r"^torch\.optim\.Adam cannot make the step: value cannot be converted"):
        verify(LINE, optimizer="Adam", lr="3e38")
    with pytest.raises(SettingError, match=r"^torch\.optim\.SGD cannot make the step: value cannot be converted"):
        verify(LINE, weight_decay="1e39")


def test_the_gradient_of_an_arrays_entry_stays_with_it() -> None:
    result = verify(NETWORK, momentum=0.9, steps=2)
    after = {row.checks["W.v[1,0]"].hand_value for row in result.rows}
    assert len(after) == 2
    held = calculation.beginnings(result.problem, result.settings, Exact())
    assert held["W.v"].shape == (2, 2)
    assert np.all([value == 0 for value in held["W.v"].flat])


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam"])
@pytest.mark.parametrize("sums", ["accumulate = 2", "zero_grad = 2", "zero_grad = false"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_an_update_is_the_accumulated_one(name: str, sums: str, dtype: str) -> None:
    """Updates are counted, not batches; between them the parameters and the state stand still, also in torch.optim."""
    momentum = "momentum = 0.9\ndampening = 0.5\n" if name == "SGD" else ""
    result = verify(f"""
equations = "l = mean((sum(w[j]*x[i,j]) + b - y[i])^2)"
frozen = ["w[1]"]
[parameters]
w = [0.5, -0.25]
b = 0.125
[data]
x = [[1, 2], [3, -1], [0.5, 4], [2, 2], [-1, 1]]
y = [1, 2, 3, 4, 5]
[training]
optimizer = "{name}"
{momentum}lr = 0.01
batch_size = 2
epochs = 3
dtype = "{dtype}"
{sums}
until = "b > 99.5"
[watch]
size = "abs(b)"
""")
    assert result.agrees, str(result)
    for step, before in zip(result.record.steps[1:], result.record.steps, strict=False):
        moved = any(np.any(step.after[key] != step.before[key]) for key in ("w", "b"))
        assert moved == step.batch.updates
        assert set(before.after) == set(step.before)
    assert all(float(step.after["w"][1]) == -0.25 for step in result.record.steps)
