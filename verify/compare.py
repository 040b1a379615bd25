"""The record against the hand calculation: every number of every step, with its bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from derive.expression import Axes, Axis
from derive.node import SIZE, Node
from derive.problem import Problem
from verify import calculation
from verify.batches import Batch, plan
from verify.bound import AtState, Bound, clipped, prepare, updated
from verify.check import Check, Numbers
from verify.hand import HandRun, HandStep
from verify.handed import as_floats
from verify.kinks import standing
from verify.numbers import FORMATS, Array, Distance, Floats, precision
from verify.program import adjoint_of
from verify.rates import RATES_DTYPE
from verify.rates_held import judged as judged_rates
from verify.record import Record, StepRecord, Values
from verify.settings import Settings
from verify.update import parameter_of

Place = tuple[int, ...]  # of an entry in its array
Name = tuple[str, str]  # the group of a number ("gradients") and the name it belongs to
_GROUPS = Axis("g")  # what changes from step to step has an entry for each group of parameters, where there are several
Kept = dict[int, dict[str, Numbers]]  # of what PyTorch has not calculated, by step and name
Replay = Callable[[Sequence[StepRecord]], tuple[StepRecord, ...]]  # the same steps again, in float64


@dataclass(frozen=True)
class StepComparison:
    """The numbers of one step, in the order in which they are compared; `hand` is the same step by hand."""

    batch: Batch
    numbers: Mapping[Name, Numbers]
    hand: HandStep | None = None

    def by_hand(self, loss: str) -> Mapping[Name, Array]:
        """The numbers of the hand calculation, none after it has ended."""
        return entries(self.hand, loss) if self.hand else {}

    @property
    def disagrees(self) -> bool:
        """Whether any number of the step is wrong."""
        return any(bool(numbers.disagrees.any()) for numbers in self.numbers.values())


@dataclass(frozen=True)
class Comparison:
    """All steps of a run in order, and in sentences what is wrong with the batches and which steps stand on a kink."""

    nodes: Mapping[str, Node]
    loss: str
    dtype: str
    steps: tuple[StepComparison, ...]
    batch_faults: tuple[str, ...] = ()
    kink_notes: tuple[str, ...] = ()
    prediction: StepComparison | None = None
    by_hand_alone: bool = False  # the updates are those by hand, and not compared

    @property
    def judged(self) -> tuple[StepComparison, ...]:
        """All steps, and the prediction after them, if any."""
        return (*self.steps, *([] if self.prediction is None else [self.prediction]))

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """One `Check` for each number of each step."""
        return tuple(check for step in self.steps for check in self._checks(step))

    @cached_property
    def predictions(self) -> tuple[Check, ...]:
        """One `Check` for each number of the prediction."""
        return () if self.prediction is None else tuple(self._checks(self.prediction))

    def _checks(self, step: StepComparison) -> Iterator[Check]:
        """Every number of one step."""
        by_hand = step.by_hand(self.loss)
        for name, numbers in step.numbers.items():
            for place in np.ndindex(numbers.autograd.shape):
                yield self._check(numbers, step.batch, name, place, by_hand.get(name))

    def check(self, step: StepComparison, name: Name, place: Place) -> Check:
        """One number of one step."""
        return self._check(step.numbers[name], step.batch, name, place, step.by_hand(self.loss).get(name))

    def _node(self, name: str) -> Node:
        """The node of a name; of the parameter, for an optimizer's state."""
        return self.nodes.get(name) or self.nodes[parameter_of(name)]

    def _check(self, numbers: Numbers, batch: Batch, name: Name, place: Place, by_hand: Array | None) -> Check:
        distance, replay = numbers.distance, numbers.replay
        rests_on_replay = replay is not None and bool(numbers.replayed[place])
        autograd = float(numbers.autograd[place])
        return Check(
            batch,
            quantity(name, self.loss),
            _index(place, (_GROUPS,) if name[0] == "rates" else self._node(name[1]).axes, batch),
            None if by_hand is None else by_hand.item(place),
            autograd,
            float(distance.expected[place]),
            float(distance.error[place]) if numbers.decided[place] else math.nan,
            float(distance.bound[place]),
            True if numbers.agrees[place] else False if numbers.disagrees[place] else None,
            float(FORMATS[RATES_DTYPE if name[0] == "rates" else self.dtype].ulp(numbers.autograd[place])),
            math.nan if numbers.terms is None else float(numbers.terms[place]),
            float(numbers.caught[place]),
            float(distance.reach[place]),
            self._check(replay, batch, name, place, None) if replay is not None and rests_on_replay else None,
        )


