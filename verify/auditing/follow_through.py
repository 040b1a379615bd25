"""Follow-through: each number recalculated from the author's own earlier ones.

An author's number is any number that its printed digits allow. What is calculated from several of them is a form
in what each may be off, so that an interval of the result is no wider than it must be where steps are linear. So
"wrong here" and "inherited from an earlier number" are told apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.problem.predict import predicted
from derive.run.batches import Batch, epoch_of
from derive.run.run import Run
from verify.auditing.finding import Finding, Status
from verify.auditing.right_values import OutOfReachError, weights_of
from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.literal import Literal
from verify.claims.names import EPOCH_MEANS
from verify.hand.calculation import Calculation, beginnings, numbers, only, prepare
from verify.hand.derivative import Derivative, derivative
from verify.hand.leap import Leaps, epochs_to_leap, is_far, leaps
from verify.hand.rates import ByHand, of_group, together
from verify.names import adjoint_of, parameter_of
from verify.numbers import (
    Array,
    Exactly,
    Form,
    Forms,
    between,
    forms,
    middle,
    precision,
    shortened,
    to_fraction,
    unknown,
)

MAX_STEPS = 20_000  # that are followed one by one; of a later wrong number it is not said whether it is inherited
MAX_PARTS = 40  # unknowns of one number that are carried on; the smaller ones become one
BITS_A_STEP = 4  # balls widen with every step
FEW_DIGITS = 2  # an lr of so few digits is chosen, and not rounded: 0.1 is one tenth

Key = tuple[int, str, str]  # step, group, name


@dataclass(frozen=True)
class Own:
    """One of the author's numbers: its mark, and the interval of all that its digits allow; None where nothing does."""

    claim: Claim
    mark: int
    low: Fraction
    high: Fraction
    known: bool = True

    @property
    def form(self) -> Form:
        """The number as an unknown of its own."""
        if not self.known:
            return unknown(frozenset({self.mark}))
        return between(self.low, self.high, self.mark)


def own_number(claim: Claim, mark: int, right: Exactly | None, is_wrong: bool, *, is_exact: bool = False) -> Own:
    """What the author's number can be: all that its digits allow, and the right number where it is not wrong.

    `is_exact` takes it at its word: see `exact_integers`.
    """
    literal = claim.literal
    if is_exact and literal.special is None:
        return Own(claim, mark, literal.value, literal.value)
    if claim.cell.quantity.group == "setting" and literal.special is None and literal.digits <= FEW_DIGITS:
        chosen = literal.value if is_wrong or right is None else middle(right)
        return Own(claim, mark, chosen, chosen)
    if literal.special is not None:
        return Own(claim, mark, Fraction(0), Fraction(0), known=False)
    if not is_wrong and _begins(claim, right):
        return Own(claim, mark, literal.value, literal.value)
    half = (literal.unit or Fraction(0)) / 2  # as printed: what a claim may be off by is not said of what follows
    low, high = literal.ends if literal.is_cut else (literal.value - half, min(literal.value + half, literal.high))
    if right is not None and not is_wrong:
        number = middle(right)
        low, high = min(low, number), max(high, number)
    return Own(claim, mark, low, high)


def _begins(claim: Claim, right: Exactly | None) -> bool:
    """Whether a claim is the number that the run begins with, exactly: nothing has been rounded yet."""
    begins = claim.cell.step == 1 and claim.cell.quantity.group == "before"
    return begins and right is not None and to_fraction(right) == claim.literal.value


def exact_integers(findings: Sequence[Finding]) -> frozenset[Cell]:
    """The claimed integers that are no rounded numbers: `1` beside `0.7615942` is one.

    In a column where an integer is right and the right number is none, integers are rounded. In any other they are
    exact where one of them is so, or where other numbers of the column have digits after the point.
    """
    columns: dict[Quantity, list[Finding]] = {}
    for finding in findings:
        columns.setdefault(finding.cell.quantity, []).append(finding)
    found: set[Cell] = set()
    for column in columns.values():
        integers = [one for one in column if is_integer(one.claim.literal)]
        right = [(one, one.right) for one in integers if one.status is not Status.WRONG and one.right is not None]
        exact = [one for one, number in right if one.allowed is None and to_fraction(number) == one.claim.literal.value]
        if len(exact) == len(right) and (exact or len(integers) < len(column)):
            found.update(one.cell for one in integers)
    return frozenset(found)


