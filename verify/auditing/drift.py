"""What a correct program in floating point may have printed after some steps: how far its numbers can have drifted.

The bound of one step is that of `verify/BOUND.md`: the operations in PyTorch's order, each with its rounding, at the
exact state. Over the steps it is carried on by the derivative of each step, δ ← J·δ + ε, and what J leaves out is
added. So a rounding of the first step that later steps shrink counts as little as it does in a program.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from flint import arb, fmpq

from derive.problem.predict import predicted
from derive.run.batches import Batch, epoch_of
from verify.auditing.drift_leap import long_drift
from verify.auditing.right_values import Side, right_values, value_of, weights_of
from verify.bound import bound
from verify.claims.claim import Cell, Quantity
from verify.compare.prediction import only
from verify.hand import run as hand
from verify.hand.calculation import Calculation, beginnings, numbers, prepare, with_updates
from verify.hand.leap import SETTLED, leaps
from verify.hand.program import adjoint_of
from verify.hand.rates import ByHand
from verify.hand.run import Exacts, HandStep
from verify.numbers import (
    FORMATS,
    Array,
    Enclosed,
    Exact,
    Exactly,
    Floats,
    Form,
    Forms,
    as_ball,
    forms,
    objects,
    pairs,
    precision,
    to_float,
)

MAX_STEPS = 3000  # that are followed one by one; later ones only where steps are linear
MAX_STATE = 64  # numbers of a state
_BITS = 2048  # inside balls: what they widen by must stay far below float64's rounding
_SLACK = 1 + 2.0**-20  # for the float64 arithmetic of the bound itself

Names = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class _Sides:
    """One step in three systems: exact, in forms of the state, and rounded."""

    of: Side
    exact: hand.Inputs
    linear: Calculation
    rounded: Calculation
    data: Mapping[str, tuple[Array, Array]]  # in forms, and rounded
    names: Names


def drifts(of: Side, dtype: str, cells: Sequence[Cell]) -> Mapping[Cell, float]:
    """How far each number can be from the exact one in a correct program in `dtype`, over all steps so far.

    Infinite where there is no bound; cells that are too late, or of too large a state, are left out.
    """
    wanted: dict[int, list[Cell]] = {}
    means = [cell for cell in cells if cell.quantity.group == "epoch"]
    for cell in {*cells, *(loss for mean in means for loss in _losses(of, mean))} - {*means}:
        wanted.setdefault(cell.step, []).append(cell)
    start = beginnings(of.problem, of.settings, Exact())
    size = sum(array.size for array in start.values())
    if not wanted or size > MAX_STATE:
        return {}
    near = {step: own for step, own in wanted.items() if step <= MAX_STEPS}
    far = {step: own for step, own in wanted.items() if step > MAX_STEPS}
    found: dict[Cell, float] = {}
    with precision(_BITS):
        sides = _prepared(of, dtype, start)
        spread = np.diag(_begun(sides, start))
        if near:
            found |= _segment(sides, start, spread, 1, near, max(near)).found
        if far and dtype != "float64":  # its own rounding hides in that of the bound
            found |= _far(sides, start, spread, far)
    return {**found, **{mean: _of_mean(of, mean, found, dtype) for mean in means}}


def _losses(of: Side, mean: Cell) -> list[Cell]:
    """The losses of an epoch."""
    loss = Quantity("loss", of.loss, "loss")
    return [Cell(batch.step, loss) for batch in epoch_of(of.batches, mean.step)]


def _of_mean(of: Side, mean: Cell, found: Mapping[Cell, float], dtype: str) -> float:
    """How far the mean of an epoch's losses can be off: each loss, and the sum and its quotient, in any order."""
    weights, divisor = weights_of(of, mean.quantity.name, epoch_of(of.batches, mean.step))
    losses = _losses(of, mean)
    own = sum(weight * found.get(loss, math.inf) for weight, loss in zip(weights, losses, strict=True)) / divisor
    sizes = right_values(of, losses, lambda _: True).values
    if not math.isfinite(own) or len(sizes) < len(losses):
        return math.inf
    size = sum(weight * abs(to_float(sizes[loss])) for weight, loss in zip(weights, losses, strict=True)) / divisor
    return (own + (len(losses) + 2) * 2.0 ** FORMATS[dtype].unit * (size + own)) * _SLACK