def compare(
    problem: Problem, settings: Settings, hand: HandRun, record: Record, bound: Bound, replay: Replay | None = None
) -> Comparison:
    """Checks every recorded number at PyTorch's own state, the data, the batches and what is done about them.

    Steps whose bound is too wide in their dtype are judged by `replay`, where it is given. With
    `settings.first`, the comparison ends with the first step that disagrees.
    """
    kept = {
        "before": _starts(problem, settings, record, bound),
        "accumulated": _gathered(record),
        "rates": judged_rates(settings, record),
    }
    if settings.by_hand_alone:
        kept |= {group: _as_by_hand(group, hand, record) for group in ("clipped", "rates")}
        kept["after"] = _taken(hand, record, bound)
    found, notes = _judged(problem, kept, record, bound)
    wide = [step for step in record.steps if _is_wide(found[step.batch.step])]
    if wide and replay is not None and settings.dtype != "float64":
        again = _judged_again(problem, settings, bound, replay(wide))
        for number, numbers in again.items():
            found[number].update({name: replace(found[number][name], replay=new) for name, new in numbers.items()})
    by_hand = {step.batch.step: step for step in hand.steps}
    steps = [StepComparison(s.batch, found[s.batch.step], by_hand.get(s.batch.step)) for s in record.steps]
    if settings.first:
        steps = steps[: next((k for k, step in enumerate(steps, start=1) if step.disagrees), len(steps))]
    faults = (*_data_faults(problem, record, bound), *_batch_faults(settings, record))
    nodes = {node.name: node for node in problem.graph.nodes}
    return Comparison(
        nodes,
        problem.graph.loss,
        settings.dtype,
        tuple(steps),
        faults,
        tuple(notes),
        by_hand_alone=settings.by_hand_alone,
    )


def _judged(
    problem: Problem, kept: Mapping[str, Kept], record: Record, bound: Bound
) -> tuple[dict[int, dict[Name, Numbers]], list[str]]:
    """The numbers of every step, by the number of the step; and which entries stand on a kink.

    `kept` are the groups of numbers that PyTorch does not calculate in a step.
    """
    notes: list[tuple[int, str]] = []
    found: dict[int, dict[Name, Numbers]] = {step.batch.step: {} for step in record.steps}
    for at_state in bound.states(record.steps):
        for name in entries(at_state.steps[0], problem.graph.loss):
            own = kept.get(name[0])
            numbers = None if own is not None else numbers_of(at_state, bound, *name)
            for place, step in enumerate(at_state.steps):
                number = step.batch.step
                if own is not None:
                    found[number][name] = own[number][name[1]]
                elif numbers is not None:
                    found[number][name] = numbers.of_step(place)
                    notes.extend(_without_value(step.batch, quantity(name, problem.graph.loss), found[number][name]))
        notes.extend(_kink_notes(bound, at_state))
    return found, [note for _, note in sorted(notes, key=lambda numbered: numbered[0])]


def _is_wide(found: Mapping[Name, Numbers]) -> bool:
    """Whether a step has a bound that is too wide, of a number that a replay of its forward and backward pass gives."""
    return any(bool(numbers.wide.any()) for (group, _), numbers in found.items() if group != "after")


def _judged_again(
    problem: Problem, settings: Settings, bound: Bound, steps: tuple[StepRecord, ...]
) -> dict[int, dict[Name, Numbers]]:
    """The loss and the gradients of steps that were repeated in float64; with --nodes every line and adjoint."""
    finer = prepare(problem, bound.exact.derivation, settings, "float64")
    found: dict[int, dict[Name, Numbers]] = {step.batch.step: {} for step in steps}
    for at_state in finer.states(steps):
        for name in entries(at_state.steps[0], problem.graph.loss):
            if name[0] in ("before", "accumulated", "after"):
                continue
            numbers = numbers_of(at_state, finer, *name)
            for place, step in enumerate(at_state.steps):
                found[step.batch.step][name] = numbers.of_step(place)
    return found


def numbers_of(at_state: AtState, bound: Bound, group: str, name: str) -> Numbers:
    """One quantity in steps side by side."""
    floats = np.stack([_entry(step, group, name) for step in at_state.steps])
    named = {"after": updated, "adjoints": adjoint_of, "gradients": adjoint_of, "clipped": clipped}
    target = named[group](name) if group in named else name
    found, terms = _spread(at_state.rounded[target], floats), None
    if group == "after":  # a parameter and what is taken from it
        before = np.stack([step.before[name] for step in at_state.steps])
        terms = np.abs(before) + np.abs(floats - before)
    elif target in at_state.terms:
        terms = np.broadcast_to(_spread(at_state.terms[target], floats), floats.shape)
    exact = at_state.exact.get(target)
    return Numbers(floats, bound.distance(floats, found, None if exact is None else _spread(exact, floats)), terms)


