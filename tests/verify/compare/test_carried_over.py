"""What a step takes over must be the very number that was left to it; each change of one is seen where it is made."""

from fractions import Fraction

import numpy as np
import pytest

from derive.run.run import Run
from tests.changed_records import changed
from tests.problems import LINE
from verify import Result, verify
from verify.bound.bound import Bound, prepare
from verify.compare.carried_over import Carried, as_by_hand, gathered, judged, starts, taken
from verify.compare.check import Numbers
from verify.record import Record, StepRecord, side_by_side

THIRDS = LINE.replace("w = 0.5", 'w = "1/3"')


def bound_of(result: Result) -> Bound:
    return prepare(Run(result.problem, result.derivation, result.settings))


def by_step(carried: Carried, record: Record) -> dict[int, dict[str, Numbers]]:
    """The numbers of each step, by its number."""
    steps = side_by_side(record.steps)
    places = zip(steps.batches, steps.places.tolist(), strict=True)
    return {
        batch.step: {name: numbers.of_step(place) for name, numbers in carried[block].items()}
        for batch, (block, place) in places
    }


def begun(
    result: Result, record: Record, bound: Bound, before: StepRecord | None = None
) -> dict[int, dict[str, Numbers]]:
    steps = side_by_side(record.steps)
    return by_step(starts(result.problem, result.settings, steps, bound, before), record)


def one(numbers: Numbers) -> tuple[float, float, float, bool]:
    """A single number: what was expected, the error, its bound, and whether it lies within."""
    distance = numbers.distance
    return (*(float(a.item()) for a in (distance.expected, distance.error, distance.bound)), bool(numbers.within.all()))


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 24), ("float64", 53)])
def test_the_first_step_begins_with_the_rounded_initial_values(dtype: str, bits: int) -> None:
    result = verify(THIRDS, dtype=dtype, momentum="0.5", steps=2)
    found = begun(result, result.record, bound_of(result))[1]
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
    found = begun(result, result.record, bound)
    assert one(found[2]["w"]) == (float(first.after["w"]), 0, 0, True)
    next_float = np.nextafter(np.float32(second.before["w"]), np.float32(np.inf)).astype(np.float64)
    record = changed(result, 2, before={**second.before, "w": np.asarray(next_float)})
    planted = begun(result, record, bound)
    left = float(first.after["w"])
    assert one(planted[2]["w"]) == (left, float(next_float) - left, 0, False)
    assert [one(planted[step]["w"])[3] for step in (1, 3)] == [True, True]
    rest = Record(**{**vars(record), "steps": record.steps[1:]})
    assert one(begun(result, rest, bound, first)[2]["w"])[3] is False


def test_gradients_that_were_left_are_those_that_are_added_to() -> None:
    result = verify(LINE, accumulate=2, steps=2)
    first, second = result.record.steps
    # by the rows (0, 1) and (1, 3) at w = 1/2, b = −1: errors −2 and −7/2
    assert by_step(gathered(side_by_side(result.record.steps)), result.record)[1] == {}
    assert one(by_step(gathered(side_by_side(result.record.steps)), result.record)[2]["w"]) == (-3.5, 0, 0, True)
    assert one(by_step(gathered(side_by_side(result.record.steps)), result.record)[2]["b"]) == (-5.5, 0, 0, True)
    record = changed(result, 2, accumulated={**second.accumulated, "b": np.asarray(0.0)})
    assert one(by_step(gathered(side_by_side(record.steps)), record)[2]["b"]) == (-5.5, 5.5, 0, False)
    assert one(by_step(gathered(side_by_side(record.steps)), record)[2]["w"])[3]
    alone = Record(**{**vars(result.record), "steps": (second,)})
    assert one(by_step(gathered(side_by_side(alone.steps), first), alone)[2]["w"]) == (-3.5, 0, 0, True)


def test_parameters_by_hand_that_pytorch_takes_are_rounded_once() -> None:
    result = verify(THIRDS, variant="lr_in_velocity", momentum="0.5", steps=1)
    found = by_step(taken(result.hand, side_by_side(result.record.steps), bound_of(result)), result.record)[1]
    # errors −2 and w − 4 at w = 1/3: dl/dw = −11/3, v = lr·dl/dw, w = 1/3 + 11/30
    expected, error, bound, within = one(found["w"])
    assert expected == float(Fraction(7, 10))
    assert error == pytest.approx(float(np.float32(0.7)) - 0.7, rel=1e-6)
    assert abs(error) <= bound <= 2.0**-24
    assert within
    assert one(found["w.v"])[1:] == (0, 0, True)
    record = changed(result, 1, after={**result.record.steps[0].after, "w": np.asarray(0.7000005)})
    assert not one(by_step(taken(result.hand, side_by_side(record.steps), bound_of(result)), record)[1]["w"])[3]


def test_what_pytorch_is_handed_must_be_the_number_by_hand() -> None:
    result = verify(LINE, variant="lr_in_velocity", momentum="0.5", clip_grad_value="1/3", steps=1)
    step = result.record.steps[0]
    found = by_step(as_by_hand("clipped", result.hand, side_by_side(result.record.steps)), result.record)[1]
    assert one(found["w"]) == (-1 / 3, 0, 0, True)  # dl/dw = −3.5
    record = changed(result, 1, clipped={**step.clipped, "w": np.asarray(-0.25)})
    assert one(by_step(as_by_hand("clipped", result.hand, side_by_side(record.steps)), record)[1]["w"]) == (
        -1 / 3,
        -0.25 + 1 / 3,
        0,
        False,
    )


def test_an_lr_that_changes_is_judged_from_the_lr_before() -> None:
    result = verify(LINE, scheduler="ExponentialLR", gamma="0.5", scheduler_every="batch", steps=3)
    found = by_step(judged(result.settings, side_by_side(result.record.steps)), result.record)
    assert [float(found[step]["lr"].distance.expected.item()) for step in (1, 2, 3)] == [0.1, 0.05, 0.025]
    assert all(one(found[step]["lr"])[3] for step in (1, 2, 3))
    record = changed(result, 2, rates={"lr": np.asarray(0.0500001)})
    planted = by_step(judged(result.settings, side_by_side(record.steps)), record)
    assert [one(planted[step]["lr"])[3] for step in (1, 2, 3)] == [True, False, False]  # 0.025 is not half of it
    constant = verify(LINE, steps=2)
    assert judged(constant.settings, side_by_side(constant.record.steps)) == [{}]
