"""Gradients that add up over batches: by hand, against a loop written out, and with what can go wrong in it."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from derive.problem.loading import load, shipped
from derive.run.batches import Batch, plan
from derive.run.precedence import effective
from derive.run.settings import Settings
from tests import problems
from tests.planting import first_wrong
from verify import verify
from verify.hand import run as hand
from verify.numbers import to_fraction
from verify.pytorch import loader as torch_batches
from verify.pytorch import run as training

DTYPES = ("float32", "float64")
PARABOLA = problems.PARABOLA + "steps = 100\n"
LINE = problems.NINE_POINTS + "lr = 0.001\nbatch_size = 2\nepochs = 2\n"


def marks(**flags: object) -> list[str]:
    """For each step: + where it adds to the gradient, u where it updates."""
    settings = effective(load(LINE), flags)
    return ["+" * batch.adds + "u" * batch.updates for batch in plan(settings)]


def test_when_the_gradient_is_zeroed_and_the_parameters_updated() -> None:
    assert marks(steps=4) == ["u", "u", "u", "u"]
    assert marks(steps=4, zero_grad=False) == ["u", "+u", "+u", "+u"]
    assert marks(steps=7, zero_grad=3) == ["u", "+u", "+u", "u", "+u", "+u", "u"]
    # five batches an epoch: 2, 2 and the one that is left
    assert marks(epochs=2, accumulate=2) == ["", "+u", "", "+u", "u", "", "+u", "", "+u", "u"]
    assert marks(epochs=2, accumulate=3) == ["", "+", "+u", "", "+u"] * 2
    assert marks(epochs=1, accumulate=9) == ["", "+", "+", "+", "+u"]


def test_without_data_a_group_runs_over_epochs() -> None:
    found = list(plan(effective(load(PARABOLA), {"steps": 5, "accumulate": 2})))
    assert [batch.updates for batch in found] == [False, True, False, True, False]
    assert [batch.t for batch in found] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_numbers_of_the_tutorial_without_zero_grad(dtype: str) -> None:
    result = verify(PARABOLA, zero_grad=False, dtype=dtype)
    assert result.agrees
    found = [row.checks["x"].hand_fraction for row in result.rows[:3]]
    assert found == [Fraction("0.6"), Fraction("1.68"), Fraction("3.024")]
    assert f"{result.rows[-1].checks['x'].hand_value:.4f}" == "2.3136"
    assert f"{result.rows[-1].checks['x'].autograd:.4f}" == "2.3136"


def test_a_gradient_by_hand_is_the_sum_of_all_before() -> None:
    plain, summed = verify(PARABOLA, steps=3), verify(PARABOLA, steps=3, zero_grad=False)
    first, second, third = (step.gradients["x"].item() for step in summed.hand.steps)
    x = [to_fraction(step.before["x"].item()) for step in summed.hand.steps]
    own = [2 * (value - 3) for value in x if value is not None]
    assert [to_fraction(value) for value in (first, second, third)] == [own[0], own[0] + own[1], sum(own)]
    assert to_fraction(plain.hand.steps[0].gradients["x"].item()) == own[0]
    assert [to_fraction(step.accumulated["x"].item()) for step in summed.hand.steps[1:]] == [own[0], own[0] + own[1]]
    assert summed.hand.steps[0].accumulated == {}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("zero", [True, False, 2, 3])
def test_zero_grad_is_that_of_a_loop_written_out(zero: bool | int, dtype: str) -> None:
    result = verify(LINE, zero_grad=zero, dtype=dtype)
    found = [(float(step.after["w"]), float(step.after["b"])) for step in result.record.steps]
    assert result.agrees
    assert found == written_out(dtype, zero_every=int(zero))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_accumulate_is_a_loop_written_out(count: int, dtype: str) -> None:
    result = verify(LINE, accumulate=count, dtype=dtype)
    found = [(float(step.after["w"]), float(step.after["b"])) for step in result.record.steps]
    assert result.agrees
    assert found == written_out(dtype, accumulate=count)


def written_out(dtype: str, zero_every: int = 1, accumulate: int = 1) -> list[tuple[float, float]]:
    """The parameters after each batch of two epochs, as people write the loop."""
    kind = getattr(torch, dtype)
    w, b = (torch.zeros((), dtype=kind, requires_grad=True) for _ in "wb")
    x, y = torch.arange(9, dtype=kind), 2 * torch.arange(9, dtype=kind) + 10
    optimizer = torch.optim.SGD([w, b], lr=0.001)
    found, step = [], 0
    for _ in range(2):
        for i, rows in enumerate(torch.arange(9).split(2)):
            if accumulate == 1 and zero_every and step % zero_every == 0:
                optimizer.zero_grad()
            torch.mean((w * x[rows] + b - y[rows]) ** 2).backward()
            if (i + 1) % accumulate == 0 or i + 1 == 5:
                optimizer.step()
                if accumulate > 1:
                    optimizer.zero_grad()
            step += 1
            found.append((w.item(), b.item()))
    return found


def test_all_batches_accumulated_are_one_batch_of_sums() -> None:
    sums = LINE.replace("mean(", "sum(")
    parts = verify(sums, batch_size=2, accumulate=5, epochs=1, dtype="float64")
    whole = verify(sums, batch_size="all", epochs=1, dtype="float64")
    assert parts.agrees
    for name in ("w", "b"):
        last, only = parts.rows[-1].checks, whole.rows[-1].checks
        assert last[f"dl/d{name}"].hand_fraction == only[f"dl/d{name}"].hand_fraction
        assert last[name].hand_fraction == only[name].hand_fraction


def test_the_gradients_accumulated_of_means_are_not_the_mean_of_all() -> None:
    """The trap of a smaller last batch: the mean of the batches' means weighs its sample more."""
    parts = verify(LINE, batch_size=2, accumulate=5, epochs=1).rows[-1].checks["dl/dw"].hand_fraction
    whole = verify(LINE, batch_size="all", epochs=1).rows[-1].checks["dl/dw"].hand_fraction
    assert parts is not None
    assert whole is not None
    assert parts / 5 != whole


