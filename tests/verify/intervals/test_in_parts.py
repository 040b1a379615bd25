"""What is made part by part is what is made at once."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import BroadcastableShapes, mutually_broadcastable_shapes

from verify.intervals import in_parts as module
from verify.intervals import rounded_pairs
from verify.intervals.enclosures import Enclosed
from verify.intervals.in_parts import in_parts, parts
from verify.intervals.midpoint_radius import pairs
from verify.intervals.rounded_pairs import RoundedPairs


@given(st.lists(st.integers(0, 7), max_size=4), st.integers(1, 40))
def test_parts_make_up_the_whole(shape: list[int], most: int) -> None:
    seen = np.zeros(shape, dtype=int)
    for part in parts(shape, most):
        seen[part] += 1
        assert 0 <= seen[part].size <= most
    assert (seen == 1).all()


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=6), st.integers(1, 30), st.data())
def test_operands_that_broadcast(shapes: BroadcastableShapes, most: int, data: st.DataObject) -> None:
    """Every result of an operation of pairs, its midpoint and its radius, bit by bit."""
    draws = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, y = (
        pairs(draws.normal(size=shape), np.abs(draws.normal(size=shape)) * draws.integers(0, 2, shape))
        for shape in shapes.input_shapes
    )
    op = data.draw(st.sampled_from(["add", "sub", "mul", "div", "max", "min"]))
    system = data.draw(st.sampled_from([Enclosed(), RoundedPairs("float32"), RoundedPairs("bfloat16")]))
    wanted = system.apply(op, (x, y))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "NUMBERS", most)
        found = system.apply(op, (x, y))
    assert found.shape == wanted.shape
    assert found.tobytes() == wanted.tobytes()


def test_no_part_is_large() -> None:
    sizes: list[int] = []

    def counted(args: tuple[np.ndarray, ...]) -> np.ndarray:
        sizes.append(math.prod(np.broadcast_shapes(*(arg.shape for arg in args))))
        return args[0] + args[1]

    left, right = np.arange(300.0).reshape(1, 300, 1), np.arange(400.0).reshape(2, 1, 200)
    assert np.array_equal(in_parts(counted, (left, right)), left + right)
    assert len(sizes) > 1
    assert max(sizes) <= module.NUMBERS


@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 99), st.integers(1, 20), st.booleans(), st.booleans())
def test_a_distance_in_parts(rows: int, columns: int, seed: int, most: int, same: bool, alone: bool) -> None:
    """Also where the exact number has no value, or the other midpoint."""
    draws = np.random.default_rng(seed)
    mid = draws.normal(size=(rows, columns))
    found = pairs(mid, np.where(draws.random(mid.shape) < 0.1, np.nan, np.abs(draws.normal(size=mid.shape))))
    moved = mid if same else mid + draws.normal(size=mid.shape) * draws.integers(0, 2, mid.shape)
    exact = None if alone else pairs(np.where(draws.random(mid.shape) < 0.1, np.nan, moved), 2.0**-60)
    floats = mid + draws.normal(size=mid.shape) * draws.integers(0, 2, mid.shape)
    system = RoundedPairs("float32")
    wanted = system.distance(floats, found, exact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounded_pairs, "NUMBERS", most)  # down to one number: what is quick of all is that of each
        own = system.distance(floats, found, exact)
    for field in fields(wanted):
        assert getattr(own, field.name).tobytes() == getattr(wanted, field.name).tobytes()
