"""The order of a sum, found from sums of special numbers.

P. Xie, Y. Gao, Y. Fan, J. Xue, "FPRev: revealing the order of floating-point summation", USENIX ATC 2025: where term i
is a number M so large that it absorbs all others, term j is −M, and all others are 1, the sum is the number of terms
that do not come to either before both meet. So it tells how many terms the smallest partial sum has that holds both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from verify.summation.order import Order, order_of

Pair = tuple[int, int]
# The number of terms in the smallest partial sum with both terms of each pair, as each of the results shows it: an
# array of (pairs, results).
Ask = Callable[[Sequence[Pair]], NDArray[np.int64]]

MOST_ORDERS = 8  # of the results of one call: more are not told apart
QUESTIONS = 8  # for each term and each halving, at most; a tree that needs more is left unknown


class NotATreeError(ValueError):
    """Raised where the answers are of no one tree."""


def revealed(count: int, ask: Ask) -> tuple[Order, ...]:
    """The different orders in which the results of a call add up `count` terms, 2 or more. Raises `NotATreeError`.

    The tree of a result follows from its answers, and they must fit: each partial sum has as many terms as is said.
    """
    known: dict[Pair, NDArray[np.int64]] = {}
    limit = QUESTIONS * count * max(1, math.ceil(math.log2(count)))

    def asked(pairs: Sequence[Pair]) -> None:
        new = [pair for pair in pairs if pair not in known]
        if len(known) + len(new) > limit:
            raise NotATreeError(f"more than {limit} questions")
        if new:
            known.update(zip(new, ask(new), strict=True))

    found: list[Order] = []
    unknown: NDArray[np.intp] | None = None
    while unknown is None or unknown.size:
        if len(found) == MOST_ORDERS:
            raise NotATreeError(f"more than {MOST_ORDERS} orders")
        result = 0 if unknown is None else int(unknown[0])
        order, questions = _of_result(count, asked, known, result)
        found.append(order)
        answers = np.array([known[pair] for pair in questions])
        alike = (answers == answers[:, [result]]).all(axis=0)
        unknown = np.flatnonzero(~alike) if unknown is None else unknown[~alike[unknown]]
    return tuple(dict.fromkeys(found))


def _of_result(
    count: int, asked: Callable[[Sequence[Pair]], None], known: Mapping[Pair, NDArray[np.int64]], result: int
) -> tuple[Order, list[Pair]]:
    """The order of one result, and the pairs from whose answers it follows.

    Of a group of terms that make a partial sum one is held against all others: those that have the same answer make a
    partial sum that is added to all with a smaller one, and are a group of their own.
    """
    draws = Random(count)  # which term is taken decides how many questions there are, nothing else
    groups: list[list[int]] = [list(range(count))]
    parts: list[tuple[int, list[int]]] = []  # of each group the term, and the groups that are added to it in turn
    questions: list[Pair] = []
    first = 0
    while first < len(groups):
        level = [(group, draws.choice(group)) for group in groups[first:]]
        pairs = [[(term, other) for other in group if other != term] for group, term in level]
        asked([pair for own in pairs for pair in own])
        first = len(groups)
        for (_, term), own in zip(level, pairs, strict=True):
            questions += own
            by_size: dict[int, list[int]] = {}
            for pair in own:
                by_size.setdefault(int(known[pair][result]), []).append(pair[1])
            parts.append((term, list(range(len(groups), len(groups) + len(by_size)))))
            groups += [by_size[size] for size in sorted(by_size)]
            _check(by_size)
    return _assembled(count, parts), questions


def _check(by_size: Mapping[int, Sequence[int]]) -> None:
    """Raises `NotATreeError` unless each partial sum has the terms of the one before and those that are added to it."""
    terms = 1
    for size in sorted(by_size):
        terms += len(by_size[size])
        if terms != size:
            raise NotATreeError(f"a partial sum of {terms} terms that is said to have {size}")


def _assembled(count: int, parts: Sequence[tuple[int, Sequence[int]]]) -> Order:
    """The order of the first group, from what is added to the chosen term of each; a part comes after its group."""
    additions: list[Pair] = []
    whole = [term for term, _ in parts]
    for group in range(len(parts) - 1, -1, -1):
        for part in parts[group][1]:
            additions.append((whole[group], whole[part]))
            whole[group] = count + len(additions) - 1
    return order_of(additions)
