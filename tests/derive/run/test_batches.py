from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.problem.loading import load
from derive.run.batches import Batch, Plan, plan
from derive.run.precedence import effective
from derive.run.settings import Settings


def settings(**flags: object) -> Settings:
    return effective(load("article"), flags)


def test_batches_count_from_one_and_rows_from_zero() -> None:
    assert list(plan(settings(batch_size=4, epochs=2))) == [
        Batch(1, 1, 1, (0, 1, 2, 3)),
        Batch(2, 1, 2, (4, 5, 6, 7)),
        Batch(3, 1, 3, (8,)),
        Batch(4, 2, 1, (0, 1, 2, 3)),
        Batch(5, 2, 2, (4, 5, 6, 7)),
        Batch(6, 2, 3, (8,)),
    ]


def test_the_last_batch_is_as_small_as_what_is_left() -> None:
    assert [batch.n for batch in plan(settings(batch_size=4))] == [4, 4, 1]
    assert [batch.n for batch in plan(settings(batch_size=100))] == [9]


def test_steps_end_within_an_epoch() -> None:
    assert [(b.step, b.epoch, b.batch) for b in plan(settings(steps=4))] == [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 1)]


def test_without_data_a_batch_is_a_step() -> None:
    found = list(plan(effective(load("parabola"), {"steps": 2})))
    assert found == [Batch(1, 1, 1), Batch(2, 2, 1)]
    assert [batch.n for batch in found] == [1, 1]


def test_rows_in_a_given_order() -> None:
    orders = [(8, 7, 6, 5, 4, 3, 2, 1, 0), (0, 2, 4, 6, 8, 1, 3, 5, 7)]
    found = [batch.indices for batch in plan(settings(epochs=2), orders)]
    assert found == [(8, 7, 6), (5, 4, 3), (2, 1, 0), (0, 2, 4), (6, 8, 1), (3, 5, 7)]


def test_the_run_ends_with_the_orders() -> None:
    assert len(list(plan(settings(epochs=5), [tuple(range(9))]))) == 3


def test_a_batch_says_where_it_stands() -> None:
    assert str(Batch(7, 3, 1, (0, 1))) == "step 7 (epoch 3, batch 1)"


@given(st.integers(1, 12), st.integers(1, 3))
def test_each_epoch_has_each_row_once(batch_size: int, epochs: int) -> None:
    batches = list(plan(settings(batch_size=batch_size, epochs=epochs)))
    for epoch in range(1, epochs + 1):
        assert [row for batch in batches if batch.epoch == epoch for row in batch.indices] == list(range(9))
    assert [batch.step for batch in batches] == list(range(1, len(batches) + 1))
    assert len(batches) == settings(batch_size=batch_size, epochs=epochs).steps


def test_one_sample_at_a_time() -> None:
    found = list(plan(settings(batch_size=1, steps=10)))
    assert [batch.indices for batch in found] == [(row,) for row in (*range(9), 0)]
    assert [(batch.epoch, batch.batch) for batch in found[-2:]] == [(1, 9), (2, 1)]


def test_a_smaller_last_batch_can_be_left_out() -> None:
    found = list(plan(settings(batch_size=4, epochs=2, drop_last=True)))
    assert [batch.indices for batch in found] == [(0, 1, 2, 3), (4, 5, 6, 7)] * 2
    assert [batch.indices for batch in plan(settings(batch_size=3, drop_last=True))] == [
        (0, 1, 2),
        (3, 4, 5),
        (6, 7, 8),
    ]


def test_all_samples_in_one_batch() -> None:
    assert [batch.indices for batch in plan(settings(batch_size="all", epochs=2))] == [tuple(range(9))] * 2


def test_an_epoch_is_the_list_of_batches() -> None:
    found = list(plan(settings(batches=[[0, 1, 2], [8, 3]], epochs=2)))
    assert [batch.indices for batch in found] == [(0, 1, 2), (8, 3)] * 2
    assert [(batch.epoch, batch.batch, batch.n) for batch in found] == [(1, 1, 3), (1, 2, 2), (2, 1, 3), (2, 2, 2)]


PLANS = [
    *({"batch_size": 3}, {"batch_size": 2, "epochs": 2}, {"steps": 5}, {"batch_size": 1}, {"batch_size": "all"}),
    *({"batch_size": 4, "drop_last": True, "epochs": 2}, {"batches": [[0, 1, 2], [8, 3]], "epochs": 2}),
    *({"batch_size": 2, "accumulate": 2, "epochs": 2}, {"zero_grad": 3, "steps": 8}, {"zero_grad": False, "steps": 5}),
    {"batches": "[[4], [0, 4]]", "accumulate": 2, "steps": 3},
]


@pytest.mark.parametrize("flags", PLANS, ids=str)
def test_pytorch_takes_the_planned_batches(flags: dict[str, object]) -> None:
    from verify.pytorch.run import train

    problem = load("article")
    chosen = effective(problem, flags)
    steps = train(problem, chosen).steps
    assert [step.batch for step in steps] == list(plan(chosen))
    assert [step.data["x"].tolist() for step in steps] == [list(step.batch.indices) for step in steps]


@pytest.mark.parametrize("flags", PLANS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_plan_agrees(flags: dict[str, object], dtype: str) -> None:
    from verify import verify

    assert verify("article", dtype=dtype, **flags).agrees


def test_a_batch_costs_no_more_where_there_are_many_samples() -> None:
    many = replace(settings(batch_size=2), samples=10**15, steps=10**9)  # a list of all samples would fill any memory
    assert Plan(many)[10**8].indices == (2 * 10**8, 2 * 10**8 + 1)
