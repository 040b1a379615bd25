"""What a step takes over must be the very number that was left to it; each change of one is seen where it is made."""

from fractions import Fraction

import numpy as np
import pytest

from derive.run.run import Run
from tests.changed_records import changed
from tests.problems import LINE
from verify import Result, verify
from verify.bound.bound import Bound, prepare
from verify.compare.carried_over import as_by_hand, gathered, judged, starts, taken
from verify.compare.check import Numbers
from verify.record import Record

THIRDS = LINE.replace("w = 0.5", 'w = "1/3"')


def bound_of(result: Result) -> Bound:
    return prepare(Run(result.problem, result.derivation, result.settings))


def one(numbers: Numbers) -> tuple[float, float, float, bool]:
    """A single number: what was expected, the error, its bound, and whether it lies within."""
    distance = numbers.distance
    return (*(float(a.item()) for a in (distance.expected, distance.error, distance.bound)), bool(numbers.within.all()))


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 24), ("float64", 53)])
def test_the_first_step_begins_with_the_rounded_initial_values(dtype: str, bits: int) -> None:
    result = verify(THIRDS, dtype=dtype, momentum="0.5", steps=2)
    found = starts(result.problem, result.settings, result.record, bound_of(result))[1]
    held = Fraction(float(result.record.steps[0].before["w"]))
    assert held == Fraction(round(Fraction(2 ** (bits + 1), 3)), 2 ** (bits + 1))  # 1/3 rounded to so many bits
    expected, error, bound, within = one(found["w"])
    assert expected == 1 / 3
    assert error == pytest.approx(float(held - Fraction(1, 3)), rel=1e-9)
    assert 0 < abs(error) <= bound <= 2.0**-bits
    assert within
    assert one(found["b"]) == (-1, 0, 0, True)
    assert one(found["w.v"]) == (0, 0, 0, True)


def test_a_later_step_begins_with_what_the_one_before_left() -> None:
    result = verify(THIRDS, steps=3)
    first, second, _ = result.record.steps
    bound = bound_of(result)
    found = starts(result.problem, result.settings, result.record, bound)
    assert one(found[2]["w"]) == (float(first.after["w"]), 0, 0, True)
    next_float = np.nextafter(np.float32(second.before["w"]), np.float32(np.inf)).astype(np.float64)
    record = changed(result, 2, before={**second.before, "w": np.asarray(next_float)})
    planted = starts(result.problem, result.settings, record, bound)
    left = float(first.after["w"])
    assert one(planted[2]["w"]) == (left, float(next_float) - left, 0, False)
    assert [one(planted[step]["w"])[3] for step in (1, 3)] == [True, True]
    rest = Record(**{**vars(record), "steps": record.steps[1:]})
    assert one(starts(result.problem, result.settings, rest, bound, first)[2]["w"])[3] is False


def test_gradients_that_were_left_are_those_that_are_added_to() -> None:
    result = verify(LINE, accumulate=2, steps=2)
    first, second = result.record.steps
    # by the rows (0, 1) and (1, 3) at w = 1/2, b = −1: errors −2 and −7/2
    assert gathered(result.record)[1] == {}
    assert one(gathered(result.record)[2]["w"]) == (-3.5, 0, 0, True)
    assert one(gathered(result.record)[2]["b"]) == (-5.5, 0, 0, True)
    record = changed(result, 2, accumulated={**second.accumulated, "b": np.asarray(0.0)})
    assert one(gathered(record)[2]["b"]) == (-5.5, 5.5, 0, False)
    assert one(gathered(record)[2]["w"])[3]
    alone = Record(**{**vars(result.record), "steps": (second,)})
    assert one(gathered(alone, first)[2]["w"]) == (-3.5, 0, 0, True)


def test_parameters_by_hand_that_pytorch_takes_are_rounded_once() -> None:
    result = verify(THIRDS, variant="lr_in_velocity", momentum="0.5", steps=1)
    found = taken(result.hand, result.record, bound_of(result))[1]
    # errors −2 and w − 4 at w = 1/3: dl/dw = −11/3, v = lr·dl/dw, w = 1/3 + 11/30
    expected, error, bound, within = one(found["w"])
    assert expected == float(Fraction(7, 10))
    assert error == pytest.approx(float(np.float32(0.7)) - 0.7, rel=1e-6)
    assert abs(error) <= bound <= 2.0**-24
    assert within
    assert one(found["w.v"])[1:] == (0, 0, True)
    record = changed(result, 1, after={**result.record.steps[0].after, "w": np.asarray(0.7000005)})
    assert not one(taken(result.hand, record, bound_of(result))[1]["w"])[3]


def test_what_pytorch_is_handed_must_be_the_number_by_hand() -> None:
    result = verify(LINE, variant="lr_in_velocity", momentum="0.5", clip_grad_value="1/3", steps=1)
    step = result.record.steps[0]
    found = as_by_hand("clipped", result.hand, result.record)[1]
    assert one(found["w"]) == (-1 / 3, 0, 0, True)  # dl/dw = −3.5
    record = changed(result, 1, clipped={**step.clipped, "w": np.asarray(-0.25)})
    assert one(as_by_hand("clipped", result.hand, record)[1]["w"]) == (-1 / 3, -0.25 + 1 / 3, 0, False)


def test_an_lr_that_changes_is_judged_from_the_lr_before() -> None:
    result = verify(LINE, scheduler="ExponentialLR", gamma="0.5", scheduler_every="batch", steps=3)
    found = judged(result.settings, result.record)
    assert [float(found[step]["lr"].distance.expected.item()) for step in (1, 2, 3)] == [0.1, 0.05, 0.025]
    assert all(one(found[step]["lr"])[3] for step in (1, 2, 3))
    record = changed(result, 2, rates={"lr": np.asarray(0.0500001)})
    planted = judged(result.settings, record)
    assert [one(planted[step]["lr"])[3] for step in (1, 2, 3)] == [True, False, False]  # 0.025 is not half of it
    assert judged(verify(LINE, steps=2).settings, verify(LINE, steps=2).record) == {1: {}, 2: {}}
