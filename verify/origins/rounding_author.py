"""How the author of a table rounds on the way, and what that explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.claims.literal import Literal, may_stand_for
from verify.following.finding import OF_DIGITS, Finding, Status
from verify.following.manner import FEW_UP, Manner, has_traces, reachable, rounds_up, unexplained
from verify.following.on_the_way import Allowed, Reached, Tried, hides_gradients, reached
from verify.numbers import Form, as_ball
from verify.origins.earlier_numbers import FEW_UNITS, as_carried, by_any, each_way, in_one_way, on_the_way


def near_by_rounding(
    finding: Finding,
    form: Form | None,
    roots: Mapping[int, Cell],
    near: str = "the right number",
    others: str = "as it takes others",
) -> Finding:
    """A number within a unit of another, `near`; carried where rounding on the way, `form`, can take it so far.

    Of a table in which `others` show that it rounds so, and not where it may rest on a wrong one.
    """
    is_possible = form is not None and as_ball(form.ball).is_finite() and not form.sources & roots.keys()
    if form is None or not is_possible or may_stand_for(finding.claim.literal, form.ball) is False:
        return finding
    why = f"it is within a unit of {near}; rounding on the way can take it so far, {others}"
    return replace(finding, status=Status.CARRIED, why=why, on_the_way="rounded")


def without_bound(finding: Finding, form: Form, roots: Mapping[int, Cell]) -> Finding:
    """A number near the right one, which rounding on the way takes who knows how far: `form` has no bound.

    RMSprop divides by a root that may be 0 where all is rounded. What rests on a wrong number stays as it is.
    """
    if form.sources & roots.keys():
        return finding
    why = "it is not right at its digits; how far rounding on the way, which others show, takes it, nothing bounds"
    return replace(finding, status=Status.UNDECIDED, why=why)


@dataclass(frozen=True)
class AuthorsRounding:
    """How the author of a table rounds on the way: `forms` are what roundings together may give.

    `off` are the numbers that show that the author goes on with rounded numbers, `moved` those of them that `one_way`
    to round gives, and `is_traced` says that these are not too few; `is_rounded` that right numbers are rounded up.
    `carried` are those that follow as printed, each with the unexplained numbers that it rests on.
    """

    forms: Mapping[Cell, Form]
    one_way: Reached
    moved: frozenset[Cell]
    off: frozenset[Cell]
    carried: Mapping[Cell, frozenset[Cell]]
    is_traced: bool
    is_rounded: bool

    def may_explain(self, cell: Cell) -> bool:
        """Whether a number can be by rounding on the way: another shows it, and does not only follow from this one.

        One alone may be so, too, where one way to round gives it and too few others would show that nobody does.
        """
        is_shown = bool(self.off - {cell}) or any(cell not in on and own != cell for own, on in self.carried.items())
        return is_shown or (self.is_traced and cell in self.moved)

    def shown_beside(self, cell: Cell) -> str:
        """What other numbers show of an author who rounds on the way; nothing if they do not."""
        if self.off - {cell}:
            return "as it takes others"
        goes_on = [own for own, on in self.carried.items() if cell not in on and own != cell]
        return "and others follow from rounded numbers" if len(goes_on) >= FEW_UP else ""


def authors_rounding(
    run: Run,
    findings: Sequence[Finding],
    exactly: Mapping[Cell, Form],
    by_rounding: Allowed,
    near: Sequence[Cell],
    rounded: Set[Cell],
    is_rounded: bool,
    tried: Tried,
) -> AuthorsRounding:
    """How the author rounds, by the numbers that do not follow exactly, and those `near` the right ones.

    `is_rounded` says whether right numbers are rounded up. One number alone is looked at where roundings can take it so
    far, or it looks cut off in a table that is `rounded`; the first of these only shows something where one way gives
    it and nearly all that is right, as it is printed.
    """
    off_alone = unexplained(findings, exactly)
    looked_at, one_way, forms = off_alone.union(near), Reached(), by_rounding.forms
    allowed_ones = reachable(findings, off_alone, forms)
    is_alone = len(looked_at) <= 1 and not off_alone & rounded
    if by_rounding.digits is not None and (not is_alone or allowed_ones or (off_alone and hides_gradients(findings))):
        beside = right_cells(findings, forms) if is_alone else frozenset[Cell]()
        one_way = reached(run, findings, looked_at, by_rounding.digits, tried, beside)
    moved, carried = looked_at & one_way.forms.keys(), as_carried(findings, exactly, off_alone)
    is_traced = has_traces(findings, exactly, forms, moved)
    return AuthorsRounding(forms, one_way, moved, moved | allowed_ones, carried, is_traced, is_rounded)


def right_cells(findings: Sequence[Finding], forms: Mapping[Cell, Form]) -> set[Cell]:
    """The numbers that are right, of those that `forms` has."""
    return {one.cell for one in findings if one.status is Status.RIGHT and one.cell in forms}


def by_rounding_on_the_way(
    finding: Finding, way: AuthorsRounding, exactly: Form | None, roots: Mapping[int, Cell], undecided: Set[int]
) -> Finding:
    """A number that does not follow `exactly`, in a table with others that are off: by rounding on the way."""
    is_shown = way.is_traced and bool(way.moved - {finding.cell})
    found = in_one_way(finding, way.one_way, roots, undecided, is_traced=is_shown)
    if found.status is Status.WRONG and finding.cell in way.forms:
        form = way.forms[finding.cell]
        if (
            is_shown
            and way.is_rounded
            and not undecided & form.sources
            and _is_within(finding.claim.literal, exactly, 1)
        ):
            found = near_by_rounding(finding, form, roots, "what the numbers before it give")
        if found.status is Status.CARRIED:
            return found
        if is_shown and not as_ball(form.ball).is_finite() and _is_within(finding.claim.literal, exactly, FEW_UNITS):
            return without_bound(finding, form, roots)
        return on_the_way(finding, form, roots)
    return found


def _is_within(literal: Literal, form: Form | None, units: int) -> bool:
    """Whether a number is no further than so many units of its last digit from one that it follows to be."""
    if form is None or literal.unit is None:
        return False
    return may_stand_for(replace(literal, units=Fraction(units)), form.ball) is not False


def of_a_rounding_author(
    findings: Sequence[Finding],
    ways: Sequence[Mapping[Cell, Form]],
    roots: Mapping[int, Cell],
    way: AuthorsRounding,
    prints: Manner,
) -> list[Finding]:
    """The findings; of an author who rounds up elsewhere, what looks cut off may follow from the numbers before it.

    Half of the right numbers of such a table are rounded up, and hardly one of an author's who cuts off. That the
    digits of a number are those of the right one cut off, or rounded twice, is chance there where they follow, and
    where rounding on the way, which other numbers show, can take it so far.
    """
    looks_so = [one for one in findings if one.status in OF_DIGITS]
    if not looks_so or not rounds_up(findings):
        return list(findings)
    found: dict[Cell, Finding] = {}
    for one in looks_so:
        open_one, cell = replace(one, status=Status.WRONG, why=""), one.cell
        found[cell] = by_any(open_one, each_way(ways, cell), roots, frozenset())
        if found[cell].status is Status.UNDECIDED and prints.is_rounded:
            why = "it is within a unit of the right number, and the numbers before it, as printed, may give it"
            found[cell] = replace(open_one, status=Status.CARRIED, why=why)
        if found[cell].status is Status.WRONG and way.is_traced:
            found[cell] = in_one_way(open_one, way.one_way, roots, frozenset(), is_traced=True)
        if found[cell].status is Status.WRONG and way.is_traced and (others := way.shown_beside(cell)):
            found[cell] = near_by_rounding(open_one, way.forms.get(cell), roots, others=others)
    followed_on = {cell: one for cell, one in found.items() if one.status in (Status.CARRIED, Status.INHERITED)}
    return [followed_on.get(one.cell, one) for one in findings]
