"""Asks the installed PyTorch, at first use, in which order a call adds up; the answer is kept.

Of the training side: it imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive.problem.loading import Problem
from derive.run.settings import Settings
from verify.pytorch.calls import MEAN, PRODUCT, Call, Calls, Laid
from verify.pytorch.module import DTYPES, GraphModule
from verify.record import Block
from verify.summation.order import Order
from verify.summation.reveal import NotATreeError, Pair, revealed
from verify.summation.sums import Made

LARGE = 2.0**100  # absorbs every sum of numbers that are counted, and is far from overflow
MOST_TERMS = 2**14
MOST_WORK = 2**31  # for the order of one call: about a second
CALLING = 2**14  # what a call costs beside its additions, in these
AGAIN, PAIRS_AGAIN = 8, 256  # how often each line is asked once more, when the order is found, and of how many pairs


class Sums:
    """The sums that PyTorch makes in the passes of a step, each with its order where that can be found.

    Only of float32: the bounds of float64 are far below what they judge, those of 16 bits those of their last rounding.
    """

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem = problem
        self.dtype = DTYPES[settings.dtype]

    def __call__(self, block: Block) -> tuple[Made, ...]:
        """Those of one step of a block: which calls there are depends on shapes alone."""
        if self.dtype != torch.float32 or not block.fits:
            return ()
        model = GraphModule(self.problem, self.dtype)
        columns = {name: torch.tensor(held[0], dtype=self.dtype) for name, held in block.data.items()}
        with Calls() as noted, torch.enable_grad():
            loss: Tensor = model(columns, block.n)[self.problem.graph.loss]
            if loss.requires_grad:
                torch.autograd.backward(loss)
        long = (call for call in noted.found if call.sums.is_long)
        return tuple(Made(call.sums, orders_of(call), call.in_a_row) for call in long)


@cache
def orders_of(call: Call) -> tuple[Order, ...]:
    """Returns the orders in which a call adds up its results; none where they are not found.

    Each result is asked something else at first: that takes few calls, and the answers only fit together where all
    results are added in one order, which is then held against each once more. Else all are asked the same.
    """
    assert call.threads == torch.get_num_threads()  # the order is that of so many
    terms = call.sums.shape[0]
    if any(own.is_spread or own.dtype != torch.float32 for own in call.operands) or not 2 <= terms <= MOST_TERMS:
        return ()
    for probe in (Probe(call, apart=True), Probe(call, apart=False)):
        if probe.work > MOST_WORK:
            continue
        try:
            found = revealed(terms, probe.ask)
        except NotATreeError:
            continue  # the results are not added alike
        if probe.carriers == 1 or (len(found) == 1 and probe.confirms(found[0])):
            return found
    return ()


class Probe:
    """A call with numbers that tell its order.

    What is asked stands in lines of terms: in each row or column of a product of matrices, and for each result of a
    sum over dimensions. In each line something else is asked, `apart`, or in all the same.
    """

    def __init__(self, call: Call, *, apart: bool) -> None:
        self.call = call
        self.terms = call.sums.shape[0]
        self.operands = [own.filled(1) for own in call.operands]
        side, kept, summed = _sides(call)
        laid = call.operands[side]
        self.lines, self.places = _offsets(laid, kept), _offsets(laid, summed)
        length = int(self.lines[-1] + self.places[-1]) + 1
        self.memory = self.operands[side].as_strided((length,), (1,), laid.offset).numpy()
        self.is_turned = side == 1
        self.carriers = len(self.lines) if apart else 1
        self.draws = np.random.default_rng(self.terms)  # which line asks what decides nothing

    @property
    def work(self) -> float:
        """About what the order costs, in additions: a product of matrices makes many at once."""
        questions = self.terms * math.log2(self.terms) / self.carriers
        many = self.call.sums.shape[0] * math.prod(self.call.sums.shape[1:])
        return questions * (many / (16 if self.call.name == PRODUCT else 4) + CALLING)

    def ask(self, pairs: Sequence[Pair]) -> NDArray[np.int64]:
        """How many terms the smallest partial sum with both of a pair has, in each of the results that show it."""
        asked = np.array(pairs)
        found = []
        for first in range(0, len(asked), self.carriers):
            part = asked[first : first + self.carriers]
            if self.carriers == 1:
                found.append(self._asked(slice(None), part).reshape(1, -1))
            else:
                found.append(self._asked(self.draws.permutation(self.carriers)[: len(part)], part))
        return np.concatenate(found)

    def confirms(self, order: Order) -> bool:
        """Whether all lines answer as the order has it when they are asked again."""
        pairs = np.array([self.draws.choice(self.terms, 2, replace=False) for _ in range(PAIRS_AGAIN)])
        sizes = np.array([order.together(int(first), int(second)) for first, second in pairs])
        for _ in range(AGAIN):
            taken = self.draws.integers(0, PAIRS_AGAIN, len(self.lines))
            if (self._asked(slice(None), pairs[taken]) != sizes[taken][:, np.newaxis]).any():
                return False
        return True

    def _asked(self, lines: slice | NDArray[np.intp], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """The answers of one call, of the lines in which the pairs are asked."""
        first, second = (self.lines[lines] + self.places[own] for own in pairs.T)
        self.memory[first], self.memory[second] = LARGE, -LARGE
        found = self.call.made(self.operands)
        self.memory[first] = self.memory[second] = 1
        counted = found.mul_(self.terms).round_() if self.call.name == MEAN else found
        turned = counted.transpose(1, 2) if self.is_turned else counted
        answers: NDArray[np.int64] = turned.reshape(len(self.lines), -1)[lines].to(torch.int64).numpy()
        return self.terms - answers


def _sides(call: Call) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """The operand that asks, its dimensions that count lines, and those that count terms.

    Of a product of matrices it is the one with more rows or columns.
    """
    if call.name != PRODUCT:
        kept = (place for place in range(len(call.operands[0].shape)) if place not in call.dimensions)
        return 0, tuple(kept), call.dimensions
    left, right = (own.shape for own in call.operands)
    return (1, (0, 2), (1,)) if right[2] > left[1] else (0, (0, 1), (2,))


def _offsets(laid: Laid, places: Sequence[int]) -> NDArray[np.intp]:
    """Where the numbers along some dimensions stand in memory, the last dimension the fastest."""
    found = np.zeros(1, dtype=np.intp)
    for place in places:
        steps = np.arange(laid.shape[place], dtype=np.intp) * laid.strides[place]
        found = np.add.outer(found, steps).ravel()
    return found
