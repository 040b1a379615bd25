"""What a correct program in floating point may have printed after some steps: how far its numbers can have drifted.

The bound of one step is that of `verify/BOUND.md`: the operations in PyTorch's order, each with its rounding, at the
exact state. Over the steps it is carried on by the derivative of each step, δ ← J·δ + ε, and what J leaves out is
added. So a rounding of the first step that later steps shrink counts as little as it does in a program. What is known
of a rounding, as to which float an input is rounded, is carried on as a shift, with its sign.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from flint import arb

from derive.problem.predict import predicted
from derive.run.run import Run
from verify.claims.claim import Cell, Quantity
from verify.following.extent import drifted
from verify.following.right_values import lr_of, right_values, value_of
from verify.hand.calculation import Calculation, beginnings, columns, numbers, only, with_updates
from verify.hand.derivative import derivative
from verify.hand.leap import SETTLED, leaps
from verify.hand.run import Exacts, HandStep
from verify.hand.size import Size
from verify.intervals import Enclosed
from verify.names import adjoint_of, clipped
from verify.numbers import Array, Exact, Floats, Form, as_ball, forms, precision, to_float
from verify.numbers.distance import aside, farthest
from verify.residue.drift_leap import long_drift
from verify.residue.parts import OfParts, parts_of_all
from verify.residue.rounded_step import (
    BITS,
    MAX_STATE,
    SLACK,
    SharpStep,
    StepSystems,
    aside_at_start,
    enclosed,
    exact_steps,
    in_columns,
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
)

FEW_ROUNDINGS = 8  # in a product with lr, or a difference of two parameters, and of lr itself
MAX_STEPS = 3000  # that are followed one by one; later ones only where steps are linear


@dataclass(frozen=True)
class Drift:
    """How far a number can be from the exact one: by `shift`, and up to `around` more or less."""

    shift: float
    around: float

    @property
    def farthest(self) -> float:
        """How far it can be at most; what float64 loses in it is in the slack of `around`, or far below either."""
        return abs(self.shift) + self.around


UNBOUNDED = Drift(0.0, math.inf)


@dataclass(frozen=True)
class Off:
    """How far each number of a state is off: by a shift, and by each rounding so far (a column) up or down."""

    shift: Floats
    spread: Floats

    @property
    def box(self) -> Floats:
        """How far each can be at most."""
        found: Floats = (np.abs(self.shift) + np.abs(self.spread).sum(axis=1)) * SLACK
        return found

    def of(self, row: Floats, rest: float, own: tuple[float, float]) -> Drift:
        """How far a number is off of which `row` has the derivatives by the state, and that is off by `own` itself."""
        return self.of_all(row[np.newaxis], [rest], [own])[0]

    def of_all(self, rows: Floats, rests: Sequence[float], owns: Sequence[tuple[float, float]]) -> list[Drift]:
        """The same of several numbers of a step, a row each."""
        shifts = rows @ self.shift
        lost = np.abs(rows) @ np.abs(self.shift) * 2.0**-40  # more than float64 loses in the shift
        arounds = np.abs(rows @ self.spread).sum(axis=1) + lost
        found = zip(shifts.tolist(), arounds.tolist(), rests, owns, strict=True)
        return [Drift(shift + own[0], (around + rest + own[1]) * SLACK) for shift, around, rest, own in found]

    def after(
        self, derivative: Floats, rest: Floats, own: tuple[Floats, Floats], together: Floats | None = None
    ) -> Off:
        """The same after a step; `together` are its roundings that move several numbers, each in a column."""
        lost = np.abs(derivative) @ np.abs(self.shift) * 2.0**-40
        columns_of = [derivative @ self.spread, np.diag(rest + own[1] + lost)]
        spread = np.hstack(columns_of if together is None else [*columns_of, together]) * (1 + 2.0**-50)
        return Off(derivative @ self.shift + own[0], spread)


def drifts(run: Run, dtype: str, cells: Sequence[Cell], *, is_sharp: bool = False) -> Mapping[Cell, Drift]:
    """How far each number can be from the exact one in a correct program in `dtype`, over all steps so far.

    Infinite where there is no bound; cells that are too late, or of too large a state, are left out. `is_sharp` takes
    the steps of a short run by forms of every rounding, which are narrower and cost more. What is found is remembered:
    each way to read a table asks for much the same numbers.
    """
    known: dict[Cell, Drift | None] = run.remembered.setdefault((drifts, dtype, is_sharp), {})
    new = [cell for cell in dict.fromkeys(cells) if cell not in known]
    if new:
        found = _drifts(run, dtype, new, is_sharp)
        known.update((cell, found.get(cell)) for cell in new)
    return {cell: drift for cell in cells if (drift := known[cell]) is not None}


def _drifts(run: Run, dtype: str, cells: Sequence[Cell], is_sharp: bool) -> Mapping[Cell, Drift]:
    """The same of cells that are not known."""
    wanted: dict[int, list[Cell]] = {}
    means = [cell for cell in cells if cell.quantity.group in ("epoch", "averaged", "norm")]
    parts = parts_of_all(run, means)
    for cell in {*cells, *parts} - {*means}:
        wanted.setdefault(cell.step, []).append(cell)
    start = beginnings(run.watched, run.settings, Exact())
    size = sum(array.size for array in start.values())
    if not wanted or size > MAX_STATE:
        return {}
    near = {step: own for step, own in wanted.items() if step <= MAX_STEPS}
    far = {step: own for step, own in wanted.items() if step > MAX_STEPS}
    found: dict[Cell, Drift] = {}
    with precision(BITS):
        systems = prepared(run, dtype, start, is_sharp=is_sharp)
        shift, around = aside_at_start(systems, start)
        off = Off(shift, np.diag(around))
        if near:
            found |= _segment(systems, start, off, 1, near, max(near)).found
        if far and dtype != "float64":  # its own rounding hides in that of the bound
            found |= _far(systems, start, off, far)
    right = right_values(run, parts, lambda _: True).values if parts else {}
    sizes = {part: abs(to_float(number)) for part, number in right.items()}
    most = {cell: drift.farthest for cell, drift in found.items()}
    of_parts = OfParts(run, most, sizes, dtype)
    return {**found, **{mean: Drift(0.0, of_parts.of(mean)) for mean in means}}


def size_of_drifts(run: Run, cells: Sequence[Cell]) -> Size:
    """How much `drifts` is to calculate, told before it is begun."""
    state = sum(array.size for array in beginnings(run.watched, run.settings, Exact()).values())
    steps = [cell.step for cell in cells] if state <= MAX_STATE else []
    return drifted(run, min(max(steps, default=0), MAX_STEPS), state)


@dataclass(frozen=True)
class _Ended:
    """What was found in a stretch of steps, and the state and its drift after it."""

    found: dict[Cell, Drift]
    held: Exacts
    off: Off


def _segment(
    systems: StepSystems, held: Exacts, off: Off, first: int, wanted: Mapping[int, list[Cell]], last: int
) -> _Ended:
    """Step by step; `off` is how far the state is off before the first of them."""
    steps = list(exact_steps(systems, held, wanted, first, last))
    rounded = rounded_steps(systems, steps)
    found: dict[Cell, Drift] = {}
    linear: dict[tuple[int, ...], Floats] = {}  # the derivative of a step, where it is the same at every state
    carried: dict[str, Array] = {}
    settings = systems.run.settings
    gathers = settings.accumulate > 1 or settings.zero_every != 1
    for exact, own in zip(steps, rounded, strict=True):
        batch = exact.batch
        box = off.box
        if not np.isfinite(box).all():
            return _Ended(found, held, off)
        cells = wanted.get(batch.step, ())
        derivative, rest = linear.get(batch.indices), np.zeros(len(box))
        if derivative is None or cells:
            state = unknowns(systems.names, exact.before, box)
            inside = one_step(systems.run, systems.linear, state, rows_of(systems, batch), batch, carried)
            for cell in cells:
                found[cell] = _of_cell(systems, cell, exact, inside, own, off, box)
            derivative, rest = linear_part(systems, inside, box)
            carried = _left(exact, inside, own, off, box) if gathers else {}
            alike = not (gathers or settings.varying or settings.clip)
            if box.all() and not rest.any() and alike and batch.step > 1:
                linear[batch.indices] = derivative
        together = None
        if isinstance(own, SharpStep):
            *rounding, together = own.roundings(exact, systems.names)
        else:
            rounding = [*in_columns(aside(pair, value) for pair, value in ranges_after(systems, own, exact))]
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite ends the next step
            off = off.after(derivative, rest, (rounding[0], rounding[1]), together)
        found |= _of_prediction(systems, wanted, exact, off)
    return _Ended(found, steps[-1].after or steps[-1].before, off)


def _left(
    exact: HandStep, inside: Mapping[str, Array], own: Mapping[str, Array], off: Off, box: Floats
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
            if exact.batch.updates:
                made.append(Form(value, {}, arb(off.of(row, rest, aside(pair, value)).farthest)))
            else:
                made.append(Form(form.centre, form.parts, form.rest + arb(farthest(pair, value))))
        found[adjoint_of(name)] = forms(made, array.shape)
    return found


def _far(systems: StepSystems, start: Exacts, off: Off, wanted: Mapping[int, list[Cell]]) -> dict[Cell, Drift]:
    """The drift of numbers late in a run whose steps are linear; none of another run."""
    run = systems.run
    each = run.settings.batches_per_epoch
    settled = (SETTLED - 1) * each
    leap = leaps(run, start) if settled <= MAX_STEPS else None
    if leap is None:
        return {}
    begun = _segment(systems, start, off, 1, {}, settled)
    sizes = _sizes(systems, begun.held, None)
    move = _sizes(systems, leap.after(begun.held, 1), begun.held)
    exact = _without_rounding(systems.rounded, run)
    found: dict[Cell, Drift] = {}
    for epoch in sorted({run.batches[step - 1].epoch for step in wanted}):
        first = (epoch - 1) * each + 1
        own = {step: cells for step, cells in wanted.items() if first <= step < first + each}
        widths = partial(_widths, systems, exact, each)
        drift = long_drift(leap, epoch - SETTLED, begun.off.box, sizes, move, widths)
        if drift is not None:
            held = leap.after(begun.held, epoch - SETTLED)
            found |= _segment(systems, held, Off(np.zeros_like(drift), np.diag(drift)), first, own, max(own)).found
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
    off: Off,
    box: Floats,
) -> Drift:
    """How far a number of a step can be off: what the state has drifted by, and the step's own rounding."""
    if cell.quantity.group == "prediction":
        return UNBOUNDED  # after the step
    if cell.quantity.group == "before":
        return off.of(np.eye(len(box))[row_of(systems.names, cell)], 0.0, (0.0, 0.0))
    if cell.quantity.group == "partials":
        return _of_partial(systems, cell, exact, off, box)
    target = program_name(cell)
    if target not in inside or target not in own or np.ndim(own[target]) < len(cell.position):
        return UNBOUNDED  # an adjoint that is the same for all samples has no axis for them
    row, rest = linear(inside[target][cell.position], box)
    pair = own[target][cell.position]
    if cell.quantity.group == "change":
        row[row_of(systems.names, cell)] -= 1.0
        after = Cell(cell.step, Quantity("after", cell.quantity.name, cell.quantity.name), cell.entry, cell.position)
        size = abs(to_float(value_of(exact, cell))) + farthest(pair, value_of(exact, after))
        moved = off.of(row, rest, aside(pair, value_of(exact, after)))
        return Drift(moved.shift, (moved.around + FEW_ROUNDINGS * systems.unit * size) * SLACK)
    if cell.quantity.group == "scaled":
        gradient = Cell(cell.step, Quantity("gradients", cell.quantity.name, ""), cell.entry, cell.position)
        right = value_of(exact, gradient)
        most = off.of(row, rest, aside(pair, right)).farthest
        lr = abs(to_float(lr_of(systems.run, exact, cell.quantity.name)))
        rounded = FEW_ROUNDINGS * systems.unit * (abs(to_float(right)) + most)
        return Drift(0.0, lr * (most + rounded) * SLACK)
    return off.of(row, rest, aside(pair, value_of(exact, cell)))