@pytest.mark.parametrize("dtype", DTYPES)
def test_frozen_entries_do_not_disturb_the_sum(dtype: str) -> None:
    problem = LINE.replace("w = 0\nb = 0", "w = [0, 0]\nb = 0").replace("w*x + b", "w[0]*x + w[1] + b")
    assert verify(f'frozen = ["w[1]", "b"]\n{problem}', zero_grad=False, dtype=dtype).agrees


CANCELS = """
equations = "l = mean((w*x + 1000 - y)^2)"
[parameters]
w = 0
[data]
x = [1, 2, 3, 4]
y = [1001, 1003, 1004, 1006]
[training]
lr = 0.01
batch_size = 2
epochs = 3
"""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_steps_that_are_replayed_begin_with_the_sum(dtype: str) -> None:
    result = verify(CANCELS, zero_grad=False, dtype=dtype)
    assert result.agrees
    assert any(check.replayed and check.batch.adds for check in result.comparison.checks)


@runs(max_examples=25, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.integers(1, 10),
    st.booleans(),
    st.booleans(),
    st.one_of(
        st.builds(dict, zero_grad=st.one_of(st.booleans(), st.integers(1, 4))),
        st.builds(dict, accumulate=st.integers(1, 4)),
    ),
    st.integers(1, 12),
)
def test_any_run_agrees(
    dtype: str, size: int, shuffle: bool, drop: bool, gathers: dict[str, object], steps: int
) -> None:
    drop = drop and size <= 9
    result = verify(LINE, dtype=dtype, batch_size=size, shuffle=shuffle, drop_last=drop, steps=steps, **gathers)
    assert result.agrees, result.verdict
    assert len(result.rows) == steps


@pytest.mark.parametrize("gathers", [{"zero_grad": False}, {"zero_grad": 3}, {"accumulate": 3}], ids=str)
@pytest.mark.parametrize("name", [name for name, _ in shipped() if load(name).trains])
def test_shipped_problems_agree(name: str, gathers: dict[str, object]) -> None:
    for dtype in DTYPES:
        result = verify(name, steps=4, nodes=True, dtype=dtype, **gathers)
        assert result.agrees, result.verdict
        alone = result.settings.samples and result.settings.batches_per_epoch == 1 and "accumulate" in gathers
        assert any(row.batch.adds for row in result.rows) == (not alone)


def plant_zeroing(monkeypatch: pytest.MonkeyPatch, at: int, zeroes: bool) -> None:
    """Calls zero_grad before the step `at`, or leaves it out there."""
    original = training._step

    def planted(model: training.GraphModule, *args: object, **kwargs: object) -> training.StepRecord:
        batch = args[1]
        assert isinstance(batch, Batch)
        if batch.step != at:
            return original(model, *args, **kwargs)  # type: ignore[arg-type]
        held = {name: None if p.grad is None else p.grad.clone() for name, p in model.named.items()}
        calls = []

        def hook(*_: object) -> None:
            if not calls:
                calls.append(at)
                for name, parameter in model.named.items():
                    parameter.grad = None if zeroes else held[name]

        removed = model.register_forward_pre_hook(hook)
        try:
            return original(model, *args, **kwargs)  # type: ignore[arg-type]
        finally:
            removed.remove()

    monkeypatch.setattr(training, "_step", planted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("gathers", "at"), [({}, 2), ({}, 7), ({"zero_grad": 3}, 4), ({"accumulate": 2}, 3)])
