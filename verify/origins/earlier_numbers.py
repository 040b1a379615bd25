"""What a number is by what follows from the author's earlier ones: carried, inherited, or wrong where it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from fractions import Fraction

from verify.claims.claim import Cell
from verify.claims.literal import Literal, may_stand_for
from verify.following.finding import OF_DIGITS, Finding, Status
from verify.following.on_the_way import Reached
from verify.numbers import Form, as_ball, from_fraction, to_float

NARROW = 0.2  # what was carried lies within a fifth of itself: neither a factor 2 or ½ nor a sign gets lost in that
WIDE = 0.5  # an interval as wide as half of the number itself tells nothing of it
ROUNDED = Fraction(1, 2**20)  # share of a number that a few roundings in float32 move it by, after a wrong one
IN_PLACE = 1 << 30  # the mark of the number that should stand in the place of the first claim
FEW_UNITS = 10  # unless it is that many units of the last digit, or fewer


def by_earlier(finding: Finding, form: Form, roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
    """A number that is not right, by what follows from the author's earlier ones: `form`.

    It is inherited where these are wrong (those of the marks `roots`, each with the first that is), carried where
    they are right as they are printed, and wrong here where it does not follow from them. Where the earlier numbers
    are too coarse to tell, or undecided themselves, it is not right in one of two ways, or undecided.
    """
    literal = finding.claim.literal
    ball = as_ball(form.ball)
    rests_on = [mark for mark in sorted(form.sources) if mark in roots]
    ends = (float(ball.lower()), float(ball.upper())) if ball.is_finite() else (-math.inf, math.inf)
    interval = ends if all(map(math.isfinite, ends)) else None
    if literal.special is not None or (interval is None and not rests_on):
        return finding
    if interval is not None:
        meets = may_stand_for(_of_a_program(literal) if rests_on else literal, form.ball) is not False
        finding = replace(finding, follows=interval) if form.sources else finding
        if not meets or not form.sources:
            return finding
    unit = _unit(literal)
    if rests_on and interval is not None and _tells(interval, WIDE, FEW_UNITS * unit):
        return replace(finding, status=Status.INHERITED, inherited_from=roots[rests_on[0]])
    if rests_on:
        return replace(finding, status=Status.NOT_RIGHT, inherited_from=roots[rests_on[0]])
    if not undecided & form.sources and interval is not None and _tells(interval, NARROW, unit):
        return replace(finding, status=Status.CARRIED, why="it follows from the numbers before it, as printed")
    rests = "rest on one that is undecided" if undecided & form.sources else "are too coarse to tell"
    why = f"it is not right at its digits; whether it follows from the numbers before it, these {rests}"
    return replace(finding, status=Status.UNDECIDED, why=why)


def _of_a_program(literal: Literal) -> Literal:
    """A number with room for what float32 rounds in a step, `ROUNDED` of it, where it is printed finer than that."""
    if literal.unit is None or literal.slack >= ROUNDED * abs(literal.value):
        return literal
    return replace(literal, units=ROUNDED * abs(literal.value) / literal.unit)


def in_one_way(
    finding: Finding, one_way: Reached, roots: Mapping[int, Cell], undecided: Set[int], *, is_traced: bool
) -> Finding:
    """A number that does not follow exactly; carried where one way to round gives it and others of the table."""
    form = one_way.forms.get(finding.cell)
    if form is None:
        return finding
    rests_on = [mark for mark in sorted(form.sources) if mark in roots]
    if rests_on:
        return replace(finding, status=Status.INHERITED, inherited_from=roots[rests_on[0]])
    way = one_way.way_of(finding.cell)
    if is_traced and not undecided & form.sources:
        return replace(finding, status=Status.CARRIED, why=f"it follows with numbers on the way {way}", on_the_way=way)
    why = f"it is not right at its digits; numbers on the way {way} give it, "
    why += "but too few others have a trace of that" if not is_traced else "if an undecided number before it is right"
    return replace(finding, status=Status.UNDECIDED, why=why)


def on_the_way(finding: Finding, form: Form, roots: Mapping[int, Cell]) -> Finding:
    """A number that does not follow exactly, where every number on the way is rounded up or down: `form`."""
    literal, ball = finding.claim.literal, as_ball(form.ball)
    if literal.special is not None or not ball.is_finite() or may_stand_for(literal, form.ball) is False:
        return finding
    rests_on = [mark for mark in sorted(form.sources) if mark in roots]
    if rests_on:
        is_narrow = _tells((float(ball.lower()), float(ball.upper())), NARROW, _unit(literal))
        status = Status.INHERITED if is_narrow else Status.NOT_RIGHT
        return replace(finding, status=status, inherited_from=roots[rests_on[0]])
    why = "it is not right at its digits; rounding on the way can take it so far, though no way that was tried does"
    return replace(finding, status=Status.UNDECIDED, why=why)


def beside_earlier(finding: Finding, form: Form, roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
    """A number that some inputs give which are printed so, or may give, beside the author's earlier ones: `form`.

    Where it does not follow from these, though none of them is wrong by itself, not all of them are right. What is open
    by itself is carried where it follows from them.
    """
    ball, literal = as_ball(form.ball), finding.claim.literal
    if not form.sources or not ball.is_finite() or form.sources & (roots.keys() | undecided):
        return finding
    interval = (float(ball.lower()), float(ball.upper()))
    finding = replace(finding, follows=interval)
    if may_stand_for(literal, form.ball) is False:
        why = "inputs that are printed so may give it, but it does not follow from the numbers before it, as printed: "
        return replace(finding, status=Status.UNDECIDED, why=f"{why}not all of these are right")
    if finding.status is Status.UNDECIDED and _tells(interval, NARROW, _unit(literal)):
        return replace(finding, status=Status.CARRIED, why="it follows from the numbers before it, as printed")
    return finding


def _unit(literal: Literal) -> float:
    """One unit of the last digit, infinite beyond float64."""
    return to_float(from_fraction(literal.unit or Fraction(0)))


def _tells(interval: tuple[float, float], share: float, units: float) -> bool:
    """Whether an interval tells something: half its width is a small share of its middle, or not above `units`."""
    radius = (interval[1] - interval[0]) / 2
    return radius <= max(share * abs(interval[1] + interval[0]) / 2, units)


def by_any(alone: Finding, forms: Sequence[Form], roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
    """A number by what follows from the author's earlier ones, in the first of several ways that tells it."""
    if alone.by_inputs:
        return beside_earlier(alone, forms[0], roots, undecided) if forms else alone
    finding = alone
    for form in forms if alone.status is Status.WRONG else ():
        if finding.status in (Status.WRONG, Status.UNDECIDED):
            found = by_earlier(alone, form, roots, undecided)
            finding = found if finding is alone else _better(finding, found)
    return finding


