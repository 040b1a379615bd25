"""Claims about schedules, clipping, groups, variants: what is exported is right, and what is planted is found."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import tables
from derive.chain.derivation import differentiate
from derive.errors import ClaimError
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from tables.text.audit import to_text
from tables.worksheet import worksheet
from tests.problems import GROUP
from verify import verify
from verify.auditing.pipeline import Audit, audit
from verify.following.finding import Status
from verify.hand.calculation import beginnings
from verify.hand.leap import leaps
from verify.numbers import Exact, precision
from verify.result import Result

LINE = '''
equations = """
p = w*x + b
l = mean((p - y)^2)
"""
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3, 4]
y = [3, 5, 7, 9]
[training]
lr = 0.1
epochs = 3
batch_size = 2
'''
GROUPS = LINE + '[[training.groups]]\nparameters = ["b"]\nlr = 0.01\n'
DECAY = LINE.replace("lr = 0.1\n", "") + '[[training.groups]]\nparameters = ["b"]\nweight_decay = 0.01\n'
MATRIX = """
equations = "p = x @ W + b; l = mean(p^2)"
[parameters]
W = [[1, 2], [3, 4]]
b = [0, 0.5]
[data]
x = [[1, 2], [3, 4], [5, 6]]
[training]
lr = 0.01
steps = 5
"""
ONE_CYCLE = {"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 7}
RUNS: Mapping[str, tuple[str, dict[str, object]]] = {
    "list": (LINE, {"lr": [0.1, 0.05, 0.01]}),
    "expression": (LINE, {"lr": "1/(10*t)"}),
    "StepLR": (LINE, {"scheduler": "StepLR", "step_size": 1}),
    "ExponentialLR": (LINE, {"scheduler": "ExponentialLR", "gamma": 0.9}),
    "CosineAnnealingLR": (LINE, {"scheduler": "CosineAnnealingLR", "T_max": 2, "optimizer": "Adam"}),
    "momentum": (LINE, ONE_CYCLE),
    "beta1": (LINE, {**ONE_CYCLE, "optimizer": "Adam"}),
    "norm": (LINE, {"clip_grad_norm": 1.5}),
    "value": (LINE, {"clip_grad_value": 1.5}),
    "norm of arrays": (MATRIX, {"clip_grad_norm": 1, "optimizer": "Adam"}),
    "groups": (GROUPS, {}),
    "groups and StepLR": (GROUPS, {"scheduler": "StepLR", "step_size": 1}),
    "groups and OneCycleLR": (DECAY, {**ONE_CYCLE, "optimizer": "Adam"}),
    "groups of other states": (GROUPS.replace("lr = 0.01", "momentum = 0.5"), {"optimizer": "SGD"}),
    "variant": (LINE, {"optimizer": "Adam", "variant": "eps_inside"}),
    "variant and all": (
        GROUPS,
        {"momentum": 0.9, "variant": "lr_in_velocity", "clip_grad_norm": 1.5, "scheduler": "StepLR", "step_size": 1},
    ),
    "accumulation": (LINE, {"accumulate": 2, "clip_grad_norm": 1.5, "scheduler": "ExponentialLR", "gamma": 0.9}),
    "gathered": (LINE, {"zero_grad": False, "clip_grad_norm": 1.5}),
    "reported": (LINE + '[report]\nhalf = "l/2"\nloss = "l"\n', {"clip_grad_norm": 1.5}),
    "watched": (LINE + '[watch]\nnorm = "sqrt((dl/dw)^2 + w^2)"\nn2 = "b"\n', {"clip_grad_norm": 1.5}),
    "predicted": (LINE + "[predict]\nx = [10, 11]\n", {"scheduler": "StepLR", "step_size": 1}),
    "until": (LINE, {"until": "l < 3", "clip_grad_value": 1.5}),
    "frozen": ('frozen = ["b"]\n' + LINE, {"clip_grad_norm": 1.5}),
    "a parameter called lr": (LINE.replace("w", "lr"), {"scheduler": "StepLR", "step_size": 1}),
    "a parameter called loss": (LINE.replace("b", "loss").replace("lossatch", "batch"), {}),
}


@cache
def verified(name: str) -> Result:
    """A run of `RUNS` in PyTorch, with every line."""
    text, options = RUNS[name]
    return verify(text, nodes=True, **options)


def claimed(text: str, frame: pd.DataFrame, folder: Path, **options: object) -> Audit:
    file = folder / "claims.csv"
    frame.to_csv(file, index=False)
    return audit(text, claims=file, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RUNS)
def test_what_is_exported_is_right_when_it_is_claimed(name: str, tmp_path: Path) -> None:
    text, options = RUNS[name]
    result = verified(name)
    for frame in (tables.steps(result), tables.epochs(result), tables.comparison(result)):
        found = claimed(text, frame, tmp_path, nodes=True, **options)
        assert len(found.findings) >= len(frame)
        assert set(found.counts) == {Status.RIGHT}, to_text(found)
    numbers = [column for column in tables.steps(result) if column not in ("step", "epoch", "batch", "n")]
    claims = claimed(text, tables.steps(result), tmp_path, **options)
    wanted = {f"{c.cell.step}" for c in claims.findings}
    assert len(wanted) == len(result.rows)
    assert len({c.cell.name for c in claims.findings} - {"n"}) == len(numbers)  # no column is left out


@pytest.mark.parametrize("name", RUNS)
def test_what_pytorch_prints_is_not_wrong(name: str, tmp_path: Path) -> None:
    text, options = RUNS[name]
    frame = tables.comparison(verified(name)).drop(columns=["hand", "hand_exact"])
    found = claimed(text, frame, tmp_path, **options)
    assert set(found.counts) <= {Status.RIGHT, Status.RESIDUE, Status.TRUNCATED}, to_text(found)


@pytest.mark.parametrize("name", RUNS)
def test_one_wrong_number_is_found_and_that_alone(name: str, tmp_path: Path) -> None:
    text, options = RUNS[name]
    exported = tables.steps(verified(name))
    columns = [column for column in exported if column not in ("step", "epoch", "batch", "n")]
    row = 3 if len(exported) > 3 else 1
    printed = exported.astype(dict.fromkeys(columns, "string"))
    for column in columns:
        printed[column] = ["" if math.isnan(value) else f"{value:.6f}" for value in exported[column]]
    own = [column for column in columns if re.search(r"clipped|lr|momentum|beta1|norm|half", column)]
    for column in [*own[:2], columns[-1]]:
        if printed.loc[row, column]:
            wrong = printed.copy()
            wrong.loc[row, column] = f"{exported.loc[row, column] * 1.1 + 0.01:.6f}"
            found = claimed(text, wrong, tmp_path, **options)
            [finding] = [one for one in found.findings if one.status is not Status.RIGHT]
            assert (finding.status, finding.cell.step) == (Status.WRONG, row + 1)
            assert finding.claim.literal.text == wrong.loc[row, column]


@pytest.mark.parametrize("name", RUNS)
def test_a_worksheet_that_is_all_given_away_is_right(name: str, tmp_path: Path) -> None:
    text, options = RUNS[name]
    problem = load(text)
    chosen = effective(problem, options)
    file = tmp_path / "sheet.csv"
    file.write_text(worksheet(problem, chosen, ",".join(map(str, range(1, chosen.steps + 1)))), encoding="utf-8")
    found = audit(text, claims=file, **options)  # type: ignore[arg-type]
    assert set(found.counts) == {Status.RIGHT}
    assert {one.cell.quantity.group for one in found.findings} >= ({"clipped"} if chosen.clip else set())
    rates = {one.cell for one in found.findings if one.cell.quantity.group == "setting" and one.cell.step == 1}
    assert len({one for one in rates if one.quantity.name == "lr"}) == len(chosen.param_groups)


# What follows from a wrong number: the run as its author goes on, calculated here.

Row = dict[str, float]


def simulated(
    rate: Callable[[int, str], float],
    clip: Callable[[Row], Row] = lambda gradients: gradients,
    wrong: Mapping[tuple[int, str], float] | None = None,
) -> list[Row]:
    """The rows of a run on `LINE` by SGD; its author goes on from the numbers that are `wrong`."""
    x, y = [1.0, 2.0, 3.0, 4.0], [3.0, 5.0, 7.0, 9.0]
    w = b = 0.0
    rows = []
    for step in range(1, 7):
        taken = [0, 1] if step % 2 else [2, 3]
        row: Row = {"step": step}

        def put(name: str, value: float, row: Row = row) -> float:
            row[name] = (wrong or {}).get((int(row["step"]), name), value)
            return row[name]

        errors = [w * x[k] + b - y[k] for k in taken]
        put("loss", sum(e * e for e in errors) / 2)
        gradients = {
            "w": put("dl/dw", sum(e * x[k] for e, k in zip(errors, taken, strict=True))),
            "b": put("dl/db", sum(errors)),
        }
        cut = {name: put(f"dl/d{name}_clipped", value) for name, value in clip(gradients).items()}
        lr = {"w": put("lr", rate(step, "w")), "b": put("lr[1]", rate(step, "b"))}
        w, b = put("w", w - lr["w"] * cut["w"]), put("b", b - lr["b"] * cut["b"])
        rows.append(row)
    return rows


def by_value(gradients: Row) -> Row:
    return {name: min(max(value, -1.5), 1.5) for name, value in gradients.items()}


def by_norm(gradients: Row) -> Row:
    share = min(1.0, 1.5 / (math.hypot(*gradients.values()) + 1e-6))
    return {name: share * value for name, value in gradients.items()}


def listed(step: int, name: str) -> float:
    del name
    return [0.1, 0.05, 0.01][(step - 1) // 2]


def constant(step: int, name: str) -> float:
    del step, name
    return 0.1


def grouped(step: int, name: str) -> float:
    return 0.1 * 0.5 ** ((step - 1) // 2) * (0.1 if name == "b" else 1)


FOLLOWED: Mapping[str, tuple[str, dict[str, object], list[Row], tuple[int, str]]] = {
    "a wrong lr": (LINE, {"lr": [0.1, 0.05, 0.01]}, simulated(listed, wrong={(3, "lr"): 0.1}), (3, "lr")),
    "an lr that was forgotten": (
        LINE,
        {"lr": [0.1, 0.05, 0.01]},
        simulated(lambda step, _: 0.1 if step < 5 else 0.01, wrong={(3, "lr"): 0.1, (4, "lr"): 0.1}),
        (3, "lr"),
    ),
    "the lr of the other group": (
        GROUPS,
        {"scheduler": "StepLR", "step_size": 1, "gamma": 0.5},
        simulated(grouped, wrong={(4, "lr[1]"): 0.05}),
        (4, "lr[1]"),
    ),
    "a wrong gradient before clipping": (
        LINE,
        {"clip_grad_norm": 1.5},
        simulated(constant, by_norm, {(2, "dl/db"): -10.0}),
        (2, "dl/db"),
    ),
    "a gradient that was not clipped": (
        LINE,
        {"clip_grad_value": 1.5},
        simulated(constant, by_value, {(2, "dl/dw_clipped"): -53.0}),
        (2, "dl/dw_clipped"),
    ),
    "a wrong parameter": (LINE, {"clip_grad_norm": 1.5}, simulated(constant, by_norm, {(1, "w"): 0.3}), (1, "w")),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_follows_from_a_wrong_number_is_inherited(name: str, tmp_path: Path) -> None:
    text, options, rows, (step, column) = FOLLOWED[name]
    frame = pd.DataFrame([{key: f"{value:.9f}" if key != "step" else value for key, value in r.items()} for r in rows])
    if "clip_grad_norm" not in options and "clip_grad_value" not in options:
        frame = frame.drop(columns=["dl/dw_clipped", "dl/db_clipped"])
    if text is LINE:
        frame = frame.drop(columns="lr[1]")
    found = claimed(text, frame, tmp_path, dtype="float64", **options)
    first = found.first_wrong
    assert first is not None
    assert (first.cell.step, first.cell.name) == (step, column)
    assert all(one.status.is_accepted for one in found.findings if one.cell.step < step)
    wrong = [one for one in found.findings if one.status is Status.WRONG]
    planted = 2 if name == "an lr that was forgotten" else 1
    assert [one.cell.quantity.group for one in wrong] == [first.cell.quantity.group] * planted
    later = [one for one in found.findings if one.status is Status.INHERITED]
    assert len(later) >= 4
    assert {one.inherited_from for one in later} <= {one.cell for one in wrong}
    assert set(found.counts) <= {Status.RIGHT, Status.RESIDUE, Status.WRONG, Status.INHERITED}


def test_a_right_lr_of_few_digits_does_not_widen_what_follows() -> None:
    claims = ["step 1: lr = 0.1", "step 1: w = 1.30", "step 2: dl/dw = -5.5", "step 2: w = 2.00"]
    found = audit(LINE, sentences=claims)
    assert [one.status for one in found.findings] == [Status.RIGHT, Status.RIGHT, Status.WRONG, Status.WRONG]


def test_a_wrong_constant_lr_is_followed_too() -> None:
    found = audit(LINE, sentences=["step 1: lr = 0.2", "step 1: w = 2.6", "step 1: b = 0.8"])
    assert [one.status for one in found.findings] == [Status.WRONG, Status.INHERITED, Status.RIGHT]
    found = audit(LINE, sentences=["step 1: lr = 0.2", "step 1: w = 2.6", "step 1: b = 1.6"])
    assert [one.status for one in found.findings] == [Status.WRONG, Status.INHERITED, Status.INHERITED]


def test_there_is_no_clipped_gradient_where_no_update_follows() -> None:
    with pytest.raises(ClaimError, match=r"^--claim:1: no update follows step 1, so there is no dl/dw_clipped: "):
        audit(LINE, sentences=["step 1: dl/dw_clipped = 1"], accumulate=2, clip_grad_norm=1)


def test_an_lr_of_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(ClaimError, match=r"lr has no entry 2; it has 2, counted from 0"):
        audit(GROUPS, sentences=["step 1: lr[2] = 1"])
    with pytest.raises(ClaimError, match=r"unknown quantity 'momentum'"):
        audit(LINE, sentences=["step 1: momentum = 1"])  # that does not change


# Gathered gradients have drifted: the bound counts them


STILL = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 0.1
[data]
x = [13, 0.1]
y = [1.3, 0.01]
[training]
lr = {lr}
batch_size = 1
epochs = 5
"""


