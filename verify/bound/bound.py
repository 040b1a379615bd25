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
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

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
from verify.hand.update import Update
from verify.intervals import Enclosed, Products, RoundedPairs
from verify.names import Name, adjoint_of, clipped, updated
from verify.numbers import Array, Distance, Exact, Floats, Rounded, precision
from verify.record import Block, StepRecord, Steps, side_by_side

PRECISION = 192  # bits inside the balls: what they add themselves is 2⁻¹³⁹ of float64's own rounding
MAX_SIDE_BY_SIDE = 2**18  # numbers of one array: more steps at once need memory and save no time


class Taken:
    """The numbers of a block in a number system, each array made when it is first read."""

    def __init__(self, take: Callable[[Floats], Array], block: Block, known: Mapping[Name, Array]) -> None:
        self.take = take
        self.block = block
        self._found = dict(known)

    def __call__(self, group: str, name: str) -> Array:
        """One of the arrays."""
        if (group, name) not in self._found:
            self._found[group, name] = self.take(self.block.floats(group, name))
        return self._found[group, name]

    def group(self, name: str) -> dict[str, Array]:
        """All arrays of a group."""
        return {own: self(name, own) for own in self.block.group(name)}

    @property
    def begins(self) -> dict[Name, Array]:
        """What a step begins with, as far as it has been read."""
        return {name: own for name, own in self._found.items() if name[0] in ("before", "data")}


class Exacts(dict[str, Array]):
    """The exact results by name; the updates, where they need not be known, are calculated when one is asked for."""

    def __init__(self, known: Values, updates: Callable[[], Values] | None = None) -> None:
        super().__init__(known)
        self._updates = updates

    def __missing__(self, name: str) -> Array:
        if self._updates is None:
            raise KeyError(name)
        self.update(self._updates())
        self._updates = None
        return self[name]


@dataclass(frozen=True)
class AtState:
    """Steps of one kind at PyTorch's own states; the first dimension of each array is the step.

    `rounded` are all that correct evaluation can give for lines, adjoints (`∂name`) and updated
    parameters and state (`name'`, `name.v'`), `exact` the same by the derivation as it is written, and `terms`
    is Σ|terms| of the loss and the gradients, and of every line and adjoint where they are compared. `products` are
    those of matrices that were made on the way.
    """

    block: Block
    rounded: Values
    exact: Values
    terms: Mapping[str, Floats]
    taken: Taken
    products: Products


