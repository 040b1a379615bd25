"""Where it begins that a number follows from the author's own: of a long run, at the first step with such a number.

Before it, everything is as it is by hand, exactly. Where the author has the whole state after a step, what came before
moves no later number: nothing has to be followed up to there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.run.run import Run
from verify.claims.claim import Cell, Claim
from verify.following.right_values import steps_to
from verify.hand import run as hand
from verify.hand.calculation import beginnings
from verify.hand.run import Exacts
from verify.logs.means import needed
from verify.numbers import Array, Exact, Forms, fixed, forms

SHORT = 200  # steps of a run in which every number is followed from the first step on


@dataclass(frozen=True)
class Beginning:
    """The number of a step, the state before it, and what .grad holds of the step before."""

    step: int
    held: Mapping[str, Array]
    gathered: Mapping[str, Array]


def at_first(run: Run, system: Forms) -> Beginning:
    """The first step of a run."""
    return Beginning(1, beginnings(run.watched, run.settings, system), {})


def before(run: Run, step: int) -> Beginning:
    """A step from the state that the hand calculation has before it, in forms without unknowns.

    Raises `OutOfReachError` for one that is too late to be calculated.
    """
    if step <= 1:
        return at_first(run, Forms())
    last = None
    for found in steps_to(run, hand.inputs(run), [step - 1]):
        last = found
    assert last is not None  # there is a step before
    return Beginning(step, _known(last.after or last.before), _known(last.left))


def _known(arrays: Exacts) -> dict[str, Array]:
    return {name: forms([fixed(value) for value in array.flat], array.shape) for name, array in arrays.items()}


def after_others(wanted: Sequence[Cell], owns: Sequence[Cell]) -> list[Cell]:
    """The cells of `wanted` that another number of the author's stands before, or in the same step."""
    first = min((cell.step for cell in owns), default=0)
    there = [cell for cell in owns if cell.step == first]
    return [cell for cell in wanted if cell.step > first or (cell.step == first and len({cell, *there}) > 1)]


def first_step(run: Run, wanted: Sequence[Cell], owns: Sequence[Cell]) -> int:
    """The first step with a number of the author's, or with a loss of which a mean in `wanted` is made."""
    of_means = (next(needed(run, cell)) for cell in wanted if cell.quantity.group in ("epoch", "averaged"))
    return min([cell.step for cell in owns] + list(of_means))


def known_states(run: Run, claims: Sequence[Claim]) -> list[int]:
    """The steps before which the whole state is the author's own, as it is printed; of a run that carries no gradient.

    No other number of the author's is printed finer than these, so that none stands for one of them.
    """
    if run.settings.accumulate != 1 or run.settings.zero_every != 1:
        return []
    sizes = {name: array.size for name, array in beginnings(run.watched, run.settings, Exact()).items()}
    states = [one for one in claims if one.cell.quantity.group == "after" and one.cell.quantity.name in sizes]
    counts = Counter(one.cell.step for one in states)
    finest = min((one.literal.slack for one in claims), default=Fraction(0))
    coarse = {one.cell.step for one in states if one.literal.slack > finest}
    return sorted(step + 1 for step, count in counts.items() if count == sum(sizes.values()) and step not in coarse)


def passed_over(known: Sequence[int], asked: Iterable[int], first: int) -> dict[int, int]:
    """From which steps on, to which later one, none has to be followed to what is `asked`, from the `first` one on."""
    found: dict[int, int] = {}
    for step in sorted(asked):
        place = bisect_right(known, step)
        if place and known[place - 1] > first:
            found[first] = known[place - 1]
        first = max(first, step + 1)
    return found


def steps_between(passed: Mapping[int, int], first: int, last: int) -> int:
    """How many steps are left to be followed."""
    return last - first + 1 - sum(later - earlier for earlier, later in passed.items())
