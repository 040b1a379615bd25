from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from derive.algebra.operations import OPERATIONS
from derive.errors import DataError, SettingError
from derive.problem.loading import load
from derive.run.precedence import effective
from verify import verify
from verify.pytorch.run import GraphModule, train
from verify.record import Record

FUNCTIONS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "w + b": lambda w, b: w + b,
    "w - b": lambda w, b: w - b,
    "w*b": lambda w, b: w * b,
    "w/b": lambda w, b: w / b,
    "w^b": lambda w, b: w**b,
    "w^3": lambda w, _: w**3,
    "w^0.5": lambda w, _: w**0.5,
    "w^-1": lambda w, _: w**-1,
    "-w": lambda w, _: -w,
    "exp(w)": lambda w, _: w.exp(),
    "log(w)": lambda w, _: w.log(),
    "sqrt(w)": lambda w, _: w.sqrt(),
    "sin(w)": lambda w, _: w.sin(),
    "cos(w)": lambda w, _: w.cos(),
    "tan(w)": lambda w, _: w.tan(),
    "tanh(w)": lambda w, _: w.tanh(),
    "sigmoid(w)": lambda w, _: w.sigmoid(),
    "log1p(w)": lambda w, _: w.log1p(),
    "relu(w)": lambda w, _: w.relu(),
    "abs(w)": lambda w, _: w.abs(),
    "max(w, b)": torch.maximum,
    "min(w, b)": torch.minimum,
    "sign(w)": lambda w, _: w.sign(),
    "pi*w": lambda w, _: torch.pi * w,
    "e*w": lambda w, _: torch.e * w,
    "w/3": lambda w, _: w / 3,
    "erf(w)": lambda w, _: w.erf(),
    "expm1(w)": lambda w, _: w.expm1(),
    "log2(w)": lambda w, _: w.log2(),
    "log10(w)": lambda w, _: w.log10(),
    "detach(w)*b": lambda w, b: w.detach() * b,
    "where(w > b, w, 2*b)": lambda w, b: torch.where(w > b, w, 2 * b),
    "clip(w, 0, b)": lambda w, b: torch.clamp(w, torch.zeros(()), b),
}


def record(problem: str, **flags: object) -> Record:
    loaded = load(problem)
    return train(loaded, effective(loaded, flags))


@pytest.mark.parametrize("text", FUNCTIONS)
def test_an_operation_is_pytorchs_own(text: str) -> None:
    problem = f'equations = "l = {text} + 0*b"\n[parameters]\nw = 0.7\nb = 1.3\n[training]\nlr = 0.1\n'
    step = record(problem, dtype="float64").steps[0]
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.7, 1.3))
    loss = FUNCTIONS[text](w, b) + 0 * b
    loss.backward()
    assert float(step.loss) == loss.item()
    for name, parameter in (("w", w), ("b", b)):
        wanted = 0.0 if parameter.grad is None else parameter.grad.item()
        assert float(step.gradients[name]) == wanted


def test_every_operation_of_the_table_is_tried() -> None:
    tried = " ".join(FUNCTIONS)
    symbols = {"add": "+", "sub": " - ", "mul": "*", "div": "/", "pow": "^", "neg": "-"}
    left = {name for name, op in OPERATIONS.items() if not op.internal and symbols.get(name, name) not in tried}
    assert left == {"softplus"}


def test_softplus_is_pytorchs_to_the_last_digits() -> None:
    problem = 'equations = "l = softplus(w)"\n[parameters]\nw = 0.7\n[training]\nlr = 0.1\n'
    step = record(problem, dtype="float64").steps[0]
    w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.softplus(w)
    loss.backward()
    assert w.grad is not None
    assert float(step.loss) == pytest.approx(loss.item(), rel=1e-15)
    assert float(step.gradients["w"]) == pytest.approx(w.grad.item(), rel=1e-15)


def test_the_module_has_the_problems_parameters_in_order() -> None:
    model = GraphModule(load("article"), torch.float32)
    assert [tuple(parameter.shape) for parameter in model.parameters()] == [(), ()]
    assert list(model.named) == ["w", "b"]
    assert all(isinstance(parameter, torch.nn.Parameter) for parameter in model.parameters())
    assert [id(parameter) for parameter in model.parameters()] == [id(model.named[name]) for name in ("w", "b")]


def test_the_forward_pass_gives_every_line() -> None:
    model = GraphModule(load("article"), torch.float32)
    lines = model({"x": torch.tensor([0.0, 1.0]), "y": torch.tensor([10.0, 12.0])}, 2)
    assert {name: line.tolist() for name, line in lines.items()} == {
        "a": [0.0, 0.0],
        "c": [0.0, 0.0],
        "d": [-10.0, -12.0],
        "e": [100.0, 144.0],
        "l": 122.0,
    }


def test_a_shuffled_order_is_the_plain_dataloaders() -> None:
    rows = torch.arange(9)
    loader = DataLoader(TensorDataset(rows), 4, shuffle=True, generator=torch.Generator().manual_seed(5))
    wanted = [tuple(indices.tolist()) for _ in range(2) for (indices,) in loader]
    found = [step.batch.indices for step in record("article", shuffle=True, seed=5, batch_size=4, epochs=2).steps]
    assert found == wanted
    assert len(wanted) == 6
    assert wanted[:3] != wanted[3:]


