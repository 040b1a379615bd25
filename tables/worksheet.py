"""The empty table to fill in: one row a step, one column a number, some of them given away."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import StringIO

from derive.errors import SettingError, shorten, suggestion
from derive.graph.gradient_names import gradient_name
from derive.problem.loading import Problem
from derive.run.run import Run
from derive.run.settings import Settings
from derive.source.numerals import write_literal
from verify.auditing.reading import drawn
from verify.claims.claim import Cell, Quantity
from verify.claims.literal import read_literal, written_like
from verify.following.right_values import rate, right_values
from verify.names import beside, clipped_name, rate_label, rate_name
from verify.numbers import Exactly, decimal, to_fraction

MAX_STEPS = 1000  # rows to fill in; more are refused
_PLACES = ("step", "epoch", "batch")
DIGITS = 6  # significant digits of a number that is given away


def worksheet(problem: Problem, settings: Settings, give: str | None = None) -> str:
    """A CSV text with the columns of `steps.csv`, in which the author fills in what is empty.

    `give` names what is given away, with commas: columns (`lr,w`) and steps (`1`). The number of samples and the
    learning rate are given when it is left out. Raises `SettingError` for a name that is no column, and for more than
    `MAX_STEPS` steps.
    """
    run = drawn(problem, settings)
    if settings.steps > MAX_STEPS:
        raise SettingError(f"a worksheet of {settings.steps} steps; expected at most {MAX_STEPS}: give --steps N")
    columns = _columns(run)
    given, steps = _given(give, columns, settings.steps)
    cells = {
        (step, head): Cell(step, quantity, entry, entry)
        for step in range(1, settings.steps + 1)
        for head, (quantity, entry) in columns.items()
        if (step in steps or head in given) and (quantity.group != "clipped" or run.batches[step - 1].updates)
    }
    known = right_values(run, [c for c in cells.values() if c.quantity.group != "setting"], lambda _: True).values
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    in_epochs = settings.batches_per_epoch > 1 or bool(set(_PLACES) & set(run.watched.graph.by_name))
    heads = ["step", *(["epoch", "batch"] if in_epochs else []), *columns]
    writer.writerow(heads)
    for batch in run.batches:
        at = [batch.step, *([batch.epoch, batch.batch] if in_epochs else [])]
        values = [_written(run, cells.get((batch.step, head)), known) for head in columns]
        writer.writerow([*at, *values])
    return text.getvalue()


def _columns(run: Run) -> dict[str, tuple[Quantity, tuple[int, ...]]]:
    """What a person fills in, by the heads of the columns: n, the loss, gradients, lr, parameters, watched.

    They are the heads of `steps.csv`, where a parameter `lr` stands under `lr_after`.
    """
    problem, settings = run.watched, run.settings
    names = problem.graph.by_name
    found = {"n": Quantity("setting", "n", "n")} if problem.data else {}
    columns: dict[str, tuple[Quantity, tuple[int, ...]]] = {head: (quantity, ()) for head, quantity in found.items()}
    shown = {parameter.name for parameter in problem.parameters if settings.trains}
    hidden = set(names) - {*shown, *(node.name for node in settings.watch), *found}
    own = "step.loss" if run.loss in (*_PLACES, "n", "lr", *settings.varying) else run.loss
    columns[own if "loss" in hidden else "loss"] = (Quantity("loss", run.loss, "loss"), ())
    for parameter in problem.parameters:
        label = gradient_name(run.loss, parameter.name)
        columns.update(_entries(Quantity("gradients", parameter.name, label), parameter.shape))
    if settings.trains:
        for parameter in problem.parameters if settings.clip is not None else ():
            if parameter.name in settings.parameters:
                label = clipped_name(run.loss, parameter.name, names)
                columns.update(_entries(Quantity("clipped", parameter.name, label), parameter.shape))
        groups = len(settings.param_groups)
        for name in settings.varying or ("lr",):
            for group in range(groups):
                head = rate_label(rate_name(name) if name in hidden else name, group)
                columns[head] = (Quantity("setting", name, name), (group,) if groups > 1 else ())
        for parameter in problem.parameters:
            for head, entry in _entries(Quantity("after", parameter.name, parameter.name), parameter.shape):
                columns[_free(head, columns, names)] = entry
    for node in settings.watch:
        columns[_free(node.name, columns, names)] = (Quantity("watch", node.name, node.name), ())
    return columns


def _free(head: str, columns: Collection[str], names: Collection[str]) -> str:
    """The head of a parameter that is called like another column, as in `steps.csv`: `lr_after`."""
    base = head.partition("[")[0]
    return f"{head}{beside(base, 'after', names)[len(base) :]}" if {head, base} & {*columns, *_PLACES} else head


def _entries(quantity: Quantity, shape: tuple[int, ...]) -> Iterable[tuple[str, tuple[Quantity, tuple[int, ...]]]]:
    """One column for each entry."""
    places: list[tuple[int, ...]] = [()]
    for length in shape:
        places = [(*place, number) for place in places for number in range(length)]
    for place in places:
        index = f"[{','.join(map(str, place))}]" if place else ""
        yield f"{quantity.label}{index}", (quantity, place)


def _given(
    give: str | None, columns: Mapping[str, tuple[Quantity, tuple[int, ...]]], last: int
) -> tuple[set[str], set[int]]:
    """The columns and the steps that are given away."""
    given: set[str] = set()
    steps: set[int] = set()
    if give is None:
        return {head for head, (quantity, _) in columns.items() if quantity.group == "setting"}, steps
    for word in give.split(","):
        name = word.strip()
        heads = {head for head in columns if head == name or head.partition("[")[0] == name}
        if name.isdecimal() and 1 <= int(name) <= last:
            steps.add(int(name))
        elif heads:
            given |= heads
        elif name:
            known: Sequence[str] = list(columns)
            hint = suggestion(name, known) or f"; known: {', '.join(known[:12])}"
            raise SettingError(f"--give {shorten(name)}: neither a column nor a step from 1 to {last}{hint}")
    return given, steps


def _written(run: Run, cell: Cell | None, known: Mapping[Cell, Exactly]) -> str:
    """A number that is given away; empty where the author fills it in."""
    if cell is None:
        return ""
    if cell.quantity.name == "n" and cell.quantity.group == "setting":
        return str(run.batches[cell.step - 1].n)
    if cell.quantity.group == "setting":
        value = rate(run, cell)
        exactly = None if value is None else to_fraction(value)
        if exactly is not None:
            return write_literal(exactly)
    else:
        value = known.get(cell)
    if value is None:
        return ""
    shortest = decimal(value, DIGITS)
    return written_like(read_literal(shortest), value)
