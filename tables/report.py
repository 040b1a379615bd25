"""A result as text for people, at most 80 columns wide, and as JSON for programs."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Sequence

from derive.frozen import frozen_note
from derive.optimizers import written
from tables.draws import drawn, drawn_document, drawn_lines
from tables.frames import COMPARISON_COLUMNS, exact_text
from verify.check import Check
from verify.judge import explanations
from verify.result import Result, StepRow
from verify.settings import remarks
from verify.summary import Summary, summarize

WIDTH = 80
MAX_STEPS = 60  # longer runs show their first and last steps
SHOWN_AT_ENDS = 10
MAX_NOTES = 5

SCHEMA = "handgrad/verification/1"


def to_text(result: Result, summary: bool = False) -> str:
    """Title, settings, one row a step (by hand, autograd, difference) or one a quantity, then the verdict."""
    lines = [*_wrapped(result.problem.title), *_wrapped(str(result.settings))]
    lines += [line for remark in remarks(result.settings) for line in _wrapped(remark)]
    lines += [line for sentence in frozen_note(result.problem.graph.frozen) for line in _wrapped(sentence)]
    lines += drawn_lines(result, WIDTH)
    if summary:
        lines += ["", *_summary_table(summarize(result.comparison))]
    else:
        blocks = _column_blocks(result)
        for block in blocks:
            lines += ["", *_table(result, block)]
        if not {name for block in blocks for name in block}.issuperset(result.states and result.rows[0].checks):
            lines += ["", *_wrapped(f"the state of {result.settings.optimizer} is compared too; --csv FILE lists it")]
        if result.settings.nodes:
            lines += ["", *_node_table(result)]
    notes = result.comparison.kink_notes
    lines += ["", *(line for note in notes[:MAX_NOTES] for line in _wrapped(note))] if notes else []
    lines += [f"… and {len(notes) - MAX_NOTES} more steps or entries at a kink"] if len(notes) > MAX_NOTES else []
    if result.hand.ended:
        lines += ["", *_wrapped(result.hand.ended)]
    lines += [""]
    for sentence in (*explanations(result.comparison), result.verdict.sentence):
        lines += _wrapped(sentence)
    return "\n".join(lines)


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
_RATE = " lr"  # the column of the learning rate; a parameter may be called lr, and has its own


def _column_blocks(result: Result) -> list[list[str]]:
    """The columns of the table in groups that fit into the width; the optimizer's state only where one group does."""
    if not result.rows:
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
    return name != _RATE and result.rows[0].checks[name].quantity in result.states


def _columns(result: Result) -> list[str]:
    """Loss, gradients, lr, parameters, the optimizer's state; without training loss and gradients."""
    names = list(result.rows[0].checks)
    if result.settings.lr is None:
        return names
    first_parameter = next(k for k, name in enumerate(names) if result.rows[0].checks[name].quantity in _own(result))
    return [*names[:first_parameter], _RATE, *names[first_parameter:]]


def _own(result: Result) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in result.problem.parameters)


def _heading(result: Result, name: str) -> str:
    return "loss" if name == result.problem.graph.loss else name.strip()


def _cells(result: Result, row: StepRow, name: str) -> tuple[str, str, str]:
    """The three lines of one cell."""
    if name == _RATE:
        return number(float(result.settings.lr or 0)), "", ""
    check = row.checks[name]
    mark = "" if check.agrees else " ✗" if check.agrees is False else " ?"
    by_pytorch = number(check.autograd) or "nan"
    return number(check.hand_value), by_pytorch, (small(check.difference) + mark).strip()


def _width(result: Result, name: str) -> int:
    cells = [cell for row in _shown(result) for cell in _cells(result, row, name)]
    return max(map(len, [_heading(result, name), *cells])) + 1


def _left_width(result: Result) -> int:
    return len(_left(result.rows[-1], 0)) + max(map(len, _LABELS))


def _left(row: StepRow, line: int) -> str:
    values = [row.batch.epoch, row.batch.batch, row.batch.n] if line == 0 else ["", "", ""]
    return f"{values[0]:>5} {values[1]:>5} {values[2]:>3} "


def _shown(result: Result) -> Sequence[StepRow]:
    rows = result.rows
    return rows if len(rows) <= MAX_STEPS else (*rows[:SHOWN_AT_ENDS], *rows[-SHOWN_AT_ENDS:])