@dataclass(frozen=True)
class Beside:
    """Of steps at the same states, the exact results and what they begin with, as far as these are known.

    Of the same steps `products` of matrices are known as well.
    """

    exact: Values
    begins: Mapping[Name, Array]
    products: Products


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
        return side_by_side(steps).split(self.together)

    def together(self, block: Block) -> int:
        """How many steps like those of a block are calculated side by side."""
        return max(1, MAX_SIDE_BY_SIDE // _largest(self.rounded, block.n))

    def states(self, steps: Sequence[StepRecord]) -> Iterator[AtState]:
        """Every step at its state, in blocks that are treated alike."""
        yield from map(self.at, self.side_by_side(steps).blocks)

    def at(self, block: Block, beside: Beside | None = None) -> AtState:
        """What correct evaluation can give in steps of one kind, calculated side by side, or is known `beside`."""
        loss, targets = self.exact.derivation.graph.loss, self.exact.derivation.wrt
        measured = (loss, *map(adjoint_of, targets))
        if block.adjoints:  # every line is compared
            measured += (*block.nodes, *map(adjoint_of, block.adjoints))
        taken = own = Taken(self.exact.system.take, block, {} if beside is None else beside.begins)
        if not isinstance(self.system, RoundedPairs):  # balls and fractions are not taken alike
            own = Taken(self.system.take, block, {})
        products = Products() if beside is None else beside.products
        with precision(PRECISION):
            rounded, terms = _side(self.rounded, own, measured, self._in_order(block, products))
            exact = self._exact(taken, products, rounded) if beside is None else beside.exact
        return AtState(block, rounded, exact, terms, taken, products)

    def _exact(self, taken: Taken, products: Products, rounded: Values) -> Values:
        """The exact results; updates that are calculated alike on both sides, and are known, are left out."""
        updates = not self.updates_alike or not all(
            self._is_known(rounded[updated(name)]) for name in taken.block.after
        )
        found = _side(self.exact, taken, (), _sharing(self.exact, products), updates=updates)[0]
        return Exacts(found, None if updates else partial(_updated, self.exact, taken, taken.group("before")))

    def _is_known(self, numbers: Array) -> bool:
        return bool(np.isfinite(self.system.size(numbers)).all())

    @cached_property
    def updates_alike(self) -> bool:
        """Whether updates are compared, and are the same equations as written and as PyTorch calculates them, in pairs.

        So are lr and the options in them. Then the middles of what correct evaluation can give are the exact results,
        within float64's rounding, which is in the radii.
        """
        if self.rounded.by_hand_alone or not isinstance(self.system, RoundedPairs):
            return False
        sides = [[side.update, *(own for _, own in side.groups)] for side in (self.rounded, self.exact)]
        return all(_are_alike(rounded, exact) for rounded, exact in zip(*sides, strict=True))

    def beside(self, once: AtState, again: Block, places: NDArray[np.intp]) -> Beside | None:
        """What a replay of the steps at these places need not calculate again; None where lines go on from their own.

        It is judged by the same equations at the same states, exactly.
        """
        block = once.block
        if block.nodes or again.nodes or block.adjoints or again.adjoints:
            return None
        if len(places) == len(block):
            return Beside(once.exact, once.taken.begins, once.products)
        ranks = {self.exact.derivation.graph.loss: 0}
        ranks |= {adjoint_of(name): own.ndim - 1 for name, own in block.gradients.items()}
        found = {name: once.exact[name] for name in ranks}
        exact = {name: own[places] if own.ndim > ranks[name] else own for name, own in found.items()}
        return Beside(exact, {}, Products())

    def _in_order(self, block: Block, products: Products) -> Calculation:
        """The rounded side of forward and backward pass, in the orders that are known for batches of this size."""
        orders = self.orders.of(block) if self.orders is not None else None
        if orders is None or not orders.by_key or not isinstance(self.system, RoundedPairs):
            return _sharing(self.rounded, products)
        return replace(self.rounded, system=self.system.ordered(orders).sharing(products))

    def of_both_sides(self, block: Block) -> Values:
        """The exact results where the side of `where` that is not chosen counts 0 times; none without a `where`."""
        if self.unguarded is None:
            return {}
        side = self.unguarded()
        with precision(PRECISION):
            return _side(side, Taken(side.system.take, block, {}), ())[0]

    def distance(self, floats: Floats, found: Array, exact: Array | None) -> Distance:
        """The distance of PyTorch's numbers from `exact`, if given, and from all correct ones, which lie in `found`."""
        with precision(PRECISION):
            shape = np.shape(floats)
            aside = None if exact is None else np.broadcast_to(exact, shape)
            return self.system.distance(floats, np.broadcast_to(found, shape), aside)


def _are_alike(rounded: Update | None, exact: Update | None) -> bool:
    """Whether two updates have the same equations, and may have the same numbers in them."""
    if rounded is None or exact is None:
        return rounded is exact
    if rounded.steps != exact.steps or rounded.given.keys() != exact.given.keys():
        return False
    pairs = [(rounded.given[name], exact.given[name]) for name in exact.given]
    return all(bool(np.all(np.abs(x["mid"] - y["mid"]) <= x["rad"] + y["rad"])) for x, y in pairs)


def _sharing(side: Calculation, products: Products) -> Calculation:
    """The same calculation with products of matrices that are made once, where it makes any of floats."""
    return replace(side, system=side.system.sharing(products)) if isinstance(side.system, Enclosed) else side


def _side(
    side: Calculation,
    taken: Taken,
    measured: tuple[str, ...],
    passes: Calculation | None = None,
    *,
    updates: bool = True,
) -> tuple[dict[str, Array], Mapping[str, Floats]]:
    """The results of one calculation at the states of the steps, and Σ|terms| of what is `measured`.

    `passes` is the same for forward and backward pass, where they are calculated in another system. Without `updates`
    these are left out.
    """
    block, n = taken.block, taken.block.n
    before, data = taken.group("before"), taken.group("data")
    recorded = taken.group("nodes") | {adjoint_of(name): own for name, own in taken.group("adjoints").items()}
    found = (passes or side).at({**before, **data}, n, recorded, measured)
    results, terms = dict(found.results), dict(found.terms)
    for name in block.accumulated:
        own = adjoint_of(name)
        results[own] = side.accumulated(taken("accumulated", name), results[own])
        if own in terms:
            terms[own] = terms[own] + np.abs(block.floats("accumulated", name))
    held_gradients = {name: taken("gradients", name) for name in block.clipped}
    cut = side.clipped(held_gradients, 1) if held_gradients else {}
    results.update({clipped(name): value for name, value in cut.items()})
    if updates and block.after and not side.by_hand_alone:
        results.update(_updated(side, taken, before))
    if any(stage.target in block.nodes for stage in side.watch):  # a replay has no update, and watches nothing
        after = taken.group("after")
        followed = {**side.followed(taken.group("gradients")), **_inside(side, taken, before, after)}
        results.update(side.watched({**before, **data, **results, **recorded, **followed, **after}, n))
    return results, terms


def _inside(side: Calculation, taken: Taken, before: Values, after: Values) -> Values:
    """What the watched lines read of the updates, from PyTorch's state, gradients and lr."""
    block = taken.block
    gradients = {name: _used(taken, name) for name in block.gradients}
    t = side.system.take(np.array([float(batch.made) for batch in block.batches]))
    rates = {name: side.take_rate(block.floats("rates", name)) for name in block.rates}
    return side.inside(Held(before, after, gradients), t, rates)


def _used(taken: Taken, name: str) -> Array:
    """The gradients of a parameter from which its updates are made."""
    return taken("clipped" if name in taken.block.clipped else "gradients", name)


def _updated(side: Calculation, taken: Taken, before: Values) -> dict[str, Array]:
    """The parameters and the optimizer's state after the steps, from PyTorch's gradients."""
    block = taken.block
    if not block.batches[0].updates:
        return {updated(name): value for name, value in before.items()}
    t = side.system.take(np.array([float(batch.t) for batch in block.batches]))
    rates = {name: side.take_rate(block.floats("rates", name)) for name in block.rates}
    results: dict[str, Array] = {}

    def recorded(name: str, result: Array) -> Array:
        """PyTorch's own state, with which later equations go on."""
        return taken("after", name) if name in block.after else result

    for name in block.gradients:
        moved = side.updated(name, before, _used(taken, name), t, recorded, rates)
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
