"""A run whose sums are bounded in the order in which PyTorch makes them: said in the verdict, and sharper."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.run.run import Run
from verify import Result, verify
from verify.bound.bound import prepare
from verify.compare.comparison import Comparison, compare
from verify.pytorch import Sums
from verify.record import Record, StepRecord

LAYER = """equations = '''
a = X @ W
h = tanh(a)
l = mean(sum((h - t)^2, last))
'''
[parameters]
W = {W}
[data]
X = {X}
t = {t}
[training]
lr = 0.01
batch_size = {batch}
"""


@cache
def run_of(batch: int, inputs: int = 6, outputs: int = 4) -> Result:
    random = np.random.default_rng(0)
    shapes = {"W": (inputs, outputs), "X": (batch, inputs), "t": (batch, outputs)}
    given = {name: np.round(random.normal(size=shape) / 2, 3).tolist() for name, shape in shapes.items()}
    return verify(LAYER.format(batch=batch, **given), limit=10**12, drift=0)


def compared(result: Result, record: Record, ordered: bool) -> Comparison:
    """The record beside the bound, with no replay that could decide."""
    run = Run(result.problem, result.derivation, result.settings)
    ask = Sums(run.problem, result.settings) if ordered else None
    return compare(run, result.hand, record, prepare(run, ask=ask))


def without_a_sample(step: StepRecord, sample: int) -> np.ndarray:
    """The gradient of W without the part of one sample, in float32."""
    data = {name: np.asarray(values, dtype=np.float64) for name, values in step.data.items()}
    h = np.tanh(data["X"] @ np.asarray(step.before["W"], dtype=np.float64))
    parts = 2 * (h - data["t"]) * (1 - h * h) / len(h)
    parts[sample] = 0
    return (data["X"].T @ parts).astype(np.float32).astype(np.float64)


def test_the_verdict_says_which_bounds_rest_on_the_order() -> None:
    assert "those of all 2 sums of 16 terms or more for the order in which this PyTorch was seen to add" in str(
        run_of(64).verdict
    )
    assert "seen to add" not in str(verify("article").verdict)


@pytest.mark.parametrize("sample", [0, 1234, 4095])
def test_a_sample_that_is_missing_from_4096_is_caught_in_float32(sample: int) -> None:
    """In any order the roundings of so many additions could be as large as the part of one sample."""
    result = run_of(4096)
    (step,) = result.record.steps
    record = Record("float32", "", result.record.data, (_with_gradient(step, without_a_sample(step, sample)),))
    ordered, free = (compared(result, record, known).steps[0].numbers["gradients", "W"] for known in (True, False))
    assert (ordered.disagrees & ~ordered.wide).sum() > (free.disagrees & ~free.wide).sum()
    assert ordered.disagrees.sum() >= 0.75 * ordered.disagrees.size
    right = compared(result, result.record, ordered=True)
    assert right.steps[0].agrees


def test_twice_the_bound_is_caught_at_every_entry() -> None:
    result = run_of(4096)
    (step,) = result.record.steps
    ordered, free = (
        compared(result, result.record, known).steps[0].numbers["gradients", "W"].distance.reach
        for known in (True, False)
    )
    assert (ordered < free).all()
    assert np.median(free / ordered) > 5
    for sign in (1, -1):
        wrong = (step.gradients["W"] + sign * 1.01 * ordered).astype(np.float32).astype(np.float64)
        record = Record("float32", "", result.record.data, (_with_gradient(step, wrong),))
        assert compared(result, record, ordered=True).steps[0].numbers["gradients", "W"].disagrees.all()


def test_fewer_numbers_rest_on_a_replay() -> None:
    result = run_of(512, 64, 32)
    wide = [
        sum(int(numbers.wide.sum()) for numbers in compared(result, result.record, known).steps[0].numbers.values())
        for known in (True, False)
    ]
    assert wide[0] < wide[1] / 2


SIZES = st.sampled_from([1, 3, 10, 16, 17, 32, 33, 64, 100, 130])


@settings(deadline=None, max_examples=12)
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 16, 31, 64, 256]), st.sampled_from([1, 2]), st.integers(0, 2**32))
def test_networks_of_any_size_agree(
    inputs: int, hidden: int, outputs: int, batch: int, threads: int, seed: int
) -> None:
    """No false alarm where kernels go by shapes and threads."""
    random = np.random.default_rng(seed)
    shapes = {
        "W": (inputs, hidden),
        "b": (hidden,),
        "V": (hidden, outputs),
        "X": (batch, inputs),
        "t": (batch, outputs),
    }
    given_numbers = {name: np.round(random.normal(size=own) / 4, 3).tolist() for name, own in shapes.items()}
    parameters = "\n".join(f"{name} = {given_numbers[name]}" for name in ("W", "b", "V"))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = verify(
            "equations = '''\nh = sigmoid(X @ W + b)\nz = h @ V\nl = mean(sum((z - t)^2, last)) + sum(W^2)/100\n'''\n"
            f"[parameters]\n{parameters}\n[data]\nX = {given_numbers['X']}\nt = {given_numbers['t']}\n"
            f"[training]\nlr = 0.01\nbatch_size = {batch}\nsteps = 2\n",
            limit=10**12,
            drift=0,
        )
    finally:
        torch.set_num_threads(before)
    assert found.verdict.outcome.word == "agrees"


def _with_gradient(step: StepRecord, gradient: np.ndarray) -> StepRecord:
    return replace(step, gradients={"W": gradient})