def _entry(step: StepRecord, group: str, name: str) -> Floats:
    """One array of the groups of `entries`."""
    found: Floats = step.loss if group == "loss" else getattr(step, group)[name]
    return found


def _spread(array: Array, like: Array) -> Array:
    """An array that is the same in every step, with a dimension for the steps."""
    return array if array.ndim == like.ndim else array[np.newaxis]


def _starts(problem: Problem, settings: Settings, record: Record, bound: Bound) -> Kept:
    """What each step begins with: the rounded initial values of the parameters and of the optimizer's state.

    Later, what the step before left.
    """
    with precision(192):
        rounded = calculation.beginnings(problem, settings, bound.system, as_floats=True)
        exact = calculation.beginnings(problem, settings, bound.exact.system, as_floats=True)
    found: dict[int, dict[str, Numbers]] = {}
    left: Values | None = None
    for step in record.steps:
        found[step.batch.step] = {
            name: Numbers(held, bound.distance(held, rounded[name], exact[name]))
            if left is None
            else _kept(left[name], held)
            for name, held in step.before.items()
        }
        left = step.after
    return found


def _as_by_hand(group: str, hand: HandRun, record: Record) -> Kept:
    """Numbers by hand of which PyTorch knows nothing: clipped gradients, lr."""
    found: Kept = {}
    for by_hand, step in zip(hand.steps, record.steps, strict=True):
        floats = as_floats(getattr(by_hand, group))
        found[step.batch.step] = {name: _kept(floats[name], held) for name, held in getattr(step, group).items()}
    return found


def _taken(hand: HandRun, record: Record, bound: Bound) -> Kept:
    """The parameters by hand that PyTorch takes, each rounded once, and the state, of which it knows nothing."""
    found: dict[int, dict[str, Numbers]] = {}
    for by_hand, step in zip(hand.steps, record.steps, strict=True):
        floats = as_floats(by_hand.after)
        found[step.batch.step] = {
            name: _rounded(floats[name], held, bound) if parameter_of(name) == name else _kept(floats[name], held)
            for name, held in step.after.items()
        }
    return found


def _rounded(value: Floats, held: Floats, bound: Bound) -> Numbers:
    """A number beside the float64 that it is rounded from; nothing is known of one beyond the range."""
    if not np.isfinite(value).all():
        nothing, without_end = np.full_like(value, np.nan), np.full_like(value, np.inf)
        everywhere = np.ones(value.shape, dtype=np.bool_)
        return Numbers(held, Distance(value, nothing, without_end, without_end, everywhere, ~everywhere))
    with precision(192):
        exact = [bound.system.constant(Fraction(number)) for number in value.flat]
        balls = np.stack(exact).reshape(value.shape)
    return Numbers(held, bound.distance(held, balls, None))


def _gathered(record: Record) -> Kept:
    """What .grad holds before the batches that add to it: what the step before left there."""
    found: dict[int, dict[str, Numbers]] = {}
    left: Mapping[str, Floats] = {}
    for step in record.steps:
        found[step.batch.step] = {name: _kept(left[name], held) for name, held in step.accumulated.items()}
        left = step.left
    return found


def _kept(left: Floats, held: Floats) -> Numbers:
    """A number that must be the very one that was left."""
    with np.errstate(invalid="ignore"):  # inf − inf, where a run goes on after an overflow
        error = held - left
    nothing, everywhere = np.zeros_like(left), np.ones(left.shape, dtype=np.bool_)
    return Numbers(held, Distance(left, error, nothing, nothing, everywhere, ~everywhere))


def _kink_notes(bound: Bound, at_state: AtState) -> Iterator[tuple[int, str]]:
    """For each entry on a kink, or on a side that rounding leaves open, the number of its step and a sentence."""
    for kink in bound.kinks:
        values = at_state.rounded[kink.name]
        shape = values.shape[values.ndim - len(kink.axes) - kink.shared :]
        values = np.broadcast_to(values, (len(at_state.steps), *shape))
        for (step, *place), exactly_there in standing(kink, values, bound.system):
            batch = at_state.steps[step].batch
            index = _index(tuple(place), kink.axes, batch)
            where = f"{batch}{f', entry {index}' if index else ''}: {kink.op} in {kink.line}"
            if exactly_there:
                yield batch.step, f"{where} stands on its kink; {kink.convention}, as in PyTorch"
            else:
                near = "is so near its kink that rounding leaves the side open"
                yield batch.step, f"{where} {near}: both derivatives are allowed"


