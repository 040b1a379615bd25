"""Every operation, activation and named loss beside PyTorch's own function: the same value and gradient."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from derive.algebra.operations import FUNCTIONS, OPERATIONS, REDUCTIONS, TENSOR_FUNCTIONS
from derive.paper.macros import MACRO_NAMES
from verify import Outcome, Result, verify

Function = Callable[..., Tensor]

# One or two operands w and b: vectors of four numbers, positive where the function asks for it.
EACH: dict[str, Function] = {
    "exp(w)": torch.exp,
    "log(w^2 + 1)": lambda w: torch.log(w**2 + 1),
    "sqrt(w^2 + 1)": lambda w: torch.sqrt(w**2 + 1),
    "sin(w)": torch.sin,
    "cos(w)": torch.cos,
    "tan(w/4)": lambda w: torch.tan(w / 4),
    "tanh(w)": torch.tanh,
    "sigmoid(w)": torch.sigmoid,
    "log1p(w^2)": lambda w: torch.log1p(w**2),
    "expm1(w)": torch.expm1,
    "erf(w)": torch.erf,
    "log2(w^2 + 1)": lambda w: torch.log2(w**2 + 1),
    "log10(w^2 + 1)": lambda w: torch.log10(w**2 + 1),
    "softplus(w)": functional.softplus,
    "relu(w)": torch.relu,
    "abs(w)": torch.abs,
    "sign(w)": torch.sign,
    "detach(w)*w": lambda w: w.detach() * w,
    "square(w)": torch.square,
    "silu(w)": functional.silu,
    "elu(w)": functional.elu,
    "leaky_relu(w)": functional.leaky_relu,
    "leaky_relu(w, 0.3)": lambda w: functional.leaky_relu(w, 0.3),
    "gelu(w)": functional.gelu,
    "gelu_tanh(w)": lambda w: functional.gelu(w, approximate="tanh"),
    "hinge(w)": lambda w: torch.relu(1 - w),
    "huber(w)": lambda w: functional.huber_loss(w, torch.zeros_like(w), reduction="none"),
    "clip(w, -1, 1)": lambda w: torch.clamp(w, -1, 1),
    "where(w > 0, w^2, 3*w)": lambda w: torch.where(w > 0, w**2, 3 * w),
    "where(w <= 1, w^2, 3*w)": lambda w: torch.where(w <= 1, w**2, 3 * w),
    "where(w != 1, w^2, 3*w)": lambda w: torch.where(w != 1, w**2, 3 * w),
    "where(w == 1, w^2, 3*w)": lambda w: torch.where(w == 1, w**2, 3 * w),
    "softmax(w)": lambda w: torch.softmax(w, -1),
    "log_softmax(w)": lambda w: torch.log_softmax(w, -1),
    "logsumexp(w)": lambda w: torch.logsumexp(w, -1),
    "sum(w)": torch.sum,
    "mean(w)": torch.mean,
    "max(w)": torch.amax,
    "min(w)": torch.amin,
    "var(w)": lambda w: torch.var(w, correction=0),
    "norm(w)": torch.linalg.vector_norm,
    "l2(w)": lambda w: (w**2).sum(),
}
BOTH: dict[str, Function] = {
    "max(w, b)": torch.maximum,
    "min(w, b)": torch.minimum,
    "max(w, b, 1)": lambda w, b: torch.maximum(torch.maximum(w, b), torch.ones_like(w)),
    "clip(w, b, 1)": lambda w, b: torch.clamp(w, b, torch.ones_like(w)),
    "w @ b": torch.dot,
    "dot(w, b)": torch.dot,
    "outer(w, b)": torch.outer,
    "transpose(outer(w, b))": lambda w, b: torch.outer(w, b).T,
    "l2(w, b)": lambda w, b: (w**2).sum() + (b**2).sum(),
    "mse(w, b)": functional.mse_loss,
    "half_mse(w, b)": lambda w, b: functional.mse_loss(w, b) / 2,
    "sse(w, b)": lambda w, b: functional.mse_loss(w, b, reduction="sum"),
    "mae(w, b)": functional.l1_loss,
    "huber(w, b)": functional.huber_loss,
    "bce(sigmoid(w), sigmoid(b))": lambda w, b: functional.binary_cross_entropy(w.sigmoid(), b.sigmoid()),
    "bce_with_logits(w, sigmoid(b))": lambda w, b: functional.binary_cross_entropy_with_logits(w, b.sigmoid()),
    "hinge(w, b)": lambda w, b: torch.relu(1 - w * b).mean(),
    "cross_entropy(w, softmax(b))": lambda w, b: functional.cross_entropy(w, b.softmax(-1)),
}


def weighted(value: Tensor) -> Tensor:
    """One number that depends on every entry in its own way."""
    weights = torch.arange(1, value.numel() + 1, dtype=torch.float64).reshape(value.shape)
    return (weights * value).sum()


def checked(text: str, w: list[float], b: list[float], size: str = "") -> Result:
    """The result of Σ c·text at w and b, c being 1, 2, 3 and so on."""
    weights = {"": "1", "4": "[1, 2, 3, 4]"}.get(size, str((np.arange(16) + 1.0).reshape(4, 4).tolist()))
    problem = f'equations = """\nf = {text}\nl = {"sum(c*f)" if size else "c*f"} + 0*sum(w) + 0*sum(b)\n"""\n'
    return verify(f"{problem}[parameters]\nw = {w}\nb = {b}\n[constants]\nc = {weights}\n", dtype="float64", nodes=True)


def compare(text: str, function: Function, w: list[float], b: list[float]) -> Result:
    """Checks value and gradients against PyTorch's function; a NaN of PyTorch's tells nothing."""
    left, right = (torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (w, b))
    value = function(left) if text in EACH else function(left, right)
    loss = weighted(value) + 0 * left.sum() + 0 * right.sum()
    loss.backward()
    result = checked(text, w, b, {0: "", 1: "4", 2: "4,4"}[value.dim()])
    step = result.record.steps[0]
    assert left.grad is not None
    assert right.grad is not None
    np.testing.assert_allclose(step.nodes["f"], value.detach().numpy(), rtol=1e-12, atol=1e-14)
    if torch.isfinite(left.grad).all() and step.finite:
        assert result.verdict.outcome is Outcome.AGREES, result.verdict.sentence
        np.testing.assert_allclose(step.gradients["w"], left.grad.numpy(), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(step.gradients["b"], right.grad.numpy(), rtol=1e-11, atol=1e-12)
    return result


NUMBERS = st.lists(st.integers(-40, 40).map(lambda tenths: tenths / 10), min_size=4, max_size=4)
KINKS = st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.0]), min_size=4, max_size=4)


@pytest.mark.parametrize("text", [*EACH, *BOTH])
@settings(max_examples=8)
@given(w=st.one_of(NUMBERS, KINKS), b=st.one_of(NUMBERS, KINKS))
def test_value_and_gradient_are_those_of_pytorchs_own_function(text: str, w: list[float], b: list[float]) -> None:
    compare(text, {**EACH, **BOTH}[text], w, b)


def test_every_function_is_tried() -> None:
    tried = " ".join((*EACH, *BOTH))
    every = {*FUNCTIONS, *REDUCTIONS, *MACRO_NAMES, *TENSOR_FUNCTIONS}
    assert {name for name in every if f"{name}(" not in tried} == {"pick"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=8)
@given(rows=st.lists(st.lists(st.integers(-30, 30), min_size=3, max_size=3), min_size=1, max_size=4), data=st.data())
def test_cross_entropy_with_labels(dtype: str, rows: list[list[int]], data: st.DataObject) -> None:
    labels = [data.draw(st.integers(0, 2)) for _ in rows]
    logits = torch.tensor(rows, dtype=torch.float64).div(10).requires_grad_()
    loss = functional.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    for line in (
        "l = cross_entropy(w, y)",
        "l = -mean(pick(log_softmax(w), y))",
        "p[i,k] = log_softmax(w[i,k], k)\nl = -mean(p[i,y[i]], i)",
    ):
        text = f'equations = """\n{line}\n"""\n[parameters]\nw = {logits.tolist()}\n[constants]\ny = {labels}\n'
        result = verify(text, dtype=dtype, nodes=True)
        assert result.agrees
        found, wanted = result.record.steps[0], logits.grad
        assert wanted is not None
        tolerance = 1e-12 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(found.loss, loss.item(), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(found.gradients["w"], wanted.numpy(), rtol=tolerance, atol=tolerance)


def test_cross_entropy_of_one_sample() -> None:
    text = 'equations = "l = cross_entropy(w, y)"\n[parameters]\nw = [0.1, 0.5, 0.2]\n[constants]\ny = 1\n'
    one_hot = text.replace("y = 1", "y = [0, 1, 0]")
    expected = functional.cross_entropy(torch.tensor([0.1, 0.5, 0.2]), torch.tensor(1)).item()
    for problem in (text, one_hot):
        result = verify(problem, nodes=True)
        assert result.agrees
        assert float(result.record.steps[0].loss) == pytest.approx(expected, rel=1e-6)


def test_a_loss_of_two_single_numbers_is_that_of_one_sample() -> None:
    result = verify('equations = "l = mse(3*w, t)"\n[parameters]\nw = 2\n[constants]\nt = 1\n')
    assert result.agrees
    assert float(result.record.steps[0].gradients["w"]) == 30.0


@pytest.mark.parametrize(
    ("line", "w", "note"),
    [
        ("l = sum(relu(w))", [0, 1, -1], "entry 0: relu in l stands on its kink; relu at 0: the derivative is 0"),
        ("l = sum(abs(w))", [1, 0, -1], "entry 1: abs in l stands on its kink; abs at 0: the derivative is 0"),
        ("l = sum(max(w, 1))", [0, 1, 2], "entry 1: max in l stands on its kink; max of equals: ½ to each"),
        ("l = sum(min(w, 1))", [0, 1, 2], "entry 1: min in l stands on its kink; min of equals: ½ to each"),
        ("l = max(w)", [2, 1, 2], ": max in l stands on its kink; max over an index: equal ones share the gradient"),
        ("l = 2*min(w)", [2, 1, 1], ": min in l stands on its kink; min over an index: equal ones share the gradient"),
        ("l = sum(clip(w, 0, 1))", [2, 1, 3], "entry 1: clip in l stands on its kink; clip at an edge: PyTorch"),
        ("l = sum(clip(w, 0, 1))", [2, 0, 3], "entry 1: clip in l stands on its kink; clip at an edge: PyTorch"),
        ("l = sum(leaky_relu(w))", [2, 3, 0], "entry 2: greater in l stands on its kink; greater, of equals: does not"),
        ("l = sum(where(w <= 1, w, 2*w))", [1, 0, 2], "entry 0: at_most in l stands on its kink; at_most, of equals:"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_on_a_kink_keeps_its_verdict_and_says_so(line: str, w: list[int], note: str, dtype: str) -> None:
    result = verify(f'equations = "{line}"\n[parameters]\nw = {w}\n', dtype=dtype)
    assert result.agrees
    (told,) = result.comparison.kink_notes
    assert note in told
    assert ", as in PyTorch" in told or "at an edge: PyTorch 2." in told


def test_rows_with_a_tie_are_named() -> None:
    text = 'equations = "l = sum(max(w[i,k], k), i)"\n[parameters]\nw = [[1, 2], [3, 3], [4, 4]]\n'
    result = verify(text)
    assert result.agrees
    assert [note.partition("entry ")[2][:6] for note in result.comparison.kink_notes] == ["1: max", "2: max"]
    np.testing.assert_array_equal(result.record.steps[0].gradients["w"], [[0, 1], [0.5, 0.5], [0.5, 0.5]])


def test_a_kink_that_no_parameter_moves_is_not_told() -> None:
    line = "l = sum(where(m > 0, w, 0)) + sum(relu(m))"
    text = f'equations = "{line}"\n[parameters]\nw = [1, 2]\n[constants]\nm = [0, 1]\n'
    result = verify(text)
    assert result.agrees
    assert result.comparison.kink_notes == ()


@pytest.mark.parametrize("line", ["l = max(w)", "l = relu(w[0] - w[1])", "l = where(w[0] > w[1], w[0], w[1])"])
def test_where_rounding_leaves_the_side_open_both_are_allowed(line: str) -> None:
    text = f'equations = """\nw = v*3 - b*3 + 1\n{line}\n"""\n[parameters]\nv = [0.1, 0.1]\nb = [0.1, 0.1]\n'
    result = verify(text, dtype="float64")
    assert result.verdict.outcome is not Outcome.DISAGREES
    (note,) = result.comparison.kink_notes
    assert note.endswith("rounding leaves the side open: both derivatives are allowed")


# One operation a line, at numbers of every magnitude: where a square overflows, where results are subnormal.
MAGNITUDES = [f"{name}(w)" for name in FUNCTIONS if OPERATIONS[name].arity == 1]
MAGNITUDES += [f"w^{p}" for p in ("0", "1", "2", "3", "5", "-1", "-2", "-3", "0.5", "-0.5", "1.7", "1.0000001", "-1.1")]
MAGNITUDES += ["2^w", "0.3^w", "w/3", "3/w", "-w", "w + b", "w - b", "w*b", "w/b", "w^b", "max(w, b)", "min(w, b)"]
MAGNITUDES += ["clip(w, b, 1)", "clip(w, -1, b)", "where(w > b, w, b)"]
DECADES = {"float32": (-46, 38), "float64": (-320, 307)}


def magnitudes(random: np.random.Generator, dtype: str, size: int) -> list[float]:
    """Numbers of either sign, half of them of every magnitude the dtype has and half near 1, rounded to the dtype."""
    tens = np.where(random.random(size) < 0.5, random.uniform(*DECADES[dtype], size), random.uniform(-3, 3, size))
    numbers = random.choice([1.0, 1.0, -1.0], size) * 10.0**tens
    numbers[:6] = [0.0, 1.0, -1.0, 2.0, 90.0, -90.0]
    return [float(x) for x in random.permutation(numbers).astype(dtype)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("line", MAGNITUDES)
@settings(max_examples=2)
@given(seed=st.integers(0, 10**6))
def test_no_false_alarm_at_any_magnitude(line: str, dtype: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    w, b, c = (magnitudes(random, dtype, 24) for _ in range(3))
    given_values = f"w = {w}\n" + (f"b = {b}\n" if re.search(r"\bb\b", line) else "")
    text = (
        f'equations = """\nf = {line}\nl = sum(c*f) + 0*sum(w)\n"""\n[parameters]\n{given_values}[constants]\nc = {c}\n'
    )
    checks = verify(text, dtype=dtype, nodes=True).comparison.checks
    gradients = [check for check in checks if check.quantity in ("f", "dl/dw", "dl/db")]
    assert [(check.name, check.autograd, str(check.at_state)) for check in gradients if check.agrees is False] == []
    assert sum(bool(check.agrees) for check in gradients) >= len(gradients) / 5


@pytest.mark.parametrize(("dtype", "tens"), [("float32", (-19.3, -18.95)), ("float64", (-154.2, -153.8))])
def test_a_reciprocal_square_whose_square_is_subnormal(dtype: str, tens: tuple[float, float]) -> None:
    w = [float(x) for x in (10.0 ** np.random.default_rng(1).uniform(*tens, 2000)).astype(dtype)]
    for line in ("w^-2", "w^-1"):
        text = f'equations = """\nf = {line}\nl = sum(f)\n"""\n[parameters]\nw = {w}\n'
        checks = verify(text, dtype=dtype, nodes=True).comparison.checks
        assert not [check for check in checks if check.agrees is False]


@pytest.mark.parametrize("bounds", ["-1, x", "x, 5", "x - 1, x"])
def test_one_number_is_clipped_between_columns(bounds: str) -> None:
    text = f'equations = "l = mean(clip(w, {bounds})^2)"\n[parameters]\nw = 2\n[data]\nx = [0.5, 3]\n'
    result = verify(text + "[training]\nlr = 0.1\nsteps = 2\n")
    assert result.agrees, result.verdict.sentence
