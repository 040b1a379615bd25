"""A step with its rounding, as intervals around the exact step: how far it can move what the step leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from flint import arb, fmpq

from derive.problem.problem import Quantity
from derive.run.batches import Batch
from derive.run.reads import Held
from derive.run.run import Run
from verify.bound import bound
from verify.claims.claim import Cell
from verify.following.right_values import Partials
from verify.hand import run as hand
from verify.hand.calculation import Calculation, beginnings, columns, prepare, with_updates
from verify.hand.derivative import Derivative
from verify.hand.evaluation import NumberSystem
from verify.hand.rates import ByHand
from verify.hand.run import Exacts, HandStep
from verify.intervals import RoundedPairs, pairs
from verify.names import adjoint_of, clipped
from verify.numbers import FORMATS, Array, Exactly, Floats, Form, Forms, RoundedForms, as_ball, forms, objects, to_float
from verify.numbers.distance import aside
from verify.numbers.scalars import exact_float

MAX_STATE = 64  # numbers of a state; the drift of a larger one is not bounded
BITS = 2048  # inside balls: what they widen by must stay far below float64's rounding
SLACK = 1 + 2.0**-20  # for the float64 arithmetic of the bound itself


Names = tuple[tuple[str, tuple[int, ...]], ...]  # of the arrays of a state, with their shapes


@dataclass(frozen=True)
class StepSystems:
    """One step in three systems: exact, in forms of the state, and rounded."""

    run: Run
    exact: hand.Inputs
    linear: Calculation
    rounded: Calculation
    data: Mapping[str, tuple[Array, Array]]  # in forms, and rounded
    names: Names
    unit: float  # the largest relative error of one rounding
    partials: Partials  # derivatives of lines by other names, exactly
    programs: dict[tuple[str, int], Derivative] = field(default_factory=dict)  # and in forms (0) or rounded (1)
    sharp: Calculation | None = None  # rounded in forms, where that is asked for


def prepared(run: Run, dtype: str, start: Exacts, *, is_sharp: bool = False) -> StepSystems:
    """The programs of a step, compiled once; `start` is an exact state, for the names and shapes of its numbers.

    `is_sharp` follows each rounding by itself inside a step (`RoundedForms`), which takes a hundred times as long.
    """
    system = Forms()
    limits = bound.prepare(run, dtype)
    rounding = limits.rounded
    if run.settings.trains:  # lr and the options as decimals, of which a program holds the nearest float
        rounding = with_updates(rounding, run.settings, as_floats=False)
    own = columns(run.watched, run.watched.data, rounding.system) | stored(run.watched.data, rounding.system)
    data = {name: (column, own[name]) for name, column in columns(run.watched, run.watched.data, system).items()}
    names = tuple((name, array.shape) for name, array in start.items())
    exact = hand.inputs(run)
    return StepSystems(
        run,
        exact,
        prepare(run.watched, run.followed, run.settings, system),
        rounding,
        data,
        names,
        2.0 ** FORMATS[dtype].unit,
        Partials(run),
        sharp=_in_forms(run, rounding, dtype) if is_sharp else None,
    )


def _in_forms(run: Run, rounding: Calculation, dtype: str) -> Calculation:
    """The same operations with a form of each number: what its roundings have moved goes on with it."""
    system = RoundedForms(dtype)
    sharp = replace(rounding, system=system, constants=_stored_forms(run.watched.constants, system))
    return with_updates(sharp, run.settings, as_floats=False) if run.settings.trains else sharp


def _stored_forms(given: Sequence[Quantity], system: RoundedForms) -> dict[str, Array]:
    return {one.name: forms([system.stored(value) for value in one.values], one.shape) for one in given}


def stored(given: Sequence[Quantity], system: NumberSystem) -> dict[str, Array]:
    """Inputs as a program stores them, by name: of one that is exact it is known to which float it is rounded."""
    assert isinstance(system, RoundedPairs)  # that of the bound of a dtype
    known = [quantity for quantity in given if not quantity.rounded and quantity.values]
    return {quantity.name: system.stored(quantity.values).reshape(quantity.shape) for quantity in known}


def exact_steps(
    systems: StepSystems, start: Exacts, wanted: Mapping[int, list[Cell]], first: int, last: int
) -> Iterator[HandStep]:
    """The steps number `first` to `last` by hand, in balls; with the lines only of those in `wanted`."""
    held: Exacts = {name: _as_balls(array) for name, array in start.items()}
    gathered: Exacts = {}
    lines = tuple(node.name for node in systems.run.watched.graph.lines)
    for number in range(first, last + 1):
        batch = systems.run.batches[number - 1]
        found = hand.step(systems.exact, held, batch, lines if number in wanted else (), gathered)
        yield found
        held, gathered = found.after or held, found.left


def _as_balls(array: Array) -> Array:
    return objects([as_ball(value) for value in array.flat], array.shape)


def rounded_steps(systems: StepSystems, steps: Sequence[HandStep]) -> Sequence[Mapping[str, Array]]:
    """Every step with its roundings, at the exact state; steps of equal size side by side."""
    if systems.sharp is not None:
        return [_sharply(systems, systems.sharp, step) for step in steps]
    alike: dict[tuple[int, ...], list[HandStep]] = {}
    for step in steps:
        at = step.batch.step if systems.run.settings.varying else 0  # another lr in each step
        alike.setdefault((step.batch.n, step.batch.adds, step.batch.updates, at), []).append(step)
    found: dict[int, dict[str, Array]] = {}
    for group in alike.values():
        state = {name: enclosed([step.before[name] for step in group]) for name in group[0].before}
        indices = np.array([step.batch.indices for step in group])
        rows = {name: sides[1][indices] for name, sides in systems.data.items()}
        sums = {adjoint_of(n): enclosed([step.accumulated[n] for step in group]) for n in group[0].accumulated}
        times = np.array([float(step.batch.made) for step in group])
        results = one_step(systems.run, systems.rounded, state, rows, group[0].batch, sums, times)
        for place, step in enumerate(group):
            found[step.batch.step] = {n: a[place] if is_many(a, len(group)) else a for n, a in results.items()}
    return [found[step.batch.step] for step in steps]


class SharpStep(dict[str, Array]):
    """A step with its roundings as pairs, and in forms the state `after` it."""

    def __init__(self, found: Mapping[str, Array], names: Names) -> None:
        super().__init__({name: _as_pairs(array) for name, array in found.items()})
        self.after = [form for name, shape in names for form in np.broadcast_to(found[f"{name}'"], shape).flat]

    def roundings(self, exact: HandStep, names: Names) -> tuple[Floats, Floats, Floats]:
        """How far each number of the state is moved: by a shift, by what is around it, and by each rounding."""
        values = [value for name, _ in names for value in (exact.after or exact.before)[name].flat]
        marks = {mark: place for place, mark in enumerate(dict.fromkeys(m for form in self.after for m in form.parts))}
        spread = np.zeros((len(values), len(marks)))
        asides = []
        for row, (form, value) in enumerate(zip(self.after, values, strict=True)):
            lost = 0.0
            for mark, part in form.parts.items():
                number = to_float(as_ball(part))
                spread[row, marks[mark]] = number
                lost += float(as_ball(abs(as_ball(part) - exact_float(number))).upper())
            pair = _as_pairs(forms([Form(form.centre, {}, form.rest)], ())).item()
            shift, around = aside({"mid": pair[0], "rad": pair[1]}, value)
            asides.append((shift, math.nextafter(around + lost, math.inf)))
        shifts, around_all = in_columns(asides)
        return shifts, around_all, spread


def _sharply(systems: StepSystems, sharp: Calculation, step: HandStep) -> SharpStep:
    """A step with its roundings in forms.

    The state of a later step is not exactly what it is by hand: no operation on it is exact by chance.
    """
    system = sharp.system
    assert isinstance(system, RoundedForms)
    watched, indices = systems.run.watched, list(step.batch.indices)
    beside = arb(0) if step.batch.step == 1 else arb(2) ** -BITS
    state = {name: _around(array, beside) for name, array in step.before.items()}
    data = columns(watched, watched.data, system) | _stored_forms(watched.data, system)  # the rows' numbers among them
    rows = {name: column[indices] for name, column in data.items()}
    sums = {adjoint_of(name): _around(array, beside) for name, array in step.accumulated.items()}
    return SharpStep(one_step(systems.run, sharp, state, rows, step.batch, sums), systems.names)


def _around(array: Array, rest: arb) -> Array:
    return forms([Form(value, {}, rest) for value in array.flat], array.shape)


def _as_pairs(array: Array) -> Array:
    """Forms as pairs, which hold all that the forms can be."""
    balls = [as_ball(form.ball) for form in array.flat]
    mids = [to_float(ball.mid()) if ball.is_finite() else math.nan for ball in balls]
    rads = [
        math.nextafter(float(abs(as_ball(ball - exact_float(mid))).upper()), math.inf)
        for ball, mid in zip(balls, mids, strict=True)
    ]
    return pairs(np.array(mids).reshape(array.shape), np.array(rads).reshape(array.shape))


def is_many(array: Array, steps: int) -> bool:
    """Whether an array has a dimension for the steps."""
    return array.ndim > 0 and array.shape[0] == steps


def ranges_after(systems: StepSystems, own: Mapping[str, Array], exact: HandStep) -> Iterator[tuple[np.void, Exactly]]:
    """The state after a step as rounded pairs, beside the exact numbers."""
    after = exact.after or exact.before
    for name, shape in systems.names:
        yield from zip(np.broadcast_to(own[f"{name}'"], shape).flat, after[name].flat, strict=True)


def linear_part(systems: StepSystems, inside: Mapping[str, Array], box: Floats) -> tuple[Floats, Floats]:
    """The derivatives of the state after a step by that before it, and a bound on what each row leaves out."""
    rows, left_out = [], []
    for name, _ in systems.names:
        for form in inside[f"{name}'"].flat:
            row, rest = linear(form, box)
            rows.append(row)
            left_out.append(rest)
    return np.array(rows).reshape(len(box), len(box)), np.array(left_out)  # also without a state: (0, 0)


def aside_at_start(systems: StepSystems, start: Exacts) -> tuple[Floats, Floats]:
    """How far rounding moves each initial value, in the order of the state, and how much more or less it can be."""
    system = systems.rounded.system
    found: list[tuple[float, float]] = []
    begun = beginnings(systems.run.watched, systems.run.settings, system)
    begun = {**begun, **stored(systems.run.watched.parameters, system)}
    for name, _ in systems.names:
        found += [aside(one, exact) for one, exact in zip(begun[name].flat, start[name].flat, strict=True)]
    return in_columns(found)


def in_columns(asides: Iterable[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Pairs of a shift and what is around it, as two columns."""
    found = np.array(list(asides), dtype=np.float64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def unknowns(names: Names, held: Exacts, box: Floats) -> dict[str, Array]:
    """The state with an unknown for each of its numbers, as large as `box` says that it can have drifted."""
    found: dict[str, Array] = {}
    mark = 0
    for name, shape in names:
        made = []
        for value in held[name].flat:
            made.append(Form(value, {mark: arb(float(box[mark]))} if box[mark] else {}))
            mark += 1
        found[name] = forms(made, shape)
    return found


def enclosed(arrays: Sequence[Array]) -> Array:
    """Numbers of several steps as pairs, within float64's own rounding: what a program holds is in the drift."""
    shape = (len(arrays), *arrays[0].shape)
    mids = np.array([[to_float(value) for value in array.flat] for array in arrays], dtype=np.float64)
    lost = np.array([[_lost(value) for value in array.flat] for array in arrays], dtype=np.float64)
    return pairs(mids.reshape(shape), lost.reshape(shape))


def _lost(value: Exactly) -> float:
    """What the nearest float64 lacks of a number, with the radius of its ball; 0 where it is the number itself."""
    number, ball = to_float(value), as_ball(value)
    if not math.isfinite(number) or ball == arb(fmpq(*number.as_integer_ratio())):
        return 0.0
    return abs(number) * 2.0**-52 + 2.0**-1000 + 2 * float(ball.rad().upper())


def rows_of(systems: StepSystems, batch: Batch) -> dict[str, Array]:
    """The data of a batch, in forms."""
    return {name: sides[0][list(batch.indices)] for name, sides in systems.data.items()}


def one_step(
    run: Run,
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
    t = calculation.system.take(np.asarray(float(batch.made)) if times is None else times)
    rates = ByHand(run.settings, calculation.system).at(batch)
    cut: dict[str, Array] = {}
    for own in (adjoint_of(name) for name in calculation.derivation.wrt):
        if batch.adds and own in carried:
            found[own] = calculation.accumulated(carried[own], found[own])
    if calculation.update is not None and batch.updates:
        gradients = {name: found[adjoint_of(name)] for name in calculation.derivation.wrt}
        cut = dict(calculation.clipped(gradients, 0 if times is None else 1))
        after |= calculation.advanced(state, {**gradients, **cut}, t, rates)
        found |= {clipped(name): array for name, array in cut.items()}
    summed = {name: found[adjoint_of(name)] for name in calculation.derivation.wrt}
    inner = calculation.inside(Held(state, after, {**summed, **cut}), t, rates)
    shown = {**state, **rows, **found, **calculation.followed(summed), **after, **inner}
    watched = calculation.watched(shown, batch.n)
    return found | {f"{name}'": array for name, array in after.items()} | dict(watched)


def program_name(cell: Cell) -> str:
    """The name by which the step's program holds the number of a cell."""
    name = cell.quantity.name
    if cell.quantity.group in ("adjoints", "gradients", "scaled"):
        return adjoint_of(name)
    if cell.quantity.group == "clipped":
        return clipped(name)
    return f"{name}'" if cell.quantity.group in ("after", "change") else name


def linear(form: Form, box: Floats) -> tuple[Floats, float]:
    """A form as a row of derivatives by the state, and a bound on the rest; `box` are the sizes of the unknowns."""
    row = np.zeros(len(box))
    for mark, part in form.parts.items():
        row[mark] = to_float(as_ball(part)) / box[mark]
    rest = as_ball(form.rest)
    if rest == 0:
        return row, 0.0
    return row, math.nextafter(float(rest.upper()), math.inf) if rest.is_finite() else math.inf


def row_of(names: Names, cell: Cell) -> int:
    """The row, from 0, of a number before a step in the state. Raises `KeyError` where the state lacks its name."""
    begun = 0
    for name, shape in names:
        if name == cell.quantity.name:
            return begun + (int(np.ravel_multi_index(cell.position, shape)) if shape else 0)
        begun += math.prod(shape)
    raise KeyError(cell.quantity.name)
