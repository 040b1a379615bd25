"""A claim: a number that somebody states, and which number of the run it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from derive.errors import Place
from verify.claims.literal import Literal

# The groups of a step's numbers, in the order in which they are calculated.
GROUPS = (
    *("setting", "before", "nodes", "loss", "partials", "adjoints", "accumulated", "gradients", "clipped"),
    *("scaled", "after", "inside", "change", "watch"),  # the state, what is inside an update, then the parameter
)
AFTERWARDS = ("norm", "averaged", "epoch", "prediction")  # of a log's row, after the last step of the epoch, of the run


# What is made of a line's numbers in the batches of an epoch: each batch counting alike, or with its n samples.
MEANS = ("mean_of_batches", "mean_over_samples")
SUMS = ("sum_of_batches", "sum_over_samples")
EITHER = {"mean": MEANS, "sum": SUMS, "any": (*MEANS, *SUMS)}  # of which it is not said which
OF_AN_EPOCH = {  # how they are written of a line r
    **{kind: (f"{kind}({{r}})", f"{kind} {{r}}", f"{kind[:-11]}({{r}})") for kind in (MEANS[0], SUMS[0])},
    **{kind: (f"{kind}({{r}})", f"{kind} {{r}}") for kind in (MEANS[1], SUMS[1])},
    "mean": ("mean {r}", "{r} mean", "average {r}", "avg {r}"),
    "sum": ("total {r}", "{r} total", "sum {r}", "sum of {r}", "{r} sum", "Σ {r}", "∑ {r}"),
    "any": ("epoch {r}", "running {r}", "{r} of the epoch"),
}


@dataclass(frozen=True)
class Quantity:
    """What a column holds: a group of `GROUPS` or `AFTERWARDS`, a name, and what it is called in tables.

    In the group "epoch" the name is one of `MEANS`, `SUMS` or `EITHER`, of the loss, and with `/r` of the line r.
    """

    group: str
    name: str
    label: str = field(compare=False)


@dataclass(frozen=True)
class Cell:
    """One number of the run. `entry` counts from 0; along the samples it is the row of the data.

    `position` is the same in the arrays of the step, where it is the place of the row in its batch.
    `step` is that of the run, from 1; for the mean of an epoch its last one, for a prediction the run's last one.
    `written` is the entry as its author calls it, where that leaves out the one row of a step.
    """

    step: int
    quantity: Quantity
    entry: tuple[int, ...] = ()
    position: tuple[int, ...] = ()
    written: tuple[int, ...] | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        """Of what tells cells apart, and no more: every claim of a long table is looked up many times."""
        return hash((self.step, self.quantity.name, self.entry))

    @property
    def name(self) -> str:
        """`dl/dw`, `W[1,0]`."""
        entry = self.entry if self.written is None else self.written
        return self.quantity.label + (f"[{','.join(map(str, entry))}]" if entry else "")


@dataclass(frozen=True)
class Claim:
    """What somebody says a number of the run is, where it is written, and what is to be told of how it was read."""

    cell: Cell
    literal: Literal
    place: Place
    told: str = ""


_STEPS = ("step", "epoch", "batch")  # the first columns of steps.csv
_EPOCHS = ("epoch", "batches")  # and of epochs.csv


def is_counter(written: str, header: Sequence[str]) -> bool:
    """Whether a column is one of those with which an exported table begins."""
    return is_exported(header) and written in header[:3]


def is_exported(header: Sequence[str]) -> bool:
    """Whether a table begins as an exported one does."""
    return tuple(header[:3]) == _STEPS or is_of_epochs(header)


def is_of_epochs(header: Sequence[str]) -> bool:
    """Whether a table begins as epochs.csv does."""
    return tuple(header[:2]) == _EPOCHS
