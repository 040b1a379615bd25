"""The right values of a long run, whose balls would blur: each step from a known state, and how far off that can be.

In balls, a parameter and what a step adds to it are as uncertain as the parameter was, both: a run that in truth
forgets where it began needs more digits with every step, thousands of bits after 100,000. Here each step is calculated
from the midpoints alone that the step before has given. How far these are from the right state, E, is carried on beside
it, by the mean value theorem: E′ ≤ ‖J‖·E + r, where r is the radius of the step's own balls, and ‖J‖ the largest
spectral norm that the derivatives of the step can have on all that lies around its state, enclosed for many steps side
by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from flint import arb, fmpq

from derive.run.batches import Batch
from derive.run.run import Run
from verify.claims.claim import Cell
from verify.hand import run as hand
from verify.hand.calculation import beginnings, columns, input_marks, prepare
from verify.hand.run import Steps
from verify.intervals import Enclosed, Tangents, pairs
from verify.names import adjoint_of
from verify.numbers import Array, CalculationError, Exact, Exactly, Floats, as_ball, precision, to_float

Wanted = tuple[str, str, tuple[int, ...]]  # the group of a number, its name, and its position in the array of a step
GROUPS = ("before", "nodes", "loss", "adjoints", "gradients", "after")
MOST_NUMBERS = 5_000_000  # that are held at once
MOST_STATE = 8  # numbers of a state: the norm of its derivatives costs their third power
SIDE_BY_SIDE = 20_000  # steps
BITS, MOST_BITS = 128, 2048  # of the balls of a step
_AROUND = 2.0**-40  # of the largest number of a state: within this of each one the derivatives are enclosed
_SHARP = 2.0**-33  # times as much is the most that a state is off: 73 bits are known of its largest number
_SLACK = 1 + 2.0**-40  # more than float64 loses in a norm


@dataclass(frozen=True)
class _Walked:
    """A run: the states before its steps and after the last one, the radii of each step's balls, what is wanted."""

    states: Floats
    radii: Floats
    found: dict[Wanted, list[Exactly]]


@dataclass
class Courses:
    """What was calculated of one run in this way, so that nothing is calculated twice: of so many steps (`last`).

    `lacking` are the numbers that could not be told so.
    """

    run: Run | None = None
    last: int = 0
    known: dict[Wanted, list[Exactly]] = field(default_factory=dict)
    lacking: frozenset[Wanted] = frozenset()

    def of(self, run: Run, wanted: Sequence[Wanted], last: int) -> dict[Wanted, list[Exactly]] | None:
        """What is wanted of each step up to the `last` one, or of more steps; None where that cannot be told so."""
        is_of_run = run is self.run and last <= self.last
        if is_of_run and self.lacking and self.lacking <= {*wanted}:
            return None
        if not is_of_run or not self.known.keys() >= {*wanted}:
            found = course(run, wanted, last)
            self.run, self.last, self.known = run, last, found or {}
            self.lacking = frozenset(wanted) if found is None else frozenset()
            return found
        return {own: self.known[own] for own in wanted}


def values_by_course(run: Run, cells: Sequence[Cell], courses: Courses | None = None) -> dict[Cell, Exactly] | None:
    """The right values of the cells of a long run; None where they cannot be told so."""
    wanted = dict.fromkeys((cell.quantity.group, cell.quantity.name, cell.position) for cell in cells)
    last = max(cell.step for cell in cells)
    if any(group not in GROUPS for group, _, _ in wanted) or len(wanted) * last > MOST_NUMBERS:
        return None
    found = (courses or Courses()).of(run, tuple(wanted), last)
    if found is None:
        return None
    return {cell: found[cell.quantity.group, cell.quantity.name, cell.position][cell.step - 1] for cell in cells}


