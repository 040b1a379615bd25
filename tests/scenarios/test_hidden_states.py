"""A slip in a state that is in no column: the parameter shows it, and what was calculated from it follows."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from verify import Status, audit

PROBLEM = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0.5
b = -0.25
[data]
x = [1, 2, -1]
y = [3, 5, 1.5]
[training]
lr = 0.05
steps = 7
batch_size = 2
"""
OPTIMIZERS = {
    "momentum": "momentum = 0.9\n",
    "damped": "momentum = 0.9\ndampening = 0.5\n",
    "nesterov": "momentum = 0.9\nnesterov = true\n",
    "adam": 'optimizer = "Adam"\nbetas = [0.5, 0.75]\n',
}
BATCHES = (((1, "3"), (2, "5")), ((-1, "1.5"),))
UNIT = Decimal("0.00001")

Numbers = dict[str, Decimal]


def _moved(optimizer: str, state: Numbers, gradient: Decimal, slip: Decimal, step: int) -> Decimal:
    """How far a parameter moves, of somebody who goes on with every digit of the state; `slip` is added to v, or m."""
    if optimizer == "adam":
        state["m"] = state.get("m", Decimal(0)) / 2 + gradient / 2 + slip
        state["v"] = state.get("v", Decimal(0)) * 3 / 4 + gradient**2 / 4
        m, v = state["m"] / (1 - Decimal("0.5") ** step), state["v"] / (1 - Decimal("0.75") ** step)
        return Decimal("0.05") * m / (v.sqrt() + Decimal("1e-8"))
    share = Decimal("0.5") if optimizer == "damped" and state else Decimal(1)
    state["v"] = Decimal("0.9") * state.get("v", Decimal(0)) + share * gradient + slip
    along = gradient + Decimal("0.9") * state["v"] if optimizer == "nesterov" else state["v"]
    return Decimal("0.05") * along


def rows_of(optimizer: str, slips: dict[int, Decimal], *, before: bool = False) -> list[dict[str, str]]:
    """The parameters of seven steps, rounded; `slips` are added to the state of w, by step."""
    held: Numbers = {"w": Decimal("0.5"), "b": Decimal("-0.25")}
    states: dict[str, Numbers] = {"w": {}, "b": {}}
    rows = []
    for step in range(1, 8):
        begins = {f"{name}_before": str(number) for name, number in held.items()}
        batch = BATCHES[(step - 1) % 2]
        off = [held["w"] * x + held["b"] - Decimal(y) for x, y in batch]
        gradients = {
            "w": 2 * sum((one * x for one, (x, _) in zip(off, batch, strict=True)), Decimal(0)) / len(batch),
            "b": 2 * sum(off, Decimal(0)) / len(batch),
        }
        for name, gradient in gradients.items():
            slip = slips.get(step, Decimal(0)) if name == "w" else Decimal(0)
            held[name] = (held[name] - _moved(optimizer, states[name], gradient, slip, step)).quantize(UNIT)
        rows.append({"step": str(step), **(begins if before else {name: str(own) for name, own in held.items()})})
    return rows


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("before", [False, True])
def test_what_was_calculated_from_a_wrong_state_follows(optimizer: str, before: bool) -> None:
    problem = PROBLEM + OPTIMIZERS[optimizer]
    right = audit(problem, claims=rows_of(optimizer, {}, before=before)).findings
    assert not any(one.status.is_refused for one in right)
    found = audit(problem, claims=rows_of(optimizer, {2: Decimal("-2.5")}, before=before)).findings
    wrong = [one.cell for one in found if one.status is Status.WRONG]
    assert [(cell.step, cell.quantity.name) for cell in wrong] == [(3 if before else 2, "w")]
    later = [one for one in found if one.cell.step > wrong[0].step]
    assert later
    assert {one.status for one in later} == {Status.INHERITED}
    assert all(one.inherited_from == wrong[0] for one in later)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_second_slip_is_wrong_where_it_stands(optimizer: str) -> None:
    """So is a number that was only copied wrongly between the two."""
    slips = {2: Decimal("-2.5"), 5: Decimal("1.5")}
    rows = rows_of(optimizer, slips)
    found = audit(PROBLEM + OPTIMIZERS[optimizer], claims=rows).findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG] == [(2, "w"), (5, "w")]
    rows[3]["b"] = str(Decimal(rows[3]["b"]) + Decimal("0.2"))
    found = audit(PROBLEM + OPTIMIZERS[optimizer], claims=rows).findings
    wrong = [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG]
    assert {(2, "w"), (4, "b"), (5, "w")} <= set(wrong)


def test_a_state_that_is_in_a_column_is_taken_from_there() -> None:
    """A parameter that its own state does not give is wrong, and shows nothing of the state."""
    rows = rows_of("momentum", {})
    rows[2]["w"] = str(Decimal(rows[2]["w"]) + Decimal("0.3"))
    states = [{"step": row["step"], "w.v": "", **row} for row in rows]
    for state, (before, after) in zip(states[1:2], pairwise(rows), strict=False):
        state["w.v"] = str((Decimal(before["w"]) - Decimal(after["w"])) / Decimal("0.05"))
    found = audit(PROBLEM + OPTIMIZERS["momentum"], claims=states).findings
    assert (3, "w") in [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG]
