"""What a correct program in floating point may have printed after some steps: how far its numbers can have drifted.

The bound of one step is that of `verify/BOUND.md`: the operations in PyTorch's order, each with its rounding, at the
exact state. Over the steps it is carried on by the derivative of each step, δ ← J·δ + ε, and what J leaves out is
added. So a rounding of the first step that later steps shrink counts as little as it does in a program.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from flint import arb

from derive.problem.predict import predicted
from derive.run.batches import epoch_of
from derive.run.run import Run
from verify.claims.claim import Cell, Quantity
from verify.following.right_values import line_of, lr_of, right_values, value_of, weights_of
from verify.hand.calculation import Calculation, beginnings, columns, numbers, only, with_updates
from verify.hand.derivative import derivative
from verify.hand.leap import SETTLED, leaps
from verify.hand.run import Exacts, HandStep
from verify.logs.meaning import KEPT, Averaged, GradientNorm, averaged
from verify.names import adjoint_of, clipped
from verify.numbers import (
    FORMATS,
    Array,
    Enclosed,
    Exact,
    Floats,
    Form,
    as_ball,
    forms,
    precision,
    to_float,
)
from verify.numbers.distance import farthest
from verify.residue.drift_leap import long_drift
from verify.residue.rounded_step import (
    BITS,
    MAX_STATE,
    SLACK,
    StepSystems,
    enclosed,
    exact_steps,
    linear,
    linear_part,
    one_step,
    prepared,
    program_name,
    ranges_after,
    rounded_steps,
    row_of,
    rows_of,
    unknowns,
    widths_at_start,
)

FEW_ROUNDINGS = 8  # in a product with lr, or a difference of two parameters, and of lr itself
MAX_STEPS = 3000  # that are followed one by one; later ones only where steps are linear


def drifts(run: Run, dtype: str, cells: Sequence[Cell]) -> Mapping[Cell, float]:
    """How far each number can be from the exact one in a correct program in `dtype`, over all steps so far.

    Infinite where there is no bound; cells that are too late, or of too large a state, are left out.
    """
    wanted: dict[int, list[Cell]] = {}
    means = [cell for cell in cells if cell.quantity.group in ("epoch", "averaged", "norm")]
    for cell in {*cells, *(part for mean in means for part in _parts(run, mean))} - {*means}:
        wanted.setdefault(cell.step, []).append(cell)
    start = beginnings(run.watched, run.settings, Exact())
    size = sum(array.size for array in start.values())
    if not wanted or size > MAX_STATE:
        return {}
    near = {step: own for step, own in wanted.items() if step <= MAX_STEPS}
    far = {step: own for step, own in wanted.items() if step > MAX_STEPS}
    found: dict[Cell, float] = {}
    with precision(BITS):
        systems = prepared(run, dtype, start)
        spread = np.diag(widths_at_start(systems, start))
        if near:
            found |= _segment(systems, start, spread, 1, near, max(near)).found
        if far and dtype != "float64":  # its own rounding hides in that of the bound
            found |= _far(systems, start, spread, far)
    parts = {part for mean in means for part in _parts(run, mean)}
    right = right_values(run, parts, lambda _: True).values if parts else {}
    sizes = {part: abs(to_float(number)) for part, number in right.items()}
    return {**found, **{mean: _of_parts(run, mean, found, sizes, dtype) for mean in means}}


def _parts(run: Run, cell: Cell) -> list[Cell]:
    """The losses of a mean, the numbers of another line, or the gradients of a norm."""
    if cell.quantity.group == "norm":
        return [
            Cell(cell.step, Quantity("gradients", parameter.name, parameter.name), place, place)
            for parameter in run.watched.parameters
            for place in np.ndindex(parameter.shape)
        ]
    if isinstance(cell.quantity, Averaged):
        loss = Quantity("loss", run.loss, "loss")
        return [Cell(number, loss) for number in range(cell.quantity.first, cell.step + 1)]
    line = line_of(run, cell.quantity)
    part = Quantity("loss" if line == run.loss else "nodes", line, line)
    return [Cell(batch.step, part) for batch in epoch_of(run.batches, cell.step)]


def _of_parts(run: Run, cell: Cell, found: Mapping[Cell, float], known: Mapping[Cell, float], dtype: str) -> float:
    """How far a mean or a norm can be off; `known` are the sizes of what it is made of."""
    if cell.quantity.group == "epoch":
        return _of_mean(run, cell, found, known, dtype)
    parts = _parts(run, cell)
    off = [found.get(part, math.inf) for part in parts]
    if not all(map(math.isfinite, off)) or not all(part in known for part in parts):
        return math.inf
    sizes = [known[part] for part in parts]
    unit = 2.0 ** FORMATS[dtype].unit
    if isinstance(cell.quantity, Averaged):  # the weights are not negative: errors average as losses do
        batches = [run.batches[part.step - 1] for part in parts]
        own, size = (averaged(cell.quantity, batches, each, float, run.watched.graph.averages) for each in (off, sizes))
        if cell.quantity.kind in ("smoothed", "debiased"):
            # each step of it rounds numbers as large as the losses, at most thrice, and 0.98 of what it rounds is kept
            own += 3 * unit * (max(sizes) + max(off)) / float(1 - KEPT)
    else:  # a norm moves by no more than the norm of what its vector moves by
        assert isinstance(cell.quantity, GradientNorm)
        own, size = (math.hypot(*each) / cell.quantity.divisor for each in (off, sizes))
    bound: float = (own + (len(parts) + FEW_ROUNDINGS) * unit * (size + own)) * SLACK
    return bound


def _of_mean(run: Run, mean: Cell, found: Mapping[Cell, float], sizes: Mapping[Cell, float], dtype: str) -> float:
    """How far the mean of an epoch's losses can be off: each loss, and the sum and its quotient, in any order."""
    weights, divisor = weights_of(run, mean.quantity.name, epoch_of(run.batches, mean.step))
    losses = _parts(run, mean)
    own = sum(weight * found.get(loss, math.inf) for weight, loss in zip(weights, losses, strict=True)) / divisor
    if not math.isfinite(own) or not all(loss in sizes for loss in losses):
        return math.inf
    size = sum(weight * sizes[loss] for weight, loss in zip(weights, losses, strict=True)) / divisor
    return (own + (len(losses) + 2) * 2.0 ** FORMATS[dtype].unit * (size + own)) * SLACK