def test_gradients_that_are_not_zeroed(
    monkeypatch: pytest.MonkeyPatch, gathers: dict[str, object], at: int, dtype: str
) -> None:
    plant_zeroing(monkeypatch, at, False)
    sentence = first_wrong(verify(LINE, dtype=dtype, **gathers))
    assert sentence.startswith(f"dl/dw at step {at} ")
    assert sentence.endswith("; the difference is the gradient of the step before: not set to zero?")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("gathers", "at"), [({"zero_grad": False}, 5), ({"zero_grad": 3}, 3), ({"accumulate": 2}, 4)])
def test_gradients_that_are_zeroed_too_early(
    monkeypatch: pytest.MonkeyPatch, gathers: dict[str, object], at: int, dtype: str
) -> None:
    plant_zeroing(monkeypatch, at, True)
    sentence = first_wrong(verify(LINE, dtype=dtype, **gathers))
    assert sentence.startswith(f"dl/dw at step {at} ")
    assert sentence.endswith("; what the steps before have accumulated is missing: set to zero too early?")


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_batch_too_many_in_an_update(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = torch_batches._Gathering.__init__

    def planted(self: torch_batches._Gathering, settings: Settings) -> None:
        original(self, replace(settings, accumulate=settings.accumulate + 1))

    monkeypatch.setattr(torch_batches._Gathering, "__init__", planted)
    sentence = first_wrong(verify(LINE, accumulate=2, dtype=dtype))
    assert sentence == (
        "step 2 (epoch 1, batch 2): PyTorch adds to the gradient that is there and does not update the parameters "
        "after it; expected: adds to the gradient that is there and updates the parameters after it"
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_update_after_every_batch_although_gradients_accumulate(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = training._step

    def planted(model: object, update: training.TorchUpdate, *args: object) -> training.StepRecord:
        batch, *others = args
        assert isinstance(batch, Batch)
        found = original(model, update, batch, *others)  # type: ignore[arg-type]
        if not batch.updates:
            update.step()
        return found

    monkeypatch.setattr(training, "_step", planted)
    assert first_wrong(verify(LINE, accumulate=2, dtype=dtype)).startswith("w_before at step 2 (epoch 1, batch 2)")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_that_changes_between_two_steps(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = training._step

    def planted(model: training.GraphModule, *args: object) -> training.StepRecord:
        batch = args[1]
        assert isinstance(batch, Batch)
        if batch.step == 3:
            assert model.named["b"].grad is not None
            model.named["b"].grad.mul_(0.5)  # as clipping after the step would
        return original(model, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "_step", planted)
    sentence = first_wrong(verify(LINE, zero_grad=False, dtype=dtype))
    assert sentence.startswith("dl/db_before at step 3 (epoch 1, batch 3)")
    assert sentence.endswith("> bound 0; the ratio is ½")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_batch_that_is_dropped(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = training.batches_of

    def planted(data: dict[str, torch.Tensor], settings: Settings) -> Iterator[tuple[Batch, dict[str, torch.Tensor]]]:
        for batch, columns in original(data, settings):
            if batch.step == 2:
                continue
            late = batch.step > 2
            yield replace(batch, step=batch.step - late, batch=batch.batch - late), columns

    monkeypatch.setattr(training, "batches_of", planted)
    sentence = first_wrong(verify(LINE, epochs=1, dtype=dtype))
    assert sentence == "step 2 (epoch 1, batch 2): PyTorch took the samples 4, 5; expected 2, 3"


def test_a_sum_by_hand_that_forgets_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    original = hand.step

    def planted(*args: object) -> hand.HandStep:
        *others, gathered = args
        batch = others[2]
        assert isinstance(batch, Batch)
        return original(*others, {} if batch.step == 3 else gathered)  # type: ignore[arg-type]

    monkeypatch.setattr(hand, "step", planted)
    found = verify(LINE, zero_grad=False)
    assert abs(found.rows[1].checks["dl/dw"].difference) < 1e-4
    assert abs(found.rows[2].checks["dl/dw"].difference) > 1  # the drift shows it; each step is right at its state
    assert found.agrees
