"""lr by list, expression and scheduler: PyTorch's own within its bound, exact by hand, and mistakes found."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ProblemError, SettingError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.training import schedulers
from derive.training.optimizers import Equation
from derive.training.schedulers import ENTRIES, SCHEDULERS, Scheduler
from tables import comparison, steps
from tables.json_report import to_json
from tables.text.remarks import remarks
from tables.text.report import to_text
from tests.planting import first_wrong
from tests.scheduler_options import options, read
from verify import Outcome, Result, audit, verify
from verify.compare.verdict import explanations
from verify.numbers import to_float
from verify.pytorch import rates as torch_rates

LINE = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0.5
b = -1
[constants]
lambda = 4
rates = [0.1, 0.2]
[data]
x = [0, 1, 2, 3]
y = [1, 3, 2, 5]
[training]
batch_size = 2
"""
WALK = 'equations = "l = w^2/2"\n[parameters]\nw = 1\n[training]\n'
REQUIRED = {
    "StepLR": {"step_size": 2, "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.5},
    "CosineAnnealingLR": {"T_max": 4},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 60},
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_defaults_are_those_of_torch(name: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    needed = {k: v for k, v in REQUIRED[name].items() if k in ENTRIES[name].required}
    scheduler: Any = Scheduler(name, {k: Fraction(str(v)) if isinstance(v, float) else v for k, v in needed.items()})
    whole = {k: float(v) if isinstance(v, Fraction) else v for k, v in scheduler.options.items()}
    build = getattr(torch.optim.lr_scheduler, name)
    [first], [second] = ([g.copy() for g in build(optimizer, **o).optimizer.param_groups] for o in (needed, whole))
    assert {key: first[key] for key in first if key != "params"} == {
        key: second[key] for key in second if key != "params"
    }
    left = {"optimizer", "last_epoch", "epochs", "steps_per_epoch", "self"}
    assert set(build.__init__.__code__.co_varnames[: build.__init__.__code__.co_argcount]) - left == set(
        ENTRIES[name].known
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("every", ["epoch", "batch"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_fifty_steps_agree(name: str, every: str, dtype: str) -> None:
    result = verify(LINE, lr=0.1, scheduler=name, scheduler_every=every, dtype=dtype, steps=50, **REQUIRED[name])
    assert result.agrees, result.verdict.sentence
    assert len({float(step.rates["lr"]) for step in result.record.steps}) > 3


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=5)
@given(data=st.data())
def test_no_option_gives_a_false_alarm(name: str, dtype: str, data: st.DataObject) -> None:
    chosen = data.draw(options(name))
    optimizer = data.draw(st.sampled_from(("SGD", "Adam", "RMSprop", "NAdam")))
    lr = data.draw(st.sampled_from(("0.001", "0.01", "1/3")))
    every = data.draw(st.sampled_from(("epoch", "batch")))
    accumulate = data.draw(st.sampled_from((1, 1, 2, 3)))
    eps = {"eps": "0.001"} if optimizer != "SGD" and dtype == "float16" else {}
    result = verify(
        LINE.replace("x = [0, 1, 2, 3]", "x = [0, 0.1, 0.2, 0.3]"),
        lr=lr, scheduler=name, scheduler_every=every, dtype=dtype, steps=20, drift=2,
        optimizer=optimizer, accumulate=accumulate, **eps, **chosen,
    )  # fmt: skip
    assert result.verdict.outcome is not Outcome.DISAGREES, explanations(result.comparison, result.tally)
    if dtype in ("float32", "float64") and all(step.finite for step in result.record.steps):
        assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=6)
@given(data=st.data())
def test_the_run_is_that_of_a_plain_program(name: str, dtype: str, data: st.DataObject) -> None:
    chosen = read(name, data.draw(options(name)))
    cycled = bool(chosen.cycled("SGD"))
    plain = {key: float(v) if isinstance(v, Fraction) else v for key, v in chosen.given.items()}
    result = verify(LINE, lr=0.1, scheduler=name, dtype=dtype, epochs=5, momentum=0.5, **chosen.given)
    kind = getattr(torch, dtype)
    w, b = torch.tensor(0.5, requires_grad=True, dtype=kind), torch.tensor(-1.0, requires_grad=True, dtype=kind)
    x, y = torch.tensor([0.0, 1, 2, 3], dtype=kind), torch.tensor([1.0, 3, 2, 5], dtype=kind)
    optimizer = torch.optim.SGD([w, b], lr=0.1, momentum=0.5)
    scheduler: Any = getattr(torch.optim.lr_scheduler, name)(optimizer, **plain)
    step = 0
    for _ in range(5):
        for rows in ([0, 1], [2, 3]):
            record = result.record.steps[step]
            [group] = optimizer.param_groups
            assert float(record.rates["lr"]) == group["lr"]
            assert not cycled or float(record.rates["momentum"]) == group["momentum"]
            optimizer.zero_grad()
            ((w * x[rows] + b - y[rows]) ** 2).mean().backward()
            optimizer.step()
            assert (float(record.after["w"]), float(record.after["b"])) == (w.item(), b.item())
            step += 1
            if chosen.entry.every == "batch":
                scheduler.step()
        if chosen.entry.every == "epoch":
            scheduler.step()


def hand_lr(result: Result, name: str = "optimizer.lr") -> list[Fraction | None]:
    return [row.checks[name].hand_fraction for row in result.rows]


def test_a_list_has_one_for_each_epoch() -> None:
    result = verify(LINE, lr=["0.1", "1/30", 0.5], epochs=3)
    assert result.agrees
    assert hand_lr(result) == [Fraction(1, 10)] * 2 + [Fraction(1, 30)] * 2 + [Fraction(1, 2)] * 2
    assert [float(step.rates["lr"]) for step in result.record.steps] == [0.1, 0.1, 1 / 30, 1 / 30, 0.5, 0.5]
    assert str(result.settings).startswith("SGD, lr [0.1, 1/30, 0.5] by epoch (flag), batch_size 2 of 4, epochs 3")


def test_an_expression_by_hand() -> None:
    result = verify(LINE, lr="1/(lambda*t) + (epoch - 1)/100", epochs=3)
    assert result.agrees
    assert hand_lr(result) == [Fraction(1, 4 * t) + Fraction((t - 1) // 2, 100) for t in range(1, 7)]
    w, b = Fraction(1, 2), Fraction(-1)
    for row, lr in zip(result.rows, hand_lr(result), strict=True):
        rows = [(0, 1), (1, 3)] if row.batch.batch == 1 else [(2, 2), (3, 5)]
        errors = [(x, w * x + b - y) for x, y in rows]
        assert lr is not None
        w, b = w - lr * sum(e * x for x, e in errors), b - lr * sum(e for _, e in errors)
        assert (row.checks["w"].hand_fraction, row.checks["b"].hand_fraction) == (w, b)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(
    "text",
    ["0.1*0.9^t", "0.1/sqrt(t)", "0.1*exp(-t/10)", "min(0.1, t/40)", "0.1*(1 + cos(pi*epoch/10))/2",
     "π/(10*epoch^2)", "where(t > 3, 0.01, 0.1)", "1/(lambda + t^3)", "0.05", "2^(-t)",
     "max(0.01, relu(0.1 - t/100))", "0.1*sigmoid(-t)"],
)  # fmt: skip
def test_expressions_agree(text: str, dtype: str) -> None:
    result = verify(LINE, lr=text, epochs=5, dtype=dtype)
    assert result.agrees, result.verdict.sentence


def test_step_lr_by_hand() -> None:
    result = verify(WALK + 'lr = 0.5\nsteps = 5\nscheduler = "StepLR"\nstep_size = 2\ngamma = 0.1\n')
    assert hand_lr(result) == [Fraction(n) for n in ("1/2", "1/2", "1/20", "1/20", "1/200")]
    w, expected = Fraction(1), []
    for lr in ("1/2", "1/2", "1/20", "1/20", "1/200"):
        w -= Fraction(lr) * w
        expected.append(w)
    assert [row.checks["w"].hand_fraction for row in result.rows] == expected
    assert result.agrees


def test_exponential_lr_by_hand() -> None:
    result = verify(WALK + 'lr = 0.5\nsteps = 4\nscheduler = "ExponentialLR"\ngamma = "1/3"\n')
    assert hand_lr(result) == [Fraction(1, 2 * 3**k) for k in range(4)]
    assert result.agrees


def test_cosine_annealing_by_hand() -> None:
    text = WALK + 'lr = 0.5\nsteps = 9\nscheduler = "CosineAnnealingLR"\nT_max = 4\neta_min = 0.1\n'
    result = verify(text)
    expected = [0.1 + 0.4 * (1 + math.cos(math.pi * k / 4)) / 2 for k in range(9)]
    assert [row.checks["optimizer.lr"].hand_value for row in result.rows] == pytest.approx(expected, rel=1e-15)
    assert result.agrees


def test_the_lowest_lr_of_a_cosine_is_0_and_the_hand_calculation_goes_on() -> None:
    result = verify(WALK + 'lr = 0.5\nsteps = 6\nscheduler = "CosineAnnealingLR"\nT_max = 2\n')
    assert not result.hand.ended
    assert result.rows[2].checks["optimizer.lr"].hand_value == 0
    assert result.agrees


def test_one_cycle_by_hand() -> None:
    text = WALK + 'steps = 10\nscheduler = "OneCycleLR"\nmax_lr = 0.5\ntotal_steps = 10\nanneal_strategy = "linear"\n'
    result = verify(text)
    first, top = Fraction(1, 50), Fraction(1, 2)
    least = first / 10**4
    rise = [first + (top - first) * Fraction(k, 2) for k in range(3)]
    fall = [top + (least - top) * Fraction(k, 7) for k in range(1, 8)]
    assert hand_lr(result) == [*rise, *fall]
    high, low = Fraction(95, 100), Fraction(85, 100)
    momentum = [high + (low - high) * Fraction(k, 2) for k in range(3)]
    momentum += [low + (high - low) * Fraction(k, 7) for k in range(1, 8)]
    assert hand_lr(result, "optimizer.momentum") == momentum
    w, v = Fraction(1), Fraction(0)
    for row, lr, beta in zip(result.rows, [*rise, *fall], momentum, strict=True):
        v = beta * v + w
        w -= lr * v
        assert (row.checks["w"].hand_fraction, row.checks["w.v"].hand_fraction) == (w, v)
    assert result.agrees


def test_one_cycle_moves_beta1_of_adam() -> None:
    result = verify(LINE, optimizer="Adam", scheduler="OneCycleLR", max_lr=0.1, total_steps=8, epochs=4)
    assert result.agrees
    assert [name for name in result.rows[0].checks if name.startswith("optimizer.")] == [
        "optimizer.lr",
        "optimizer.beta1",
    ]
    assert float(result.record.steps[0].rates["beta1"]) == 0.95


def test_one_cycle_needs_no_lr_and_says_so() -> None:
    given_lr = effective(load(LINE), {"lr": 1, "scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 2})
    assert "OneCycleLR sets lr from max_lr: the lr that is given is not used" in remarks(given_lr)
    without = effective(load(LINE), {"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 2})
    assert without.lr == Fraction(1, 250)
    assert remarks(without) == ()
    assert str(without).startswith("SGD, OneCycleLR each batch, max_lr 0.1, total_steps 2 (flag), batch_size")


def test_a_scheduler_steps_once_an_epoch_or_after_an_update() -> None:
    more = {"lr": 0.5, "scheduler": "ExponentialLR", "gamma": 0.5, "epochs": 2}
    assert hand_lr(verify(LINE, **more)) == [Fraction(1, 2)] * 2 + [Fraction(1, 4)] * 2
    assert hand_lr(verify(LINE, scheduler_every="batch", **more)) == [Fraction(1, 2**k) for k in range(1, 5)]
    accumulated = verify(LINE, scheduler_every="batch", accumulate=2, **more)
    assert accumulated.agrees
    # an lr counts where there is an update
    assert [float(s.rates["lr"]) for s in accumulated.record.steps if s.batch.updates] == [0.5, 0.25]


def test_t_counts_updates_where_gradients_add_up() -> None:
    result = verify(LINE, lr="1/(lambda*t)", accumulate=2, epochs=3)
    assert result.agrees
    assert hand_lr(result) == [Fraction(1, 4)] * 2 + [Fraction(1, 8)] * 2 + [Fraction(1, 12)] * 2


def test_an_epoch_of_one_step_in_which_gradients_only_add_up() -> None:
    result = verify(WALK + 'lr = 0.1\nsteps = 7\naccumulate = 3\nscheduler = "ExponentialLR"\ngamma = 0.5\n')
    assert result.agrees, result.verdict.sentence
    assert [float(step.rates["lr"]) for step in result.record.steps] == [0.1 * 0.5**k for k in range(7)]


# --- mistakes


def plant(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Any], Any]) -> None:
    monkeypatch.setattr(torch_rates.Rates, name, change(getattr(torch_rates.Rates, name)))


DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_scheduler_that_steps_after_each_batch(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant(monkeypatch, "ended", lambda _: lambda *_: True)
    result = verify(LINE, lr=0.5, scheduler="ExponentialLR", gamma=0.5, epochs=3, dtype=dtype)
    told = "optimizer.lr at step 2 (epoch 1, batch 2): PyTorch has 0.25, by hand it is 0.5 at the same state; "
    assert first_wrong(result).startswith(told + "they differ by -0.25, |step error| 0.25 > bound 0")
    assert first_wrong(result).endswith("the ratio is ½")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_scheduler_that_steps_before_the_first_epoch(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    def planted(original: Any) -> Any:
        def begin(self: Any, batch: Any) -> None:
            if batch.step == 1:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self.step()
            original(self, batch)

        return begin

    plant(monkeypatch, "begin", planted)
    result = verify(LINE, lr=0.5, scheduler="ExponentialLR", gamma=0.1, epochs=3, dtype=dtype)
    assert first_wrong(result).startswith(
        "optimizer.lr at step 1 (epoch 1, batch 1): PyTorch has 0.05, by hand it is 0.5 at the same state"
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_scheduler_that_never_steps(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant(monkeypatch, "ended", lambda _: lambda *_: False)
    for name, more in REQUIRED.items():
        if name != "StepLR":
            result = verify(LINE, lr=0.5, scheduler=name, epochs=3, dtype=dtype, **more)
            assert first_wrong(result).startswith(f"optimizer.lr at step {2 if name == 'OneCycleLR' else 3} (epoch ")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "other", "first"),
    [
        ("StepLR", {"gamma": 0.5000001}, "optimizer.lr at step 5 "),
        ("StepLR", {"step_size": 3}, "optimizer.lr at step 5 "),
        ("ExponentialLR", {"gamma": 0.5 * (1 + 1e-14)}, "optimizer.lr at step 3 "),
        ("CosineAnnealingLR", {"T_max": 5}, "optimizer.lr at step 3 "),
        ("CosineAnnealingLR", {"eta_min": 1e-12}, "optimizer.lr at step 3 "),
        ("OneCycleLR", {"max_lr": 0.1000001}, "optimizer.lr at step 1 "),
        ("OneCycleLR", {"pct_start": 0.31}, "optimizer.lr at step 2 "),
        ("OneCycleLR", {"base_momentum": 0.8}, "optimizer.momentum at step 2 "),
        ("OneCycleLR", {"anneal_strategy": "linear"}, "optimizer.lr at step 2 "),
        ("OneCycleLR", {"three_phase": True}, "optimizer.lr at step 19 "),
    ],
)
def test_an_option_that_pytorch_was_not_to_have_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, other: dict[str, Any], first: str, dtype: str
) -> None:
    original = getattr(torch.optim.lr_scheduler, name)
    monkeypatch.setattr(torch.optim.lr_scheduler, name, lambda o, **k: original(o, **{**k, **other}))
    result = verify(LINE, lr=0.5, scheduler=name, epochs=12, dtype=dtype, **REQUIRED[name])
    assert first_wrong(result).startswith(first)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "right", "wrong", "step"),
    [
        ("StepLR", "lr = lr*gamma", "lr = lr*gamma^2", 5),
        ("ExponentialLR", "lr = lr*gamma", "lr = lr - gamma", 3),
        ("OneCycleLR", "end_1 = pct_start*total_steps - 1", "end_1 = pct_start*total_steps", 2),
        ("OneCycleLR", "min_lr = first_lr/final_div_factor", "min_lr = max_lr/final_div_factor", 19),
    ],
)
def test_a_mistake_in_an_equation_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, right: str, wrong: str, step: int, dtype: str
) -> None:
    entry = ENTRIES[name]

    def planted(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
        return tuple(replace(e, text=wrong) if e.text == right else e for e in equations)

    changed = replace(entry, paper=planted(entry.paper), torch=planted(entry.torch))
    assert changed != entry
    monkeypatch.setitem(schedulers.ENTRIES, name, changed)
    result = verify(LINE, lr=0.5, scheduler=name, epochs=12, dtype=dtype, **REQUIRED[name])
    assert first_wrong(result).startswith(f"optimizer.lr at step {step} ")


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_lr_that_is_changed_behind_the_schedulers_back(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    """PyTorch goes on from the lr it holds: each step is judged from there, and only the change is found."""

    def planted(original: Any) -> Any:
        def begin(self: Any, batch: Any) -> None:
            original(self, batch)
            if batch.step == 4:
                self.groups[0]["lr"] *= 1.0009

        return begin

    plant(monkeypatch, "begin", planted)
    result = verify(LINE, lr=0.5, scheduler="ExponentialLR", gamma=0.5, epochs=5, dtype=dtype)
    assert first_wrong(result).startswith("optimizer.lr at step 4 (epoch 2, batch 2)")
    assert first_wrong(result).endswith("the ratio is 1.0009")
    assert [c.name for c in result.comparison.checks if c.agrees is False] == ["optimizer.lr"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lr", ["1/(lambda*t)", "[0.1, 0.2, 0.3]"])
def test_an_lr_of_the_step_before(monkeypatch: pytest.MonkeyPatch, lr: str, dtype: str) -> None:
    original = torch_rates.rate_at

    def planted(rate: Any, batch: Any, place: Any) -> float:
        return original(rate, replace(batch, step=max(1, batch.step - 1), epoch=max(1, batch.epoch - 1)), place)

    monkeypatch.setattr(torch_rates, "rate_at", planted)
    result = verify(LINE, lr=lr, epochs=3, dtype=dtype)
    assert first_wrong(result).startswith(f"optimizer.lr at step {2 if 't' in lr else 3} ")


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_update_with_another_lr_than_the_optimizer_holds(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = torch_rates.Rates.held
    monkeypatch.setattr(
        torch_rates.Rates, "held", lambda self: {k: v * 1.0 for k, v in original(self).items() if self.lie()}
    )

    def lie(self: Any) -> bool:
        self.groups[0]["lr"] *= 2
        return True

    monkeypatch.setattr(torch_rates.Rates, "lie", lie, raising=False)
    result = verify(LINE, lr="1/(lambda*t)", epochs=1, dtype=dtype)
    assert first_wrong(result).startswith("w at step 1 (epoch 1, batch 1)")


# --- what is shown


def test_the_lr_of_each_step_is_in_the_tables() -> None:
    result = verify(LINE, lr=0.5, scheduler="ExponentialLR", gamma=0.5, epochs=2)
    frame = steps(result)
    assert list(frame.columns) == ["step", "epoch", "batch", "n", "loss", "dl/dw", "dl/db", "lr", "w", "b"]
    assert frame["lr"].to_list() == [0.5, 0.5, 0.25, 0.25]
    tidy = comparison(result)
    assert tidy[tidy["quantity"] == "optimizer.lr"]["autograd"].to_list() == [0.5, 0.5, 0.25, 0.25]
    text = to_text(result)
    assert "lr 0.5 (flag), ExponentialLR each epoch, gamma 0.5 (flag), batch_size 2 of 4" in " ".join(text.split())
    assert "loss     dl/dw     dl/db   lr" in text
    assert '"scheduler": "ExponentialLR each epoch, gamma 0.5"' in to_json(result)
    assert '"lr": "1/2"' in to_json(result)


def test_a_cycled_momentum_has_a_column() -> None:
    frame = steps(verify(LINE, scheduler="OneCycleLR", max_lr=0.1, total_steps=4, epochs=2))
    assert list(frame.columns)[7:] == ["lr", "momentum", "w", "b", "w.v", "b.v"]


def test_an_lr_of_the_list_that_no_epoch_takes_is_said() -> None:
    found = effective(load(LINE), {"lr": "0.1,0.2,0.3", "epochs": 2})
    assert remarks(found) == ("lr has 3 entries, and the run 2 epochs: the last ones are not used",)


def test_the_options_of_another_scheduler_are_left_out() -> None:
    problem = load(LINE + 'lr = 0.1\nscheduler = "StepLR"\nstep_size = 3\ngamma = 0.5\n')
    found = effective(problem, {"scheduler": "ExponentialLR"})
    assert found.scheduler == Scheduler("ExponentialLR", {"gamma": Fraction(1, 2)})
    assert remarks(found) == ("step_size of the problem file: left out, no option of SGD or ExponentialLR",)
    assert str(effective(problem, {"step_size": 4})).startswith(
        "SGD, lr 0.1, StepLR each epoch, step_size 4, gamma 0.5 (flag), batch"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"lr": [0.1], "epochs": 2},
         r"^lr has 1 entry, one for each epoch, and the run has 2 epochs; expected 2 entries$"),
        ({"lr": "0.1,0.2", "steps": 5}, r"^lr has 2 entries, one for each epoch, and the run has 3 epochs"),
        ({"lr": 0.1, "groups": [{"parameters": "b", "lr": [0.1]}], "epochs": 3}, "^lr of group 1 has 1 entry, one for"),
        ({"lr": "rate*t"},
         r"^--lr:1: lr has the unknown name 'rate'; expected .*; did you mean 'rates'\?\n    rate\*t\n    \^$"),
        ({"lr": "0.1*rates"}, r"^--lr:5: rates is more than one number, and lr is one; expected constants that are"),
        ({"lr": "t[i]"}, r"^--lr:1: t has an index, and lr is one number; expected t, epoch and constants"),
        ({"lr": "sum(t)"}, r"^--lr:1: sum is of arrays, and lr is one number; expected operations on numbers"),
        ({"lr": "1/(t"}, r"^--lr:3: a parenthesis is opened and never closed"),
        ({"lr": "__import__('os')"}, r"^--lr:12: quotes are not part of the notation"),
        ({"lr": "1 - t"}, None),
        ({"lr": "1/(t - 1)"}, None),
        ({"lr": "sqrt(1 - t^2 - 1)"}, None),
        ({"lr": 0.1, "scheduler": "StepLr"}, r"^scheduler = 'StepLr' is not known; expected one of: StepLR, Exponent"),
        ({"lr": 0.1, "scheduler_every": "batch"}, r'^scheduler_every needs a scheduler, such as scheduler = "StepLR"$'),
        ({"lr": 0.1, "scheduler": "StepLR", "step_size": 1, "scheduler_every": "step"},
         r"^scheduler_every = 'step' is not known; expected one of: epoch, batch$"),
        ({"lr": 0.1, "scheduler": "StepLR"}, r"^StepLR needs step_size, as in torch\.optim\.lr_scheduler; give it"),
        ({"lr": 0.1, "scheduler": "OneCycleLR", "max_lr": 1}, r"^OneCycleLR needs total_steps, as in"),
        ({"lr": 0.1, "gamma": 0.5}, r'^gamma needs a scheduler, such as scheduler = "StepLR"$'),
        ({"lr": 0.1, "scheduler": "ExponentialLR", "gamma": 0.5, "step_size": 2},
         r"^step_size is no option of ExponentialLR but of StepLR; the options of ExponentialLR are gamma$"),
        ({"lr": "1/t", "scheduler": "ExponentialLR", "gamma": 0.5},
         r"^the lr is an expression, and a scheduler changes it as well; expected a number, or no scheduler$"),
        ({"lr": [0.1, 0.2], "scheduler": "ExponentialLR", "gamma": 0.5}, r"^the lr is a list, and a scheduler"),
        ({"lr": 0.1, "groups": [{"parameters": ["b"], "lr": "1/t"}], "scheduler": "ExponentialLR", "gamma": 0.5},
         r"^the lr of a group is an expression, and a scheduler changes it"),
        ({"groups": [{"parameters": ["b"], "lr": 1}], "scheduler": "OneCycleLR", "max_lr": 1, "total_steps": 9},
         r"^OneCycleLR sets lr from max_lr in every group; leave out the lr of the group$"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 5, "epochs": 3},
         r"^OneCycleLR ends after total_steps = 5, and the run has 6 updates; expected total_steps = 6$"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 2, "epochs": 3, "scheduler_every": "epoch"},
         r"^OneCycleLR ends after total_steps = 2, and the run has 3 epochs; expected total_steps = 3$"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 10, "pct_start": 0.1},
         r"^pct_start = 0\.1 of total_steps = 10 is one step, and OneCycleLR divides by the steps after it; expected"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 9, "pct_start": "5/9", "three_phase": True},
         r"^pct_start = 5/9 leaves no step for the third phase, by whose length OneCycleLR divides; expected another"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 10, "pct_start": 1},
         r"^pct_start = 1 is not below 1; expected a number from 0 and below 1"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 10, "optimizer": "Adagrad"},
         r"^OneCycleLR cycles the momentum, and Adagrad has none; expected cycle_momentum = false, or an optimizer"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 10, "base_momentum": 0},
         r"^base_momentum = 0 is not above 0; expected a number above 0 and below 1"),
        ({"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 10, "anneal_strategy": "exp"},
         r"^anneal_strategy = 'exp' is not known; expected one of: cos, linear$"),
        ({"scheduler": "CosineAnnealingLR", "lr": 1, "T_max": 0}, r"^T_max = 0 is below 1; expected a whole number"),
        ({"scheduler": "ExponentialLR", "lr": 1, "gamma": 0}, r"^gamma = 0 is not above 0; expected a number above 0"),
    ],
)  # fmt: skip
def test_refuses_what_is_not_possible(flags: dict[str, Any], message: str | None) -> None:
    if message is None:
        with pytest.raises(SettingError, match=r"is (-1|inf|nan) at step . \(epoch 1, batch .\); expected a number fr"):
            verify(LINE, **flags)
        return
    with pytest.raises(ProblemError, match=message):
        effective(load(LINE), flags)


