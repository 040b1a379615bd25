"""A calculation of single exact numbers, recorded once and repeated with others: the same functions in the same order.

What is repeated is one list of calls. Around a number of a small step an array, and what looks for its place in a
program, cost ten times what the number does. As nothing else is called, the numbers are the same to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import itemgetter
from typing import Any, NoReturn

from flint import fmpq

from verify.numbers.by_element import Array, objects
from verify.numbers.elements import REDUCTIONS, CalculationError, Element, shares
from verify.numbers.scalars import Exactly, from_fraction
from verify.numbers.systems import Exact

MOST_CALLS = 4_000  # of a longer calculation the arrays cost little


class NotRecordedError(Exception):
    """A calculation that cannot be repeated: it goes on by what a number is, or it is too long."""


class Register:
    """A number that is not known yet. Raises `NotRecordedError` where it is asked what it is."""

    __slots__ = ("place",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, place: int) -> None:
        self.place = place

    def _ask(self, *_: object) -> NoReturn:
        raise NotRecordedError

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __float__ = _ask


@dataclass
class Recorded(Exact):
    """Exact numbers of which what is done with them is written down.

    With `once`, what has been called with the same numbers is not called once more: balls may be sharper so.
    `known` holds the numbers that are the same in every repetition, by their place; `calls` a function, the places that
    it reads and whether it takes them as one list, for each place from the last of the `given` on.
    """

    strict: bool = True
    once: bool = False
    count: int = 0
    known: dict[int, Exactly] = field(default_factory=dict)
    calls: list[tuple[Element, tuple[int, ...], bool, int]] = field(default_factory=list)
    found: dict[object, Register] = field(default_factory=dict)  # what is written down already, by what it is made of

    def given(self, shape: tuple[int, ...], size: int) -> Array:
        """An array of numbers that another repetition has others of."""
        return objects([self._new() for _ in range(size)], shape)

    def number(self, value: Fraction) -> Any:
        """A literal, the same in every repetition."""
        return self._same(from_fraction(value))

    def element(self, op: str) -> Callable[..., Any]:
        """The operation, which is written down."""
        function = super().element(op)
        return lambda *args: self._called(function, args)

    def reduced(self, op: str, row: list[Any]) -> Any:
        """The sum, logsumexp, max or min of numbers, which is written down."""
        return self._called(REDUCTIONS[op], row, is_list=True)

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min over the last dimension."""
        found = []
        for row in array.reshape((-1, array.shape[-1])):
            own = self._called(lambda terms: shares(op, terms), list(row), is_list=True)  # type: ignore[arg-type, return-value]
            found += [self._called(itemgetter(k), [own]) for k in range(len(row))]
        return objects(found, array.shape)

    def _new(self) -> Register:
        self.count += 1
        return Register(self.count - 1)

    def _same(self, value: fmpq) -> Register:
        if self.once and value in self.found:
            return self.found[value]
        found = self._new()
        self.known[found.place] = value
        if self.once:
            self.found[value] = found
        return found

    def _called(self, function: Element, args: Sequence[Any], *, is_list: bool = False) -> Register:
        """What a function gives; at once where that is a fraction of known ones, which no precision changes."""
        places = tuple(arg.place for arg in args)
        called = (function, places, is_list)
        if self.once and called in self.found:
            return self.found[called]
        if len(self.calls) == MOST_CALLS:
            raise NotRecordedError
        if all(isinstance(self.known.get(place), fmpq) for place in places):
            numbers = [self.known[place] for place in places]
            try:
                value = function(numbers) if is_list else function(*numbers)
            except CalculationError:
                value = None  # where it is calculated, it is said
            if isinstance(value, fmpq):
                return self._same(value)
        found = self._new()
        self.calls.append((function, places, is_list, found.place))
        if self.once:
            self.found[called] = found
        return found


@dataclass(frozen=True)
class Repeated:
    """A recorded calculation.

    `begun` is the number that is known at each place, None where it is given or calculated; `given` are the places of
    those that are given.
    """

    begun: tuple[Exactly | None, ...]
    given: tuple[int, ...]
    calls: tuple[tuple[Element, int, int, tuple[int, ...] | None, bool, int], ...]

    def of(self, numbers: Sequence[Exactly]) -> list[Any]:
        """The numbers of all places, of those that are given. Raises `CalculationError` as a function does."""
        held: list[Any] = [*self.begun]
        for place, number in zip(self.given, numbers, strict=True):
            held[place] = number
        for function, one, two, places, is_list, target in self.calls:
            if places is None:
                held[target] = function(held[one], held[two]) if two >= 0 else function(held[one])
            elif is_list:
                held[target] = function([held[place] for place in places])
            else:
                held[target] = function(*[held[place] for place in places])
        return held


def repeated(system: Recorded, given: Sequence[Array]) -> Repeated:
    """What is recorded, from what is `given` on; all of it, also what nothing rests on, as it may have no value."""
    begun = tuple(system.known.get(place) for place in range(system.count))
    places = tuple(register.place for array in given for register in array.flat)
    return Repeated(begun, places, tuple(map(_short, system.calls)))


def _short(
    call: tuple[Element, tuple[int, ...], bool, int],
) -> tuple[Element, int, int, tuple[int, ...] | None, bool, int]:
    """A call, whose places stand by themselves where it has one or two operands."""
    function, places, is_list, target = call
    if is_list or not 1 <= len(places) <= 2:
        return function, 0, 0, places, is_list, target
    return function, places[0], places[1] if len(places) == 2 else -1, None, False, target


class Shaped(Mapping[str, Array]):
    """Arrays by name, each made of the numbers of its places when it is asked for."""

    def __init__(self, layout: Mapping[str, tuple[tuple[int, ...], list[int]]], numbers: Sequence[Any]) -> None:
        self._layout, self._numbers = layout, numbers
        self._found: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        found = self._found.get(name)
        if found is None:
            shape, places = self._layout[name]
            found = self._found[name] = objects([self._numbers[place] for place in places], shape)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout)

    def __len__(self) -> int:
        return len(self._layout)

    def __contains__(self, name: object) -> bool:
        return name in self._layout
