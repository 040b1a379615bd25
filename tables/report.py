"""A result as text for people, at most 80 columns wide, and as JSON for programs."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Sequence

from derive.frozen import frozen_note
from derive.numerals import write_number
from derive.optimizers import written
from derive.rates import Rate
from derive.statement import Quantity
from tables.draws import drawn, drawn_document, drawn_lines
from tables.frames import COMPARISON_COLUMNS, EPOCH_COLUMNS, exact_text, rate_column
from tables.worked_step import worked_lines
from verify.check import Check
from verify.epochs import EpochLoss, averages
from verify.judge import explanations
from verify.remarks import remarks
from verify.result import Result, StepRow
from verify.summary import Summary, drift, relative_drift, summarize

WIDTH = 80
MAX_STEPS = 60  # longer runs show their first and last steps
SHOWN_AT_ENDS = 10
MAX_EPOCHS = 20  # longer runs show the losses of their first and last epochs
MAX_NOTES = 5
MAX_GIVEN = 60  # numbers of a predicted column that are printed again

SCHEMA = "handgrad/verification/1"


def to_text(result: Result, summary: bool = False, step: int | None = None) -> str:
    """Title, settings, one row a step (by hand, autograd, difference) or one a quantity, then the verdict.

    With `step`, that step worked out in place of the rows.
    """
    lines = [*_wrapped(result.problem.title), *_wrapped(str(result.settings))]
    lines += [line for remark in remarks(result.settings) for line in _wrapped(remark)]
    lines += [line for sentence in frozen_note(result.problem.graph.frozen) for line in _wrapped(sentence)]
    lines += drawn_lines(result, WIDTH)
    if step is not None:
        lines += ["", *worked_lines(result, step)]
    elif summary:
        lines += ["", *_summary_table(summarize(result.comparison))]
    else:
        blocks = _column_blocks(result)
        for block in blocks:
            lines += ["", *_table(result, block)]
        if _columns_left_out(result, blocks):
            lines += ["", *_wrapped(f"the state of {result.settings.optimizer} is compared too; --csv FILE lists it")]
        lines += _epoch_lines(result)
        if result.settings.nodes:
            lines += ["", *_node_table(result)]
        lines += ["", *_prediction_table(result)] if result.comparison.predictions else []
    if result.stopped:
        lines += ["", *_wrapped(result.stopped)]
    lines += _notes(result.nonfinite, "quantities that are not finite")
    lines += _notes(result.comparison.kink_notes, "steps or entries at a kink")
    if result.hand.ended:
        lines += ["", *_wrapped(result.hand.ended)]
    lines += [""]
    lines += [line for sentence in _drift(result) for line in (*_wrapped(sentence), "")]
    for sentence in (*explanations(result.comparison), result.verdict.sentence):
        lines += _wrapped(sentence)
    return "\n".join(lines)


def _notes(notes: Sequence[str], what: str) -> list[str]:
    """A blank line and the first few sentences, with the number of the others."""
    lines = ["", *(line for note in notes[:MAX_NOTES] for line in _wrapped(note))] if notes else []
    return [*lines, *([f"… and {len(notes) - MAX_NOTES} more {what}"] if len(notes) > MAX_NOTES else [])]


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_long_words=False) or [""]


def number(value: float) -> str:
    """Seven significant digits, as many as a float32 has."""
    if math.isnan(value):
        return ""
    return f"{value:.7g}" if 1e-4 <= abs(value) < 1e7 or not value else f"{value:.6e}"


def small(value: float) -> str:
    """A difference: two digits are enough."""
    if math.isnan(value):
        return ""
    return f"{value:.1e}" if value else "0"


_LABELS = ("hand", "autograd", "diff.")
_RATE = " "  # begins the column of a constant learning rate; a parameter may be called lr, and has its own


def _column_blocks(result: Result) -> list[list[str]]:
    """The columns of the table in groups that fit into the width; the optimizer's state only where one group does."""
    if not result.comparison.steps:
        return []
    widths = {name: _width(result, name) for name in _columns(result)}
    if sum(width for name, width in widths.items() if _is_state(result, name)) > WIDTH - _left_width(result):
        widths = {name: width for name, width in widths.items() if not _is_state(result, name)}
    blocks: list[list[str]] = [[]]
    room = start = WIDTH - _left_width(result)
    for name, width in widths.items():
        if width > room and blocks[-1]:
            blocks.append([])
            room = start
        blocks[-1].append(name)
        room -= width
    return blocks


def _is_state(result: Result, name: str) -> bool:
    return not name.startswith(_RATE) and result.whole_row.checks[name].quantity in result.states


