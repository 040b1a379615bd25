"""Follow-through: each number recalculated from the author's own earlier ones.

An author's number is any number that its printed digits allow. What is calculated from several of them is a form
in what each may be off, so that an interval of the result is no wider than it must be where steps are linear. So
"wrong here" and "inherited from an earlier number" are told apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

from derive.problem.predict import predicted
from derive.problem.update_names import STEP_SIZE
from derive.run.batches import Batch
from derive.run.reads import Held
from derive.run.run import Run
from derive.training.optimizers import read_assignment
from verify.claims.claim import Cell
from verify.following import beginning
from verify.following.beginning import SHORT, Beginning, known_states
from verify.following.epoch_means import added, means_by_step, sum_behind
from verify.following.own_lines import Correction, Recorded, through_lines
from verify.following.own_numbers import MAX_PARTS, NOT_HIDING, Hiding, Own, Shortening, is_finer, state_behind
from verify.following.right_values import OutOfReachError
from verify.hand.calculation import Calculation, columns, only, prepare
from verify.hand.derivative import Derivative, derivative
from verify.hand.leap import Leaps, epochs_to_leap, is_far, leaps
from verify.hand.program import times_guarded
from verify.hand.rates import ByHand, of_group, together
from verify.hand.update import applied
from verify.logs.meaning import RunningSums
from verify.logs.means import asked_steps, line_of
from verify.names import adjoint_of, parameter_of, state_name
from verify.numbers import Array, Form, Forms, HandForms, forms, precision

MAX_STEPS = 20_000  # that are followed one by one; of a later wrong number it is not said whether it is inherited
BITS_A_STEP = 4  # balls widen with every step

_PLAIN = (read_assignment("p = p - lr*g"),)

Key = tuple[int, str, str]  # step, group, name
LooksOn = Callable[[Cell, Form], bool]  # is told each number that follows; where it says no, nothing more is calculated


class _EnoughError(Exception):
    """Nothing more is asked for."""


def _key(cell: Cell) -> Key:
    return cell.step, cell.quantity.group, cell.quantity.name


@dataclass
class _Follower:
    """The calculation as it goes on from the author's numbers."""

    run: Run
    owns: Sequence[Own]
    wanted: frozenset[Cell]
    system: Forms
    through: bool = False
    passed: Mapping[int, int] = field(default_factory=dict)
    hiding: Hiding = NOT_HIDING
    looks_on: LooksOn | None = None
    found: dict[Cell, Form] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given, self.averages = self.run.watched.given, self.run.problem.graph.averages
        unknown_inputs = sum(len(quantity.values) for quantity in given if quantity.name in self.system.inputs)
        self.shortening = Shortening(MAX_PARTS + unknown_inputs)
        self.by_key: dict[Key, list[Own]] = {}
        self.by_mark = {own.mark: own for own in self.owns}
        for own in self.owns:
            self.by_key.setdefault(_key(own.claim.cell), []).append(own)
        self.asked: dict[Key, list[Cell]] = {}
        for cell in self.wanted:
            self.asked.setdefault(_key(cell), []).append(cell)
        self.derived: dict[int, dict[str, None]] = {}  # the derivatives of each step, asked for or the author's
        for step, _, name in (key for key in (*self.asked, *self.by_key) if key[1] == "partials"):
            self.derived.setdefault(step, {})[name] = None
        self.programs: dict[str, Derivative] = {}
        self.losses: dict[tuple[int, str], Form] = {}  # by step and line: the losses, and what is reported
        self.means = means_by_step(self.run, self.wanted)
        self.predictions: dict[int, list[Cell]] = {}
        for (step, group, _), cells in self.asked.items():
            if group == "prediction":
                self.predictions.setdefault(step, []).extend(cells)
        self.products: dict[tuple[int, str], Array] = {}  # the author's own lr·∂l/∂w
        self.sums = RunningSums(self.run.batches, self.averages, partial(added, self.system))
        self.moves: dict[str, Callable[..., Mapping[str, Array]]] = {}  # the last update of each parameter

    def settled(self, step: int, group: str, name: str, array: Array) -> Array:
        """Remembers what was calculated where it is asked for, and puts the author's numbers in its place.

        Raises `_EnoughError` where who looks on has seen enough; not where derivatives of lines are still to move it.
        """
        is_state = group == "after" and parameter_of(name) != name
        samples = self.run.batches[step - 1].n if self.averages else 1
        array = self.system.written("state" if is_state else group, array, samples)
        for cell in self.asked.get((step, group, name), ()):
            self.found[cell] = array[cell.position]
            if self.looks_on is not None and step not in self.derived and not self.looks_on(cell, self.found[cell]):
                raise _EnoughError
        owns = self.by_key.get((step, group, name), ())
        if not owns:
            return array
        replaced = array.copy()
        for own in owns:
            position = own.claim.cell.position
            other = self.by_mark.get(next(iter(array[position].sources), -1))
            replaced[position] = array[position] if is_finer(array[position], other, own) else own.form
        return replaced

    def recorded(self, step: int, corrections: Sequence[Correction] = (), *, is_of_loss: bool = True) -> Recorded:
        """The author's lines of a step, and their adjoints."""
        return Recorded(self.run, self.system, partial(self.settled, step), corrections, is_of_loss=is_of_loss)

    def calculate(self, last: int, begin: Beginning) -> None:
        """Every step up to the last that is asked for, from the state that it begins with."""
        product = through_lines(self.run.followed) if self.through else times_guarded
        calculation = prepare(self.run.watched, self.run.followed, self.run.settings, self.system, product)
        data = columns(self.run.watched, self.run.watched.data, self.system)
        held, gathered, number = dict(begin.held), dict(begin.gathered), begin.step
        leap, coming = self.leap(held, number, last), deque(self.steps(last))
        while number <= last:
            if number in self.passed:
                number = self.passed[number]
                held = {name: self.shortening.of(self.own_state(name, array, number)) for name, array in held.items()}
            while coming[0] < number:
                coming.popleft()
            epochs = 0 if leap is None else epochs_to_leap(self.run.batches, number, coming[0])
            if leap is not None and epochs:
                held, number = leap.forms_after(held, epochs), number + epochs * self.run.settings.batches_per_epoch
            else:
                held, gathered = self.step(calculation, data, held, self.run.batches[number - 1], gathered)
                number += 1
            held = {name: self.shortening.of(array) for name, array in held.items()}
            self.predict(calculation, held, number - 1)

    def steps(self, last: int) -> list[int]:
        """The steps in which the author has numbers or some are asked for, `last`, and all of an epoch for its mean."""
        return sorted({step for step, _, _ in self.by_key} | asked_steps(self.run, self.wanted) | {last})

    def own_state(self, name: str, array: Array, step: int) -> Array:
        """The author's own numbers of a parameter, or what is kept of it, before a step."""
        found = array.copy()
        for own in self.by_key[step - 1, "after", name]:
            found[own.claim.cell.position] = own.form
        return found

    def leap(self, held: Mapping[str, Array], first: int, last: int) -> Leaps | None:
        """How to leap over the epochs in which the author has no number; None where none is far enough from the next.

        Raises `OutOfReachError` for more than `MAX_STEPS` from `first` on, besides those that are `passed` over, that
        cannot be leapt over.
        """
        far = is_far((first - 1, *(step for step in self.steps(last) if step >= first)))
        found = leaps(self.run, held) if far and not self.system.inputs else None
        if found is None and beginning.steps_between(self.passed, first, last) > MAX_STEPS + 1:
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
        for name in list(self.moves):
            held |= self.shown_by(name, step, "before", held)
        rows = {name: column[list(batch.indices)] for name, column in data.items()}
        recorded = self.recorded(step)
        values = calculation.at({**held, **rows}, batch.n, recorded).results
        self.losses[step, loss] = self.settled(step, "loss", loss, values[loss]).item()
        for name in self.run.problem.reported if self.means else ():
            self.losses[step, name] = self.settled(step, "nodes", name, values[name]).item()
        self.averaged(batch)
        if corrections := self.derivatives(batch, {**held, **rows}):
            recorded = self.recorded(step, corrections)
            values = calculation.at({**held, **rows}, batch.n, recorded).results
        gradients: dict[str, Array] = {}
        for name in calculation.derivation.wrt:
            gradient = recorded.corrected(adjoint_of(name), values[adjoint_of(name)])
            if batch.adds and name in gathered:
                so_far = self.settled(step, "accumulated", name, gathered[name])
                gradient = calculation.accumulated(so_far, gradient)
            gradients[name] = self.settled(step, "gradients", name, gradient)
        clipped = self.clipped(calculation, gradients, batch)
        self.scaled(gradients, batch)
        after = self.updated(calculation, held, {**gradients, **clipped}, batch)
        t = self.system.constant(Fraction(batch.made))
        inner = calculation.inside(Held(held, after, {**gradients, **clipped}), t, self.rates(batch))
        shown = {**held, **rows, **values, **calculation.followed(gradients), **after, **inner}
        watched = calculation.watched(shown, batch.n)
        for name, array in watched.items():
            if parameter_of(name) == name:  # a number of the update has been settled where it was calculated
                self.settled(step, "watch", name, array)
        return after, {**gradients, **clipped}  # what .grad holds: clipping changes it in place

    def derivatives(self, batch: Batch, given: Mapping[str, Array]) -> list[Correction]:
        """The derivatives of lines, and how far the author's are from what follows from the numbers before them.

        Those over few lines come first: a longer one goes on with them.
        """
        order = {node.name: place for place, node in enumerate(self.run.watched.graph.nodes)}

        def span(name: str) -> int:
            of, _, wrt = name.partition("/")
            return order[of] - order[wrt]

        found: list[Correction] = []
        for name in sorted(self.derived.get(batch.step, ()), key=span):
            edges = through_lines if self.through else None
            program = self.programs.get(name) or derivative(self.run, name, self.system, edges)
            self.programs[name] = program
            owns = {own.claim.cell: own for own in self.by_key.get((batch.step, "partials", name), ())}
            here: list[Correction] = []
            rows: dict[tuple[int, ...], Array] = {}
            for cell in dict.fromkeys((*self.asked.get((batch.step, "partials", name), ()), *owns)):
                above, below = program.parts(cell.position)
                if program.of == program.wrt:
                    self.found[cell] = program.at(given, batch.n, cell.position)
                    continue
                if above not in rows:
                    recorded = self.recorded(batch.step, found, is_of_loss=False)
                    row = program.row(given, batch.n, above, recorded)
                    rows[above] = recorded.corrected(adjoint_of(program.wrt), row)
                self.found[cell] = rows[above][below]
                if cell in owns:
                    own, number = forms([owns[cell].form], ()), forms([rows[above][below]], ())
                    off = self.system.apply("sub", (own, number))
                    here.append(Correction(program.of, program.wrt, above, below, off))
            found += here
        return found

    def scaled(self, gradients: Mapping[str, Array], batch: Batch) -> None:
        """The gradients times lr, where they are asked for or the author has them."""
        settings, step = self.run.settings, batch.step
        for name, gradient in gradients.items():
            if (batch.step, "scaled", name) in self.asked:
                place = settings.group_of(name)
                lr = settings.param_groups[place].schedule.lr
                own = of_group(self.rates(batch), place, len(settings.param_groups)).get("lr")
                if own is None and isinstance(lr, Fraction):
                    own = self.system.constant(lr)
                assert own is not None  # it is a number, or varies
                product = self.system.apply("mul", (own, gradient))
                if (found := self.settled(step, "scaled", name, product)) is not product:
                    self.products[step, name] = found

    def changed(self, name: str, step: int, before: Array, after: Array) -> Array:
        """A parameter after its update, by the author's own change of it, or step size, where there is one."""
        for group, full, sign in (("change", name, "add"), ("inside", state_name(name, STEP_SIZE), "sub")):
            if (step, group, full) in self.asked or (step, group, full) in self.by_key:
                change = self.system.apply("sub", (after, before) if sign == "add" else (before, after))
                own = self.settled(step, group, full, change)
                after = after if own is change else self.system.apply(sign, (before, own))
        return after

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
        """The parameters and the state after a step, each number of the update from the author's own ones before it.

        `gradients` are those after clipping.
        """
        step = batch.step
        after = dict(held)
        t = self.system.constant(Fraction(batch.t))
        updates = calculation.update is not None and batch.updates
        rates = self.rates(batch) if updates else {}
        self.moves = {}
        own: dict[str, Array] = {}

        def settled(name: str, result: Array) -> Array:
            own[name] = self.settled(step, "after" if name in held else "inside", name, result)
            return own[name]

        for name, gradient in gradients.items() if updates else ():
            self.moves[name] = partial(calculation.updated, name, held, gradient, t, rates=rates)
            moved = self.moves[name](settled)
            after |= {full: own.get(full, number) for full, number in moved.items()}
            after[name] = self.moved_by_product(name, step, held[name], after[name])
        for name in list(after):
            if parameter_of(name) == name:
                moved_by_own = self.changed(name, step, held[name], after[name])
                after[name] = self.settled(step, "after", name, moved_by_own)
                after |= self.shown_by(name, step, "after", after)
        return after

    def shown_by(self, name: str, step: int, group: str, held: Mapping[str, Array]) -> dict[str, Array]:
        """The state that is `hiding`, by the parameter `name` that it has moved; nothing where a column has it."""
        owns, full = self.by_key.get((step, group, name), ()), state_name(name, self.hiding.state)
        if name not in self.moves or full not in held or self.hiding.behind.isdisjoint(own.mark for own in owns):
            return {}
        if (step if group == "after" else step - 1, "after", full) in self.by_key:
            return {}
        return state_behind(full, name, self.moves[name], held, self.system)

    def moved_by_product(self, name: str, step: int, before: Array, after: Array) -> Array:
        """A parameter after w ← w − lr·∂l/∂w, by the author's own product where there is one."""
        product = self.products.get((step, name))
        plain = self.run.settings.rule_of(name).on_paper == _PLAIN and self.run.settings.clip is None
        if product is None or not plain:
            return after
        return applied(self.run.watched.graph.frozen, name, before, self.system.apply("sub", (before, product)))

    def averaged(self, batch: Batch) -> None:
        """The means and sums of losses that are asked for at the last step of theirs: added up, then divided."""
        for cell in self.means.get(batch.step, ()):
            line = line_of(self.run, cell.quantity)
            if (made_of := sum_behind(self.run, cell, self.sums, partial(self.loss_of, line))) is not None:
                total, divisor = made_of
                whole = self.system.constant(Fraction(divisor))
                self.found[cell] = (total if divisor == 1 else self.system.apply("div", (total, whole))).item()

    def loss_of(self, line: str, step: int) -> Form:
        """A loss, or what is reported beside it."""
        return self.losses[step, line]

    def predict(self, calculation: Calculation, held: Mapping[str, Array], step: int) -> None:
        """The lines at the data of [predict] that are asked for, at the author's last parameters."""
        cells = self.predictions.get(step)
        if not cells:
            return
        problem = self.run.watched
        lines = frozenset(predicted(problem.graph, problem.predict))
        given = columns(problem, problem.predict, self.system)
        values = only(calculation, lines).at({**held, **given}, problem.predict[0].shape[0]).results
        self.found.update({cell: values[cell.quantity.name][cell.position] for cell in cells})


