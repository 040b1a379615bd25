"""Inputs that are printed rounded: what claimed numbers can be for all inputs that are printed so.

Two things are kept apart. What no such inputs can give is wrong: the right number is a form in how far each input may
be off, and so lies in an interval that is proven to hold it for all of them. What some of them give is right: inputs
are named, within their digits, and the hand calculation is run at them. An interval may be wider than it must be, so
that to lie in it is no proof; where no such inputs are found, or what they allow is so wide that it tells nothing, a
claim is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from flint import arb
from numpy.typing import NDArray

from derive.errors import SettingError
from derive.problem.problem import Problem, Quantity
from derive.problem.rounded import marked
from derive.run.run import Run
from derive.training.rates import Formula
from verify.claims.claim import Cell
from verify.claims.literal import Literal, judge
from verify.following.extent import in_forms
from verify.following.finding import OF_DIGITS, Finding, Status
from verify.following.follow_through import follow
from verify.following.right_values import right_values
from verify.hand.calculation import INPUTS, input_marks
from verify.numbers import Exactly, Form, Forms, as_ball, from_fraction, to_float

Vector = NDArray[np.float64]

ROUNDS = 4  # tries to meet all claims with one choice of inputs
TRIES = 6  # further ones for each claim by itself
MAX_TRIES = 40  # of all claims together
MAX_STEPS = 20_000  # that are calculated for all tries together
SWEEPS = 100  # over the claims, to fit the inputs to them
MAX_WORK = 16_000_000  # calculations in forms that are followed: about ten seconds
MAX_HINT = 240_000  # the same, where it is tried whether rounded inputs would explain a table: less than a second
GRAIN = 2**20  # inputs are tried at so many places between their value and half a unit of their last digit


def by_inputs(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, judged by all inputs that are printed as the rounded ones of the problem are."""
    found = list(findings)
    marks = input_marks(run.watched)
    if not marks:
        return found
    places = [k for k, one in enumerate(found) if one.right is not None and one.cell.quantity.group != "setting"]
    if not places:
        return found
    cells = [found[k].cell for k in places]
    forms = follow(run, (), cells, Forms(inputs=marks)) if is_followed(run, cells) else {}
    opened: list[int] = []
    for k in places:
        one, form = found[k], forms.get(found[k].cell)
        if form is not None and form.is_fixed:
            continue
        found[k] = replace(one, allowed=_ends(form))
        if one.status is not Status.RIGHT and one.claim.literal.special is None and _may_be(one.claim.literal, form):
            opened.append(k)
    search = Search(run, marks, {found[k].cell: forms.get(found[k].cell) for k in opened})
    verdicts = search.verdicts([found[k] for k in opened])
    for k in opened:
        found[k] = _judged(found[k], verdicts.get(found[k].cell))
    return found


def is_followed(run: Run, cells: Iterable[Cell], most: int = MAX_WORK) -> bool:
    """Whether what the rounding of the inputs allows is calculated up to these cells: not where that takes long."""
    problem = run.watched
    given = problem.given
    count = sum(len(quantity.values) for quantity in given if quantity.rounded)
    last = max((cell.step for cell in cells), default=0)
    return in_forms(run, last, count) <= most


def check_rates(run: Run) -> None:
    """Raises `SettingError` for an lr that is calculated from an input that is rounded: an audit takes it as exact."""
    rounded = input_marks(run.watched)
    for group in run.settings.param_groups:
        lr = group.schedule.lr
        for name in lr.constants if isinstance(lr, Formula) else ():
            if name in rounded:
                message = f"lr is calculated from {name}, which is rounded, and an audit takes lr as exact"
                remedy = f"leave {name} out of what is rounded, or give lr as a number"
                raise SettingError(f"{message}; {remedy}", run.problem.place_of("rounded"))


def _borders(form: Form | None) -> tuple[arb, arb] | None:
    """The least and the largest number that a form can be; None where nothing is known."""
    if form is None or not form.radius.is_finite() or not as_ball(form.centre).is_finite():
        return None
    return (as_ball(form.centre) - form.radius).lower(), (as_ball(form.centre) + form.radius).upper()


