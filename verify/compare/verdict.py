"""Comparison → Verdict, and the sentence about each number that disagrees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from derive.run.settings import Settings
from derive.show.notation import Text
from verify.compare.check import Check, share
from verify.compare.comparison import Comparison
from verify.compare.stopping import holds
from verify.compare.summary import Summary, marked
from verify.compare.tallies import Tally
from verify.numbers import decimal
from verify.record import Record
from verify.summation.sums import FEWEST

MAX_LISTED = 5  # disagreements that are described one by one; the others are counted


def judge(comparison: Comparison, tally: Tally, record: Record, settings: Settings) -> Verdict:
    """The verdict on a run: disagrees where a number or a batch is wrong, agrees where all are right, else undecided.

    It is undecided also where the run has ended early and the condition of `until` does not hold.
    """
    first = next(marked(comparison, disagrees=True), None)
    if first is not None or comparison.batch_faults:
        return Verdict(Outcome.DISAGREES, _disagreement(first, comparison, tally, settings))
    unknown = next(marked(comparison, disagrees=False), None)
    if unknown is not None:
        return Verdict(Outcome.UNDECIDED, _undecided(unknown, tally, record))
    if tally.steps < settings.steps and not _holds(comparison, record, settings):
        run = "the run by hand" if settings.by_hand_alone else "PyTorch's run"
        return Verdict(Outcome.UNDECIDED, f"{run} ended after {tally.steps} of {settings.steps} steps")
    return Verdict(Outcome.AGREES, _agreement(tally, comparison, settings))


def _holds(comparison: Comparison, record: Record, settings: Settings) -> bool:
    """Whether the condition of `until` has ended the run: in PyTorch, or by hand where that leads."""
    last = comparison.steps[-1].hand
    return holds(record.steps[-1], settings) or (settings.by_hand_alone and last is not None and holds(last, settings))


def _agreement(tally: Tally, comparison: Comparison, settings: Settings) -> str:
    """How many numbers, the one closest to its bound, and the largest error that could have hidden."""
    summaries = tally.summaries
    count = sum(summary.count for summary in summaries)
    steps = f"{tally.steps} step{'s' if tally.steps > 1 else ''}"
    steps = f"{tally.compared} of {steps}" if settings.every > 1 else steps
    steps += " and of the prediction" if comparison.prediction else ""
    sentences = [
        f"agrees: all {count} numbers of {steps} lie within their {settings.dtype} rounding bounds",
        _orders(comparison),
        _closest(max((summary.closest for summary in summaries), key=lambda check: check.closeness)),
        _replays(summaries, settings.dtype),
        _caught(summaries, settings),
        _share_of_steps(tally, settings),
        _not_compared(settings),
    ]
    return "; ".join(sentence for sentence in sentences if sentence)


def _orders(comparison: Comparison) -> str:
    """Which bounds rest on the order in which PyTorch was seen to add."""
    long, known = comparison.sums
    if not known:
        return ""
    which = "that of the one sum" if long == 1 else f"those of {'all' if known == long else f'{known} of'} {long} sums"
    return f"{which} of {FEWEST} terms or more for the order in which this PyTorch was seen to add"


def _closest(check: Check) -> str:
    """The decisive inequality, at the number that is closest to its bound."""
    if not check.step_error:
        return "every one of them is exact"
    return f"closest: {check.name} at step {check.batch.step}, {inequality(check)}"


def inequality(check: Check) -> str:
    """`|error| 1.3e-08 ≤ bound 5.4e-08`, or with > in between."""
    sign = "≤" if abs(check.step_error) <= check.bound else ">"
    return f"|step error| {abs(check.step_error):.2g} {sign} bound {check.bound:.2g}"


def _replays(summaries: tuple[Summary, ...], dtype: str) -> str:
    replayed = sum(summary.replayed for summary in summaries)
    if not replayed:
        return ""
    numbers = "one of them rests" if replayed == 1 else f"{replayed} of them rest"
    blurred = [summary.blurred for summary in summaries if summary.blurred is not None]
    least = max(share(check.caught_directly, check.terms) for check in blurred)
    own = f"is caught from {least:.1e} of the terms on" if least < 1 else "could hide in it"
    why = f"its own bound being too wide (what only the {dtype} run does wrong {own})"
    return f"{numbers} on a replay of the step in float64 at the same state, {why}"


def _share_of_steps(tally: Tally, settings: Settings) -> str:
    """Which steps are compared, and how likely it is that a single wrong one is not among them."""
    left = tally.steps - tally.compared
    if settings.every == 1 or not left:
        return ""
    told = f"one step of {settings.every} is compared (--every), and each begins where the one before has ended"
    return f"{told}: a single wrong step is missed with a probability of {left / tally.steps:.1%}".replace("%", " %")


def _not_compared(settings: Settings) -> str:
    if not settings.by_hand_alone:
        return ""
    form = f"PyTorch has no such update ({settings.optimizer}, variant {settings.variant})"
    return f"{form}: the gradients are compared at the parameters by hand, the updates are not"


def _caught(summaries: tuple[Summary, ...], settings: Settings) -> str:
    """The smallest error that would have been caught wherever it had been: the largest of all such errors."""
    check = max((summary.widest for summary in summaries if summary.widest is not None), key=lambda found: found.share)
    if not check.caught:
        return ""
    if check.share < 1:
        forward = "line, adjoint" if settings.nodes else "loss, gradient"
        numbers = forward.replace(",", " or") if settings.by_hand_alone else f"{forward} or update"
        return (
            f"any {numbers} off by more than {check.share:.1e} of its terms would have been caught "
            f"(least sharply {check.name} at step {check.batch.step})"
        )
    return f"an error of {check.name} at step {check.batch.step} is caught from {check.caught:.1e} on"


def _disagreement(first: Check | None, comparison: Comparison, tally: Tally, settings: Settings) -> str:
    if first is None:
        return f"disagrees: {comparison.batch_faults[0]}"
    wrong, total = (sum(getattr(found, name) for found in tally.summaries) for name in ("wrong", "count"))
    kept = tally.wrong - wrong
    counts = [f"{wrong} of {total} numbers"] if wrong else []
    counts += [f"{kept} of those that steps begin with"] if kept else []
    ended = "; the comparison ends with that step (--first)" if settings.first else ""
    where = f"{first.name} at {first.batch}{_line(first, comparison, settings)}"
    return f"disagrees: {' and '.join(counts)}, first {where}{ended}"


def _line(check: Check, comparison: Comparison, settings: Settings) -> str:
    """The equation of a line that is wrong at PyTorch's own operands."""
    node = comparison.nodes.get(check.quantity) if settings.nodes else None
    if node is None or node.kind != "line" or node.written is None:
        return ""
    return f", in the line {node.name} = {Text().as_written().show(node.written)}"


