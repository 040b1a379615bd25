"""Tables of which a row holds the parameters of one moment and what is calculated of them, and nothing says which.

Of several rows, either the parameters are those that its step begins with, or the loss is that of the parameters that
its step leaves. The only row of a table may be about the first step or the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from derive.errors import ClaimError
from verify.claims.claim import Claim
from verify.claims.places import Timeline
from verify.claims.table import Reading, read_rows
from verify.following.finding import Finding
from verify.tabular.grid import Grid

ENOUGH = 2  # wrong numbers that another reading has to explain: one alone may fit it by chance
FEW_STEPS = 1000  # of a run whose last step is looked at for a row that may be about it
FEW = 200  # numbers that tell how a table is meant; only a way that they fit is looked at in whole

Judge = Callable[[Sequence[Sequence[Claim]], bool], list[list[Finding]]]  # lists of claims, by digits and by rounding


def begun(grid: Grid, run: Timeline, judge: Judge, plain: Reading | None = None) -> Reading | None:
    """The claims of a table whose rows hold what a step begins with; None for any other table.

    It has to explain `ENOUGH` numbers more, of two steps or more, than the table as it stands (`plain`), where nothing
    may be right that is wrong so, and to begin with the numbers that the run does, if only with one of them. Where the
    table cannot be read as it stands, most numbers have to be right so.
    """
    if plain is not None and not _may_be_begun(plain, judge):
        return None
    explained = [(_explained(found, plain, judge), found) for found in _readings(grid, run)]
    most, best = max(explained, key=lambda one: one[0], default=(0, None))
    return best if most else None


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
    explained = [(_explained(found, plain, judge), found) for found in _readings_of_left(grid, run)]
    most, best = max(explained, key=lambda one: one[0], default=(0, None))
    return best if most else None


def of_end(grid: Grid, run: Timeline, judge: Judge, plain: Reading) -> Reading | None:
    """The claims of the only row of a table that names no step; None for any other table, and where all is right.

    They are those of the last step where more are right so, or of the first, which is told.
    """
    if not plain.is_of_any_step or len(run.batches) > FEW_STEPS:
        return None
    with suppress(ClaimError):
        found = read_rows(grid, replace(run, at_end=True))
        of_first, of_last = (
            [one.status.is_accepted for one in own] for own in judge([plain.claims, found.claims], True)
        )
        if all(of_first):
            return None
        if sum(of_last) > sum(of_first):
            return replace(found, told=f"{found.told}, its row as step {run.last}, the last one: it names no step")
    return replace(plain, told=f"{plain.told}, its row as step 1: it names no step")


def _readings_of_left(grid: Grid, run: Timeline) -> Iterator[Reading]:
    for what in ("loss", "everything"):
        with suppress(ClaimError):
            yield read_rows(grid, replace(run, of_left=what))


def _may_be_begun(plain: Reading, judge: Judge) -> bool:
    """Whether some parameters are wrong after their steps, of those that a step of the same row may begin with."""
    after = [claim for claim in plain.claims if claim.cell.quantity.group == "after"][:FEW]
    return len(after) >= ENOUGH and sum(one.status.is_refused for one in judge([after], True)[0]) >= ENOUGH


def _readings(grid: Grid, run: Timeline) -> Iterator[Reading]:
    for state in ("parameters", "state"):
        with suppress(ClaimError):
            yield read_rows(grid, replace(run, begun=state))


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
