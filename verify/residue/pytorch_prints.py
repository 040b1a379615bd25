"""What PyTorch itself prints: asked for only where a claim can be settled in no other way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from derive.run.run import Run
from verify import pytorch
from verify.claims.claim import Cell
from verify.record import StepRecord
from verify.residue.parts import MadeByProgram


def by_pytorch(run: Run, cells: Sequence[Cell]) -> Mapping[Cell, float]:
    """PyTorch's numbers of the cells that its run has; none where the update is by hand alone."""
    if run.settings.by_hand_alone:
        return {}  # PyTorch has no such update
    last = max(cell.step for cell in cells)
    settings = replace(run.settings, steps=last, nodes=True, on_nonfinite="continue", until=None)
    record = pytorch.train(run.problem, settings)
    steps = range(1, len(record.steps) + 1)
    at = cache(lambda number: record.steps[number - 1])  # the record of a step is made where it is asked for
    made = MadeByProgram(run, lambda part: _number(at(part.step), part))
    found: dict[Cell, float] = {}
    for cell in cells:
        if cell.quantity.group == "prediction" and cell.step in steps:
            values = pytorch.predict(run.problem, settings, at(cell.step))
            found[cell] = float(values[cell.quantity.name][cell.position])
        elif cell.quantity.group in ("epoch", "averaged", "norm"):
            if cell.step in steps:
                found[cell] = made.of(cell)
        elif cell.step in steps and cell.quantity.group not in (
            "prediction",
            "setting",
            "partials",
            "scaled",
            "change",
        ):
            found[cell] = _number(at(cell.step), cell)
    return found


def _number(step: StepRecord, cell: Cell) -> float:
    """A number of a step of PyTorch's."""
    group, name = cell.quantity.group, cell.quantity.name
    if group == "loss":
        return float(step.loss)
    values = getattr(step, {"watch": "nodes", "inside": "nodes"}.get(group, group))
    return float(values[name][cell.position]) if name in values else 0.0