def test_adagrad_without_the_cycled_momentum() -> None:
    more = {"optimizer": "Adagrad", "cycle_momentum": False, "max_lr": 0.1, "total_steps": 8}
    assert verify(LINE, scheduler="OneCycleLR", epochs=4, **more).agrees


def test_an_lr_that_the_dtype_does_not_hold() -> None:
    with pytest.raises(SettingError, match=r"^lr = 1e\+06 does not fit float16; expected a smaller one$"):
        verify(LINE, lr=[0.1, 1000000], epochs=2, dtype="float16")


def test_a_constant_lr_is_not_compared_as_a_number_of_its_own() -> None:
    result = verify(LINE, lr=0.1)
    assert all(not step.rates for step in result.record.steps)
    assert "optimizer.lr" not in set(comparison(result)["quantity"])


TIE = 'equations = "l = (w - 1)^2"\n[parameters]\nw = 0\n[training]\nlr = 0.1\nscheduler = "CosineAnnealingLR"\n'


@pytest.mark.parametrize(("claimed", "status"), [("0.0258", "right"), ("0.0257", "right"), ("0.0259", "wrong")])
def test_both_roundings_of_a_tie_of_a_cosine_are_right(claimed: str, status: str) -> None:
    """Lr is 0.001 + 0.099·(1 + cos(2π/3))/2, which is exactly 0.02575."""
    found = audit(f"{TIE}T_max = 3\neta_min = 0.001\nsteps = 3\n", sentences=[f"step 3: lr = {claimed}"])
    assert [finding.status.value for finding in found.findings] == [status]


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_the_lr_of_a_cosine_is_that_of_pytorch(span: int, step: int, low: int) -> None:
    """Also where the cosine is put in as the fraction that it is."""
    text = f"{TIE}T_max = {span}\neta_min = {low / 100}\nsteps = {step}\nscheduler_every = 'batch'\n"
    result = verify(text)
    assert result.agrees, result.verdict.sentence
    assert to_float(result.hand.steps[-1].rates["lr"].item()) == pytest.approx(
        0.01 * low + (0.1 - 0.01 * low) * (1 + math.cos(math.pi * (step - 1) / span)) / 2, abs=1e-15
    )
