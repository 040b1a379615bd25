"""One name of the graph, given or calculated."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.algebra.expression import Axes, Axis, Expr
from derive.errors import Place

SIZE = "n"  # the name on paper for the number of samples in the batch
SAMPLES = Axis("i", SIZE)  # the axis that data run over


@dataclass(frozen=True)
class Node:
    """One name of the graph.

    `kind` is "parameter", "constant", "data", "size" (n) or "line". A line has the resolved `expr`
    of its right-hand side, in which every reference names its axes, and `written`, the equation as
    on paper, and the `place` where it stands. `implied` is true for a loss whose sum over the samples was
    left in words.
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
        """The resolved right-hand side; only a line has one."""
        if self.expr is None:
            raise TypeError(f"{self.name} is a {self.kind}: it is given, not calculated")
        return self.expr


@dataclass(frozen=True)
class Frozen:
    """A parameter that is not updated; `entries` are those of its entries that are not, all where it is empty."""

    name: str
    entries: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        """`b`, or `W[0,1], W[1,1]`."""
        return ", ".join(f"{self.name}[{','.join(map(str, entry))}]" for entry in self.entries) or self.name
