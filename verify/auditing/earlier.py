"""What is wrong where it stands, and what is carried or inherited from the author's own earlier numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.run.run import Run
from verify.auditing.mistakes import remarks, with_local_partials
from verify.auditing.origins import beside_earlier, by_earlier, in_one_way, near_by_rounding, on_the_way
from verify.auditing.other_conventions import with_other_conventions
from verify.claims.claim import Cell
from verify.claims.literal import Literal, may_stand_for
from verify.following import extent
from verify.following.finding import Finding, Status
from verify.following.follow_through import follow
from verify.following.manner import FEW_UP, Manner, manner
from verify.following.on_the_way import Allowed, Reached, allowed, of_parameters, reached
from verify.following.own_lines import has_own_lines
from verify.following.own_numbers import Own, exact_integers, own_number, zeros_left_out
from verify.following.rounded_inputs import is_followed
from verify.hand.calculation import input_marks
from verify.numbers import Form, Forms, as_ball, from_fraction

# Whether a table shows that its author rounds on the way. Of numbers that such rounding can take TRACE times as far as
# their digits and the numbers before them leave open, 222 of 482 were beyond that in 186 right tables of students who
# round everything (tests/students.py): two in five at least, at 99 %. If each is so with a chance of 2/5, the chance
# that m or fewer are, and more than RARE·(m + 1) are not, is less than 1/1000 for all m together: (3/5)^14 for m = 0,
# and less than 1/50000 for m = 1.
TRACE, RARE = 4, 13

_OF_DIGITS = (Status.TRUNCATED, Status.DOUBLE_ROUNDED)  # what is said of how a right number was printed
_OF_LINES = ("nodes", "loss")
_ASIDES = ("partials", "scaled")  # groups of numbers that are often written beside a calculation


def followed(run: Run, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with what is inherited told apart from what is wrong where it stands."""
    refused = [one.cell for one in findings if one.status is Status.WRONG or one.by_inputs]
    if not refused and not any(one.status in _OF_DIGITS for one in findings):
        return tuple(findings)
    inputs = input_marks(run.watched)
    if inputs and not is_followed(run, refused):
        return tuple(findings)
    near = [one.cell for one in findings if one.status in _OF_DIGITS]
    extent.followed(run, [*refused, *near], [one.cell for one in findings]).check(run.settings.limit)
    prints = manner(run, findings, near) if near and not inputs else Manner()
    findings, rounded = _as_rounded(findings, prints)
    exact = exact_integers(findings)
    zeros = zeros_left_out(findings)
    owns = [_own(one, mark, is_exact=one.cell in exact, unit=zeros.get(one.cell)) for mark, one in enumerate(findings)]
    wanted = [cell for cell in (*refused, *near) if cell.quantity.group != "setting"]
    others = [_without_asides(run, findings, owns, wanted), _through_lines(run, owns, wanted)]
    by_rounding = allowed(run, findings, owns)
    forms = follow(run, owns, [*wanted, *by_rounding.forms], Forms(inputs=inputs))
    way = _way(run, findings, forms, by_rounding, near, rounded)
    if any(_is_open(one, forms.get(one.cell)) for one in findings):
        others.append(follow(run, of_parameters(owns), wanted, Forms(inputs=inputs)))
    judged: list[Finding] = []
    roots: dict[int, Cell] = {}
    undecided: set[int] = set()
    for mark, alone in enumerate(findings):
        finding = _by_any(alone, _each((forms, *others), alone.cell), roots, undecided)
        if finding.status is Status.WRONG and (alone.cell in rounded & way.off or way.may_explain(alone.cell)):
            finding = _by_rounding(finding, way, forms.get(alone.cell), roots, undecided)
        elif finding.status in _OF_DIGITS and alone.cell in forms:
            finding = _by_wrong_ones(finding, forms[alone.cell], prints, roots)
        if finding.status is Status.UNDECIDED:
            undecided.add(mark)
        elif not finding.status.is_accepted:
            roots[mark] = finding.inherited_from or finding.cell
        judged.append(finding)
    judged = _as_printed(run, judged, prints)
    judged = _of_a_rounding_author(judged, (forms, *others), roots, way, prints)
    judged = with_other_conventions(run, with_local_partials(run, judged))
    context = {finding.cell: finding for finding in judged}
    return tuple(
        replace(finding, remarks=remarks(run, finding, context)) if finding.status.is_refused else finding
        for finding in judged
    )


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


