"""Where a bound is too wide in its dtype, the step is repeated in float64, and the verdict rests on that."""

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st
from torch import Tensor

from derive.run.run import Run
from tables.text.report import to_text
from verify import Outcome, Result, pytorch, verify
from verify.bound.bound import prepare
from verify.compare.verdict import explanations
from verify.names import adjoint_of
from verify.pytorch import run as training
from verify.record import side_by_side

# w·x − y cancels to less than bfloat16 can tell.
CONVERGED = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 3
[data]
x = [1.1, 2.3, 3.7, 4.9]
y = [3.3, 6.9, 11.1, 14.7]
[training]
lr = "1/1024"
batch_size = 4
steps = 3
dtype = "bfloat16"
"""


def plant(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Scales the gradient of w, in every dtype."""

    class Planted(training.GraphModule):
        def _given(self, columns: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
            given = super()._given(columns, n)
            return {
                **given,
                "w": given["w"] + (factor - 1) * (given["w"] - given["w"].detach()),
            }  # its value is that of w

    monkeypatch.setattr(training, "GraphModule", Planted)


def replayed(result: Result) -> list[str]:
    return [f"{check.name} {check.batch.step}" for check in result.comparison.checks if check.replayed]


def test_a_step_whose_bound_is_too_wide_rests_on_its_replay() -> None:
    result = verify(CONVERGED)
    assert result.verdict.outcome is Outcome.AGREES
    assert replayed(result) == [f"{name} {step}" for step in (1, 2, 3) for name in ("l", "dl/dw")]
    assert (
        "; 6 of them rest on a replay of the step in float64 at the same state, its own bound being too wide "
        "(what only the bfloat16 run does wrong could hide in it); "
    ) in result.verdict.sentence
    for check in result.comparison.checks:
        if check.replay is not None:
            assert check.bound > check.terms / 4
            assert check.replay.bound < 2.0**-20 * check.bound
            assert check.caught == check.replay.caught


@pytest.mark.parametrize("factor", [4.0, 0.25, -1.0, 2.0])
def test_a_wrong_factor_that_hides_in_bfloat16_is_found_in_the_replay(
    monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    right = verify(CONVERGED)
    first = next(check for check in right.comparison.checks if check.quantity == "dl/dw")
    assert abs(first.expected) * abs(factor - 1) < 4 * first.bound  # the factor's effect is of the bound's size
    plant(monkeypatch, factor)
    result = verify(CONVERGED)
    assert result.verdict.outcome is Outcome.DISAGREES
    told = " ".join(explanations(result.comparison, result.tally))
    assert "dl/dw at step 1 (epoch 1, batch 1)" in told


def test_what_is_said_of_a_mistake_that_only_the_replay_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, 0.5)
    result = verify(CONVERGED)
    hidden = [check for check in result.comparison.checks if check.replay is not None and check.agrees is False]
    assert hidden
    assert abs(hidden[0].step_error) <= hidden[0].bound
    assert re.search(
        r"dl/dw at step 1 \(epoch 1, batch 1\) is within its own bound, which is too wide to tell; repeated in float64 "
        r"at the same state: PyTorch has \S+, by hand it is \S+ at the same state; they differ by \S+, "
        r"\|step error\| \S+ > bound \S+; the ratio is ½",
        explanations(result.comparison, result.tally)[0],
    )
    assert "✗" in to_text(result)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_the_bound_is_narrow_nothing_is_repeated(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("repeated")

    monkeypatch.setattr(training.Replay, "__call__", refused)
    assert verify("article", dtype=dtype).agrees


@pytest.mark.parametrize("problem", [CONVERGED, "tanh_network", "softmax", "layer_norm", "logistic", "relu_network"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("gathers", [{}, {"accumulate": 2}])
def test_the_steps_that_are_repeated_at_once_are_those_of_the_loop(
    problem: str, dtype: str, gathers: dict[str, object]
) -> None:
    result = verify(problem, dtype=dtype, **gathers)
    alone = training.Replay(result.problem, replace(result.settings, nodes=True))
    at_once = training.Replay(result.problem, result.settings)
    for block in side_by_side(result.record.steps).blocks:
        one_by_one, found = alone(block), at_once(block)
        for group in ("before", "data", "gradients"):
            assert list(found.group(group)) == list(one_by_one.group(group))
            for name, values in found.group(group).items():
                np.testing.assert_allclose(values, one_by_one.group(group)[name], rtol=1e-11, atol=1e-14)
        np.testing.assert_array_equal(
            found.floats("before", "w") if "w" in found.before else 0, block.before.get("w", 0)
        )
        np.testing.assert_allclose(found.loss, one_by_one.loss, rtol=1e-11, atol=1e-14)


CANCELS = '''
equations = """
d = (w*x + 100) - (y + 100)
l = mean(d^2)
"""
[parameters]
w = 3
[data]
x = [0.11, 0.23, 0.37]
y = [0.5, 1.25, 2.5]
[training]
lr = "1/1024"
batch_size = 3
steps = 1
dtype = "bfloat16"
'''


def test_a_line_that_cancels_inside_is_replayed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    right = verify(CANCELS, nodes=True)
    assert right.agrees
    assert {"d[0] 1", "l 1", "dl/dw 1"} < set(replayed(right))
    original = training.GraphModule.forward

    def halved(self: training.GraphModule, columns: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
        return original(self, {**columns, "x": columns["x"] / 2}, n)

    monkeypatch.setattr(training.GraphModule, "forward", halved)
    wrong = verify(CANCELS, nodes=True)
    assert wrong.verdict.outcome is Outcome.DISAGREES
    assert "first d[0] at step 1 (epoch 1, batch 1), in the line d = w·x + 100 − (y + 100)" in wrong.verdict.sentence


@pytest.mark.parametrize("factor", [-1.0, 0.5, 3.0])
def test_a_factor_cannot_hide_in_a_converged_float32_run(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    settings: dict[str, object] = {"dtype": "float32", "lr": 0.01, "steps": 60}
    assert verify(CONVERGED, **settings).agrees
    plant(monkeypatch, factor)
    assert verify(CONVERGED, **settings).verdict.outcome is Outcome.DISAGREES


def test_both_figures_of_what_is_caught_are_given() -> None:
    for check in verify(CONVERGED).comparison.checks:
        if check.replay is None:
            assert check.caught == check.caught_directly
        else:
            assert check.caught == check.replay.caught_directly < 2.0**-20 * check.caught_directly


def test_float64_itself_is_not_repeated() -> None:
    result = verify(CONVERGED, dtype="float64")
    assert result.agrees
    assert replayed(result) == []
    wide = [check for check in result.comparison.checks if check.quantity == "dl/dw" and check.bound > check.terms / 4]
    assert wide  # decided by its absolute bound, and the verdict says from where on an error is caught
    assert re.search(r"an error of \S+ at step \d is caught from \S+ on", result.verdict.sentence)


def test_the_state_of_the_replay_is_pytorchs_rounded_one() -> None:
    result = verify(CONVERGED, dtype="float32")
    check = next(check for check in result.comparison.checks if check.replay is not None)
    held = {name: [Fraction(float(value)) for value in column] for name, column in result.record.data.items()}
    wanted = sum((3 * x - y) ** 2 for x, y in zip(held["x"], held["y"], strict=True)) / 4
    assert check.quantity == "l"
    assert check.expected == pytest.approx(float(wanted), rel=1e-9)


NETWORK = """
equations = '''
h = relu(X @ W + c)
z = h @ v
l = mean((z - y)^2)'''
[parameters]
W = [[0.3, -0.2, 0.5], [0.1, 0.4, -0.6]]
c = [0.1, 0, -0.1]
v = [0.2, -0.3, 0.4]
[data]
X = [[1, 2], [0.5, -1], [2, 0.25], [1.5, 1], [-1, 0.75]]
y = [1, 0, 0.3, 0.8, -0.5]
[training]
lr = 0.1
batch_size = 2
epochs = 4
"""


@cache
def at_16_bits(settings: tuple[tuple[str, object], ...]) -> Result:
    return verify(NETWORK, dtype="bfloat16", **dict(settings))


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"momentum": 0.9, "clip_grad_norm": 0.5}], ids=str)
@given(share=st.lists(st.booleans(), min_size=12, max_size=12))
@runs(max_examples=15, deadline=None)
def test_what_a_replay_shares_with_the_bound_is_what_it_would_calculate(
    settings: dict[str, object], share: list[bool]
) -> None:
    """Of any of the steps of a block: all that a bound in float64 at their states gives, bit by bit."""
    result = at_16_bits(tuple(settings.items()))
    run = Run(result.problem, result.derivation, result.settings)
    bound = prepare(run)
    assert bound.finer is not None
    finer, replay = bound.finer(), pytorch.Replay(result.problem, result.settings)
    for block in side_by_side(result.record.steps).blocks:
        places = np.flatnonzero(share[: len(block)])
        if not places.size:
            continue
        again = replay(block.of(places))
        beside = bound.beside(bound.at(block), again, places)
        assert beside is not None
        found, wanted = finer.at(again, beside), finer.at(again)
        for name in ("l", *map(adjoint_of, block.gradients)):
            assert found.exact[name].tobytes() == wanted.exact[name].tobytes()
            assert found.rounded[name].tobytes() == wanted.rounded[name].tobytes()
