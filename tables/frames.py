"""Results as pandas DataFrames: every column with its dtype and its meaning, in one place."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from verify.compare.check import Check
from verify.names import beside, rate_label, rate_name
from verify.result import Result
from verify.step_row import StepRow

MAX_EXACT = 40  # characters of a fraction that is still written out

# column: (dtype, meaning); the README's table is made of the same words
STEP_COLUMNS: Mapping[str, tuple[str, str]] = {
    "step": ("int64", "the step of the run, from 1"),
    "epoch": ("int64", "the epoch, from 1"),
    "batch": ("int64", "the batch within its epoch, from 1"),
    "n": ("int64", "samples in the batch; 1 without data"),
    "loss": ("float64", "the loss before the update, by hand"),
    "lr": ("float64", "the learning rate; left out where nothing is trained"),
}

EPOCH_COLUMNS: Mapping[str, tuple[str, str]] = {
    "epoch": ("int64", "the epoch, from 1"),
    "batches": ("int64", "its batches"),
    "n": ("int64", "their samples; without data 1"),
    "mean_of_batches": ("float64", "the mean of the batches' losses, each batch counting alike, by hand"),
    "mean_over_samples": ("float64", "their mean weighted by n, each sample counting alike, by hand"),
    "mean_of_batches_autograd": ("float64", "the mean of PyTorch's batch losses"),
    "mean_over_samples_autograd": ("float64", "their mean weighted by n"),
}

COMPARISON_COLUMNS: Mapping[str, tuple[str, str]] = {
    "epoch": ("int64", "the epoch, from 1"),
    "batch": ("int64", "the batch within its epoch, from 1"),
    "step": ("int64", "the step of the run, from 1"),
    "quantity": ("string", "l (the loss's own name), dl/dw, w and w.v (after the update), w_before, or a line's name"),
    "index": ("string", "the entry of an array; along the samples the row of the data, from 0; empty for one number"),
    "hand": ("float64", "by hand, exactly from the initial values on, then rounded to a float64"),
    "hand_exact": ("string", f"the same as a fraction, while it has at most {MAX_EXACT} characters"),
    "autograd": ("float64", "PyTorch's number; a float32 is a float64 too"),
    "difference": ("float64", "autograd − hand: the rounding of all steps so far (the drift)"),
    "step_error": ("float64", "autograd − the exact value at PyTorch's own state: the rounding of this step alone"),
    "ulps": ("float64", "difference in units in the last place of the dtype"),
    "bound": ("float64", "the largest step_error that correct evaluation can have"),
    "caught": ("float64", "the smallest error that would have been caught, whatever its sign; by the replay if any"),
    "caught_directly": ("float64", "the same without the replay, by the bound in the dtype itself"),
    "replayed": ("boolean", "whether the step was repeated in float64, its bound being too wide in its own dtype"),
    "agrees": ("boolean", "whether |step_error| ≤ bound, also in the replay; empty where the bound is infinite"),
}


def steps(result: Result) -> pd.DataFrame:
    """One row a step, wide, as the article prints it: the hand calculation's numbers.

    Columns: those of `STEP_COLUMNS`, with what is reported and each gradient (`dl/dw`) after the loss and each
    parameter after its update (`w`) at the end, then the optimizer's state (`w.v`) and what is watched; a parameter
    that is called like a column (`lr`) is `lr_after`. Empty (NaN) after the hand calculation has ended.
    """
    loss = result.problem.graph.loss
    rows: list[dict[str, object]] = []
    for row in result.rows:
        batch, values = row.batch, {name: check.hand_value for name, check in row.checks.items()}
        fixed = {"step": batch.step, "epoch": batch.epoch, "batch": batch.batch, own_head(result, "n"): batch.n}
        reported = {_free(result, name, "reported"): values[name] for name in result.problem.reported}
        gradients = {name: value for name, value in values.items() if name.startswith(f"d{loss}/d")}
        rates = {rate_column(row.checks[name]): value for name, value in values.items() if _is_rate(result, row, name)}
        lr = {own_head(result, name): value for name, value in {**result.constant_rates(), **rates}.items()}
        parameters = {
            _free(result, name, "after"): value
            for name, value in values.items()
            if name not in gradients
            and name not in (loss, *result.problem.reported)
            and not _is_rate(result, row, name)
        }
        rows.append({**fixed, own_head(result, "loss"): values[loss], **reported, **gradients, **lr, **parameters})
    longest: dict[str, object] = max(rows, key=len, default={})  # a gradient is clipped only before an update
    frame = pd.DataFrame(rows, columns=list(longest))
    return frame.astype({name: dtype for name, (dtype, _) in STEP_COLUMNS.items() if name in frame})


def _free(result: Result, name: str, word: str) -> str:
    """The column of what has a name that is another column's: `lr_after`; else the name itself."""
    base = name.partition("[")[0]
    rates = {*result.constant_rates(), *result.settings.varying, *STEP_COLUMNS}
    return f"{name}{beside(base, word, result.comparison.nodes)[len(base) :]}" if base in rates else name


