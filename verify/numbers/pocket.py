"""The number systems of somebody who writes down, and carries, a few digits of every number on the way.

`PocketNumbers` is one such person: each result is rounded, or cut off, in one way, and is one number. `PocketForms` are
all of them: each result is any number within half a unit of the last digit carried of what it exactly is. Where digits
are cut off, it is any number from there to a whole unit nearer to 0, which is as much, on one side. A number that has
no more digits than are carried is not rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import count

import numpy as np
from flint import arb, fmpq

from verify.numbers.affine import Form, HandForms, fixed, unknown
from verify.numbers.by_element import Array
from verify.numbers.scalars import Exactly, as_ball, from_fraction, is_moderate, middle, midpoint, to_float

FEWEST, MOST = 2, 10  # digits that somebody carries who calculates by hand, or on a pocket calculator
HUGE = 10**100  # nobody carries a larger number
ROUNDINGS = 1 << 50  # the mark of the first rounding; those of claimed numbers and inputs are smaller
# Roundings that have nothing to do with each other are spread evenly over ±a, with the variance a²/3. Their sum is no
# further from its middle than k standard deviations but with a chance of 2·exp(−k²/2) at most, as an even spread is
# strictly sub-Gaussian (J. Arbel, O. Marchal, H. D. Nguyen, "On strict sub-Gaussianity", ESAIM: P&S 24 (2020)): for
# k = 4 once in 1,400 times at most, and of many roundings once in 16,000.
DEVIATIONS = 4
MANY = 60  # roundings of one number that are held apart
TOGETHER = 1 << 60  # from this mark on, an unknown is many roundings together
_EXACT = ("neg", "abs", "max", "min", "where", "relu", "clip", "sign", "detach", "greater", "at_most", "at_least")


@dataclass(frozen=True)
class Carried:
    """What is carried: so many significant `digits`, and no more than `places` after the point.

    `is_cut` says that further digits are cut off, and not rounded.
    """

    digits: int
    places: int
    is_cut: bool = False

    def half(self, size: Fraction) -> Fraction:
        """Half a unit of the last digit of a number of this size, below `HUGE`; of next to 0, of the last place."""
        return Fraction(10) ** self.last(size.numerator, size.denominator) / 2

    def last(self, top: int, bottom: int) -> int:
        """The power of 10 of the last digit of a number top/bottom, which is not negative and below `HUGE`."""
        if top * HUGE < bottom:
            return -self.places
        power: int = len(str(top)) - len(str(bottom))
        # 10^power is then the first one above the number
        power += top * 10 ** max(-power, 0) >= bottom * 10 ** max(power, 0)
        return max(-self.places, power - self.digits)

    def of(self, value: fmpq, *, to_even: bool = False) -> tuple[fmpq, bool]:
        """The number as it is carried, and whether it was a tie, which is rounded away from 0 or to the even digit.

        A number that has no more digits than are carried is itself.
        """
        above, below = int(value.p), int(value.q)
        power = self.last(abs(above), below)
        top, bottom = abs(above) * 10 ** max(-power, 0), below * 10 ** max(power, 0)
        whole, rest = divmod(top, bottom)
        if not rest:
            return value, False
        is_tie = not self.is_cut and 2 * rest == bottom
        if not self.is_cut and (2 * rest > bottom or (is_tie and not (to_even and whole % 2 == 0))):
            whole += 1
        whole = whole if above >= 0 else -whole
        return fmpq(whole * 10 ** max(power, 0), 10 ** max(-power, 0)), is_tie

    def holds(self, value: fmpq) -> bool:
        """Whether a number has no more digits than are carried."""
        return self.of(value)[0] is value


class Rounds(Enum):
    """Which numbers somebody rounds who carries few digits."""

    RESULTS = "every result"
    LINES = "every line, adjoint, gradient and parameter"
    UPDATES = "every line, gradient, parameter and number of an update"
    VALUES = "every line, gradient and parameter"
    STEPS = "gradients, parameters and the optimizer's state"
    MOVES = "gradients and parameters"
    PARAMETERS = "parameters"


_VALUES = ("adjoints", "inside")  # groups that are not rounded: what an update calculates on its way, too
_STEPS = (*_VALUES, "nodes")
_PARAMETERS = (*_STEPS, "gradients", "accumulated", "clipped", "scaled", "state", "setting", "watch")
_IN_FULL = {
    Rounds.UPDATES: ("adjoints",),  # a gradient by a formula of its own, and Adam's m_hat
    Rounds.VALUES: _VALUES,
    Rounds.STEPS: _STEPS,
    Rounds.MOVES: (*_STEPS, "state"),
    Rounds.PARAMETERS: _PARAMETERS,
}
_MEANS = ("gradients", "loss")  # groups of what is a sum over the samples by their number
_GRADIENTS = ("gradients", "accumulated", "clipped", "scaled")


Manner = tuple[Carried, Rounds, bool, bool, Carried]  # how one person rounds


class PocketNumbers(HandForms):
    """Numbers of one person, each result rounded or cut off in one way: a half away from 0, or to the even digit.

    `sums` says that the sum of a mean is rounded before it is divided as well. Of gradients, which may be on no paper,
    somebody may carry fewer digits: `of_gradients`. `has_met_tie` says whether the two ways to round a half have met
    one.
    """

    def __init__(
        self,
        carried: Carried,
        rounds: Rounds,
        *,
        to_even: bool = False,
        sums: bool = False,
        of_gradients: Carried | None = None,
    ) -> None:
        super().__init__()
        self.carried, self.rounds, self.to_even = carried, rounds, to_even
        self.sums, self.of_gradients = sums, of_gradients or carried
        self.has_met_tie = False

    @property
    def manner(self) -> Manner:
        """What tells the person apart from others: all that is said of how they round."""
        return self.carried, self.rounds, self.to_even, self.sums, self.of_gradients

    def halves_to_even(self) -> PocketNumbers:
        """The same person, who rounds a half to the even digit."""
        return PocketNumbers(self.carried, self.rounds, to_even=True, sums=self.sums, of_gradients=self.of_gradients)

    def element(self, op: str) -> Callable[..., Form]:
        """The operation on single numbers, rounded."""
        function = super().element(op)
        if self.rounds is not Rounds.RESULTS or op in _EXACT:
            return function
        return lambda *args: self._rounded(function(*args))

    def _is_nothing(self, op: str, args: Sequence[Form]) -> bool:
        """As by hand; a divisor may be 0 only because it is rounded: t/p of t = 0 and p = 0.00."""
        return super()._is_nothing("mul" if op == "div" else op, args[:1] if op == "div" else args)

    def reduced(self, op: str, row: list[Form]) -> Form:
        """The sum, logsumexp, max or min of single numbers, rounded."""
        if self.rounds is not Rounds.RESULTS or op in _EXACT:
            return super().reduced(op, row)
        return _one_by_one(self._rounded, super().reduced, op, row)

    def written(self, group: str, array: Array, samples: int = 1) -> Array:
        """The numbers as they are written down: rounded; as a sum before they are divided, where sums are rounded."""
        if self.rounds is Rounds.RESULTS or group in _IN_FULL.get(self.rounds, ()):
            return array
        carried = self.of_gradients if group in _GRADIENTS else self.carried
        if self.sums and samples > 1 and group in _MEANS:
            number = self.number(Fraction(samples))
            total = np.frompyfunc(lambda form: self._rounded(self._linear("mul", (form, number)), carried), 1, 1)(array)
            array = np.frompyfunc(lambda form: self._linear("div", (form, number)), 1, 1)(total)
        return np.asarray(np.frompyfunc(lambda form: self._rounded(form, carried), 1, 1)(array), dtype=object)

    def _rounded(self, form: Form, carried: Carried | None = None) -> Form:
        if not form.is_fixed or not is_moderate(form.centre):
            return unknown(form.sources)
        value = midpoint(form.centre)
        if abs(value) >= HUGE:
            return unknown(form.sources)
        found, is_tie = (carried or self.carried).of(value, to_even=self.to_even)
        self.has_met_tie |= is_tie
        return form if found is value else fixed(found, form.sources)


def _one_by_one(
    rounded: Callable[[Form], Form], exactly: Callable[[str, list[Form]], Form], op: str, row: list[Form]
) -> Form:
    """A sum, added up one after the other as it is done by hand; another reduction at once."""
    if op != "sum":
        return rounded(exactly(op, row))
    found = row[0]
    for other in row[1:]:
        found = rounded(exactly("sum", [found, other]))
    return found


class PocketForms(HandForms):
    """Forms whose results are rounded to what is carried, each up or down: the rounding is an unknown of its own."""

    def __init__(self, carried: Carried, inputs: Mapping[str, int] | None = None) -> None:
        super().__init__(inputs=inputs)
        self.carried = carried
        self._marks = count(ROUNDINGS)
        self._of_known: dict[fmpq, int] = {}  # the same number is rounded in the same way

    def element(self, op: str) -> Callable[..., Form]:
        """The operation on single forms, rounded."""
        function = super().element(op)
        return function if op in _EXACT else lambda *args: self._rounded(function(*args))

    def reduced(self, op: str, row: list[Form]) -> Form:
        """The sum, logsumexp, max or min of single forms, rounded."""
        return super().reduced(op, row) if op in _EXACT else _one_by_one(self._rounded, super().reduced, op, row)

    def _rounded(self, form: Form) -> Form:
        exact = form.centre if form.is_fixed and isinstance(form.centre, fmpq) else None
        if exact is not None and (abs(exact) >= HUGE or self.carried.holds(exact)):
            return form if abs(exact) < HUGE else unknown(form.sources)
        ball = as_ball(form.ball)
        size = abs(ball).upper()
        if not size < HUGE:
            return unknown(form.sources)
        half = self.carried.half(middle(size))
        shift, off = self._moved(ball, half)
        mark = next(self._marks) if exact is None else self._of_known.setdefault(exact, next(self._marks))
        parts = {**form.parts, mark: form.parts.get(mark, fmpq(0)) + from_fraction(off)}
        return Form(form.centre + from_fraction(shift), self._few(parts), form.rest, form.sources)

    def _few(self, parts: dict[int, Exactly]) -> dict[int, Exactly]:
        """The parts with the smaller of many roundings together, as one of their joint variance."""
        if len(parts) <= MANY:
            return parts
        ranked = sorted((mark for mark in parts if mark >= ROUNDINGS), key=lambda mark: abs(to_float(parts[mark])))
        small = [as_ball(parts.pop(mark)) for mark in ranked[: -MANY // 2]]
        return {**parts, TOGETHER + next(self._marks): sum((part * part for part in small), arb(0)).sqrt()}

    def _moved(self, ball: arb, half: Fraction) -> tuple[Fraction, Fraction]:
        """How far a result is moved, and by how much more or less; cutting moves it to 0, by up to twice `half`."""
        if not self.carried.is_cut:
            return Fraction(0), half
        toward = -1 if ball > 0 else 1 if ball < 0 else 0
        return toward * half, half if toward else 2 * half


def likely(form: Form) -> Form:
    """The form without unknowns: in its rest is what roundings do together but once in many times (`DEVIATIONS`)."""
    roundings = [as_ball(part) for mark, part in form.parts.items() if mark >= ROUNDINGS]
    others = sum((abs(as_ball(part)) for mark, part in form.parts.items() if mark < ROUNDINGS), form.rest)
    most = sum(map(abs, roundings), arb(0))
    deviation = (sum((part * part for part in roundings), arb(0)) / 3).sqrt()
    together = (DEVIATIONS * deviation).upper()
    is_bounded = not any(mark >= TOGETHER for mark in form.parts)
    radius = others + (most if is_bounded and most < together else together)
    return Form(form.centre, {}, radius.upper(), form.sources)


def carried(printed: Iterable[tuple[int, int]], *, is_cut: bool = False) -> Carried | None:
    """What an author carries whose numbers are printed with these significant digits and places: the most of each.

    None where there are no numbers, or more or fewer digits than somebody carries by hand.
    """
    listed = list(printed)
    digits, places = (max((pair[k] for pair in listed), default=0) for k in (0, 1))
    return Carried(digits, places, is_cut) if FEWEST <= digits <= MOST else None
