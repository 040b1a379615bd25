"""The tree of a sum follows from how many terms the smallest partial sum with two of them has."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.summation_orders import added, in_halves, in_turn, orders
from verify.summation.order import Order
from verify.summation.reveal import Ask, NotATreeError, Pair, revealed


def answers(*trees: Order) -> Ask:
    """The answers of results that are added in these orders."""

    def ask(pairs: Sequence[Pair]) -> NDArray[np.int64]:
        return np.array([[tree.together(*pair) for tree in trees] for pair in pairs])

    return ask


@given(orders())
def test_the_tree_is_found(order: Order) -> None:
    assert revealed(order.count, answers(order)) == (order,)


@given(orders())
def test_the_masks_tell_what_is_together(order: Order) -> None:
    """The numbers that are added up in float32 tell the tree, though they are rounded in every addition."""

    def ask(pairs: Sequence[Pair]) -> NDArray[np.int64]:
        terms = np.ones((len(pairs), order.count), dtype=np.float32)
        for line, (first, second) in zip(terms, pairs, strict=True):
            line[first], line[second] = 2.0**100, -(2.0**100)
        return order.count - added(order, terms).astype(np.int64)[:, np.newaxis]

    assert revealed(order.count, ask) == (order,)


@given(st.data(), st.integers(2, 20))
def test_results_that_are_added_differently_are_told_apart(data: st.DataObject, count: int) -> None:
    trees = [in_turn(count), in_halves(count), data.draw(orders(count).filter(lambda own: own.count == count))]
    shown = data.draw(st.lists(st.sampled_from(trees), min_size=1, max_size=9))
    assert set(revealed(count, answers(*shown))) == set(shown)


@pytest.mark.parametrize("answer", [0, 3, 2**40, -1])
def test_answers_of_no_tree_are_refused(answer: int) -> None:
    def ask(pairs: Sequence[Pair]) -> NDArray[np.int64]:
        return np.full((len(pairs), 1), answer)

    with pytest.raises(NotATreeError):
        revealed(8, ask)


def test_more_orders_than_are_told_apart_are_refused() -> None:
    trees = {order for seed in range(200) for order in [_random(12, seed)]}
    with pytest.raises(NotATreeError, match="more than 8 orders"):
        revealed(12, answers(*trees))


def _random(count: int, seed: int) -> Order:
    from verify.summation.order import order_of

    random, numbers, additions = np.random.default_rng(seed), list(range(count)), list[Pair]()
    while len(numbers) > 1:
        pair = numbers.pop(random.integers(len(numbers))), numbers.pop(random.integers(len(numbers)))
        additions.append(pair)
        numbers.append(count + len(additions) - 1)
    return order_of(additions)
