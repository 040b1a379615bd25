"""The right values of cells: the hand calculation, of which no more is kept than what is claimed.

Exact while the fractions are short, then in balls; with more digits inside wherever those of a claim are not decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.console import Progress
from derive.errors import EquationError
from derive.problem.predict import predicted
from derive.run.run import Run
from verify.claims.claim import Cell, Quantity
from verify.following.course import Courses, values_by_course
from verify.hand import run as hand
from verify.hand.calculation import beginnings, columns, only
from verify.hand.derivative import Derivative, derivative
from verify.hand.leap import epochs_to_leap, is_far, leaps
from verify.hand.rates import ByHand
from verify.hand.run import UNDEFINED, Exacts, HandStep, Inputs
from verify.hand.undefined import Undefined
from verify.logs.meaning import GradientNorm
from verify.logs.means import Losses, asked_steps, epoch_mean, logged_mean, losses_of
from verify.numbers import (
    Array,
    CalculationError,
    Exact,
    Exactly,
    from_fraction,
    is_finite,
    objects,
    precision,
)

PRECISIONS = (128, 512, 2048, 8192, 32768)  # bits inside balls, tried until the digits of all claims are decided
MANY_BITS = 2048  # with which a long run begins: balls widen with every step, and more digits cost little
MANY = 3000  # steps from which on a run is calculated by its course; of so many, none is looked at for rounding
MAX_KEPT = 200_000  # numbers of the states of steps that are kept for what is asked of them besides
MAX_BY_STEPS = 200_000  # steps that are calculated one by one; more would take hours

Decided = Callable[[Mapping[Cell, Exactly]], bool]  # whether these values suffice, each by itself


@dataclass(frozen=True)
class Known:
    """The right values of the cells that have one, and for the others the sentence that says why not.

    `of_cells` are the reasons of single cells; `is_final` says that more digits would give no more values. `steps` are
    all steps of the run up to the last cell, where each of a few was calculated.
    """

    values: Mapping[Cell, Exactly]
    reason: str = ""
    of_cells: Mapping[Cell, str] = field(default_factory=dict)
    is_final: bool = False
    steps: tuple[HandStep, ...] = ()

    def why(self, cell: Cell) -> str:
        """Why a cell has no value, or none whose digits tell; empty where nothing is known of that."""
        return self.of_cells.get(cell, self.reason)


def right_values(
    run: Run, cells: Iterable[Cell], decided: Decided, tell: Progress | None = None, courses: Courses | None = None
) -> Known:
    """The right value of every cell, with as many digits as `decided` asks for; `tell` is told of the steps done.

    `courses` has what is known of a long run.
    """
    wanted = tuple(dict.fromkeys(cells))  # each once: several ways to read a table ask for the same
    found = Known({})
    last = max((cell.step for cell in wanted), default=0)
    if MANY < last <= MAX_BY_STEPS and not is_far((0, *sorted({cell.step for cell in wanted}))):
        values = values_by_course(run, wanted, courses)
        if values is not None and decided(values):
            return Known(values, is_final=True)
    several = [bits for bits in PRECISIONS if bits >= min(last // 2, MANY_BITS)]
    for bits in several:
        is_last = bits == PRECISIONS[-1]
        with precision(bits):
            try:
                found = _pass(run, wanted, None if is_last else decided, tell, once=bits > several[0])
            except _BlurredError:
                continue
            is_whole = found.is_final or len(found.values) == len(wanted)
            if is_whole and (not is_last or decided(found.values)):
                return found
    reason = found.reason or f"its digits are not decided with {PRECISIONS[-1]} bits"
    return replace(found, reason=reason)


class _BlurredError(ArithmeticError):
    """A value whose digits do not suffice: what comes after it in the run is not calculated with so few."""


def _pass(run: Run, cells: Sequence[Cell], decided: Decided | None, tell: Progress | None, *, once: bool) -> Known:
    """The values of the cells with the digits of the current precision; `once` is that of `hand.inputs`.

    Raises `_BlurredError` at the first one that is known, and that `decided` does not decide.
    """
    by_step: dict[int, list[Cell]] = {step: [] for step in asked_steps(run, cells)}
    for cell in cells:
        by_step[cell.step].append(cell)
    last = max(by_step, default=0)
    values: dict[Cell, Exactly] = {}
    losses = losses_of(run)
    prepared = hand.inputs(run, once=once)
    lines = tuple(node.name for node in run.watched.graph.lines)
    partials = Partials(run)
    gone: list[HandStep] = []
    whys: dict[Cell, str] = {}
    reason, is_final = "", False
    try:
        for step in steps_to(run, prepared, sorted(by_step), lines, tell):
            number = step.batch.step
            if number == len(gone) + 1 and number * _size(step) <= MAX_KEPT:
                gone.append(step)
            if not all(map(is_finite, _state_after(step))):
                why = Undefined(run, step.before, step.batch).first()
                reason, is_final = f"at step {number} {why or UNDEFINED}", bool(why)
                break
            losses.known[number, run.loss] = step.loss.item()
            losses.known |= {
                (number, name): step.nodes[name].item() for name in run.problem.reported if name in step.nodes
            }
            own = {cell: _value(run, prepared, step, cell, losses, partials) for cell in by_step.get(number, ())}
            known = {cell: value for cell, value in own.items() if value is not None}
            values.update(known)
            whys |= _checked(run, step, known, decided)
    except CalculationError as error:
        reason, is_final = f"the hand calculation has no value there: {error}", True
    except OutOfReachError as error:
        reason, is_final = str(error), True
    finite = {cell: value for cell, value in values.items() if is_finite(value)}
    lacking = [cell for cell in cells if cell not in finite]
    of_cells = {cell: whys[cell] for cell in lacking if cell in values}
    if not reason:  # the run has reached every step
        of_cells |= {cell: f"{cell.name} has no value there" for cell in lacking if cell not in values}
    has_none = not reason and all(cell not in values for cell in lacking)
    steps = tuple(gone[:last]) if len(gone) >= last else ()
    return Known(finite, reason, of_cells, is_final or has_none, steps)


def _size(step: HandStep) -> int:
    """How many numbers the state of a step has."""
    return sum(array.size for array in step.before.values())


def _state_after(step: HandStep) -> list[Exactly]:
    """The numbers of the state that a step leaves."""
    return [value for array in step.after.values() for value in array.flat]


def _checked(run: Run, step: HandStep, values: Mapping[Cell, Exactly], decided: Decided | None) -> dict[Cell, str]:
    """Why numbers of a step that are not finite have no value.

    Raises `_BlurredError` where the others do not suffice.
    """
    finite = {cell: value for cell, value in values.items() if is_finite(value)}
    if decided is not None and not decided(finite):
        raise _BlurredError
    lacking = [cell for cell in values if cell not in finite] if len(finite) < len(values) else []
    if not lacking:
        return {}
    found = Undefined(run, step.before, step.batch)
    return {cell: found.why(cell.quantity.group, cell.quantity.name, cell.position) or UNDEFINED for cell in lacking}


def _value(
    run: Run,
    prepared: Inputs,
    step: HandStep,
    cell: Cell,
    losses: Losses,
    partials: Partials,
) -> Exactly | None:
    """The value of a cell at its step; None for a derivative that has none."""
    match cell.quantity.group:
        case "epoch":
            return epoch_mean(run, cell, losses.known)
        case "averaged":
            return logged_mean(run, cell, losses)
        case "norm":
            return gradient_norm(step, cell)
        case "prediction":
            return _predicted(run, prepared, step, cell)
        case "partials" | "local":
            return partials.value(step, cell)
        case "scaled":
            gradient: Exactly = step.gradients[cell.quantity.name][cell.position]
            return lr_of(run, step, cell.quantity.name) * gradient
    return value_of(step, cell)


class OutOfReachError(ArithmeticError):
    """A run that is too long to be calculated."""


def steps_to(
    run: Run, prepared: Inputs, wanted: Sequence[int], lines: Sequence[str] = (), tell: Progress | None = None
) -> Iterator[HandStep]:
    """The steps by hand up to the last that is wanted; long stretches without one are leapt over where they can be."""
    held = beginnings(run.watched, run.settings, Exact())
    gathered: Exacts = {}
    leap = leaps(run, held) if is_far((0, *wanted)) else None
    last, step = max(wanted, default=0), 1
    if leap is None and last > MAX_BY_STEPS:
        raise OutOfReachError(
            f"a run of {last:,} steps that are not linear in the parameters is out of reach: at most {MAX_BY_STEPS:,}"
        )
    marks = set(wanted)
    coming = iter([*sorted(marks), last + 1])
    target = next(coming)
    while step <= last:
        while target < step:
            target = next(coming)
        batch = run.batches[step - 1]
        epochs = epochs_to_leap(run.batches, step, target) if leap is not None else 0
        if leap is not None and epochs:
            held, step = leap.after(held, epochs), step + epochs * run.settings.batches_per_epoch
            continue
        found = hand.step(prepared, held, batch, lines if step in marks else (), gathered)
        yield found
        held, gathered = found.after or held, found.left
        if tell is not None and step % 1000 == 0:
            tell(step, last, "no claim is judged yet")
        step += 1


def rate(run: Run, cell: Cell) -> Exactly | None:
    """The learning rate of a step, or what changes with it, of a group; None where nothing is trained."""
    if not run.settings.param_groups:
        return None
    if not run.settings.varying:
        lr = run.settings.param_groups[cell.position[0] if cell.position else 0].schedule.lr
        assert isinstance(lr, Fraction)  # what is no number varies
        return from_fraction(lr)
    found: Exactly = ByHand(run.settings, Exact()).at(run.batches[cell.step - 1])[cell.quantity.name][cell.position]
    return found


@dataclass
class Partials:
    """The derivatives of lines by other names, through all paths or as local partials, each calculated once a step."""

    run: Run
    programs: dict[str, Derivative | None] = field(default_factory=dict)
    step: HandStep | None = None
    rows: dict[tuple[str, tuple[int, ...], bool], Array | None] = field(default_factory=dict)

    def value(self, step: HandStep, cell: Cell) -> Exactly | None:
        """The number of a cell at the numbers of its step; None where it has no value."""
        name, is_local = cell.quantity.name, cell.quantity.group == "local"
        if name not in self.programs:
            self.programs[name] = _program(self.run, name)
        program = self.programs[name]
        if program is None:
            return None
        if step is not self.step:
            self.step, self.rows = step, {}
        above, below = program.parts(cell.position)
        if program.of == program.wrt:
            return from_fraction(Fraction(int(above == below)))
        key = (name, above, is_local)
        if key not in self.rows:
            self.rows[key] = self._row(program, step, above, is_local=is_local)
        row = self.rows[key]
        if row is None:
            return None
        found: Exactly = row[below]
        return found

    def _row(self, program: Derivative, step: HandStep, above: tuple[int, ...], *, is_local: bool) -> Array | None:
        data = columns(self.run.watched, self.run.watched.data, Exact())
        given = {name: column[list(step.batch.indices)] for name, column in data.items()}
        try:
            return program.row({**step.before, **given}, step.batch.n, above, local=is_local)
        except CalculationError:
            return None


def _program(run: Run, name: str) -> Derivative | None:
    """The program of a derivative; None where a line has none."""
    try:
        return derivative(run, name, Exact())
    except EquationError:
        return None


def lr_of(run: Run, step: HandStep, parameter: str) -> Exactly:
    """The learning rate of a parameter in a step."""
    groups = len(run.settings.param_groups)
    entry = (run.settings.group_of(parameter),) if groups > 1 else ()
    found = rate(run, Cell(step.batch.step, Quantity("setting", "lr", "lr"), entry, entry))
    assert found is not None  # it is trained
    return found


def value_of(step: HandStep, cell: Cell) -> Exactly:
    """A number of a step that has been calculated."""
    group, name = cell.quantity.group, cell.quantity.name
    if group == "change":
        moved: Exactly = (step.after or step.before)[name][cell.position] - step.before[name][cell.position]
        return moved
    if group == "loss":
        return step.loss[cell.position]  # type: ignore[no-any-return]
    arrays: Mapping[str, Array] = (step.after or step.before) if group == "after" else getattr(step, _HELD[group])
    if group == "accumulated" and name not in arrays:
        return from_fraction(Fraction(0))
    number: Exactly = arrays[name][cell.position]
    return number


_HELD = {  # where a step has the numbers of a group
    **{group: group for group in ("before", "nodes", "adjoints", "accumulated", "gradients", "clipped")},
    **dict.fromkeys(("watch", "inside"), "nodes"),
}


def gradient_norm(step: HandStep, cell: Cell) -> Exactly:
    """The norm of all gradients of a step, before clipping."""
    quantity = cell.quantity
    assert isinstance(quantity, GradientNorm)
    total: Exactly = from_fraction(Fraction(0))
    for array in step.gradients.values():
        for number in array.flat:
            total = total + number * number
    root: Exactly = Exact().apply("sqrt", (objects([total], ()),)).item()
    return root / from_fraction(Fraction(quantity.divisor))


def _predicted(run: Run, prepared: Inputs, last: HandStep, cell: Cell) -> Exactly:
    """A line at a row of [predict], at the parameters with which the run ends."""
    lines = frozenset(predicted(run.watched.graph, run.watched.predict))
    given = columns(run.watched, run.watched.predict, prepared.calculation.system)
    rows = run.watched.predict[0].shape[0]
    results = only(prepared.calculation, lines).at({**(last.after or last.before), **given}, rows).results
    number: Exactly = results[cell.quantity.name][cell.entry]
    return number
