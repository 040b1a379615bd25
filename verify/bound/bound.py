"""The bound: what correct floating-point evaluation of a step can give; verify/BOUND.md says why it holds.

Every quantity is calculated at PyTorch's own state (its parameters, its data, its gradients), and
twice: by the derivation as it is written, exactly, and with numbers that round as PyTorch does on the
elementary graph: the same operations in the same order as autograd, forward and backward, each with its
rounding error. No tolerance is chosen. Steps of one kind are calculated side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from derive.chain.derivation import differentiate
from derive.run.reads import Held
from derive.run.run import Run
from verify.bound.elementary import elementary
from verify.bound.kinks import Kink, ties, with_kinks
from verify.bound.pass_orders import Ask, PassOrders
from verify.bound.pytorch_forms import as_pytorch, forward
from verify.hand import calculation
from verify.hand.calculation import Calculation
from verify.hand.evaluation import Values
from verify.hand.program import times_partial
from verify.intervals import Enclosed, RoundedPairs
from verify.names import adjoint_of, clipped, updated
from verify.numbers import Array, Distance, Exact, Floats, Rounded, precision
from verify.record import Block, StepRecord, Steps, side_by_side

PRECISION = 192  # bits inside the balls: what they add themselves is 2⁻¹³⁹ of float64's own rounding
MAX_SIDE_BY_SIDE = 2**16  # numbers of one array: more steps at once need memory and save no time


@dataclass(frozen=True)
class AtState:
    """Steps of one kind at PyTorch's own states; the first dimension of each array is the step.

    `rounded` are all that correct evaluation can give for lines, adjoints (`∂name`) and updated
    parameters and state (`name'`, `name.v'`), `exact` the same by the derivation as it is written, and `terms`
    is Σ|terms| of the loss and the gradients, and of every line and adjoint where they are compared.
    """

    block: Block
    rounded: Values
    exact: Values
    terms: Mapping[str, Floats]


@dataclass(frozen=True)
class Bound:
    """What is compiled once for a run: the elementary graph, rounded, and the equations as written, exactly."""

    rounded: Calculation
    exact: Calculation
    system: Rounded | RoundedPairs
    kinks: tuple[Kink, ...] = ()
    finer: Callable[[], Bound] | None = None  # that of replays in float64, compiled when it is first asked for
    unguarded: Callable[[], Calculation] | None = None  # the equations exactly, with both sides of every `where`
    orders: PassOrders | None = None  # in which PyTorch adds up, where it was asked

    def side_by_side(self, steps: Sequence[StepRecord]) -> Steps:
        """The steps in blocks of one kind, no larger than is worth while."""
        return side_by_side(steps).split(lambda block: max(1, MAX_SIDE_BY_SIDE // _largest(self.rounded, block.n)))

    def states(self, steps: Sequence[StepRecord]) -> Iterator[AtState]:
        """Every step at its state, in blocks that are treated alike."""
        yield from map(self.at, self.side_by_side(steps).blocks)

    def at(self, block: Block) -> AtState:
        """What correct evaluation can give in steps of one kind, calculated side by side."""
        loss, targets = self.exact.derivation.graph.loss, self.exact.derivation.wrt
        measured = (loss, *map(adjoint_of, targets))
        if block.adjoints:  # every line is compared
            measured += (*block.nodes, *map(adjoint_of, block.adjoints))
        with precision(PRECISION):
            rounded, terms = _side(self.rounded, block, measured, self._in_order(block))
            exact, _ = _side(self.exact, block, ())
        return AtState(block, rounded, exact, terms)

    def _in_order(self, block: Block) -> Calculation:
        """The rounded side of forward and backward pass, in the orders that are known for batches of this size."""
        orders = self.orders.of(block) if self.orders is not None else None
        if orders is None or not orders.by_key or not isinstance(self.system, RoundedPairs):
            return self.rounded
        return replace(self.rounded, system=self.system.ordered(orders))

    def of_both_sides(self, block: Block) -> Values:
        """The exact results where the side of `where` that is not chosen counts 0 times; none without a `where`."""
        if self.unguarded is None:
            return {}
        with precision(PRECISION):
            return _side(self.unguarded(), block, ())[0]

    def distance(self, floats: Floats, found: Array, exact: Array | None) -> Distance:
        """The distance of PyTorch's numbers from `exact`, if given, and from all correct ones, which lie in `found`."""
        with precision(PRECISION):
            shape = np.shape(floats)
            aside = None if exact is None else np.broadcast_to(exact, shape)
            return self.system.distance(floats, np.broadcast_to(found, shape), aside)


