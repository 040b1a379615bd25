"""Every shipped problem of this kind agrees, in both dtypes, at every node."""

import pytest

from verify import verify

PROBLEMS = (
    *("attention", "coefficients", "fan_out", "layer_norm", "logistic", "relu_network", "softmax", "tanh_network"),
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_agrees(name: str, dtype: str) -> None:
    result = verify(name, dtype=dtype, nodes=True)
    assert result.agrees, result.verdict.sentence
    assert result.hand.ended == ""

