"""What is told of all steps side by side is no less than what rounding can do, and tells what is far from right."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

from derive.run.precedence import effective
from derive.run.run import Run
from tests.verify.residue.test_drift import RUNS, cells_of
from verify import audit, verify
from verify.following.finding import Status
from verify.following.right_values import Known, right_values
from verify.numbers import from_float, to_float
from verify.residue import quick_drift, settlement
from verify.residue.drift import Off, drifts
from verify.residue.quick_drift import fewer, many_steps, quick_drifts

TABLED = [run for run in RUNS if "zero_grad" not in run[1] and "accumulate" not in run[1]]
GATHERED = [run for run in RUNS if run not in TABLED]
OPTIMIZERS = {
    "momentum": "momentum = 0.9",
    "Nesterov": "momentum = 0.9\nnesterov = true",
    "RMSprop": 'optimizer = "RMSprop"',
    "Adagrad": 'optimizer = "Adagrad"',
    "Adam": 'optimizer = "Adam"',
    "AdamW": 'optimizer = "AdamW"',
}
TANH = '''
equations = """
h = tanh(w*x + b)
l = mean((v*h - y)^2)
"""
[parameters]
w = 0.5
b = 0.1
v = 0.7
[data]
x = [0.1, 0.4, -0.7, 1.1]
y = [0.3, 0.9, -0.4, 0.6]
[training]
lr = 0.01
steps = 120
'''


def known(problem: str, options: dict[str, object]) -> tuple[Run, Known, dict]:
    """A run by hand with all its steps, and PyTorch's numbers of some of them."""
    result = verify(problem, dtype="float32", **options)
    of = Run(result.problem, result.derivation, effective(result.problem, {"dtype": "float32", **options}))
    steps = result.record.steps
    by_pytorch = {c: n for step in (*steps[:3], steps[-1]) for c, n in cells_of(step, of.loss).items()}
    return of, right_values(of, by_pytorch, lambda _: True), by_pytorch


@pytest.mark.parametrize(("problem", "options"), TABLED, ids=[f"{name} {options}" for name, options in TABLED])
def test_pytorch_lies_within_what_is_told_of_all_steps_side_by_side(problem: str, options: dict[str, object]) -> None:
    of, right, by_pytorch = known(problem, options)
    found = quick_drifts(of, "float32", right.steps, tuple(by_pytorch))
    assert {cell for cell in by_pytorch if cell.quantity.group == "after"} <= found.keys()
    sharp = drifts(of, "float32", tuple(found))
    for cell, drift in found.items():
        off = to_float(from_float(by_pytorch[cell]) - right.values[cell] - from_float(drift.shift))
        assert abs(off) <= drift.around, cell
        assert drift.farthest <= 4 * sharp[cell].farthest + 1e-30, cell


@pytest.mark.parametrize(("problem", "options"), GATHERED)
def test_of_gradients_that_add_up_nothing_is_told(problem: str, options: dict[str, object]) -> None:
    of, right, by_pytorch = known(problem, options)
    assert quick_drifts(of, "float32", right.steps, tuple(by_pytorch)) == {}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_wrong_number_late_in_a_run_is_told_without_following_every_step(
    monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    """Neither the sharp bound nor the author's numbers are followed; what may be residue is looked at sharply."""
    text = TANH + OPTIMIZERS[optimizer] + "\n"
    right = audit(text, sentences=["step 120: v = 7"]).findings[0]
    asked: list[int] = []

    def counted(of: Run, dtype: str, cells: object, **sharp: bool) -> object:
        asked.append(len(tuple(cells)))  # type: ignore[arg-type]
        return drifts(of, dtype, cells, **sharp)  # type: ignore[arg-type]

    monkeypatch.setattr(settlement, "drifts", counted)
    number = float(right.exact)
    assert audit(text, sentences=[f"step 120: v = {number + 0.01:.6f}"]).findings[0].status is Status.WRONG
    assert not asked
    near = audit(text, sentences=[f"step 120: v = {number + 3e-6:.6f}"]).findings[0].status
    assert near is Status.WRONG if not asked else near is not Status.RIGHT


def test_what_a_float32_loop_prints_late_in_a_run_stays_residue() -> None:
    """Few of its numbers of nine digits are right, and none is told to be beyond rounding."""
    x, y = (np.array(column, np.float32) for column in ([0.1, 0.4, -0.7, 1.1], [0.3, 0.9, -0.4, 0.6]))
    w, b, v, lr = (np.float32(number) for number in (0.5, 0.1, 0.7, 0.01))
    rows = []
    for step in range(1, 121):
        h = np.tanh(w * x + b)
        d = np.float32(0.5) * (v * h - y)
        inner = d * v * (1 - h * h)
        w, b, v = w - lr * (inner * x).sum(), b - lr * inner.sum(), v - lr * (d * h).sum()
        rows += [f"{step},{w:.9g},{b:.9g},{v:.9g}"] if step % 20 == 0 else []
    table = "\n".join(["step,w,b,v", *rows])
    found = audit(f'{TANH}[claims]\ntable = """\n{table}\n"""\n').findings
    assert {one.status for one in found} <= {Status.RIGHT, Status.RESIDUE}
    assert sum(one.status is Status.RESIDUE for one in found) > 12


@how_many(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 40))
def test_fewer_columns_hold_all_that_many_do(seed: int, size: int, many: int) -> None:
    """In every direction they reach as far, also where the numbers of a state are of very different sizes."""
    draw = np.random.default_rng(seed)
    spread = draw.normal(size=(size, many)) * 10.0 ** draw.integers(-12, 6, size=(size, 1))
    spread *= 10.0 ** draw.integers(-6, 1, size=(1, many))
    spread[draw.random(size) < 0.1] = 0
    off = Off(draw.normal(size=size), spread)
    found = fewer(off)
    assert found.spread.shape[1] <= 2 * size
    assert (found.shift == off.shift).all()
    scale = np.abs(spread).sum(axis=1)
    directions = draw.normal(size=(300, size)) / np.where(scale > 0, scale, 1.0)
    reach, least = (np.abs(directions @ own.spread).sum(axis=1) for own in (found, off))
    assert (reach >= least).all()
    assert (np.abs(found.spread).sum(axis=1) <= 2 * size * scale).all()


