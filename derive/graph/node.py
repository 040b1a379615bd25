"""One name of the graph, given or calculated."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.algebra.expression import Axes, Axis, Expr
from derive.errors import Place

SIZE = "n"  # the name on paper for the number of samples in the batch
SAMPLES = Axis("i", SIZE)  # the axis that data run over
ROWS = "#row"  # what programs read for an index along the samples: the row of the data, counted from 0


@dataclass(frozen=True)
class Node:
    """One name of the graph.

    `kind` is "parameter", "constant", "data", "size" (n, or the named size of an axis), "line", "gradient" for a
    name such as dl/dw, or "update" for a number of the update, such as lr. A line has `expr`, its right-hand side in
    which every reference names its axes, `written`, the right-hand side as on paper, and the `place` where it stands.
    `implied` is true for a loss whose sum over the samples was left in words; `note` is printed after the equation.
    """

    name: str
    kind: str
    axes: Axes = ()
    expr: Expr | None = None
    written: Expr | None = None
    implied: bool = False
    note: str = ""
    place: Place | None = field(default=None, compare=False)

    @property
    def definition(self) -> Expr:
        """The resolved right-hand side. Raises `TypeError` for what is not a line."""
        if self.expr is None:
            raise TypeError(f"{self.name} is a {self.kind}: it is given, not calculated")
        return self.expr


@dataclass(frozen=True)
class Frozen:
    """A parameter that is not updated at these `entries`, tuples of indices from 0; nowhere where there are none."""

    name: str
    entries: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        """`b`, or `W[0,1], W[1,1]`."""
        return ", ".join(f"{self.name}[{','.join(map(str, entry))}]" for entry in self.entries) or self.name
