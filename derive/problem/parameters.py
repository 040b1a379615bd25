"""[parameters] and [constants]: numbers, arrays, what is to be drawn, and what of it is frozen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.characters import normalise
from derive.errors import Place, ProblemError, suggestion
from derive.graph.node import Frozen
from derive.paper.lines import check_name
from derive.problem.problem import Draw, Quantity
from derive.problem.rounded import unwrapped
from derive.source.arrays import MAX_DEPTH, MAX_NUMBERS, Wording, read_array
from derive.source.numerals import Numeral, NumeralError, exact, shown
from derive.source.toml_text import Document
from derive.training.settings import read_setting

# The keys of each distribution, beside `shape` and `distribution`.
_DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "uniform": ("low", "high", "seed"),
    "normal": ("mean", "std", "seed"),
    "zeros": (),
    "ones": (),
}


@dataclass(frozen=True)
class Given:
    """The quantities of [parameters] or [constants]; `written` are their names as spelled in the file."""

    quantities: tuple[Quantity, ...] = ()
    written: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names as they are compared."""
        return tuple(quantity.name for quantity in self.quantities)

    @property
    def numbers(self) -> dict[str, Fraction | None]:
        """The value of each name that is a single number; None of an array."""
        return {quantity.name: quantity.number for quantity in self.quantities}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each name."""
        return {quantity.name: quantity.shape for quantity in self.quantities}


def read_given(document: Document, key: str) -> Given:
    """Returns the quantities of the table `key`, "parameters" or "constants"; only parameters can be drawn at random.

    Raises `ProblemError` for names, values and distributions that are not possible.
    """
    quantities: dict[str, Quantity] = {}
    spelled: dict[str, str] = {}
    for written, value in document.table(key).items():
        place = document.place(key, written)
        name = check_name(written, place)
        if name in spelled:
            raise ProblemError(
                f"{spelled[name]!r} and {written!r} are the same name after Unicode normalisation (NFKC); rename one",
                place,
            )
        spelled[name] = written
        quantities[name] = _quantity(name, written, value, key, place)
    return Given(tuple(quantities.values()), tuple(spelled.values()))


def _quantity(name: str, written: str, value: object, key: str, place: Place) -> Quantity:
    value, is_rounded = unwrapped(value, written, place)
    if isinstance(value, dict):
        return _Drawn(written, value, key, place).quantity(name)
    array = read_array(value, Wording(written, 'a number, such as 0.5 or "1/3"'), place)
    return Quantity(name, array.shape, array.values, None, array.digits, is_rounded)


class _Drawn:
    """Reads `w = {shape = [12], distribution = "uniform", low = -0.5, high = 0.5, seed = 442}`."""

    def __init__(self, written: str, table: Mapping[str, object], key: str, place: Place) -> None:
        self.written = written
        self.table = table
        self.key = key
        self.place = place

    def error(self, message: str) -> ProblemError:
        return ProblemError(f"{self.written}{message}", self.place)

    def quantity(self, name: str) -> Quantity:
        shape, distribution = self.shape(), self.distribution()
        self.refuse_unknown(distribution)
        if distribution in ("zeros", "ones"):
            value = Fraction(distribution == "ones")
            return Quantity(name, shape, (value,) * math.prod(shape))
        if self.key == "constants":
            raise self.error(" is drawn, but only parameters can be; write its numbers, or move it to [parameters]")
        return Quantity(name, shape, (), self.draw(distribution))

    def shape(self) -> tuple[int, ...]:
        """The sizes; [] is a single number."""
        value = self.table.get("shape")
        if value is None:
            raise self.error(
                ' is a table without a shape; expected {shape = [2, 3], distribution = "uniform", seed = 0}, or numbers'
            )
        if not isinstance(value, list) or not all(_is_size(size) for size in value):
            found = shown(value) if not isinstance(value, list) else f"[{', '.join(map(shown, value))}]"
            raise self.error(f".shape = {found}; expected a list of whole numbers above 0, such as [2, 3]")
        if len(value) > MAX_DEPTH or math.prod(value) > MAX_NUMBERS:
            raise self.error(f".shape = {value}; expected at most {MAX_DEPTH} sizes and {MAX_NUMBERS:,} numbers")
        return tuple(value)

    def distribution(self) -> str:
        known = ", ".join(_DISTRIBUTIONS)
        value = self.table.get("distribution")
        if value is None:
            raise self.error(f" has a shape and no distribution; expected distribution = one of: {known}")
        if not isinstance(value, str) or isinstance(value, Numeral) or value not in _DISTRIBUTIONS:
            hint = suggestion(value, _DISTRIBUTIONS) if isinstance(value, str) else ""
            raise self.error(f".distribution = {shown(value)}; expected one of: {known}{hint}")
        return value

    def refuse_unknown(self, distribution: str) -> None:
        known = ("shape", "distribution", *_DISTRIBUTIONS[distribution])
        for key in self.table:
            if key not in known:
                hint = suggestion(key, known) or f"; known: {', '.join(known)}"
                raise self.error(f": unknown key {key!r} for {distribution!r}{hint}")

    def draw(self, distribution: str) -> Draw:
        low, high = self.number("low", 0), self.number("high", 1)
        mean, std = self.number("mean", 0), self.number("std", 1)
        if low >= high:
            raise self.error(f": low is not below high; expected low = {shown(self.table.get('low', 0))} to be smaller")
        if std <= 0:
            raise self.error(f".std = {shown(self.table['std'])} is not above 0; expected a number above 0")
        seed = int(read_setting("seed", self.table.get("seed", 0), self.place))
        return Draw(distribution, seed, low, high, mean, std)

    def number(self, key: str, default: int) -> Fraction:
        value = self.table.get(key, default)
        try:
            return exact(value)
        except NumeralError as error:
            raise self.error(f".{key} = {shown(value)} {error}; expected a number") from None


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_NUMBERS


_ENTRY = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*")


def read_frozen(document: Document, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Frozen, ...]:
    """Returns what `frozen` lists, one for each parameter in it; `shapes` are the shapes of all parameters by name.

    Raises `ProblemError` for a value that is not a list of names, for a name that is not a parameter's, and for an
    entry out of range.
    """
    listed = document.content.get("frozen")
    if listed is None:
        return ()
    place = document.place("frozen")
    if not isinstance(listed, list) or not all(isinstance(e, str) and not isinstance(e, Numeral) for e in listed):
        raise ProblemError(f'frozen is {shown(listed)}; expected names, such as ["b1", "W[0,1]"]', place)
    found: dict[str, dict[tuple[int, ...], None]] = {}
    whole: set[str] = set()
    for text in listed:
        name, entry = _read(text, shapes, place)
        found.setdefault(name, {})
        if entry is None:
            whole.add(name)
        else:
            found[name][entry] = None
    return tuple(Frozen(name, () if name in whole else tuple(entries)) for name, entries in found.items())


def _read(text: str, shapes: Mapping[str, tuple[int, ...]], place: Place) -> tuple[str, tuple[int, ...] | None]:
    """The name and, when it has one, the entry; an index counts from 0."""
    match = _ENTRY.fullmatch(text)
    name = normalise(match[1]) if match else text
    if name not in shapes:
        hint = suggestion(name, shapes) or f"; the parameters are {', '.join(shapes)}"
        raise ProblemError(f"frozen: {shown(text)} is not a parameter{hint}", place)
    if match is None or match[2] is None:
        return name, None
    shape = shapes[name]
    indices = [index.strip() for index in match[2].split(",")]
    if not all(re.fullmatch(r"[0-9]{1,9}", index) for index in indices):
        raise ProblemError(f"frozen: {shown(text)}; expected whole numbers from 0, such as {name}[0]", place)
    entry = tuple(int(index) for index in indices)
    if len(entry) != len(shape):
        has = f"has {len(shape)}" if shape else "is a single number and has none"
        count = "1 index" if len(entry) == 1 else f"{len(entry)} indices"
        raise ProblemError(f"frozen: {shown(text)} is written with {count}, but {name} {has}", place)
    for index, size in zip(entry, shape, strict=True):
        if index >= size:
            raise ProblemError(
                f"frozen: {shown(text)} is out of range: index {index}, but {name} has {size} there, "
                f"counted from 0 to {size - 1}",
                place,
            )
    return name, entry


def frozen_note(frozen: tuple[Frozen, ...]) -> list[str]:
    """Returns a list with the sentence that says what is not updated; an empty one where all parameters are."""
    if not frozen:
        return []
    return [f"frozen: {', '.join(map(str, frozen))}; the gradient is derived and compared, and not applied there"]
