"""Means of losses, by a plain calculation of each."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.run.batches import Batch
from verify.logs.meaning import Averaged, RunningSums, averaged

LOSSES = st.lists(st.fractions(0, 100, max_denominator=20), min_size=1, max_size=8)


def batches_of(sizes: list[int], accumulate: int = 1) -> list[Batch]:
    return [
        Batch(
            step,
            1,
            step,
            tuple(range(size)),
            updates=step % accumulate == 0 or step == len(sizes),
            skipped=step - -(-step // accumulate) + (step % accumulate != 0 and step != len(sizes)),
        )
        for step, size in enumerate(sizes, start=1)
    ]


def mean_of(
    kind: str, losses: list[Fraction], sizes: list[int], window: str = "", *, by_samples: bool = True
) -> Fraction:
    quantity = Averaged("averaged", "l", "loss", kind, 1, window)
    batches = batches_of(sizes, 2 if window else 1)
    found = averaged(quantity, batches, losses, Fraction, by_samples)
    assert float(found) == pytest.approx(
        averaged(quantity, batches, [*map(float, losses)], float, by_samples), rel=1e-9
    )
    return found


@given(LOSSES, st.sets(st.integers(0, 7)))
def test_what_overflows_counts_as_the_sum_so_far_divided_by_its_place(losses: list[Fraction], over: set[int]) -> None:
    total = Fraction(0)
    for place, loss in enumerate(losses):
        total += total / (place + 1) if place in over else loss
    quantity = Averaged("averaged", "l", "loss", "filtered")
    assert averaged(quantity, batches_of([1] * len(losses)), losses, Fraction, True, over) == total / len(losses)


@given(LOSSES, st.data())
def test_sums_count_each_batch_once_or_with_its_samples(losses: list[Fraction], data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=len(losses), max_size=len(losses)))
    assert mean_of("sum", losses, sizes) == sum(losses)
    assert mean_of("sum_by_samples", losses, sizes) == sum(n * loss for n, loss in zip(sizes, losses, strict=True))


@given(LOSSES, st.data())
def test_each_kind_is_what_it_is_called(losses: list[Fraction], data: st.DataObject) -> None:
    count = len(losses)
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    assert mean_of("batches", losses, sizes) == sum(losses) / count
    weighted = sum(size * loss for size, loss in zip(sizes, losses, strict=True)) / sum(sizes)
    assert mean_of("samples", losses, sizes) == weighted
    assert mean_of("samples", losses, sizes, by_samples=False) == sum(losses) / sum(sizes)
    kept, new = Fraction(49, 50), Fraction(1, 50)
    plain, debiased = losses[0], Fraction(0)
    for at, loss in enumerate(losses):
        plain = kept * plain + new * loss if at else loss
        debiased = kept * debiased + new * loss
    assert mean_of("smoothed", losses, sizes) == plain
    assert mean_of("debiased", losses, sizes) == debiased / (1 - kept**count)


@given(LOSSES)
def test_updates_of_two_batches(losses: list[Fraction]) -> None:
    pairs = [losses[at : at + 2] for at in range(0, len(losses), 2)]
    sizes = [1] * len(losses)
    assert mean_of("batches", losses, sizes, "mean") == sum(sum(pair) / len(pair) for pair in pairs) / len(pairs)
    assert mean_of("batches", losses, sizes, "last") == sum(pair[-1] for pair in pairs) / len(pairs)


@given(LOSSES)
def test_a_mean_of_one_loss_everywhere_is_that_loss(losses: list[Fraction]) -> None:
    alike, sizes = [losses[0]] * len(losses), [*range(1, len(losses) + 1)]
    for kind in ("batches", "samples", "smoothed", "debiased"):
        assert mean_of(kind, alike, sizes) == losses[0]


@pytest.mark.parametrize("kind", ["batches", "samples", "sum", "sum_by_samples", "smoothed", "debiased"])
@pytest.mark.parametrize("by_samples", [True, False])
def test_sums_of_the_steps_so_far_are_the_means_of_all_losses(kind: str, by_samples: bool) -> None:
    """Whatever the order in which they are asked for: of a later step, an earlier one, from another first step."""
    batches = tuple(batches_of([2, 2, 1] * 4))
    losses = [Fraction(number * number % 17, 7) for number in range(len(batches))]

    def add(total: Fraction | None, number: Fraction, times: int) -> Fraction:
        return (total or Fraction(0)) + number * times

    sums = RunningSums(batches, by_samples, add, Fraction)
    for first, last in ((1, 3), (1, 4), (1, 9), (1, 2), (5, 8), (1, 11), (5, 5)):
        quantity = Averaged("averaged", "l", "loss", kind, first)
        found = sums.of(quantity, last, lambda step: losses[step - 1])
        assert found is not None
        own = slice(first - 1, last)
        assert found[0] / found[1] == averaged(quantity, batches[own], losses[own], Fraction, by_samples)


def test_what_no_sum_so_far_tells() -> None:
    sums = RunningSums(tuple(batches_of([2, 2, 1])), True, lambda total, number, times: (total or 0) + number * times)
    for quantity in (
        Averaged("averaged", "l", "loss", "filtered"),
        Averaged("averaged", "l", "loss", "batches", window="mean"),
        Averaged("averaged", "l", "loss", "smoothed"),  # without a constant
    ):
        assert sums.of(quantity, 1, lambda step: step) is None
