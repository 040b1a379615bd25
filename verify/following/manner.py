"""In which manner an author prints: rounded, or cut off; by what each number is exactly, of the printed ones before it.

A person goes on with what is written down. So the last digit of a number shows best beside what the numbers before it
give as they are printed; beside the exact number, half of what looks cut off has only been carried. What does not
follow so may show that the author rounds on the way, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.claims.literal import Literal, judge, may_stand_for
from verify.following.extent import MAX_BY_HAND
from verify.following.finding import Finding, Status
from verify.following.follow_through import follow
from verify.following.own_lines import OF_LINES, has_own_lines
from verify.following.own_numbers import own_number
from verify.numbers import Form, as_ball, from_fraction

# So many numbers that are rounded up show an author who rounds, and as many more for each number that looks cut off. Of
# 30 right tables of students who cut off (tests/students.py) none had more than 3 of the former, beside 20 others;
# with every result on the way cut off one had 3 beside 1. Of those who round 38 of 41 are told so.
FEW_UP = 2
FEW_CUT = 2  # numbers that look cut off and may be slips

# Whether a table shows that its author rounds on the way. Of numbers that such rounding can take TRACE times as far as
# their digits and the numbers before them leave open, 222 of 482 were beyond that in 186 right tables of students who
# round everything (tests/students.py): two in five at least, at 99 %. If each is so with a chance of 2/5, the chance
# that m or fewer are, and more than RARE·(m + 1) are not, is less than 1/1000 for all m together: (3/5)^14 for m = 0,
# and less than 1/50000 for m = 1.
TRACE, RARE = 4, 13


@dataclass(frozen=True)
class Manner:
    """What the printed numbers give as they are, and how the ones after them were shortened.

    `given` are the forms that give a cell as it is printed, rounded; one for each way to go on. `up` are the cells that
    are right only as they are rounded, `cut` those that are right only as the first digits of a number.
    """

    given: Mapping[Cell, Sequence[Form]] = field(default_factory=dict)
    up: frozenset[Cell] = frozenset()
    cut: frozenset[Cell] = frozenset()

    @property
    def is_rounded(self) -> bool:
        """Whether the author rounds for sure: rounded up are two numbers, and two more for each that looks cut off."""
        return len(self.up) >= FEW_UP * (1 + len(self.cut))

    @property
    def is_rather_rounded(self) -> bool:
        """Whether two numbers are rounded up, and more than two for each that looks cut off, of which there are few.

        Somebody who cuts off three times does so now and then.
        """
        return len(self.cut) <= FEW_CUT and len(self.up) >= FEW_UP and len(self.up) > FEW_UP * len(self.cut)

    @property
    def is_rather_cut(self) -> bool:
        """Whether some numbers look cut off, and no more are rounded up."""
        return len(self.cut) >= max(1, len(self.up))

    def is_cut(self, cell: Cell) -> bool:
        """Whether the column of a number is cut off, though others are rounded: more than two for each that is not."""
        up, cut = (sum(one.quantity == cell.quantity for one in cells) for cells in (self.up, self.cut))
        return cut >= FEW_UP and cut > FEW_UP * up


def manner(run: Run, findings: Sequence[Finding], cells: Sequence[Cell], *, is_part: bool = False) -> Manner:
    """How the author of a table shortens numbers, by all of them; of a long run, or a part, by those in `cells`."""
    owns = [own_number(one.claim, mark, one.right, is_wrong=True, is_exact=True) for mark, one in enumerate(findings)]
    is_long = max(one.cell.step for one in findings) > MAX_BY_HAND
    listed = {*cells} if is_part or is_long else {one.cell for one in findings}
    literals = {one.cell: one.claim.literal for one in findings if one.cell in listed}
    literals = {cell: literal for cell, literal in literals.items() if cell.quantity.group != "setting"}
    ways = [follow(run, owns, list(literals))]
    if any(cell.quantity.group in OF_LINES for cell in literals) and has_own_lines(run.followed):
        ways.append(follow(run, owns, list(literals), through=True))
    forms = {cell: [way[cell] for way in ways if cell in way] for cell in literals}
    given = {cell: [form for form in own if judge(literals[cell], form.ball) == "right"] for cell, own in forms.items()}
    rounded = {cell for cell, own in given.items() if own}
    begun = {cell for cell, own in forms.items() if _begins(literals[cell], own)}
    return Manner(given, frozenset(rounded - begun), frozenset(begun - rounded))


def _begins(literal: Literal, forms: Sequence[Form]) -> bool:
    """Whether the digits of a number are the first ones of one of the forms."""
    return not literal.is_cut and any(judge(literal.cut(), form.ball) == "right" for form in forms)


def is_cut_in_full(findings: Sequence[Finding]) -> bool:
    """Whether all numbers are right, or the first digits of what is right: their author goes on with every digit.

    More than `FEW_CUT` have to be cut off, and none rounded up.
    """
    cut = [one for one in findings if one.status is Status.TRUNCATED]
    others = [one for one in findings if one.status is not Status.TRUNCATED]
    is_right = all(one.status is Status.RIGHT and not _is_rounded_up(one) for one in others)
    return len(cut) > FEW_CUT and is_right


def rounds_up(findings: Iterable[Finding]) -> bool:
    """Whether enough right numbers are rounded up to show that nobody cuts them off."""
    up = (one for one in findings if one.status is Status.RIGHT and _is_rounded_up(one))
    return len(list(islice(up, FEW_UP))) == FEW_UP


def _is_rounded_up(finding: Finding) -> bool:
    """Whether a right number is printed larger than it is, on the side away from 0."""
    literal, right = finding.claim.literal, finding.right
    if literal.special is not None or right is None:
        return False
    return bool(abs(as_ball(right)) < abs(as_ball(from_fraction(literal.value))))


def unexplained(findings: Sequence[Finding], exactly: Mapping[Cell, Form]) -> frozenset[Cell]:
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


def reachable(findings: Sequence[Finding], cells: Set[Cell], rounded: Mapping[Cell, Form]) -> frozenset[Cell]:
    """Those of `cells` that roundings on the way may give together."""
    return frozenset(
        one.cell
        for one in findings
        if one.cell in cells
        and one.cell in rounded
        and may_stand_for(one.claim.literal, rounded[one.cell].ball) is not False
        and as_ball(rounded[one.cell].ball).is_finite()
    )


def has_traces(
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
