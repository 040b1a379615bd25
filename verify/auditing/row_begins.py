"""Tables of which a row holds the parameters of one moment and what is calculated of them, and nothing says which.

Of several rows, either the parameters are those that its step begins with, or the loss is that of the parameters that
its step leaves. A row 0 may be the first step, or the start of a table whose losses are of the parameters beside them.
The only row of a table may be about the first step or the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from derive.errors import ClaimError
from verify.claims.claim import Claim
from verify.claims.places import Timeline
from verify.claims.table import Reading, read_rows
from verify.following.finding import Finding
from verify.tabular.grid import Grid
from verify.tabular.written import BEGINNING

ENOUGH = 2  # wrong numbers that another reading has to explain: one alone may fit it by chance
SHARP = 2_000  # times half a unit of its last digit is less than a number of four digits: one of six ways fits it by
# chance once in 300 times at most
FEW_STEPS = 1000  # of a run whose last step is looked at for a row that may be about it
FEW = 200  # numbers that tell how a table is meant; only a way that they fit is looked at in whole

OF_START = {"before", "after", "nodes", "loss", "setting"}  # what needs no derivative

Judge = Callable[[Sequence[Sequence[Claim]], bool], list[list[Finding]]]  # lists of claims, by digits and by rounding
Count = Callable[[Sequence[Claim]], int]  # how many claims are wrong, each followed from those before it


def begun(grid: Grid, run: Timeline, judge: Judge, plain: Reading | None = None) -> Reading | None:
    """The claims of a table whose rows hold what a step begins with; None for any other table.

    It has to explain `ENOUGH` numbers more, of two steps or more, than the table as it stands (`plain`), where nothing
    may be right that is wrong so, and to begin with the numbers that the run does, if only with one of them. Where the
    table cannot be read as it stands, most numbers have to be right so.
    """
    if plain is not None and not _may_be_begun(plain, judge):
        return None
    return _best(_read(grid, replace(run, begun="parameters"), replace(run, begun="state")), plain, judge)


def of_left(grid: Grid, run: Timeline, judge: Judge, plain: Reading) -> Reading | None:
    """The claims of a table whose losses are those of the parameters that the step of a row leaves; None for any other.

    It has to explain as much as in `begun`, beside parameters that are right. Only where every step has the same batch
    is it a number of the run.
    """
    groups = ("loss", "after")
    losses, after = ([one for one in plain.claims if one.cell.quantity.group == group][:FEW] for group in groups)
    if not run.repeats or min(len(losses), len(after)) < ENOUGH:
        return None
    of_losses, of_after = judge([losses, after], True)
    is_wrong = sum(one.status.is_refused for one in of_losses) >= ENOUGH
    if not is_wrong or sum(one.status.is_accepted for one in of_after) < ENOUGH:
        return None
    ways = replace(run, of_left="loss"), replace(run, of_left="lines"), replace(run, of_left="everything")
    return _best(_read(grid, *ways), plain, judge)


def by_row_0(grid: Grid, run: Timeline, judge: Judge, plain: Reading, count_wrong: Count) -> Reading | None:
    """The claims of a table whose row 0 is not what it is taken for; None for any other.

    Either it is the first step of a loop that counts from 0 and prints what each step leaves: that has to explain as
    much as in `begun`, or all where nothing is right as the table stands. Or it is the start (`_of_start`).
    """
    if not _has_0(grid):
        return None
    is_refused = [one.status.is_refused for one in judge([plain.claims[:FEW]], True)[0]]
    if not any(is_refused):
        return None
    from_0 = list(_read(grid, replace(run, row_0="first step")))
    found = _best(from_0, plain, judge)
    if found is None and from_0 and all(is_refused):
        found = _fitting_alone(from_0[0], plain, judge)
    return found or _of_start(grid, run, judge, plain, count_wrong)


def _of_start(grid: Grid, run: Timeline, judge: Judge, plain: Reading, count_wrong: Count) -> Reading | None:
    """The claims of a table whose row 0 is the start with its loss; None for any other.

    Each row below it has what its step leaves, with the loss of the step or, where every step has the same batch, of
    what it leaves, and the derivatives and changes of the step. It has to explain as much as in `begun`. Of a start
    without any derivative, which all rows below it have, fewer wrong numbers are enough: those at its parameters are in
    the row below it then.
    """
    start = replace(run, row_0="start")
    of_left = (replace(start, of_left="loss"), replace(start, of_left="lines")) if run.repeats else ()
    ways = list(_read(grid, start, *of_left))
    found = _best(ways, plain, judge)
    if found is not None or not ways or len(plain.claims) > FEW or not _is_start_alone(plain):
        return found
    counts = [count_wrong(way.claims) for way in ways]
    return ways[counts.index(min(counts))] if min(counts) < count_wrong(plain.claims) else None


def is_sharp(findings: Sequence[Finding]) -> bool:
    """Whether a number of so many digits fits that it is not by chance."""
    fitting = [one.claim.literal for one in findings if one.status.is_accepted]
    return any(literal.slack * SHARP <= abs(literal.value) for literal in fitting if literal.special is None)


def _has_0(grid: Grid) -> bool:
    """Whether a row or a column of a table may be numbered 0."""
    head = (cell for row in grid.rows[:FEW] for cell in row[:FEW])
    return any(cell.text.strip().lower() in ("0", *BEGINNING) for cell in head)


def _fitting_alone(found: Reading, plain: Reading, judge: Judge) -> Reading | None:
    """A way that all numbers fit, where none is right in the table as it stands; one of few digits is told alone."""
    judged = judge([found.claims[:FEW]], True)[0]
    if not all(one.status.is_accepted for one in judged):
        return None
    if len(judged) >= ENOUGH or is_sharp(judged):
        return found
    nearest = "nearest otherwise: its row 0 as the first step, which its number fits"
    return replace(plain, told=f"{plain.told}; {nearest}")


def _is_start_alone(plain: Reading) -> bool:
    """Whether the first row has nothing for which a derivative is needed, and each of several below it has some."""
    rows = {claim.cell.step for claim in plain.claims if claim.cell.quantity.group in ("before", "loss")}
    derived = {claim.cell.step for claim in plain.claims if claim.cell.quantity.group not in OF_START}
    return 1 in rows and 1 not in derived and len(derived) >= ENOUGH and rows - {1} <= derived


def of_end(grid: Grid, run: Timeline, judge: Judge, plain: Reading) -> Reading | None:
    """The claims of a table whose rows name no step and can be about one; None for any other, and where all is right.

    They are those of the last step where more are right so, or of the first, which is told.
    """
    if not plain.of_any_step or len(run.batches) > FEW_STEPS:
        return None
    rows = "its row" if plain.of_any_step == 1 else "its rows"
    with suppress(ClaimError):
        found = read_rows(grid, replace(run, at_end=True))
        of_first, of_last = (
            [one.status.is_accepted for one in own] for own in judge([plain.claims, found.claims], True)
        )
        if all(of_first):
            return None
        if sum(of_last) > sum(of_first):
            return replace(found, told=f"{found.told}, {rows} as step {run.last}, the last one: it names no step")
    return replace(plain, told=f"{plain.told}, {rows} as step 1: it names no step")


def _read(grid: Grid, *runs: Timeline) -> Iterator[Reading]:
    """The table in each of some ways, where it can be read so."""
    for run in runs:
        with suppress(ClaimError):
            yield read_rows(grid, run)


def _best(ways: Iterable[Reading], plain: Reading | None, judge: Judge) -> Reading | None:
    """The way that explains most; None where none explains enough."""
    explained = [(_explained(found, plain, judge), found) for found in ways]
    most, best = max(explained, key=lambda one: one[0], default=(0, None))
    return best if most else None


def _may_be_begun(plain: Reading, judge: Judge) -> bool:
    """Whether some parameters are wrong after their steps, of those that a step of the same row may begin with."""
    after = [claim for claim in plain.claims if claim.cell.quantity.group == "after"][:FEW]
    return len(after) >= ENOUGH and sum(one.status.is_refused for one in judge([after], True)[0]) >= ENOUGH


def _explained(found: Reading, plain: Reading | None, judge: Judge) -> int:
    """How many numbers a reading explains, where these are enough; else 0.

    Of a table that can be read as it stands these are the numbers that are others in it.
    """
    if plain is None:
        claims = found.claims[:FEW]
        right = [one for one in judge([claims], True)[0] if one.status.is_accepted]
        begun_at = {one.cell.step for one in right if one.cell.quantity.group == "before"}
        return len(right) if len(begun_at) >= ENOUGH and 2 * len(right) > len(claims) else 0
    held = {claim.place: claim.cell for claim in plain.claims}
    moved = [claim for claim in found.claims if held.get(claim.place) != claim.cell][:FEW]
    places = {claim.place for claim in moved}
    of_plain, of_found = judge([[claim for claim in plain.claims if claim.place in places], moved], True)
    right_before = {one.claim.place for one in of_plain if one.status.is_accepted}
    right_now = {one.claim.place: one.cell.step for one in of_found if one.status.is_accepted}
    more = len(right_now) - len(right_before)
    is_enough = more >= ENOUGH and len(set(right_now.values())) >= ENOUGH and right_before <= right_now.keys()
    return more if is_enough and _begins_as_run(of_found) else 0


def _begins_as_run(findings: Sequence[Finding]) -> bool:
    """Whether half of the numbers of the first step that it begins with are right, or more, if there are any."""
    first = [one for one in findings if one.cell.step == 1 and one.cell.quantity.group == "before"]
    return 2 * sum(one.status.is_accepted for one in first) >= len(first)
