"""What a problem states, once it is read and checked: equations, exact values, settings. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.errors import Place
from derive.graph import Graph
from derive.paper import Line


@dataclass(frozen=True)
class Quantity:
    """A parameter, a constant or a data column with its exact values.

    `shape` is () for a scalar and (m,) for a column of m samples; `values` are flattened row by row.
    """

    name: str
    shape: tuple[int, ...]
    values: tuple[Fraction, ...]


@dataclass(frozen=True)
class Training:
    """The training settings of a problem file; None where it gives none."""

    optimizer: str | None = None
    lr: Fraction | None = None
    batch_size: int | None = None
    epochs: int | None = None
    steps: int | None = None
    shuffle: bool | None = None
    seed: int | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class Claims:
    """What somebody says the answer is, with the digits they printed: a table as text, formulas by name."""

    table: str | None
    formulas: tuple[tuple[str, str], ...]
    place: Place


@dataclass(frozen=True)
class Problem:
    """One worked problem.

    `name` is that of a shipped problem, a file's stem, "text" or "equation"; `source` the path as
    given or "<text>". `notes` are sentences a user should see, such as what was assumed. `places`
    says where in the file a setting or a name stands ("training.lr", "parameters.w", "loss").
    `source_note` says where the problem comes from, if the file does.
    """

    name: str
    title: str
    source: str
    lines: tuple[Line, ...]
    graph: Graph
    parameters: tuple[Quantity, ...] = ()
    constants: tuple[Quantity, ...] = ()
    data: tuple[Quantity, ...] = ()
    training: Training = Training()
    claims: Claims | None = None
    notes: tuple[str, ...] = ()
    places: tuple[tuple[str, Place], ...] = ()
    source_note: str | None = None

    @property
    def is_symbolic(self) -> bool:
        """Whether the problem is equations alone: the graph knows the names, but nothing has a value."""
        return not self.parameters

    @property
    def samples(self) -> int | None:
        """The number of samples of the data; None without data."""
        return self.data[0].shape[0] if self.data else None

    def place_of(self, key: str) -> Place | None:
        """Where `key` ("training.lr") stands in the file; None when it does not, or not on a line of its own."""
        return dict(self.places).get(key)
