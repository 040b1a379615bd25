"""A slip in a state that is in no column: the parameter shows it, and what was calculated from it follows."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from tables import account
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


ROOTS = {
    "Adagrad": "1,2.0000,0.9000\n2,1.8000,0.8527\n3,1.7054,0.8118\n4,1.6236,0.7755\n",  # the sum doubled in step 2
    "RMSprop": "1,2.0000,0.6838\n2,1.3676,0.5530\n3,1.1060,0.4479\n4,0.8958,0.3616\n",  # the mean of squares
}


@pytest.mark.parametrize("optimizer", ROOTS)
def test_a_state_under_a_root_is_shown_as_well(optimizer: str) -> None:
    problem = (
        f'equations = "f = x^2"\n[parameters]\nx = 1\n[training]\noptimizer = "{optimizer}"\nlr = 0.1\nepochs = 4\n'
    )
    found = audit(
        problem + ("alpha = 0.9\n" if optimizer == "RMSprop" else ""), claims=f"step,df/dx,x\n{ROOTS[optimizer]}"
    )
    assert [(one.cell.step, one.cell.name) for one in found.findings if one.status is Status.WRONG] == [(2, "x")]
    later = [one.status for one in found.findings if one.cell.step > 2]
    assert set(later) == {Status.INHERITED}


def test_the_second_moment_of_adam_is_shown() -> None:
    """Its v of w is four times too large in step 2."""
    held: Numbers = {"w": Decimal("0.5")}
    m = v = Decimal(0)
    rows = []
    for step in range(1, 6):
        gradient = 2 * (held["w"] - 3)
        m, v = m / 2 + gradient / 2, v * 3 / 4 + gradient**2 / 4
        v *= 4 if step == 2 else 1
        m_hat, v_hat = m / (1 - Decimal("0.5") ** step), v / (1 - Decimal("0.75") ** step)
        held["w"] = (held["w"] - Decimal("0.05") * m_hat / (v_hat.sqrt() + Decimal("1e-8"))).quantize(UNIT)
        rows.append({"step": str(step), "w": str(held["w"])})
    problem = (
        'equations = "l = (w - 3)^2"\n[parameters]\nw = 0.5\n[training]\nlr = 0.05\nsteps = 5\n' + OPTIMIZERS["adam"]
    )
    found = audit(problem, claims=rows).findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG] == [(2, "w")]
    assert {one.status for one in found if one.cell.step > 2} == {Status.INHERITED}


TWO_SLIPS = 'equations = "f = x^2 + 0.3*x"\n[parameters]\nx = -1.0\n[training]\nlr = 0.1\nepochs = 4\n'


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("1,-1.8700,-0.8030\n2,-1.3260,\n", [(1, "df/dx"), (1, "x")]),  # of -0.8130, which -1.87 gives
        ("1,-1.8700,-0.8130\n2,-1.3260,-0.6704\n3,-1.0608,-0.5743\n4,-0.8486,-0.4894\n", [(1, "df/dx"), (2, "x")]),
    ],
)
def test_what_follows_from_a_number_that_rests_on_a_wrong_one_is_not_carried(
    rows: str, wrong: list[tuple[int, str]]
) -> None:
    """The parameter was copied wrongly after a wrong gradient: what should stand in its place is wrong as well."""
    found = audit(TWO_SLIPS, claims=f"step,df/dx,x\n{rows}").findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG] == wrong
    assert all(one.status in (Status.WRONG, Status.INHERITED) for one in found)


def test_what_follows_from_a_slip_in_float32_is_inherited() -> None:
    """Of numbers that are printed finer than float32 rounds; the first gradient is a tenth too large."""
    table = "step,df/dx,x\n1,-1.87000012,-0.81299996\n2,-1.32599998,-0.68039995\n3,-1.06079984,-0.57431996\n"
    found = audit(TWO_SLIPS, claims=table, dtype="float32", epochs=3).findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG] == [(1, "df/dx")]
    assert all(one.status in (Status.WRONG, Status.INHERITED) for one in found)
    found = audit(TWO_SLIPS, claims=table.replace("-1.0607", "-1.0617"), dtype="float32", epochs=3).findings
    assert (3, "df/dx") in [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG]


HIDDEN_PARAMETER = """
equations = "p = w*x + b; l = mean((p - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [1, 2]
y = [1, 3]
[training]
lr = 0.1
""".replace("; ", "\\n")
BEHIND = [  # a gradient has the wrong sign: of b, which no column shows, in step 2; of w in step 3, of two in an epoch
    ("epochs = 4\n", "step,loss,w\n1,5.0000,0.7000\n2,0.7250,0.9300\n3,0.3855,1.0780\n4,0.2134,1.1331\n", 3),
    (
        "epochs = 3\nbatch_size = 1\nmomentum = 0.9\n",
        "epoch,loss,w,b\n1,3.3800,1.3400,0.8600\n2,6.5887,2.3750,0.8474\n3,2.6038,0.9282,-0.7276\n",
        4,
    ),
]


@pytest.mark.parametrize(("more", "table", "step"), BEHIND)
def test_what_comes_after_a_slip_that_no_column_shows_may_follow_from_it(more: str, table: str, step: int) -> None:
    found = audit(HIDDEN_PARAMETER + more, claims=table)
    assert [one.cell.step for one in found.findings if one.status is Status.WRONG] == [step]
    later = [one for one in found.findings if one.cell.step >= step and one.status is not Status.WRONG]
    assert {one.status for one in later} == {Status.NOT_RIGHT}
    assert all(one.follows is None for one in later)  # the numbers before it do not say where it lies
    said = "; ".join(account.sentence(found, one) for one in later)
    assert "no column shows" in said
    assert "too coarse" not in said
    assert found.exit_status == 1


SATURATED = """
equations = "o = sigmoid(w*x + b); l = mse(o, y)"
[parameters]
w = 0
b = 0.6
[data]
x = [30, 0.4, 6]
y = [0.8, 0.2, 0.6]
[training]
lr = 1
steps = 4
shuffle = false
batch_size = 2
momentum = 0.9
""".replace("; ", "\\n")


def test_a_hidden_slip_may_not_show_in_a_later_row() -> None:
    """B is moved wrongly in step 2; in step 4 σ is 1 whatever b is, so that its column is right again."""
    table = "step,loss,dl/dw,dl/db,w\n1,0.1112,-1.0186,0.0666,1.0186\n2,0.1590,0.0062,0.0010,1.9291\n"
    table += "3,0.1990,0.0385,0.0963,2.7100\n4,0.1600,0.0000,0.0000,3.4128\n"
    found = audit(SATURATED, claims=table).findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG] == [(3, "loss")]


def test_what_depends_on_no_hidden_number_is_wrong_where_it_stands() -> None:
    """W of step 3 is not what w and the gradient give that stand before it, whatever b is."""
    table = "step,loss,dl/dw,w\n1,5.0000,-7.0000,0.7000\n2,0.7250,-2.3000,0.9300\n3,0.3855,-1.4800,1.1780\n"
    found = audit(HIDDEN_PARAMETER + "epochs = 4\n", claims=table).findings
    assert [(one.cell.step, one.cell.name) for one in found if one.status is Status.WRONG] == [(3, "loss"), (3, "w")]


def test_it_is_wrong_where_it_stands_if_all_is_shown() -> None:
    """Two slips in tables with both parameters: of a step, and of an epoch without a state."""
    table = "step,w,b\n1,0.7000,0.4000\n2,0.9500,0.5100\n3,0.2000,0.5780\n4,0.9000,0.7000\n"
    found = audit(HIDDEN_PARAMETER + "epochs = 4\n", claims=table)
    assert (4, "w") in [(one.cell.step, one.cell.name) for one in found.findings if one.status is Status.WRONG]
