"""Where numbers that are compared become equal along a line: exactly where their differences are linear in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

Differences = Sequence[Fraction]  # of the two sides of each comparison, always in the same order
Outcomes = tuple[int, ...]  # of each comparison, −1, 0 or 1

MAX_BITS = 512  # of the denominator of a zero, as a part of its line; a longer one is rounded
_BITS = 64  # to so many

MAX_ZEROS = 6  # between the ends of a line; where there are more, it is halved


def signs(differences: Differences | None) -> Outcomes | None:
    """The outcomes that differences tell; None of None."""
    return None if differences is None else tuple((away > 0) - (away < 0) for away in differences)


def are_alike(before: Outcomes | None, after: Outcomes | None) -> bool:
    """Whether no comparison comes out one way here and the other way there; equal numbers are at the end of both."""
    if before is None or after is None:
        return before is after
    return all(one * other >= 0 for one, other in zip(before, after, strict=True))


def zeros(low: Fraction, at_low: Differences, high: Fraction, at_high: Differences) -> list[Fraction]:
    """Where differences of other signs at the two ends are 0, if each is linear between these; in order."""
    parts = {one / (one - other) for one, other in zip(at_low, at_high, strict=True) if one * other < 0}
    return sorted({low + (high - low) * _short(part) for part in parts} - {low, high})


def _short(part: Fraction) -> Fraction:
    """The part itself, or one near it where it is long: of a curve it is no zero, and its own would be longer still."""
    if part.denominator.bit_length() <= MAX_BITS:
        return part
    scale = 2 ** (_BITS + part.denominator.bit_length() - part.numerator.bit_length())
    return Fraction(round(part * scale), scale)


def within(low: Fraction, at_low: Differences | None, high: Fraction, at_high: Differences | None) -> list[Fraction]:
    """Where to look between two ends: at the zeros and once between any two neighbours, else in the middle."""
    found = [] if at_low is None or at_high is None else zeros(low, at_low, high, at_high)
    if not found or len(found) > MAX_ZEROS:
        return [(low + high) / 2]
    between = [(one + other) / 2 for one, other in pairwise((low, *found, high))]
    return sorted((*found, *between))


def reached(before: Fraction, here: Fraction, after: Fraction) -> Iterator[Fraction]:
    """Where a difference with these values at −1, 0 and 1 may be 0 or come nearest to it, and beyond these places."""
    for end, value in ((Fraction(1), after), (Fraction(-1), before)):
        if value != here and (zero := end * here / (here - value)) * end > 0:
            yield zero
            yield 2 * zero
    bend = before - 2 * here + after
    if bend and before != after:
        yield (before - after) / (2 * bend)  # where the parabola through all three turns
