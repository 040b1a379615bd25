"""A claim: a number that somebody states, and which number of the run it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.errors import Place
from verify.claims.literal import Literal

# The groups of a step's numbers, in the order in which they are calculated.
GROUPS = (
    *("setting", "before", "nodes", "loss", "partials", "adjoints", "accumulated", "gradients", "clipped"),
    *("scaled", "change", "after", "watch"),
)
AFTERWARDS = ("norm", "averaged", "epoch", "prediction")  # of a log's row, after the last step of the epoch, of the run


@dataclass(frozen=True)
class Quantity:
    """What a column holds: a group of `GROUPS` or `AFTERWARDS`, a name, and what it is called in tables."""

    group: str
    name: str
    label: str = field(compare=False)


@dataclass(frozen=True)
class Cell:
    """One number of the run. `entry` counts from 0; along the samples it is the row of the data.

    `position` is the same in the arrays of the step, where it is the place of the row in its batch.
    `step` is that of the run, from 1; for the mean of an epoch its last one, for a prediction the run's last one.
    """

    step: int
    quantity: Quantity
    entry: tuple[int, ...] = ()
    position: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """`dl/dw`, `W[1,0]`."""
        return self.quantity.label + (f"[{','.join(map(str, self.entry))}]" if self.entry else "")


@dataclass(frozen=True)
class Claim:
    """What somebody says a number of the run is, where it is written, and what is to be told of how it was read."""

    cell: Cell
    literal: Literal
    place: Place
    told: str = ""
