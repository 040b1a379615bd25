"""A run in pieces: trained, calculated by hand and compared one after the other; of a long run few rows are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from derive.chain.derivation import Derivation
from derive.errors import ProblemError
from derive.problem.loading import Problem
from derive.run import batches
from derive.run.batches import Batch
from derive.run.settings import Settings
from verify.bound.bound import Bound
from verify.compare import comparison as compare
from verify.compare.comparison import Comparison, StepComparison
from verify.compare.faults import orders as orders_of
from verify.compare.tallies import Tally, tally
from verify.compare.verdict import MAX_LISTED
from verify.hand import run as hand
from verify.hand.run import HandRun, handed
from verify.record import Record, StepRecord

LONG = 10_000  # steps of a run of which every row is kept
PIECE = 2_000  # steps of a piece of a longer one, at least; a piece ends with an epoch
KEPT = 1_000  # rows at the beginning and at the end of a longer run
MAX_NOTES = 1_000  # sentences that are kept


@dataclass(frozen=True)
class Passed:
    """A run that is over, or a piece of one."""

    hand: HandRun
    record: Record
    comparison: Comparison
    tally: Tally


def run(problem: Problem, watched: Problem, followed: Derivation, settings: Settings, limits: Bound) -> Passed:
    """Trains, calculates by hand, compares. `watched` is the problem with the lines of [watch], `followed` derived.

    Raises `ProblemError` where an update that is by hand alone has no first step.
    """
    if settings.by_hand_alone:
        return _led_by_hand(problem, watched, followed, settings, limits)
    if settings.steps <= LONG:
        return _at_once(problem, watched, followed, settings, limits)
    return _long(problem, watched, followed, settings, limits)


def _at_once(problem: Problem, watched: Problem, followed: Derivation, settings: Settings, limits: Bound) -> Passed:
    from verify.pytorch import run as training  # torch takes seconds to import

    record = training.train(problem, settings)
    taken = [step.batch for step in record.steps]
    order = orders_of(taken) if settings.shuffle else None
    by_hand = hand.calculate(watched, followed, settings, list(batches.plan(settings, order))[: len(taken)])
    return _passed(problem, watched, settings, by_hand, record, limits)


def _led_by_hand(problem: Problem, watched: Problem, followed: Derivation, settings: Settings, limits: Bound) -> Passed:
    """A run whose update PyTorch does not have: it takes the parameters by hand, and calculates loss and gradients."""
    from verify.pytorch import run as training

    order = orders_of(training.batches(problem, settings)) if settings.shuffle else None
    found = hand.calculate(watched, followed, settings, batches.plan(settings, order))
    if not found.steps:
        there = f"torch.optim.{settings.optimizer} has no variant {settings.variant}, and its update is made by hand"
        raise ProblemError(f"{there}, but {found.ended}")
    record = training.train(problem, settings, handed(found))
    by_hand = replace(found, steps=found.steps[: len(record.steps)])
    return _passed(problem, watched, settings, by_hand, record, limits)


def _passed(
    problem: Problem,
    watched: Problem,
    settings: Settings,
    by_hand: HandRun,
    record: Record,
    limits: Bound,
    before: StepRecord | None = None,
    expected: Sequence[Batch] | None = None,
) -> Passed:
    """A run that is over, compared; or a piece of one, after the step `before` and with its `expected` batches."""
    from verify.pytorch import run as training

    replay = partial(training.replay, problem, settings)
    comparison = compare.compare(watched, settings, by_hand, record, limits, replay, before, expected)
    return Passed(by_hand, record, comparison, tally(problem, settings, by_hand, record, comparison))


def _long(problem: Problem, watched: Problem, followed: Derivation, settings: Settings, limits: Bound) -> Passed:
    """Piece after piece; with `settings.first` to the first that disagrees."""
    from verify.pytorch import run as training

    continued = hand.Continued(watched, followed, settings)
    orders: deque[tuple[int, ...]] = deque()
    expected = batches.plan(settings, _coming(orders) if settings.shuffle else None)
    kept, whole, before = _Kept(settings), None, None
    for record in training.pieces(problem, settings, PIECE):
        taken = [step.batch for step in record.steps]
        orders.extend(orders_of(taken) if settings.shuffle else ())
        wanted = tuple(islice(expected, len(taken)))
        by_hand = continued.calculate(wanted)
        found = _passed(problem, watched, settings, by_hand, record, limits, before, wanted)
        kept.add(found.comparison, record)
        whole, before = found.tally if whole is None else whole.joined(found.tally), record.steps[-1]
        if settings.first and found.tally.wrong:
            break
    assert whole is not None  # a run has a step
    return kept.passed(continued.ended, whole)


def _coming(orders: deque[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """The orders of the epochs, as they are put in."""
    while orders:
        yield orders.popleft()


class _Kept:
    """The rows that are kept of a long run: at both ends, those of `report`, and where something is found."""

    def __init__(self, settings: Settings) -> None:
        self.report = frozenset(settings.report)
        self.rows: dict[int, tuple[StepComparison, StepRecord]] = {}
        self.last: deque[tuple[StepComparison, StepRecord]] = deque(maxlen=KEPT)
        self.by_hand: tuple[StepComparison, StepRecord] | None = None
        self.found = 0
        self.whole: tuple[Comparison, Record] | None = None

    def add(self, comparison: Comparison, record: Record) -> None:
        """Takes what is to be kept of the next piece."""
        for step, own in zip(comparison.steps, record.steps, strict=False):
            row, number = (step, own), step.batch.step
            if self.found < MAX_LISTED and not step.agrees:
                self.found += 1
                self.rows.update({before.batch.step: (before, told) for before, told in list(self.last)[-1:]})
                self.rows[number] = row
            elif number <= KEPT or number in self.report:
                self.rows[number] = row
            self.last.append(row)
            self.by_hand = row if step.hand is not None else self.by_hand
        if self.whole is None:
            self.whole = comparison, record
        else:
            told = self.whole[0]
            notes = (*told.kink_notes, *comparison.kink_notes)[:MAX_NOTES]
            faults = (*told.batch_faults, *comparison.batch_faults)[:MAX_NOTES]
            self.whole = replace(told, kink_notes=notes, batch_faults=faults), self.whole[1]

    def passed(self, ended: str, whole: Tally) -> Passed:
        """The run with the rows that are kept, in order."""
        assert self.whole is not None  # a run has a step
        ends = (*self.last, *([] if self.by_hand is None else [self.by_hand]))
        rows = self.rows | {step.batch.step: (step, own) for step, own in ends}
        steps = tuple(rows[number][0] for number in sorted(rows))
        by_hand = tuple(step.hand for step in steps if step.hand is not None)
        record = replace(self.whole[1], steps=tuple(rows[number][1] for number in sorted(rows)))
        return Passed(HandRun(by_hand, ended), record, replace(self.whole[0], steps=steps), whole)
