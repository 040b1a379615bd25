"""What a correct program in floating point may have printed after some steps: how far its numbers can have drifted.

The bound of one step is that of `verify/BOUND.md`: the operations in PyTorch's order, each with its rounding, at the
exact state. Over the steps it is carried on by the derivative of each step, δ ← J·δ + ε, and what J leaves out is
added. So a rounding of the first step that later steps shrink counts as little as it does in a program.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from verify import bound, hand, update
from verify.batches import Batch
from verify.calculation import Calculation, beginnings, numbers, prepare
from verify.claims import Cell
from verify.evaluate import NumberSystem
from verify.hand import Exacts, HandStep
from verify.numbers import Array, Exact, Exactly, Floats, Form, Forms, as_ball, forms, pairs, precision, to_float
from verify.program import adjoint_of
from verify.right import Side, value_of

MAX_STEPS = 3000  # that are followed; later numbers are compared with PyTorch's own
MAX_STATE = 64  # numbers of a state
_BITS = 2048  # inside balls: what they widen by must stay far below float64's rounding
_LEAST = 2.0**-300
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
    for cell in cells:
        if cell.quantity.group not in ("epoch", "setting"):
            wanted.setdefault(cell.step, []).append(cell)
    last = max(wanted, default=0)
    start = beginnings(of.problem, of.settings, Exact())
    size = sum(array.size for array in start.values())
    if not last or last > MAX_STEPS or size > MAX_STATE:
        return {}
    with precision(_BITS):
        sides = _prepared(of, dtype, start)
        return dict(_drifts(sides, start, wanted, last))


def _prepared(of: Side, dtype: str, start: Exacts) -> _Sides:
    system = Forms()
    limits = bound.prepare(of.problem, of.derivation, of.settings, dtype)
    rounding = limits.rounded
    if of.settings.lr is not None:  # lr and the options as decimals, of which a program holds the nearest float
        rule = update.prepare(of.settings.rule, of.settings.lr, rounding.system, as_floats=False)
        rounding = replace(rounding, update=rule)
    data = {column.name: (numbers(column, system), numbers(column, rounding.system)) for column in of.problem.data}
    names = tuple((name, array.shape) for name, array in start.items())
    exact = hand.inputs(of.problem, of.derivation, of.settings)
    return _Sides(of, exact, prepare(of.problem, of.derivation, of.settings, system), rounding, data, names)


def _drifts(
    sides: _Sides, start: Exacts, wanted: Mapping[int, list[Cell]], last: int
) -> Iterator[tuple[Cell, float]]:
    """Step by step: `spread` has a row for each number of the state, and a column for each rounding so far."""
    held, gathered = start, {}
    carried: dict[str, Array] = {}
    spread = np.diag(_begun(sides, start))
    lines = tuple(node.name for node in sides.of.problem.graph.lines)
    for number in range(1, last + 1):
        batch = sides.of.batches[number - 1]
        exact = hand.step(sides.exact, held, batch, lines, gathered)
        box = np.maximum(np.abs(spread).sum(axis=1), _LEAST) * _SLACK
        if not np.isfinite(box).all():
            return
        inside = _step(sides.linear, _unknowns(sides.names, held, box), _rows(sides, batch, 0), batch, carried)
        rounded = _step(sides.rounded, _enclosed(held), _rows(sides, batch, 1), batch, _rounded_sums(gathered))
        for cell in wanted.get(number, ()):
            if cell.quantity.group == "prediction":
                continue
            if cell.quantity.group == "before":
                row = _row_of(sides.names, cell)
                yield cell, float(np.abs(spread[row]).sum()) * _SLACK
            else:
                yield cell, _drift(inside, rounded, value_of(exact, cell), cell, spread, box)
        spread = _carried(sides, inside, rounded, exact, spread, box)
        held, gathered = exact.after or held, exact.gradients
        carried = {name: array for name, array in inside.items() if name.startswith("∂")}


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
            made.append(Form(value, {mark: arb(float(box[mark]))}))
            mark += 1
        found[name] = forms(made, shape)
    return found


def _enclosed(held: Exacts) -> dict[str, Array]:
    """The state as pairs, within float64's own rounding: what a program holds is in the drift."""
    found: dict[str, Array] = {}
    for name, array in held.items():
        mids = np.array([to_float(value) for value in array.flat], dtype=np.float64).reshape(array.shape)
        found[name] = pairs(mids, np.abs(mids) * 2.0**-52)
    return found