def _columns_left_out(result: Result, blocks: list[list[str]]) -> bool:
    """Whether the optimizer's state is too wide for the table."""
    shown = {name for block in blocks for name in block}
    return bool(shown) and not shown.issuperset(result.whole_row.checks)


def _columns(result: Result) -> list[str]:
    """Loss, gradients, lr, parameters, the optimizer's state; without training loss and gradients."""
    first = result.whole_row
    names = list(first.checks)
    if result.settings.lr is None:
        return names
    first_parameter = next(k for k, name in enumerate(names) if first.checks[name].quantity in _own(result))
    rates = [f"{_RATE}{name}" for name in result.constant_rates()]
    return [*names[:first_parameter], *rates, *names[first_parameter:]]


def _own(result: Result) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in result.problem.parameters)


def _by_hand(result: Result) -> tuple[str, ...]:
    """What stands there by hand alone, where PyTorch does not have the update."""
    clipped = (f"d{result.problem.graph.loss}/d{name}_clipped" for name in result.settings.parameters)
    return (*_own(result), *result.states, *result.rates, *clipped)


def _heading(result: Result, name: str) -> str:
    if name.startswith(_RATE):
        return name.strip()
    check = result.whole_row.checks[name]
    if check.quantity in result.rates:
        return rate_column(check)
    return "loss" if name == result.problem.graph.loss else name


def _cells(result: Result, row: StepRow, name: str) -> tuple[str, str, str]:
    """The three lines of one cell."""
    if name.startswith(_RATE):
        return number(result.constant_rates()[name.removeprefix(_RATE)]) if row.batch.updates else "", "", ""
    check = row.checks.get(name)
    if check is None:  # a gradient is clipped only before an update
        return "", "", ""
    if result.comparison.by_hand_alone and check.quantity in _by_hand(result):
        return number(check.hand_value), "", ""
    by_pytorch = number(check.autograd) or "nan"
    return number(check.hand_value), by_pytorch, (small(check.difference) + _mark(check)).strip()


def _width(result: Result, name: str) -> int:
    cells = [cell for row in _shown(result) for cell in _cells(result, row, name)]
    return max(map(len, [_heading(result, name), *cells])) + 1


def _left_width(result: Result) -> int:
    return len(_left(result.row(result.comparison.steps[-1]), 0)) + max(map(len, _LABELS))


def _left(row: StepRow, line: int) -> str:
    values = [row.batch.epoch, row.batch.batch, row.batch.n] if line == 0 else ["", "", ""]
    return f"{values[0]:>5} {values[1]:>5} {values[2]:>3} "


def _shown(result: Result) -> Sequence[StepRow]:
    steps = result.reported
    shown = steps if not _cut(result) else (*steps[:SHOWN_AT_ENDS], *steps[-SHOWN_AT_ENDS:])
    return [result.row(step) for step in shown]


def _cut(result: Result) -> bool:
    """Whether the middle of a long run is left out; not where the steps to print are named."""
    return not result.settings.report and len(result.comparison.steps) > MAX_STEPS


def _table(result: Result, names: list[str]) -> Iterator[str]:
    widths = {name: _width(result, name) for name in names}
    label = max(map(len, _LABELS))
    head = "".join(_heading(result, name).rjust(widths[name]) for name in names)
    last = result.row(result.comparison.steps[-1])
    yield f"{'epoch':>5} {'batch':>5} {'n':>3} ".ljust(len(_left(last, 0))) + " " * label + head
    count = len(result.comparison.steps)
    for position, row in enumerate(_shown(result)):
        if _cut(result) and position == SHOWN_AT_ENDS:
            yield f"  … {count - 2 * SHOWN_AT_ENDS} steps are not shown; --csv FILE writes all of them"
        cells = {name: _cells(result, row, name) for name in names}
        for line, text in enumerate(_LABELS):
            body = "".join(cells[name][line].rjust(widths[name]) for name in names)
            if line and not body.strip():
                continue  # of an update by hand alone
            yield (_left(row, line) + text.ljust(label) + body).rstrip()
    if left := count - len(result.reported):
        yield f"  … {left} of {count} steps are not in report; --csv FILE writes all of them"