def own_head(result: Result, name: str) -> str:
    """The head of a column that the table has of its own, where a name of the problem that has no column is the same.

    `lr` is `optimizer.lr` where a constant is called lr: by that name it would be read as the constant.
    """
    base, bracket, rest = name.partition("[")
    node = result.comparison.nodes.get(base)
    shown = set(result.columns) - {result.problem.graph.loss}
    if node is None or node.kind == "size" or base in shown or base == name == "loss" == result.problem.graph.loss:
        return name
    loss = result.problem.graph.loss
    if base == "loss":
        return "step.loss" if loss in {*STEP_COLUMNS, *result.constant_rates(), *result.settings.varying} else loss
    return "data.n" if base == "n" else rate_name(base) + bracket + rest


def _is_rate(result: Result, row: StepRow, name: str) -> bool:
    """Whether a number of a row is an lr, or what is cycled with it."""
    return row.checks[name].quantity in result.rates


def rate_column(check: Check) -> str:
    """The column of an lr that changes, or of what is cycled with it: `lr`, `lr[1]`, `momentum`."""
    return rate_label(check.quantity.partition(".")[2], int(check.index) if check.index else None)


def epochs(result: Result) -> pd.DataFrame:
    """One row for each epoch: the losses of its batches, each before its own update, as one number in two ways.

    Columns: `EPOCH_COLUMNS`, in that order. A loss that sums over the samples of a batch has their weight
    already: its `mean_over_samples` is the sum of all losses divided by the number of samples.
    """
    rows = [
        (
            *(found.epoch, found.batches, found.n, found.hand.of_batches, found.hand.over_samples),
            *(found.autograd.of_batches, found.autograd.over_samples),
        )
        for found in result.epochs
    ]
    frame = pd.DataFrame(rows, columns=list(EPOCH_COLUMNS))
    return frame.astype({name: dtype for name, (dtype, _) in EPOCH_COLUMNS.items()})


def comparison(result: Result) -> pd.DataFrame:
    """One row for each number of each step, tidy. Columns: `COMPARISON_COLUMNS`, in that order."""
    rows = [_row(check) for check in result.comparison.checks]
    frame = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    return frame.astype({name: dtype for name, (dtype, _) in COMPARISON_COLUMNS.items()})


def _row(check: Check) -> tuple[object, ...]:
    batch = check.batch
    place = (batch.epoch, batch.batch, batch.step, check.quantity, check.index)
    numbers = (
        check.autograd,
        check.difference,
        check.step_error,
        check.ulps,
        check.bound,
        check.caught,
        check.caught_directly,
        check.replayed,
        check.agrees,
    )
    return (*place, check.hand_value, exact_text(check), *numbers)


def exact_text(check: Check) -> str | None:
    """The number by hand as a fraction (`-80/3`); None where it is none, or has more than `MAX_EXACT` characters."""
    value = check.hand_fraction
    if value is None or max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * MAX_EXACT:
        return None
    text = str(value)
    return text if len(text) <= MAX_EXACT else None
