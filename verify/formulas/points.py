"""Numbers at one point: fractions while they can be, else balls that contain the number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verify.formulas.letters import Index, Letter
from verify.numbers.elements import REDUCTIONS, element
from verify.numbers.scalars import Exactly, from_fraction


class AtPoint:
    """The numbers of a point; `given` has an entry for each name and index."""

    def __init__(self, given: Mapping[str, Mapping[tuple[int, ...], Fraction]]) -> None:
        self.given = given

    def number(self, value: Fraction) -> Exactly:
        """A literal."""
        return from_fraction(value)

    def leaf(self, name: str, index: tuple[Index, ...]) -> Exactly:
        """An entry of what is given."""
        return from_fraction(self.given[name][tuple(part for part in index if isinstance(part, int))])

    def size(self, name: str) -> Exactly:
        """Every size is known at a point."""
        raise KeyError(name)

    def position(self, index: Index) -> Exactly:
        """An index as a number."""
        return from_fraction(Fraction(index)) if isinstance(index, int) else self.size(index.size)

    def apply(self, op: str, args: Sequence[Exactly]) -> Exactly:
        """An operation of the table. Raises `CalculationError` where it has no value."""
        return element(op)(*args)

    def sum(self, values: Sequence[Exactly]) -> Exactly:
        """The sum of several."""
        return REDUCTIONS["sum"](list(values))

    def reduce(self, op: str, values: Sequence[Exactly]) -> Exactly:
        """The logsumexp, max or min of several."""
        return REDUCTIONS[op](list(values))

    def summed(self, value: Exactly, letter: Letter) -> Exactly:
        """Every index is a number at a point."""
        raise KeyError(letter)
