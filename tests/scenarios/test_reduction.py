"""The exercise of the tutorial on gradient descent: with the sum in place of the mean, lr/n gives the same run."""

import pytest
import torch

from verify import Result, verify

N = 20


def problem(reduction: str, lr: str, slope: float = 2.0) -> str:
    """Experiment 09: a line fitted to 20 noisy points, by full batches."""
    generator = torch.Generator().manual_seed(0)
    x = torch.linspace(-1.0, 1.0, N)
    y = slope * x + 0.5 + 0.1 * torch.randn(N, generator=generator)
    return f"""
equations = '''
p = w*x + b
l = {reduction}((p - y)^2)
'''
[parameters]
w = 0
b = 0
[data]
x = {x.tolist()}
y = {y.tolist()}
[training]
lr = "{lr}"
steps = 50
"""


@pytest.fixture(scope="module")
def mean() -> Result:
    return verify(problem("mean", "0.1"))


@pytest.fixture(scope="module")
def total() -> Result:
    return verify(problem("sum", "1/200"))


def test_the_tutorials_numbers_come_out(mean: Result) -> None:
    printed = {
        1: ("0.154490", "0.106941", "1.912861"),
        5: ("0.666696", "0.359492", "0.933316"),
        10: ("1.121395", "0.477290", "0.420929"),
        20: ("1.643009", "0.528539", "0.095822"),
        50: ("2.050989", "0.534696", "0.008301"),
    }
    assert mean.agrees
    for step, numbers in printed.items():
        checks = mean.rows[step - 1].checks
        assert tuple(f"{checks[name].autograd:.6f}" for name in ("w", "b", "l")) == numbers
        for name, text in zip(("w", "b", "l"), numbers, strict=True):
            # w at step 1 is 0.1544894983 by hand: the digits printed are those of float32
            assert checks[name].hand_value == pytest.approx(float(text), abs=5.1e-7)


def test_with_the_sum_lr_over_n_gives_the_same_run(mean: Result, total: Result) -> None:
    assert mean.agrees
    assert total.agrees
    for left, right in zip(mean.rows, total.rows, strict=True):
        for name in ("w", "b"):
            by_mean, by_sum = left.checks[name], right.checks[name]
            assert by_mean.hand_value == pytest.approx(by_sum.hand_value, rel=1e-15)
            assert by_mean.autograd == pytest.approx(by_sum.autograd, rel=1e-5)
        assert right.checks["l"].hand_value == pytest.approx(N * left.checks["l"].hand_value, rel=1e-14)
        assert right.checks["dl/dw"].hand_value == pytest.approx(N * left.checks["dl/dw"].hand_value, rel=1e-12)


def test_while_they_are_fractions_they_are_the_same_fractions(mean: Result, total: Result) -> None:
    first, other = (result.rows[1].checks for result in (mean, total))
    assert first["w"].hand_fraction is not None
    assert first["w"].hand_fraction == other["w"].hand_fraction
    assert other["dl/db"].hand_fraction == N * (first["dl/db"].hand_fraction or 0)


def test_with_the_sum_and_the_same_lr_the_run_diverges() -> None:
    run = verify(problem("sum", "0.1"), steps=20)
    assert run.agrees
    assert abs(run.rows[-1].checks["b"].hand_value) > 1e6
    assert run.rows[-1].checks["l"].hand_value > 1e12


def test_another_slope(mean: Result) -> None:
    found = verify(problem("mean", "0.1", -1.0))
    assert found.agrees
    assert f"{found.rows[-1].checks['w'].autograd:.2f}" == "-0.88"
    assert abs(found.rows[-1].checks["b"].autograd - 0.5) < 0.05
    assert mean.rows[-1].checks["w"].autograd > 2