def course(run: Run, wanted: Sequence[Wanted], last: int) -> dict[Wanted, list[Exactly]] | None:
    """What is wanted of each step up to the `last` one; None where that cannot be told so.

    So it is of small states, of steps whose gradients are their own, without what has kinks, and where the right run
    does not spread by more than `MOST_BITS` bits.
    """
    settings = run.settings
    size = sum(parameter.size for parameter in beginnings(run.watched, settings, Exact()).values())
    plain = settings.accumulate == 1 and settings.zero_every == 1 and settings.clip is None and not settings.varying
    if not settings.trains or not plain or not 0 < size <= MOST_STATE or input_marks(run.watched):
        return None
    batches = tuple(islice(run.batches, last))
    bits = BITS
    while bits <= MOST_BITS:
        with precision(bits):
            try:
                walked = _walk(run, wanted, batches)
            except CalculationError:
                return None
        if walked is None:
            return None
        norms, slopes = _spread(run, wanted, walked, batches)
        off = _off(norms, walked.radii)
        room = _AROUND * float(np.abs(walked.states).max())
        if not np.isfinite(off).all() or not math.isfinite(room) or (off.any() and not room):
            return None
        if off.max() <= room * _SHARP:
            with precision(bits):
                return {own: _balls(numbers, _off_of(own, off, slopes)) for own, numbers in walked.found.items()}
        bits = max(2 * bits, bits + BITS + math.frexp(off.max() / room)[1])
    return None


def _walk(run: Run, wanted: Sequence[Wanted], batches: Sequence[Batch]) -> _Walked | None:
    """The steps, each from the midpoints that the one before has given; None where one cannot be recorded."""
    prepared = hand.inputs(run)
    held = beginnings(run.watched, run.settings, Exact())
    state: list[Exactly] = [number for array in held.values() for number in array.ravel().tolist()]
    rows = {name: column.reshape((len(column), -1)).tolist() for name, column in prepared.data.items()}
    kinds: dict[int, _Kind] = {}
    states: list[list[float]] = []
    radii = np.zeros(len(batches))
    found: dict[Wanted, list[Exactly]] = {own: [] for own in wanted}
    for place, batch in enumerate(batches):
        kind = kinds.get(batch.n)
        if kind is None:
            steps = hand.recorded(prepared, held, batch)
            if steps is None:
                return None
            kind = kinds[batch.n] = _Kind.of(steps, wanted)
            assert steps.repeated is not None
        given = [*state]
        for name in kind.rows:
            own = rows[name]
            for index in batch.indices:
                given += own[index]
        numbers = kind.steps.repeated.of([*given, fmpq(batch.t), fmpq(batch.made)])  # type: ignore[union-attr]
        states.append([to_float(number) for number in state])
        for own_found, at in zip(found.values(), kind.wanted, strict=True):
            own_found.append(state[-1 - at] if at < 0 else numbers[at])
        state = [numbers[at] for at in kind.after]
        balls = [number for number in state if isinstance(number, arb)]
        if balls:
            radii[place] = _SLACK * sum([float(ball.rad()) for ball in balls])
            state = [number.mid() if isinstance(number, arb) else number for number in state]
    states.append([to_float(number) for number in state])
    return _Walked(np.array(states), radii, found)


@dataclass(frozen=True)
class _Kind:
    """The recorded step of so many samples: where it takes its data from, and where its results are.

    Of what is wanted of the state before the step, the place is −1 for its first number, −2 for the next.
    """

    steps: Steps
    rows: tuple[str, ...]
    after: list[int]
    wanted: list[int]

    @classmethod
    def of(cls, steps: Steps, wanted: Sequence[Wanted]) -> _Kind:
        """The places in a recorded step."""
        values, gradients, _, after = steps.layouts
        held = steps.names[0]
        begins, coming = {}, 0
        for name in held:
            begins[name] = coming
            coming += math.prod(after[name][0])
        found = []
        for group, name, position in wanted:
            side, own = values, name
            if group in ("after", "before"):
                side = after
            elif group == "gradients":
                side = gradients
            elif group == "adjoints":
                own = adjoint_of(name)
            shape, places = side[own]
            flat = int(np.ravel_multi_index(position, shape)) if shape else 0
            found.append(-1 - begins[name] - flat if group == "before" else places[flat])
        return cls(steps, steps.names[1], [place for name in held for place in after[name][1]], found)


