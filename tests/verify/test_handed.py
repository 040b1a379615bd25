from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from verify import verify
from verify.hand.run import as_floats, handed
from verify.numbers import middle, objects, precision

LINE = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = "1/3"
[data]
x = [1, 2, 3, 4]
y = [3, 5, 7, 9]
[training]
lr = 0.05
batch_size = 1
accumulate = 2
momentum = 0.9
steps = 5
"""


def test_numbers_are_rounded_once_to_float64() -> None:
    array = objects([fmpq(1, 3), fmpq(2**60 + 1), fmpq(-1, 10)], (3,))
    assert as_floats({"w": array})["w"].tolist() == [1 / 3, float(2**60), -0.1]
    assert as_floats({"w": objects([fmpq(10) ** 400], ())})["w"] == np.inf


def test_only_updates_are_handed_on() -> None:
    run = verify(LINE, variant="lr_in_velocity").hand
    found = handed(run)
    assert found.steps == 5
    assert {name: float(value) for name, value in found.start.items()} == {"w": 1 / 3, "w.v": 0.0}
    updating = [step for step in run.steps if step.batch.updates]
    assert len(found.updates) == len(updating) == 2
    for values, step in zip(found.updates, updating, strict=True):
        assert float(values["w"]) == float(Fraction(str(step.after["w"].item())))


def test_a_ball_as_a_fraction_is_its_midpoint() -> None:
    assert middle(fmpq(-4, 6)) == Fraction(-2, 3)
    with precision(100):
        assert middle(arb(3) / 8) == Fraction(3, 8)
        assert abs(middle(arb(2).sqrt()) ** 2 - 2) < Fraction(1, 2**95)
