"""In which way a log, or a table that may be one, is meant: the one that its numbers fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice

from derive.errors import ClaimError, Place
from verify.auditing.row_begins import ENOUGH, FEW, Count, Judge, begun, by_row_0, is_sharp, of_end, of_left
from verify.claims.claim import Claim
from verify.claims.places import Timeline
from verify.claims.table import Reading, read_rows
from verify.following.finding import Finding
from verify.logs.reading import LogReading, possible_readings, read_log
from verify.logs.rows import places
from verify.logs.writers import Writer
from verify.numbers import is_moderate, middle
from verify.tabular.grid import Grid

MOST = 0.5  # of the numbers of a table that nobody is said to have written: so many have to fit before others are wrong
LONG = 5 * FEW  # rows of a table whose head is looked at first

NEAR = Fraction(1, 100)  # of a number: what rounding in a program can explain is nearer by far

_OWN = ("after", "before")
_UNSAID = {"value", "output"}  # names of columns that may hold anything
_RULED = ("loss", "setting", "epoch")  # what a log has in the place of which it has something else


def meant(
    grid: Grid,
    run: Timeline,
    writer: Writer | None,
    judge: Judge,
    count_wrong: Count,
    plain: Reading | None = None,
) -> Reading:
    """The claims of a table in the one way that all its numbers fit.

    A log of a named writer is read by its rules alone. Any other table is read as it stands; where that leaves
    `ENOUGH` numbers wrong, or is not possible, the ways of all writers that have its columns are tried. Where no way
    fits, the nearest is told. A way in which the table counts from 0, and shows it nowhere, is told and never taken.
    A short table in which some number is wrong in the other way keeps the way in which it stands, if nothing is wrong
    in that, or less: `count_wrong` of claims says so, each followed from those before it. `plain` is how the table is
    read as it stands, where that is known.
    Raises `ClaimError` for two ways that are equally near and find other numbers wrong, and where nobody is said to
    have written a table of unknown names and no way fits more than the share `MOST` of it.
    """
    if writer is not None:
        found = _nearest(read_log(grid, run, writer), judge)
        assert found is not None  # there is a way, and one that any number fits will do
        return found
    try:
        plain = plain or read_rows(grid, run)
    except ClaimError as error:
        ways = possible_readings(grid, run)
        own = [way for way in ways if not way.is_shifted]
        found = _nearest(own, judge, is_unnamed=True) or begun(grid, run, judge)
        found = found or _of_epochs(grid, run, own, judge, count_wrong) or _wrong_in_every_way(own, ways, judge)
        if found is None:
            raise _with_way(error, ways, judge) from None
        return found
    as_log = _as_log(plain, grid, run, judge)
    found = as_log if as_log is not None and as_log.claims is not plain.claims else None
    found = found or begun(grid, run, judge, plain) or of_left(grid, run, judge, plain)
    found = found or by_row_0(grid, run, judge, plain, count_wrong)
    found = found or as_log or of_end(grid, run, judge, plain)
    if len(plain.claims) > FEW:
        return found or plain
    if found is None:
        return plain
    if all(one.status.is_accepted for one in judge([found.claims], True)[0]):
        return found
    as_it_stands = count_wrong(plain.claims)
    return plain if not as_it_stands or as_it_stands < count_wrong(found.claims) else found


def _as_log(plain: Reading, grid: Grid, run: Timeline, judge: Judge) -> Reading | None:
    """A table that can be read as it stands, read as a log that explains what is wrong in it; None where none does.

    Where no way is taken these are its own claims, with the way that is nearest told.
    Each way of a long table costs as much as to read it once: none is tried before numbers of its head are wrong.
    """
    if not _may_be_log(grid, run, judge):
        return None
    first = list(islice((claim for claim in plain.claims if claim.cell.quantity.group in _RULED), FEW))
    judged = judge([first], True)[0] if first else []
    wrong = {finding.claim.place for finding in judged if finding.status.is_refused}
    right = {finding.claim.place for finding in judged if finding.status.is_accepted}
    if not wrong or (right and len(wrong) < ENOUGH):
        return None
    if _is_long(grid) and not _may_explain(grid, run, wrong, right, judge):
        return None
    ways = possible_readings(grid, run)
    found = _explained(plain, wrong, right, ways, judge) if ways else plain
    return None if found is plain else found


def _with_way(error: ClaimError, ways: Sequence[LogReading], judge: Judge) -> ClaimError:
    """What is wrong with a table as it stands, and the way that fits the most of it, which it has to be said for."""
    best = max(_fits(ways, judge), key=lambda fit: len(fit.right), default=None)
    if best is None or not best.is_of_most:
        return error
    fits = f"which {_fitting(best.way, judge)}; if so, name its writer by --log"
    return type(error)(f"{error.message} (as a log: {best.way.words}, {fits})", error.place)


def _of_epochs(
    grid: Grid, run: Timeline, ways: Sequence[LogReading], judge: Judge, count_wrong: Count
) -> Reading | None:
    """The claims of a table that says no more than the epoch: a mean or sum of the loss, parameters at its end.

    Its names are those of the problem, so the way that most numbers fit is the nearest where it is any. None for any
    other table.
    """
    whole = replace(run, whole_epochs=True)
    try:
        found = read_rows(grid, whole)
    except ClaimError:
        return None
    fits = any(fit.right for fit in _fits(ways, judge))
    nearest = _nearest(ways, judge) if fits else None
    return nearest or by_row_0(grid, whole, judge, found, count_wrong) or found


def _wrong_in_every_way(own: Sequence[LogReading], ways: Sequence[LogReading], judge: Judge) -> Reading | None:
    """The nearest way of a log most of whose numbers are wrong in each: its columns are a loss, whichever it is.

    None where there is no way, or a name that may be anything's; where a number that is wrong in the nearest one is
    right in another; and where the log may count from 0: that has to be said by its writer's name.
    """
    fits = _fits(own, judge)
    shifted = _fits([way for way in ways if way.is_shifted], judge)
    if not fits or any(fit.is_of_most for fit in shifted) or _UNSAID & {name.casefold() for name in own[0].means}:
        return None
    best = max(fits, key=lambda fit: (len(fit.right), len(fit.findings), -fit.distance))
    if any(not fit.right_by_rules <= best.right for fit in fits):
        return None
    return _told([best], f"; {_fitting(best.way, judge)}")


def _may_be_log(grid: Grid, run: Timeline, judge: Judge) -> bool:
    """Whether a table can be a log, by its first rows: each way of a long table costs as much as to read it once.

    A row is about the same numbers in the head of a table as in the whole, where the rows are counted.
    """
    if not _is_long(grid):
        return True
    ways = possible_readings(replace(grid, rows=grid.rows[: FEW + 1]), run)
    rough = judge([_chosen(way)[:FEW] for way in ways], False) if ways else []
    return any(map(_is_near_enough, rough))


def _is_long(grid: Grid) -> bool:
    """Whether a table is long, and a row of its head is about the same numbers as in the whole."""
    return len(grid.rows) > LONG and "step" in places(grid.rows[0])


def _may_explain(grid: Grid, run: Timeline, wrong: set[Place], right: set[Place], judge: Judge) -> bool:
    """Whether `_explained` may take a way of a long table: by its head, where that has the numbers that tell.

    In a long table it takes no way that its first numbers do not speak for.
    """
    ways = possible_readings(replace(grid, rows=grid.rows[: FEW + 3]), run)
    if not ways or any(len(_chosen(way)) <= FEW for way in ways):
        return True
    return bool(_near(ways, wrong, right, judge)[0])


def _near(
    ways: Sequence[LogReading], wrong: set[Place], right: set[Place], judge: Judge
) -> tuple[list[LogReading], list[_Fit]]:
    """The ways that explain what is wrong in a table as it stands by its first numbers, and what fits of all near."""
    rough = judge([_chosen(way)[:FEW] for way in ways], False) if ways else []
    ways = [way for way, found in zip(ways, rough, strict=True) if _is_near_enough(found)]
    begun = judge([_chosen(way)[:FEW] for way in ways], True) if ways else []
    fits = [_Fit(way, found) for way, found in zip(ways, begun, strict=True)]
    return [fit.way for fit in fits if not fit.way.is_shifted and fit.explains(wrong, right)], fits


def _is_near_enough(found: Sequence[Finding]) -> bool:
    """Whether half of the numbers of a way are right, or near."""
    return 2 * sum(map(_is_near, found)) >= len(found)


def _explained(
    plain: Reading, wrong: set[Place], right: set[Place], ways: Sequence[LogReading], judge: Judge
) -> Reading:
    """The one way that explains what is wrong in a table as it stands; the table as it stands where there is none."""
    near, fits = _near(ways, wrong, right, judge)
    taken = _best(_fits(near, judge), judge, is_half_enough=not right)
    if taken is not None:
        return taken
    if any(len(_chosen(fit.way)) > FEW for fit in fits):
        return plain
    best = max(fits, key=lambda fit: len(wrong & fit.right) - len(fit.findings) + len(fit.right), default=None)
    if best is None or len(wrong & best.right) < ENOUGH or len(best.findings) - len(best.right) >= len(wrong):
        return plain
    told = f"nearest otherwise: {best.way.words}, which {_fitting(best.way, judge)}"
    if best.way.is_shifted:
        told += "; nothing in the table counts from 0: if its writer does, name it by --log"
    return replace(plain, told=f"{plain.told}; {told}")


def _fitting(way: LogReading, judge: Judge) -> str:
    """How many numbers fit a way, in words: of all that it reads, also of columns whose meaning it does not choose."""
    found = judge([way.reading.claims], True)[0]
    return f"{sum(one.status.is_accepted for one in found)} of {len(found)} numbers fit"


def _best(fits: Sequence[_Fit], judge: Judge, *, is_half_enough: bool) -> Reading | None:
    """The way that all numbers fit, or the one way that most of them fit; None where there is no such one."""
    whole = _whole(fits)
    if whole:
        return _told(whole)
    most = max((len(fit.right) for fit in fits), default=0)
    best = [fit for fit in fits if len(fit.right) == most and fit.is_of_most]
    if not is_half_enough and best and most <= MOST * len(best[0].findings):
        return None
    if not best or any(fit.differs(best[0]) for fit in best):
        return None
    nearest = min(best, key=lambda fit: (-len(fit.findings), fit.distance))
    return _told([nearest], f"; {_fitting(nearest.way, judge)}")


def _is_near(finding: Finding) -> bool:
    """Whether a number is right, or so near that rounding may explain it."""
    literal, right = finding.claim.literal, finding.right
    if right is None or finding.status.is_accepted or literal.special is not None or not is_moderate(right):
        return True
    number = middle(right)
    return abs(number - literal.value) <= NEAR * abs(number) + literal.slack


def _share_off(finding: Finding) -> Fraction:
    """How far a number is off, as a share of the right one; 1 where that is not known."""
    literal, right = finding.claim.literal, finding.right
    if finding.status.is_accepted:
        return Fraction(0)
    if right is None or literal.special is not None or not is_moderate(right) or not middle(right):
        return Fraction(1)
    return abs(middle(right) - literal.value) / abs(middle(right))


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

    def holds_more_than(self, other: _Fit) -> bool:
        """Whether this way says the same, of more numbers: a constant lr as that of the next step has no last one."""
        return len(self.findings) > len(other.findings) and not self.is_whole and other.says_the_same(self)

    def differs(self, other: _Fit) -> bool:
        """Whether some number is found to be something else."""
        theirs = {finding.claim.place: finding.status for finding in other.findings}
        return any(theirs.get(one.claim.place, one.status) is not one.status for one in self.findings)

    def explains(self, wrong: set[Place], right: set[Place]) -> bool:
        """Whether enough that is wrong in the table as it stands is right so, and nothing that is right there wrong.

        Where nothing at all is right there, one number of many digits is enough.
        """
        if any(one.status.is_refused and one.claim.place in right for one in self.findings):
            return False
        explained = wrong & self.right
        return len(explained) >= ENOUGH or (bool(explained) and not right and self.is_sharp)

    @property
    def right_by_rules(self) -> set[Place]:
        """The numbers that are right, of the columns that are read by the rules of a log."""
        return {
            one.claim.place for one in self.findings if one.status.is_accepted and one.cell.quantity.group not in _OWN
        }

    @property
    def distance(self) -> Fraction:
        """How far the numbers are off, all together, each as a share of the right one and counted as 1 at most."""
        return sum((min(Fraction(1), _share_off(one)) for one in self.findings), Fraction(0))

    @property
    def is_sharp(self) -> bool:
        """Whether a number of so many digits fits that it is not by chance."""
        return is_sharp(self.findings)

    @property
    def is_of_most(self) -> bool:
        """Whether more than the share `MOST` of the numbers fits; or just as many, where their digits are enough.

        Of a column that means nothing but by the rules of a log, some number has to fit.
        """
        by_rules = [one for one in self.findings if one.cell.quantity.group in ("averaged", "norm")]
        fitting = {one.cell.quantity.label for one in by_rules if one.status.is_accepted}
        if any(one.cell.quantity.label not in fitting for one in by_rules):
            return False
        most = MOST * len(self.findings)
        return len(self.right) > most or (self.is_sharp and len(self.right) >= most)


def _fits(ways: Sequence[LogReading], judge: Judge) -> list[_Fit]:
    """What is found of all numbers in each way."""
    found = judge([_chosen(way) for way in ways], True) if ways else []
    return [_Fit(way, findings) for way, findings in zip(ways, found, strict=True)]


def _chosen(way: LogReading) -> list[Claim]:
    return [claim for claim in way.reading.claims if claim.cell in way.cells]


def _whole(fits: Sequence[_Fit]) -> list[_Fit]:
    """The ways in which nothing is wrong; none in which a wrong number of another is only left out."""
    return [fit for fit in fits if fit.is_whole and not any(other.holds_more_than(fit) for other in fits)]


def _nearest(ways: Sequence[LogReading], judge: Judge, *, is_unnamed: bool = False) -> Reading | None:
    """The way that all numbers fit, or the nearest one; of a log that `is_unnamed` only one that most of them fit.

    Raises `ClaimError` for two that differ.
    """
    if not ways:
        return None
    fits = _fits(ways, judge)
    whole = _whole(fits)
    if whole:
        return _told(whole)
    most = max(len(fit.right) for fit in fits)
    best = [fit for fit in fits if len(fit.right) == most]
    if is_unnamed and not any(fit.is_of_most for fit in best):
        return None
    other = next((fit for fit in best if fit.right and fit.differs(best[0])), None)
    if other is not None:
        first = best[0].way.reading.claims[0].place
        message = f"this log can be meant in two ways, and each finds other numbers wrong: {best[0].way.words}"
        raise ClaimError(f"{message}; or {other.way.words}. Leave the rows of one of the two", first)
    nearest = min(best, key=lambda fit: (-len(fit.findings), fit.distance))
    return _told([nearest], f"; {_fitting(nearest.way, judge)}")


def _told(fits: Sequence[_Fit], more: str = "") -> Reading:
    """Of some ways in which nothing is wrong the first that decides most, and in what other ways it could be read."""
    best = max(fits, key=lambda fit: len(fit.right))
    first = best.way
    as_good = [fit for fit in fits if fit is not best and len(fit.right) == len(best.right)]
    others = dict.fromkeys(fit.way.words for fit in as_good if not fit.says_the_same(best))
    also = f" (fits as well: {'; '.join(others)})" if others else ""
    return replace(first.reading, told=f"{first.reading.told}; {first.words}{also}{more}")
