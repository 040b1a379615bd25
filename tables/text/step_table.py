"""The table of the steps: by hand, autograd and their difference; and that of the epochs' losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tables.frames import rate_column
from tables.text.layout import number, small
from verify.compare.check import Check
from verify.names import clipped_name
from verify.result import Result
from verify.step_row import SHOWN, StepRow

WIDTH = 80  # characters of a line, as in a terminal
MAX_STEPS = 60  # longer runs show their first and last steps
SHOWN_AT_ENDS = 10  # first steps of a longer run, and as many last ones
MAX_COLUMNS = 1000  # where there are more, the first of each quantity are shown; NumPy has the same threshold
MAX_EPOCHS = 20  # longer runs show the losses of their first and last epochs

_LABELS = ("hand", "autograd", "diff.")
_RATE = " "  # begins the column of a constant learning rate; a parameter may be called lr, and has its own


def column_blocks(result: Result) -> list[list[str]]:
    """The columns of the table in groups that fit into the width; the optimizer's state only where one group does."""
    if not result.comparison.steps:
        return []
    widths = {name: _width(result, name) for name in _summarised(result)}
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


def _summarised(result: Result) -> list[str]:
    """The columns; where they are more than `MAX_COLUMNS`, the first few of each quantity, as NumPy prints an array."""
    checks = result.whole_row.checks
    are_many = sum(checks.counts.values()) > MAX_COLUMNS
    return _columns(result, list(checks.first(SHOWN)) if are_many else list(checks))


def _is_state(result: Result, name: str) -> bool:
    return not name.startswith(_RATE) and result.whole_row.checks[name].quantity in result.states


def columns_left_out(result: Result, blocks: list[list[str]]) -> str:
    """A sentence on the columns that are in none of the blocks: entries of many, and the state that is too wide."""
    shown = {name for block in blocks for name in block}
    if not shown:
        return ""
    checks = result.whole_row.checks
    every = checks.counts
    are_many = sum(every.values()) > MAX_COLUMNS
    if not are_many and shown.issuperset(checks):
        return ""
    if not are_many:
        return f"the state of {result.settings.optimizer} is compared too; --csv FILE lists it"
    own = Counter(checks[name].quantity for name in shown if not name.startswith(_RATE))
    cut = [f"{own[name]} of the {every[name]:,} numbers of {name}" for name in every if own[name] < every[name]]
    return f"shown are {', '.join(cut)}; all are compared, and --csv FILE lists them"


def _columns(result: Result, names: list[str]) -> list[str]:
    """Loss, gradients, lr, parameters, the optimizer's state; without training loss and gradients."""
    first = result.whole_row
    if result.settings.lr is None:
        return names
    first_parameter = next(k for k, name in enumerate(names) if first.checks[name].quantity in own_columns(result))
    rates = [f"{_RATE}{name}" for name in result.constant_rates()]
    return [*names[:first_parameter], *rates, *names[first_parameter:]]


def own_columns(result: Result) -> tuple[str, ...]:
    """The names of the parameters, under which their columns stand."""
    return tuple(parameter.name for parameter in result.problem.parameters)


def _by_hand(result: Result) -> tuple[str, ...]:
    """What stands there by hand alone, where PyTorch does not have the update."""
    clipped = (
        clipped_name(result.problem.graph.loss, name, result.comparison.nodes) for name in result.settings.parameters
    )
    return (*own_columns(result), *result.states, *result.rates, *clipped)


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
    return number(check.hand_value), by_pytorch, (small(check.difference) + mark(check)).strip()


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


def table(result: Result, names: list[str]) -> Iterator[str]:
    """One block of columns: three lines for each step that is shown."""
    widths = {name: _width(result, name) for name in names}
    label = max(map(len, _LABELS))
    head = "".join(_heading(result, name).rjust(widths[name]) for name in names)
    last = result.row(result.comparison.steps[-1])
    yield f"{'epoch':>5} {'batch':>5} {'n':>3} ".ljust(len(_left(last, 0))) + " " * label + head
    count = result.tally.steps
    for position, row in enumerate(_shown(result)):
        if _cut(result) and position == SHOWN_AT_ENDS:
            yield f"  … {count - 2 * SHOWN_AT_ENDS} steps are not shown; {_elsewhere(result)}"
        cells = {name: _cells(result, row, name) for name in names}
        for line, text in enumerate(_LABELS):
            body = "".join(cells[name][line].rjust(widths[name]) for name in names)
            if line and not body.strip():
                continue  # of an update by hand alone
            yield (_left(row, line) + text.ljust(label) + body).rstrip()
    if left := count - len(result.reported):
        yield f"  … {left} of {count} steps are not in report; {_elsewhere(result)}"


def _elsewhere(result: Result) -> str:
    """Where the steps stand that are not shown."""
    return "--report N,N,… names others" if result.kept else "--csv FILE writes all of them"


def epoch_lines(result: Result) -> list[str]:
    """A table of the epochs' losses, where an epoch has several batches; two columns where the two ways differ."""
    epochs = result.epochs
    if all(epoch.batches == 1 for epoch in epochs):
        return []
    shown = epochs if len(epochs) <= MAX_EPOCHS else (*epochs[: MAX_EPOCHS // 2], *epochs[-MAX_EPOCHS // 2 :])
    alike = all(epoch.alike for epoch in epochs) and result.problem.graph.averages
    heads = ["loss: mean of batches", *([] if alike else ["mean over samples"])]
    lines = ["", f"{'epoch':>5} {'batches':>7} {'n':>5} {'':8}{''.join(head.rjust(24) for head in heads)}"]
    for position, epoch in enumerate(shown):
        if shown is not epochs and position == MAX_EPOCHS // 2:
            between = epochs[-1].epoch - epochs[0].epoch + 1 - MAX_EPOCHS
            lines.append(f"  … {between} epochs are not shown")
        left = f"{epoch.epoch:>5} {epoch.batches:>7} {epoch.n:>5} "
        for label, means in (("hand", epoch.hand), ("autograd", epoch.autograd)):
            values = [means.of_batches, *([] if alike else [means.over_samples])]
            lines.append(f"{left}{label:8}{''.join(number(value).rjust(24) for value in values)}".rstrip())
            left = " " * len(left)
    return lines


def mark(check: Check) -> str:
    """The mark beside a number: ✗ where it is wrong, ? where it is not decided, else none."""
    return "" if check.agrees else " ✗" if check.agrees is False else " ?"
