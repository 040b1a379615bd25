"""What else can be said of a wrong number: the place for the mistakes that explain one.

Each function of `REMARKS` looks at one wrong claim beside the others, and says a sentence or nothing. A catalogue of
mistakes is more such functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.run.run import Run
from verify.bound.bound import PRECISION
from verify.claims.claim import Cell, Quantity
from verify.claims.literal import judge, within
from verify.following.finding import Finding, Status
from verify.following.own_numbers import Own, own_number
from verify.following.right_values import right_values
from verify.following.rounded_inputs import would_help
from verify.hand.calculation import columns, input_marks, prepare
from verify.numbers import Exactly, Form, Forms, as_ball, fixed, forms, from_fraction, middle, precision, to_float

MANY = 3  # wrong numbers that are looked at together
SIMPLE = 12  # the largest number of a simple fraction
MAX_LOCAL = 200  # steps that are calculated for a remark
MANY_LOCAL = 500  # claims that are compared with a local partial
Context = Mapping[Cell, Finding]
Remark = Callable[[Run, Finding, Context], str]


def remarks(run: Run, finding: Finding, context: Context) -> tuple[str, ...]:
    """The sentences of all `REMARKS` on a wrong claim; `context` are all findings of the audit, by cell."""
    return tuple(said for remark in REMARKS if (said := remark(run, finding, context)))


def before_the_update(run: Run, finding: Finding, context: Context) -> str:
    """Says that a parameter claimed after a step is the one before it, which the step moves; else empty."""
    cell, right = finding.cell, finding.right
    if cell.quantity.group != "after" or finding.status is not Status.WRONG or right is None:
        return ""  # what follows from an earlier wrong number needs no other reason
    name = cell.quantity.name
    begun = Cell(cell.step, Quantity("before", name, f"{name}_before"), cell.entry, cell.position)
    left = Cell(cell.step - 1, cell.quantity, cell.entry, cell.position)
    earlier = context.get(begun) or context.get(left)
    literal = finding.claim.literal
    if earlier is not None:
        other = earlier.claim.literal
        is_moved = within(right, other.low, other.high) is False
        fine, coarse = sorted((literal, other), key=lambda one: one.slack)
        is_same = literal.special is other.special is None and coarse.low <= fine.value <= coarse.high
        if is_moved and is_same:
            return f"It is {name} before the update, {other.text}"
    elif cell.step == 1:
        for parameter in run.watched.parameters:
            if parameter.name == name and parameter.values:
                place = 0
                for number, length in zip(cell.position, parameter.shape, strict=True):
                    place = place * length + number
                value = from_fraction(parameter.values[place])
                if within(value, literal.low, literal.high):
                    return f"It is {name} before the update"
    return ""


def local_partial_alone(run: Run, finding: Finding, context: Context) -> str:
    """Says that a derivative is the local partial of its line, without the paths through other lines; else empty."""
    del context
    local = finding.local_of(run.loss)
    said = "through all paths the derivative is another"
    return f"It is the local partial of the line {local.partition('/')[0]}; {said}" if finding.is_local else ""


def another_convention(run: Run, finding: Finding, context: Context) -> str:
    """Says by which convention at a kink, other than PyTorch's, a number is right; else empty."""
    del run, context
    return f"It is right where {finding.convention}, which PyTorch takes otherwise" if finding.convention else ""