def is_integer(literal: Literal) -> bool:
    """Whether a number is written without a point, an exponent, and a statement of how far it may be off."""
    return literal.special is None and literal.unit == 1 and literal.power is None and literal.units == Fraction(1, 2)


@dataclass
class _Follower:
    """The calculation as it goes on from the author's numbers."""

    run: Run
    owns: Sequence[Own]
    wanted: frozenset[Cell]
    inputs: Mapping[str, int]  # as those of `Forms`
    found: dict[Cell, Form] = field(default_factory=dict)
    fresh: int = 0

    def __post_init__(self) -> None:
        self.system = Forms(inputs=self.inputs)
        given = (*self.run.watched.parameters, *self.run.watched.constants, *self.run.watched.data)
        self.unknown_inputs = sum(len(quantity.values) for quantity in given if quantity.name in self.inputs)
        self.by_key: dict[Key, list[Own]] = {}
        self.by_mark = {own.mark: own for own in self.owns}
        for own in self.owns:
            cell = own.claim.cell
            self.by_key.setdefault((cell.step, cell.quantity.group, cell.quantity.name), []).append(own)
        self.asked: dict[Key, list[Cell]] = {}
        for cell in self.wanted:
            self.asked.setdefault((cell.step, cell.quantity.group, cell.quantity.name), []).append(cell)
        self.derived: dict[int, list[tuple[str, list[Cell]]]] = {}
        for (step, group, name), cells in self.asked.items():
            if group == "partials":
                self.derived.setdefault(step, []).append((name, cells))
        self.programs: dict[str, Derivative] = {}
        self.fresh = -1
        self.losses: dict[int, Form] = {}

    def settled(self, step: int, group: str, name: str, array: Array) -> Array:
        """Remembers what was calculated where it is asked for, and puts the author's numbers in its place."""
        for cell in self.asked.get((step, group, name), ()):
            self.found[cell] = array[cell.position]
        owns = self.by_key.get((step, group, name), ())
        if not owns:
            return array
        replaced = array.copy()
        for own in owns:
            position = own.claim.cell.position
            replaced[position] = array[position] if self.is_finer(array[position], own) else own.form
        return replaced

    def is_finer(self, form: Form, own: Own) -> bool:
        """Whether a number is another of the author's own as it is, with which `own` agrees, and printed finer."""
        other = self.by_mark.get(next(iter(form.sources), -1))
        if other is None or len(form.sources) > 1 or not (own.known and other.known):
            return False
        is_itself = form.rest == 0 and form.centre == other.form.centre and form.parts == other.form.parts
        fine, coarse = other.claim.literal, own.claim.literal
        return bool(is_itself and fine.slack < coarse.slack and fine.low <= coarse.high and coarse.low <= fine.high)

    def calculate(self, last: int) -> None:
        """Every step up to the last that is asked for."""
        calculation = prepare(self.run.watched, self.run.followed, self.run.settings, self.system)
        data = {column.name: numbers(column, self.system) for column in self.run.watched.data}
        held: dict[str, Array] = dict(beginnings(self.run.watched, self.run.settings, self.system))
        gathered: dict[str, Array] = {}
        leap, coming, number = self.leap(held, last), deque(self.steps(last)), 1
        while number <= last:
            while coming[0] < number:
                coming.popleft()
            epochs = 0 if leap is None else epochs_to_leap(self.run.batches, number, coming[0])
            if leap is not None and epochs:
                held, number = leap.forms_after(held, epochs), number + epochs * self.run.settings.batches_per_epoch
            else:
                held, gathered = self.step(calculation, data, held, self.run.batches[number - 1], gathered)
                number += 1
            held = {name: self.shortened(array) for name, array in held.items()}
        self.predict(calculation, held, last)

    def steps(self, last: int) -> list[int]:
        """The steps in which the author has numbers or some are asked for, `last`, and all of an epoch for its mean."""
        found = {step for step, _, _ in (*self.by_key, *self.asked)} | {last}
        means = [step for step, group, _ in self.asked if group == "epoch"]
        return sorted(found | {batch.step for step in means for batch in epoch_of(self.run.batches, step)})

    def leap(self, held: Mapping[str, Array], last: int) -> Leaps | None:
        """How to leap over the epochs in which the author has no number; None where none is far enough from the next.

        Raises `OutOfReachError` for a run of more than `MAX_STEPS` that cannot be leapt over.
        """
        found = leaps(self.run, held) if is_far((0, *self.steps(last))) and not self.inputs else None
        if found is None and last > MAX_STEPS:
            raise OutOfReachError
        return found

    def step(
        self,
        calculation: Calculation,
        data: Mapping[str, Array],
        held: dict[str, Array],
        batch: Batch,
        gathered: dict[str, Array],
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """One step from the author's parameters, with the author's lines and gradients where there are any."""
        step, loss = batch.step, self.run.loss
        held = {name: self.settled(step, "before", name, array) for name, array in held.items()}
        rows = {name: column[list(batch.indices)] for name, column in data.items()}
        values = calculation.at({**held, **rows}, batch.n, _Recorded(self, step)).results
        self.losses[step] = self.settled(step, "loss", loss, values[loss]).item()
        self.epoch(batch)
        self.derivatives(batch, {**held, **rows}, values)
        gradients: dict[str, Array] = {}
        for name in calculation.derivation.wrt:
            gradient = values[adjoint_of(name)]
            if batch.adds and name in gathered:
                so_far = self.settled(step, "accumulated", name, gathered[name])
                gradient = calculation.accumulated(so_far, gradient)
            gradients[name] = self.settled(step, "gradients", name, gradient)
        clipped = self.clipped(calculation, gradients, batch)
        self.scaled(gradients, batch)
        after = self.updated(calculation, held, {**gradients, **clipped}, batch)
        shown = {**held, **rows, **values, **calculation.followed(gradients), **after}
        watched = calculation.watched(shown, batch.n)
        for name, array in watched.items():
            self.settled(step, "watch", name, array)
        return after, {**gradients, **clipped}  # what .grad holds: clipping changes it in place

    def derivatives(self, batch: Batch, given: Mapping[str, Array], values: Mapping[str, Array]) -> None:
        """The derivatives of lines that are asked for, at the author's parameters and with the author's lines."""
        for name, cells in self.derived.get(batch.step, ()):
            program = self.programs.get(name) or derivative(self.run, name, self.system)
            self.programs[name] = program
            lines = [node.name for node in self.run.watched.graph.lines]
            own = {
                line: self.settled(batch.step, "nodes", line, values[line])
                for line in lines
                if (batch.step, "nodes", line) in self.by_key
            }
            self.found.update({cell: program.at(given, batch.n, cell.position, own) for cell in cells})

    def scaled(self, gradients: Mapping[str, Array], batch: Batch) -> None:
        """The gradients times lr that are asked for."""
        settings = self.run.settings
        for name, gradient in gradients.items():
            if (batch.step, "scaled", name) in self.asked:
                place = settings.group_of(name)
                lr = settings.param_groups[place].schedule.lr
                own = of_group(self.rates(batch), place, len(settings.param_groups)).get("lr")
                if own is None and isinstance(lr, Fraction):
                    own = self.system.constant(lr)
                assert own is not None  # it is a number, or varies
                self.settled(batch.step, "scaled", name, self.system.apply("mul", (own, gradient)))

    def changed(self, name: str, step: int, before: Array, after: Array) -> Array:
        """A parameter after its update, by the author's own change of it where there is one."""
        if (step, "change", name) not in self.asked and (step, "change", name) not in self.by_key:
            return after
        change = self.system.apply("sub", (after, before))
        own = self.settled(step, "change", name, change)
        return after if own is change else self.system.apply("add", (before, own))

    def clipped(self, calculation: Calculation, gradients: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """The gradients after clipping, where an update follows."""
        found = calculation.clipped(gradients) if calculation.update is not None and batch.updates else {}
        return {name: self.settled(batch.step, "clipped", name, array) for name, array in found.items()}

    def rates(self, batch: Batch) -> dict[str, Array]:
        """What changes from step to step, and lr in any case, with the author's numbers in the place of the right ones.

        Nothing where all is as it is in every step.
        """
        settings = self.run.settings
        found = ByHand(settings, self.system).at(batch)
        claimed = [name for name in settings.varying or ("lr",) if (batch.step, "setting", name) in self.by_key]
        if claimed and not found:
            groups = [group.schedule.lr for group in settings.param_groups]
            found = together([{"lr": self.system.constant(lr)} for lr in groups if isinstance(lr, Fraction)], ("lr",))
        return {**found, **{name: self.settled(batch.step, "setting", name, found[name]) for name in claimed}}

    def updated(
        self, calculation: Calculation, held: dict[str, Array], gradients: Mapping[str, Array], batch: Batch
    ) -> dict[str, Array]:
        """The parameters and the state after a step: the state first, and the parameters from the author's state.

        `gradients` are those after clipping.
        """
        step = batch.step
        after = dict(held)
        t = self.system.constant(Fraction(batch.t))
        updates = calculation.update is not None and batch.updates
        rates = self.rates(batch) if updates else {}
        for name, gradient in gradients.items() if updates else ():
            moved = calculation.updated(name, held, gradient, t, rates=rates)
            states = {own for own in moved if parameter_of(own) != own}
            own_states = {own: self.settled(step, "after", own, moved[own]) for own in states}
            if any(own_states[own] is not moved[own] for own in states):
                moved = calculation.updated(name, held, gradient, t, own_states, rates)
            after |= {**own_states, name: moved[name]}
        for name in list(after):
            if parameter_of(name) == name:
                moved_by_own = self.changed(name, step, held[name], after[name])
                after[name] = self.settled(step, "after", name, moved_by_own)
        return after

    def epoch(self, batch: Batch) -> None:
        """The mean losses of an epoch that are asked for at its last step."""
        for name in EPOCH_MEANS:
            cells = self.asked.get((batch.step, "epoch", name), ())
            if cells:
                batches = epoch_of(self.run.batches, batch.step)
                weights, divisor = weights_of(self.run, name, batches)
                losses = [self.losses[own.step] for own in batches]
                parts = [
                    self.system.apply("mul", (forms([loss], ()), self.system.constant(Fraction(weight, divisor))))
                    for loss, weight in zip(losses, weights, strict=True)
                ]
                total = parts[0]
                for part in parts[1:]:
                    total = self.system.apply("add", (total, part))
                self.found.update(dict.fromkeys(cells, total.item()))

    def predict(self, calculation: Calculation, held: Mapping[str, Array], last: int) -> None:
        """The lines at the data of [predict] that are asked for, at the author's final parameters."""
        cells = [cell for cell in self.wanted if cell.quantity.group == "prediction"]
        if not cells or last < len(self.run.batches):
            return
        problem = self.run.watched
        lines = frozenset(predicted(problem.graph, problem.predict))
        given = {column.name: numbers(column, self.system) for column in problem.predict}
        values = only(calculation, lines).at({**held, **given}, problem.predict[0].shape[0]).results
        self.found.update({cell: values[cell.quantity.name][cell.position] for cell in cells})

    def shortened(self, array: Array) -> Array:
        """Numbers of few digits and few unknowns, for the next step."""
        short = array.copy()
        for place, form in enumerate(array.flat):
            self.fresh -= 1
            short.flat[place] = shortened(form, self.fresh, MAX_PARTS + self.unknown_inputs)
        return short


class _Recorded(Mapping[str, Array]):
    """The author's lines and their adjoints, put in the place of what is calculated as it is calculated."""

    def __init__(self, follower: _Follower, step: int) -> None:
        self.follower, self.step_number = follower, step
        loss = follower.run.loss
        lines = [node.name for node in follower.run.watched.graph.lines if node.name != loss]
        self.targets = {name: ("nodes", name) for name in lines}
        self.targets |= {adjoint_of(name): ("adjoints", name) for name in lines}

    def get(self, target: str, default: Any = None) -> Any:
        if target not in self.targets or default is None:
            return default
        return self.follower.settled(self.step_number, *self.targets[target], default)

    def __getitem__(self, target: str) -> Array:
        raise KeyError(target)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1  # not empty: it is asked for every line


def follow(
    run: Run, owns: Sequence[Own], wanted: Sequence[Cell], inputs: Mapping[str, int] | None = None
) -> Mapping[Cell, Form]:
    """For each cell of `wanted` the number that follows from the author's own earlier ones, if calculated.

    `inputs` are the rounded inputs with the marks of their unknowns; all others are as they are printed.
    """
    last = max((cell.step for cell in wanted), default=0)
    follower = _Follower(run, owns, frozenset(wanted), inputs or {})
    try:
        with precision(min(256 + BITS_A_STEP * last, 8192)):
            follower.calculate(last)
    except OutOfReachError:
        return {}
    return follower.found
