"""The author's own numbers: what each can be by its printed digits, and which integers are no rounded numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial

import numpy as np

from verify.claims.claim import Cell, Claim, Quantity
from verify.claims.literal import Literal, judge
from verify.following.finding import Finding, Status
from verify.hand.update import Instead
from verify.numbers import (
    Array,
    Exactly,
    Floats,
    Form,
    Forms,
    between,
    middle,
    shortened,
    to_float,
    to_fraction,
    unknown,
)

MAX_PARTS = 40  # unknowns of one number that are carried on; the smaller ones become one
MANY_ZEROS = 2  # at the end of a number, or left out there: one alone may be so by chance
ENOUGH_OTHERS, ENOUGH_IN_TABLE = 2, 4  # numbers of a column, or a table, show what digits a 0 stands for
MANY_ROUNDED = 3  # numbers of a table show to how many digits it is rounded
SHOWN, MOST = 66, 0.8  # without a zero at the end: 0.9^66 is below 1/1000; and nine in ten are expected to have none
MAX_TRIES = 60  # of Newton's method
STEP, CLOSE = 2.0**-20, 2.0**-30  # how far aside a slope is taken, and how near a state is found, as shares of it
FEW_DIGITS = 2  # an lr of so few digits is chosen, and not rounded: 0.1 is one tenth


@dataclass(frozen=True)
class Own:
    """One of the author's numbers: its mark, and the interval of all that its digits allow; None where nothing does."""

    claim: Claim
    mark: int
    low: Fraction
    high: Fraction
    known: bool = True

    @cached_property
    def form(self) -> Form:
        """The number as an unknown of its own."""
        if not self.known:
            return unknown(frozenset({self.mark}))
        return between(self.low, self.high, self.mark)


@dataclass(frozen=True)
class Hiding:
    """A state, by the name that an optimizer has for it, and the marks of the parameters that it has moved wrongly."""

    state: str = ""
    behind: frozenset[int] = frozenset()


NOT_HIDING = Hiding()


def own_number(
    claim: Claim,
    mark: int,
    right: Exactly | None,
    is_wrong: bool,
    *,
    is_exact: bool = False,
    unit: Fraction | None = None,
) -> Own:
    """What the author's number can be: all that its digits allow, and the right number where it is not wrong.

    One with zeros at its end that is the right one exactly is no rounded number: 0.08100 of 0.081.
    `is_exact` takes it at its word (`exact_integers`); `unit` is taken for that of its last digit (`zeros_left_out`).
    """
    literal = claim.literal
    if is_exact and literal.special is None:
        return Own(claim, mark, literal.value, literal.value)
    is_the_right_one = not is_wrong and right is not None and to_fraction(right) == literal.value
    is_setting = claim.cell.quantity.group == "setting" and literal.special is None
    if is_setting and (literal.digits <= FEW_DIGITS or is_the_right_one):  # 1.00e-02 of 0.01 is rounded from nothing
        chosen = literal.value if is_wrong or right is None else middle(right)
        return Own(claim, mark, chosen, chosen)
    if literal.special is not None:
        return Own(claim, mark, Fraction(0), Fraction(0), known=False)
    if not is_wrong and (_begins(claim, right) or (is_the_right_one and _ends_in_zeros(literal))):
        return Own(claim, mark, literal.value, literal.value)
    half = (
        unit or literal.unit or Fraction(0)
    ) / 2  # as printed: what a claim may be off by is not said of what follows
    low, high = literal.ends if literal.is_cut else (literal.value - half, min(literal.value + half, literal.high))
    if right is not None and not is_wrong:
        number = middle(right)
        low, high = min(low, number), max(high, number)
    return Own(claim, mark, low, high)


def _begins(claim: Claim, right: Exactly | None) -> bool:
    """Whether a claim is the number that the run begins with, exactly: nothing has been rounded yet."""
    begins = claim.cell.step == 1 and claim.cell.quantity.group == "before"
    return begins and right is not None and to_fraction(right) == claim.literal.value


def _ends_in_zeros(literal: Literal) -> bool:
    """Whether a number has `MANY_ZEROS` zeros at its end, which a rounded one has once in a hundred times."""
    if literal.unit is None or literal.decimals < MANY_ZEROS:
        return False
    return bool((literal.value / literal.unit) % 10**MANY_ZEROS == 0)


