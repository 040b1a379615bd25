"""What a step takes over and does not calculate: the parameters, the state and the gradients that were left to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.problem.loading import Problem
from derive.run.settings import Settings
from derive.training.rates import Moment
from verify.bound.bound import PRECISION, Bound
from verify.compare.check import Numbers, Unchanged, side_by_side
from verify.hand import calculation
from verify.hand.evaluation import Array, NumberSystem
from verify.hand.rates import RATES_DTYPE, in_torch, moment, of_group, together
from verify.hand.run import HandRun, as_floats
from verify.names import parameter_of
from verify.numbers import Distance, Exact, Floats, Rounded, precision
from verify.record import Block, StepRecord, Steps

Carried = Sequence[Mapping[str, Numbers]]  # by name, for each block of steps


def starts(
    problem: Problem, settings: Settings, steps: Steps, bound: Bound, before: StepRecord | None = None
) -> Carried:
    """The parameters and the state with which each step begins, beside what they must be.

    That is, in the first step, the initial values, each rounded once; later, exactly what the step before left.
    `before` is the last step of the piece before this one; None at the beginning of a run.
    """
    found: list[dict[str, Numbers]] = [{} for _ in steps.blocks]
    begins = _beginnings(problem, settings, steps, bound) if before is None else {}
    for name in steps.blocks[0].before if steps.blocks else ():
        first = _begins(steps, name) if before is None else before.after[name]
        holds_all = np.result_type(*{held.dtype for block in steps.blocks for held in _both(block, name)})
        each = steps.left(_after, name, first.astype(holds_all))
        for own, block, left in zip(found, steps.blocks, each, strict=True):
            own[name] = _begun(left, block, name)
        if name in begins:
            number, place = steps.places[0]
            found[number][name] = found[number][name].replaced(int(place), begins[name])
    return found


def _begins(steps: Steps, name: str) -> NDArray[Any]:
    """The numbers with which the first of the steps begins."""
    number, place = steps.places[0]
    found: NDArray[Any] = steps.blocks[number].before[name][place]
    return found


def _both(block: Block, name: str) -> tuple[NDArray[Any], ...]:
    return tuple(group[name] for group in (block.before, block.after) if name in group)


def _after(block: Block, name: str) -> NDArray[Any]:
    return block.after[name]


def _begun(left: NDArray[Any], block: Block, name: str) -> Numbers:
    """The numbers with which the steps of a block begin, beside what was left."""
    floats = block.floats("before", name)
    if np.array_equal(left, block.before[name]) and np.isfinite(left).all():
        return Unchanged.of(floats)
    return _kept(left.astype(np.float64), floats)


def _beginnings(problem: Problem, settings: Settings, steps: Steps, bound: Bound) -> dict[str, Numbers]:
    """The parameters and the state with which the first step begins, beside the initial values."""
    with precision(PRECISION):
        rounded = calculation.beginnings(problem, settings, bound.system, as_floats=True)
        exact = calculation.beginnings(problem, settings, bound.exact.system, as_floats=True)
    block, place = steps.places[0]
    held = {name: values[place] for name, values in steps.blocks[block].before.items()}
    floats = {name: np.asarray(value, dtype=np.float64) for name, value in held.items()}
    return {name: Numbers(own, bound.distance(own, rounded[name], exact[name])) for name, own in floats.items()}


def as_by_hand(group: str, hand: HandRun, steps: Steps) -> Carried:
    """The numbers of a `group`, "clipped" or "rates", that come from the hand calculation: they must be those."""
    found: list[dict[str, Numbers]] = []
    for by_hand, step in zip(hand.steps, steps, strict=True):
        floats = as_floats(getattr(by_hand, group))
        found.append({name: _kept(floats[name], held) for name, held in getattr(step, group).items()})
    return _in_blocks(found, steps)


def taken(hand: HandRun, steps: Steps, bound: Bound) -> Carried:
    """What each step leaves where the update is by hand: its parameters, each rounded once, and exactly its state."""
    found: list[dict[str, Numbers]] = []
    for by_hand, step in zip(hand.steps, steps, strict=True):
        floats = as_floats(by_hand.after)
        found.append(
            {
                name: _rounded(floats[name], held, bound) if parameter_of(name) == name else _kept(floats[name], held)
                for name, held in step.after.items()
            }
        )
    return _in_blocks(found, steps)


def _in_blocks(found: Sequence[Mapping[str, Numbers]], steps: Steps) -> Carried:
    """The numbers of each step, in the order of the run, side by side as their blocks are."""
    ordered: list[list[Mapping[str, Numbers]]] = [[{}] * len(block) for block in steps.blocks]
    for own, (block, place) in zip(found, steps.places, strict=True):
        ordered[block][place] = own
    return [{name: side_by_side([own[name] for own in block]) for name in block[0]} for block in ordered]


def _rounded(value: Floats, held: Floats, bound: Bound) -> Numbers:
    """A number beside the float64 that it is rounded from; nothing is known of one beyond the range."""
    if not np.isfinite(value).all():
        nothing, without_end = np.full_like(value, np.nan), np.full_like(value, np.inf)
        everywhere = np.ones(value.shape, dtype=np.bool_)
        return Numbers(held, Distance(value, nothing, without_end, without_end, everywhere, ~everywhere))
    with precision(PRECISION):
        balls = bound.system.constants([Fraction(number) for number in value.flat]).reshape(value.shape)
    return Numbers(held, bound.distance(held, balls, None))


def gathered(steps: Steps, before: StepRecord | None = None, by_hand: Bound | None = None) -> Carried:
    """What .grad holds before the batches that add to it: what the step before left there.

    With the bound of a run whose updates are `by_hand`, .grad holds the clipped gradients rounded once.
    """
    if not any(block.accumulated for block in steps.blocks):
        return [{} for _ in steps.blocks]
    found: list[dict[str, Numbers]] = []
    left: Mapping[str, Floats] = {} if before is None else before.left
    cut: Mapping[str, Floats] = {} if before is None else before.clipped
    for step in steps:
        found.append(
            {
                name: _rounded(left[name], held, by_hand)
                if by_hand is not None and name in cut
                else _kept(left[name], held)
                for name, held in step.accumulated.items()
            }
        )
        left, cut = step.left, step.clipped
    return _in_blocks(found, steps)


def _kept(left: Floats, held: Floats) -> Numbers:
    """A number that must be the very one that was left."""
    with np.errstate(invalid="ignore"):  # inf − inf, where a run goes on after an overflow
        error = held - left
    nothing, everywhere = np.zeros_like(left), np.ones(left.shape, dtype=np.bool_)
    return Numbers(held, Distance(left, error, nothing, nothing, everywhere, ~everywhere))


def judged(settings: Settings, steps: Steps, last: StepRecord | None = None) -> Carried:
    """The lr and what is cycled with it in each step, beside what PyTorch's recursion gives (A8 of verify/BOUND.md).

    `last` is the step before the first of these; None at the beginning of a run.
    """
    if not any(block.rates for block in steps.blocks):
        return [{} for _ in steps.blocks]
    with precision(PRECISION):
        return _in_blocks(list(_steps(settings, steps, last)), steps)


def _steps(settings: Settings, steps: Steps, last: StepRecord | None) -> Iterator[dict[str, Numbers]]:
    rounded, exact = Rounded(RATES_DTYPE), Exact(strict=False)
    before = None if last is None else moment(last.batch, settings)
    held: dict[str, Floats] = {} if last is None else dict(last.rates)
    for step in steps:
        at = moment(step.batch, settings)
        sides = partial(_side, settings, before, held, at)
        yield {} if not step.rates else _numbers(step, rounded, sides(rounded), sides(exact))
        before, held = at, dict(step.rates)


def _numbers(
    step: StepRecord, system: Rounded, rounded: dict[str, Array], exact: dict[str, Array]
) -> dict[str, Numbers]:
    """Each number beside all that correct evaluation can give, and the exact one."""
    return {
        name: Numbers(floats, system.distance(floats, rounded[name], exact[name]))
        for name, floats in step.rates.items()
    }


def _side(
    settings: Settings, before: Moment | None, held: dict[str, Floats], at: Moment, system: NumberSystem
) -> dict[str, Array]:
    """What one number system gives for every group, from what PyTorch held before."""
    many = len(settings.param_groups)
    taken = {name: system.take(np.asarray(values)) for name, values in held.items()}
    groups = [
        in_torch(group.schedule, system, before, of_group(taken, place, many), at)
        for place, group in enumerate(settings.param_groups)
    ]
    return together(groups, settings.varying)