def _without_value(batch: Batch, name: str, numbers: Numbers) -> Iterator[tuple[int, str]]:
    """A sentence where the equations as written have no value, though correct evaluation in PyTorch's form has one."""
    if bool((numbers.distance.alone & np.isfinite(numbers.distance.bound)).any()):
        yield batch.step, f"{batch}: as written {name} has no value there; PyTorch's form of it decides alone"


def _index(place: Place, axes: Axes, batch: Batch) -> str:
    """The index of an entry, counted from 0; along the samples it is the row of the data."""
    numbers = [batch.indices[k] if axis.size == SIZE else k for k, axis in zip(place, axes[: len(place)], strict=True)]
    return ",".join(map(str, numbers))


def entries(step: StepRecord | HandStep, loss: str) -> dict[Name, Array]:
    """The numbers of a step by group and name, in the order in which they are compared; each once."""
    groups: Mapping[str, Mapping[str, Array]] = {
        "before": step.before,
        "nodes": {name: value for name, value in step.nodes.items() if name != loss},
        "loss": {loss: step.loss},
        "adjoints": {name: value for name, value in step.adjoints.items() if name != loss},
        "accumulated": step.accumulated,
        "gradients": step.gradients,
        "clipped": step.clipped,
        "rates": step.rates,
        "after": step.after,
    }
    return {(group, name): value for group, values in groups.items() for name, value in values.items()}


def rate_name(rate: str) -> str:
    """What a number that changes from step to step is called in tables: `optimizer.lr`."""
    return f"optimizer.{rate}"


def quantity(name: Name, loss: str) -> str:
    """What the numbers are called in tables."""
    group, of = name
    labels = {
        "before": f"{of}_before",
        "accumulated": f"d{loss}/d{of}_before",
        "adjoints": f"d{loss}/d{of}",
        "gradients": f"d{loss}/d{of}",
        "clipped": f"d{loss}/d{of}_clipped",
        "rates": rate_name(of),
    }
    return labels.get(group, of)


def _data_faults(problem: Problem, record: Record, bound: Bound) -> Iterator[str]:
    """The data PyTorch holds are the problem's, each rounded once; and each batch holds the rows its indices name."""
    for column in problem.data:
        held = record.data[column.name]
        with precision(192):
            distance = bound.distance(held, calculation.numbers(column, bound.system), None)
        wrong = ~(np.abs(distance.error) <= distance.bound)
        for place in map(tuple, np.argwhere(wrong)):
            entry = f"{column.name}[{','.join(map(str, place))}]"
            value = float(column.values[int(np.ravel_multi_index(place, column.shape))])
            yield f"{entry} is {value:.9g} in the problem, but PyTorch holds {held[place]:.9g}"
        for step in record.steps:
            if not np.array_equal(step.data[column.name], held[list(step.batch.indices)]):
                yield f"{step.batch}: {column.name} does not hold the rows {_list(step.batch.indices)} of the data"


def _batch_faults(settings: Settings, record: Record) -> Iterator[str]:
    """Each batch has the rows its place in the run says; shuffled, each epoch uses each row once."""
    taken = [step.batch for step in record.steps]
    expected = list(plan(settings, orders(taken) if settings.shuffle else None))
    for found, wanted in zip(taken, expected, strict=False):
        if found.indices != wanted.indices:
            yield f"{found}: PyTorch took the samples {_list(found.indices)}; expected {_list(wanted.indices)}"
        elif found != wanted:
            yield f"{found}: PyTorch {_doings(found)}; expected: {_doings(wanted)}"
    for order in orders(taken) if settings.shuffle else ():
        complete = len(order) == settings.samples
        if len(set(order)) != len(order) or (complete and set(order) != set(range(settings.samples))):
            yield f"an epoch does not use each sample once: it took {_list(order)}"


def _doings(batch: Batch) -> str:
    """What is done before and after a batch."""
    before = "adds to the gradient that is there" if batch.adds else "sets the gradient to zero first"
    return f"{before} and {'updates' if batch.updates else 'does not update'} the parameters after it"


def orders(taken: Iterable[Batch]) -> list[tuple[int, ...]]:
    """The rows of each epoch in the order in which they were taken."""
    epochs: dict[int, list[int]] = {}
    for batch in taken:
        epochs.setdefault(batch.epoch, []).extend(batch.indices)
    return [tuple(rows) for rows in epochs.values()]


def _list(indices: tuple[int, ...]) -> str:
    shown = ", ".join(str(index) for index in indices[:12])
    return shown + (", …" if len(indices) > 12 else "")