def _prepared(of: Side, dtype: str, start: Exacts) -> _Sides:
    system = Forms()
    limits = bound.prepare(of.problem, of.derivation, of.settings, dtype)
    rounding = limits.rounded
    if of.settings.trains:  # lr and the options as decimals, of which a program holds the nearest float
        rounding = with_updates(rounding, of.settings, as_floats=False)
    data = {column.name: (numbers(column, system), numbers(column, rounding.system)) for column in of.problem.data}
    names = tuple((name, array.shape) for name, array in start.items())
    exact = hand.inputs(of.problem, of.derivation, of.settings)
    return _Sides(of, exact, prepare(of.problem, of.derivation, of.settings, system), rounding, data, names)


@dataclass(frozen=True)
class _Ended:
    """What was found in a stretch of steps, and the state and its drift after it."""

    found: dict[Cell, float]
    held: Exacts
    spread: Floats


def _segment(
    sides: _Sides, held: Exacts, spread: Floats, first: int, wanted: Mapping[int, list[Cell]], last: int
) -> _Ended:
    """Step by step: `spread` has a row for each number of the state, and a column for each rounding so far."""
    steps = list(_exact_steps(sides, held, wanted, first, last))
    rounded = _rounded_steps(sides, steps)
    found: dict[Cell, float] = {}
    linear: dict[tuple[int, ...], Floats] = {}  # the derivative of a step, where it is the same at every state
    carried: dict[str, Array] = {}
    settings = sides.of.settings
    gathers = settings.accumulate > 1 or settings.zero_every != 1
    for exact, own in zip(steps, rounded, strict=True):
        batch = exact.batch
        box = np.abs(spread).sum(axis=1) * _SLACK
        if not np.isfinite(box).all():
            return _Ended(found, held, spread)
        cells = wanted.get(batch.step, ())
        derivative, rest = linear.get(batch.indices), np.zeros(len(box))
        if derivative is None or cells:
            state = _unknowns(sides.names, exact.before, box)
            inside = _step(sides.of, sides.linear, state, _rows(sides, batch), batch, carried)
            for cell in cells:
                found[cell] = _of_cell(sides, cell, exact, inside, own, spread, box)
            derivative, rest = _derivative(sides, inside, box)
            carried = _left(exact, inside, own, spread, box) if gathers else {}
            alike = not (gathers or settings.varying or settings.clip)
            if box.all() and not rest.any() and alike and batch.step > 1:
                linear[batch.indices] = derivative
        rounding = np.array([_off(pair, value) for pair, value in _after(sides, own, exact)])
        spread = np.hstack([derivative @ spread, np.diag(rest + rounding)]) * (1 + 2.0**-50)
    found |= _of_prediction(sides, wanted, steps[-1], spread)
    return _Ended(found, steps[-1].after or steps[-1].before, spread)


def _left(
    exact: HandStep, inside: Mapping[str, Array], own: Mapping[str, Array], spread: Floats, box: Floats
) -> dict[str, Array]:
    """What .grad holds after a step, for the next one to add to: as far off as it has drifted and been rounded.

    While nothing is updated, the next step is in the same unknowns; after an update its drift becomes one of its own.
    """
    found: dict[str, Array] = {}
    for name, array in exact.left.items():
        target = bound.clipped(name) if name in exact.clipped else adjoint_of(name)
        made = []
        for form, pair, value in zip(
            inside[target].flat, np.broadcast_to(own[target], array.shape).flat, array.flat, strict=True
        ):
            row, rest = _linear(form, box)
            off = _off(pair, value)
            if exact.batch.updates:
                made.append(Form(value, {}, arb((float(np.abs(row @ spread).sum()) + rest + off) * _SLACK)))
            else:
                made.append(Form(form.centre, form.parts, form.rest + arb(off)))
        found[adjoint_of(name)] = forms(made, array.shape)
    return found


