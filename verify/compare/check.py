"""One number of PyTorch's beside the same number by hand, and whole arrays of such numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from derive.run.batches import Batch
from verify.numbers import Distance, Exactly, Floats, Truth, from_float, to_float, to_fraction

# A number is repeated in float64 where its bound is wider than a thousandth of Σ|terms|, in which a term could be lost,
# or than a quarter of the number itself: a flipped sign or a factor could hide in it.
OF_TERMS = 2.0**-10
OF_NUMBER = 0.25


@dataclass(frozen=True)
class Numbers:
    """One quantity in one step, or in several side by side: arrays of one shape.

    `autograd` are PyTorch's numbers, `distance` says how far they are from the exact ones and may be.
    `terms` is Σ|terms| of the last sum in a line, gradient or update. `replay` are the same numbers
    in a float64 replay of the step at the same state, where there is one. Every property is an array of that shape too.
    """

    autograd: Floats
    distance: Distance
    terms: Floats | None = None
    replay: Numbers | None = None

    @cached_property
    def decided(self) -> Truth:
        """Where there is a bound and a finite number."""
        return np.isfinite(self.distance.bound) & np.isfinite(self.autograd)

    @cached_property
    def within(self) -> Truth:
        """Where the error is no larger than its bound, and the exact number among the correct ones."""
        with np.errstate(invalid="ignore"):
            return self.distance.consistent & (np.abs(self.distance.error) <= self.distance.bound)

    @cached_property
    def wide(self) -> Truth:
        """Where the bound is too wide for a structural mistake to show."""
        if self.terms is None:
            return np.zeros(np.shape(self.autograd), dtype=np.bool_)
        radius, expected = self.distance.radius, np.abs(self.distance.expected)
        return self.decided & ((radius > OF_TERMS * self.terms) | (radius > OF_NUMBER * expected))

    @cached_property
    def replayed(self) -> Truth:
        """Where the verdict rests on the replay."""
        return self.wide & self.within if self.replay is not None else np.zeros_like(self.wide)

    @cached_property
    def agrees(self) -> Truth:
        """Where the numbers agree, and nothing is left open."""
        own = self.decided & self.within
        return own & (~self.replayed | self.replay.agrees) if self.replay is not None else own

    @cached_property
    def disagrees(self) -> Truth:
        """Where a number is wrong."""
        own = self.decided & ~self.within
        return own | (self.replayed & self.replay.disagrees) if self.replay is not None else own

    @cached_property
    def caught(self) -> Floats:
        """The smallest error that would have been caught for certain, by the replay where there is one."""
        own = self.distance.reach
        return own if self.replay is None else np.where(self.replayed, self.replay.caught, own)

    def of_step(self, place: int | slice | NDArray[np.intp] | None) -> Numbers:
        """The numbers of one of the steps side by side, counted from 0, or of some of them."""
        return Numbers(
            self.autograd[place],
            self.distance.at(place),
            None if self.terms is None else self.terms[place],
            None if self.replay is None else self.replay.of_step(place),
        )

    def replaced(self, place: int, step: Numbers) -> Numbers:
        """The same with the numbers of one step, counted from 0, in the place of its own; without terms and replays."""
        autograd = self.autograd.copy()
        autograd[place] = step.autograd
        parts = {}
        for own in fields(Distance):
            parts[own.name] = getattr(self.distance, own.name).copy()
            parts[own.name][place] = getattr(step.distance, own.name)
        return Numbers(autograd, Distance(**parts))

    def spread(self, places: NDArray[np.intp], count: int) -> Numbers:
        """The numbers at their places among `count` steps side by side; of the other steps nothing is known."""
        if len(places) == count:
            return self  # they are all steps
        autograd = np.full((count, *self.autograd.shape[1:]), np.nan)
        autograd[places] = self.autograd
        terms = None
        if self.terms is not None:
            terms = np.full(autograd.shape, np.nan)
            terms[places] = self.terms
        return Numbers(autograd, self.distance.spread(places, count), terms)


@dataclass(frozen=True)
class Unchanged(Numbers):
    """Finite numbers that are the very ones that they must be: every answer is the same for all of them."""

    @classmethod
    def of(cls, floats: Floats) -> Unchanged:
        """These numbers, with nothing between them and what is expected."""
        nothing, nowhere = np.broadcast_to(0.0, floats.shape), np.broadcast_to(np.False_, floats.shape)
        everywhere = np.broadcast_to(np.True_, floats.shape)
        return cls(floats, Distance(floats, nothing, nothing, nothing, everywhere, nowhere))

    def of_step(self, place: int | slice | NDArray[np.intp] | None) -> Numbers:
        """The numbers of one of the steps side by side, or of some of them; several are as little changed."""
        return Unchanged.of(self.autograd[place]) if isinstance(place, slice) else super().of_step(place)

    @cached_property
    def decided(self) -> Truth:
        """Everywhere."""
        return self.distance.consistent

    @cached_property
    def within(self) -> Truth:
        """Everywhere."""
        return self.distance.consistent

    @cached_property
    def agrees(self) -> Truth:
        """Everywhere."""
        return self.distance.consistent

    @cached_property
    def wide(self) -> Truth:
        """Nowhere."""
        return self.distance.alone

    @cached_property
    def replayed(self) -> Truth:
        """Nowhere."""
        return self.distance.alone

    @cached_property
    def disagrees(self) -> Truth:
        """Nowhere."""
        return self.distance.alone


def side_by_side(steps: Sequence[Numbers]) -> Numbers:
    """One quantity of several steps as arrays whose first dimension counts them; without terms and replays."""
    parts = [[getattr(step.distance, own.name) for step in steps] for own in fields(Distance)]
    return Numbers(np.stack([step.autograd for step in steps]), Distance(*map(np.stack, parts)))


def difference(autograd: float, hand: Exactly) -> float:
    """A number of PyTorch's minus the same by hand, in floats; NaN where the first is not finite."""
    return to_float(from_float(autograd) - hand) if math.isfinite(autograd) else math.nan


