"""Numbers that are the very ones expected answer as any others do, without a look at each."""

from dataclasses import fields

import numpy as np
import pytest

from verify.compare.check import Numbers, Unchanged
from verify.numbers import Distance

ANSWERS = ("decided", "within", "wide", "replayed", "agrees", "disagrees", "caught")


@pytest.mark.parametrize("shape", [(3,), (2, 4), (2, 0), (1, 2, 3)])
def test_numbers_that_did_not_change_answer_as_others_do(shape: tuple[int, ...]) -> None:
    floats = np.linspace(-1.0, 1.0, int(np.prod(shape))).reshape(shape)
    nothing, everywhere = np.zeros(shape), np.ones(shape, dtype=np.bool_)
    plain = Numbers(floats, Distance(floats, nothing, nothing, nothing, everywhere, ~everywhere))
    found = Unchanged.of(floats)
    for answer in ANSWERS:
        np.testing.assert_array_equal(getattr(found, answer), getattr(plain, answer), err_msg=answer)
    for own in fields(Distance):
        np.testing.assert_array_equal(getattr(found.distance, own.name), getattr(plain.distance, own.name))
    one = found.of_step(np.array([0]))
    np.testing.assert_array_equal(one.agrees, plain.of_step(np.array([0])).agrees)
    moved = found.replaced(0, Numbers(floats[0] + 1, plain.distance.at(0)))
    assert (moved.autograd[0] == floats[0] + 1).all()
