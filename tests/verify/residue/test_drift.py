"""What rounding can have done after some steps: PyTorch's own numbers lie within it, and it is not far too wide."""

import numpy as np
import pytest

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from derive.run.run import Run
from verify import verify
from verify.claims.claim import Cell, Quantity
from verify.following.right_values import right_values
from verify.numbers import from_float, to_float
from verify.record import StepRecord
from verify.residue.drift import MAX_STEPS, Off, drifts

RUNS = [
    ("article", {"epochs": 20}),
    ("line", {}),
    ("parabola", {"steps": 60}),
    ("logistic", {"epochs": 20}),
    ("tanh_network", {"epochs": 10}),
    ("relu_network", {"epochs": 10}),
    ("logistic", {"epochs": 10, "optimizer": "Adam", "lr": "0.05"}),
    ("line", {"momentum": "0.9"}),
    ("article", {"zero_grad": "3", "epochs": 3, "lr": "0.001"}),
    ("article", {"accumulate": 2, "epochs": 4, "lr": "0.001"}),
    ("temperature", {"epochs": 150}),
]


SHORT = [
    *(
        (name, {**options, "epochs": 4} if "epochs" in options else options)
        for name, options in RUNS
        if name != "parabola"
    ),
    ("softmax", {"epochs": 3}),
    ("layer_norm", {"steps": 3}),
    ("attention", {"steps": 2, "lr": "0.1"}),
    *(("logistic", {"epochs": 4, "optimizer": name}) for name in ("RMSprop", "Adam", "NAdam", "Adamax", "Adagrad")),
]
OF_SOFTMAX = """
equations = "z = W @ x + b; p = softmax(z); l = -log(p[0])"
[parameters]
W = [[0.1, 0.2], [0.3, -0.1], [-0.2, 0.4]]
b = [0, 0.1, -0.1]
[constants]
x = [1.5, -2]
[training]
lr = 0.2
steps = 3
"""


def cells_of(step: StepRecord, loss: str) -> dict[Cell, float]:
    """PyTorch's numbers of a step by their cells."""
    found = {Cell(step.batch.step, Quantity("loss", loss, "loss")): float(step.loss)}
    for group in ("before", "gradients", "after"):
        for name, array in getattr(step, group).items():
            for place in np.ndindex(array.shape):
                found[Cell(step.batch.step, Quantity(group, name, name), place, place)] = float(array[place])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("problem", "options"), RUNS, ids=[f"{name} {options}" for name, options in RUNS])
def test_pytorch_lies_within_the_drift_from_the_first_step_on(
    problem: str, options: dict[str, object], dtype: str
) -> None:
    result = verify(problem, dtype=dtype, **options)
    chosen = effective(result.problem, {"dtype": dtype, **options})
    of = Run(result.problem, result.derivation, chosen)
    steps = result.record.steps
    by_pytorch = {c: n for step in (*steps[:3], steps[-1]) for c, n in cells_of(step, of.loss).items()}
    exact = right_values(of, by_pytorch, lambda _: True).values
    bounds = drifts(of, dtype, tuple(by_pytorch))
    assert set(bounds) == set(by_pytorch)
    unit = 2.0**-24 if dtype == "float32" else 2.0**-53
    for cell, number in by_pytorch.items():
        drift = bounds[cell]
        assert abs(to_float(from_float(number) - exact[cell] - from_float(drift.shift))) <= drift.around, cell
        scale = max(abs(to_float(value)) for value in exact.values())
        assert drift.farthest <= 2000 * unit * max(scale, 1) * len(steps), cell


