"""Numbers that PyTorch draws: the same bits as a program's, on both sides, and printed."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from derive.errors import DataError
from derive.problem.loading import load
from tables.json_report import to_json
from tables.text.report import to_text
from verify import verify
from verify.pytorch.run import draw

UNIFORM = """\
equations = "l = sum(W^2)"
[parameters]
W = {shape = [3, 4], distribution = "uniform", low = -0.5, high = 0.5, seed = 442}
v = {shape = [], distribution = "normal", mean = 2, std = 0.5, seed = 1}
[training]
lr = 0.1
""".replace("W^2)", "W^2) + v")


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("float64", torch.float64)])
def test_the_draw_has_the_bits_of_rand_minus_a_half(name: str, dtype: torch.dtype) -> None:
    drawn = draw(load(UNIFORM), name)
    torch.manual_seed(442)
    program = (torch.rand(3, 4, dtype=dtype) - 0.5).double().flatten().tolist()
    assert list(drawn.parameters[0].values) == [Fraction(value) for value in program]


def test_a_normal_draw_has_a_generator_of_its_own() -> None:
    drawn = draw(load(UNIFORM), "float32")
    program = torch.randn((), generator=torch.Generator().manual_seed(1)) * 0.5 + 2
    assert drawn.parameters[1].values == (Fraction(program.item()),)
    assert draw(drawn, "float64") == drawn  # numbers that are there stay


def test_both_sides_have_the_exact_numbers() -> None:
    result = verify(UNIFORM)
    assert result.agrees
    first = [check for check in result.comparison.checks if check.quantity == "W_before"]
    assert [check.difference for check in first] == [0.0] * 12


def test_what_was_drawn_is_printed_so_that_the_run_can_be_repeated() -> None:
    result = verify(UNIFORM)
    text = to_text(result)
    assert "W: uniform from -0.5 to 0.5, seed 442, drawn by PyTorch" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    document = json.loads(to_json(result))
    values = document["drawn"][0]["values"]
    assert document["drawn"][0]["shape"] == [3, 4]
    assert document["drawn"][0]["drawn"] == "uniform from -0.5 to 0.5, seed 442"
    again = torch.tensor(values)
    assert again.shape == (3, 4)
    assert [Fraction(value) for value in again.double().flatten().tolist()] == list(result.problem.parameters[0].values)
    assert f"W = [[{values[0][0]}, " in text
    # pasted into the file, the printed numbers give the same run
    repeated = verify(UNIFORM.replace(UNIFORM.splitlines()[2], f"W = {values}"))
    assert [check.autograd for check in repeated.comparison.checks] == [c.autograd for c in result.comparison.checks]


def test_a_draw_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match=r"^<text>:3:1: W, uniform from -0\.5 to .*, does not fit torch\.float32"):
        verify(UNIFORM.replace("high = 0.5", "high = 1e300"))


def test_without_training_the_gradients_are_evaluated_once() -> None:
    result = verify(UNIFORM[: UNIFORM.index("[training]")])
    assert result.agrees
    assert str(result.settings) == "gradients at a point: one step without update, float32"
    assert [check.name for check in result.rows[0].checks.values()][:2] == ["l", "dl/dW[0,0]"]
    assert {check.quantity for check in result.comparison.checks} == {"W_before", "v_before", "l", "dl/dW", "dl/dv"}
    assert (result.record.steps[0].after, result.hand.steps[0].after) == ({}, {})
    assert json.loads(to_json(result))["settings"]["lr"] is None
    assert " lr" not in to_text(result)


def test_a_data_set_without_training_is_one_batch() -> None:
    text = 'equations = "l = mean((w*x)^2)"\n[parameters]\nw = 2\n[data]\nx = [1, 2, 3]\n'
    result = verify(text, dtype="float64")
    assert str(result.settings) == "gradients at a point: one step without update, all 3 samples, float64 (flag)"
    assert result.rows[0].checks["dl/dw"].hand_fraction == Fraction(56, 3)


def test_lr_alone_trains() -> None:
    result = verify(UNIFORM[: UNIFORM.index("[training]")], lr="0.1", steps=2)
    assert len(result.rows) == 2


def test_large_parameters_are_left_to_json(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('equations = "l = sum(W^2)"\n[parameters]\nW = {shape = [401], distribution = "normal"}\n')
    result = verify(path)
    assert "401 numbers; --format json prints them" in to_text(result)
    assert len(json.loads(to_json(result))["drawn"][0]["values"]) == 401