def _ends(form: Form | None) -> tuple[float, float]:
    """The same as floats, rounded outwards; infinite where nothing is known."""
    borders = _borders(form)
    if borders is None:
        return -math.inf, math.inf
    return math.nextafter(float(borders[0]), -math.inf), math.nextafter(float(borders[1]), math.inf)


def _reach(literal: Literal) -> tuple[Fraction, Fraction]:
    """The numbers of which a claim can be more than wrong: rounded, rounded twice, cut off, or the nearest float64."""
    unit = literal.unit or Fraction(0)
    beside = unit / 20 + abs(literal.value) * Fraction(1, 2**50)
    low, high = literal.low - beside, literal.high + beside
    if literal.minus or literal.value < 0:
        return min(low, literal.value - unit), high
    return low, max(high, literal.value + unit)


def _may_be(literal: Literal, form: Form | None) -> bool:
    """Whether a form may be a number of which a claim is more than wrong."""
    borders = _borders(form)
    if borders is None:
        return True
    low, high = (as_ball(from_fraction(end)) for end in _reach(literal))
    return not (borders[1] < low or borders[0] > high)


def tells(allowed: tuple[float, float], literal: Literal) -> bool:
    """Whether an interval tells something of a number that lies in it.

    It does where it holds no number beside its double, so that no factor of 2 and no sign is lost in it, or where it
    is no wider than what the digits of the claim leave open themselves.
    """
    low, high = allowed
    if high - low <= 2 * to_float(from_fraction(literal.slack)):
        return True
    return (low > 0 and high < 2 * low) or (high < 0 and 2 * high < low)


def _judged(finding: Finding, verdict: str | None) -> Finding:
    """A claim that inputs may give that are printed so: `verdict` is what it is for inputs that were tried, if any."""
    assert finding.allowed is not None  # it is open
    low, high = (f"{end:.7g}" for end in finding.allowed)
    lies = f"for inputs that are printed so it lies between {low} and {high}"
    if finding.status in OF_DIGITS and verdict != "right":
        return replace(finding, why=f"at the inputs as printed, {finding.why}")
    if not tells(finding.allowed, finding.claim.literal):
        why = f"{lies}, which is too wide to tell"
        if not all(map(math.isfinite, finding.allowed)):
            why = "it is not right at the inputs as printed, and for which others it could be is out of reach"
        return replace(finding, status=Status.UNDECIDED, why=why)
    if verdict == "right":
        return replace(finding, status=Status.RIGHT, why=lies)
    if verdict is not None:
        manner = "cut off" if verdict == "truncated" else "rounded twice"
        return replace(finding, status=Status(verdict), why=f"{manner}, for some inputs: {lies}")
    return replace(finding, status=Status.UNDECIDED, why=f"{lies}; no inputs were found that give it")


def would_help(run: Run, findings: Sequence[Finding]) -> tuple[str, ...]:
    """The inputs by name that make all claims right at once, if they are rounded to the digits that are printed.

    Nothing where the problem says itself what is rounded, where no one choice of inputs was found for which every claim
    is right, and where such a choice would tell nothing. No choice of inputs makes a wrong lr right.
    """
    problem = run.watched
    given = problem.given
    names = [one.name for one in given if any(last is not None and last < 0 for last in one.digits)]
    claims = [one for one in findings if one.cell.quantity.group != "setting"]
    is_of_rates = any(one.status.is_refused and one.cell.quantity.group == "setting" for one in findings)
    if any(one.rounded for one in given) or not names or is_of_rates:
        return ()
    rounded = replace(run, problem=marked(run.problem, names))
    are_known = all(one.right is not None and one.claim.literal.special is None for one in claims)
    if not are_known or not is_followed(rounded, [one.cell for one in claims], MAX_HINT):
        return ()
    marks = input_marks(rounded.watched)
    forms = follow(rounded, (), [one.cell for one in claims], Forms(inputs=marks))
    if len(forms) < len(claims):
        return ()
    within_inputs = [replace(one, allowed=_ends(forms[one.cell])) for one in claims]
    for one in within_inputs:
        assert one.allowed is not None  # it has just been given
        low, high = one.allowed
        if not (low <= one.claim.literal.high and one.claim.literal.low <= high):
            return ()
        if one.status.is_refused and not tells(one.allowed, one.claim.literal):
            return ()
    if not Search(rounded, marks, forms).together(within_inputs, ROUNDS):
        return ()
    moving = {mark for one in claims if one.status.is_refused for mark in forms[one.cell].parts}
    sizes_of = {one.name: len(one.values) for one in given}
    return tuple(name for name, first in marks.items() if moving & set(range(first, first + sizes_of[name])))