@pytest.mark.parametrize(("lr", "options"), [(0.02, {"accumulate": 2}), (0.01, {"zero_grad": False})])
def test_what_has_drifted_grows_with_gathered_gradients(lr: float, options: dict[str, object], tmp_path: Path) -> None:
    text = STILL.format(lr=lr)  # rightly every gradient is 0; what rounding 0.1 leaves grows with every update
    frame = tables.comparison(verify(text, **options)).drop(columns=["hand", "hand_exact"])
    moved = frame[frame["quantity"] == "w"]
    assert abs(moved["autograd"].iloc[-1] - 0.1) > 50 * abs(moved["autograd"].iloc[0] - 0.1)
    found = claimed(text, moved, tmp_path, **options)
    assert set(found.counts) <= {Status.RIGHT, Status.RESIDUE}, to_text(found)


# Long runs

SQUARE = 'equations = "l = (w - 3)^2 + b^2"\n[parameters]\nw = 0\nb = 1\n[training]\nlr = 0.001\nsteps = 100000\n'
OWN = GROUP + "lr = 0.00001\n"


@pytest.mark.parametrize(
    ("text", "options", "may"),
    [
        (SQUARE, {}, True),
        (SQUARE + OWN, {}, True),
        (SQUARE, {"momentum": 0.5, "variant": "lr_in_velocity"}, True),
        (SQUARE, {"lr": "1/(t + 10)"}, False),
        (SQUARE, {"scheduler": "ExponentialLR", "gamma": 0.9999}, False),
        (SQUARE, {"clip_grad_norm": 1}, False),
        (SQUARE, {"clip_grad_value": 1}, False),
    ],
)
def test_a_run_is_leapt_over_only_where_every_step_is_alike(text: str, options: dict[str, object], may: bool) -> None:
    problem = load(text)
    chosen = effective(problem, options)
    of = Run(problem, differentiate(problem.graph), chosen)
    with precision(128):
        found = leaps(of, beginnings(problem, chosen, Exact()))
    assert (found is not None) is may


def test_a_long_run_in_groups() -> None:
    w, b = 3 - 3 * 0.998**2500, (1 - 2e-5) ** 90000
    found = audit(SQUARE + OWN, sentences=[f"step 2500: w = {w:.8f}", f"step 90000: b = {b:.8f}"])
    assert set(found.counts) == {Status.RIGHT}


def test_a_long_run_with_clipping_is_gone_through_step_by_step() -> None:
    w = b = 0.0
    for _ in range(2100):
        w -= 0.001 * min(max(2 * (w - 3), -1), 1)
    text = SQUARE.replace("b = 1", f"b = {b}").replace("100000", "2100")
    found = audit(text, sentences=[f"step 2100: w = {w:.8f}"], clip_grad_value=1)
    assert set(found.counts) == {Status.RIGHT}


def test_too_long_a_run_with_a_schedule_is_left_open() -> None:
    found = audit(SQUARE, sentences=["step 300000: w = 3"], steps=300_000, lr="1/(t + 10)")
    [finding] = found.findings
    assert (finding.status, found.exit_status) == (Status.UNDECIDED, 3)
    assert "a run of 300,000 steps that are not linear in the parameters is out of reach" in finding.why
