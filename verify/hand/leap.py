"""A long run in one leap: where every step is linear in the parameters, an epoch is one matrix, and n epochs its power.

The state of a run is a vector of the parameters and what the optimizer remembers. Where the update is affine in
it, an epoch takes s to A·s + c, the same A and c for every epoch whose batches are the same. A^n comes by
repeated squaring, in balls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from flint import arb, arb_mat

from derive.run.batches import Batch, Batches
from derive.run.run import Run
from derive.run.settings import Settings
from verify.hand.calculation import Calculation, columns, prepare
from verify.names import adjoint_of
from verify.numbers import Array, Exactly, Form, Forms, as_ball, forms, objects

MAX_STATE = 48  # numbers of a state: a power of a matrix costs their third power
LEAP = 2000  # steps that are worth a leap: its matrices cost as much as some hundred steps
SETTLED = 3  # from this epoch on, every update is made alike (an optimizer may treat the first one apart)

Values = Mapping[str, Array]
StateNames = tuple[tuple[str, tuple[int, ...]], ...]
_NONE = arb(0)


@dataclass
class Leaps:
    """The matrix (A c; 0 1) of an epoch, and its powers: `doublings[k]` is that of 2^k epochs, made when it is needed.

    `steps` are the matrices of the batches of an epoch, `names` the names and shapes of the arrays of a state.
    """

    names: StateNames
    doublings: list[arb_mat] = field(default_factory=list)
    steps: tuple[arb_mat, ...] = ()

    def power(self, epochs: int) -> arb_mat:
        """The matrix of `epochs` epochs: that of one epoch to this power."""
        size = self.doublings[0].nrows()
        found = arb_mat(size, size, [arb(row == column) for row in range(size) for column in range(size)])
        for place in range(epochs.bit_length()):
            while place >= len(self.doublings):
                self.doublings.append(self.doublings[-1] * self.doublings[-1])
            if epochs >> place & 1:
                found = self.doublings[place] * found
        return found

    def forms_after(self, state: Values, epochs: int) -> dict[str, Array]:
        """The state `epochs` epochs after `state`, a state of forms: each is carried on with its unknowns."""
        before, power = [form for name, _ in self.names for form in state[name].flat], self.power(epochs)
        size = len(before)
        return _shaped(self.names, [_combined([power[row, k] for k in range(size + 1)], before) for row in range(size)])

    def after(self, state: Values, epochs: int) -> dict[str, Array]:
        """The state `epochs` epochs after `state`, in balls."""
        column = arb_mat([[as_ball(value)] for name, _ in self.names for value in state[name].flat] + [[arb(1)]])
        column = self.power(epochs) * column
        values = [column[row, 0] for row in range(column.nrows())]
        return _shaped(self.names, values)


def is_far(steps: Sequence[int]) -> bool:
    """Whether one of the steps, in order, is so far from the one before it that a leap is worth its matrices."""
    return any(later - earlier > LEAP for earlier, later in pairwise(steps))


def epochs_to_leap(batches: Batches, step: int, target: int) -> int:
    """How many epochs a leap from the beginning of `step` goes, to the epoch of the step `target`; 0 for none.

    A leap starts with an epoch, of which every later one is alike, and few steps are calculated one by one.
    """
    batch = batches[step - 1]
    if target - step <= LEAP or batch.batch != 1 or batch.epoch < SETTLED:
        return 0
    return max(batches[target - 1].epoch - batch.epoch, 0)


def leaps(run: Run, start: Values) -> Leaps | None:
    """How to leap over the epochs of a run; None where an epoch is not one affine map, or not always the same.

    Also None for a state (that of `start`) of more than `MAX_STATE` numbers, and for a run of fewer than `SETTLED`
    epochs. To be called at the precision at which the leaps are made.
    """
    batches, settings = run.batches, run.settings
    each = settings.batches_per_epoch
    epoch = (
        [batches[step] for step in range((SETTLED - 1) * each, SETTLED * each)]
        if len(batches) >= SETTLED * each
        else []
    )
    names = tuple((name, value.shape) for name, value in start.items())
    size = sum(value.size for value in start.values())
    if not epoch or size > MAX_STATE or not _repeats(settings, batches):
        return None
    system = Forms(bounded=False)
    calculation = prepare(run.watched, run.followed, settings, system)
    data = columns(run.watched, run.watched.data, system)
    steps: list[arb_mat] = []
    for batch in epoch:
        rows = _affine(calculation, data, batch, names, size)
        if rows is None:
            return None
        steps.append(rows)
    whole = steps[0]
    for rows in steps[1:]:
        whole = rows * whole
    return Leaps(names, [whole], tuple(steps))


def _repeats(settings: Settings, batches: Batches) -> bool:
    """Whether every epoch does the same: nothing is drawn, and no gradient is carried over."""
    plain = not settings.shuffle and settings.accumulate == 1 and settings.zero_every == 1
    alike = not settings.varying and settings.clip is None
    return plain and alike and settings.trains and len(batches) > 0


def _combined(row: Sequence[arb], state: Sequence[Form]) -> Form:
    """Σ row[k]·state[k] + row[-1]: the entry of the state after a leap."""
    used = [(factor, form) for factor, form in zip(row, state, strict=False) if not factor.is_zero()]
    centre = sum((factor * as_ball(form.centre) for factor, form in used), row[-1])
    parts = {
        mark: sum((factor * as_ball(form.parts[mark]) for factor, form in used if mark in form.parts), arb(0))
        for mark in dict.fromkeys(mark for _, form in used for mark in form.parts)
    }
    rest = sum((abs(factor) * form.rest for factor, form in used), arb(0)).upper()
    return Form(centre, parts, rest, frozenset().union(*(form.sources for _, form in used)))


def _affine(calculation: Calculation, data: Values, batch: Batch, names: StateNames, size: int) -> arb_mat | None:
    """One step as a matrix; None where it is not affine, or another one at the next update."""
    first, second = (_step(calculation, data, batch, names, size, t) for t in (batch.t, batch.t + 1))
    if first is None or second is None:
        return None
    rows = []
    for one, other in zip(first, second, strict=True):
        if not _is_affine(one) or not _alike(one, other):
            return None
        rows.append([*(as_ball(one.parts.get(mark, _NONE)) for mark in range(size)), as_ball(one.centre)])
    rows.append([*[arb(0)] * size, arb(1)])
    return arb_mat(rows)


def _step(
    calculation: Calculation,
    data: Values,
    batch: Batch,
    names: StateNames,
    size: int,
    t: int,
) -> list[Form] | None:
    """The state after a step as forms in the state before it."""
    state = _shaped(names, [Form(arb(0), {mark: arb(1)}) for mark in range(size)])
    rows = {name: column[list(batch.indices)] for name, column in data.items()}
    values = calculation.at({**state, **rows}, batch.n).results
    gradients = {name: values[adjoint_of(name)] for name in calculation.derivation.wrt}
    after = calculation.advanced(state, gradients, calculation.system.constant(Fraction(t)))
    return [form for name, _ in names for form in after[name].flat]


def _is_affine(form: Form) -> bool:
    return bool(form.rest.is_finite()) and bool(form.rest == 0)


def _alike(first: Form, second: Form) -> bool:
    """Whether the next update is made alike: an optimizer's t is no number of the state."""
    marks = {*first.parts, *second.parts}
    same = [(first.centre, second.centre), *((first.parts.get(m, _NONE), second.parts.get(m, _NONE)) for m in marks)]
    return all(as_ball(one).overlaps(as_ball(other)) for one, other in same)


def _shaped(names: StateNames, values: Sequence[Exactly | Form]) -> dict[str, Array]:
    """A list of numbers as the arrays of a state."""
    found: dict[str, Array] = {}
    begun = 0
    for name, shape in names:
        count = 1
        for length in shape:
            count *= length
        part = values[begun : begun + count]
        if part and isinstance(part[0], Form):
            found[name] = forms([form for form in part if isinstance(form, Form)], shape)
        else:
            found[name] = objects([value for value in part if not isinstance(value, Form)], shape)
        begun += count
    return found
