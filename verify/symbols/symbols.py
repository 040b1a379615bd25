"""The symbols that fractions are made of: what each stands for, the letters it depends on, what is known of its sign.

What is no polynomial, such as exp(x), becomes a symbol. Where the number of samples is left open, their index is a
letter: xᵢ is one symbol, and so is Σᵢ xᵢ².
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq_mpoly

from verify.symbols.entry import Index, Leaf, Letter
from verify.symbols.fractions import Effort, Field, Ratio, Structure, used

_ODD = ("sin", "tan", "tanh", "erf")  # f(−x) = −f(x)
_AT_ZERO = {"sin": 0, "tan": 0, "tanh": 0, "erf": 0, "cos": 1, "exp": 1}
_POSITIVE = ("exp", "pi", "e", "sigmoid", "softplus")  # whatever their argument is


@dataclass(frozen=True)
class Called:
    """The key of a function of fractions: its name, and what each argument is made of."""

    op: str
    args: tuple[Structure, ...]


@dataclass(frozen=True)
class Summed:
    """The key of Σ over a letter; inside, the letter is `bound`."""

    bound: Letter
    body: Structure


Key = Leaf | Letter | Called | Summed


@dataclass(frozen=True)
class Case:
    """One of the cases of a group of symbols: what is 1 where it holds, else 0, and the values that they then have."""

    holds: Ratio
    values: Mapping[int, Fraction]


@dataclass(frozen=True)
class Manner:
    """How functions are taken: each as one symbol, or `rewritten` to exp and log.

    `off_kinks` leaves out the points where d is 0: there alone 1 − [d > 0] is not [−d > 0]. `by_cases` takes a function
    of what is compared apart: exp(min(x, 0)) is 1 where x > 0 and else exp(x), and so is a comparison in a comparison.
    With `largest` the maximum over an axis is one symbol, off kinks.
    """

    rewritten: bool = False
    off_kinks: bool = False
    by_cases: bool = False
    largest: bool = False


class Symbols:
    """The fractions in at most `size` symbols, and what is known of each symbol.

    `labels` are names that are one of so many classes, counted from 0. `known` are the values of names that stand for
    them. `effort` is the work that is left. Of exp(x), exp(x/`parts`) is the symbol. `groups` has the cases that can
    occur of a symbol whose number has only some values, and of those that go with it. `largest` has what says of each
    of several that it is their maximum, a symbol. Whatever calculates with the fractions may raise what `Field` raises.
    """

    def __init__(
        self,
        size: int,
        manner: Manner,
        labels: Mapping[str, int],
        known: Mapping[Leaf, Fraction],
        effort: Effort | None = None,
        parts: int = 1,
    ) -> None:
        self.field = Field(size, effort)
        self.manner = manner
        self.labels = labels
        self.known = known
        self.letters: list[frozenset[Letter]] = []  # of each symbol, those it depends on
        self.is_positive: set[int] = set()
        self.is_nonnegative: set[int] = set()  # an even root is 0 or positive
        self.is_below_one: set[int] = set()  # and positive: beta^t
        self.is_count: set[int] = set()  # how many values an axis has, where that is left open
        self.groups: dict[int, tuple[Case, ...]] = {}
        self.largest: dict[int, dict[Structure, Ratio]] = {}
        self.sum_to_one: frozenset[str] = frozenset()  # names whose entries along the last axis have the sum 1
        self.label_sizes: Mapping[str, str] = {}  # of names that are one of so many classes as an open axis has values
        self.renamings: dict[tuple[object, ...], int] = {}  # of a symbol along other letters, the symbol
        self.parts = parts

    def number(self, value: Fraction) -> Ratio:
        """The fraction that a literal is."""
        return self.field.number(value)

    def leaf(self, name: str, index: tuple[Index, ...]) -> Ratio:
        """An entry of what is given (a parameter, a column of the data): its known value, else its symbol."""
        leaf = Leaf(name, index)
        if leaf in self.known:
            return self.field.number(self.known[leaf])
        return self.symbol(leaf)

    def size(self, name: str) -> Ratio:
        """The symbol of how many values an axis has, where that is left open; it is positive."""
        found = self.symbol(Leaf(name, ()), positive=True)
        self.is_count.add(self.field.places[Leaf(name, ())])
        return found

    def position(self, index: Index) -> Ratio:
        """The number that an index is, or the symbol of its letter."""
        return self.field.number(index) if isinstance(index, int) else self.symbol(index)

    def symbol(self, key: Key, positive: bool = False) -> Ratio:
        """The symbol with a key, made where there is none yet; `positive` says that its number is."""
        found = self.field.symbol(key)
        place = self.field.places[key]
        if place == len(self.letters):
            self.letters.append(self._letters_of(key))
        if positive:
            self.is_positive.add(place)
        return found

    def _letters_of(self, key: Key) -> frozenset[Letter]:
        match key:
            case Leaf(index=index):
                return frozenset(part for part in index if isinstance(part, Letter))
            case Letter():
                return frozenset((key,))
            case Summed(bound=bound):
                return frozenset(letter for place in inside(key) for letter in self.letters[place]) - {bound}
        return frozenset(letter for place in inside(key) for letter in self.letters[place])

    def function(self, op: str, *args: Ratio) -> Ratio:
        """A function of fractions as one symbol.

        Of an odd or even one a minus before the argument is taken out; its value at 0, where rational, is a number.
        """
        sign = self.field.one
        if op in _ODD and args[0].top.leading_coefficient() < 0:
            args, sign = (self.field.negative(args[0]),), self.field.number(-1)
        if op == "cos" and args[0].top.leading_coefficient() < 0:
            args = (self.field.negative(args[0]),)
        if args and op in _AT_ZERO and args[0].top.is_zero():
            return self.field.number(_AT_ZERO[op])
        found = self.symbol(self.called(op, *args), positive=op in _POSITIVE)
        return self.field.multiply(sign, found)

    def called(self, op: str, *args: Ratio) -> Called:
        """The key of a function of fractions."""
        return Called(op, tuple(map(self.field.structure, args)))

    def positive(self, x: Ratio) -> bool:
        """Whether x is certainly positive: no term is negative, and one is positive, above and below.

        What is between 0 and 1 is written as 1 − s, where s is so as well: 1 − beta^t is positive.
        """
        return any(all(map(self._positive, sides)) for sides in self._sides(x))

    def _from_one(self, side: fmpq_mpoly) -> fmpq_mpoly:
        """A polynomial in 1 − s in place of every s that is between 0 and 1."""
        context = self.field.context
        found = context.constant(0)
        for coefficient, powers in self.field.terms(side):
            term = context.constant(coefficient)
            for symbol, exponent in powers:
                gen = context.gen(symbol)
                term = term * ((self.field.unit - gen) if symbol in self.is_below_one else gen) ** exponent
            found = found + term
        return found

    def nonnegative(self, x: Ratio) -> bool:
        """Whether x is certainly not negative where it has a value: no term is negative, above and below."""
        return any(all(map(self._nonnegative, sides)) for sides in self._sides(x))

    def _sides(self, x: Ratio) -> Iterator[tuple[fmpq_mpoly, fmpq_mpoly]]:
        """Above and below, with either sign, and as they are in what is between 0 and 1 taken from 1."""
        sides = [(x.top, x.bottom)]
        if self.is_below_one & (used(x.top) | used(x.bottom)):
            sides.append((self._from_one(x.top), self._from_one(x.bottom)))
        for top, bottom in sides:
            yield top, bottom
            yield -top, -bottom

    def _positive(self, side: fmpq_mpoly) -> bool:
        terms = self.field.terms(side)
        return self._nonnegative(side) and any(all(s in self.is_positive for s, _ in powers) for _, powers in terms)

    def _nonnegative(self, side: fmpq_mpoly) -> bool:
        for coefficient, powers in self.field.terms(side):
            signed = any(s not in self.is_positive and s not in self.is_nonnegative and e % 2 for s, e in powers)
            if coefficient < 0 or signed:
                return False
        return True


def inside(key: object) -> frozenset[int]:
    """The symbols that a key is made of: those in the arguments of a function or under a Σ, else none."""
    structures: tuple[Structure, ...] = ()
    if isinstance(key, Called):
        structures = key.args
    elif isinstance(key, Summed):
        structures = (key.body,)
    return frozenset(s for structure in structures for side in structure for _, powers in side for s, _ in powers)