def _epoch_lines(result: Result) -> list[str]:
    """A table of the epochs' losses, where an epoch has several batches; two columns where the two ways differ."""
    epochs = result.epochs
    if all(epoch.batches == 1 for epoch in epochs):
        return []
    shown = epochs if len(epochs) <= MAX_EPOCHS else (*epochs[: MAX_EPOCHS // 2], *epochs[-MAX_EPOCHS // 2 :])
    alike = all(epoch.alike for epoch in epochs) and averages(result.problem.graph)
    heads = ["loss: mean of batches", *([] if alike else ["mean over samples"])]
    lines = ["", f"{'epoch':>5} {'batches':>7} {'n':>5} {'':8}{''.join(head.rjust(24) for head in heads)}"]
    for position, epoch in enumerate(shown):
        if shown is not epochs and position == MAX_EPOCHS // 2:
            lines.append(f"  … {len(epochs) - MAX_EPOCHS} epochs are not shown")
        left = f"{epoch.epoch:>5} {epoch.batches:>7} {epoch.n:>5} "
        for label, means in (("hand", epoch.hand), ("autograd", epoch.autograd)):
            values = [means.of_batches, *([] if alike else [means.over_samples])]
            lines.append(f"{left}{label:8}{''.join(number(value).rjust(24) for value in values)}".rstrip())
            left = " " * len(left)
    return lines


def _mark(check: Check) -> str:
    """What stands beside a number that is wrong, or not decided."""
    return "" if check.agrees else " ✗" if check.agrees is False else " ?"


_HEADS = f"{'hand':>14}{'autograd':>14}{'step error':>12}{'bound':>10}"


def _numbers(check: Check, by_pytorch: str) -> str:
    """The columns of `_HEADS`; the error is that of the step alone, as the bound is."""
    values = f"{number(check.hand_value):>14}{by_pytorch:>14}"
    return f"{values}{small(check.step_error):>12}{small(check.bound):>10}{_mark(check)}"


def _node_table(result: Result) -> Iterator[str]:
    """Every line and its adjoint, one number a row; the error is that of the step alone, as the bound is."""
    columns = {*result.columns, *(f"{name}_before" for name in (*_own(result), *result.columns))}
    checks = [check for check in result.comparison.checks if check.quantity not in columns]
    if not checks:
        yield f"{result.problem.graph.loss} is the only line"
        return
    width = max((len(check.name) for check in checks), default=0) + 2
    yield f"{'step':>5}  {'node'.ljust(width)}{_HEADS}"
    for check in checks[: 20 * MAX_STEPS]:
        yield f"{check.batch.step:>5}  {check.name.ljust(width)}{_numbers(check, number(check.autograd))}"
    if len(checks) > 20 * MAX_STEPS:
        yield f"  … {len(checks) - 20 * MAX_STEPS} more; --csv FILE writes all of them"


LARGE_DRIFT = 0.01  # from here on the numbers of a table differ in the digits that people compare


def _drift(result: Result) -> Iterator[str]:
    """How far PyTorch's run has moved from the exact one."""
    check = drift(result.comparison)
    gathers = result.settings.trains and not result.settings.by_hand_alone
    if check is None or not gathers or not check.difference:
        return
    share = relative_drift(check)
    told = f"largest drift at step {check.batch.step}: {check.name}, autograd − hand = {small(check.difference)}"
    told += f", {share:.1e} of it" if math.isfinite(share) else ""
    if share >= LARGE_DRIFT:
        told += ": every step is judged at PyTorch's own state"
        told += "; the roundings of the steps before have grown" if check.batch.step > 1 else ""
    yield told


def _prediction_table(result: Result) -> Iterator[str]:
    """The lines at the data of [predict], one number a row."""
    yield f"Prediction after step {result.record.steps[-1].batch.step}"
    for column in result.problem.predict:
        many = len(column.values) > MAX_GIVEN
        text = f"{column.name}: {column.shape[0]} rows" if many else f"{column.name} = {_listed(column)}"
        yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    checks = result.comparison.predictions
    width = max(len(check.name) for check in checks) + 2
    yield f"  {'line'.ljust(width)}{_HEADS}"
    for check in checks[: 20 * MAX_STEPS]:
        yield f"  {check.name.ljust(width)}{_numbers(check, number(check.autograd) or 'nan')}"


def _listed(quantity: Quantity) -> str:
    """The exact numbers in nested lists, as a problem file has them."""
    texts = [write_number(value) for value in quantity.values]
    for size in reversed(quantity.shape):
        texts = [f"[{', '.join(texts[start : start + size])}]" for start in range(0, len(texts), size)]
    return texts[0]


def _summary_table(summaries: Sequence[Summary]) -> Iterator[str]:
    """For each quantity: counts, the number closest to its bound, and the largest error that could have hidden."""
    width = max(len("quantity"), *(len(found.quantity) for found in summaries))
    room = max(len("entry"), *(len(found.closest.index) for found in summaries)) + 1
    heads = f"{'count':>7}{'wrong':>6}{'open':>5}{'replay':>7}{'step':>6}{'entry':>{room}}"
    yield f"{'quantity'.ljust(width)}{heads}{'|error|':>9}{'bound':>9}{'caught':>9}"
    for found in summaries:
        closest = found.closest
        counts = f"{found.count:>7}{found.wrong:>6}{found.undecided:>5}{found.replayed:>7}"
        where = f"{closest.batch.step:>6}{closest.index:>{room}}"
        numbers = f"{small(abs(closest.step_error)):>9}{small(closest.bound):>9}"
        caught = "" if found.widest is None else small(found.widest.share)
        yield f"{found.quantity.ljust(width)}{counts}{where}{numbers}{caught:>9}".rstrip()
    yield "|error| and bound: of the number that is closest to its bound; caught: the"
    yield "smallest error that is caught in every step, as a share of Σ|terms|"


def to_json(result: Result) -> str:
    """The comparison, the settings and the verdict; numbers that are not finite are null."""
    settings = result.settings
    document = {
        "schema": SCHEMA,
        "title": result.problem.title,
        "settings": {
            "optimizer": settings.optimizer if settings.trains else None,
            "variant": settings.variant if settings.by_hand_alone else None,
            "lr": _lr(settings.lr),
            "scheduler": None if settings.scheduler is None else settings.scheduler.in_words,
            "clip": None if settings.clip is None else str(settings.clip),
            "groups": [str(group) for group in settings.groups],
            "options": {name: written(value) for name, value in settings.rule.options.items()}
            if settings.trains
            else {},
            "batch_size": settings.batch_size if settings.samples and settings.batches is None else None,
            "drop_last": settings.drop_last,
            "batches": None if settings.batches is None else [list(rows) for rows in settings.batches],
            "zero_grad": settings.zero_grad,
            "accumulate": settings.accumulate,
            "steps": settings.steps,
            "shuffle": settings.shuffle,
            "seed": settings.seed,
            "dtype": settings.dtype,
            "until": None if settings.until is None else settings.until.name,
            "report": list(settings.report),
            "on_nonfinite": settings.on_nonfinite,
            "origins": dict(settings.origins),
        },
        "torch": result.record.torch_version,
        "drawn": [drawn_document(quantity, settings.dtype) for quantity in drawn(result)],
        "frozen": [str(frozen) for frozen in result.problem.graph.frozen],
        "comparison": [_json_row(check) for check in result.comparison.checks],
        "summary": [_json_summary(found) for found in summarize(result.comparison)],
        "prediction": [_json_row(check) for check in result.comparison.predictions],
        "stopped": result.stopped or None,
        "nonfinite": list(result.nonfinite),
        "epochs": [_json_epoch(epoch) for epoch in result.epochs],
        "kinks": list(result.comparison.kink_notes),
        "hand_ended": result.hand.ended or None,
        "verdict": {
            "outcome": result.verdict.outcome.word,
            "sentence": result.verdict.sentence,
            "explanations": list(explanations(result.comparison)),
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def _lr(lr: Rate | None) -> str | list[str] | None:
    """An lr as it is written, exact; a list of one for each epoch."""
    if lr is None:
        return None
    return [str(rate) for rate in lr] if isinstance(lr, tuple) else str(lr)


def _json_summary(found: Summary) -> dict[str, object]:
    """One quantity over all steps; `caught` is a share of Σ|terms|."""
    closest = found.closest
    place = {"step": closest.batch.step, "index": closest.index}
    error = {"step_error": _finite(closest.step_error), "bound": _finite(closest.bound)}
    return {
        "quantity": found.quantity,
        "count": found.count,
        "wrong": found.wrong,
        "undecided": found.undecided,
        "replayed": found.replayed,
        "closest": {**place, **error},
        "caught": None if found.widest is None else _finite(found.widest.share),
    }


def _json_epoch(epoch: EpochLoss) -> dict[str, object]:
    means = (epoch.hand.of_batches, epoch.hand.over_samples, epoch.autograd.of_batches, epoch.autograd.over_samples)
    return dict(zip(EPOCH_COLUMNS, (epoch.epoch, epoch.batches, epoch.n, *map(_finite, means)), strict=True))


def _json_row(check: Check) -> dict[str, object]:
    batch = check.batch
    place: tuple[object, ...] = (batch.epoch, batch.batch, batch.step, check.quantity, check.index)
    errors = (check.autograd, check.difference, check.step_error, check.ulps, check.bound)
    numbers = map(_finite, (*errors, check.caught, check.caught_directly))
    values = (*place, _finite(check.hand_value), exact_text(check), *numbers, check.replayed, check.agrees)
    return dict(zip(COMPARISON_COLUMNS, values, strict=True))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
