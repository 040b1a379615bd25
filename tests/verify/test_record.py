"""Steps in blocks are the steps that they are made of, in the order of the run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.run.batches import Batch
from verify.record import Block, StepRecord, Steps, side_by_side


def step(number: int, n: int, adds: bool) -> StepRecord:
    """A step whose numbers say which it is."""
    batch = Batch(number, 1, number, tuple(range(n)), adds)
    own = float(number)
    values = {"w": np.array([own, -own])}
    loss = np.array(own)
    held = {"w": np.array([own, 0.5])} if adds else {}
    return StepRecord(batch, values, loss, values, {"w": values["w"] + 1}, {}, {}, {"x": np.full(n, own)}, held)


def same(one: StepRecord, other: StepRecord) -> bool:
    groups = ("before", "gradients", "after", "data", "accumulated")
    return (
        one.batch == other.batch
        and one.loss == other.loss
        and all(list(getattr(one, g)) == list(getattr(other, g)) for g in groups)
        and all(np.array_equal(getattr(one, g)[k], getattr(other, g)[k]) for g in groups for k in getattr(one, g))
    )


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=12), st.integers(1, 4))
def test_blocks_hold_the_steps_in_the_order_of_the_run(kinds: list[tuple[int, bool]], length: int) -> None:
    steps = [step(number, n, adds) for number, (n, adds) in enumerate(kinds, start=1)]
    whole = side_by_side(steps)
    for found in (whole, whole.split(lambda _: length)):
        assert len(found) == len(steps)
        assert found.batches == [own.batch for own in steps]
        assert all(same(one, other) for one, other in zip(found, steps, strict=True))
        assert all(len({(b.n, b.adds) for b in block.batches}) == 1 for block in found.blocks)
        assert found.each([block.loss for block in found.blocks]).tolist() == [float(own.loss) for own in steps]
    assert all(len(block) <= length for block in whole.split(lambda _: length).blocks)
    assert side_by_side(whole) is whole
    assert [own.batch.step for own in whole[1:3]] == [own.batch.step for own in steps[1:3]]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=12), st.integers(1, 4))
def test_what_the_step_before_left_is_told_of_each_step(sizes: list[int], length: int) -> None:
    steps = side_by_side([step(number, n, False) for number, n in enumerate(sizes, start=1)]).split(lambda _: length)
    left = steps.left(lambda block, name: block.floats("after", name), "w", np.array([7.0, 8.0]))
    for number, (block, place) in enumerate(steps.places):
        wanted = [7.0, 8.0] if number == 0 else [number + 1.0, 1.0 - number]
        assert left[block][place].tolist() == wanted


def test_parts_of_a_block() -> None:
    (block,) = side_by_side([step(number, 2, False) for number in range(1, 6)]).blocks
    assert [batch.step for batch in block.part(1, 3).batches] == [2, 3]
    assert block.of(np.array([4, 0])).floats("before", "w").tolist() == [[5, -5], [1, -1]]
    assert block.step(3).before["w"].dtype == np.float64


@pytest.mark.parametrize("group", ["loss", "gradients", "after"])
def test_a_step_with_a_number_that_is_not_finite(group: str) -> None:
    (block,) = side_by_side([step(number, 2, False) for number in range(1, 4)]).blocks
    values = block.floats(group, "w").copy()
    values[1] = np.inf
    wrong = {group: values if group == "loss" else {"w": values}}
    changed = Block(**{**vars(block), **wrong})
    assert changed.finite.tolist() == [True, False, True]
    assert isinstance(side_by_side(list(Steps([changed], np.array([[0, 1]])))), Steps)
