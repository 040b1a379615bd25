"""The number system of somebody who writes down, and carries, a few digits of every number on the way.

Each result is any number within half a unit of the last digit carried of what it exactly is: rounded up, down or to
even. Where digits are cut off, it is any number from there to a whole unit nearer to 0, which is as much, on one side.
A number that has no more digits than are carried is not rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from verify.numbers.affine import Form, Forms, unknown
from verify.numbers.scalars import as_ball, from_fraction, middle, to_fraction

FEWEST, MOST = 2, 10  # digits that somebody carries who calculates by hand, or on a pocket calculator
HUGE = 10**100  # nobody carries a larger number
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
        unit = Fraction(10) ** -self.places
        if size * HUGE < 1:
            return unit / 2
        power = len(str(int(size))) if size >= 1 else 1 - len(str(int(1 / size)))
        power += Fraction(10) ** power <= size  # 10^(power - 1) ≤ size < 10^power, also for 1/10
        return max(unit, Fraction(10) ** (power - self.digits)) / 2

    def holds(self, value: Fraction) -> bool:
        """Whether a number has no more digits than are carried."""
        return not value or (value / (2 * self.half(abs(value)))).denominator == 1


class PocketForms(Forms):
    """Forms whose results are rounded to what is carried."""

    def __init__(self, carried: Carried, inputs: Mapping[str, int] | None = None) -> None:
        super().__init__(inputs=inputs)
        self.carried = carried

    def element(self, op: str) -> Callable[..., Form]:
        """The operation on single forms, rounded."""
        function = super().element(op)
        return function if op in _EXACT else lambda *args: self._rounded(function(*args))

    def reduced(self, op: str, row: list[Form]) -> Form:
        """The sum, logsumexp, max or min of single forms, rounded."""
        if op != "sum":
            return self._rounded(super().reduced(op, row)) if op not in _EXACT else super().reduced(op, row)
        found = row[0]
        for other in row[1:]:  # one after the other, as it is done by hand
            found = self._rounded(super().reduced("sum", [found, other]))
        return found

    def _rounded(self, form: Form) -> Form:
        exact = to_fraction(form.centre) if form.is_fixed else None
        if exact is not None and self.carried.holds(exact):
            return form
        ball = as_ball(form.ball)
        size = abs(ball).upper()
        if not size < HUGE:
            return unknown(form.sources)
        half = self.carried.half(middle(size))
        shift, off = self._moved(ball, half)
        rest = (form.rest + as_ball(from_fraction(off))).upper()
        return Form(form.centre + from_fraction(shift), form.parts, rest, form.sources)

    def _moved(self, ball: arb, half: Fraction) -> tuple[Fraction, Fraction]:
        """How far a result is moved, and by how much more or less; cutting moves it to 0, by up to twice `half`."""
        if not self.carried.is_cut:
            return Fraction(0), half
        toward = -1 if ball > 0 else 1 if ball < 0 else 0
        return toward * half, half if toward else 2 * half


def carried(printed: Iterable[tuple[int, int]], *, is_cut: bool = False) -> Carried | None:
    """What an author carries whose numbers are printed with these significant digits and places: the most of each.

    None where there are no numbers, or more or fewer digits than somebody carries by hand.
    """
    listed = list(printed)
    digits, places = (max((pair[k] for pair in listed), default=0) for k in (0, 1))
    return Carried(digits, places, is_cut) if FEWEST <= digits <= MOST else None
