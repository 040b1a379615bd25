"""How much an audit is to calculate, told before it is begun: the steps by hand, and what follows from claimed numbers.

The unit is that of verify/hand/size.py, and so is where its constants are measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.following.beginning import SHORT, passed_over, steps_between
from verify.following.course import Courses
from verify.following.follow_through import MAX_STEPS
from verify.following.own_numbers import MAX_PARTS
from verify.following.right_values import MAX_BY_STEPS
from verify.hand.calculation import beginnings
from verify.hand.leap import LEAP, MAX_STATE, SETTLED, is_far, leaps
from verify.hand.size import Size, calculations, size_of
from verify.logs.means import asked_steps
from verify.numbers import Exact

CLAIMED = 150  # calculations that a claim costs: it is read, judged, put in order and told
BY_COURSE = 3  # that an operation costs in a step of a long run, whose calls are repeated
FORM = 30  # that an operation on forms costs, and each of its unknowns
PART = 1
MAX_BY_HAND = 200  # steps that somebody calculates with rounded numbers
FOLLOWING = "to tell what follows from the numbers that are not right"
SPREAD = 0.02  # that each pair of steps costs for each pair of numbers of a state: every rounding is carried on


def by_hand(run: Run, cells: Sequence[Cell], courses: Courses | None = None) -> Size:
    """The size of the right values of claimed numbers: every step up to the last, or those that are not leapt over.

    Beyond `MAX_BY_STEPS` nothing is calculated of a run that cannot be leapt over. `courses` has what is known of some
    steps, and shows that more can be told in the same way.
    """
    steps = sorted({cell.step for cell in cells})
    last = max(steps, default=1)
    if courses is not None and courses.run is run and courses.known and last <= MAX_BY_STEPS:
        left = 0 if last <= courses.last else last
        each = calculations(run.watched, run.followed, run.settings, least=BY_COURSE)
        return replace(of_steps(run, 0, 0), calculations=left * each + len(cells) * CLAIMED)
    whole = of_steps(run, last, len(cells))
    if whole.calculations <= run.settings.limit:
        return whole
    if is_far((0, *steps)) and _leaps(run):
        return of_steps(run, min(last, (len(steps) + 1) * LEAP), len(cells))
    return whole if last <= MAX_BY_STEPS else of_steps(run, 1, len(cells))


def of_steps(run: Run, steps: int, claims: int) -> Size:
    """The size of so many steps, and of so many claims of them."""
    size = size_of(run.watched, run.followed, run.settings, steps, is_reported=False)
    return replace(size, calculations=size.calculations + claims * CLAIMED)


def _leaps(run: Run) -> bool:
    """Whether the epochs of a run can be leapt over; it is not tried where that would be a large calculation itself."""
    state = sum(array.size for array in beginnings(run.watched, run.settings, Exact()).values())
    tried = 2 * run.settings.batches_per_epoch * SETTLED
    if state > MAX_STATE or in_forms(run, tried, state) > run.settings.limit:
        return False
    return leaps(run, beginnings(run.watched, run.settings, Exact())) is not None


def in_forms(run: Run, steps: int, unknowns: int) -> int:
    """The calculations of so many steps in forms, each number in as many unknowns."""
    each = calculations(run.watched, run.followed, run.settings, least=1)
    return steps * each * (FORM + PART * unknowns)


def followed(run: Run, wanted: Sequence[Cell], claimed: Iterable[Cell], known: Sequence[int] = ()) -> Size:
    """The size of what follows from an author's numbers, up to the last that is `wanted`.

    Forms have as many unknowns as numbers are claimed of one step, and some more from the steps before. What comes
    before steps whose beginning is `known` is passed over in a long run, as it is where they are followed.
    """
    at_steps = Counter(cell.step for cell in claimed)
    unknowns = MAX_PARTS + max(at_steps.values(), default=0)
    last = max((cell.step for cell in wanted), default=0)
    passed = passed_over(known, asked_steps(run, wanted), 1) if last > SHORT else {}
    one_by_one = steps_between(passed, 1, last)
    steps = 2 * one_by_one  # they are followed twice, and those of a short table twice as much with rounding on the way
    if (of_table := max(at_steps, default=0)) <= MAX_BY_HAND:
        steps += 2 * of_table
    size = size_of(run.watched, run.followed, run.settings, 1, is_reported=False)
    whole = replace(size, calculations=in_forms(run, steps, unknowns), what=FOLLOWING)
    is_long = one_by_one > MAX_STEPS or whole.calculations > run.settings.limit
    if is_long and is_far((0, *sorted(at_steps))) and _leaps(run):
        steps = 2 * min(one_by_one, (len(at_steps) + 1) * LEAP)
        return replace(whole, calculations=in_forms(run, steps, unknowns))
    if one_by_one > MAX_STEPS:
        return replace(whole, calculations=0)  # it is out of reach, and not calculated
    return whole


def drifted(run: Run, steps: int, state: int) -> Size:
    """The size of how far rounding can move numbers in a program, over so many steps of a state of so many numbers."""
    size = size_of(run.watched, run.followed, run.settings, 1, is_reported=False)
    work = in_forms(run, steps, state) + int(SPREAD * steps**2 * state**2)
    return replace(size, calculations=work, what="to tell what rounding in a program can explain")