def exact_integers(findings: Sequence[Finding]) -> frozenset[Cell]:
    """The claimed integers that are no rounded numbers: `1` beside `0.7615942` is one.

    In a column where an integer is right and the right number is none, integers are rounded. In any other they are
    exact where one of them is so, or where other numbers of the column have more digits, some after the point: 88
    beside 9.5 is rounded as well.
    """
    columns: dict[Quantity, list[Finding]] = {}
    for finding in findings:
        columns.setdefault(finding.cell.quantity, []).append(finding)
    found: set[Cell] = set()
    for column in columns.values():
        integers = [one for one in column if is_integer(one.claim.literal)]
        right = [(one, one.right) for one in integers if one.status is not Status.WRONG and one.right is not None]
        exact = [one for one, number in right if one.allowed is None and to_fraction(number) == one.claim.literal.value]
        if len(exact) != len(right):
            continue
        most = max((one.claim.literal.digits for one in column if not is_integer(one.claim.literal)), default=0)
        found.update(one.cell for one in integers if exact or one.claim.literal.digits < most)
    return frozenset(found)


def filled_zeros(findings: Sequence[Finding]) -> Mapping[Cell, Literal]:
    """The integers of a table that is rounded to so many digits, 720 beside 0.67 and −8.8: their last 0 is no digit.

    Of those that are not right as they stand, where no number has more significant digits. That a table is rounded so,
    one of these shows: `MANY_ROUNDED` numbers that are right with as many digits, or are so with filled zeros, one of
    them after the point, or all of them where there are no others; numbers after the point, all with as many digits,
    that do not have as many places, or stand beside `MANY_ZEROS` integers or more with such zeros.
    """
    calculated = [
        one for one in findings if one.cell.quantity.group != "setting" and one.claim.literal.unit is not None
    ]
    literals = [one.claim.literal for one in calculated]
    most = max(map(_without_zeros, literals), default=0)
    longer = [one for one in calculated if is_integer(one.claim.literal) and one.claim.literal.digits > most]
    filled = {
        one.cell: one.claim.literal.filled(one.claim.literal.digits - most)
        for one in longer
        if one.status is not Status.RIGHT
    }
    if not filled or most < FEW_DIGITS:
        return {}
    broken = [literal for literal in literals if not is_integer(literal) and literal.value]
    rounded = [one for one in calculated if _may_have(one.claim.literal, most) and _is_rounded(one)]
    is_broken = any(not is_integer(one.claim.literal) for one in rounded)
    right = [one for one in calculated if one.cell in filled and _is_right(filled[one.cell], one.right)]
    is_right = len(rounded) + len(right) >= MANY_ROUNDED and (is_broken or len(right) == len(calculated))
    has_digits = bool(broken) and all(_may_have(literal, most) for literal in broken)
    has_places = is_broken and len({literal.decimals for literal in broken}) > 1
    return filled if is_right or (has_digits and (has_places or len(longer) >= MANY_ZEROS)) else {}


def _may_have(literal: Literal, digits: int) -> bool:
    """Whether a number may be rounded to so many significant digits."""
    return digits == _without_zeros(literal) or (digits == literal.digits and not is_integer(literal))


def _is_right(literal: Literal, right: Exactly | None) -> bool:
    return right is not None and judge(literal, right) == "right"


def zeros_of_places(findings: Sequence[Finding]) -> Mapping[Cell, Literal]:
    """Each 0 of a column whose other numbers have digits after the point: with as many as the coarsest of these.

    Nobody who writes 0.117 and −2.2 in a column writes 0 for −0.3. Where a column has fewer than two others, it is the
    coarsest of the whole table, if this has more. Nothing where these have an integer among them.
    """
    all_zeros = [one for one in findings if not one.claim.literal.value and is_integer(one.claim.literal)]
    if not all_zeros:
        return {}
    columns: dict[Quantity, list[Finding]] = {}
    for one in findings:
        columns.setdefault(one.cell.quantity, []).append(one)
    calculated = [one for one in findings if one.cell.quantity.group != "setting"]
    of_table = _coarsest(calculated, ENOUGH_IN_TABLE)
    found: dict[Cell, Literal] = {}
    for quantity in dict.fromkeys(one.cell.quantity for one in all_zeros):
        zeros, column = [one for one in all_zeros if one.cell.quantity == quantity], columns[quantity]
        places = _coarsest(column, ENOUGH_OTHERS)
        places = of_table if places is None else places
        if places is not None and places > 0:
            found.update((one.cell, one.claim.literal.with_zeros(places)) for one in zeros)
    return found


