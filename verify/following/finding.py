"""What an audit finds of one claim: an enum of statuses, and a finding with its sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Protocol

from flint import arb

from verify.claims.claim import Cell, Claim
from verify.claims.literal import written_like
from verify.numbers import Exactly, decimal, is_finite

BITS_OF_A_DIGIT = 4  # rather more than log2 of 10


class Status(Enum):
    """What a claimed number can be; the names are stable, so that they can be counted."""

    RIGHT = "right"
    TRUNCATED = "truncated"
    DOUBLE_ROUNDED = "double_rounded"
    RESIDUE = "residue"
    CARRIED = "carried"  # follows from the author's own numbers, as printed or rounded on the way, which is right work
    WRONG = "wrong"
    INHERITED = "inherited"
    NOT_RIGHT = "not_right"  # wrong or inherited, and the author's earlier numbers are too coarse to tell which
    UNDECIDED = "undecided"

    @property
    def is_accepted(self) -> bool:
        """Whether the number is the right one, printed as it should be or nearly so, or right work."""
        return self in (Status.RIGHT, Status.TRUNCATED, Status.DOUBLE_ROUNDED, Status.RESIDUE, Status.CARRIED)

    @property
    def may_be_residue(self) -> bool:
        """Whether rounding inside a program could explain it: the number is not right at its digits."""
        return self in (Status.WRONG, Status.TRUNCATED, Status.DOUBLE_ROUNDED)

    @property
    def is_refused(self) -> bool:
        """Whether the number is not the right one."""
        return self in (Status.WRONG, Status.INHERITED, Status.NOT_RIGHT)


OF_DIGITS = (Status.TRUNCATED, Status.DOUBLE_ROUNDED)  # what is said of how a right number was printed


@dataclass(frozen=True)
class Finding:
    """One claim and what it is: `why` completes the sentence, `remarks` are what else is to be said of it.

    `right` is None where it is not known. `inherited_from` is the first wrong number that it rests on. `follows` is the
    interval in which it lies by the author's own earlier numbers; `is_local` says that a derivative is only the local
    partial of its line. `allowed` is the interval in which it lies for all inputs that are printed as the rounded ones
    are; None where no input that is rounded moves it. `on_the_way` says to how many digits all numbers on the way are
    rounded, written down or not, where a carried number follows only so; empty where it follows as printed.
    `convention` is what would have to hold at a kink for a wrong number to be right; empty for another number.
    """

    claim: Claim
    status: Status
    right: Exactly | None
    why: str = ""
    inherited_from: Cell | None = None
    follows: tuple[float, float] | None = None
    remarks: tuple[str, ...] = ()
    is_local: bool = False
    allowed: tuple[float, float] | None = None
    on_the_way: str = ""
    convention: str = ""

    @property
    def cell(self) -> Cell:
        """Which number it is about."""
        return self.claim.cell

    @property
    def by_inputs(self) -> bool:
        """Whether it is right, or open, for some inputs that are printed as the rounded ones are, and not for these."""
        return self.allowed is not None and self.status in (Status.RIGHT, Status.UNDECIDED) and bool(self.why)

    def local_of(self, loss: str) -> str:
        """The line and the name, z/y, whose local partial a derivative could be; empty for another number."""
        group, name = self.cell.quantity.group, self.cell.quantity.name
        return name if group == "partials" else f"{loss}/{name}" if group in ("adjoints", "gradients") else ""

    @property
    def printed(self) -> str:
        """The right number with the digits that were claimed; empty where it is not known."""
        return "" if self.right is None else written_like(self.claim.literal, self.right)

    @property
    def exact(self) -> str:
        """The right number with more digits than were claimed, to see why; empty where they are not known."""
        if self.right is None or not is_finite(self.right):
            return ""
        digits = max(7, self.claim.literal.digits + 3)
        if isinstance(self.right, arb) and self.right.rel_accuracy_bits() < BITS_OF_A_DIGIT * digits:
            return ""
        more = decimal(self.right, digits)
        return "" if not self.claim.literal.is_cut and Fraction(more) == Fraction(self.printed) else more


class Stated(Protocol):
    """What was found of a claimed formula: "right", "wrong" or "undecided", and the sentence that says why."""

    @property
    def name(self) -> str:
        """What the formula is of: `dl/dw`."""

    @property
    def text(self) -> str:
        """The formula as it is claimed."""

    @property
    def status(self) -> str:
        """One of "right", "wrong" and "undecided"."""

    @property
    def sentence(self) -> str:
        """What was found."""

    @property
    def used(self) -> tuple[str, ...]:
        """What its proof needs of the data, and holds in the file: "one-hot T"."""


def where(cell: Cell, per_epoch: int, begins: str = "") -> str:
    """`step 2, dl/db`, after `begins`; from epoch 2 on with epoch and batch, if `per_epoch` is above 1."""
    if cell.quantity.group == "prediction":
        return f"{begins}the prediction, {cell.name}"
    if cell.quantity.group == "epoch":
        return f"{begins}epoch {-(-cell.step // per_epoch)}, {cell.name}"
    epoch, batch = divmod(cell.step - 1, per_epoch)
    at = f" (epoch {epoch + 1}, batch {batch + 1})" if per_epoch > 1 and epoch else ""
    return f"{begins}step {cell.step}{at}, {cell.name}"
