"""A long table all of whose numbers are right, judged a column at once: no claim is made before somebody asks for it.

Where a number is not right, nothing is said here, and the table is judged claim by claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from derive.errors import ProblemError
from derive.run.run import Run
from verify.claims.literal import judge, read_literal
from verify.columns.claims import HEAD, PlainClaims
from verify.columns.order import in_order
from verify.following.course import Courses
from verify.following.extent import of_steps
from verify.following.finding import Finding, Status
from verify.following.own_numbers import ENOUGH_IN_TABLE, ENOUGH_OTHERS
from verify.following.right_values import MAX_BY_STEPS, PRECISIONS
from verify.hand.leap import is_far
from verify.numbers import Exactly, Floats, Truth, precision, radius, to_float

_FEW = 1000  # numbers that are looked at by themselves, where their column does not decide them
_SLACK = 1 - 2.0**-40  # of what a number may be off


@dataclass(frozen=True)
class RightColumns(Sequence[Finding]):
    """The findings of a table whose numbers are all right, in the order of calculation, made when they are asked for.

    `order` are the columns in that order.
    """

    claims: PlainClaims
    order: tuple[int, ...]
    values: tuple[Sequence[Exactly], ...]  # of each column, by step

    def __len__(self) -> int:
        return self.rows * len(self.order)

    @overload
    def __getitem__(self, place: int) -> Finding: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Finding]: ...

    def __getitem__(self, place: int | slice) -> Finding | Sequence[Finding]:
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        row, column = divmod(place % len(self), len(self.order))
        return self._finding(row, self.order[column])

    def __iter__(self) -> Iterator[Finding]:
        return (self._finding(row, column) for row in range(self.rows) for column in self.order)

    def _finding(self, row: int, column: int) -> Finding:
        claim = self.claims.claim(row, column)
        return Finding(claim, Status.RIGHT, self.values[column][claim.cell.step - 1])

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.claims.table.steps)

    def of_rows(self, rows: int) -> Sequence[Finding]:
        """The findings of the first rows."""
        return self[: rows * len(self.order)]


def right_columns(run: Run, claims: PlainClaims, courses: Courses) -> RightColumns | None:
    """What is found of a plain table, all of whose numbers are right.

    None where anything but right numbers may be found, and where the estimate is beyond the limit. `courses` keeps
    what was calculated for it.
    """
    steps = claims.table.steps
    last, count = int(steps[-1]), len(steps)
    if last > MAX_BY_STEPS or is_far((0, *steps.tolist())):
        return None
    try:
        of_steps(run, last, 0).check(run.settings.limit)  # the claims cost next to nothing
    except ProblemError:
        return None  # which is told with what the claims would take
    for rows in (HEAD, count):  # what is wrong everywhere is so at its head
        values = _values(run, claims, int(steps[rows - 1]), courses)
        if values is None or not _are_right(claims, values, rows):
            return None
    assert values is not None
    columns = {claim.cell: column for column, claim in enumerate(claims.first)}
    order = tuple(columns[claim.cell] for claim in in_order(run, claims.first))
    return RightColumns(claims, order, values)


def _values(run: Run, claims: PlainClaims, last: int, courses: Courses) -> tuple[Sequence[Exactly], ...] | None:
    """The right numbers of every step up to the last one, of each of the columns; None where they are not known so."""
    cells = [claim.cell for claim in claims.first]
    wanted = [(cell.quantity.group, cell.quantity.name, cell.position) for cell in cells]
    found = courses.of(run, wanted, last)
    return None if found is None else tuple(found[own] for own in wanted)


def _are_right(claims: PlainClaims, values: Sequence[Sequence[Exactly]], rows: int) -> bool:
    """Whether each of the numbers in the first `rows` rows is the right one, printed as it should be.

    By float64 where that tells; nearly at the end of what a number can stand for, by its digits.
    """
    table, units = claims.table, claims.units
    steps = table.steps[:rows].tolist()
    of_table = _coarsest(table.values[:rows], table.places[:rows], ENOUGH_IN_TABLE)
    for column, own in enumerate(values):
        of_rows = [own[step - 1] for step in steps]
        claimed = table.values[:rows, column]
        written = table.places[:rows, column]
        places = _places_of_zeros(claimed, written, of_table)
        slack: Floats = (0.5 if units is None else float(units)) * np.power(10.0, -places)
        open_ = np.flatnonzero(~_surely_right(claimed, slack, of_rows))
        if len(open_) > _FEW:
            return False
        with precision(PRECISIONS[-1]):
            for row in open_.tolist():
                literal = read_literal(table.row(row)[column + 1].text)
                literal = (literal if places[row] == written[row] else literal.with_zeros(int(places[row]))).off_by(
                    units
                )
                if judge(literal, of_rows[row]) != "right":
                    return False
    return True


def _places_of_zeros(claimed: Floats, places: NDArray[np.int64], of_table: int) -> NDArray[np.int64]:
    """The places of a column, those of an integer 0 as `zeros_of_places` has them."""
    coarsest = _coarsest(claimed, places, ENOUGH_OTHERS)
    return np.where((claimed == 0) & (places == 0), of_table if coarsest < 0 else coarsest, places).clip(0)


def _coarsest(claimed: Floats, places: NDArray[np.int64], enough: int) -> int:
    """The fewest places after the point of the numbers that are not 0; -1 where these are not enough to show it."""
    others = claimed != 0
    return int(places[others].min()) if np.count_nonzero(others) >= enough else -1


def _surely_right(claimed: Floats, slack: Floats, right: Sequence[Exactly]) -> Truth:
    """Where the right numbers are nearer than `slack` to what is claimed, whatever float64 loses.

    It loses half a unit in the last place of each of the two, and of their difference, at most; of the slack, in its
    power of ten and the product, less than 2^-40 of it. `-0.00` is not printed for all that is so near.
    """
    mid, rad = np.array([to_float(number) for number in right]), np.array([radius(number) for number in right])
    with np.errstate(all="ignore"):
        off = np.abs(mid - claimed) + rad + 2.0**-52 * (np.abs(mid) + np.abs(claimed))
        return np.asarray((off <= slack * _SLACK) & ~((claimed == 0) & np.signbit(claimed)))
