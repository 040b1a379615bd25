"""The loss of an epoch: the mean of its batches' losses, and the mean over its samples."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from derive.problem.loading import load
from tests.problems import FIVE_POINTS
from verify import Result, verify
from verify.compare.epochs import Means, epoch_losses

LINE = "\n" + FIVE_POINTS + "[training]\nlr = 0.01\nbatch_size = 2\nepochs = 2\n"


def losses(result: Result, epoch: int) -> list[tuple[Fraction, int]]:
    """The losses of an epoch by hand, with the samples of their batches."""
    found = []
    for row in result.rows:
        value = row.checks["l"].hand_fraction
        assert value is not None
        if row.batch.epoch == epoch:
            found.append((value, row.batch.n))
    return found


def test_a_smaller_last_batch_tells_the_two_apart() -> None:
    result = verify(LINE)
    assert [(found.epoch, found.batches, found.n, found.alike) for found in result.epochs] == [
        (1, 3, 5, False),
        (2, 3, 5, False),
    ]
    for epoch in result.epochs:
        own = losses(result, epoch.epoch)
        assert epoch.hand == Means(float(sum(loss for loss, _ in own) / 3), float(sum(loss * n for loss, n in own) / 5))
        assert epoch.hand.of_batches != epoch.hand.over_samples
        assert epoch.autograd.of_batches == pytest.approx(epoch.hand.of_batches, rel=1e-6)
        assert epoch.autograd.over_samples == pytest.approx(epoch.hand.over_samples, rel=1e-6)


def test_without_an_update_the_mean_over_samples_is_the_loss_of_all() -> None:
    still = f'frozen = ["w"]\n{LINE}'.replace("w = 0", "w = 0.5")
    parts, whole = verify(still, dtype="float64").epochs[0], verify(still, batch_size="all").epochs[0]
    assert parts.hand.over_samples == whole.hand.over_samples == whole.hand.of_batches == 24.75
    assert parts.hand.of_batches != 24.75


def test_batches_of_one_size_have_one_mean() -> None:
    [epoch] = verify("article").epochs
    assert epoch.alike
    assert epoch.hand.of_batches == epoch.hand.over_samples == pytest.approx(190.8731, abs=1e-4)


@pytest.mark.parametrize(
    ("loss", "mean"),
    [
        ("mean((w*x - y)^2)", True),
        ("sum((w*x - y)^2)/n", True),
        ("(1/n)*(w*x - y)^2", True),
        ("mse(w*x, y)", True),
        ("sum((w*x - y)^2)", False),
        ("sse(w*x, y)", False),
        ("sum((w*x - y)^2) + w^2", False),
    ],
)
def test_whether_a_loss_is_a_mean_or_a_sum(loss: str, mean: bool) -> None:
    assert load(LINE.replace("mean((w*x - y)^2)", loss)).graph.averages is mean


def test_a_line_beside_the_loss_does_not_make_it_a_mean() -> None:
    equations = 'loss = "l"\nequations = """\nl = sum((w*x - y)^2)\nmse = l/n\n"""'
    assert not load(LINE.replace('equations = "l = mean((w*x - y)^2)"', equations)).graph.averages


def test_a_sum_has_the_weight_of_its_samples_already() -> None:
    result = verify(LINE.replace("mean(", "sum("), epochs=1)
    own = losses(result, 1)
    [epoch] = result.epochs
    assert epoch.hand == Means(float(sum(loss for loss, _ in own) / 3), float(sum(loss for loss, _ in own) / 5))


def test_an_epoch_that_is_not_complete_has_the_batches_taken() -> None:
    assert [(found.batches, found.n) for found in verify(LINE, steps=5).epochs] == [(3, 5), (2, 4)]


def test_after_the_hand_calculation_has_ended_there_is_no_mean() -> None:
    first, second = verify(LINE, drift=4).epochs
    assert math.isfinite(first.hand.of_batches)
    assert math.isnan(second.hand.of_batches)
    assert math.isnan(second.hand.over_samples)
    assert math.isfinite(second.autograd.over_samples)


def test_a_loss_that_overflows_has_no_mean() -> None:
    result = verify("parabola", lr=2, steps=100)
    assert math.isnan(result.epochs[-1].autograd.of_batches)
    assert math.isfinite(result.epochs[-1].hand.of_batches)


@runs(max_examples=15, deadline=None)
@given(st.integers(1, 10), st.booleans())
def test_the_weights_are_the_sizes(size: int, shuffle: bool) -> None:
    result = verify("article", batch_size=size, shuffle=shuffle, dtype="float64")
    [epoch] = epoch_losses(result.problem.graph, result.hand, result.record)
    own = losses(result, 1)
    assert epoch.n == 9
    assert epoch.hand.over_samples == float(sum(loss * n for loss, n in own) / 9)
    assert epoch.alike == (epoch.hand.of_batches == epoch.hand.over_samples) == (len({n for _, n in own}) == 1)


def test_a_loss_of_astronomic_size_is_no_fraction() -> None:
    """exp(10^38) is a small ball; written out it would fill any memory."""
    result = verify('equations = "l = exp(w)"\n[parameters]\nw = 1e38\n[training]\nlr = 0.1\nsteps = 1\n')
    [epoch] = result.epochs
    assert math.isnan(epoch.hand.of_batches)
    assert (
        verify('equations = "l = exp(-w)"\n[parameters]\nw = 1e38\n[training]\nlr = 0.1\n').epochs[0].hand.of_batches
        == 0
    )