@dataclass(frozen=True)
class Check:
    """One number of PyTorch's beside the same number by hand.

    `hand` comes from the exact run from the initial values on, None after that run ends. `expected` is
    the exact value at PyTorch's own state in this step, `step_error` PyTorch's number minus it, `bound` the
    largest step error that correct evaluation can have. `agrees` is None where nothing can be said.
    `caught` is the smallest error that would have been caught, `caught_directly` the same by this number's own
    bound, and `terms` Σ|terms| of the last sum in a loss, a gradient or an update, NaN elsewhere. `replay` is the
    same number in a replay of the step in float64, where the verdict and `caught` rest on one.
    """

    batch: Batch
    quantity: str
    index: str
    hand: Exactly | None
    autograd: float
    expected: float
    step_error: float
    bound: float
    agrees: bool | None
    ulp: float
    terms: float = math.nan
    caught: float = math.nan
    caught_directly: float = math.nan
    replay: Check | None = None

    @property
    def name(self) -> str:
        """The quantity with its index: `dl/dw`, `d[4]`."""
        return f"{self.quantity}[{self.index}]" if self.index else self.quantity

    @property
    def replayed(self) -> bool:
        """Whether the verdict rests on a replay in float64."""
        return self.replay is not None

    @property
    def hand_value(self) -> float:
        """The number by hand as a float64; NaN after the hand calculation has ended."""
        return math.nan if self.hand is None else to_float(self.hand)

    @property
    def hand_fraction(self) -> Fraction | None:
        """The number by hand as a fraction, where it is known as one."""
        return None if self.hand is None else to_fraction(self.hand)

    @property
    def difference(self) -> float:
        """Autograd minus hand: the drift of all steps so far."""
        return math.nan if self.hand is None else difference(self.autograd, self.hand)

    @property
    def ulps(self) -> float:
        """The difference in units in the last place of the dtype, at the number by hand."""
        return self.difference / self.ulp

    @property
    def share(self) -> float:
        """`caught` as a share of Σ|terms|: 0 where nothing can hide, infinite where anything can."""
        return share(self.caught, self.terms)

    @property
    def closeness(self) -> float:
        """The step error as a share of its bound."""
        return abs(self.step_error) / self.bound if self.bound > 0 else 0.0


def share(caught: float, terms: float) -> float:
    """`caught` divided by `terms`: 0 where `caught` is 0, infinite where `terms` is 0 or `caught` is NaN."""
    if not caught:
        return 0.0
    return caught / terms if terms and not math.isnan(caught) else math.inf