def _side(
    side: Calculation, block: Block, measured: tuple[str, ...], passes: Calculation | None = None
) -> tuple[dict[str, Array], Mapping[str, Floats]]:
    """The results of one calculation at the states of the steps, and Σ|terms| of what is `measured`.

    `passes` is the same for forward and backward pass, where they are calculated in another system.
    """
    take, n = side.system.take, block.n
    before = {name: take(block.floats("before", name)) for name in block.before}
    data = {name: take(block.floats("data", name)) for name in block.data}
    recorded = {name: take(block.floats("nodes", name)) for name in block.nodes}
    recorded.update({adjoint_of(name): take(block.floats("adjoints", name)) for name in block.adjoints})
    found = (passes or side).at({**before, **data}, n, recorded, measured)
    results, terms = dict(found.results), dict(found.terms)
    for name in block.accumulated:
        held, own = block.floats("accumulated", name), adjoint_of(name)
        results[own] = side.accumulated(take(held), results[own])
        if own in terms:
            terms[own] = terms[own] + np.abs(held)
    held_gradients = {name: take(block.floats("gradients", name)) for name in block.clipped}
    cut = side.clipped(held_gradients, 1) if held_gradients else {}
    results.update({clipped(name): value for name, value in cut.items()})
    after = {name: take(block.floats("after", name)) for name in block.after}
    if after and not side.by_hand_alone:
        results.update(_updated(side, block, before, after))
    if any(stage.target in block.nodes for stage in side.watch):  # a replay has no update, and watches nothing
        gradients = side.followed({name: block.floats("gradients", name) for name in block.gradients})
        followed = {name: take(value) for name, value in gradients.items()}
        followed |= _inside(side, block, before, after)
        results.update(side.watched({**before, **data, **results, **recorded, **followed, **after}, n))
    return results, terms


def _inside(side: Calculation, block: Block, before: Values, after: Values) -> Values:
    """What the watched lines read of the updates, from PyTorch's state, gradients and lr."""
    gradients = {name: side.system.take(_used(block, name)) for name in block.gradients}
    t = side.system.take(np.array([float(batch.made) for batch in block.batches]))
    rates = {name: side.take_rate(block.floats("rates", name)) for name in block.rates}
    return side.inside(Held(before, after, gradients), t, rates)


def _used(block: Block, name: str) -> Floats:
    """The gradients of a parameter from which its updates are made."""
    return block.floats("clipped" if name in block.clipped else "gradients", name)


def _updated(side: Calculation, block: Block, before: Values, after: Values) -> dict[str, Array]:
    """The parameters and the optimizer's state after the steps, from PyTorch's gradients."""
    if not block.batches[0].updates:
        return {updated(name): value for name, value in before.items()}
    t = side.system.take(np.array([float(batch.t) for batch in block.batches]))
    rates = {name: side.take_rate(block.floats("rates", name)) for name in block.rates}
    results: dict[str, Array] = {}
    for name in block.gradients:
        moved = side.updated(name, before, side.system.take(_used(block, name)), t, after.get, rates)
        results.update({updated(own): value for own, value in moved.items()})
    return results


def _largest(side: Calculation, n: int) -> int:
    """How many numbers the largest array of one step has; a product of matrices makes none of all its products."""
    axes = [own for stage in (*side.stages, *side.watch) for term in stage.terms for own in term.arrays]
    return max(math.prod(axis.size if isinstance(axis.size, int) else n for axis in own) for own in axes)


def prepare(run: Run, dtype: str | None = None, ask: Ask | None = None) -> Bound:
    """The bound for a run in `dtype`, that of its settings when left out.

    `ask` gives the sums that PyTorch makes in a step, and in which order; without it every order is allowed.
    """
    problem, derivation, settings = run.watched, run.followed, run.settings
    graph, kinks = with_kinks(derivation.graph)
    whole = differentiate(elementary(graph), derivation.wrt)
    rounded, exact = _systems(dtype or settings.dtype, dtype is not None)
    with precision(PRECISION):
        own = calculation.prepare(problem, forward(whole), settings, rounded, as_pytorch(whole), as_floats=True)
        return Bound(
            own,
            calculation.prepare(problem, derivation, settings, exact, as_floats=True),
            rounded,
            (*kinks, *ties(whole)),
            cache(partial(prepare, run, "float64")) if dtype is None else None,
            cache(partial(_unguarded, run, exact)) if derivation.chooses else None,
            None if ask is None else PassOrders(own.stages, ask),
        )


def _unguarded(run: Run, exact: Exact | Enclosed) -> Calculation:
    """The equations as written, with each side of a `where` multiplied by 1 or 0, as PyTorch does."""
    return calculation.prepare(run.watched, run.followed, run.settings, exact, times_partial, as_floats=True)


def _systems(dtype: str, replayed: bool) -> tuple[Rounded | RoundedPairs, Exact | Enclosed]:
    """The number systems that judge a format: one whose own rounding is far below it.

    float64 itself is judged by balls with more digits; where it only repeats a step of another
    format, by pairs, whose own rounding doubles the bound.
    """
    if dtype == "float64" and not replayed:
        return Rounded(dtype), Exact(strict=False)
    return RoundedPairs(dtype), Enclosed()