def _table(result: Result, names: list[str]) -> Iterator[str]:
    widths = {name: _width(result, name) for name in names}
    label = max(map(len, _LABELS))
    head = "".join(_heading(result, name).rjust(widths[name]) for name in names)
    yield f"{'epoch':>5} {'batch':>5} {'n':>3} ".ljust(len(_left(result.rows[-1], 0))) + " " * label + head
    for position, row in enumerate(_shown(result)):
        if len(result.rows) > MAX_STEPS and position == SHOWN_AT_ENDS:
            yield f"  … {len(result.rows) - 2 * SHOWN_AT_ENDS} steps are not shown; --csv FILE writes all of them"
        cells = {name: _cells(result, row, name) for name in names}
        for line, text in enumerate(_LABELS):
            body = "".join(cells[name][line].rjust(widths[name]) for name in names)
            yield (_left(row, line) + text.ljust(label) + body).rstrip()


def _node_table(result: Result) -> Iterator[str]:
    """Every line and its adjoint, one number a row; the error is that of the step alone, as the bound is."""
    columns = set(result.columns) | {f"{name}_before" for name in (*_own(result), *result.states)}
    checks = [check for check in result.comparison.checks if check.quantity not in columns]
    if not checks:
        yield f"{result.problem.graph.loss} is the only line"
        return
    width = max((len(check.name) for check in checks), default=0) + 2
    yield f"{'step':>5}  {'node'.ljust(width)}{'hand':>14}{'autograd':>14}{'step error':>12}{'bound':>10}"
    for check in checks[: 20 * MAX_STEPS]:
        mark = "" if check.agrees else " ✗" if check.agrees is False else " ?"
        numbers = f"{number(check.hand_value):>14}{number(check.autograd):>14}"
        errors = f"{small(check.step_error):>12}{small(check.bound):>10}"
        yield f"{check.batch.step:>5}  {check.name.ljust(width)}{numbers}{errors}{mark}"
    if len(checks) > 20 * MAX_STEPS:
        yield f"  … {len(checks) - 20 * MAX_STEPS} more; --csv FILE writes all of them"


def _summary_table(summaries: Sequence[Summary]) -> Iterator[str]:
    """For each quantity: counts, the number closest to its bound, and the largest error that could have hidden."""
    width = max(len("quantity"), *(len(summary.closest.name) for summary in summaries)) + 1
    heads = f"{'wrong':>6}{'open':>5}{'replay':>7}{'step':>6} {'closest'.ljust(width)}"
    yield f"{'quantity'.ljust(width)}{'count':>7}{heads}{'|error|':>9}{'bound':>9}{'caught':>9}"
    for found in summaries:
        closest = found.closest
        counts = f"{found.count:>7}{found.wrong:>6}{found.undecided:>5}{found.replayed:>7}"
        numbers = f"{small(abs(closest.step_error)):>9}{small(closest.bound):>9}"
        caught = "" if found.widest is None else small(_relative(found.widest))
        where = f"{closest.batch.step:>6} {closest.name.ljust(width)}"
        yield f"{found.quantity.ljust(width)}{counts}{where}{numbers}{caught:>9}".rstrip()
    yield "closest: the number nearest to its bound; caught: the smallest error that"
    yield "would have been caught in any step, as a share of the number's terms"


def _relative(check: Check) -> float:
    return check.caught / check.terms if check.terms else math.inf


def to_json(result: Result) -> str:
    """The comparison, the settings and the verdict; numbers that are not finite are null."""
    settings = result.settings
    document = {
        "schema": SCHEMA,
        "title": result.problem.title,
        "settings": {
            "optimizer": settings.optimizer if settings.trains else None,
            "lr": str(settings.lr) if settings.trains else None,
            "options": {name: written(value) for name, value in settings.rule.options.items()}
            if settings.trains
            else {},
            "batch_size": settings.batch_size if settings.samples else None,
            "steps": settings.steps,
            "shuffle": settings.shuffle,
            "seed": settings.seed,
            "dtype": settings.dtype,
            "origins": dict(settings.origins),
        },
        "torch": result.record.torch_version,
        "drawn": [drawn_document(quantity, settings.dtype) for quantity in drawn(result)],
        "frozen": [str(frozen) for frozen in result.problem.graph.frozen],
        "comparison": [_json_row(check) for check in result.comparison.checks],
        "kinks": list(result.comparison.kink_notes),
        "hand_ended": result.hand.ended or None,
        "verdict": {
            "outcome": result.verdict.outcome.word,
            "sentence": result.verdict.sentence,
            "explanations": list(explanations(result.comparison)),
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def _json_row(check: Check) -> dict[str, object]:
    batch = check.batch
    place: tuple[object, ...] = (batch.epoch, batch.batch, batch.step, check.quantity, check.index)
    errors = (check.autograd, check.difference, check.step_error, check.ulps, check.bound, check.caught)
    values = (*place, _finite(check.hand_value), exact_text(check), *map(_finite, errors), check.replayed, check.agrees)
    return dict(zip(COMPARISON_COLUMNS, values, strict=True))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
