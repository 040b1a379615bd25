"""What a number of a log can mean, and what it is by the losses of the steps: one function for all means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.run.batches import Batch, Batches
from verify.claims.claim import Quantity

KEPT = Fraction(98, 100)  # of the average so far, by which fastai and ignite smooth a loss


@dataclass(frozen=True)
class Meaning:
    """What a number means, in words; for a loss how its steps count (`kind`), and from where on they do (`since`)."""

    words: str
    kind: str = ""
    since: str = ""


MEANINGS: Mapping[str, Meaning] = {
    "of_step": Meaning("the loss of the step", "batches", "step"),
    "since_row": Meaning("the mean of the losses since the last row", "batches", "row"),
    "since_row_of_epoch": Meaning("the mean of the epoch's losses since the last row", "batches", "row"),
    "since_row_filtered": Meaning(
        "the mean of the losses since the last row, one that overflows counted as their sum so far / its place",
        "filtered",
        "row",
    ),
    "epoch_by_samples": Meaning("the mean over the samples of the epoch so far", "samples", "epoch"),
    "epoch_by_batches": Meaning("the mean of the epoch's batches so far", "batches", "epoch"),
    "epoch_sum": Meaning("the sum of the epoch's batches so far", "sum", "epoch"),
    "epoch_sum_by_samples": Meaning("the sum over the samples of the epoch so far", "sum_by_samples", "epoch"),
    "of_run": Meaning("the mean of the losses of all steps", "batches", "run"),
    "smoothed": Meaning(
        "the average 0.98·(that before) + 0.02·(the loss), begun with the first loss", "smoothed", "run"
    ),
    "smoothed_debiased": Meaning(
        "the average 0.98·(that before) + 0.02·(the loss) from 0 on, divided by 1 − 0.98^k", "debiased", "run"
    ),
    "lr_used": Meaning("that of the step"),
    "lr_next": Meaning("that of the next step"),
    "norm": Meaning("the norm of all gradients, before clipping"),
    "before": Meaning("before the update"),
    "after": Meaning("after the update"),
}


@dataclass(frozen=True)
class Averaged(Quantity):
    """A mean of the losses of several steps, from the step `first` of the run to that of its cell.

    `window` says what counts of an update of several batches: their "mean", or the "last"; empty where each counts.
    """

    kind: str = "batches"
    first: int = 1
    window: str = ""


@dataclass(frozen=True)
class GradientNorm(Quantity):
    """The root of the sum of the squares of all gradients, divided by `divisor`."""

    divisor: int = 1


FORGETTING = ("smoothed", "debiased")  # kinds of averages in which what is earlier counts less and less
_SO_FAR = {"batches": False, "sum": False, "samples": True, "sum_by_samples": True}  # whether a batch counts with n


@dataclass
class RunningSums:
    """The sums behind the means of the steps so far, each made of the one before it: a long log has one in every row.

    `add` gives a sum, None of nothing, and so many times a number more. `by_samples` is as for `averaged`. An average
    that forgets is known where there is a `constant`, which makes a number of such a kind.
    """

    batches: Batches
    by_samples: bool
    add: Callable[[Any, Any, int], Any]
    constant: Callable[[Fraction], Any] | None = None
    known: dict[tuple[int, str | bool], tuple[int, Any, int]] = field(default_factory=dict)

    def of(self, quantity: Averaged, step: int, number: Callable[[int], Any]) -> tuple[Any, int] | None:
        """The sum up to a step and what it is divided by, by the loss of each step; None of all other averages."""
        if quantity.kind in FORGETTING and self.constant is not None:
            return self._forgetting(quantity, step, number, self.constant), 1
        if quantity.window or quantity.kind not in _SO_FAR:
            return None
        counts_samples = _SO_FAR[quantity.kind]
        key = quantity.first, counts_samples
        last, total, count = self._begun(key, step)
        for at in range(last + 1, step + 1):
            samples = self.batches[at - 1].n if counts_samples else 1
            total = self.add(total, number(at), samples if self.by_samples else 1)
            count += samples
        self.known[key] = step, total, count
        return total, 1 if quantity.kind.startswith("sum") else count

    def _forgetting(
        self, quantity: Averaged, step: int, number: Callable[[int], Any], constant: Callable[[Fraction], Any]
    ) -> Any:
        """The average of which each step keeps the share `KEPT`, as `averaged` has it."""
        key = quantity.first, quantity.kind
        last, average, count = self._begun(key, step)
        average = _smoothed(quantity, map(number, range(last + 1, step + 1)), constant, average)
        count += step - last
        self.known[key] = step, average, count
        return _debiased(quantity, average, count, constant)

    def _begun(self, key: tuple[int, str | bool], step: int) -> tuple[int, Any, int]:
        """What is known of a step up to this one: that step, the sum and the count; nothing before the first."""
        nothing = key[0] - 1, None, 0
        found = self.known.get(key, nothing)
        return nothing if step < found[0] else found


def averaged(
    quantity: Averaged,
    batches: Sequence[Batch],
    losses: Sequence[Any],
    constant: Callable[[Fraction], Any],
    by_samples: bool,
    over: Collection[int] = (),
) -> Any:
    """The mean that a quantity stands for of the `losses` of `batches`, in the kind of numbers that `constant` makes.

    `by_samples` says that a loss is a mean over its samples, which counts with their number in a mean over samples; a
    sum has that weight already. `over` are the places of the losses that overflow in a program; those count only where
    nothing filters them. The weights are nonnegative and, but for sums and what is filtered, add up to 1.
    """
    if quantity.kind in FORGETTING:
        return _debiased(quantity, _smoothed(quantity, losses, constant), len(losses), constant)
    total = constant(Fraction(0))
    for loss, weight in zip(losses, weights(quantity, batches, by_samples, over), strict=True):
        total = total + loss * constant(weight) if weight else total
    return total


def _filtered(count: int, over: Collection[int]) -> list[Fraction]:
    """The weights where a loss that overflows is replaced by S/(n + 1), of the sum S of the n before it in the row.

    So transformers' Trainer does where `logging_nan_inf_filter` is on, as it is by default.
    """
    weights = [Fraction(0)] * count
    for place in range(count):
        if place in over:
            weights = [weight * (1 + Fraction(1, place + 1)) for weight in weights]
        else:
            weights[place] = Fraction(1)
    return [weight / count for weight in weights]


def weights(
    quantity: Averaged, batches: Sequence[Batch], by_samples: bool, over: Collection[int] = ()
) -> list[Fraction]:
    """How much each batch counts, as `averaged` says; none of an average that forgets."""
    if quantity.kind in FORGETTING:
        return []
    if quantity.kind == "filtered":
        return _filtered(len(batches), over)
    if quantity.kind == "sum":
        return [Fraction(1)] * len(batches)
    if quantity.kind == "sum_by_samples":
        return [Fraction(batch.n if by_samples else 1) for batch in batches]
    if quantity.kind == "samples":
        count = sum(batch.n for batch in batches)
        return [Fraction(batch.n if by_samples else 1, count) for batch in batches]
    if not quantity.window:
        return [Fraction(1, len(batches))] * len(batches)
    updates = [batch.update for batch in batches]
    counts = Counter(updates)
    each = Fraction(1, len(counts))
    if quantity.window == "mean":
        return [each / counts[update] for update in updates]
    return [each if updates[at + 1 : at + 2] != [update] else Fraction(0) for at, update in enumerate(updates)]


def _smoothed(
    quantity: Averaged, losses: Iterable[Any], constant: Callable[[Fraction], Any], average: Any = None
) -> Any:
    """The average that goes on with the losses from the one before them, None of nothing; not yet debiased."""
    kept, new = constant(KEPT), constant(1 - KEPT)
    for loss in losses:
        first = new if quantity.kind == "debiased" else constant(Fraction(1))
        average = loss * first if average is None else average * kept + loss * new
    return average


def _debiased(quantity: Averaged, average: Any, count: int, constant: Callable[[Fraction], Any]) -> Any:
    """The average of so many losses, divided by what their weights add up to where it is begun with 0."""
    return average * constant(1 / (1 - KEPT**count)) if quantity.kind == "debiased" else average
