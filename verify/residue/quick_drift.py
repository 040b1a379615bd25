"""How far rounding can have carried a run, for all its steps side by side: less sharp than `drift`, and much faster.

The steps are those of the hand calculation, at whose states the derivative of each step is enclosed in float64, on all
that the state can have drifted to. That is first guessed, and then proven: where the drift stays within the guess, it
is what the guess was made for. What lies beyond it is no rounding; what lies within is left to `drift`, where that
follows the run to its end: of longer runs this is the bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from derive.graph.node import SIZE
from derive.run.run import Run
from verify.claims.claim import Cell
from verify.following.right_values import steps_to, value_of
from verify.hand import run as hand
from verify.hand.calculation import beginnings, columns, prepare
from verify.hand.evaluation import length
from verify.hand.run import HandStep
from verify.intervals import EnclosedForms
from verify.numbers import Array, Exact, Floats, as_ball, precision
from verify.numbers.distance import aside
from verify.residue.drift import Drift, Off
from verify.residue.rounded_step import (
    BITS,
    MAX_STATE,
    SLACK,
    aside_at_start,
    enclosed,
    is_many,
    one_step,
    prepared,
    program_name,
    rounded_steps,
)

MOST = 100_000  # steps that are kept side by side
MOST_NUMBERS = 2_000_000  # of all of them together: states, lines and their adjoints
COLUMNS = 2000  # roundings that are carried on by themselves; then those so far become as many as a state has numbers
SHARP = 48  # bits of a state that are known: twice as many as a float32 has, so that the rest does not count
LONG, FINE = 3000, 2048  # steps from which on they are calculated with so many bits: balls widen with each of them
FINER = 8192  # bits with which they are calculated once more where their states are not known so well
_GROUPS = ("nodes", "loss", "adjoints", "gradients", "clipped", "after", "inside")
_TRIES = 3
_ROOM = 2.0  # times the drift at the exact states: the guess for the drift at all states that it reaches
_LOST = 2.0**-38  # of products and sums of `COLUMNS` numbers, more than float64 loses in them
_LEAST = 2.0**-60  # of a number: a guess of nothing would leave no room at all


def many_steps(run: Run, last: int) -> tuple[HandStep, ...]:
    """All steps by hand of a run up to the `last` one, for `quick_drifts`; none where these would be too many."""
    size = sum(array.size for array in beginnings(run.watched, run.settings, Exact()).values())
    sizes = {SIZE: run.settings.batch_size}
    each = sum(math.prod(length(axis, sizes) for axis in node.axes) for node in run.watched.graph.lines)
    if not _is_bounded(run, size) or not 0 < last <= MOST or last * (size + 2 * each) > MOST_NUMBERS:
        return ()
    return _by_hand(run, range(1, last + 1), BITS if last <= LONG else FINE)


def _is_bounded(run: Run, size: int) -> bool:
    """Whether the drift of a state of so many numbers can be told of all steps side by side."""
    gathers = run.settings.accumulate > 1 or run.settings.zero_every != 1
    return not gathers and not run.settings.varying and 0 < size <= MAX_STATE


def _by_hand(run: Run, numbers: Sequence[int], bits: int) -> tuple[HandStep, ...]:
    """The steps of these numbers by hand with all their lines, calculated with so many bits."""
    lines = tuple(node.name for node in run.watched.graph.lines)
    with precision(bits):
        return tuple(steps_to(run, hand.inputs(run), numbers, lines))


def quick_drifts(run: Run, dtype: str, steps: Sequence[HandStep], cells: Sequence[Cell]) -> Mapping[Cell, Drift]:
    """How far some of the numbers can be off in a correct program in `dtype`; `steps` are all of the hand calculation.

    A number that is left out may be off by anything.
    """
    listed = [cell for cell in cells if cell.quantity.group in _GROUPS and cell.step <= len(steps)]
    size = sum(array.size for array in steps[0].before.values()) if steps else 0
    if not listed or not _is_bounded(run, size) or len(steps) > MOST:
        return {}
    if not all(_is_sharp(array) for array in steps[-1].before.values()):
        steps = _by_hand(run, [step.batch.step for step in steps], FINER)
    with precision(BITS):
        systems = prepared(run, dtype, steps[0].before)
        own = rounded_steps(systems, steps)
        shift, around = aside_at_start(systems, steps[0].before)
        last = steps[-1]
        states = {
            name: enclosed([*(step.before[name] for step in steps), (last.after or last.before)[name]])
            for name, _ in systems.names
        }
    begun = Off(shift, np.diag(around))
    rounding = _rounding(own, states)
    sizes = np.abs(_flat(states, len(steps) + 1)["mid"])
    guess = sizes[:-1] * _LEAST + 2.0**-200
    guess[0] = begun.box  # known, and 0 of a number that is stored as it is: a kink stays on its side
    for _ in range(_TRIES):
        moved = _moved(run, steps, states, guess, {program_name(cell) for cell in listed})
        boxes = np.full_like(guess, math.inf)
        for place, off in enumerate(_gone_on(begun, moved, rounding)):
            boxes[place] = off.box
        if (boxes <= guess).all():
            return _of_cells(steps, listed, own, moved, guess, _gone_on(begun, moved, rounding))
        guess[1:] = _ROOM * boxes[1:]
        if not np.isfinite(guess).all():
            break
    return {}


def _of_cells(
    steps: Sequence[HandStep],
    cells: Sequence[Cell],
    own: Sequence[Mapping[str, Array]],
    moved: Sequence[_Moved],
    guess: Floats,
    offs: Iterator[Off],
) -> dict[Cell, Drift]:
    """How far each number is off, where that is known."""
    by_step: dict[int, list[Cell]] = {}
    for cell in cells:
        by_step.setdefault(cell.step, []).append(cell)
    found: dict[Cell, Drift] = {}
    for place, off in enumerate(offs):
        here, rows, rests, owns = [], [], [], []
        with precision(BITS):
            for cell in by_step.get(place + 1, ()):
                target = program_name(cell)
                there = [side[target] for side in (moved[place].results, own[place]) if target in side]
                if len(there) < 2 or min(map(np.ndim, there)) < len(cell.position):
                    continue
                number, pair = (side[cell.position] for side in there)
                here.append(cell)
                rows.append(_by_unit(number["parts"], guess[place]))
                rests.append(2 * float(number["rad"]))
                owns.append(aside(pair, value_of(steps[place], cell)))
        if here:
            drifts = zip(here, off.of_all(np.array(rows), rests, owns), strict=True)
            found |= {cell: drift for cell, drift in drifts if math.isfinite(drift.farthest)}
    return found


def _is_sharp(array: Array) -> bool:
    """Whether numbers are known far better than a float32 holds them."""
    balls = (as_ball(value) for value in array.flat)
    return all(ball == 0 or ball.rel_accuracy_bits() >= SHARP for ball in balls)


def _flat(states: Mapping[str, Array], many: int) -> Array:
    """The numbers of many states, each in a row."""
    return np.concatenate([array.reshape((many, -1)) for array in states.values()], axis=1)


def _rounding(own: Sequence[Mapping[str, Array]], states: Mapping[str, Array]) -> tuple[Floats, Floats]:
    """How far rounding moves the state after each step, a row, and how much more or less it can be."""
    shapes = {name: array.shape[1:] for name, array in states.items()}
    after = {name: np.stack([np.broadcast_to(step[f"{name}'"], shapes[name]) for step in own]) for name in states}
    rounded = _flat(after, len(own))
    exact = _flat(states, len(own) + 1)[1:]
    shift = rounded["mid"] - exact["mid"]
    around = (rounded["rad"] + exact["rad"] + np.abs(shift) * 2.0**-50) * SLACK
    return np.where(np.isfinite(shift), shift, 0.0), np.where(np.isfinite(shift), around, math.inf)


@dataclass(frozen=True)
class _Moved:
    """A step in forms of its state: its numbers by name, the derivatives of the state after it, and the rest."""

    results: Mapping[str, Array]
    derivative: Floats
    rest: Floats


def _moved(
    run: Run, steps: Sequence[HandStep], states: Mapping[str, Array], guess: Floats, wanted: Set[str]
) -> list[_Moved]:
    """Every step in forms of its state, each number of which is an unknown as large as its guess.

    Of its numbers those are kept that are `wanted` by name.
    """
    system = EnclosedForms(guess.shape[1])
    calculation = prepare(run.watched, run.followed, run.settings, system)
    data = columns(run.watched, run.watched.data, system)
    alike: dict[tuple[int, bool], list[int]] = {}
    for place, step in enumerate(steps):
        alike.setdefault((step.batch.n, step.batch.updates), []).append(place)
    found: dict[int, _Moved] = {}
    for places in alike.values():
        group = [steps[place] for place in places]
        parts = guess[places, :, np.newaxis] * np.eye(guess.shape[1])  # of each number of the state, by each
        state, mark = {}, 0
        for name, array in states.items():
            shape = array.shape[1:]
            own = slice(mark, mark := mark + math.prod(shape))
            state[name] = system.made(array[places], parts[:, own].reshape((len(group), *shape, guess.shape[1])))
        indices = np.array([step.batch.indices for step in group])
        rows = {name: column[indices] for name, column in data.items()}
        times = np.array([float(step.batch.made) for step in group])
        results = state | one_step(run, calculation, state, rows, group[0].batch, {}, times)
        after = [_side_by_side(results[f"{name}'"], array.shape[1:], len(group)) for name, array in states.items()]
        whole = np.concatenate(after, axis=1)
        derivatives = _by_unit(whole["parts"], guess[places, np.newaxis])
        kept = {name: array for name, array in results.items() if name in wanted}
        for k, place in enumerate(places):
            own_results = {name: array[k] if is_many(array, len(group)) else array for name, array in kept.items()}
            # the exact number is within the radius as well, so that the two can be twice as far apart
            found[place] = _Moved(own_results, derivatives[k], 2 * whole["rad"][k])
    return [found[place] for place in range(len(steps))]


def _side_by_side(array: Array, shape: tuple[int, ...], many: int) -> Array:
    """The numbers of an array of this shape in each of many steps, a row each, whether or not they differ in them."""
    if is_many(array, many):
        array = array.reshape((many, *(1,) * (len(shape) + 1 - array.ndim), *array.shape[1:]))
    return np.broadcast_to(array, (many, *shape)).reshape((many, -1))


def _by_unit(parts: Floats, guess: Floats) -> Floats:
    """The derivatives of numbers by their unknowns; 0 by one that is nothing."""
    return np.asarray(np.divide(parts, guess, out=np.zeros_like(parts), where=guess > 0))


def _gone_on(begun: Off, moved: Sequence[_Moved], rounding: tuple[Floats, Floats]) -> Iterator[Off]:
    """How far the state before each step can be off, and by which roundings; to the first that is off by anything.

    It is what `Off.after` gives step by step. The columns of one stand in the place of those of the one before.
    """
    size, many = begun.spread.shape
    held = np.zeros((size, COLUMNS + size + many))
    held[:, :many], shift = begun.spread, begun.shift
    rows = np.arange(size)
    for step, own, around in zip(moved, *rounding, strict=True):
        off = Off(shift, held[:, :many])
        with np.errstate(all="ignore"):
            if not np.isfinite(off.box).all():
                return
        yield off
        with np.errstate(all="ignore"):
            lost = np.abs(step.derivative) @ np.abs(shift) * 2.0**-40
            held[:, :many] = step.derivative @ held[:, :many]
            held[:, many : many + size] = 0.0
            held[rows, many + rows] = step.rest + around + lost
            many += size
            held[:, :many] *= 1 + 2.0**-50
            shift = step.derivative @ shift + own
            if many > COLUMNS:
                spread = fewer(Off(shift, held[:, :many])).spread
                many = spread.shape[1]
                held[:, :many] = spread


def fewer(off: Off) -> Off:
    """The same with no more columns than two for each number of the state, which hold all that the others do.

    S·e, with every |eₖ| ≤ 1, is U·(Uᵀ·S·e) + (S − U·Uᵀ·S)·e for any U: the first lies in the directions of U, each as
    far as the row of Uᵀ·S in sum, the second in a box. U is made of the singular vectors of S with its rows of one
    size, so that the directions fit, and the second is what float64 loses.
    """
    size = np.abs(off.spread).sum(axis=1)
    if not np.isfinite(size).all():
        return off
    scaled = off.spread / np.where(size > 0, size, 1.0)[:, np.newaxis]
    turned = np.linalg.svd(scaled, full_matrices=False)[0]
    along = turned.T @ scaled
    left = np.abs(scaled - turned @ along).sum(axis=1) + _LOST * (np.abs(turned) @ np.abs(along)).sum(axis=1)
    lost = _LOST * (np.abs(turned.T) @ np.abs(scaled)).sum(axis=1)
    directions = turned * (np.abs(along).sum(axis=1) + lost)
    spread = size[:, np.newaxis] * np.hstack([directions, np.diag(left + _LOST)])
    return Off(off.shift, spread * (1 + _LOST))
