"""Random problems: exact numbers, the bound, float64 and PyTorch's autograd are of one mind.

The number of examples is small here; HYPOTHESIS_PROFILE=explore draws others, and more of them.
"""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from derive.errors import DataError, EquationError
from tests.array_problems import array_problems
from tests.strategies import problems
from verify import Outcome, Result, verify
from verify.hand.calculation import prepare
from verify.intervals import Enclosed, pairs
from verify.names import adjoint_of

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def in_float64(result: Result) -> dict[str, np.ndarray]:
    """Every value and adjoint of the first step at PyTorch's state, by NumPy, from the derivation as it is written."""
    first = result.record.steps[0]
    side = prepare(result.problem, result.derivation, result.settings, Enclosed())
    given_values = {name: pairs(value) for name, value in (*first.before.items(), *first.data.items())}
    found = side.at(given_values, first.batch.n).results
    return {name: value["mid"] for name, value in found.items()}


@settings(suppress_health_check=SLOW)
@given(problems())
def test_no_false_alarm(text: str) -> None:
    result = verify(text, nodes=True)
    assert result.verdict.outcome is Outcome.AGREES, result.verdict.sentence
    assert all(check.agrees for check in result.comparison.checks)
    assert all(abs(check.step_error) <= check.bound for check in result.comparison.checks)


@settings(suppress_health_check=SLOW)
@given(problems(wild=True))
def test_no_false_alarm_where_numbers_overflow_or_leave_a_domain(text: str) -> None:
    try:
        result = verify(text, nodes=True)
    except (DataError, EquationError):
        assume(False)
    assert result.verdict.outcome is not Outcome.DISAGREES, result.verdict.sentence
    if result.verdict.outcome is Outcome.UNDECIDED:
        assert result.hand.ended or any(check.agrees is None for check in result.comparison.checks)


@settings(suppress_health_check=SLOW)
@given(problems())
def test_numpy_lies_within_the_bound_too(text: str) -> None:
    result = verify(text, dtype="float64")
    found, loss = in_float64(result), result.problem.graph.loss
    names = {loss: loss, **{f"d{loss}/d{name}": adjoint_of(name) for name in result.derivation.wrt}}
    checks = {check.name: check for check in result.comparison.checks if check.batch.step == 1}
    for quantity, name in names.items():
        # NumPy evaluates the lines as SymPy derives them, not operation by operation as PyTorch does
        check = checks[quantity]
        assert abs(float(found[name]) - check.expected) <= 16 * check.bound, quantity


@settings(suppress_health_check=SLOW)
@given(array_problems())
def test_no_false_alarm_with_vectors_and_matrices(text: str) -> None:
    result = verify(text, nodes=True)
    assert result.verdict.outcome is Outcome.AGREES, result.verdict.sentence
    assert all(check.agrees for check in result.comparison.checks)
    assert all(abs(check.step_error) <= check.bound for check in result.comparison.checks)


@st.composite
def contractions(draw: st.DrawFn) -> tuple[str, str, dict[str, list[int]]]:
    """A sum of products as a line with indices, the same for torch.einsum, and the shapes of its operands."""
    sizes = {letter: draw(st.integers(1, 3)) for letter in "ijkm"}
    operands = [draw(st.permutations("ijkm"))[: draw(st.integers(1, 3))] for _ in range(draw(st.integers(1, 3)))]
    free = list(dict.fromkeys(letter for own in operands for letter in own))
    kept = draw(st.permutations(free))[: draw(st.integers(0, 2))]
    product = "*".join(f"p{number}[{','.join(own)}]" for number, own in enumerate(operands))
    summed = [letter for letter in free if letter not in kept]
    right = f"sum({product}, {', '.join(summed)})" if summed else product
    left = f"z[{','.join(kept)}]" if kept else "z"
    shapes = {f"p{number}": [sizes[letter] for letter in own] for number, own in enumerate(operands)}
    return f"{left} = {right}", f"{','.join(map(''.join, operands))}->{''.join(kept)}", shapes


@given(contractions(), st.integers(0, 1000))
def test_an_indexed_sum_of_products_is_torchs_einsum(case: tuple[str, str, dict[str, list[int]]], seed: int) -> None:
    line, einsum, shapes = case
    random = np.random.default_rng(seed)
    values = {name: random.integers(-9, 10, shape).astype(float) for name, shape in shapes.items()}
    listed = "\n".join(f"{name} = {value.tolist()}" for name, value in values.items())
    loss = "l = mean(z^2)" if "z[" in line else "l = z^2"
    step = verify(f'equations = """\n{line}\n{loss}\n"""\n[parameters]\n{listed}\n', nodes=True).record.steps[0]
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}
    z = torch.einsum(einsum, *tensors.values())
    (z**2).mean().backward()
    np.testing.assert_allclose(step.nodes["z"], z.detach().numpy(), rtol=1e-5, atol=1e-3)
    for name, tensor in tensors.items():
        assert tensor.grad is not None
        largest = float(tensor.grad.abs().max()) + 1
        np.testing.assert_allclose(step.gradients[name], tensor.grad.numpy(), rtol=1e-4, atol=1e-4 * largest)


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_products_without_indices_are_torchs(seed: int, rows: int, inner: int, columns: int, samples: int) -> None:
    random = np.random.default_rng(seed)
    shapes = {"W": (rows, inner), "V": (inner, columns), "u": (inner,), "b": (columns,)}
    values = {name: random.integers(-4, 5, shape).astype(float) for name, shape in shapes.items()}
    x = random.integers(-4, 5, (samples, inner)).astype(float)
    listed = "\n".join(f"{name} = {value.tolist()}" for name, value in values.items())
    text = f"""
equations = \"\"\"
A = W @ V + b
h = x @ V
r = W @ u
s = u @ V
q = transpose(W) @ r
l = sum(A^2) + mean(h*b) + sum(r^3) + sum(s - b) + dot(q, u) + u @ V @ b
\"\"\"
[parameters]
{listed}
[data]
x = {x.tolist()}
"""
    step = verify(text, dtype="float64", nodes=True).record.steps[0]
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}
    W, V, u, b = tensors.values()  # noqa: N806 - as in the equations
    r = W @ u
    loss = ((W @ V + b) ** 2).sum() + (torch.tensor(x) @ V * b).mean() + (r**3).sum() + (u @ V - b).sum()
    loss = loss + (W.T @ r) @ u + u @ V @ b
    loss.backward()
    assert float(step.loss) == pytest.approx(loss.item(), rel=1e-12, abs=1e-9)
    for name, tensor in tensors.items():
        assert tensor.grad is not None
        np.testing.assert_allclose(step.gradients[name], tensor.grad.numpy(), rtol=1e-11, atol=1e-9)