def _coarsest(findings: Sequence[Finding], enough: int) -> int | None:
    """The fewest places after the point of the numbers that are not 0; None where these are not enough to show it."""
    literals = [one.claim.literal for one in findings if one.claim.literal.value]
    if len(literals) < enough:
        return None
    return min(0 if literal.unit is None else literal.decimals for literal in literals)


def _without_zeros(literal: Literal) -> int:
    """The significant digits, of an integer without the zeros at its end; 0.100 may be 0.0998 to two digits."""
    if is_integer(literal):
        return len(str(abs(literal.value)).rstrip("0"))
    is_rounded_up = literal.digits > 1 and abs(literal.value) == (literal.unit or 0) * 10 ** (literal.digits - 1)
    return literal.digits - is_rounded_up


def _is_rounded(finding: Finding) -> bool:
    """Whether a number is right and not exactly so."""
    literal, right = finding.claim.literal, finding.right
    return finding.status is Status.RIGHT and right is not None and to_fraction(right) != literal.value


def zeros_left_out(findings: Sequence[Finding], among: Sequence[Finding] | None = None) -> Mapping[Cell, Fraction]:
    """Of right numbers without the zeros at their end, as −1.9 of −1.9000, twice the unit of the last digit left out.

    They are looked for `among` some of the findings, or in all.

    They have `MANY_ZEROS` digits fewer than another number of their column, and the right number has zeros there, which
    is so by chance once in a hundred times. So have those that are the right number exactly, where the table has other
    numbers with as many more significant digits, and others with as many more after the point.
    """
    literals = [one.claim.literal for one in findings if one.claim.literal.unit is not None]
    of_table = [max(map(of, literals), default=0) for of in (lambda one: one.digits, lambda one: one.decimals)]
    most: dict[Quantity, int] = {}
    for finding in findings:
        quantity = finding.cell.quantity
        most[quantity] = max(most.get(quantity, 0), finding.claim.literal.digits)
    found: dict[Cell, Fraction] = {}
    for finding in findings if among is None else among:
        literal, right = finding.claim.literal, finding.right
        zeros = most[finding.cell.quantity] - literal.digits
        is_whole = literal.unit is not None and (literal.value / literal.unit) % 10 != 0  # 2.0 has its zeros
        if is_whole and right is not None and to_fraction(right) == literal.value:
            zeros = max(zeros, min(of_table[0] - literal.digits, of_table[1] - literal.decimals))
        is_right = finding.status is Status.RIGHT or (finding.status is Status.RESIDUE and not literal.value)  # −0.0
        if not is_right or right is None or literal.unit is None or zeros < MANY_ZEROS:
            continue
        unit = literal.unit / 10**zeros
        if finding.allowed is None and not literal.is_cut and abs(middle(right) - literal.value) <= unit / 2:
            found[finding.cell] = 2 * unit  # rounded or cut off, it is no further away
    return found


def zeros_dropped(findings: Sequence[Finding], cells: Collection[Cell]) -> Mapping[Cell, int]:
    """How many zeros the writer of a table has dropped at the end of the numbers in `cells`, as `%.9g` does.

    So it is in a column where no number has a zero at its end, though `SHOWN` or more have as many digits as any, and
    `MOST` of all have: as many significant ones, or as many after the point. The shortest digits that tell floats apart
    are not so; of these a number of fewer digits stands for no zeros.
    """
    columns: dict[Quantity, list[Literal]] = {cell.quantity: [] for cell in cells}
    for finding in findings:
        literal = finding.claim.literal
        if finding.cell.quantity in columns and literal.unit is not None and literal.value:
            columns[finding.cell.quantity].append(literal)
    formats = {quantity: _formats(literals) for quantity, literals in columns.items()}
    found: dict[Cell, int] = {}
    for finding in findings:
        cell, literal = finding.cell, finding.claim.literal
        if cell in cells and literal.unit is not None and literal.value and literal.units == Fraction(1, 2):
            digits, decimals = formats[cell.quantity]
            lacking = [most - own for most, own in ((digits, literal.digits), (decimals, literal.decimals)) if most]
            if lacking and min(lacking) > 0:
                found[cell] = min(lacking)
    return found