@dataclass(frozen=True)
class _Ended:
    """What was found in a stretch of steps, and the state and its drift after it."""

    found: dict[Cell, float]
    held: Exacts
    spread: Floats


def _segment(
    systems: StepSystems, held: Exacts, spread: Floats, first: int, wanted: Mapping[int, list[Cell]], last: int
) -> _Ended:
    """Step by step: `spread` has a row for each number of the state, and a column for each rounding so far."""
    steps = list(exact_steps(systems, held, wanted, first, last))
    rounded = rounded_steps(systems, steps)
    found: dict[Cell, float] = {}
    linear: dict[tuple[int, ...], Floats] = {}  # the derivative of a step, where it is the same at every state
    carried: dict[str, Array] = {}
    settings = systems.run.settings
    gathers = settings.accumulate > 1 or settings.zero_every != 1
    for exact, own in zip(steps, rounded, strict=True):
        batch = exact.batch
        box = np.abs(spread).sum(axis=1) * SLACK
        if not np.isfinite(box).all():
            return _Ended(found, held, spread)
        cells = wanted.get(batch.step, ())
        derivative, rest = linear.get(batch.indices), np.zeros(len(box))
        if derivative is None or cells:
            state = unknowns(systems.names, exact.before, box)
            inside = one_step(systems.run, systems.linear, state, rows_of(systems, batch), batch, carried)
            for cell in cells:
                found[cell] = _of_cell(systems, cell, exact, inside, own, spread, box)
            derivative, rest = linear_part(systems, inside, box)
            carried = _left(exact, inside, own, spread, box) if gathers else {}
            alike = not (gathers or settings.varying or settings.clip)
            if box.all() and not rest.any() and alike and batch.step > 1:
                linear[batch.indices] = derivative
        rounding = np.array([farthest(pair, value) for pair, value in ranges_after(systems, own, exact)])
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite ends the next step
            spread = np.hstack([derivative @ spread, np.diag(rest + rounding)]) * (1 + 2.0**-50)
        found |= _of_prediction(systems, wanted, exact, spread)
    return _Ended(found, steps[-1].after or steps[-1].before, spread)


