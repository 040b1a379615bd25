"""A result as text for people, at most 80 columns wide."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from derive.problem.parameters import frozen_note
from derive.problem.problem import Quantity
from derive.source.numerals import write_number
from tables.draws import drawn_lines
from tables.text.layout import number, small
from tables.text.remarks import remarks
from tables.text.step_table import (
    MAX_STEPS,
    WIDTH,
    column_blocks,
    columns_left_out,
    epoch_lines,
    mark,
    own_columns,
    table,
)
from tables.text.worked_step import worked_lines
from verify.compare.check import Check
from verify.compare.summary import Summary, drift, relative_drift
from verify.compare.verdict import explanations
from verify.result import Result

MAX_NOTES = 5  # sentences of a kind that are printed; the others are counted
MAX_GIVEN = 60  # numbers of a predicted column that are printed again


def to_text(result: Result, summary: bool = False, step: int | None = None) -> str:
    """Title, settings, one row a step (by hand, autograd, difference) or one a quantity, then the verdict.

    With `step`, that step worked out in place of the rows. Raises `SettingError` as `worked` does.
    """
    lines = [*_wrapped(result.problem.title), *_wrapped(str(result.settings))]
    lines += [line for remark in remarks(result.settings) for line in _wrapped(remark)]
    lines += [line for sentence in frozen_note(result.problem.graph.frozen) for line in _wrapped(sentence)]
    lines += drawn_lines(result, WIDTH)
    if step is not None:
        lines += ["", *worked_lines(result, step)]
    elif summary:
        lines += ["", *_summary_table(result.tally.summaries)]
    else:
        blocks = column_blocks(result)
        for block in blocks:
            lines += ["", *table(result, block)]
        lines += ["", *_wrapped(left_out)] if (left_out := columns_left_out(result, blocks)) else []
        lines += epoch_lines(result)
        if result.settings.nodes:
            lines += ["", *_node_table(result)]
        lines += ["", *_prediction_table(result)] if result.comparison.predictions else []
    if result.kept:
        lines += ["", *_wrapped(result.kept)]
    if result.stopped:
        lines += ["", *_wrapped(result.stopped)]
    lines += _notes(result.nonfinite, "quantities that are not finite")
    lines += _notes(result.comparison.kink_notes, "steps or entries at a kink", result.tally.notes)
    if result.hand.ended:
        lines += ["", *_wrapped(result.hand.ended)]
    lines += [""]
    lines += [line for sentence in _drift(result) for line in (*_wrapped(sentence), "")]
    for sentence in (*explanations(result.comparison, result.tally), result.verdict.sentence):
        lines += _wrapped(sentence)
    return "\n".join(lines)


def _notes(notes: Sequence[str], what: str, count: int | None = None) -> list[str]:
    """A blank line and the first few sentences, with the number of the others; there are `count` of them."""
    more = (len(notes) if count is None else count) - MAX_NOTES
    lines = ["", *(line for note in notes[:MAX_NOTES] for line in _wrapped(note))] if notes else []
    return [*lines, *([f"… and {more} more {what}"] if more > 0 else [])]


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_long_words=False) or [""]


_HEADS = f"{'hand':>14}{'autograd':>14}{'step error':>12}{'bound':>10}"


def _numbers(check: Check, by_pytorch: str) -> str:
    """The columns of `_HEADS`; the error is that of the step alone, as the bound is."""
    values = f"{number(check.hand_value):>14}{by_pytorch:>14}"
    return f"{values}{small(check.step_error):>12}{small(check.bound):>10}{mark(check)}"


def _node_table(result: Result) -> Iterator[str]:
    """Every line and its adjoint, one number a row; the error is that of the step alone, as the bound is."""
    columns = {*result.columns, *(f"{name}_before" for name in (*own_columns(result), *result.columns))}
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
