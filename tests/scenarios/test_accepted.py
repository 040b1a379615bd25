"""Whatever `derive` accepts, `verify` accepts or refuses with a message (long form: tests/benchmarks/accepted.py)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import derive
from tests.accepted import faults
from tests.grammar import Drawn, draw
from verify import verify


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**40))
def test_what_is_derived_is_verified(seed: int) -> None:
    drawn = draw(Random(seed))
    assert not list(faults(drawn)), (drawn.text, drawn.settings)


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
