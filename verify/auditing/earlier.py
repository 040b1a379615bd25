"""What is wrong where it stands, and what is carried or inherited from the author's own earlier numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from derive.run.run import Run
from verify.auditing.mistakes import remarks, with_local_partials
from verify.auditing.other_conventions import with_other_conventions
from verify.claims.claim import Cell
from verify.following import extent
from verify.following.beginning import SHORT, known_states, passed_over
from verify.following.finding import OF_DIGITS, Finding, Status
from verify.following.follow_through import follow
from verify.following.manner import Manner, is_cut_in_full, manner, rounds_up
from verify.following.on_the_way import (
    Allowed,
    Reached,
    Tried,
    allowed,
    is_by_program,
    of_parameters,
    reached,
)
from verify.following.own_lines import OF_LINES, has_own_lines
from verify.following.own_numbers import Hiding, Own, exact_integers, own_number, zeros_left_out
from verify.following.rounded_inputs import is_followed
from verify.hand.calculation import input_marks
from verify.logs.means import asked_steps
from verify.numbers import Form, HandForms
from verify.origins.copying import beside_slips, open_beside_slips, slip_before_others, without_slips
from verify.origins.earlier_numbers import (
    IN_PLACE,
    by_any,
    by_earlier,
    each_way,
    in_one_way,
    is_coarse,
    is_open,
    sharper,
)
from verify.origins.rounding_author import (
    AuthorsRounding,
    authors_rounding,
    by_rounding_on_the_way,
    of_a_rounding_author,
    right_cells,
)

_AS_PRINTED = "it is what the numbers before it give as they are printed"
_ASIDES = ("partials", "scaled")  # groups of numbers that are often written beside a calculation
MAX_COPIED = 4  # slips in copying that are looked behind: each costs as much as to follow the author once


def followed(run: Run, findings: Sequence[Finding], tried: Tried) -> tuple[Finding, ...]:
    """The findings, in the order of calculation, with what is inherited told apart from what is wrong where it stands.

    Of a long table nothing follows after the last number that is not right. `tried` has what ways to round give of it.
    """
    refused = [one.cell for one in findings if one.status is Status.WRONG or one.by_inputs]
    near = [one.cell for one in findings if one.status in OF_DIGITS]
    if not refused and (not near or is_cut_in_full(findings)):
        return tuple(findings)
    inputs = input_marks(run.watched)
    if inputs and not is_followed(run, refused):
        return tuple(findings)
    count = len(findings)
    if is_part := is_by_program(findings):
        last = max(cell.step for cell in (*refused, *near))
        count = bisect_right(findings, last, key=lambda one: one.cell.step)
    own, later = findings[:count], findings[count:]
    wanted = [cell for cell in (*refused, *near) if cell.quantity.group != "setting"]
    is_long = is_part and not inputs and max((cell.step for cell in wanted), default=0) > SHORT
    known = known_states(run, [one.claim for one in own]) if is_long else ()
    extent.followed(run, [*refused, *near], [one.cell for one in own], known).check(run.settings.limit)
    prints = manner(run, own, near, is_part=is_part) if near and not inputs else Manner()
    own, rounded = _as_rounded(own, prints)
    findings = [*own, *later]
    owns_from = partial(_owns, run, findings, count)
    owns = owns_from(passed_over(known, asked_steps(run, wanted), 1).get(1, 1))
    others = [_without_asides(run, own, owns, wanted), _through_lines(run, owns, wanted)]
    by_rounding = Allowed(None, {}) if is_part else allowed(run, own, owns)
    forms = follow(run, owns, [*wanted, *by_rounding.forms], HandForms(inputs=inputs))
    way = authors_rounding(run, own, forms, by_rounding, near, rounded, rounds_up(findings), tried)
    is_short = not is_part and max(one.cell.step for one in own) <= extent.MAX_BY_HAND
    if is_short or any(is_open(one, forms.get(one.cell)) for one in own):
        by_parameters = follow(run, of_parameters(owns_from(1)), wanted, HandForms(inputs=inputs))
        others.append(sharper(own, forms, by_parameters))
    ways = (forms, *others)
    judged, roots = _in_order(own, ways, way, prints, rounded)
    copied: list[int] = []
    at_first, states = judged, run.settings.states
    while is_short and len(copied) < MAX_COPIED and (slip := slip_before_others(judged, copied)) is not None:
        copied.append(slip)
        hidden = [Hiding(state, frozenset(copied)) for state in states]
        ways = (*ways, *(follow(run, owns, wanted, HandForms(inputs=inputs), hiding=own) for own in hidden))
        ways = (*ways, follow(run, without_slips(owns, judged, copied), wanted, HandForms(inputs=inputs)))
        judged, roots = _in_order(own, ways, way, prints, rounded)
    if is_short and _coarse(judged):
        prints = prints if prints.given else manner(run, own, near)
        given = _Given(prints.given, way.one_way if way.moved and way.is_traced else Reached())
        judged, roots = _in_order(own, ways, way, prints, rounded, given)
    if is_short and by_rounding.digits is not None and (coarse := _coarse(judged)):
        one_way = reached(run, own, coarse, by_rounding.digits, tried, right_cells(own, by_rounding.forms))
        if coarse <= one_way.forms.keys():  # somebody who rounds so has exactly these numbers
            judged, roots = _in_order(own, ways, way, prints, rounded, _Given(prints.given, one_way))
    judged = beside_slips(judged, at_first, copied, ways[-1])
    judged = open_beside_slips(run, judged, copied, owns, way)
    judged = [*_as_printed(run, judged, prints, is_part=is_part), *later]
    judged = of_a_rounding_author(judged, ways, roots, way, prints)
    judged = with_other_conventions(run, with_local_partials(run, judged))
    context = {finding.cell: finding for finding in judged}
    return tuple(
        replace(finding, remarks=remarks(run, finding, context)) if finding.status.is_refused else finding
        for finding in judged
    )


def _owns(run: Run, findings: Sequence[Finding], count: int, begin: int) -> list[Own]:
    """The author's numbers among the first `count`, from the state before the step `begin` on; each by its place."""
    exact = exact_integers(findings)
    marked = [(mark, one) for mark, one in enumerate(findings[:count]) if one.cell.step >= begin - 1]
    zeros = zeros_left_out(findings, [one for _, one in marked])
    owns = [_own(one, mark, is_exact=one.cell in exact, unit=zeros.get(one.cell)) for mark, one in marked]
    slip = next((mark for mark, one in enumerate(findings) if one.status is Status.WRONG), count)
    is_cut = [one.status is Status.TRUNCATED and mark > slip for mark, one in marked]
    return [_under_root(run, _as_cut(own) if cut else own) for own, cut in zip(owns, is_cut, strict=True)]


