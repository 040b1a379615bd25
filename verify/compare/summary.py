"""For each quantity its counts, the number closest to its bound, and the one that could hide the largest error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from verify.compare.check import Check, Numbers, difference, share
from verify.compare.compared import Compared, StepComparison, in_blocks
from verify.compare.comparison import Comparison, Place
from verify.names import Name, quantity
from verify.numbers import Floats, nearest_floats, to_float

LEAST = 2.0**-900  # quotients of numbers above it and of floats do not underflow where they count


@dataclass(frozen=True)
class Summary:
    """One quantity over all steps.

    Of its `count` numbers `wrong` disagree, `undecided` have no verdict, and `replayed` rest on a replay. `closest` is
    the number nearest to its bound, `widest` the one in which the largest error, measured by Σ|terms|, could have
    hidden; None where the quantity has no terms. `blurred` is, of the numbers that rest on a replay, the one whose own
    bound is the widest.
    """

    quantity: str
    count: int
    wrong: int
    undecided: int
    replayed: int
    closest: Check
    widest: Check | None
    blurred: Check | None


class Side(NamedTuple):
    """The numbers of one quantity in a block of steps."""

    steps: Compared
    block: int
    numbers: Numbers


Measure = Callable[[Numbers], Floats]


def summarize(comparison: Comparison) -> tuple[Summary, ...]:
    """The summary of each quantity, in the order of comparison; what a step begins with is left out.

    So are lr, clipped gradients and updates, where they are those by hand.
    """
    found: dict[Name, list[Side]] = {}
    aside = ("before", "accumulated", *(["clipped", "rates", "after"] if comparison.by_hand_alone else []))
    steps = (comparison.steps, [] if comparison.prediction is None else [comparison.prediction])
    for compared in map(in_blocks, steps):
        for number, block in enumerate(compared.blocks):
            for name, numbers in block.numbers.items():
                if name[0] not in aside:
                    found.setdefault(name, []).append(Side(compared, number, numbers))
    return tuple(_summary(comparison, name, sides) for name, sides in found.items())


def _summary(comparison: Comparison, name: Name, sides: list[Side]) -> Summary:
    wrong = sum(int(np.count_nonzero(side.numbers.disagrees)) for side in sides)
    right = sum(int(np.count_nonzero(side.numbers.agrees)) for side in sides)
    count = sum(side.numbers.autograd.size for side in sides)
    largest = partial(_largest, comparison, name)
    return Summary(
        quantity(name, comparison.loss, comparison.nodes),
        count,
        wrong,
        count - wrong - right,
        sum(int(np.count_nonzero(side.numbers.replayed)) for side in sides),
        largest(sides, closeness),
        _widest(largest, [side for side in sides if side.numbers.terms is not None], hidden),
        _widest(largest, [side for side in sides if side.numbers.replayed.any()], blurred),
    )


def joined(first: tuple[Summary, ...], later: tuple[Summary, ...]) -> tuple[Summary, ...]:
    """The summaries of a piece of a run and of a later one, put together quantity by quantity."""
    found = {summary.quantity: summary for summary in first}
    for own in later:
        found[own.quantity] = _joined(found[own.quantity], own) if own.quantity in found else own
    return tuple(found.values())


def _joined(first: Summary, later: Summary) -> Summary:
    """One quantity in two pieces of a run; of equals the first is told."""
    return Summary(
        first.quantity,
        first.count + later.count,
        first.wrong + later.wrong,
        first.undecided + later.undecided,
        first.replayed + later.replayed,
        max(first.closest, later.closest, key=lambda check: check.closeness),
        max((c for c in (first.widest, later.widest) if c is not None), key=lambda check: check.share, default=None),
        max((c for c in (first.blurred, later.blurred) if c is not None), key=_blur, default=None),
    )


def _blur(check: Check) -> float:
    return share(check.caught_directly, check.terms)


def drift(comparison: Comparison) -> Check | None:
    """The number with the largest `relative_drift` in the last step that is calculated by hand; None without one.

    It is the loss, a gradient, a parameter or its state. A step in which PyTorch has no finite one is passed over.
    """
    for step in reversed(comparison.steps):
        if step.hand is None:
            continue
        found = max(_drifts(comparison, step), key=itemgetter(0), default=None)
        if found is not None:
            return comparison.check(step, *found[1:])
    return None


def _drifts(comparison: Comparison, step: StepComparison) -> Iterator[tuple[float, Name, Place]]:
    """The finite drifts of a step, each as a share of its number, with its name and place."""
    by_hand = step.by_hand(comparison.loss)
    for name, numbers in step.numbers.items():
        exact = by_hand.get(name) if name[0] in ("loss", "gradients", "after") else None
        if exact is not None:
            for place in _farthest(numbers.autograd, nearest_floats(exact)):
                hand = exact.item(place)
                off = difference(float(numbers.autograd[place]), hand)
                if math.isfinite(off):
                    yield _share(off, to_float(hand)), name, place


def _farthest(autograd: Floats, by_hand: Floats) -> Iterator[Place]:
    """The places where the largest drift of an array can be; `by_hand` are the nearest float64 of its exact numbers.

    Each of these is off by 2⁻⁵³ of itself, their difference and its quotient by as much, and so are those of `_share`:
    a share s is known within (1 + 8·s)·2⁻⁵². What is farther behind another is not the largest.
    """
    with np.errstate(all="ignore"):
        off = autograd - by_hand
        shares = np.where(off == 0, 0.0, np.abs(off / by_hand))
    is_known = np.isfinite(shares) & ((np.abs(by_hand) > LEAST) | (off == 0))  # above what can underflow
    around = np.where(is_known, (1 + 8 * shares) * 2.0**-52, 0.0)
    largest = np.max(shares - around, where=is_known, initial=-math.inf)
    for place in np.argwhere(~is_known | (shares + around >= largest)):
        yield tuple(map(int, place))


def relative_drift(check: Check) -> float:
    """The drift as a share of the number by hand; infinite where that is 0 and PyTorch's is not."""
    return _share(check.difference, check.hand_value)