@dataclass
class Search:
    """The search for inputs, within their printed digits, for which claims are right."""

    run: Run
    marks: Mapping[str, int]
    forms: Mapping[Cell, Form | None]
    found: dict[Cell, str] = field(default_factory=dict)
    tries: int = 0

    def verdicts(self, findings: Sequence[Finding]) -> Mapping[Cell, str]:
        """What each claim is, at best, for the inputs that were tried; nothing where it is wrong for all of them."""
        if any(self.forms.get(one.cell) is not None for one in findings):
            last = max(one.cell.step for one in findings)
            budget = min(MAX_TRIES, MAX_STEPS // last)
            self.together(findings, min(ROUNDS, budget))
            for one in findings:
                if self.found.get(one.cell) != "right" and self.tries < budget:
                    self.alone(one, findings, min(TRIES, budget - self.tries))
        return self.found

    def together(self, findings: Sequence[Finding], rounds: int) -> bool:
        """Whether one choice of inputs was found for which all claims are right; each round goes on from the last."""
        rows = np.array([self.row(one) for one in findings])
        bounds = np.array([_aim(one.claim.literal, one.allowed) for one in findings])
        shares: Vector = np.zeros(self.count)
        values = np.array([to_float(_right(one)) for one in findings])
        for _ in range(rounds):
            shift = (rows @ shares - values)[:, None]
            shares = _fitted(rows, bounds + shift, shares)
            tried = self.tried(shares, findings)
            if all(self.is_right(one, tried) for one in findings):
                return True
            if any(one.cell not in tried for one in findings):
                return False
            values = np.array([to_float(tried[one.cell]) for one in findings])
        return False

    def alone(self, finding: Finding, findings: Sequence[Finding], tries: int) -> None:
        """Goes along the way on which a number moves fastest, to where it is between the borders of the claim."""
        row = self.row(finding)
        way = np.where(row == 0, 1.0, np.sign(row))  # where a number is greatest or least, any way leads away
        low, high = _aim(finding.claim.literal, finding.allowed)
        aim, begun = (low + high) / 2, to_float(_right(finding))
        steepest = float(np.abs(row).sum())
        ends: list[tuple[float, float]] = [(0.0, begun)]  # shares of the way, and the number there
        share = min(max((aim - begun) / steepest, -1.0), 1.0) if steepest else 1.0
        for _ in range(tries):
            tried = self.tried(way * share, findings)
            if finding.cell not in tried or self.is_right(finding, tried):
                return
            ends.append((share, to_float(tried[finding.cell])))
            below = max((end for end in ends if end[1] < aim), key=lambda end: end[1], default=None)
            above = min((end for end in ends if end[1] > aim), key=lambda end: end[1], default=None)
            if below is None or above is None:
                if abs(share) == 1:
                    return
                share = math.copysign(1.0, share)
            else:
                share = below[0] + (above[0] - below[0]) * (aim - below[1]) / (above[1] - below[1])

    @property
    def count(self) -> int:
        """How many inputs are rounded."""
        problem = self.run.problem
        given = problem.given
        return sum(len(quantity.values) for quantity in given if quantity.name in self.marks)

    def row(self, finding: Finding) -> Vector:
        """How far each input, within its digits, moves a number."""
        row = np.zeros(self.count)
        form = self.forms.get(finding.cell)
        for mark, part in ({} if form is None else form.parts).items():
            if mark >= INPUTS and math.isfinite(to_float(as_ball(part))):
                row[mark - INPUTS] = to_float(as_ball(part))
        return row

    def is_right(self, finding: Finding, values: Mapping[Cell, Exactly]) -> bool:
        """Whether a claim is right by these values."""
        return finding.cell in values and judge(finding.claim.literal, values[finding.cell]) == "right"

    def tried(self, shares: Vector, findings: Sequence[Finding]) -> Mapping[Cell, Exactly]:
        """The numbers for inputs so far, as shares of half a unit of their last digits, from what is printed."""
        self.tries += 1
        moves = [Fraction(round(float(share) * GRAIN), GRAIN) for share in np.clip(shares, -1, 1)]
        moved = replace(self.run, problem=self.moved(self.run.problem, moves))
        literals = {one.cell: one.claim.literal for one in findings}

        def decided(values: Mapping[Cell, Exactly]) -> bool:
            return all(judge(literals[cell], value) is not None for cell, value in values.items())

        values = right_values(moved, list(literals), decided).values
        for cell, value in values.items():
            verdict = judge(literals[cell], value)
            if verdict not in (None, "wrong") and self.found.get(cell) != "right":
                self.found[cell] = str(verdict)
        return values

    def moved(self, problem: Problem, moves: Sequence[Fraction]) -> Problem:
        """The problem with every rounded input so far off."""

        def at(quantity: Quantity) -> Quantity:
            if quantity.name not in self.marks:
                return quantity
            first = self.marks[quantity.name] - INPUTS
            own = zip(quantity.values, quantity.slacks, moves[first:], strict=False)
            return replace(quantity, values=tuple(value + slack * move for value, slack, move in own))

        return replace(
            problem,
            parameters=tuple(map(at, problem.parameters)),
            constants=tuple(map(at, problem.constants)),
            data=tuple(map(at, problem.data)),
        )


def _right(finding: Finding) -> Exactly:
    assert finding.right is not None  # it is open
    return finding.right


def _aim(literal: Literal, allowed: tuple[float, float] | None) -> tuple[float, float]:
    """The numbers to be reached: well inside those that are printed so, or else what is cut off or rounded twice."""
    low, high = (to_float(from_fraction(end)) for end in (literal.low, literal.high))
    if allowed is not None and (allowed[1] < low or allowed[0] > high):
        low, high = (to_float(from_fraction(end)) for end in _reach(literal))
    within_both = (max(low, allowed[0]), min(high, allowed[1])) if allowed is not None else (low, high)
    room = (within_both[1] - within_both[0]) / 8
    return within_both[0] + room, within_both[1] - room


def _fitted(rows: NDArray[np.float64], bounds: NDArray[np.float64], shares: Vector) -> Vector:
    """Shares within ±1 for which rows·shares lies within `bounds`, as nearly as can be; `shares` is where it begins.

    First by least squares, each row by the width of its bounds, then by projections onto one strip after the other
    (S. Kaczmarz 1937; H. H. Bauschke and J. M. Borwein, "On projection algorithms for solving convex feasibility
    problems", SIAM Review 38 (1996)).
    """
    sizes = (rows * rows).sum(axis=1)
    widths = np.maximum(bounds[:, 1] - bounds[:, 0], np.finfo(np.float64).tiny)
    off = bounds.mean(axis=1) - rows @ shares
    found: Vector = np.clip(shares + np.linalg.lstsq(rows / widths[:, None], off / widths)[0], -1, 1)
    for _ in range(SWEEPS):
        is_met = True
        for row, size, (low, high) in zip(rows, sizes, bounds, strict=True):
            value = float(row @ found)
            if size and not low <= value <= high:
                is_met = False
                found = np.clip(found + row * ((low if value < low else high) - value) / size, -1, 1)
        if is_met:
            break
    return found