def _under_root(run: Run, own: Own) -> Own:
    """A number of the author's; one of which the update takes a root is not below 0, also where it is printed as 0."""
    parameter, _, state = own.claim.cell.quantity.name.partition(".")
    if not state or own.low >= 0 or own.high < 0 or state not in run.settings.rule_of(parameter).under_roots:
        return own
    return replace(own, low=Fraction(0))


def _as_cut(own: Own) -> Own:
    """A number after a slip that looks cut off: it need not be the right one, of which it has the first digits."""
    low, high = own.claim.literal.cut().ends
    return replace(own, low=min(own.low, low), high=max(own.high, high))


def _as_rounded(findings: Sequence[Finding], prints: Manner) -> tuple[Sequence[Finding], frozenset[Cell]]:
    """The findings of a table that is rounded, in which nothing is cut off, and what looks so there.

    That is judged as any other number that is not right at its digits.
    """
    if not prints.is_rather_rounded:
        return findings, frozenset()
    looks_so = frozenset(one.cell for one in findings if one.status is Status.TRUNCATED and not prints.is_cut(one.cell))
    judged = [replace(one, status=Status.WRONG, why="") if one.cell in looks_so else one for one in findings]
    return judged, looks_so


def _by_wrong_ones(finding: Finding, form: Form, prints: Manner, roots: Mapping[int, Cell]) -> Finding:
    """What looks cut off, or rounded twice; inherited where wrong numbers before it give it as they are printed.

    Not where more numbers of the table are cut off than rounded up.
    """
    rests = any(given.sources & roots.keys() for given in prints.given.get(finding.cell, ()))
    if not rests or prints.is_rather_cut:
        return finding
    found = by_earlier(replace(finding, status=Status.WRONG, why=""), form, roots, frozenset())
    return found if found.status is Status.INHERITED else finding


def _in_order(
    findings: Sequence[Finding],
    ways: Sequence[Mapping[Cell, Form]],
    way: AuthorsRounding,
    prints: Manner,
    rounded: Set[Cell],
    given: _Given | None = None,
) -> tuple[list[Finding], dict[int, Cell]]:
    """Each number by those before it, and the wrong ones, each with the first that is.

    Of numbers that are too coarse to tell otherwise is carried what is `given`.
    """
    judged: list[Finding] = []
    roots: dict[int, Cell] = {}
    undecided: set[int] = set()
    for mark, alone in enumerate(findings):
        forms = each_way(ways, alone.cell)
        finding = by_any(alone, forms, roots, undecided)
        if finding.status is Status.WRONG and (alone.cell in rounded & way.off or way.may_explain(alone.cell)):
            finding = by_rounding_on_the_way(finding, way, ways[0].get(alone.cell), roots, undecided)
        elif finding.status in OF_DIGITS and alone.cell in ways[0]:
            finding = _by_wrong_ones(finding, ways[0][alone.cell], prints, roots)
        if given is not None and is_coarse(finding):
            finding = given.by(finding, roots, undecided)
        if finding.status is Status.UNDECIDED:
            undecided.add(mark)
        elif not finding.status.is_accepted:
            roots[mark] = finding.inherited_from or finding.cell
            roots |= _in_place(mark, ways[0].get(alone.cell), roots)
        judged.append(finding)
    return judged, roots


