"""Where it begins that a number follows from the author's own: of a long run, at the first step with such a number.

Before it, everything is as it is by hand, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.run.batches import epoch_of
from derive.run.run import Run
from verify.claims.claim import Cell
from verify.following.right_values import steps_to
from verify.hand import run as hand
from verify.hand.calculation import beginnings
from verify.hand.run import Exacts
from verify.numbers import Array, Forms, fixed, forms

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
    of_means = (epoch_of(run.batches, cell.step)[0].step for cell in wanted if cell.quantity.group == "epoch")
    return min([cell.step for cell in owns] + list(of_means))
