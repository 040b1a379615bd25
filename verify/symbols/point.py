"""Numbers at one point: fractions while they can be, else balls that contain the number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verify.numbers.elements import REDUCTIONS, element
from verify.numbers.scalars import Exactly, from_fraction
from verify.symbols.entry import Index, Letter

_KINKS = ("relu", "abs", "sign", "max", "min", "greater", "at_most", "at_least")  # where two arguments are equal


class AtPoint:
    """The numbers of a point; `given` has an entry for each name and index.

    `on_kink` becomes true where an operation stands exactly on its kink.
    """

    def __init__(self, given: Mapping[str, Mapping[tuple[int, ...], Fraction]]) -> None:
        self.given = given
        self.on_kink = False

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
        if op in _KINKS and bool(args[0] == (args[1] if len(args) > 1 else 0)):
            self.on_kink = True
        return element(op)(*args)

    def sum(self, values: Sequence[Exactly]) -> Exactly:
        """The sum of several."""
        return REDUCTIONS["sum"](list(values))

    def reduce(self, op: str, values: Sequence[Exactly]) -> Exactly:
        """The logsumexp, max or min of several."""
        return REDUCTIONS[op](list(values))

    def summed(self, value: Exactly, letter: Letter) -> Exactly:
        """Every index is a number at a point."""
        raise KeyError(value, letter)