def _is_open(finding: Finding, form: Form | None) -> bool:
    """Whether the author's numbers do not tell what a wrong one follows to be: Adam's v of 0.000 may be any root."""
    if form is None or finding.status not in (Status.WRONG, *_OF_DIGITS):
        return False
    found = by_earlier(replace(finding, status=Status.WRONG), form, {}, frozenset())
    return found.status is Status.UNDECIDED or not as_ball(form.ball).is_finite()


def _without_asides(
    run: Run, findings: Sequence[Finding], owns: Sequence[Own], wanted: Sequence[Cell]
) -> Mapping[Cell, Form]:
    """What follows where the author's derivatives of lines and products with lr that are wrong were not gone on with.

    Nothing where there are none: a person may calculate a gradient in one go and such a number beside it.
    """
    asides = [one.cell for one in findings if one.status is Status.WRONG and one.cell.quantity.group in _ASIDES]
    if not asides:
        return {}
    system = Forms(inputs=input_marks(run.watched))
    return follow(run, [own for own in owns if own.claim.cell not in asides], wanted, system)


def _through_lines(run: Run, owns: Sequence[Own], wanted: Sequence[Cell]) -> Mapping[Cell, Form]:
    """What follows where derivatives are taken at the author's numbers of lines; nothing where that is the same."""
    is_claimed = any(own.claim.cell.quantity.group in _OF_LINES for own in owns)
    if not is_claimed or not has_own_lines(run.followed):
        return {}
    return follow(run, owns, wanted, Forms(inputs=input_marks(run.watched)), through=True)


def _by_any(alone: Finding, forms: Sequence[Form], roots: Mapping[int, Cell], undecided: Set[int]) -> Finding:
    """A number by what follows from the author's earlier ones, in the first of several ways that tells it."""
    if alone.by_inputs:
        return beside_earlier(alone, forms[0], roots, undecided) if forms else alone
    finding = alone
    for form in forms if alone.status is Status.WRONG else ():
        if finding.status in (Status.WRONG, Status.UNDECIDED):
            found = by_earlier(alone, form, roots, undecided)
            finding = found if finding is alone else _better(finding, found)
    return finding


def _each(ways: Sequence[Mapping[Cell, Form]], cell: Cell) -> list[Form]:
    """What follows of a number in each of several ways."""
    return [forms[cell] for forms in ways if cell in forms]


def _better(finding: Finding, other: Finding) -> Finding:
    """Of two ways to go on from the author's numbers the one by which a number follows, or may."""
    open_or_wrong = (Status.WRONG, Status.UNDECIDED) if finding.status is Status.UNDECIDED else (Status.WRONG,)
    return finding if other.status in open_or_wrong else other


@dataclass(frozen=True)
class _Way:
    """How the author of a table rounds on the way: `forms` are what roundings together may give.

    `off` are the numbers that show that the author goes on with rounded numbers, `moved` those of them that `one_way`
    to round gives, and `is_traced` says that these are not too few. `carried` are those that follow as printed, each
    with the unexplained numbers that it rests on.
    """

    forms: Mapping[Cell, Form]
    one_way: Reached
    moved: frozenset[Cell]
    off: frozenset[Cell]
    carried: Mapping[Cell, frozenset[Cell]]
    is_traced: bool

    def may_explain(self, cell: Cell) -> bool:
        """Whether a number can be by rounding on the way: another shows it, and does not only follow from this one.

        One alone may be so, too, where one way to round gives it and too few others would show that nobody does.
        """
        is_shown = bool(self.off - {cell}) or any(cell not in on and own != cell for own, on in self.carried.items())
        return is_shown or (self.is_traced and cell in self.moved)