READS_ROWS = """equations = "l = mean((w*x[i] - i)^2, i)"
[parameters]
w = 0.3
[data]
x = [1.1, 0.7, 2.3, 0.1]
[training]
lr = 0.1
batch_size = 2
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("problem", "options"),
    [*SHORT, (READS_ROWS, {"epochs": 2})],
    ids=[*(f"{name} {options}" for name, options in SHORT), "the number of a row"],
)
def test_pytorch_lies_within_the_sharper_drift(problem: str, options: dict[str, object], dtype: str) -> None:
    """Each rounding is an unknown: the numbers of PyTorch lie within what they do together, in every step."""
    result = verify(problem, dtype=dtype, **options)
    of = Run(result.problem, result.derivation, effective(result.problem, {"dtype": dtype, **options}))
    by_pytorch = {c: n for step in result.record.steps[:6] for c, n in cells_of(step, of.loss).items()}
    exact = right_values(of, by_pytorch, lambda _: True).values
    bounds = drifts(of, dtype, tuple(by_pytorch), is_sharp=True)
    assert set(bounds) == set(by_pytorch)
    for cell, number in by_pytorch.items():
        drift = bounds[cell]
        assert abs(to_float(from_float(number) - exact[cell] - from_float(drift.shift))) <= drift.around, cell


def test_the_sharper_drift_of_a_softmax_is_half_as_wide_at_most() -> None:
    """What rounds p moves p − 1, the update and the next z alike; worst ends of each quotient forget that."""
    problem = load(OF_SOFTMAX)
    of = Run(problem, differentiate(problem.graph), effective(problem, {}))
    cells = [Cell(2, Quantity("loss", "l", "loss")), Cell(2, Quantity("gradients", "W", "W"), (0, 0), (0, 0))]
    sharp, wide = (drifts(of, "float32", cells, is_sharp=is_sharp) for is_sharp in (True, False))
    for cell in cells:
        assert 2 * sharp[cell].farthest < wide[cell].farthest


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        ("article", {"epochs": 1040}),
        ("parabola", {"steps": 3100, "lr": "0.001", "momentum": "0.5"}),
    ],
)
def test_pytorch_lies_within_the_drift_of_a_long_run(problem: str, options: dict[str, object]) -> None:
    chosen = effective(load(problem), options)
    from verify.pytorch import run as training

    steps = training.train(load(problem), chosen).steps
    loaded = load(problem)
    of = Run(loaded, differentiate(loaded.graph), chosen)
    each = chosen.batches_per_epoch
    late = [step for step in steps if step.batch.step > MAX_STEPS][:: each * 9]
    by_pytorch = {cell: number for step in late for cell, number in cells_of(step, of.loss).items()}
    exact = right_values(of, by_pytorch, lambda _: True).values
    bounds = drifts(of, "float32", tuple(by_pytorch))
    assert set(bounds) == set(by_pytorch)
    for cell, number in by_pytorch.items():
        drift = bounds[cell]
        assert abs(to_float(from_float(number) - exact[cell] - from_float(drift.shift))) <= drift.around, cell
        assert drift.farthest < 0.05, cell
    assert drifts(of, "float64", tuple(by_pytorch)) == {}


@pytest.mark.parametrize("is_sharp", [False, True])
def test_what_is_remembered_is_what_is_calculated(is_sharp: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of numbers that are asked for again, alone or with others, no step is calculated once more."""
    result = verify("article", dtype="float32", epochs=2)
    run = Run(result.problem, result.derivation, effective(result.problem, {"dtype": "float32", "epochs": 2}))
    cells = tuple(cell for step in result.record.steps for cell in cells_of(step, run.loss))
    fresh = {
        dtype: drifts(Run(run.problem, run.derivation, run.settings), dtype, cells, is_sharp=is_sharp)
        for dtype in ("float32", "float64")
    }
    some = drifts(run, "float32", cells[::3], is_sharp=is_sharp)
    for dtype in ("float32", "float64", "float32"):
        assert drifts(run, dtype, cells, is_sharp=is_sharp) == fresh[dtype]
    assert some == {cell: fresh["float32"][cell] for cell in cells[::3]}
    monkeypatch.setattr("verify.residue.drift._segment", None)
    assert drifts(run, "float32", cells[1::2], is_sharp=is_sharp).keys() == {*cells[1::2]}


def test_of_a_long_run_that_is_not_linear_there_is_no_bound() -> None:
    problem = load("fan_out")
    chosen = effective(problem, {"steps": MAX_STEPS + 1})
    of = Run(problem, differentiate(problem.graph), chosen)
    assert drifts(of, "float32", [Cell(MAX_STEPS + 1, Quantity("after", "x", "x"))]) == {}


def test_what_is_known_of_a_drift_is_carried_on_with_its_sign() -> None:
    """A step takes w to w/2 + v/4 and rounds it by 3 ± 1 more and leaves v; both are off by 4, and v by ±2 besides."""
    off = Off(np.array([4.0, -4.0]), np.diag([0.0, 2.0]))
    assert off.box.tolist() == pytest.approx([4.0, 6.0])
    step = np.array([[0.5, 0.25], [0.0, 1.0]])
    after = off.after(step, np.zeros(2), (np.array([3.0, 0.0]), np.array([1.0, 0.0])))
    assert after.shift.tolist() == [4.0, -4.0]
    assert np.abs(after.spread).sum(axis=1).tolist() == pytest.approx([1.5, 2.0])
    drift = after.of(np.array([1.0, 1.0]), 0.5, (0.25, 0.125))  # v's ±2 is in both, and adds up
    assert (drift.shift, drift.around) == pytest.approx((0.25, 0.5 + 2 + 1 + 0.5 + 0.125))
    assert drift.farthest == pytest.approx(0.25 + 4.125)