def _share(off: float, hand: float) -> float:
    if not off or math.isnan(off):
        return 0.0
    return abs(off / hand) if hand else math.inf


def closeness(numbers: Numbers) -> Floats:
    """The step errors as shares of their bounds; 0 where an error is not known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.asarray(np.abs(numbers.distance.error) / numbers.distance.bound)
    np.copyto(shares, 0.0, where=np.isnan(shares))
    return shares


def _widest(largest: Callable[[list[Side], Measure], Check], sides: list[Side], measure: Measure) -> Check | None:
    return largest(sides, measure) if sides else None


def hidden(numbers: Numbers) -> Floats:
    """The smallest errors that would have been caught, by the replay where there is one, as shares of Σ|terms|."""
    return _shares(numbers.caught, numbers.terms)


def blurred(numbers: Numbers) -> Floats:
    """The same by each number's own bound, for the numbers that rest on a replay; 0 for the others."""
    found, there = np.zeros(numbers.autograd.shape), numbers.replayed
    if numbers.terms is not None:
        found[there] = _shares(numbers.distance.reach[there], numbers.terms[there])
    return found


def _shares(caught: Floats, terms: Floats | None) -> Floats:
    """0 where nothing can hide, infinite where a number is undecided or has no terms beside its error."""
    if terms is None:
        return np.zeros_like(caught)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.asarray(caught / terms)
    np.copyto(shares, np.inf, where=np.isnan(shares))
    np.copyto(shares, 0.0, where=caught == 0)
    return shares


def _largest(comparison: Comparison, name: Name, sides: list[Side], measure: Measure) -> Check:
    """The number with the largest value of `measure`; of equals that of the first step."""
    found: list[tuple[float, int, Side, int, int]] = []
    for side in sides:
        batches = side.steps.blocks[side.block].batches
        values = measure(side.numbers).reshape(len(batches), -1)
        each = values.max(axis=1, initial=-math.inf)
        step, place = min((batches[place].step, int(place)) for place in np.flatnonzero(each == each.max()))
        found.append((float(each.max()), -step, side, place, int(values[place].argmax())))
    _, _, side, at, entry = max(found, key=itemgetter(0, 1))
    indices = np.unravel_index(entry, side.numbers.autograd.shape[1:])
    return comparison.check(side.steps.at(side.block, at), name, tuple(map(int, indices)))


def marked(comparison: Comparison, disagrees: bool) -> Iterator[Check]:
    """The numbers that disagree, in order; or those that are not decided."""
    steps = in_blocks(comparison.steps)
    for place in np.flatnonzero(steps.each([own.disagrees if disagrees else own.open for own in steps.blocks])):
        yield from _marked(comparison, steps[int(place)], disagrees)
    if comparison.prediction is not None:
        yield from _marked(comparison, comparison.prediction, disagrees)


def _marked(comparison: Comparison, step: StepComparison, disagrees: bool) -> Iterator[Check]:
    for name, numbers in step.numbers.items():
        found = numbers.disagrees if disagrees else ~(numbers.agrees | numbers.disagrees)
        for place in np.argwhere(found):
            yield comparison.check(step, name, tuple(map(int, place)))