def _way(
    run: Run,
    findings: Sequence[Finding],
    exactly: Mapping[Cell, Form],
    by_rounding: Allowed,
    near: Sequence[Cell],
    rounded: Set[Cell],
) -> _Way:
    """How the author rounds, by the numbers that do not follow exactly, and those `near` the right ones.

    One alone is looked at where roundings can take it so far, or it looks cut off in a table that is `rounded`; the
    first of these only shows something where one way gives it and nearly all that is right, as it is printed.
    """
    unexplained = _unexplained(findings, exactly)
    looked_at, one_way, forms = unexplained.union(near), Reached(), by_rounding.forms
    allowed_ones = _allowed(findings, unexplained, forms)
    if by_rounding.digits is not None and (len(looked_at) > 1 or unexplained & rounded):
        one_way = reached(run, findings, looked_at, by_rounding.digits)
    elif by_rounding.digits is not None and allowed_ones:
        right = {one.cell for one in findings if one.status is Status.RIGHT and one.cell in forms}
        one_way = reached(run, findings, looked_at, by_rounding.digits, right)
    moved = looked_at & one_way.forms.keys()
    off = moved | allowed_ones
    carried = _as_carried(findings, exactly, unexplained)
    return _Way(forms, one_way, moved, off, carried, _has_traces(findings, exactly, forms, moved))


def _by_rounding(
    finding: Finding, way: _Way, exactly: Form | None, roots: Mapping[int, Cell], undecided: Set[int]
) -> Finding:
    """A number that does not follow `exactly`, in a table with others that are off: by rounding on the way."""
    is_shown = way.is_traced and bool(way.moved - {finding.cell})
    found = in_one_way(finding, way.one_way, roots, undecided, is_traced=is_shown)
    if found.status is Status.WRONG and finding.cell in way.forms:
        form = way.forms[finding.cell]
        if is_shown and not undecided & form.sources and _is_within_a_unit(finding.claim.literal, exactly):
            found = near_by_rounding(finding, form, roots, "what the numbers before it give")
        return found if found.status is Status.CARRIED else on_the_way(finding, form, roots)
    return found


def _is_within_a_unit(literal: Literal, form: Form | None) -> bool:
    """Whether a number is no further than a unit of its last digit from one that it follows to be."""
    if form is None or literal.unit is None:
        return False
    return may_stand_for(replace(literal, units=Fraction(1)), form.ball) is not False


def _unexplained(findings: Sequence[Finding], exactly: Mapping[Cell, Form]) -> frozenset[Cell]:
    """The numbers that are not right, nor follow from those before them as printed.

    One alone shows nothing of how its author works.
    """
    return frozenset(
        one.cell
        for one in findings
        if one.status is Status.WRONG
        and one.cell in exactly
        and one.claim.literal.special is None
        and may_stand_for(one.claim.literal, exactly[one.cell].ball) is False
    )


def _allowed(findings: Sequence[Finding], cells: Set[Cell], rounded: Mapping[Cell, Form]) -> frozenset[Cell]:
    """Those of `cells` that roundings on the way may give together."""
    return frozenset(
        one.cell
        for one in findings
        if one.cell in cells
        and one.cell in rounded
        and may_stand_for(one.claim.literal, rounded[one.cell].ball) is not False
        and as_ball(rounded[one.cell].ball).is_finite()
    )


def _as_carried(
    findings: Sequence[Finding], exactly: Mapping[Cell, Form], unexplained: Set[Cell]
) -> Mapping[Cell, frozenset[Cell]]:
    """The numbers that are not right and follow from those before them as printed: their author goes on with these.

    With each are the unexplained numbers that it rests on. For one of these it is no evidence: by a slip it follows
    just as it does by a rounded number.
    """
    found: dict[Cell, frozenset[Cell]] = {}
    rests_on: dict[int, frozenset[Cell]] = {}
    for mark, one in enumerate(findings):
        form = exactly.get(one.cell)
        if one.cell in unexplained:
            rests_on[mark] = frozenset({one.cell})
        elif one.status is Status.WRONG and form is not None and form.sources and _may_be(one, form):
            rests_on[mark] = frozenset().union(*(rests_on.get(source, frozenset()) for source in form.sources))
            found[one.cell] = rests_on[mark]
    return found


def _may_be(finding: Finding, form: Form) -> bool:
    return may_stand_for(finding.claim.literal, form.ball) is not False


def _has_traces(
    findings: Sequence[Finding], exactly: Mapping[Cell, Form], rounded: Mapping[Cell, Form], moved: Set[Cell]
) -> bool:
    """Whether rounding on the way has moved more than a few of the numbers that it can move, or there are few."""
    movable = [
        one
        for one in findings
        if one.cell in rounded and _is_movable(one.claim.literal, exactly.get(one.cell), rounded[one.cell])
    ]
    clean = sum(may_stand_for(one.claim.literal, exactly[one.cell].ball) is not False for one in movable)
    return clean <= RARE * max(sum(one.cell in moved for one in movable), 1)