def follow(
    run: Run,
    owns: Sequence[Own],
    wanted: Sequence[Cell],
    system: Forms | None = None,
    *,
    through: bool = False,
    hiding: Hiding = NOT_HIDING,
    looks_on: LooksOn | None = None,
) -> Mapping[Cell, Form]:
    """For each cell of `wanted` the number that follows from the author's own earlier ones, if calculated.

    `system` says what is not exact besides them: inputs that are rounded, or every result; nothing where none is given.
    `through` takes the derivative of a line at the author's number of the line itself (`through_lines`). Parameters
    with the marks `hiding` were moved by another state than the right one: they show by which, if no column does.
    What follows after a number at which who `looks_on` has seen enough is left out.
    In a long run a cell before which the author has no number is left out: it does not follow from any.
    """
    chosen = system or HandForms()
    is_long = type(chosen) is HandForms and not chosen.inputs and max((own.step for own in wanted), default=0) > SHORT
    cells = beginning.after_others(wanted, [own.claim.cell for own in owns]) if is_long else wanted
    last = max((cell.step for cell in cells), default=0)
    if not last:
        return {}
    first, passed = 1, dict[int, int]()
    if is_long:
        claims = [own.claim for own in owns]
        first = beginning.first_step(run, cells, [claim.cell for claim in claims])
        passed = beginning.passed_over(known_states(run, claims), asked_steps(run, cells), first)
    follower = _Follower(run, owns, frozenset(cells), chosen, through, passed, hiding, looks_on)
    try:
        with suppress(_EnoughError), precision(min(256 + BITS_A_STEP * last, 8192)):
            is_later = first > 1 and first not in passed  # what is passed over is not calculated
            begin = beginning.before(run, first) if is_later else beginning.at_first(run, chosen)
            follower.calculate(last, replace(begin, step=first))
    except OutOfReachError:
        return {}
    return follower.found
