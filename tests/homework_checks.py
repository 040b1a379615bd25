"""Audits the table of a student (`tests/students.py`) and says what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from random import Random

from tests.students import (
    LAST_DIGITS,
    MODES,
    SLIPS,
    Cell,
    Pocket,
    Slip,
    Table,
    allows,
    columns,
    hand_in,
    homework,
    random_slip,
)
from verify import Audit, Status, audit
from verify.following.finding import Finding

HUGE = 10**12  # nobody goes on calculating with larger numbers
FULL = 0.4  # of the tables have every line and its adjoint


@dataclass(frozen=True)
class Graded:
    """A table and its audit."""

    table: Table
    audit: Audit

    @property
    def refused(self) -> list[Finding]:
        """The numbers that are said not to be right."""
        return [finding for finding in self.audit.findings if finding.status.is_refused]

    @property
    def is_unfair(self) -> bool:
        """Whether a number of a right table is said not to be right."""
        return bool(self.refused)

    def __str__(self) -> str:
        said = "\n".join(f"{where(one)} = {one.claim.literal.text} is {one.status.value}" for one in self.refused)
        return f"{self.table.work.text}\n{self.table.text}\n{said}"


def graded(table: Table) -> Graded:
    """The audit of a table."""
    return Graded(table, audit(f'{table.work.text}[claims]\ntable = """\n{table.text}"""\n'))


def correct(seed: int, mode: str) -> Graded:
    """A random table of a student who makes no slip; every second one rounds what is not written down, too."""
    random = Random(seed)
    work = homework(random)
    pocket = Pocket(random.randint(2, 6), mode, every=bool(seed % 2))
    return graded(hand_in(work, pocket, random.random() < FULL))


def of_parameters(seed: int, mode: str) -> Graded:
    """A right table with every number, whose student rounds nothing but the parameters to go on with."""
    random = Random(seed)
    work = homework(random)
    is_of_places = bool(seed % 3)
    pocket = Pocket(random.randint(2, 6), mode, is_of_places=is_of_places, only_parameters=True)
    return graded(hand_in(work, pocket, random.random() < FULL))


def hidden_gradients(seed: int, mode: str) -> Graded:
    """A right table without gradients, whose student goes on with gradients of fewer places than all else.

    Not of Adam, whose v of 0.0000 divides by 1e-8, and of models and an lr by which no run diverges to many digits.
    """
    random = Random(seed)
    work = homework(random, ("line", "plane", "sigmoid", "tanh"))
    optimizer = "SGD" if work.optimizer == "Adam" else work.optimizer
    work = replace(work, optimizer=optimizer, lr=Decimal("0.01"))
    places = random.randint(3, 6)
    pocket = Pocket(places, mode, is_of_places=True, of_gradients=random.randint(1, places - 1))
    table = hand_in(work, pocket, is_full=False)
    return graded(replace(table, names=tuple(name for name in table.names if not name.startswith("dl/d"))))


def losses_alone(seed: int, mode: str) -> Graded:
    """The losses of a student who rounds every result, and hands in nothing else."""
    random = Random(seed)
    work = homework(random)
    table = hand_in(work, Pocket(random.randint(2, 5), mode, every=True), is_full=False)
    return graded(replace(table, names=("l",)))


def audit_of_losses(seed: int, slips: int) -> Audit:
    """The losses of a run, each exact and rounded once to two or three digits; some are moved by 2 to 8 units."""
    random = Random(seed)
    while True:
        work = homework(random)
        exact = hand_in(work, Pocket(40, "half up"), is_full=False)
        cells = [(step, "l") for step in range(1, len(work.batches) + 1) if (step, "l") in exact.sheet]
        if len(cells) > 1 and all(10**-3 < exact.sheet[cell] < 10**6 for cell in cells):
            break
    once = Context(prec=random.choice((2, 3)), rounding=ROUND_HALF_UP)
    sheet = {cell: once.plus(exact.sheet[cell]) for cell in cells}
    for cell in random.sample(cells, min(slips, len(cells))):
        moved = random.randint(2, 8) * Decimal(1).scaleb(sheet[cell].adjusted() + 1 - once.prec)
        sheet[cell] += moved if moved >= sheet[cell] or random.random() < 0.5 else -moved
    return graded(replace(exact, names=("l",), sheet=sheet)).audit


def slipped(seed: int, kind: str, mode: str) -> tuple[Graded, str]:
    """A random table with one slip of a student who rounds by `mode`, and what was made of it.

    "first wrong" where the first number that is said to be wrong is the first that shows the slip, "undecided" where
    that number is so and none before it is wrong, "hidden" where right work can give every number that the slip goes
    into (`allows`), or the student would have noticed (`HUGE`); "missed", "earlier" and "later" are faults. Nothing
    says that a student cuts off: what shows a slip beside that, and not beside rounding, may be told and need not be.
    """
    random = Random(seed)
    work, is_full = homework(random), random.random() < FULL
    pocket = Pocket(random.randint(2, 6), mode, every=bool(seed % 2))
    table = hand_in(work, pocket, is_full, random_slip(random, work, kind, columns(work, is_full)))
    found = graded(table)
    if max(map(abs, table.sheet.values())) > HUGE:
        return found, "hidden"
    is_cut = mode == "cut"
    may_show = [cell for cell in table.slipped if not allows(table, cell, is_cut=is_cut)]
    shown = [cell for cell in may_show if not (is_cut and allows(table, cell))]
    if not shown:
        return found, "hidden"
    first = found.audit.first_wrong
    if first is not None and where(first) in may_show[: may_show.index(shown[0]) + 1]:
        return found, "first wrong"
    order = [where(one) for one in found.audit.findings]
    if shown[0] not in order:  # the table is read in a way in which it has no such number
        return found, "later" if first is not None else "missed"
    if first is not None and order.index(where(first)) < order.index(shown[0]):
        return found, "earlier"
    [own] = [one for one in found.audit.findings if where(one) == shown[0]]
    if own.status is Status.UNDECIDED:
        return found, "undecided"
    return found, "later" if first is not None else "missed"


def off_in_last_digits(seed: int) -> tuple[Graded, Cell] | None:
    """A table that is rounded, with a slip of a few units of a last digit, and where; None where right work allows it.

    The student goes on with the wrong number.
    """
    random = Random(seed)
    work, is_full = homework(random), random.random() < FULL
    step = random.randint(1, len(work.batches))
    own = work.batches[step - 1]
    names = [name for name in columns(work, is_full) if "[" not in name or int(name.partition("[")[2][:-1]) in own]
    slip = Slip(LAST_DIGITS, step, random.choice(names), row=random.choice((-9, -5, -3, -2, -1, 1, 2, 3, 5, 9)))
    table = hand_in(work, Pocket(random.randint(3, 6), "half up", every=bool(seed % 2)), is_full, slip)
    if not table.slipped or max(map(abs, table.sheet.values())) > HUGE or allows(table, table.slipped[0]):
        return None
    return graded(table), table.slipped[0]


def where(finding: Finding) -> Cell:
    """The step and the column of a finding."""
    return finding.cell.step, {"loss": "l"}.get(finding.cell.name, finding.cell.name)


__all__ = [
    "MODES",
    "SLIPS",
    "Graded",
    "audit_of_losses",
    "correct",
    "losses_alone",
    "of_parameters",
    "off_in_last_digits",
    "slipped",
]
