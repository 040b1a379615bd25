"""What an audit has found, in sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from verify.auditing.pipeline import Audit
from verify.following.finding import Finding, Stated, Status, where


def sentence(found: Audit, finding: Finding) -> str:
    """What was found of one claim, in one or more sentences without a full stop at the end."""
    literal = finding.claim.literal
    says = f"{where(finding.cell, found.per_epoch)} = {literal.text}"
    right = f"{finding.printed}" + (f" ({finding.exact})" if finding.exact else "")
    match finding.status:
        case Status.RIGHT:
            text = f"{says} is right" + (f": {finding.why}" if finding.why else "")
        case Status.WRONG:
            text = f"{says} is wrong: right is {right}"
            if finding.allowed is not None and all(map(math.isfinite, finding.allowed)):
                text += f"; for inputs that are printed so {_between(finding.allowed)}"
            if finding.follows is not None:
                text += f"; from the numbers before it, as printed, {_between(finding.follows)}"
        case Status.INHERITED:
            assert finding.inherited_from is not None  # what is inherited comes from somewhere
            text = f"{says} follows from {where(finding.inherited_from, found.per_epoch)}; right is {right}"
        case Status.NOT_RIGHT:
            assert finding.inherited_from is not None  # else it would be wrong here
            source = where(finding.inherited_from, found.per_epoch)
            told = f"follows from {source}, the earlier numbers are too coarse to tell"
            told = f"comes of the same mistake as {source}, {finding.why}" if finding.why else told
            text = f"{says} is not right: right is {right}; whether it {told}"
        case Status.UNDECIDED:
            text = f"{says} is undecided: {finding.why}"
        case _:
            by_hand = finding.exact or finding.printed
            text = f"{says}: {finding.why}" + (f" ({by_hand})" if by_hand else "")
    return ". ".join((text, *finding.remarks))


def _between(ends: tuple[float, float]) -> str:
    low, high = (f"{end:.7g}" for end in ends)
    return f"it is {low}" if low == high else f"it lies between {low} and {high}"


def summary(found: Audit) -> tuple[str, ...]:
    """The short account: how many claims and formulas there are of each status, and the first wrong claim."""
    words = {
        Status.TRUNCATED: "cut off",
        Status.DOUBLE_ROUNDED: "rounded twice",
        Status.RESIDUE: "rounding residue",
        Status.NOT_RIGHT: "not right, here or inherited",
    }
    total = len(found.findings)
    parts = [f"{count} {words.get(status, status.value)}" for status, count in found.counts.items()]
    lines = [f"{total} claim{'s' if total != 1 else ''}: {', '.join(parts)}"] if total else []
    carried = [finding for finding in found.remarkable if finding.status is Status.CARRIED]
    if carried:
        lines.append(_of_carried(found, carried))
    by_inputs = [finding for finding in found.remarkable if finding.status is Status.RIGHT and finding.by_inputs]
    if by_inputs:
        lines.append(_of_rounded_inputs(found, by_inputs))
    first = found.first_wrong
    if first is not None:
        right = f"{first.printed}" + (f" ({first.exact})" if first.exact else "")
        at = where(first.cell, found.per_epoch)
        lines.append(f"first wrong: {at}, claimed as {first.claim.literal.text}; right is {right}")
    if found.formulas:
        lines.append(_formulas(found.formulas))
    return tuple(lines or ["no claims"])


def _of_carried(found: Audit, carried: Sequence[Finding]) -> str:
    """From where on a table goes on with rounded numbers, and how far that has taken it."""
    first = carried[0]
    begun = f"{where(first.cell, found.per_epoch)}, claimed as {first.claim.literal.text}"
    exactly = f"{first.printed}" + (f" ({first.exact})" if first.exact else "")
    on_the_way = next((finding.on_the_way for finding in carried if finding.on_the_way), "")
    ways = ["from rounded ones as printed"] if any(not finding.on_the_way for finding in carried) else []
    ways += [f"with those on the way {on_the_way}"] if on_the_way else []
    return f"carried: from {begun}, on, numbers follow {' or '.join(ways)}; exactly it is {exactly}"


def _of_rounded_inputs(found: Audit, right: Sequence[Finding]) -> str:
    """What is right for other inputs than the printed ones, all rounded to them; of the first, what they allow."""
    first = right[0]
    count = f"{len(right)} number{'s are' if len(right) > 1 else ' is'} right for inputs that are printed so"
    says = f"{where(first.cell, found.per_epoch)} = {first.claim.literal.text}"
    exactly = f"{first.printed}" + (f" ({first.exact})" if first.exact else "")
    assert first.allowed is not None  # it is judged by that
    allowed = _between(first.allowed)
    return f"rounded inputs: {count}; first {says}: {allowed}, and at the inputs as printed it is {exactly}"


def _formulas(formulas: Sequence[Stated]) -> str:
    """`3 formulas: 2 right, 1 wrong`."""
    counted = Counter(formula.status for formula in formulas)
    parts = [f"{counted[status.value]} {status.value}" for status in Status if counted[status.value]]
    return f"{len(formulas)} formula{'s' if len(formulas) != 1 else ''}: {', '.join(parts)}"
