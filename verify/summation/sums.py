"""The sums of one forward and backward pass, and in which order PyTorch adds each up, as far as that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from verify.summation.order import Order

FEWEST = 16  # terms: shorter sums are bounded in any order, which is hardly wider


@dataclass(frozen=True)
class Sum:
    """Sums of as many terms, made at once: `shape` is (m, results) of a sum over dimensions.

    Of a product of matrices it is (m, matrices, the shorter side of a result, the longer one).
    """

    shape: tuple[int, ...]

    @property
    def key(self) -> tuple[int, ...]:
        """What a bound is looked up by: of a sum over dimensions, the number of terms alone."""
        return self.shape[:1] if len(self.shape) == 2 else self.shape

    @property
    def is_long(self) -> bool:
        """Whether its order matters."""
        return self.shape[0] >= FEWEST


def product(terms: int, matrices: int, rows: int, columns: int) -> Sum:
    """The sums of a product of matrices, which are the same where it is made of the transposed ones."""
    return Sum((terms, matrices, min(rows, columns), max(rows, columns)))


@dataclass(frozen=True)
class Asked:
    """Sums of a pass as a derivation has them; `in_a_row` says that the terms are counted along one axis.

    Where they are counted along several, those of a call may come in another order.
    """

    sums: Sum
    in_a_row: bool = True


@dataclass(frozen=True)
class Made:
    """Sums that PyTorch makes in one call, and the orders of its results: none where they are not known."""

    sums: Sum
    orders: tuple[Order, ...]
    in_a_row: bool = True


@dataclass(frozen=True)
class Known:
    """What is known of the order of sums: how deep its tree is at most, and the tree, where all have the same."""

    depth: int
    order: Order | None


def in_any_order(terms: int) -> Known:
    """What is true of every order: none is deeper than adding one term after the other."""
    return Known(max(0, terms - 1), None)


@dataclass(frozen=True)
class Orders:
    """What is known of the sums of a pass, by `Sum.key`; of so many `long` ones the order of so many is `known`."""

    by_key: Mapping[tuple[int, ...], Known] = field(default_factory=dict)
    long: int = 0
    known: int = 0

    def of(self, sums: Sum) -> Known:
        """What is known of such sums."""
        return self.by_key.get(sums.key) or in_any_order(sums.shape[0])


def matched(asked: Iterable[Asked], made: Iterable[Made]) -> Orders:
    """The orders of the sums that are `asked` for, each of which is one call of those that were `made`.

    Where there are fewer calls than sums of a shape, PyTorch makes one of them in another way: nothing is known of any
    with its key.
    """
    wanted = [own for own in asked if own.sums.is_long]
    calls: dict[tuple[int, ...], list[Made]] = {}
    for call in made:
        calls.setdefault(call.sums.key, []).append(call)
    missing = Counter(own.sums for own in wanted) - Counter(call.sums for own in calls.values() for call in own)
    unknown = {sums.key for sums in missing} | {key for key, own in calls.items() if not all(c.orders for c in own)}
    scattered = {own.sums.key for own in wanted if not own.in_a_row}
    by_key = {
        own.sums.key: _together(calls[own.sums.key], own.sums.key not in scattered)
        for own in wanted
        if own.sums.key not in unknown
    }
    return Orders(by_key, len(wanted), sum(own.sums.key in by_key for own in wanted))


def _together(calls: Sequence[Made], in_a_row: bool) -> Known:
    """What is true of the results of all calls."""
    orders = {order for call in calls for order in call.orders}
    is_one = len(orders) == 1 and in_a_row and all(call.in_a_row for call in calls)
    return Known(max(order.depth for order in orders), next(iter(orders)) if is_one else None)