def _spread(
    run: Run, wanted: Sequence[Wanted], walked: _Walked, steps: Sequence[Batch]
) -> tuple[Floats, dict[Wanted, Floats]]:
    """The norm of each step's derivatives, and that of each number's that is wanted, both from above."""
    last, size = walked.radii.size, walked.states.shape[1]
    system = Tangents(size)
    calculation = prepare(run.watched, run.followed, run.settings, system)
    enclosed = columns(run.watched, run.watched.data, Enclosed())
    data = {name: system.made(column) for name, column in enclosed.items()}
    shapes = {name: array.shape for name, array in beginnings(run.watched, run.settings, Exact()).items()}
    around = np.full(1, 2 * _AROUND * np.abs(walked.states).max())
    norms = np.empty(last)
    slopes = {own: np.zeros(last) for own in wanted if own[0] not in ("before", "after")}
    alike: dict[int, list[int]] = {}
    for place, batch in enumerate(steps):
        alike.setdefault(batch.n, []).append(place)
    groups = [places[k : k + SIDE_BY_SIDE] for places in alike.values() for k in range(0, len(places), SIDE_BY_SIDE)]
    for places in groups:
        batches = [steps[place] for place in places]
        flat = system.made(pairs(walked.states[places], around), np.eye(size))
        state, mark = {}, 0
        for name, shape in shapes.items():
            many = math.prod(shape)
            state[name] = flat[:, mark : (mark := mark + many)].reshape((len(places), *shape))
        indices = np.array([batch.indices for batch in batches])
        rows = {name: column[indices] for name, column in data.items()}
        values = calculation.at({**state, **rows}, batches[0].n).results
        gradients = {name: values[adjoint_of(name)] for name in calculation.derivation.wrt}
        times = system.take(np.array([float(batch.t) for batch in batches]))
        after = dict(state) | calculation.advanced(state, gradients, times, {})
        ends = [(after[name], (len(places), *shape)) for name, shape in shapes.items()]
        whole = np.concatenate([np.broadcast_to(*end).reshape((len(places), -1)) for end in ends], axis=1)
        norms[places] = _largest(whole["slope"], whole["around"])
        for group, name, position in slopes:
            named = adjoint_of(name) if group in ("gradients", "adjoints") else name
            number = values[named][(..., *position)]  # type: ignore[arg-type]
            own = np.abs(number["slope"]) + number["around"]
            slopes[group, name, position][places] = np.sqrt((own**2).sum(axis=-1)) * _SLACK
    return norms, slopes


def _largest(mid: Array, rad: Array) -> Floats:
    """The spectral norm of each of many matrices from above, where each entry is known within a radius.

    A = U·S·V + R, so that ‖A‖ ≤ ‖U‖·max S·‖V‖ + ‖R‖: how U, S and V were found need not be right. ‖U‖² is at most
    1 + ‖UᵀU − 1‖. What float64 loses in the products of matrices of `size` is below size²·2⁻⁴⁸ of their norms.
    """
    size = mid.shape[-1]
    norms = np.full(len(mid), np.inf)
    known = np.isfinite(mid).all(axis=(1, 2)) & np.isfinite(rad).all(axis=(1, 2))
    if not known.any():
        return norms
    matrices = mid[known]
    left, middle, right = np.linalg.svd(matrices)
    lost = size**2 * 2.0**-48
    sides = [1 + _frobenius(np.swapaxes(side, 1, 2) @ side - np.eye(size)) + lost for side in (left, right)]
    rest = _frobenius(matrices - (left * middle[:, np.newaxis, :]) @ right) + lost * _frobenius(matrices)
    norms[known] = (np.sqrt(sides[0] * sides[1]) * middle.max(axis=1) + rest + _frobenius(rad[known])) * _SLACK
    return norms


def _frobenius(matrices: Array) -> Floats:
    return np.asarray(np.sqrt((matrices**2).sum(axis=(1, 2))))


def _off(norms: Floats, radii: Floats) -> Floats:
    """How far the state before each step, and that after the last, is off at most."""
    off, found = 0.0, [0.0]
    for norm, radius in zip(norms.tolist(), radii.tolist(), strict=True):
        off = (norm * off + radius) * _SLACK if off or radius else 0.0
        found.append(off)
    return np.array(found)


def _off_of(own: Wanted, off: Floats, slopes: dict[Wanted, Floats]) -> Floats:
    """How far a number of each step is off at most."""
    if own[0] in ("before", "after"):
        return off[1:] if own[0] == "after" else off[:-1]
    with np.errstate(invalid="ignore"):
        return np.where(off[:-1] == 0, 0.0, off[:-1] * slopes[own] * _SLACK)


def _balls(numbers: Sequence[Exactly], off: Floats) -> list[Exactly]:
    """The numbers as balls, each as wide as it is off; a number that is known is itself."""
    by_number = zip(numbers, off.tolist(), strict=True)
    return [as_ball(number) + arb(0, far) if far else number for number, far in by_number]
