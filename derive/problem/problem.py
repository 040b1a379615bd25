"""What a problem states, once it is read and checked: equations, exact values, settings. All frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from derive.algebra.expression import Apply, walk
from derive.errors import Place
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.paper.lines import Line
from derive.paper.macros import SINGULAR
from derive.source.numerals import write_number
from derive.training.plan import Training


@dataclass(frozen=True)
class Draw:
    """Numbers to be drawn by PyTorch: "uniform" from `low` to `high`, or "normal" with `mean` and `std`."""

    distribution: str
    seed: int
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(1)
    mean: Fraction = Fraction(0)
    std: Fraction = Fraction(1)

    def __str__(self) -> str:
        """`uniform from -0.5 to 0.5, seed 442`."""
        if self.distribution == "uniform":
            numbers = f"from {write_number(self.low)} to {write_number(self.high)}"
        else:
            numbers = f"with mean {write_number(self.mean)}, std {write_number(self.std)}"
        return f"{self.distribution} {numbers}, seed {self.seed}"


@dataclass(frozen=True)
class Quantity:
    """A parameter, a constant or a data column with its exact values.

    `shape` is () for a scalar and (m,) for a column of m samples, (m, 3) for m samples of three
    numbers; `values` are flattened row by row. They are () while a `draw` has not been made.
    `digits` are the powers of ten of the last digits as they are printed, None for a quotient; () where nothing is
    printed. A quantity that is `rounded` stands, in an audit, for all numbers that are printed so.
    """

    name: str
    shape: tuple[int, ...]
    values: tuple[Fraction, ...]
    draw: Draw | None = None
    digits: tuple[int | None, ...] = field(default=(), compare=False, repr=False)
    rounded: bool = False

    @cached_property
    def floats(self) -> tuple[float, ...]:
        """The float64 nearest to each value. Raises `OverflowError` for one beyond its range."""
        return tuple(value.numerator / value.denominator for value in self.values)

    @cached_property
    def are_floats(self) -> tuple[bool, ...]:
        """Whether each value is a float64."""
        pairs = zip(self.values, self.floats, strict=True)
        return tuple(own.as_integer_ratio() == value.as_integer_ratio() for value, own in pairs)

    def of_floats(self, numbers: Sequence[float]) -> Quantity:
        """The quantity with these numbers as its values, which are float64 as they are."""
        found = replace(self, values=tuple(map(Fraction, numbers)))
        known = tuple(number + 0.0 for number in numbers)  # 0 for −0, as a fraction has it
        vars(found).update(floats=known, are_floats=(True,) * len(known))
        return found

    @property
    def slacks(self) -> tuple[Fraction, ...]:
        """How far each number can be from what is printed: half a unit of its last digit, 0 for a quotient."""
        return tuple(Fraction(0) if last is None else Fraction(10) ** last / 2 for last in self.digits)

    @property
    def number(self) -> Fraction | None:
        """The value of a single number; None of an array."""
        return self.values[0] if not self.shape and self.values else None

    @property
    def is_drawn(self) -> bool:
        """Whether `values` has the numbers: true where nothing is to be drawn, false until PyTorch has drawn them."""
        return self.draw is None or bool(self.values)


@dataclass(frozen=True)
class Claims:
    """What an author says the answer is, with the digits as printed: a table as text, pairs of a name and a formula.

    `table_place` is the first line of the table; `units` is how many units of its last digit a number may be off, where
    the author says so. `log` is the trainer that has written the table, where it is named.
    """

    table: str | None
    formulas: tuple[tuple[str, str], ...]
    place: Place
    table_place: Place
    units: int | None = None
    log: str | None = None
    log_place: Place | None = None


@dataclass(frozen=True)
class Problem:
    """One worked problem.

    `name` is that of a shipped problem, a file's stem, "text" or "equation"; `source` the path as
    given or "<text>". `notes` are sentences a user should see, such as what was assumed. `places`
    says where in the file a setting or a name stands ("training.lr", "parameters.w", "loss").
    `source_note` says where the problem comes from, if the file does. `trains` is false for a file
    without [training], whose gradient is evaluated at the values that are given, and for equations alone.
    `watch` are the expressions of [watch], which the graph does not hold; `predict` are the columns of [predict].
    `reported` names the lines of [report], which stand beside the loss in tables. `is_symbolic` is true for equations
    alone: the graph knows the names, but nothing has a value. `readings` are texts of the same equations with shapes
    that they may also have been meant with, each after the shapes that differ, as they are said: `y: (J)`.
    """

    name: str
    title: str
    source: str
    lines: tuple[Line, ...]
    graph: Graph
    parameters: tuple[Quantity, ...] = ()
    constants: tuple[Quantity, ...] = ()
    data: tuple[Quantity, ...] = ()
    training: Training = field(default_factory=Training)
    claims: Claims | None = None
    notes: tuple[str, ...] = ()
    places: tuple[tuple[str, Place], ...] = ()
    source_note: str | None = None
    trains: bool = True
    reported: tuple[str, ...] = ()
    watch: tuple[Node, ...] = ()
    predict: tuple[Quantity, ...] = ()
    is_symbolic: bool = False
    readings: tuple[tuple[str, str], ...] = ()

    @property
    def given(self) -> tuple[Quantity, ...]:
        """Everything that has values in the file: the parameters, the constants, the data."""
        return (*self.parameters, *self.constants, *self.data)

    @property
    def samples(self) -> int | None:
        """The number of samples of the data; None without data."""
        return self.data[0].shape[0] if self.data else None

    @property
    def seeded(self) -> str:
        """The line that the file gives a seed_gradient for; empty where it gives none."""
        return self.graph.seeded if self.place_of("seed_gradient") is not None else ""

    @property
    def singular(self) -> tuple[str, ...]:
        """What PyTorch's functions have where formulas of the same name, as written out here, have no value."""
        used = {part.op for line in self.lines for part in walk(line.expr) if isinstance(part, Apply)}
        return tuple(sentence for name, sentence in SINGULAR.items() if name in used)

    def place_of(self, key: str) -> Place | None:
        """Where `key` ("training.lr") stands in the file; None when it does not, or not on a line of its own."""
        return dict(self.places).get(key)
