"""Comparison → Verdict, and the sentence about each number that disagrees."""

from __future__ import annotations

import math

from verify.check import Check
from verify.compare import Comparison
from verify.record import Record
from verify.settings import Settings
from verify.verdict import Outcome, Verdict

MAX_LISTED = 5  # disagreements that are described one by one


def judge(comparison: Comparison, record: Record, settings: Settings) -> Verdict:
    """Agrees when every number of every step does; disagrees when any does not; else undecided."""
    wrong = [check for check in comparison.checks if check.agrees is False]
    if wrong or comparison.batch_faults:
        return Verdict(Outcome.DISAGREES, _disagreement(wrong, comparison))
    unknown = [check for check in comparison.checks if check.agrees is None]
    if unknown:
        return Verdict(Outcome.UNDECIDED, _undecided(unknown[0], record))
    if len(record.steps) < settings.steps:
        return Verdict(Outcome.UNDECIDED, f"PyTorch's run ended after {len(record.steps)} of {settings.steps} steps")
    return Verdict(Outcome.AGREES, _agreement(comparison, record, settings))


def _agreement(comparison: Comparison, record: Record, settings: Settings) -> str:
    compared = sum(1 for check in comparison.checks if not check.quantity.endswith("_before"))
    closest = max(comparison.checks, key=_closeness)
    steps = f"{len(record.steps)} step{'s' if len(record.steps) > 1 else ''}"
    return (
        f"agrees: all {compared} numbers of {steps} lie within their {settings.dtype} rounding bounds; "
        f"closest to its bound: {closest.name} at step {closest.batch.step}, "
        f"with {_closeness(closest):.0%} of it"
    )


def _closeness(check: Check) -> float:
    """The step error as a share of its bound."""
    return abs(check.step_error) / check.bound if check.bound > 0 else 0.0


def _disagreement(wrong: list[Check], comparison: Comparison) -> str:
    if not wrong:
        return f"disagrees: {comparison.batch_faults[0]}"
    first = wrong[0]
    count = f"{len(wrong)} of {len(comparison.checks)} numbers"
    return f"disagrees: {count}, first {first.name} at {first.batch}"


def _undecided(first: Check, record: Record) -> str:
    before = first.batch.step - 1
    checked = f"; the {before} steps before agree" if before > 1 else "; the step before agrees" if before else ""
    if math.isfinite(first.autograd):
        why = f"{record.dtype} may overflow on the way to it, or a function leave its domain"
        return f"undecided: no bound for {first.name} at {first.batch} ({why}){checked}"
    by_hand = "by hand it has no value" if first.hand is None else f"by hand it is {first.hand_value:.9g}"
    ends = "" if record.steps[before].finite else ", where the run ends"
    return f"undecided: PyTorch's {first.name} is {first.autograd} at {first.batch}{ends}; {by_hand}{checked}"


def explanations(comparison: Comparison) -> tuple[str, ...]:
    """A sentence for each fault of the batches and for the first few numbers that disagree."""
    wrong = [check for check in comparison.checks if check.agrees is False]
    found = [*comparison.batch_faults[:MAX_LISTED], *(explain(check) for check in wrong[:MAX_LISTED])]
    left = max(0, len(wrong) - MAX_LISTED) + max(0, len(comparison.batch_faults) - MAX_LISTED)
    return (*found, *([f"… and {left} more; --csv FILE lists them all"] if left else []))


def explain(check: Check) -> str:
    """Which number, where, both values, the difference, the bound, and the ratio when it tells something."""
    ratio = telling_ratio(check)
    return (
        f"{check.name} at {check.batch}: PyTorch has {check.autograd:.9g}, by hand it is {check.expected:.9g} "
        f"at the same state; they differ by {check.step_error:.3g}, the bound is {check.bound:.2g}"
        + (f"; the ratio is {ratio}" if ratio else "")
    )


def telling_ratio(check: Check) -> str:
    """`3, the batch size` where PyTorch's number is a simple multiple of the right one; else the ratio."""
    expected, n = check.expected, check.batch.n
    if not math.isfinite(check.step_error) or abs(expected) <= 4 * check.bound:
        return ""
    ratio = check.autograd / expected
    slack = check.bound / abs(expected) * max(1.0, abs(ratio))
    for factor, meaning in _factors(n):
        if abs(ratio - factor) <= slack:
            return meaning
    return f"{ratio:.7g}"


def _factors(n: int) -> list[tuple[float, str]]:
    """Ratios that point at a well-known mistake."""
    found = [(-1.0, "−1: the sign is flipped"), (2.0, "2"), (0.5, "½")]
    if n > 1:
        found += [
            (float(n), f"{n}, the batch size: a sum in place of a mean?"),
            (1 / n, f"1/{n}, one over the batch size: a mean in place of a sum?"),
            (n / (n - 1), f"{n}/{n - 1}: divided by n − 1 in place of n?"),
            ((n - 1) / n, f"{n - 1}/{n}: a sample is missing?"),
        ]
    return found