def _is_movable(literal: Literal, exactly: Form | None, rounded: Form) -> bool:
    """Whether rounding on the way can take a number `TRACE` times as far as its digits and what is before it do."""
    if exactly is None or literal.unit is None:
        return False
    open_ = exactly.radius + as_ball(from_fraction(literal.slack))
    return bool(rounded.radius - exactly.radius >= TRACE * open_)


def _own(finding: Finding, mark: int, *, is_exact: bool, unit: Fraction | None) -> Own:
    """The author's number of a finding; where inputs are rounded, nothing else is known of it than what is printed."""
    is_wrong, literal = finding.status is Status.WRONG, finding.claim.literal
    if finding.allowed is None:
        return own_number(finding.claim, mark, finding.right, is_wrong, is_exact=is_exact, unit=unit)
    own = own_number(finding.claim, mark, None, is_wrong)
    if literal.unit is not None and finding.status in (Status.TRUNCATED, Status.DOUBLE_ROUNDED, Status.RESIDUE):
        return replace(own, low=literal.value - literal.unit, high=literal.value + literal.unit)
    return own


def _of_a_rounding_author(
    findings: Sequence[Finding],
    ways: Sequence[Mapping[Cell, Form]],
    roots: Mapping[int, Cell],
    way: _Way,
    prints: Manner,
) -> list[Finding]:
    """The findings; of an author who rounds up elsewhere, what looks cut off may follow from the numbers before it.

    Half of the right numbers of such a table are rounded up, and hardly one of an author's who cuts off. That the
    digits of a number are those of the right one cut off, or rounded twice, is chance there where they follow, and
    where rounding on the way, which other numbers show, can take it so far.
    """
    looks_so = [one for one in findings if one.status in _OF_DIGITS]
    up = sum(one.status is Status.RIGHT and _is_rounded_up(one) for one in findings)
    if up < FEW_UP:
        return list(findings)
    found: dict[Cell, Finding] = {}
    for one in looks_so:
        open_one, cell = replace(one, status=Status.WRONG, why=""), one.cell
        found[cell] = _by_any(open_one, _each(ways, cell), roots, frozenset())
        if found[cell].status is Status.UNDECIDED and prints.is_rounded:
            why = "it is within a unit of the right number, and the numbers before it, as printed, may give it"
            found[cell] = replace(open_one, status=Status.CARRIED, why=why)
        if found[cell].status is Status.WRONG and way.is_traced:
            found[cell] = in_one_way(open_one, way.one_way, roots, frozenset(), is_traced=True)
        if found[cell].status is Status.WRONG and way.is_traced and way.off - {cell}:
            found[cell] = near_by_rounding(open_one, way.forms.get(cell), roots)
    followed_on = {cell: one for cell, one in found.items() if one.status in (Status.CARRIED, Status.INHERITED)}
    return [followed_on.get(one.cell, one) for one in findings]


def _is_rounded_up(finding: Finding) -> bool:
    """Whether a right number is printed larger than it is, on the side away from 0."""
    literal, right = finding.claim.literal, finding.right
    if literal.special is not None or right is None:
        return False
    return bool(abs(as_ball(right)) < abs(as_ball(from_fraction(literal.value))))


def _as_printed(run: Run, findings: Sequence[Finding], prints: Manner) -> list[Finding]:
    """The findings; carried is also what the numbers before it give exactly as they are printed, however coarse.

    So is what looks cut off or rounded twice, unless a number of the table is that which no earlier one explains.
    """
    near = [
        one.cell
        for one in findings
        if one.status in _OF_DIGITS or (one.status is Status.UNDECIDED and one.follows is not None)
    ]
    if not near:
        return list(findings)
    given = prints.given if prints.given.keys() >= {*near} else manner(run, findings, near).given
    refused = {mark for mark, one in enumerate(findings) if one.status.is_refused}
    explained = {
        cell
        for cell in near
        for form in given.get(cell, ())  # what is right stays right
        if form.sources and not form.sources & refused
    }
    for_sure = {one.status for one in findings if one.status in _OF_DIGITS and one.cell not in explained}
    return [
        replace(one, status=Status.CARRIED, why="it is what the numbers before it give as they are printed")
        if one.cell in explained and one.status not in for_sure
        else one
        for one in findings
    ]
