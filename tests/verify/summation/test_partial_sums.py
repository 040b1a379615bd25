"""A few partial sums bound the sizes of all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.summation_orders import in_halves, in_turn, orders, partial_sums_of
from verify.summation import partial_sums as module
from verify.summation.order import Order
from verify.summation.partial_sums import FEW, PartialSums, partial_sums


def bounded(found: PartialSums, terms: np.ndarray) -> np.ndarray:
    sizes = found.sizes(lambda own: np.asarray(terms[..., own].sum(axis=-1)))
    return sizes + (np.abs(terms) * found.weights).sum(axis=-1)


@given(orders(), st.integers(0, 2**32), st.sampled_from([1, 2**15, 2**30]))
def test_all_partial_sums_together_are_no_larger(order: Order, seed: int, results: int) -> None:
    """In integers, so that nothing is rounded; and it is no wider than the sizes of the terms themselves give."""
    terms = np.random.default_rng(seed).integers(-9, 10, (5, order.count)).astype(float)
    found = partial_sums(order, results)
    wanted = np.sum([np.abs(own) for own in partial_sums_of(order, terms)], axis=0)
    assert (bounded(found, terms) >= wanted).all()
    assert (found.weights <= order.depth).all()
    assert sum(found.times) < order.count


@pytest.mark.parametrize("order", [in_turn(40), in_halves(40)])
def test_where_all_are_calculated_nothing_is_added(order: Order) -> None:
    terms = np.random.default_rng(1).normal(size=order.count)
    wanted = sum(abs(own) for own in partial_sums_of(order, terms))
    assert bounded(partial_sums(order), terms) == pytest.approx(wanted)


def test_of_many_results_few_are_calculated() -> None:
    found = partial_sums(in_turn(1024), 2**30)
    assert len(found.own) == FEW
    assert found.weights.max() <= 1024 / FEW  # the nearest is taken
    assert len(partial_sums(in_turn(1024), 2**10).own) == module.MANY


def test_terms_side_by_side_are_a_slice() -> None:
    assert all(isinstance(own, slice) for own in partial_sums(in_turn(64), 2**30).own)