def test_a_shuffled_order_without_its_last_batch_is_the_plain_dataloaders() -> None:
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(torch.arange(9)), 4, shuffle=True, drop_last=True, generator=generator)
    wanted = [tuple(indices.tolist()) for _ in range(2) for (indices,) in loader]
    flags = {"shuffle": True, "seed": 5, "batch_size": 4, "drop_last": True, "epochs": 2}
    assert [step.batch.indices for step in record("article", **flags).steps] == wanted
    assert [len(indices) for indices in wanted] == [4, 4, 4, 4]


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_users_own_random_numbers_are_left_alone(shuffle: bool) -> None:
    before = torch.get_rng_state()
    record("article", shuffle=shuffle, seed=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_same_seed_gives_the_same_run() -> None:
    first, second, other = (record("article", shuffle=True, seed=seed, epochs=2) for seed in (3, 3, 4))
    assert [step.batch for step in first.steps] == [step.batch for step in second.steps]
    assert [step.batch for step in first.steps] != [step.batch for step in other.steps]


def test_a_record_holds_what_pytorch_held() -> None:
    found = record("article", nodes=True)
    assert (found.dtype, found.torch_version) == ("float32", torch.__version__)
    assert {name: list(column) for name, column in found.data.items()}["y"] == [10, 12, 14, 16, 18, 20, 22, 24, 26]
    first, second, _ = found.steps
    assert float(first.before["w"]) == 0.0
    assert float(second.before["w"]) == float(first.after["w"])
    assert list(first.nodes) == ["a", "c", "d", "e", "l"]
    assert {name: value.shape for name, value in first.adjoints.items()} == {
        **dict.fromkeys(("a", "c", "d", "e"), (3,)),
        "l": (),
    }
    np.testing.assert_allclose(first.adjoints["d"], 2 / 3 * first.nodes["d"], rtol=1e-6)


def test_lines_are_recorded_only_when_asked_for() -> None:
    step = record("article").steps[0]
    assert (step.nodes, step.adjoints) == ({}, {})


def test_a_record_does_not_change_with_the_model() -> None:
    steps = record(
        'equations = """\nz = w\nl = z^2\n"""\n[parameters]\nw = 3\n[training]\nlr = 0.1\n', nodes=True
    ).steps
    assert float(steps[0].nodes["z"]) == 3.0  # not what w is after its update
    assert float(steps[0].adjoints["z"]) == 6.0


def test_a_parameter_that_the_loss_does_not_see_has_gradient_zero() -> None:
    problem = 'equations = """\nq = 2*b\nl = w^2\n"""\n[parameters]\nw = 3\nb = 1\n[training]\nlr = 0.5\n'
    step = record(problem).steps[0]
    assert (float(step.gradients["b"]), float(step.after["b"])) == (0.0, 1.0)
    assert (float(step.gradients["w"]), float(step.after["w"])) == (6.0, 0.0)


def test_without_data_every_step_is_an_epoch() -> None:
    steps = record("parabola", steps=3).steps
    assert [(step.batch.step, step.batch.epoch, step.batch.batch) for step in steps] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 3, 1),
    ]


def test_the_run_ends_with_the_first_number_that_is_not_finite() -> None:
    steps = record("parabola", lr=2, steps=100).steps
    assert len(steps) == 41
    assert [step.finite for step in steps] == [True] * 40 + [False]
    assert np.isinf(steps[-1].loss)


def test_a_number_that_the_dtype_cannot_hold_is_refused() -> None:
    problem = 'equations = "l = w^2"\n[parameters]\nw = 1e39\n[training]\nlr = 0.1\n'
    with pytest.raises(DataError, match=r"^w holds 1e\+39, which does not fit float32; scale the numbers$"):
        record(problem)
    assert len(record(problem, dtype="float64").steps) == 1


def test_an_lr_that_the_dtype_cannot_hold_is_refused() -> None:
    with pytest.raises(SettingError, match=r"^lr = 1e\+39 does not fit float32; expected a smaller one$"):
        record("article", lr="1e39")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"clip_grad_value": 70000}, "clip_grad_value"),
        ({"optimizer": "Adagrad", "initial_accumulator_value": 70000}, "initial_accumulator_value"),
    ],
)
def test_a_setting_that_the_dtype_cannot_hold_is_refused(settings: dict[str, object], name: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} = 70000 does not fit float16; expected a smaller one$"):
        record("article", dtype="float16", **settings)


@contextmanager
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush")
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def imprecise() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (flushing, r"^PyTorch flushes subnormal numbers to 0; expected torch.set_flush_denormal\(False\)$"),
        (
            imprecise,
            r"^float32 products are made in precision 'medium' \(TF32 or bfloat16\); expected torch.set_float32_",
        ),
        (
            torch.no_grad,
            r"^gradients are switched off \(torch.no_grad, inference_mode\); expected verify outside of it$",
        ),
        (lambda: torch.autocast("cpu"), r"^torch.autocast is on; expected verify outside of it"),
        (lambda: torch.device("meta"), r"^torch.get_default_device\(\) is meta; expected cpu: other kernels are not"),
    ],
    ids=["flush", "precision", "no_grad", "autocast", "device"],
)
def test_settings_that_the_bound_does_not_cover_are_refused(
    setting: Callable[[], AbstractContextManager[None]], told: str
) -> None:
    with setting(), pytest.raises(SettingError, match=told):
        verify("article")
    assert verify("article").agrees