def with_local_partials(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, with the first wrong derivatives marked that are the local partial of their line."""
    cells: dict[Cell, Cell] = {}
    for finding in (one for one in findings if one.status is Status.WRONG):
        literal, cell, local = finding.claim.literal, finding.cell, finding.local_of(run.loss)
        is_open = literal.special is None and literal.value != 0
        if is_open and local and cell.step <= MAX_LOCAL and len(cells) < MANY_LOCAL:
            cells[cell] = Cell(cell.step, Quantity("local", local, local), cell.entry, cell.position)
    if not cells:
        return list(findings)
    values = right_values(run, list(cells.values()), lambda _: True).values
    return [
        replace(finding, is_local=True)
        if finding.cell in cells
        and (value := values.get(cells[finding.cell])) is not None
        and judge(finding.claim.literal, value) == "right"
        else finding
        for finding in findings
    ]


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
    """Says that a loss is not that of the parameters which its step leaves, if they are all claimed; else empty."""
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
        forms_of = {name: own.form for name, own in owns.items()}
        allowed = as_ball(_loss_at(run, finding.cell.step, forms_of, input_marks(run.watched)).ball)
        exactly = {name: fixed(from_fraction(own.claim.literal.value)) for name, own in owns.items()}
        shown = f"{to_float(_loss_at(run, finding.cell.step, exactly).centre):.7g}"
        contradicts = allowed.is_finite() and within(allowed, literal.low, literal.high) is False
    at = ", ".join(f"{name} = {own.claim.literal.text}" for name, own in owns.items())
    return f"At the {at} after its step the loss is {shown}" if contradicts else ""


def _loss_at(run: Run, step: int, parameters: Mapping[str, Form], inputs: Mapping[str, int] | None = None) -> Form:
    """The loss of the batch of a step at some parameters; `inputs` are the rounded ones that are not exact."""
    batch, system = run.batches[step - 1], Forms(inputs=inputs)
    calculation = prepare(run.watched, run.followed, run.settings, system)
    data = columns(run.watched, run.watched.data, system)
    rows = {name: column[list(batch.indices)] for name, column in data.items()}
    state = {name: forms([form], ()) for name, form in parameters.items()}
    found: Form = calculation.at({**state, **rows}, batch.n).results[run.loss].item()
    return found


def one_factor(run: Run, finding: Finding, context: Context) -> str:
    """Says, of the first wrong number, that all wrong ones are one simple multiple of the right ones; else empty."""
    del run
    if finding is not _first(context, lambda one: one.status is Status.WRONG):
        return ""
    wrong = [one for one in context.values() if one.status is Status.WRONG]
    if len(wrong) < MANY:
        return ""
    factor = common_factor(wrong)
    if factor is None:
        return ""
    times = "times" if factor.denominator == 1 else "of"
    beside = ", by the numbers before each" if any(one.follows is not None for one in wrong) else ""
    return f"All {len(wrong)} numbers that are wrong where they stand are {factor} {times} the right ones{beside}"


def inputs_as_printed(run: Run, finding: Finding, context: Context) -> str:
    """Says, of the first wrong number, that all claims are right for other inputs that print as these do; else empty.

    It is told only where one choice of inputs within their digits gives every number that is claimed.
    """
    is_first = finding is _first(context, lambda one: one.status.is_refused)
    names = would_help(run, list(context.values())) if is_first else ()
    if not names:
        return ""
    claims = "All claims" if len(context) > 1 else "It"
    listed = ", ".join(f'"{name}"' for name in names)
    every = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    rounded = f"{every} {'were' if len(names) > 1 else 'was'} rounded to the digits that are printed"
    return f"{claims} would be right if {rounded}: rounded = [{listed}] in the problem file says so"


def _first(context: Context, is_one: Callable[[Finding], bool]) -> Finding | None:
    """The first finding that is one; to look at all of them for every wrong one would cost the square of a table."""
    return next((one for one in context.values() if is_one(one)), None)


def common_factor(wrong: Sequence[Finding]) -> Fraction | None:
    """The one simple fraction of the right numbers that all the claimed ones are; None where there is none, or another.

    Of a number that rests on earlier ones of its author, what follows from these is right.

    It is told only where the digits of the claims leave no other fraction of small numbers.
    """
    low, high = None, None
    for finding in wrong:
        literal, ranges = finding.claim.literal, _right_range(finding)
        if literal.special is not None or ranges is None or not literal.value or ranges[0] <= 0 <= ranges[1]:
            return None
        ends = [end / number for end in (literal.low, literal.high) for number in ranges]
        low, high = (
            (min(ends), max(ends)) if low is None or high is None else (max(low, min(ends)), min(high, max(ends)))
        )
    if low is None or high is None:
        return None
    found = {
        Fraction(p, q)
        for q in range(1, SIMPLE + 1)
        for p in range(-SIMPLE, SIMPLE + 1)
        if low <= Fraction(p, q) <= high
    }
    factor = next(iter(found)) if len(found) == 1 else None
    alone = [one for one in wrong if one.follows is None]
    if factor is None or not all(judge(f.claim.literal, _times(f.right, factor)) == "right" for f in alone):
        return None
    return factor


def _right_range(finding: Finding) -> tuple[Fraction, Fraction] | None:
    """The right number, twice; of one that rests on the author's own earlier ones what these allow."""
    if finding.follows is not None:
        low, high = finding.follows
        return Fraction(low), Fraction(high)
    return None if finding.right is None else (middle(finding.right), middle(finding.right))


def _times(right: Exactly | None, factor: Fraction) -> Exactly:
    assert right is not None  # it was divided by
    return right * from_fraction(factor)


REMARKS: tuple[Remark, ...] = (
    before_the_update,
    local_partial_alone,
    another_convention,
    other_sign,
    loss_at_own_parameters,
    one_factor,
    inputs_as_printed,
)
