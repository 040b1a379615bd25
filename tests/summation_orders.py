"""Orders of sums for tests: strategies, and a sum that is added in an order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from verify.summation.order import Order, order_of


def in_turn(count: int) -> Order:
    """One term after the other."""
    return order_of([(0, 1), *((count + k, k + 2) for k in range(count - 2))])


def in_halves(count: int) -> Order:
    """Neighbours first, then neighbours of these."""
    numbers, additions = list(range(count)), list[tuple[int, int]]()
    while len(numbers) > 1:
        pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
        left = numbers[len(pairs) * 2 :]
        numbers = [count + len(additions) + k for k in range(len(pairs))] + left
        additions += pairs
    return order_of(additions)


@st.composite
def orders(draw: st.DrawFn, most: int = 40) -> Order:
    """Any tree of 2 or more terms; often with a long chain."""
    count = draw(st.integers(2, most))
    random, chained = draw(st.randoms(use_true_random=False)), draw(st.floats(0, 1))
    numbers, additions = list(range(count)), list[tuple[int, int]]()
    random.shuffle(numbers)
    while len(numbers) > 1:
        left = numbers.pop(-1 if random.random() < chained else random.randrange(len(numbers)))
        additions.append((left, numbers.pop(random.randrange(len(numbers)))))
        numbers.append(count + len(additions) - 1)
    return order_of(additions)


def added(order: Order, terms: Any) -> Any:
    """The sum along the last dimension, each addition rounded to the dtype of the terms."""
    numbers = list(np.moveaxis(terms, -1, 0))
    for left, right in order.additions:
        numbers.append(numbers[left] + numbers[right])
    return numbers[-1]


def partial_sums_of(order: Order, terms: Any) -> list[Any]:
    """What every addition gives."""
    numbers = list(np.moveaxis(terms, -1, 0))
    for left, right in order.additions:
        numbers.append(numbers[left] + numbers[right])
    return numbers[order.count :]
