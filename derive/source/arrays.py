"""Nested lists of numbers as arrays: one shape, and the exact numbers row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from derive.errors import Place, ProblemError
from derive.source.numerals import NumeralError, exact, last_digit, shown

MAX_DEPTH = 4  # lists inside one another: the most sizes of a shape; deeper lists are refused
MAX_NUMBERS = 1_000_000  # in one array; a larger one is refused

Path = tuple[int, ...]


@dataclass(frozen=True)
class Wording:
    """How messages speak of an array: `what` it is called, in `remedy` what an entry should be, the `error` raised.

    `entry` names the entry at a path of indices, from 0; without it that is `what[0,1]`.
    """

    what: str
    remedy: str
    error: type[ProblemError] = ProblemError
    entry: Callable[[Path], str] | None = None

    def at(self, path: Path) -> str:
        """Returns what the entry, or the list, at `path` is called."""
        if self.entry is not None and path:
            return self.entry(path)
        return f"{self.what}[{','.join(map(str, path))}]" if path else self.what


@dataclass(frozen=True)
class Array:
    """Exact numbers row by row; `shape` is () for a single one.

    `digits` are the powers of ten of their last digits, as `last_digit` gives them.
    """

    shape: tuple[int, ...]
    values: tuple[Fraction, ...]
    digits: tuple[int | None, ...] = field(default=(), compare=False, repr=False)


def read_array(value: object, wording: Wording, place: Place) -> Array:
    """Returns the array of `value`, a number or nested lists of numbers as TOML gives them.

    Raises the wording's error for lists that are empty, of unequal lengths or too deep, for too many
    numbers, and for what is not a number.
    """
    return _Reader(wording, place).read(value)


class _Reader:
    """Reads one array."""

    def __init__(self, wording: Wording, place: Place) -> None:
        self.wording = wording
        self.place = place

    def error(self, message: str) -> ProblemError:
        return self.wording.error(message, self.place)

    def read(self, value: object) -> Array:
        shape: list[int] = []
        read = tuple(self.numbers(value, (), shape))
        return Array(tuple(shape), tuple(number for number, _ in read), tuple(last for _, last in read))

    def numbers(self, value: object, path: Path, shape: list[int]) -> Iterator[tuple[Fraction, int | None]]:
        """The numbers of `value`, which stands at `path`, with their last digits; `shape` grows along the first."""
        if not isinstance(value, list):
            if len(path) < len(shape):
                raise self.unlike(path, shown(value), "a list")
            yield self.number(value, path), last_digit(value)
            return
        if len(path) == MAX_DEPTH:
            raise self.error(f"{self.wording.what} has lists nested more than {MAX_DEPTH} deep; expected at most that")
        self.check_length(len(value), path, shape)
        for position, entry in enumerate(value):
            yield from self.numbers(entry, (*path, position), shape)

    def check_length(self, length: int, path: Path, shape: list[int]) -> None:
        """Every list at one depth has the length of the first one."""
        here = self.wording.at(path)
        if length == 0:
            raise self.error(f"{here} is empty; expected at least one number")
        if len(path) == len(shape):
            if any(path):  # the first entry at this depth was a number
                raise self.unlike(path, "a list", "a number")
            shape.append(length)
            total = 1
            for size in shape:
                total *= size
            if total > MAX_NUMBERS:
                raise self.error(f"{self.wording.what} has {total:,} numbers or more; expected at most {MAX_NUMBERS:,}")
        elif length != shape[len(path)]:
            first = self.wording.at((0,) * len(path))
            raise self.error(
                f"{first} has {_count(shape[len(path)])} and {here} has {length}; expected rows of the same length"
            )

    def unlike(self, path: Path, found: str, first: str) -> ProblemError:
        beginning = self.wording.at((0,) * len(path))
        return self.error(
            f"{self.wording.at(path)} is {found}, but {beginning} is {first}; expected rows of the same length"
        )

    def number(self, value: object, path: Path) -> Fraction:
        try:
            return exact(value)
        except NumeralError as error:
            sign = ":" if self.wording.entry is not None and path else " ="
            raise self.error(
                f"{self.wording.at(path)}{sign} {shown(value)} {error}; expected {self.wording.remedy}"
            ) from None


def _count(length: int) -> str:
    return "1 entry" if length == 1 else f"{length} entries"