def _left(
    exact: HandStep, inside: Mapping[str, Array], own: Mapping[str, Array], spread: Floats, box: Floats
) -> dict[str, Array]:
    """What .grad holds after a step, for the next one to add to: as far off as it has drifted and been rounded.

    While nothing is updated, the next step is in the same unknowns; after an update its drift becomes one of its own.
    """
    found: dict[str, Array] = {}
    for name, array in exact.left.items():
        target = clipped(name) if name in exact.clipped else adjoint_of(name)
        made = []
        for form, pair, value in zip(
            inside[target].flat, np.broadcast_to(own[target], array.shape).flat, array.flat, strict=True
        ):
            row, rest = linear(form, box)
            off = farthest(pair, value)
            if exact.batch.updates:
                made.append(Form(value, {}, arb((float(np.abs(row @ spread).sum()) + rest + off) * SLACK)))
            else:
                made.append(Form(form.centre, form.parts, form.rest + arb(off)))
        found[adjoint_of(name)] = forms(made, array.shape)
    return found


def _far(systems: StepSystems, start: Exacts, spread: Floats, wanted: Mapping[int, list[Cell]]) -> dict[Cell, float]:
    """The drift of numbers late in a run whose steps are linear; none of another run."""
    run = systems.run
    each = run.settings.batches_per_epoch
    leap = leaps(run, start)
    settled = (SETTLED - 1) * each
    if leap is None or settled > MAX_STEPS:
        return {}
    begun = _segment(systems, start, spread, 1, {}, settled)
    off, sizes = np.abs(begun.spread).sum(axis=1) * SLACK, _sizes(systems, begun.held, None)
    move = _sizes(systems, leap.after(begun.held, 1), begun.held)
    exact = _without_rounding(systems.rounded, run)
    found: dict[Cell, float] = {}
    for epoch in sorted({run.batches[step - 1].epoch for step in wanted}):
        first = (epoch - 1) * each + 1
        own = {step: cells for step, cells in wanted.items() if first <= step < first + each}
        widths = partial(_widths, systems, exact, each)
        drift = long_drift(leap, epoch - SETTLED, off, sizes, move, widths)
        if drift is not None:
            held = leap.after(begun.held, epoch - SETTLED)
            found |= _segment(systems, held, np.diag(drift), first, own, max(own)).found
    return found


def _sizes(systems: StepSystems, state: Exacts, other: Exacts | None) -> Floats:
    """The sizes of the numbers of a state, or of how far it is from another."""
    found = []
    for name, _ in systems.names:
        for place, value in enumerate(state[name].flat):
            ball = as_ball(value) if other is None else as_ball(value) - as_ball(other[name].flat[place])
            found.append(math.nextafter(float(abs(ball).upper()), math.inf))
    return np.array(found)


def _without_rounding(rounded: Calculation, run: Run) -> Calculation:
    """The same operations, of which only float64's own rounding is counted."""
    system = Enclosed()
    constants = {constant.name: numbers(constant, system) for constant in run.watched.constants}
    return with_updates(replace(rounded, system=system, constants=constants), run.settings, as_floats=False)


def _widths(
    systems: StepSystems, exact: Calculation, each: int, place: int, state: Mapping[str, Array]
) -> tuple[Floats, Floats]:
    """The radii of all states after a batch from any of `state`, with rounding and without."""
    batch = systems.run.batches[(SETTLED - 1) * each + place]
    times = np.array([float(batch.t)])
    data = columns(systems.run.watched, systems.run.watched.data, exact.system)
    rows = {name: sides[1][list(batch.indices)][np.newaxis] for name, sides in systems.data.items()}
    plain = {name: column[list(batch.indices)][np.newaxis] for name, column in data.items()}
    with_rounding = one_step(systems.run, systems.rounded, state, rows, batch, {}, times)
    without = one_step(systems.run, exact, state, plain, batch, {}, times)
    found: tuple[list[float], list[float]] = ([], [])
    for name, shape in systems.names:
        one, other = (np.broadcast_to(side[f"{name}'"], (1, *shape)).ravel() for side in (with_rounding, without))
        found[0].extend(one["rad"] + np.abs(one["mid"] - other["mid"]))
        found[1].extend(other["rad"])
    return np.array(found[0]), np.array(found[1])


