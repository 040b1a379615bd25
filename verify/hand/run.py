"""The hand calculation: the derivation's own equations with exact numbers, from the initial values on.

It shares the problem and the batch order with PyTorch, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from flint import fmpq

from derive.algebra.expression import Apply, walk
from derive.algebra.operations import OPERATIONS
from derive.chain.derivation import Derivation
from derive.run.batches import Batch
from derive.run.reads import Held
from derive.run.run import Run
from verify.hand.calculation import Calculation, beginnings, columns, prepare
from verify.hand.rates import ByHand
from verify.hand.undefined import Undefined
from verify.names import adjoint_of
from verify.numbers import (
    Array,
    CalculationError,
    Exact,
    Exactly,
    ExactOnce,
    NotRecordedError,
    Recorded,
    Repeated,
    Shaped,
    from_fraction,
    is_finite,
    is_sharp,
    nearest_floats,
    precision,
    repeated,
)
from verify.record import Handed, Values

# Bits inside balls: of the first try, of a run that comes in pieces, and at most. Long balls cost little, and to repeat
# a run costs much.
PRECISIONS = (1024, 4096, 16384)
RECORDED_AFTER = 2  # steps of a kind: to record one costs as much as to calculate two

Exacts = Mapping[str, Array]  # arrays of exact numbers, one dimension for each axis of the name


@dataclass(frozen=True)
class HandStep:
    """One step calculated by hand; the same quantities as in a `StepRecord`. `after` is empty where nothing is trained.

    `before` and `after` hold the optimizer's state as well. `gradients` are sums with what was `accumulated`
    before, where the batch adds to it; `clipped` are those after clipping, and `rates` what changes from step to step.
    """

    batch: Batch
    before: Exacts
    loss: Array
    gradients: Exacts
    after: Exacts
    nodes: Exacts
    adjoints: Exacts
    accumulated: Exacts = field(default_factory=dict)
    clipped: Exacts = field(default_factory=dict)
    rates: Exacts = field(default_factory=dict)

    @property
    def left(self) -> Exacts:
        """The gradients that .grad holds after the step: the clipped ones where clipping has changed it in place."""
        return {**self.gradients, **self.clipped}

    def numbers(self) -> Iterator[Exactly]:
        """Every number that is reported of the step."""
        for group in (
            *(self.before, self.gradients, self.after, self.nodes, self.adjoints),
            *(self.clipped, self.rates),
        ):
            for array in group.values():
                yield from array.ravel().tolist()
        yield from self.loss.ravel().tolist()


@dataclass(frozen=True)
class HandRun:
    """The steps, and the sentence that says why they end before the run does, if so.

    `is_blurred` says that its digits do not suffice: with more of them it may go on.
    """

    steps: tuple[HandStep, ...]
    ended: str = ""
    is_blurred: bool = False


@dataclass(frozen=True)
class Inputs:
    """The calculation of a derivation in exact numbers, and the data: compiled once, run every step."""

    run: Run
    calculation: Calculation
    data: Exacts
    rates: ByHand
    recorded: dict[_Kind, Steps | int] = field(default_factory=dict, compare=False)  # or how many were calculated

    def rows(self, batch: Batch) -> Exacts:
        """The data of one batch."""
        return {name: column[list(batch.indices)] for name, column in self.data.items()}


def inputs(run: Run, *, once: bool = False) -> Inputs:
    """The compiled program of the run's derivation, with the problem's data.

    With `once` it knows which numbers are equal by how they are calculated, where the run can stand on a tie.
    """
    data = columns(run.watched, run.watched.data, Exact())
    system = ExactOnce() if once and _may_tie(run.followed) else Exact()
    calculation = prepare(run.watched, run.followed, run.settings, system)
    return Inputs(run, calculation, data, ByHand(run.settings, Exact()))


def _may_tie(derivation: Derivation) -> bool:
    """Whether any operation takes one of two sides, which balls of equal numbers do not tell."""
    parts = (part for own in derivation.parts for part in walk(own.body) if isinstance(part, Apply))
    return any(own.shared for own in derivation.parts) or any(OPERATIONS[part.op].kink for part in parts)


def calculate(run: Run, batches: Iterable[Batch]) -> HandRun:
    """Every step by hand. Where balls get too wide to read, the run is repeated with more digits.

    A run that divides by zero, leaves a function's domain, or still is not sharp at the highest
    precision, ends there and says so; so does one of which no more than `settings.drift` steps are wanted.
    Where PyTorch does not have the update, it ends with the step after which the condition of `until` holds.
    """
    batches = tuple(batches)
    bits = PRECISIONS[0]
    found = Continued(run, bits).calculate(batches)
    while found.is_blurred and bits < PRECISIONS[-1]:
        bits = more_bits(bits, len(found.steps), len(batches))
        found = Continued(run, bits).calculate(batches)
    return found


def more_bits(bits: int, made: int, wanted: int) -> int:
    """With how many bits to try again, where so many sufficed for `made` of the steps that are `wanted`.

    Balls widen by about as much in each step: a quarter more than that takes, but twice as many at least.
    """
    return min(PRECISIONS[-1], max(2 * bits, 5 * bits * wanted // (4 * max(1, made))))


class Continued:
    """The hand calculation of a run that comes in pieces: each goes on where the one before has ended.

    `ended` is the sentence that says why the calculation has stopped before the run; empty while it goes on. `bits`
    is the precision of balls: where it no longer suffices the calculation stops, for a piece is not repeated.
    """

    def __init__(self, run: Run, bits: int = PRECISIONS[1]) -> None:
        self.run = run
        settings = run.settings
        beside = {*run.problem.reported, *(node.name for node in settings.watched)}
        self.lines = [node.name for node in run.watched.graph.lines if settings.nodes or node.name in beside]
        self.settings = settings
        self.bits = bits
        self.gathered: Exacts = {}
        self.ended = ""
        self.is_blurred = False
        self.count = 0
        self.met = False

    @cached_property
    def prepared(self) -> Inputs:
        """What every step is calculated with; made for the first, which may not be wanted."""
        return inputs(self.run)

    @cached_property
    def knowing_ties(self) -> Inputs:
        """What a step is calculated with that knows which numbers are equal by how they are calculated."""
        return inputs(self.run, once=True)

    @cached_property
    def held(self) -> Exacts:
        """The parameters and the state, which each step leaves to the next."""
        return beginnings(self.run.watched, self.settings, Exact())

    def calculate(self, batches: Sequence[Batch]) -> HandRun:
        """The next steps; none after the calculation has ended."""
        steps: list[HandStep] = []
        with precision(self.bits):
            for batch in batches:
                found = None if self.ended or self.met else self._next(batch)
                if found is None:
                    break
                steps.append(found)
                self.count += 1
                self.held, self.gathered = found.after, found.left
                self.met = self.settings.by_hand_alone and self.settings.is_met(found.nodes)
        return HandRun(tuple(steps), self.ended, self.is_blurred)

    def _next(self, batch: Batch) -> HandStep | None:
        """The next step; None where the calculation ends, and why in `ended`."""
        if self.count == self.settings.drift:
            self.ended = _as_wanted(self.count)
            return None
        try:
            found = step(self.prepared, self.held, batch, self.lines, self.gathered)
            if _is_sharp(found):
                return found
            if _may_tie(self.run.followed):  # of which no digits tell
                found = step(self.knowing_ties, self.held, batch, self.lines, self.gathered)
        except CalculationError as error:
            why = Undefined(self.run, self.held, batch).first()
            self.ended = f"at {batch} the hand calculation ends: {why or error}"
            return None
        if _is_sharp(found):
            return found
        known = all(is_finite(number) for number in found.numbers())
        why = "" if known else Undefined(self.run, self.held, batch).first()
        reason = f"its digits no longer suffice ({self.bits} bits)" if known else why or UNDEFINED
        self.is_blurred = not why
        self.ended = f"at {batch} the hand calculation ends: {reason}"
        return None


def _is_sharp(found: HandStep) -> bool:
    return all(is_sharp(number) for number in found.numbers() if type(number) is not fmpq)  # a fraction is known


def _as_wanted(steps: int) -> str:
    if not steps:
        return "no step is calculated by hand from the initial values on (--drift 0)"
    counted = f"{steps} step{'s' if steps > 1 else ''}"
    return f"the hand calculation from the initial values on ends after {counted} (--drift {steps})"


UNDEFINED = "a value is not defined, or its digits do not tell"


def step(
    prepared: Inputs, held: Exacts, batch: Batch, lines: Sequence[str], gathered: Exacts | None = None
) -> HandStep:
    """One step by hand from any parameters and state, with the numbers of `lines`.

    `gathered` are the gradients of the step before, to which this one adds where its batch says so.
    Raises `CalculationError` where it has no value.
    """
    rows = prepared.rows(batch)
    accumulated = (gathered or {}) if batch.adds else {}
    rates = prepared.rates.at(batch)
    numbers = _Numbers(held, rows, accumulated, rates)
    kind = _Kind(batch.n, batch.updates, tuple(accumulated))
    alike = _alike(prepared, kind, numbers)
    loss = prepared.calculation.derivation.graph.loss
    found = _step(prepared.calculation, numbers, batch, kind) if alike is None else alike.at(numbers, batch)
    return HandStep(
        batch,
        held,
        found.values[loss],
        found.gradients,
        found.after if prepared.calculation.update is None or batch.updates else dict(held),
        {name: found.values[name] for name in lines},
        {name: found.values[adjoint_of(name)] for name in lines if adjoint_of(name) in found.values},
        accumulated,
        found.clipped,
        rates,
    )


class _Kind(NamedTuple):
    """What steps have alike that are calculated alike: how many samples, whether they update, and what they add to."""

    n: int
    updates: bool
    adds_to: tuple[str, ...]


class _Numbers(NamedTuple):
    """What a step is calculated from."""

    held: Exacts
    rows: Exacts
    accumulated: Exacts
    rates: Exacts

    def flat(self, names: Sequence[tuple[str, ...]]) -> list[Exactly]:
        """All of them in a row, each part in the order of its `names`: a state comes back in another order."""
        parts = zip(self, names, strict=True)
        return [number for part, own in parts for name in own for number in part[name].ravel().tolist()]


class _Found(NamedTuple):
    """What a step comes to: the `values` of all lines and adjoints, the rest by parameter."""

    values: Exacts
    gradients: Exacts
    clipped: Exacts
    after: Exacts


def _step(
    calculation: Calculation, given: _Numbers, batch: Batch | None, kind: _Kind, counted: Sequence[Array] = ()
) -> _Found:
    """One step in the number system of a calculation; `counted` are t and `made` of a batch, where they are numbers."""
    derivation, system = calculation.derivation, calculation.system
    if isinstance(system, ExactOnce):
        system.forget()
    if batch is not None:
        counted = [system.constant(Fraction(batch.t)), system.constant(Fraction(batch.made))]
    t, made = counted
    held, rows, accumulated, rates = given
    values = calculation.at({**held, **rows}, kind.n).results
    gradients = {name: values[adjoint_of(name)] for name in derivation.wrt}
    gradients |= {name: calculation.accumulated(accumulated[name], gradients[name]) for name in kind.adds_to}
    clipped = calculation.clipped(gradients) if kind.updates else {}
    after: Exacts = {}
    if calculation.update is not None:
        after = calculation.advanced(held, {**gradients, **clipped}, t, rates) if kind.updates else dict(held)
    inner = calculation.inside(Held(held, after, {**gradients, **clipped}), made, rates)
    shown = {**held, **rows, **values, **calculation.followed(gradients), **after, **inner}
    return _Found({**values, **calculation.watched(shown, kind.n)}, gradients, clipped, after)


@dataclass(frozen=True)
class Steps:
    """Steps of one kind, recorded: None where they cannot be.

    `names` are those of the state, the data, what is accumulated, and the rates; `layouts` say where the values of all
    lines and adjoints are found, the gradients, the clipped ones and the state after the step.
    """

    repeated: Repeated | None
    names: tuple[tuple[str, ...], ...] = ()  # of what a step is calculated from, in the order in which it is recorded
    layouts: tuple[Mapping[str, tuple[tuple[int, ...], list[int]]], ...] = ()

    def at(self, given: _Numbers, batch: Batch) -> _Found:
        """The step that is given. Raises `CalculationError` as the calculation does."""
        assert self.repeated is not None
        counted = [from_fraction(Fraction(batch.t)), from_fraction(Fraction(batch.made))]
        held = self.repeated.of([*given.flat(self.names), *counted])
        values, *kept = (Shaped(layout, held) for layout in self.layouts)
        return _Found(values, *map(dict, kept))


def _alike(prepared: Inputs, kind: _Kind, given: _Numbers) -> Steps | None:
    """The recorded step of a kind, from the third one on: to record costs as much as to calculate some."""
    if isinstance(prepared.calculation.system, ExactOnce):
        return None  # what is repeated is not looked up
    found = prepared.recorded.get(kind, 0)
    if isinstance(found, int):
        prepared.recorded[kind] = found + 1
        if found < RECORDED_AFTER:
            return None
        found = prepared.recorded[kind] = _recorded(prepared.run, kind, given)
    return found if found.repeated is not None else None


def recorded(prepared: Inputs, held: Exacts, batch: Batch) -> Steps | None:
    """The steps that do what that of a batch does, where it adds nothing to gradients; None where none is recorded.

    Each number is calculated once.
    """
    numbers = _Numbers(held, prepared.rows(batch), {}, prepared.rates.at(batch))
    found = _recorded(prepared.run, _Kind(batch.n, batch.updates, ()), numbers, once=True)
    return found if found.repeated is not None else None


def _recorded(run: Run, kind: _Kind, given: _Numbers, *, once: bool = False) -> Steps:
    """A step of a kind as one list of calls; without where what it does depends on its numbers, or it is large."""
    system = Recorded(once=once)
    own = _Numbers(*({name: system.given(array.shape, array.size) for name, array in part.items()} for part in given))
    counted = [system.given((), 1), system.given((), 1)]
    try:
        found = _step(prepare(run.watched, run.followed, run.settings, system), own, None, kind, counted)
    except NotRecordedError:
        return Steps(None)
    arrays = [array for part in own for array in part.values()]
    layouts = tuple(
        {name: (array.shape, [register.place for register in array.flat]) for name, array in part.items()}
        for part in found
    )
    return Steps(repeated(system, [*arrays, *counted]), tuple(map(tuple, own)), layouts)


def handed(run: HandRun) -> Handed:
    """The numbers of a run by hand, of at least one step, that PyTorch takes where it does not have the update."""
    updates = tuple(as_floats(step.after) for step in run.steps if step.batch.updates)
    clipped = tuple(as_floats(step.clipped) for step in run.steps if step.batch.updates)
    rates = tuple(as_floats(step.rates) for step in run.steps)
    return Handed(as_floats(run.steps[0].before), updates, len(run.steps), clipped, rates)


def as_floats(numbers: Exacts) -> Values:
    """The exact numbers, each rounded to the nearest float64."""
    return {name: nearest_floats(array) for name, array in numbers.items()}
