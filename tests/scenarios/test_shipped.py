"""Every shipped problem of this kind agrees, in both dtypes, at every node."""

import pytest

from verify import verify

# problem: the loss of the last step by hand, and one of its gradients
PROBLEMS = {
    "attention": (0.6386755697451985, "dl/dWv[2,1]", -0.22979303780122298),
    "coefficients": (0.6343169542172032, "dloss/dcoeffs[11]", 0.168350245100329),
    "fan_out": (0.043990216391549715, "dl/dy", 0.18935245740914375),
    "layer_norm": (0.11334999182582679, "dl/dβ[3]", -0.0006718867851637461),
    "logistic": (0.5212455882858215, "dl/db", -0.08074203091444766),
    "relu_network": (0.3201787634630526, "dl/dc[1]", 0.6692749306106714),
    "softmax": (0.9160143321428702, "dl/db[2]", 0.06981141244303778),
    "tanh_network": (0.25949593266609905, "dl/dc", 0.38159107921229496),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_agrees(name: str, dtype: str) -> None:
    result = verify(name, dtype=dtype, nodes=True)
    assert result.agrees, result.verdict.sentence
    assert result.hand.ended == ""


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_hand_calculation_is_the_one_it_was(name: str) -> None:
    loss, gradient, value = PROBLEMS[name]
    result = verify(name)
    checks = result.rows[-1].checks
    slack = 1e-6 if name == "attention" else 1e-14  # the last bit of a normal draw may differ between processors
    assert checks[result.problem.graph.loss].hand_value == pytest.approx(loss, rel=slack)
    assert checks[gradient].hand_value == pytest.approx(value, rel=slack)