def _of_cell(
    systems: StepSystems,
    cell: Cell,
    exact: HandStep,
    inside: Mapping[str, Array],
    own: Mapping[str, Array],
    spread: Floats,
    box: Floats,
) -> float:
    """How far a number of a step can be off: what the state has drifted by, and the step's own rounding."""
    if cell.quantity.group == "prediction":
        return math.inf  # after the step
    if cell.quantity.group == "before":
        return float(np.abs(spread[row_of(systems.names, cell)]).sum()) * SLACK
    if cell.quantity.group == "partials":
        return _of_partial(systems, cell, exact, spread, box)
    target = program_name(cell)
    if target not in inside or target not in own or np.ndim(own[target]) < len(cell.position):
        return math.inf  # an adjoint that is the same for all samples has no axis for them
    row, rest = linear(inside[target][cell.position], box)
    pair = own[target][cell.position]
    if cell.quantity.group == "change":
        row[row_of(systems.names, cell)] -= 1.0
        after = Cell(cell.step, Quantity("after", cell.quantity.name, cell.quantity.name), cell.entry, cell.position)
        size = abs(to_float(value_of(exact, cell))) + farthest(pair, value_of(exact, after))
        off = float(np.abs(row @ spread).sum()) + rest + farthest(pair, value_of(exact, after))
        return (off + FEW_ROUNDINGS * systems.unit * size) * SLACK
    if cell.quantity.group == "scaled":
        gradient = Cell(cell.step, Quantity("gradients", cell.quantity.name, ""), cell.entry, cell.position)
        right = value_of(exact, gradient)
        off = float(np.abs(row @ spread).sum()) + rest + farthest(pair, right)
        lr = abs(to_float(lr_of(systems.run, exact, cell.quantity.name)))
        return lr * (off + FEW_ROUNDINGS * systems.unit * (abs(to_float(right)) + off)) * SLACK
    return (float(np.abs(row @ spread).sum()) + rest + farthest(pair, value_of(exact, cell))) * SLACK


def _of_partial(systems: StepSystems, cell: Cell, exact: HandStep, spread: Floats, box: Floats) -> float:
    """How far the derivative of a line can be off: its equations as derived, each operation rounded."""
    batch, run = exact.batch, systems.run
    found = []
    states = (unknowns(systems.names, exact.before, box), {n: enclosed([a])[0] for n, a in exact.before.items()})
    for place, (side, state) in enumerate(zip((systems.linear, systems.rounded), states, strict=True)):
        key = (cell.quantity.name, place)
        program = systems.programs.get(key) or derivative(run, cell.quantity.name, side.system)
        systems.programs[key] = program
        rows = {name: sides[place][list(batch.indices)] for name, sides in systems.data.items()}
        found.append(program.at({**state, **rows}, batch.n, cell.position))
    right = systems.partials.value(exact, cell)
    if right is None:
        return math.inf
    row, rest = linear(found[0], box)
    return (float(np.abs(row @ spread).sum()) + rest + farthest(found[1], right)) * SLACK


def _of_prediction(
    systems: StepSystems, wanted: Mapping[int, list[Cell]], last: HandStep, spread: Floats
) -> dict[Cell, float]:
    """The same for the lines at the data of [predict]."""
    cells = [c for c in wanted.get(last.batch.step, ()) if c.quantity.group == "prediction"]
    if not cells:
        return {}
    problem, held = systems.run.watched, last.after or last.before
    box = np.abs(spread).sum(axis=1) * SLACK
    states = (held, unknowns(systems.names, held, box), {name: enclosed([array])[0] for name, array in held.items()})
    lines = frozenset(predicted(problem.graph, problem.predict))
    found = []
    for side, state in zip((systems.exact.calculation, systems.linear, systems.rounded), states, strict=True):
        given = columns(problem, problem.predict, side.system)
        found.append(only(side, lines).at({**state, **given}, problem.predict[0].shape[0]).results)
    drifted = {}
    for cell in cells:
        exact, form, pair = (results[cell.quantity.name][cell.position] for results in found)
        row, rest = linear(form, box)
        drifted[cell] = (float(np.abs(row @ spread).sum()) + rest + farthest(pair, exact)) * SLACK
    return drifted
