"""An upstream gradient: the same numbers as `y.backward(gradient)` in PyTorch."""

import pytest
import torch

from tests.problems import VECTOR, VECTORS
from verify import verify


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_is_the_vector_jacobian_product(dtype: str) -> None:
    result = verify("seed_gradient = [1, 0, -2]\n" + VECTOR, dtype=dtype, nodes=True)
    assert result.agrees, result.verdict.sentence
    w = torch.tensor([[1.0, 2], [3, 4], [5, 6]], dtype=torch.float64, requires_grad=True)
    y = torch.tanh(w @ torch.tensor([0.5, -1], dtype=torch.float64))
    y.backward(torch.tensor([1.0, 0, -2], dtype=torch.float64))
    assert w.grad is not None
    for i in range(3):
        for k in range(2):
            assert result.rows[0].checks[f"dL/dW[{i},{k}]"].hand_value == pytest.approx(w.grad[i, k].item(), abs=1e-15)


def test_a_seed_over_samples_goes_with_its_rows() -> None:
    seed = "seed_gradient = [[1, 0], [0, 1], [2, 2]]\n"
    result = verify(seed + VECTORS + "[training]\nlr = 0.1\nbatch_size = 2\n")
    assert result.agrees, result.verdict.sentence
    first, second = result.rows
    assert [first.checks[f"dL/dW[{j},{k}]"].hand_value for j in (0, 1) for k in (0, 1)] == [1, 3, 2, 4]
    assert [second.checks[f"dL/dW[{j},{k}]"].hand_value for j in (0, 1) for k in (0, 1)] == [10, 10, 12, 12]


def test_a_number_seeds_every_entry() -> None:
    text = 'equations = "y = w^2"\n[parameters]\nw = [1, 2]\n'
    result = verify("seed_gradient = 3\n" + text)
    assert result.rows[0].checks["dL/dw[1]"].hand_value == 12
