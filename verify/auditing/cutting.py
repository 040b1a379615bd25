"""Authors who cut their digits off, all of them, in place of rounding: their table is read again in that way.

A printed number then stands for any that begins with its digits, and every result on the way is up to a unit nearer to
0. That allows no more than rounding does, which is half a unit on either side, but elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verify.claims.claim import Claim
from verify.following.extent import MAX_BY_HAND
from verify.following.finding import Finding, Status
from verify.following.own_numbers import exact_integers, zeros_left_out

TOLD = "numbers are read as cut off, not rounded: some follow from the others only so"
_OPEN = (Status.WRONG, Status.UNDECIDED)  # by rounding
_NO_REASON = (Status.WRONG, Status.RESIDUE)  # by cutting: 1.99999999 of a program, which no person makes 1 of


def cut_claims(alone: Sequence[Finding], judged: Sequence[Finding]) -> list[Claim]:
    """The claims of a table whose author may cut off, read so; nothing where that is not to be tried.

    `alone` are the findings by the digits of each number, `judged` those by the author's earlier ones.
    """
    if not any(one.status in _OPEN for one in judged) or alone[-1].cell.step > MAX_BY_HAND:
        return []
    exact = exact_integers(alone) | zeros_left_out(alone).keys()
    return [_cut(one.claim) if one.cell not in exact else one.claim for one in alone]


def _cut(claim: Claim) -> Claim:
    is_setting = claim.cell.quantity.group == "setting"
    return claim if is_setting else replace(claim, literal=claim.literal.cut())


def is_cut_rather(
    alone: Sequence[Finding], alone_cut: Sequence[Finding], judged: Sequence[Finding], judged_cut: Sequence[Finding]
) -> bool:
    """Whether more numbers of a table speak for cutting off than against it, and not one number that alone is off.

    The findings are those by the digits of each number, and `judged` by the author's earlier ones; each once rounded
    and once cut off. What speaks for cutting off are the first digits of a right number that should be rounded up, and
    what follows only so; one alone does not where all others are right. What is rounded up, and follows from no numbers
    that are cut off, speaks against it.
    """
    pairs = list(zip(alone, alone_cut, strict=True))
    cut_off = {one.cell for one, two in pairs if one.status is not Status.RIGHT and two.status is Status.RIGHT}
    explained = {
        one.cell
        for one, two in zip(judged, judged_cut, strict=True)
        if (one.status is Status.WRONG and two.status is not Status.WRONG) or _follows_only_so(one, two)
    }
    after = zip(alone, judged, strict=True)
    up = [one for one, two in zip(alone, judged_cut, strict=True) if one.status is Status.RIGHT and two.status in _OPEN]
    goes_on = any(one.status is Status.WRONG and two.status in (Status.CARRIED, Status.UNDECIDED) for one, two in after)
    count = len(cut_off | explained)
    return count > len(up) and (count > 1 or goes_on)


def _follows_only_so(rounded: Finding, cut: Finding) -> bool:
    """Whether a number that rounding leaves open follows where every number is cut off."""
    return rounded.status is Status.UNDECIDED and cut.status is Status.CARRIED


def by_cutting(rounded: Sequence[Finding], cut: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of a table by rounding, or by cutting off where some number is wrong, or open, by rounding alone.

    Somebody who cuts off does so with every number: where one follows as it is rounded, from right numbers or wrong
    ones, and would not if it were cut off, the author rounds. What is accepted keeps its finding.
    """
    pairs = list(zip(rounded, cut, strict=True))
    explains = any(
        (one.status is Status.WRONG and two.status not in _NO_REASON) or _follows_only_so(one, two)
        for one, two in pairs
    )
    is_rounded = any(two.status is Status.WRONG and one.status not in _OPEN for one, two in pairs)
    if is_rounded or not explains:
        return tuple(rounded)
    return tuple(one if _is_kept(one, two) else _by_cut(one, two) for one, two in pairs)


def _is_kept(rounded: Finding, cut: Finding) -> bool:
    """Whether the finding by rounding stands in a table that is cut off: what is accepted does, and what may be."""
    is_open = rounded.status is Status.UNDECIDED and cut.status.is_refused
    return rounded.status.is_accepted or cut.status is Status.RESIDUE or is_open


def left_open(rounded: Sequence[Finding], cut: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings by rounding, in which a wrong number is open where it may follow if all are cut off.

    All that is not refused has to be right as it is cut off. What is refused is then found as it is by cutting off.
    """
    pairs = list(zip(rounded, cut, strict=True))
    may_follow = any(one.status is Status.WRONG and two.status is Status.UNDECIDED for one, two in pairs)
    if not may_follow or not all(two.status.is_accepted for one, two in pairs if not one.status.is_refused):
        return tuple(rounded)
    return tuple(replace(two, claim=one.claim) if one.status.is_refused else one for one, two in pairs)


def _by_cut(rounded: Finding, cut: Finding) -> Finding:
    """The finding of a claim in a table that is cut off; the claim is that which was printed.

    That the table is read so is told where a number follows only so.
    """
    told = TOLD if cut.status.is_accepted else ""
    claim = replace(rounded.claim, told=rounded.claim.told or told)
    if cut.status is Status.RIGHT:
        return replace(cut, claim=claim, status=Status.TRUNCATED, why=f"cut off: {cut.why}" if cut.why else "cut off")
    return replace(cut, claim=claim)
