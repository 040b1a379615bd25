"""In which way a log, or a table that may be one, is meant: the one that its numbers fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.errors import ClaimError, Place
from verify.claims.claim import Claim
from verify.claims.places import Timeline
from verify.claims.table import Reading, read_rows
from verify.following.finding import Finding
from verify.logs.reading import LogReading, possible_readings, read_log
from verify.logs.rows import places
from verify.logs.writers import Writer
from verify.numbers import is_moderate, middle
from verify.tabular.grid import Grid

ENOUGH = 2  # wrong numbers that another reading has to explain: one alone may fit it by chance
MOST = 0.5  # of the numbers of a table that nobody is said to have written: so many have to fit before others are wrong
FEW = 200  # numbers that tell whether a table can be a log; only a way that they fit is looked at in whole
LONG = 5 * FEW  # rows of a table whose head is looked at first

NEAR = Fraction(1, 100)  # of a number: what rounding in a program can explain is nearer by far

Judge = Callable[[Sequence[Sequence[Claim]], bool], list[list[Finding]]]  # lists of claims, by digits and by rounding

_RULED = ("loss", "setting", "epoch")  # what a log has in the place of which it has something else


def meant(grid: Grid, run: Timeline, writer: Writer | None, judge: Judge) -> Reading:
    """The claims of a table in the one way that all its numbers fit.

    A log of a named writer is read by its rules alone. Any other table is read as it stands; where that leaves
    `ENOUGH` numbers wrong, or is not possible, the ways of all writers that have its columns are tried. Where no way
    fits, the nearest is told. Raises `ClaimError` for two ways that are equally near and find other numbers wrong, and
    where nobody is said to have written a table of unknown names and no way fits more than the share `MOST` of it.
    """
    if writer is not None:
        found = _nearest(read_log(grid, run, writer), judge)
        assert found is not None  # there is a way, and any share will do
        return found
    try:
        plain = read_rows(grid, run)
    except ClaimError as error:
        ways = possible_readings(grid, run)
        found = _nearest(ways, judge, MOST)
        return found if found is not None else _of_epochs(grid, run, ways, judge, error)
    ways = possible_readings(grid, run) if _may_be_log(grid, run, judge) else []
    first = [claim for claim in plain.claims if claim.cell.quantity.group in _RULED][:FEW] if ways else []
    wrong = (
        {finding.claim.place for finding in judge([first], True)[0] if finding.status.is_refused} if first else set()
    )
    return _explained(plain, wrong, ways, judge) if len(wrong) >= ENOUGH else plain


def _of_epochs(grid: Grid, run: Timeline, ways: Sequence[LogReading], judge: Judge, error: ClaimError) -> Reading:
    """The claims of a table that says no more than the epoch: a mean or sum of the loss, parameters at its end.

    Its names are those of the problem, so the way that most numbers fit is the nearest where it is any. Raises `error`
    for any other table.
    """
    try:
        found = read_rows(grid, replace(run, whole_epochs=True))
    except ClaimError:
        raise error from None
    fits = any(fit.right for fit in _fits(ways, judge))
    nearest = _nearest(ways, judge) if fits else None
    return found if nearest is None else nearest


def _may_be_log(grid: Grid, run: Timeline, judge: Judge) -> bool:
    """Whether a table can be a log, by its first rows: each way of a long table costs as much as to read it once.

    A row is about the same numbers in the head of a table as in the whole, where the rows are counted.
    """
    if len(grid.rows) <= LONG or "step" not in places(grid.rows[0]):
        return True
    ways = possible_readings(replace(grid, rows=grid.rows[: FEW + 1]), run)
    rough = judge([_chosen(way)[:FEW] for way in ways], False) if ways else []
    return any(map(_is_near_enough, rough))


def _is_near_enough(found: Sequence[Finding]) -> bool:
    """Whether half of the numbers of a way are right, or near."""
    return 2 * sum(map(_is_near, found)) >= len(found)


def _explained(plain: Reading, wrong: set[Place], ways: Sequence[LogReading], judge: Judge) -> Reading:
    """The one way that explains what is wrong in a table as it stands; the table as it stands where there is none."""
    rough = judge([_chosen(way)[:FEW] for way in ways], False)
    ways = [way for way, found in zip(ways, rough, strict=True) if _is_near_enough(found)]
    begun = judge([_chosen(way)[:FEW] for way in ways], True) if ways else []
    fits = [_Fit(way, found) for way, found in zip(ways, begun, strict=True)]
    near = [fit.way for fit in fits if fit.is_whole and len(wrong & fit.right) >= ENOUGH]
    whole = [fit for fit in _fits(near, judge) if fit.is_whole]
    if whole:
        return _told(whole)
    if any(len(_chosen(way)) > FEW for way in ways):
        return plain
    best = max(fits, key=lambda fit: len(wrong & fit.right) - len(fit.findings) + len(fit.right), default=None)
    if best is None or len(wrong & best.right) < ENOUGH or len(best.findings) - len(best.right) >= len(wrong):
        return plain
    told = f"nearest otherwise: {best.way.words}, which {len(best.right)} of {len(best.findings)} numbers fit"
    return replace(plain, told=f"{plain.told}; {told}")


def _is_near(finding: Finding) -> bool:
    """Whether a number is right, or so near that rounding may explain it."""
    literal, right = finding.claim.literal, finding.right
    if right is None or finding.status.is_accepted or literal.special is not None or not is_moderate(right):
        return True
    number = middle(right)
    return abs(number - literal.value) <= NEAR * abs(number) + literal.slack


class _Fit:
    """A way and what is found of the numbers whose meaning it chooses."""

    def __init__(self, way: LogReading, findings: Sequence[Finding]) -> None:
        self.way = way
        self.findings = findings
        self.right = {finding.claim.place for finding in findings if finding.status.is_accepted}
        self.is_whole = not any(finding.status.is_refused for finding in findings)

    def says_the_same(self, other: _Fit) -> bool:
        """Whether each number has to be the same, as an lr of the next step where all are alike."""
        own, theirs = (
            {
                one.claim.place: middle(one.right)
                for one in fit.findings
                if one.right is not None and is_moderate(one.right)
            }
            for fit in (self, other)
        )
        return all(theirs.get(place, right) == right for place, right in own.items())

    @property
    def pattern(self) -> frozenset[tuple[Place, str]]:
        """What is found of each number."""
        return frozenset((finding.claim.place, finding.status.value) for finding in self.findings)


def _fits(ways: Sequence[LogReading], judge: Judge) -> list[_Fit]:
    """What is found of all numbers in each way."""
    found = judge([_chosen(way) for way in ways], True) if ways else []
    return [_Fit(way, findings) for way, findings in zip(ways, found, strict=True)]


def _chosen(way: LogReading) -> list[Claim]:
    return [claim for claim in way.reading.claims if claim.cell in way.cells]


def _nearest(ways: Sequence[LogReading], judge: Judge, least: float = 0) -> Reading | None:
    """The way that all numbers fit, or the nearest one, of which more than the share `least` fits; else None.

    Raises `ClaimError` for two that differ.
    """
    if not ways:
        return None
    fits = _fits(ways, judge)
    whole = [fit for fit in fits if fit.is_whole]
    if whole:
        return _told(whole)
    most = max(len(fit.right) for fit in fits)
    best = [fit for fit in fits if len(fit.right) == most]
    if least and most <= least * len(best[0].findings):
        return None
    other = next((fit for fit in best if fit.right and fit.pattern != best[0].pattern), None)
    if other is not None:
        first = best[0].way.reading.claims[0].place
        message = f"this log can be meant in two ways, and each finds other numbers wrong: {best[0].way.words}"
        raise ClaimError(f"{message}; or {other.way.words}. Leave the rows of one of the two", first)
    return _told(best[:1], f"; {most} of {len(best[0].findings)} numbers fit")


def _told(fits: Sequence[_Fit], more: str = "") -> Reading:
    """Of some ways in which nothing is wrong the first that decides most, and in what other ways it could be read."""
    best = max(fits, key=lambda fit: len(fit.right))
    first = best.way
    as_good = [fit for fit in fits if fit is not best and len(fit.right) == len(best.right)]
    others = dict.fromkeys(fit.way.words for fit in as_good if not fit.says_the_same(best))
    also = f" (fits as well: {'; '.join(others)})" if others else ""
    return replace(first.reading, told=f"{first.reading.told}; {first.words}{also}{more}")