def _of_partial(systems: StepSystems, cell: Cell, exact: HandStep, off: Off, box: Floats) -> Drift:
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
    return UNBOUNDED if right is None else off.of(*linear(found[0], box), aside(found[1], right))


def _of_prediction(
    systems: StepSystems, wanted: Mapping[int, list[Cell]], last: HandStep, off: Off
) -> dict[Cell, Drift]:
    """The same for the lines at the data of [predict]."""
    cells = [c for c in wanted.get(last.batch.step, ()) if c.quantity.group == "prediction"]
    if not cells:
        return {}
    problem, held, box = systems.run.watched, last.after or last.before, off.box
    states = (held, unknowns(systems.names, held, box), {name: enclosed([array])[0] for name, array in held.items()})
    lines = frozenset(predicted(problem.graph, problem.predict))
    found = []
    for side, state in zip((systems.exact.calculation, systems.linear, systems.rounded), states, strict=True):
        given = columns(problem, problem.predict, side.system)
        found.append(only(side, lines).at({**state, **given}, problem.predict[0].shape[0]).results)
    drifted = {}
    for cell in cells:
        exact, form, pair = (results[cell.quantity.name][cell.position] for results in found)
        drifted[cell] = off.of(*linear(form, box), aside(pair, exact))
    return drifted
