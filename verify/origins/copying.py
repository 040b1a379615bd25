"""Numbers that are copied wrongly: what follows beside them, from what should stand in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from fractions import Fraction

from derive.run.run import Run
from verify.claims.claim import Cell
from verify.following.finding import Finding, Status
from verify.following.on_the_way import allowed
from verify.following.own_numbers import Own
from verify.numbers import Form, is_moderate, middle, to_fraction
from verify.origins.earlier_numbers import IN_PLACE, by_earlier, on_the_way
from verify.origins.rounding_author import AuthorsRounding


def slip_before_others(judged: Sequence[Finding], copied: Sequence[int]) -> int | None:
    """The first wrong number that is none of `copied` and has a wrong one after it; None where there is none."""
    wrong = [mark for mark, one in enumerate(judged) if one.status is Status.WRONG]
    return next((mark for mark in wrong[:-1] if mark not in copied and judged[mark].claim.literal.unit), None)


def without_slips(owns: Sequence[Own], judged: Sequence[Finding], copied: Sequence[int]) -> list[Own]:
    """The author's numbers, where those that are `copied` wrongly were gone on with as they should have been printed.

    Such a slip is in the table alone. What should stand there is what follows from the numbers before it, rounded.
    """
    return [_as_it_should_be(own, judged[own.mark]) if own.mark in copied else own for own in owns]


def _as_it_should_be(own: Own, finding: Finding) -> Own:
    """A number as it is rightly printed, with a mark of its own, beyond those of all that is printed (`IN_PLACE`)."""
    right, unit = finding.right, own.claim.literal.unit
    if right is None or unit is None or not is_moderate(right):
        return own
    if own.claim.literal.power is not None and unit > abs(middle(right)):
        return own  # 5e30 does not say with how many digits 0.5 is written
    low, high = map(Fraction, finding.follows) if finding.follows is not None else (middle(right), middle(right))
    is_exact = finding.follows is None and to_fraction(right) is not None and middle(right) % unit == 0
    if is_exact or own.claim.cell.quantity.group == "setting":  # nothing is rounded in it
        return Own(own.claim, IN_PLACE + own.mark, middle(right), middle(right))
    return Own(own.claim, IN_PLACE + own.mark, low - unit / 2, high + unit / 2)


def beside_slips(
    judged: Sequence[Finding], at_first: Sequence[Finding], copied: Sequence[int], forms: Mapping[Cell, Form]
) -> list[Finding]:
    """The findings, with what is carried only as a number before it was copied wrongly said to be so.

    Where there are such numbers, what is inherited from a slip is so, too, if it follows by `forms`: as it should be.
    """
    found = [_for_sure(one, other) for one, other in zip(judged, at_first, strict=True)]
    beside = {
        mark
        for mark, (one, other) in enumerate(zip(found, at_first, strict=True))
        if one.status is Status.CARRIED and other.status is Status.WRONG
    }
    refused = {mark for mark, one in enumerate(found) if one.status.is_refused}
    for mark, one in enumerate(found if beside else ()):
        slips = [judged[slip].cell for slip in copied if slip < mark]
        if mark in beside or (one.inherited_from in slips and _follows(one, forms, refused)):
            refused.discard(mark)
            names = " and ".join(f"step {cell.step}, {cell.name}" for cell in slips)
            why = f"it follows with the right number in place of {names}"
            found[mark] = replace(one, status=Status.CARRIED, why=why, inherited_from=None)
    return found


def _follows(finding: Finding, forms: Mapping[Cell, Form], refused: Set[int]) -> bool:
    """Whether an inherited number follows by `forms` as well, in which its slip is as it should be, from right ones."""
    if finding.status is not Status.INHERITED or finding.cell not in forms or forms[finding.cell].sources & refused:
        return False
    alone = replace(finding, status=Status.WRONG, inherited_from=None)
    return by_earlier(alone, forms[finding.cell], {}, frozenset()).status is Status.CARRIED


def _for_sure(finding: Finding, at_first: Finding) -> Finding:
    """A number that follows beside a slip; as it was at first where only an end of what its digits allow does."""
    literal, follows = finding.claim.literal, finding.follows
    if finding.status is not Status.CARRIED or at_first.status is not Status.WRONG or follows is None:
        return finding
    end = literal.slack / 100  # more than float64 loses
    return finding if follows[0] + end < literal.high and literal.low + end < follows[1] else at_first


def open_beside_slips(
    run: Run, findings: Sequence[Finding], copied: Sequence[int], owns: Sequence[Own], way: AuthorsRounding
) -> list[Finding]:
    """The findings; open is what rounding on the way gives if the right numbers stand in place of those `copied`."""
    wrong = {mark: one.cell for mark, one in enumerate(findings) if one.status is Status.WRONG}
    later = [mark for mark in wrong if copied and mark > min(copied) and mark not in copied]
    if not any(way.may_explain(wrong[mark]) for mark in later):
        return list(findings)
    forms = allowed(run, findings, without_slips(owns, findings, copied)).forms
    roots = {mark: cell for mark, cell in wrong.items() if mark not in copied}
    opened = {
        wrong[mark]: one
        for mark in later
        if way.may_explain(wrong[mark]) and wrong[mark] in forms
        if (one := on_the_way(findings[mark], forms[wrong[mark]], roots)).status is Status.UNDECIDED
    }
    rests = "what it follows from is undecided"
    return [
        replace(one, status=Status.UNDECIDED, why=rests, inherited_from=None)
        if one.inherited_from in opened
        else opened.get(one.cell, one)
        for one in findings
    ]