def _far(sides: _Sides, start: Exacts, spread: Floats, wanted: Mapping[int, list[Cell]]) -> dict[Cell, float]:
    """The drift of numbers late in a run whose steps are linear; none of another run."""
    of = sides.of
    each = of.settings.batches_per_epoch
    leap = leaps(of.problem, of.derivation, of.settings, of.batches, start)
    settled = (SETTLED - 1) * each
    if leap is None or settled > MAX_STEPS:
        return {}
    begun = _segment(sides, start, spread, 1, {}, settled)
    off, sizes = np.abs(begun.spread).sum(axis=1) * _SLACK, _sizes(sides, begun.held, None)
    move = _sizes(sides, leap.after(begun.held, 1), begun.held)
    exact = _without_rounding(sides.rounded, of)
    found: dict[Cell, float] = {}
    for epoch in sorted({of.batches[step - 1].epoch for step in wanted}):
        first = (epoch - 1) * each + 1
        own = {step: cells for step, cells in wanted.items() if first <= step < first + each}
        widths = partial(_widths, sides, exact, each)
        drift = long_drift(leap, epoch - SETTLED, off, sizes, move, widths)
        if drift is not None:
            held = leap.after(begun.held, epoch - SETTLED)
            found |= _segment(sides, held, np.diag(drift), first, own, max(own)).found
    return found


def _sizes(sides: _Sides, state: Exacts, other: Exacts | None) -> Floats:
    """The sizes of the numbers of a state, or of how far it is from another."""
    found = []
    for name, _ in sides.names:
        for place, value in enumerate(state[name].flat):
            ball = as_ball(value) if other is None else as_ball(value) - as_ball(other[name].flat[place])
            found.append(math.nextafter(float(abs(ball).upper()), math.inf))
    return np.array(found)


def _without_rounding(rounded: Calculation, of: Side) -> Calculation:
    """The same operations, of which only float64's own rounding is counted."""
    system = Enclosed()
    constants = {constant.name: numbers(constant, system) for constant in of.problem.constants}
    return with_updates(replace(rounded, system=system, constants=constants), of.settings, as_floats=False)


def _widths(
    sides: _Sides, exact: Calculation, each: int, place: int, state: Mapping[str, Array]
) -> tuple[Floats, Floats]:
    """The radii of all states after a batch from any of `state`, with rounding and without."""
    batch = sides.of.batches[(SETTLED - 1) * each + place]
    times = np.array([float(batch.t)])
    data = {column.name: numbers(column, exact.system) for column in sides.of.problem.data}
    rows = {name: columns[1][list(batch.indices)][np.newaxis] for name, columns in sides.data.items()}
    plain = {name: column[list(batch.indices)][np.newaxis] for name, column in data.items()}
    with_rounding = _step(sides.of, sides.rounded, state, rows, batch, {}, times)
    without = _step(sides.of, exact, state, plain, batch, {}, times)
    found: tuple[list[float], list[float]] = ([], [])
    for name, shape in sides.names:
        one, other = (np.broadcast_to(side[f"{name}'"], (1, *shape)).ravel() for side in (with_rounding, without))
        found[0].extend(one["rad"] + np.abs(one["mid"] - other["mid"]))
        found[1].extend(other["rad"])
    return np.array(found[0]), np.array(found[1])


def _exact_steps(
    sides: _Sides, start: Exacts, wanted: Mapping[int, list[Cell]], first: int, last: int
) -> Iterator[HandStep]:
    """The steps by hand, in balls: no more digits are kept than rounding is seen in."""
    held: Exacts = {name: _as_balls(array) for name, array in start.items()}
    gathered: Exacts = {}
    lines = tuple(node.name for node in sides.of.problem.graph.lines)
    for number in range(first, last + 1):
        batch = sides.of.batches[number - 1]
        found = hand.step(sides.exact, held, batch, lines if number in wanted else (), gathered)
        yield found
        held, gathered = found.after or held, found.left


def _as_balls(array: Array) -> Array:
    return objects([as_ball(value) for value in array.flat], array.shape)


