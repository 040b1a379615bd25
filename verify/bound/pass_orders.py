"""In which orders PyTorch adds up what forward and backward pass of a graph add up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from verify.hand.evaluation import length
from verify.hand.program import Stage, Term
from verify.record import Block
from verify.summation.sums import Asked, Made, Orders, Sum, matched

Ask = Callable[[Block], Iterable[Made]]  # for the sums that PyTorch makes in a step of a block


class PassOrders:
    """The orders for batches of each size, asked for when the first such batch comes."""

    def __init__(self, stages: Sequence[Stage], ask: Ask) -> None:
        self.stages = stages
        self.ask = ask
        self.by_size: dict[int, Orders] = {}

    def of(self, block: Block) -> Orders:
        """The orders for the steps of a block."""
        if not block.fits:
            return Orders()
        if block.n not in self.by_size:
            wanted = list(_asked(self.stages, block.n))
            is_long = any(own.sums.is_long for own in wanted)
            self.by_size[block.n] = matched(wanted, self.ask(block) if is_long else ())
        return self.by_size[block.n]

    @property
    def counted(self) -> tuple[int, int]:
        """How many sums of many terms the passes have, for each size of a batch, and of how many the order is known."""
        found = self.by_size.values()
        return sum(orders.long for orders in found), sum(orders.known for orders in found)


def _asked(stages: Iterable[Stage], n: int) -> Iterator[Asked]:
    """What the stages add up in batches of `n` samples."""
    for stage in stages:
        for term in stage.terms:
            if term.summed and term.reduction in ("sum", "mean"):
                lengths = [length(axis, {"n": n}) for axis in term.axes]
                long = sum(many > 1 for many in lengths[len(lengths) - term.summed :])
                yield Asked(_sum(term, lengths), long < 2)


def _sum(term: Term, lengths: Sequence[int]) -> Sum:
    if term.contraction is not None:
        return term.contraction.sums(lengths)
    kept = len(lengths) - term.summed
    return Sum((math.prod(lengths[kept:]), math.prod(lengths[:kept])))