def _undecided(first: Check, tally: Tally, record: Record) -> str:
    before = first.batch.step - 1
    checked = (
        ""
        if tally.compared < tally.steps
        else f"; the {before} steps before agree"
        if before > 1
        else "; the step before agrees"
        if before
        else ""
    )
    if math.isfinite(first.autograd):
        why = f"{record.dtype} may overflow on the way to it, or a function leave its domain"
        return f"undecided: no bound for {first.name} at {first.batch} ({why}){checked}"
    by_hand = "by hand it has no value" if first.hand is None else f"by hand it is {decimal(first.hand)}"
    last = tally.steps == first.batch.step
    ends = ", where the run ends" if last and not record.steps[-1].finite else ""
    return f"undecided: PyTorch's {first.name} is {first.autograd} at {first.batch}{ends}; {by_hand}{checked}"


def explanations(comparison: Comparison, tally: Tally) -> tuple[str, ...]:
    """A sentence for each fault of the batches and for the first few numbers that disagree."""
    first: Iterator[Check] = islice(marked(comparison, disagrees=True), MAX_LISTED)
    told = (explain(check) + _zeroing(check, comparison) for check in first)
    found = [*comparison.batch_faults[:MAX_LISTED], *told]
    left = max(0, tally.wrong - MAX_LISTED) + max(0, tally.faults - MAX_LISTED)
    return (*found, *([f"… and {left} more; --csv FILE lists them all"] if left else []))


def explain(check: Check) -> str:
    """A sentence on a wrong number: where it is, both values, the decisive inequality, and `telling_ratio` if any."""
    if check.replay is not None and check.replay.agrees is False:
        within = f"{check.name} at {check.batch} is within its own bound, which is too wide to tell; "
        return f"{within}repeated in float64 at the same state: {_compared(check.replay)}"
    return f"{check.name} at {check.batch}: {_compared(check)}"


def _compared(check: Check) -> str:
    ratio = telling_ratio(check)
    return (
        f"PyTorch has {check.autograd:.9g}, by hand it is {check.expected:.9g} at the same state; "
        f"they differ by {check.step_error:.3g}, {inequality(check)}" + (f"; the ratio is {ratio}" if ratio else "")
    )


def _zeroing(check: Check, comparison: Comparison) -> str:
    """What a wrong gradient says about zero_grad: the one of the step before is in it, or is missing."""
    prefix = f"d{comparison.loss}/d"
    before = next((step for step in comparison.steps if step.batch.step == check.batch.step - 1), None)
    numbers = before.numbers.get(("gradients", check.quantity.removeprefix(prefix))) if before else None
    if numbers is None or not check.quantity.startswith(prefix):
        return ""
    left = float(numbers.autograd[tuple(map(int, check.index.split(","))) if check.index else ()])
    slack = check.bound + check.ulp
    if abs(left) > 4 * slack and abs(check.step_error - left) <= slack:
        return "; the difference is the gradient of the step before: not set to zero?"
    if abs(left) > 4 * slack and check.batch.adds and abs(check.step_error + left) <= slack:
        return "; what the steps before have accumulated is missing: set to zero too early?"
    return ""


def telling_ratio(check: Check) -> str:
    """PyTorch's number divided by the right one: in words where that points at a mistake (`−1: the sign is flipped`).

    Empty where PyTorch's number is not finite, or the right one no larger than 4 of its bounds.
    """
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


class Outcome(Enum):
    """What a verification can say, with the exit status of the command line."""

    AGREES = 0
    DISAGREES = 1
    UNDECIDED = 3

    @property
    def exit_status(self) -> int:
        """0 agrees, 1 disagrees, 3 undecided."""
        return int(self.value)

    @property
    def word(self) -> str:
        """agrees, disagrees or undecided."""
        return self.name.lower()


@dataclass(frozen=True)
class Verdict:
    """An outcome and the sentence that explains it."""

    outcome: Outcome
    sentence: str

    def __str__(self) -> str:
        return self.sentence
