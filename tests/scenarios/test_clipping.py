"""Clipped gradients: what torch.nn.utils makes of them, within the bound, exact by hand, and mistakes found."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ProblemError
from derive.problem.loading import load
from derive.run.precedence import effective
from tables import comparison, steps
from tables.json_report import to_json
from tables.text.report import to_text
from tests.planting import first_wrong
from tests.problems import LINE, NETWORK
from verify import Outcome, Result, verify
from verify.compare.verdict import explanations
from verify.pytorch import run as training

# its gradient is (3, 4), whose norm is 5
PAIR = 'equations = "l = 3*w + 4*b"\n[parameters]\nw = 1\nb = 2\n[training]\nlr = 0.5\nsteps = 2\n'
DTYPES = ("float32", "float64")


def fraction(result: Result, name: str, step: int = 1) -> Fraction | None:
    return result.rows[step - 1].checks[name].hand_fraction


def test_by_norm_by_hand() -> None:
    result = verify(PAIR, clip_grad_norm=2)
    share = Fraction(2) / (5 + Fraction(1, 10**6))
    assert (fraction(result, "dl/dw"), fraction(result, "dl/db")) == (3, 4)
    assert (fraction(result, "dl/dw_clipped"), fraction(result, "dl/db_clipped")) == (3 * share, 4 * share)
    assert (fraction(result, "w"), fraction(result, "b")) == (1 - 3 * share / 2, 2 - 2 * share)
    assert result.agrees


@pytest.mark.parametrize("norm", ["5.000001", "6"])
def test_a_norm_that_is_small_enough_changes_nothing(norm: str) -> None:
    result = verify(PAIR, clip_grad_norm=norm)
    assert (fraction(result, "dl/dw_clipped"), fraction(result, "w")) == (3, Fraction(-1, 2))
    assert result.agrees


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("norm", ["5", "4.999999", "5.000001", "5.0000005"])
def test_at_the_kink_there_is_no_false_alarm(norm: str, dtype: str) -> None:
    assert verify(PAIR, clip_grad_norm=norm, dtype=dtype).agrees


def test_by_value_by_hand() -> None:
    result = verify(LINE, clip_grad_value=4, epochs=2)
    w, b = Fraction(1, 2), Fraction(-1)
    for row in result.rows:
        rows = [(0, 1), (1, 3)] if row.batch.batch == 1 else [(2, 2), (3, 5)]
        gradients = [sum((w * x + b - y) * x for x, y in rows), sum(w * x + b - y for x, y in rows)]
        clipped = [max(min(Fraction(g), Fraction(4)), Fraction(-4)) for g in gradients]
        w, b = w - clipped[0] / 10, b - clipped[1] / 10
        assert [row.checks[name].hand_fraction for name in ("dl/dw", "dl/db")] == gradients
        assert [row.checks[name].hand_fraction for name in ("dl/dw_clipped", "dl/db_clipped")] == clipped
        assert [row.checks[name].hand_fraction for name in ("w", "b")] == [w, b]
    assert result.agrees


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("clip", [{"clip_grad_norm": 0.5}, {"clip_grad_value": 0.1}], ids=["norm", "value"])
def test_fifty_steps_agree(clip: dict[str, float], optimizer: str, dtype: str) -> None:
    result = verify(NETWORK, optimizer=optimizer, dtype=dtype, steps=50, drift=2, **clip)
    assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@settings(max_examples=15)
@given(
    limit=st.sampled_from(("0.001", "0.3", "1", "2.5", "1/3", "100")),
    by=st.sampled_from(("clip_grad_norm", "clip_grad_value")),
    momentum=st.sampled_from(("0", "0.9")),
    sums=st.sampled_from(({}, {"accumulate": 2}, {"zero_grad": False}, {"zero_grad": 2})),
)
def test_no_choice_gives_a_false_alarm(dtype: str, limit: str, by: str, momentum: str, sums: dict[str, Any]) -> None:
    result = verify(NETWORK, dtype=dtype, steps=6, drift=2, momentum=momentum, **{by: limit}, **sums)
    assert result.verdict.outcome is not Outcome.DISAGREES, explanations(result.comparison, result.tally)
    if dtype in DTYPES:
        assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_squares_that_16_bits_do_not_hold(dtype: str) -> None:
    """PyTorch gathers the norm in float32: 300² overflows in float16, and the norm does not."""
    text = PAIR.replace("3*w + 4*b", "300*w + 400*b")
    result = verify(text, clip_grad_norm=1, dtype=dtype, steps=1)
    assert result.agrees, result.verdict.sentence


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("clip", [{"clip_grad_norm": 0.5}, {"clip_grad_value": 0.3}], ids=["norm", "value"])
def test_the_run_is_that_of_a_plain_program(clip: dict[str, float], dtype: str) -> None:
    result = verify(LINE, epochs=3, dtype=dtype, momentum=0.9, **clip)
    kind = getattr(torch, dtype)
    w, b = torch.tensor(0.5, requires_grad=True, dtype=kind), torch.tensor(-1.0, requires_grad=True, dtype=kind)
    x, y = torch.tensor([0.0, 1, 2, 3], dtype=kind), torch.tensor([1.0, 3, 2, 5], dtype=kind)
    optimizer = torch.optim.SGD([w, b], lr=0.1, momentum=0.9)
    for step, record in enumerate(result.record.steps):
        rows = [0, 1] if step % 2 == 0 else [2, 3]
        optimizer.zero_grad()
        ((w * x[rows] + b - y[rows]) ** 2).mean().backward()
        assert (float(record.gradients["w"]), float(record.gradients["b"])) == (w.grad.item(), b.grad.item())  # type: ignore[union-attr]
        if "clip_grad_norm" in clip:
            torch.nn.utils.clip_grad_norm_([w, b], 0.5)
        else:
            torch.nn.utils.clip_grad_value_([w, b], 0.3)
        assert (float(record.clipped["w"]), float(record.clipped["b"])) == (w.grad.item(), b.grad.item())  # type: ignore[union-attr]
        optimizer.step()
        assert (float(record.after["w"]), float(record.after["b"])) == (w.item(), b.item())


def test_what_adds_up_is_the_clipped_gradient() -> None:
    """Clipping changes .grad in place; without zero_grad the next gradient is added to that."""
    result = verify(PAIR, clip_grad_value=1, zero_grad=False)
    assert (fraction(result, "dl/dw", 2), fraction(result, "dl/dw_clipped", 2)) == (1 + 3, 1)
    assert result.agrees


def test_a_group_of_batches_is_clipped_once_before_its_update() -> None:
    result = verify(LINE, clip_grad_value=5, accumulate=2, epochs=2)
    assert result.agrees
    assert [bool(step.clipped) for step in result.record.steps] == [False, True, False, True]
    frame = steps(result)
    assert list(frame.columns)[5:] == ["dl/dw", "dl/db", "dl/dw_clipped", "dl/db_clipped", "lr", "w", "b"]
    assert math.isnan(frame["dl/dw_clipped"][0])
    assert "dl/dw_clipped" in to_text(result)


def test_what_is_frozen_is_not_in_the_norm() -> None:
    result = verify('frozen = ["b"]\n' + PAIR, clip_grad_norm=1)
    assert fraction(result, "dl/dw_clipped") == Fraction(3) / (3 + Fraction(1, 10**6))
    assert "dl/db_clipped" not in result.rows[0].checks
    assert result.agrees


def test_a_parameter_that_the_loss_does_not_see() -> None:
    text = PAIR.replace('"l = 3*w + 4*b"', '"""\nq = 2*b\nl = 3*w\n"""')
    result = verify(text, clip_grad_norm=1)
    assert result.agrees
    assert fraction(result, "dl/db_clipped") == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("clip", [{"clip_grad_norm": 0.5}, {"clip_grad_value": 0.3}], ids=["norm", "value"])
def test_clipping_that_is_forgotten(monkeypatch: pytest.MonkeyPatch, clip: dict[str, float], dtype: str) -> None:
    for name in ("clip_grad_norm_", "clip_grad_value_"):
        monkeypatch.setattr(torch.nn.utils, name, lambda *_: None)
    result = verify(LINE, dtype=dtype, **clip)
    found = first_wrong(result)
    assert found.startswith("dl/dw_clipped at step 1 (epoch 1, batch 1): PyTorch has -3.5, by hand it is -0.")
    assert "at the same state" in found


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_gradient_clipped_by_its_own_norm(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = torch.nn.utils.clip_grad_norm_

    def planted(parameters: Any, limit: float) -> None:
        for parameter in parameters:
            original([parameter], limit)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", planted)
    result = verify(PAIR, clip_grad_norm=2, dtype=dtype)
    assert first_wrong(result).startswith("dl/dw_clipped at step 1 (epoch 1, batch 1): PyTorch has 1.99999")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("clip", "wrong"),
    [({"clip_grad_norm": 0.5}, 0.50001), ({"clip_grad_value": 0.3}, 0.30001)],
    ids=["norm", "value"],
)
def test_another_limit(monkeypatch: pytest.MonkeyPatch, clip: dict[str, float], wrong: float, dtype: str) -> None:
    [name] = clip
    original = getattr(torch.nn.utils, f"{name}_")
    monkeypatch.setattr(torch.nn.utils, f"{name}_", lambda parameters, _: original(parameters, wrong))
    assert first_wrong(verify(LINE, dtype=dtype, **clip)).startswith("dl/dw_clipped at step 1 ")


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_update_with_the_gradient_before_it_is_clipped(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = training.TorchUpdate.clip

    def planted(self: Any) -> Any:
        held = {name: p.grad.clone() for name, p in self.trained.items()}
        found = original(self)
        for name, parameter in self.trained.items():
            parameter.grad = held[name]
        return found

    monkeypatch.setattr(training.TorchUpdate, "clip", planted)
    assert first_wrong(verify(LINE, clip_grad_norm=0.5, dtype=dtype)).startswith("w at step 1 (epoch 1, batch 1)")


def test_in_the_settings_and_the_tables() -> None:
    result = verify(LINE, clip_grad_norm=0.5)
    assert str(result.settings).startswith("SGD, lr 0.1, clip_grad_norm 0.5 (flag), batch_size 2 of 4")
    assert '"clip": "clip_grad_norm 0.5"' in to_json(result)
    assert {"dl/dw_clipped", "dl/db_clipped"} <= set(comparison(result)["quantity"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "clip_grad_norm = 0",
            r":12:1: clip_grad_norm = 0 is not above 0; expected a number above 0, the",
        ),
        (
            "clip_grad_value = -1",
            r":12:1: clip_grad_value = -1 is not above 0; expected a number above 0, the ",
        ),
        ("clip_grad_value = 'x'", r":12:1: clip_grad_value = 'x' is not a number; expected a number above 0"),
        (
            "clip_grad_norm = 1\nclip_grad_value = 1",
            r":13:1: both clip_grad_norm and clip_grad_value are given; keep one\n    clip_grad_value = 1\n    \^",
        ),
        ("max_norm = 1", r":12:1: unknown key 'max_norm' in \[training\]; did you mean 'clip_grad_norm'\?"),
    ],
)
def test_refuses_what_is_not_possible(line: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        load(LINE + line + "\n")


def test_a_flag_replaces_the_other_clipping_of_the_file() -> None:
    found = effective(load(LINE + "clip_grad_norm = 1\n"), {"clip_grad_value": "0.5"})
    assert str(found.clip) == "clip_grad_value 0.5"
    with pytest.raises(ProblemError, match=r"^both clip_grad_norm and clip_grad_value are given; keep one$"):
        effective(load(LINE), {"clip_grad_value": 1, "clip_grad_norm": 1})


def test_a_gradient_that_is_cut_off_at_the_decay_leaves_nothing_by_hand() -> None:
    # −0.1 + 0.1·b is 0, and 0 has a root: a ball around 0 has none
    text = """
    equations = "l = exp(-b) + w*exp(w)"
    [parameters]
    w = 1
    b = 1
    [training]
    optimizer = "RMSprop"
    lr = 0.05
    weight_decay = 0.1
    clip_grad_value = 0.1
    steps = 2
    """
    result = verify(text)
    assert result.agrees
    assert result.hand.ended == ""
    assert fraction(result, "dl/db_clipped") == Fraction(-1, 10)
    assert list(steps(result)["b.v"]) == [0, 0]
    assert list(steps(result)["b"]) == [1, 1]