def _rounded_sums(gathered: Exacts) -> dict[str, Array]:
    return {adjoint_of(name): array for name, array in _enclosed(gathered).items()}


def _rows(sides: _Sides, batch: Batch, side: int) -> dict[str, Array]:
    return {name: columns[side][list(batch.indices)] for name, columns in sides.data.items()}


def _step(
    calculation: Calculation, state: Mapping[str, Array], rows: Mapping[str, Array], batch: Batch, carried: Mapping[str, Array]
) -> dict[str, Array]:
    """Every line and adjoint of a step, and under `name'` the state after it."""
    found = dict(calculation.at({**state, **rows}, batch.n).results)
    after: dict[str, Array] = dict(state)
    t = _constant(calculation.system, batch.t)
    for name in calculation.derivation.wrt if calculation.update is not None else ():
        gradient = found[adjoint_of(name)]
        if batch.adds and adjoint_of(name) in carried:
            gradient = calculation.accumulated(carried[adjoint_of(name)], gradient)
            found[adjoint_of(name)] = gradient
        if batch.updates:
            after |= calculation.updated(name, state, gradient, t)
    watched = calculation.watched({**state, **rows, **found, **after}, batch.n)
    return found | {f"{name}'": array for name, array in after.items()} | dict(watched)


def _constant(system: NumberSystem, number: int) -> Array:
    return system.take(np.asarray(float(number)))


def _drift(
    inside: Mapping[str, Array], rounded: Mapping[str, Array], exact: Exactly, cell: Cell, spread: Floats, box: Floats
) -> float:
    """How far a number of a step can be off: what the state has drifted by, and the step's own rounding."""
    target = _target(cell)
    if target not in inside or target not in rounded:
        return math.inf
    form, pair = inside[target][cell.position], rounded[target][cell.position]
    row, rest = _linear(form, box)
    return (float(np.abs(row @ spread).sum()) + rest + _off(pair, exact)) * _SLACK


def _target(cell: Cell) -> str:
    name = cell.quantity.name
    if cell.quantity.group in ("adjoints", "gradients"):
        return adjoint_of(name)
    return f"{name}'" if cell.quantity.group == "after" else name


def _linear(form: Form, box: Floats) -> tuple[Floats, float]:
    """A form as a row of derivatives by the state, and what they leave out."""
    row = np.zeros(len(box))
    for mark, part in form.parts.items():
        row[mark] = to_float(as_ball(part)) / box[mark]
    rest = as_ball(form.rest)
    return row, math.nextafter(float(rest.upper()), math.inf) if rest.is_finite() else math.inf


def _carried(
    sides: _Sides, inside: Mapping[str, Array], rounded: Mapping[str, Array], exact: HandStep, spread: Floats, box: Floats
) -> NDArray[np.float64]:
    """The drift of the state after a step: that before it by the step's derivative, and a column for its own rounding."""
    after = exact.after or exact.before
    rows, own = [], []
    for name, _ in sides.names:
        triples = zip(inside[f"{name}'"].flat, rounded[f"{name}'"].flat, after[name].flat, strict=True)
        for form, pair, value in triples:
            row, rest = _linear(form, box)
            rows.append(row)
            own.append(rest + _off(pair, value))
    moved = np.array(rows) @ spread
    return np.hstack([moved, np.diag(np.array(own))]) * (1 + 2.0**-50)


def _row_of(names: Names, cell: Cell) -> int:
    """The row of the state that a number before a step stands in."""
    begun = 0
    for name, shape in names:
        if name == cell.quantity.name:
            return begun + (int(np.ravel_multi_index(cell.position, shape)) if shape else 0)
        begun += math.prod(shape)
    raise KeyError(cell.quantity.name)