def _formats(column: Sequence[Literal]) -> tuple[int | None, int | None]:
    """To how many significant digits, and to how many after the point, a column is printed without zeros at its end.

    None where that many are not usual in it, or some number has a zero there.
    """
    if any(_has_zero(literal) for literal in column):
        return None, None
    digits, decimals = (Counter(map(of, column)) for of in (lambda one: one.digits, lambda one: one.decimals))
    return _usual(digits), _usual(decimals)


def _has_zero(literal: Literal) -> bool:
    """Whether a zero stands at the end of a number, after the point; `2.0` has it to be no integer."""
    end = literal.text.lower().partition("e")[0]
    return literal.places > 1 and end.endswith("0")


def _usual(counts: Counter[int]) -> int | None:
    most = max(counts, default=0)
    return most if counts[most] >= max(SHOWN, MOST * counts.total()) else None


def is_integer(literal: Literal) -> bool:
    """Whether a number is written without a point, an exponent, and a statement of how far it may be off."""
    return literal.special is None and literal.unit == 1 and literal.power is None and literal.units == Fraction(1, 2)


def is_finer(form: Form, other: Own | None, own: Own) -> bool:
    """Whether a number is another of the author's as it is, with which `own` agrees, and printed finer."""
    if other is None or len(form.sources) > 1 or not (own.known and other.known):
        return False
    is_itself = form.rest == 0 and form.centre == other.form.centre and form.parts == other.form.parts
    fine, coarse = other.claim.literal, own.claim.literal
    return bool(is_itself and fine.slack < coarse.slack and fine.low <= coarse.high and coarse.low <= fine.high)


def state_behind(
    state: str,
    parameter: str,
    moved: Callable[[Instead], Mapping[str, Array]],
    after: Mapping[str, Array],
    system: Forms,
) -> dict[str, Array]:
    """The state of an update, by its full name, with which a parameter becomes what it is `after` it.

    `moved` makes the update, with another number in the place of a result. Nothing where no state is found: Newton's
    method finds that of the middle of what each number can be, and the slope there tells how far it can be off.
    """

    def instead(name: str, result: Array, number: Array) -> Array:
        return number if name == state else after.get(name, result)

    def parameter_for(number: Array) -> Array:
        return moved(partial(instead, number=number))[parameter]

    wanted = _middles(after[parameter])
    found = _middles(after[state])
    for _ in range(MAX_TRIES):
        here, slope = _with_slope(parameter_for, found, system)
        if not (np.isfinite(here).all() and np.isfinite(slope).all() and slope.all()):
            return {}
        change = (wanted - here) / slope
        is_possible = np.isfinite(_middles(parameter_for(system.take(found + change))))
        found = np.where(is_possible, found + change, found / 4)  # a mean of squares, under a root, is above 0
        if (abs(change) <= CLOSE * abs(found)).all():
            number = system.take(found)
            off = system.apply("sub", (after[parameter], parameter_for(number)))
            return {state: system.apply("add", (number, system.apply("div", (off, system.take(slope)))))}
    return {}


def _with_slope(function: Callable[[Array], Array], at: Floats, system: Forms) -> tuple[Floats, Floats]:
    """A function at the middle of what its numbers can be, and its slope there."""
    aside = at + STEP * np.maximum(abs(at), STEP)
    here, there = (_middles(function(system.take(number))) for number in (at, aside))
    return here, (there - here) / (aside - at)


def _middles(array: Array) -> Floats:
    return np.array([to_float(form.centre) for form in array.flat], dtype=np.float64).reshape(array.shape)


@dataclass
class Shortening:
    """Makes the forms of a state short for the next step, each with at most so many unknowns (`most`)."""

    most: int
    fresh: int = 0

    def of(self, array: Array) -> Array:
        """Numbers of few digits and few unknowns; what is left out becomes an unknown of its own."""
        short = array.copy()
        for place, form in enumerate(array.flat):
            self.fresh -= 1
            short.flat[place] = shortened(form, self.fresh, self.most)
        return short