def _better(finding: Finding, other: Finding) -> Finding:
    """Of two ways to go on from the author's numbers the one by which a number follows, or may."""
    open_or_wrong = (Status.WRONG, Status.UNDECIDED) if finding.status is Status.UNDECIDED else (Status.WRONG,)
    return finding if other.status in open_or_wrong else other


def each_way(ways: Sequence[Mapping[Cell, Form]], cell: Cell) -> list[Form]:
    """What follows of a number in each of several ways."""
    return [forms[cell] for forms in ways if cell in forms]


def is_open(finding: Finding, form: Form | None) -> bool:
    """Whether the author's numbers do not tell what a wrong one follows to be: Adam's v of 0.000 may be any root."""
    if form is None or finding.status not in (Status.WRONG, *OF_DIGITS):
        return False
    found = by_earlier(replace(finding, status=Status.WRONG), form, {}, frozenset())
    return found.status is Status.UNDECIDED or not as_ball(form.ball).is_finite()


def sharper(
    findings: Sequence[Finding], forms: Mapping[Cell, Form], others: Mapping[Cell, Form]
) -> Mapping[Cell, Form]:
    """Of what follows otherwise that which is open by `forms`, and that which is known to a unit of its last digit."""

    def is_known(literal: Literal, form: Form) -> bool:
        return literal.unit is not None and bool(form.radius <= as_ball(from_fraction(literal.unit)))

    return {
        one.cell: others[one.cell]
        for one in findings
        if one.cell in others and (is_open(one, forms.get(one.cell)) or is_known(one.claim.literal, others[one.cell]))
    }


def is_coarse(finding: Finding) -> bool:
    """Whether the numbers before an open one may give it, and do not tell."""
    if finding.status is not Status.UNDECIDED or finding.follows is None:
        return False
    low, high = finding.follows
    return bool(finding.claim.literal.low <= high and low <= finding.claim.literal.high)


def as_carried(
    findings: Sequence[Finding], exactly: Mapping[Cell, Form], off_alone: Set[Cell]
) -> Mapping[Cell, frozenset[Cell]]:
    """The numbers that are not right and follow from those before them as printed: their author goes on with these.

    With each are the unexplained numbers that it rests on. For one of these it is no evidence: by a slip it follows
    just as it does by a rounded number.
    """
    found: dict[Cell, frozenset[Cell]] = {}
    rests_on: dict[int, frozenset[Cell]] = {}
    for mark, one in enumerate(findings):
        form = exactly.get(one.cell)
        if one.cell in off_alone:
            rests_on[mark] = frozenset({one.cell})
        elif one.status is Status.WRONG and form is not None and form.sources and _may_be(one, form):
            rests_on[mark] = frozenset().union(*(rests_on.get(source, frozenset()) for source in form.sources))
            found[one.cell] = rests_on[mark]
    return found


def _may_be(finding: Finding, form: Form) -> bool:
    return may_stand_for(finding.claim.literal, form.ball) is not False