def _in_place(mark: int, form: Form | None, roots: Mapping[int, Cell]) -> dict[int, Cell]:
    """The first wrong number that the one rests on which should stand in the place of a wrong one; nothing if none."""
    rests_on = sorted(form.sources & roots.keys()) if form is not None else []
    return {IN_PLACE + mark: roots[rests_on[0]]} if rests_on else {}


@dataclass(frozen=True)
class _Given:
    """Numbers that follow exactly as they are printed: `as_printed` from the printed ones before them, or in one way.

    Of the first there may be several forms of each.
    """

    as_printed: Mapping[Cell, Sequence[Form]]
    one_way: Reached

    def by(self, finding: Finding, roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
        """A number that is open, carried where it is given and rests on nothing that is wrong, or open."""
        if _is_given(self.as_printed.get(finding.cell, ()), roots.keys() | undecided):
            return replace(finding, status=Status.CARRIED, why=_AS_PRINTED)
        found = in_one_way(finding, self.one_way, roots, undecided, is_traced=True)
        return found if found.status is Status.CARRIED else finding


def _coarse(findings: Sequence[Finding]) -> frozenset[Cell]:
    """The numbers that those before them are too coarse to tell."""
    return frozenset(one.cell for one in findings if is_coarse(one))


def _is_given(forms: Sequence[Form], not_right: Set[int]) -> bool:
    """Whether printed numbers, none of them `not_right`, give a number as it is printed."""
    return any(form.sources and not form.sources & not_right for form in forms)


def _without_asides(
    run: Run, findings: Sequence[Finding], owns: Sequence[Own], wanted: Sequence[Cell]
) -> Mapping[Cell, Form]:
    """What follows where the author's derivatives of lines and products with lr that are wrong were not gone on with.

    Nothing where there are none: a person may calculate a gradient in one go and such a number beside it.
    """
    asides = [one.cell for one in findings if one.status is Status.WRONG and one.cell.quantity.group in _ASIDES]
    if not asides:
        return {}
    system = HandForms(inputs=input_marks(run.watched))
    return follow(run, [own for own in owns if own.claim.cell not in asides], wanted, system)


def _through_lines(run: Run, owns: Sequence[Own], wanted: Sequence[Cell]) -> Mapping[Cell, Form]:
    """What follows where derivatives are taken at the author's numbers of lines; nothing where that is the same."""
    is_claimed = any(own.claim.cell.quantity.group in OF_LINES for own in owns)
    if not is_claimed or not has_own_lines(run.followed):
        return {}
    return follow(run, owns, wanted, HandForms(inputs=input_marks(run.watched)), through=True)


def _own(finding: Finding, mark: int, *, is_exact: bool, unit: Fraction | None) -> Own:
    """The author's number of a finding; where inputs are rounded, nothing else is known of it than what is printed."""
    is_wrong, literal = finding.status is Status.WRONG, finding.claim.literal
    if finding.allowed is None:
        return own_number(finding.claim, mark, finding.right, is_wrong, is_exact=is_exact, unit=unit)
    own = own_number(finding.claim, mark, None, is_wrong)
    if literal.unit is not None and finding.status in (*OF_DIGITS, Status.RESIDUE):
        return replace(own, low=literal.value - literal.unit, high=literal.value + literal.unit)
    return own


def _as_printed(run: Run, findings: Sequence[Finding], prints: Manner, *, is_part: bool) -> list[Finding]:
    """The findings; carried is also what the numbers before it give exactly as they are printed, however coarse.

    So is what looks cut off or rounded twice, unless a number of the table is that which no earlier one explains.
    """
    near = [one.cell for one in findings if one.status in OF_DIGITS or is_coarse(one)]
    if not near:
        return list(findings)
    given = prints.given if prints.given.keys() >= {*near} else manner(run, findings, near, is_part=is_part).given
    refused = {mark for mark, one in enumerate(findings) if one.status.is_refused}
    explained = {cell for cell in near if _is_given(given.get(cell, ()), refused)}  # what is right stays right
    for_sure = {one.status for one in findings if one.status in OF_DIGITS and one.cell not in explained}
    return [
        replace(one, status=Status.CARRIED, why=_AS_PRINTED)
        if one.cell in explained and one.status not in for_sure
        else one
        for one in findings
    ]