def _rounded_steps(sides: _Sides, steps: Sequence[HandStep]) -> list[dict[str, Array]]:
    """Every step with its roundings, at the exact state; steps of equal size side by side."""
    alike: dict[tuple[int, ...], list[HandStep]] = {}
    for step in steps:
        at = step.batch.step if sides.of.settings.varying else 0  # another lr in each step
        alike.setdefault((step.batch.n, step.batch.adds, step.batch.updates, at), []).append(step)
    found: dict[int, dict[str, Array]] = {}
    for group in alike.values():
        state = {name: _enclosed([step.before[name] for step in group]) for name in group[0].before}
        rows = {
            name: np.stack([columns[1][list(s.batch.indices)] for s in group]) for name, columns in sides.data.items()
        }
        sums = {adjoint_of(n): _enclosed([step.accumulated[n] for step in group]) for n in group[0].accumulated}
        times = np.array([float(step.batch.t) for step in group])
        results = _step(sides.of, sides.rounded, state, rows, group[0].batch, sums, times)
        for place, step in enumerate(group):
            found[step.batch.step] = {n: a[place] if _is_many(a, len(group)) else a for n, a in results.items()}
    return [found[step.batch.step] for step in steps]


def _is_many(array: Array, steps: int) -> bool:
    """Whether an array has a dimension for the steps."""
    return array.ndim > 0 and array.shape[0] == steps


def _after(sides: _Sides, own: Mapping[str, Array], exact: HandStep) -> Iterator[tuple[np.void, Exactly]]:
    """The state after a step as rounded pairs, beside the exact numbers."""
    after = exact.after or exact.before
    for name, shape in sides.names:
        yield from zip(np.broadcast_to(own[f"{name}'"], shape).flat, after[name].flat, strict=True)


def _derivative(sides: _Sides, inside: Mapping[str, Array], box: Floats) -> tuple[Floats, Floats]:
    """The derivative of a step by the state, and what it leaves out."""
    rows, left_out = [], []
    for name, _ in sides.names:
        for form in inside[f"{name}'"].flat:
            row, rest = _linear(form, box)
            rows.append(row)
            left_out.append(rest)
    return np.array(rows), np.array(left_out)