LINE = TANH.replace("h = tanh(w*x + b)", "h = w*x + b").replace("v*h", "h").replace("v = 0.7\n", "")
SHORT = [(LINE, "momentum"), (LINE, "Adam"), (TANH, "momentum")]


@pytest.mark.parametrize(("text", "optimizer"), SHORT, ids=["line, momentum", "line, Adam", "tanh, momentum"])
def test_what_a_long_float32_loop_prints_is_judged_as_that_of_a_short_one(
    monkeypatch: pytest.MonkeyPatch, text: str, optimizer: str
) -> None:
    """So are numbers that are off, a little and by far; the roundings so far are made fewer on the way."""
    text = text.replace("steps = 120", "steps = 32") + OPTIMIZERS[optimizer] + "\n"
    names = ("l", "w", "b")
    rows: list[dict[str, Any]] = [
        {"step": row.batch.step, **{n: f"{row.checks[n].autograd:.9g}" for n in names}} for row in verify(text).rows
    ]
    tables = [rows]
    for place, name, factor in ((26, "b", 1.0001), (29, "l", 1.5)):
        wrong = [dict(row) for row in rows]
        wrong[place][name] = f"{float(wrong[place][name]) * factor:.9g}"
        tables.append(wrong)
    short = [[one.status for one in audit(text, claims=table).findings] for table in tables]
    calls: list[int] = []

    def noted(run: Run, dtype: str, steps, cells):  # type: ignore[no-untyped-def]
        found = quick_drifts(run, dtype, steps, cells)
        calls.append(len(found))
        return found

    monkeypatch.setattr(settlement, "MANY_STEPS", 25)
    monkeypatch.setattr(settlement, "MAX_STEPS", 20)
    monkeypatch.setattr(settlement, "quick_drifts", noted)
    monkeypatch.setattr(quick_drift, "COLUMNS", 15)
    assert [[one.status for one in audit(text, claims=table).findings] for table in tables] == short
    assert any(calls)
    assert not any(status.is_refused for status in short[0])
    assert all(any(status.is_refused for status in own) for own in short[1:])


def test_more_steps_than_can_be_held_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = verify(LINE)
    run = Run(problem.problem, problem.derivation, effective(problem.problem, {}))
    assert len(many_steps(run, 120)) == 120
    monkeypatch.setattr(quick_drift, "MOST_NUMBERS", 1000)
    assert many_steps(run, 120) == ()
    monkeypatch.setattr(quick_drift, "MOST", 100)
    assert many_steps(run, 120) == ()


@given(st.integers(1, 3), st.integers(0, 2**32 - 1), st.integers(2, 9))
@how_many(max_examples=30)
def test_what_is_carried_on_in_place_is_what_is_carried_on_step_by_step(size: int, seed: int, columns: int) -> None:
    draw, steps = np.random.default_rng(seed), 20
    moved = [quick_drift._Moved({}, draw.normal(size=(size, size)) / 2, draw.random(size)) for _ in range(steps)]
    rounding = draw.normal(size=(steps, size)), draw.random((steps, size))
    begun = Off(draw.normal(size=size), np.diag(draw.random(size)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick_drift, "COLUMNS", 2 * size + columns)
        found = [Off(off.shift, off.spread.copy()) for off in quick_drift._gone_on(begun, moved, rounding)]
        off = begun
        for own, step, shift, around in zip(found, moved, *rounding, strict=True):
            assert np.allclose(own.shift, off.shift, rtol=1e-12)
            assert np.allclose(own.box, off.box, rtol=1e-9)
            off = off.after(step.derivative, step.rest, (shift, around))
            off = fewer(off) if off.spread.shape[1] > quick_drift.COLUMNS else off


def test_a_drift_without_bound_ends_what_is_carried_on() -> None:
    moved = [quick_drift._Moved({}, np.eye(1), np.array([math.inf]))] * 3
    rounding = np.zeros((3, 1)), np.zeros((3, 1))
    assert len(list(quick_drift._gone_on(Off(np.zeros(1), np.eye(1)), moved, rounding))) == 1
