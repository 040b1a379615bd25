"""Whatever `derive` accepts, `verify` accepts or refuses with a message (long form: tests/benchmarks/accepted.py)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import derive
from tests.accepted import faults, one_way
from tests.grammar import Drawn, draw
from verify import verify


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**40))
def test_what_is_derived_is_verified(seed: int) -> None:
    drawn = draw(Random(seed))
    assert not list(faults(drawn)), (drawn.text, drawn.settings)


@pytest.mark.parametrize("part", range(8))
def test_one_way_to_use_each_of_many_small_problems(part: int) -> None:
    """800 of them, in parts that can run beside each other; the benchmark with `--small` tries any number of others."""

    @settings(deadline=None, max_examples=100, phases=(Phase.generate,))
    @given(st.integers(0, 2**40))
    def holds(seed: int) -> None:
        random = Random(seed * 8 + part)
        drawn = draw(random, small=True)
        way = one_way(random)
        assert not list(faults(drawn, [way])), (way.__name__, drawn.text, drawn.settings)

    holds()


def test_nearly_all_that_is_drawn_is_accepted() -> None:
    """A generator whose problems are refused would try nothing."""
    accepted = 0
    for seed in range(200):
        try:
            derive.load(draw(Random(seed)).text)
            accepted += 1
        except derive.ProblemError:
            pass
    assert accepted >= 180


PREDICTED = """equations = '''
a = tanh(w)
p = a*x
l = mean((p - y)^2)
'''
[parameters]
w = 0.5
[data]
x = [1, 2]
y = [1, 0]
[predict]
x = [3]
[training]
lr = 0.1
steps = 2
"""


def test_a_predicted_line_may_read_one_without_data() -> None:
    result = verify(PREDICTED)
    assert result.agrees, result.verdict.sentence
    assert [check.quantity for check in result.comparison.predictions] == ["p"]


@pytest.mark.parametrize("clip", [{"clip_grad_norm": 1}, {"clip_grad_value": 0.5}])
@pytest.mark.parametrize("zero", [False, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_variant_with_clipped_gradients_that_add_up(clip: dict[str, float], zero: bool | int, dtype: str) -> None:
    more = {"momentum": 0.9, "variant": "lr_in_velocity", "zero_grad": zero, "dtype": dtype, **clip}
    result = verify("article", epochs=2, **more)
    assert result.agrees, result.verdict.sentence


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: PyTorch's tanh is wrong, and one that has no value raises."""
    drawn = Drawn(PREDICTED, {"lr": 0.1}, [{"step": 1, "l": 1}], ("a = tanh(w)",))
    assert not list(faults(drawn))
    monkeypatch.setattr("torch.tanh", lambda x: x * 0.9)
    assert any("disagrees" in fault for fault in faults(drawn))

    def broken(_: object) -> object:
        raise ValueError("planted")

    monkeypatch.setattr("torch.tanh", broken)
    assert list(faults(drawn)) == ["_verified: ValueError: planted"]


WATCHED = """equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0.5
[data]
x = [1, 2]
y = [1, 0]
[watch]
size = "abs(delta_w) + 3*lr"
kept = "abs(w)"
[training]
lr = 0.1
scheduler = "StepLR"
step_size = 1
steps = 3
"""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_what_is_watched_of_an_update_is_left_out_of_a_replay(dtype: str) -> None:
    """The replay of a step has no update, so that neither side of it has what is read of one."""
    result = verify(WATCHED, dtype=dtype)
    assert result.agrees, result.verdict.sentence
    replayed = any(number.replay for step in result.comparison.steps for number in step.numbers.values())
    assert replayed is (dtype != "float32")