def _of_cell(
    sides: _Sides,
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
        return float(np.abs(spread[_row_of(sides.names, cell)]).sum()) * _SLACK
    target = _target(cell)
    if target not in inside or target not in own:
        return math.inf
    row, rest = _linear(inside[target][cell.position], box)
    pair = own[target][cell.position]
    return (float(np.abs(row @ spread).sum()) + rest + _off(pair, value_of(exact, cell))) * _SLACK


def _of_prediction(
    sides: _Sides, wanted: Mapping[int, list[Cell]], last: HandStep, spread: Floats
) -> dict[Cell, float]:
    """The same for the lines at the data of [predict]."""
    cells = [c for c in wanted.get(last.batch.step, ()) if c.quantity.group == "prediction"]
    if not cells:
        return {}
    problem, held = sides.of.problem, last.after or last.before
    box = np.abs(spread).sum(axis=1) * _SLACK
    states = (held, _unknowns(sides.names, held, box), {name: _enclosed([array])[0] for name, array in held.items()})
    lines = frozenset(predicted(problem.graph, problem.predict))
    found = []
    for side, state in zip((sides.exact.calculation, sides.linear, sides.rounded), states, strict=True):
        given = {column.name: numbers(column, side.system) for column in problem.predict}
        found.append(only(side, lines).at({**state, **given}, problem.predict[0].shape[0]).results)
    drifted = {}
    for cell in cells:
        exact, form, pair = (results[cell.quantity.name][cell.position] for results in found)
        row, rest = _linear(form, box)
        drifted[cell] = (float(np.abs(row @ spread).sum()) + rest + _off(pair, exact)) * _SLACK
    return drifted


def _begun(sides: _Sides, start: Exacts) -> Floats:
    """What rounding the initial values does."""
    system = sides.rounded.system
    found: list[float] = []
    begun = beginnings(sides.of.problem, sides.of.settings, system)
    for name, _ in sides.names:
        found += [_off(one, exact) for one, exact in zip(begun[name].flat, start[name].flat, strict=True)]
    return np.array(found)


def _off(found: np.void, exact: Exactly) -> float:
    """How far anything in a pair can be from the exact number."""
    mid, radius = float(found["mid"]), float(found["rad"])
    if not math.isfinite(mid) or not math.isfinite(radius):
        return math.inf
    aside = abs(as_ball(exact) - arb(fmpq(*mid.as_integer_ratio())))
    return math.nextafter(float(aside.upper()), math.inf) + radius


def _unknowns(names: Names, held: Exacts, box: Floats) -> dict[str, Array]:
    """The state with an unknown for each of its numbers, as large as that can have drifted."""
    found: dict[str, Array] = {}
    mark = 0
    for name, shape in names:
        made = []
        for value in held[name].flat:
            made.append(Form(value, {mark: arb(float(box[mark]))} if box[mark] else {}))
            mark += 1
        found[name] = forms(made, shape)
    return found


def _enclosed(arrays: Sequence[Array]) -> Array:
    """Numbers of several steps as pairs, within float64's own rounding: what a program holds is in the drift."""
    shape = (len(arrays), *arrays[0].shape)
    mids = np.array([[to_float(value) for value in array.flat] for array in arrays], dtype=np.float64)
    lost = np.array([[_lost(value) for value in array.flat] for array in arrays], dtype=np.float64)
    return pairs(mids.reshape(shape), lost.reshape(shape))


def _lost(value: Exactly) -> float:
    """What the nearest float64 lacks of a number; 0 where it is the number itself."""
    number = to_float(value)
    if not math.isfinite(number) or as_ball(value) == arb(fmpq(*number.as_integer_ratio())):
        return 0.0
    return abs(number) * 2.0**-52 + 2.0**-1000


def _rows(sides: _Sides, batch: Batch) -> dict[str, Array]:
    return {name: columns[0][list(batch.indices)] for name, columns in sides.data.items()}


def _step(
    of: Side,
    calculation: Calculation,
    state: Mapping[str, Array],
    rows: Mapping[str, Array],
    batch: Batch,
    carried: Mapping[str, Array],
    times: Floats | None = None,
) -> dict[str, Array]:
    """Every line and adjoint of a step, and under `name'` the state after it; `times` are t of steps side by side."""
    found = dict(calculation.at({**state, **rows}, batch.n).results)
    after: dict[str, Array] = dict(state)
    t = calculation.system.take(np.asarray(float(batch.t)) if times is None else times)
    for own in (adjoint_of(name) for name in calculation.derivation.wrt):
        if batch.adds and own in carried:
            found[own] = calculation.accumulated(carried[own], found[own])
    if calculation.update is not None and batch.updates:
        gradients = {name: found[adjoint_of(name)] for name in calculation.derivation.wrt}
        rates = ByHand(of.settings, calculation.system).at(batch)
        cut = calculation.clipped(gradients, 0 if times is None else 1)
        after |= calculation.advanced(state, {**gradients, **cut}, t, rates)
        found |= {bound.clipped(name): array for name, array in cut.items()}
    summed = {name: found[adjoint_of(name)] for name in calculation.derivation.wrt}
    watched = calculation.watched({**state, **rows, **found, **calculation.followed(summed), **after}, batch.n)
    return found | {f"{name}'": array for name, array in after.items()} | dict(watched)


def _target(cell: Cell) -> str:
    name = cell.quantity.name
    if cell.quantity.group in ("adjoints", "gradients"):
        return adjoint_of(name)
    if cell.quantity.group == "clipped":
        return bound.clipped(name)
    return f"{name}'" if cell.quantity.group == "after" else name


def _linear(form: Form, box: Floats) -> tuple[Floats, float]:
    """A form as a row of derivatives by the state, and what they leave out."""
    row = np.zeros(len(box))
    for mark, part in form.parts.items():
        row[mark] = to_float(as_ball(part)) / box[mark]
    rest = as_ball(form.rest)
    if rest == 0:
        return row, 0.0
    return row, math.nextafter(float(rest.upper()), math.inf) if rest.is_finite() else math.inf


def _row_of(names: Names, cell: Cell) -> int:
    """The row of the state that a number before a step stands in."""
    begun = 0
    for name, shape in names:
        if name == cell.quantity.name:
            return begun + (int(np.ravel_multi_index(cell.position, shape)) if shape else 0)
        begun += math.prod(shape)
    raise KeyError(cell.quantity.name)
