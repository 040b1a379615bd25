"""What else can be said of a wrong number: the place for the mistakes that explain one.

Each function of `REMARKS` looks at one wrong claim beside the others, and says a sentence or nothing. A catalogue of
mistakes is more such functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from derive.run.run import Run
from verify.auditing.finding import Finding, Status
from verify.auditing.follow_through import Own, own_number
from verify.auditing.right_values import right_values
from verify.bound.bound import PRECISION
from verify.claims.claim import Cell, Quantity
from verify.claims.literal import judge, within
from verify.hand.calculation import numbers, prepare
from verify.numbers import Form, Forms, as_ball, fixed, forms, from_fraction, precision, to_float

MAX_LOCAL = 200  # steps that are calculated for a remark
Context = Mapping[Cell, Finding]
Remark = Callable[[Run, Finding, Context], str]


def remarks(run: Run, finding: Finding, context: Context) -> tuple[str, ...]:
    """The sentences of all `REMARKS` on a wrong claim; `context` are all findings of the audit, by cell."""
    return tuple(said for remark in REMARKS if (said := remark(run, finding, context)))


def before_the_update(run: Run, finding: Finding, context: Context) -> str:
    """Says that a parameter claimed after a step is the one before it; else empty."""
    cell = finding.cell
    if cell.quantity.group != "after":
        return ""
    name = cell.quantity.name
    begun = Cell(cell.step, Quantity("before", name, f"{name}_before"), cell.entry, cell.position)
    left = Cell(cell.step - 1, cell.quantity, cell.entry, cell.position)
    earlier = context.get(begun) or context.get(left)
    literal = finding.claim.literal
    if earlier is not None:
        other = earlier.claim.literal
        if literal.special is None and other.low <= literal.high and literal.low <= other.high:
            return f"It is {name} before the update, {other.text}"
    elif cell.step == 1:
        for parameter in run.watched.parameters:
            if parameter.name == name and parameter.values:
                place = 0
                for number, length in zip(cell.position, parameter.shape, strict=True):
                    place = place * length + number
                if within(from_fraction(parameter.values[place]), literal.low, literal.high):
                    return f"It is {name} before the update"
    return ""


def local_partial_alone(run: Run, finding: Finding, context: Context) -> str:
    """Says that a derivative is the local partial of its line, without the paths through other lines; else empty."""
    del context
    cell, literal, graph = finding.cell, finding.claim.literal, run.watched.graph
    of, _, wrt = cell.quantity.name.rpartition("/")
    of = of or run.loss
    is_derivative = cell.quantity.group in ("partials", "adjoints", "gradients")
    if not is_derivative or of not in graph.by_name:
        return ""
    if literal.special is not None or cell.step > MAX_LOCAL or not literal.value or finding.right is None:
        return ""
    local = Cell(cell.step, Quantity("local", f"{of}/{wrt}", ""), cell.entry, cell.position)
    value = right_values(run, [local], lambda _: True).values.get(local)
    if value is None or judge(literal, value) != "right":
        return ""
    return f"It is the local partial of the line {of}; through all paths the derivative is another"


def other_sign(run: Run, finding: Finding, context: Context) -> str:
    """Says that the change of a parameter has the sign of what is taken off; else empty."""
    del run, context
    literal, right = finding.claim.literal, finding.right
    if finding.cell.quantity.group != "change" or right is None or not literal.value:
        return ""
    name = finding.cell.quantity.name
    is_taken_off = judge(literal, right * from_fraction(Fraction(-1))) == "right"
    return (
        f"It has the other sign: {finding.cell.name} is {name} after the step minus {name} before it"
        if is_taken_off
        else ""
    )


def loss_at_own_parameters(run: Run, finding: Finding, context: Context) -> str:
    """Says that a loss is not that of the parameters in its own row, if they are all claimed; else empty."""
    whole = run.settings.trains and run.settings.batches_per_epoch == 1  # else another batch follows, with another loss
    if finding.cell.quantity.group != "loss" or not whole:
        return ""
    owns: dict[str, Own] = {}
    for parameter in run.watched.parameters:
        cell = Cell(finding.cell.step, Quantity("after", parameter.name, parameter.name))
        if parameter.shape or cell not in context:
            return ""
        owns[parameter.name] = own_number(context[cell].claim, len(owns), None, is_wrong=True)
    literal = finding.claim.literal
    with precision(PRECISION):
        allowed = as_ball(_loss_at(run, finding.cell.step, {name: own.form for name, own in owns.items()}).ball)
        exactly = {name: fixed(from_fraction(own.claim.literal.value)) for name, own in owns.items()}
        shown = f"{to_float(_loss_at(run, finding.cell.step, exactly).centre):.7g}"
        contradicts = allowed.is_finite() and within(allowed, literal.low, literal.high) is False
    at = ", ".join(f"{name} = {own.claim.literal.text}" for name, own in owns.items())
    return f"At the {at} of its own row the loss is {shown}" if contradicts else ""


def _loss_at(run: Run, step: int, parameters: Mapping[str, Form]) -> Form:
    """The loss of the batch of a step at some parameters."""
    batch, system = run.batches[step - 1], Forms()
    calculation = prepare(run.watched, run.followed, run.settings, system)
    data = {column.name: numbers(column, system)[list(batch.indices)] for column in run.watched.data}
    state = {name: forms([form], ()) for name, form in parameters.items()}
    found: Form = calculation.at({**state, **data}, batch.n).results[run.loss].item()
    return found


def went_on_with_rounded_numbers(run: Run, finding: Finding, context: Context) -> str:
    """Says that a number follows from the earlier ones as they are printed, with their digits; else empty."""
    del run, context
    literal, follows = finding.claim.literal, finding.follows
    if follows is None or finding.status is not Status.WRONG or literal.special is not None:
        return ""
    meets = Fraction(follows[0]) <= literal.high and literal.low <= Fraction(follows[1])
    return "That is where it lies: it was calculated from numbers that had been rounded" if meets else ""


REMARKS: tuple[Remark, ...] = (
    before_the_update,
    local_partial_alone,
    other_sign,
    loss_at_own_parameters,
    went_on_with_rounded_numbers,
)
