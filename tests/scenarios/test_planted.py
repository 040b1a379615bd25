"""The checker is checked: mistakes are planted in the program, and each must be found where it was planted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor

from derive.algebra.expression import Apply, Number
from derive.chain.derivation import Derivation, differentiate
from derive.graph.graph import Graph
from derive.problem.loading import Quantity
from derive.run import batches
from derive.run.batches import Batch
from derive.run.settings import Settings
from tests.planting import plant_gradient
from tests.problems import NINE_POINTS
from verify import Outcome, Result, pipeline, verify
from verify.compare.verdict import explanations
from verify.hand import calculation
from verify.hand import run as hand
from verify.pytorch import module
from verify.pytorch import module as torch_graph
from verify.pytorch import run as training
from verify.record import StepRecord

DTYPES = ("float32", "float64")
Columns = Mapping[str, Tensor]
Batches = Iterator[tuple[Batch, dict[str, Tensor]]]
MEAN = NINE_POINTS + "lr = 0.01\nbatch_size = 3\n"


def assert_found(result: Result, first: str, *fragments: str) -> None:
    """The verdict and the first explanation begin with `first`; the explanation says each of the fragments."""
    assert result.verdict.outcome is Outcome.DISAGREES
    assert not result.agrees
    told = explanations(result.comparison, result.tally)
    assert result.verdict.sentence.startswith("disagrees: ")
    assert first.partition(":")[0] in result.verdict.sentence
    assert told[0].startswith(first)
    for fragment in fragments:
        assert fragment in told[0]


def plant_batches(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Batch, Columns, Columns], tuple[Batch, Columns]]
) -> None:
    """Changes a batch and its columns, given all of the data as well."""
    original = training.batches_of

    def planted(data: Columns, settings: Settings) -> Batches:
        for batch, columns in original(data, settings):
            changed, taken = change(batch, columns, data)
            yield changed, dict(taken)

    monkeypatch.setattr(training, "batches_of", planted)


def plant_before_step(monkeypatch: pytest.MonkeyPatch, step: int, change: Callable[[Any, Any, Columns], None]) -> None:
    """Does something to the model, the optimizer or the batch's data just before a step."""
    original = training._step

    def planted(model: Any, optimizer: Any, batch: Batch, columns: Columns, *more: Any) -> StepRecord:
        if batch.step == step:
            with torch.no_grad():
                change(model, optimizer, columns)
        return original(model, optimizer, batch, columns, *more)

    monkeypatch.setattr(training, "_step", planted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", ["article", MEAN], ids=["article", "mean"])
def test_without_a_plant_everything_agrees(problem: str, dtype: str) -> None:
    assert verify(problem, dtype=dtype).verdict.outcome is Outcome.AGREES


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("name", ["w", "b"])
def test_a_gradient_wrong_by_a_factor_1_0009(monkeypatch: pytest.MonkeyPatch, name: str, step: int, dtype: str) -> None:
    right = verify("article", dtype=dtype).rows[step - 1].checks[f"dl/d{name}"].autograd
    plant_gradient(monkeypatch, name, step, lambda gradient: gradient * 1.0009)
    result = verify("article", dtype=dtype)
    assert_found(result, f"dl/d{name} at step {step} (epoch 1, batch {step})", "; the ratio is 1.0009")
    check = result.rows[step - 1].checks[f"dl/d{name}"]
    assert check.expected == pytest.approx(right, rel=1e-6)
    assert check.autograd == pytest.approx(1.0009 * right, rel=1e-6)
    shown = f"PyTorch has {check.autograd:.9g}, by hand it is {check.expected:.9g} at the same state"
    assert shown in explanations(result.comparison, result.tally)[0]
    assert [c.name for c in result.comparison.checks if c.agrees is False] == [f"dl/d{name}"]


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(("dtype", "factor"), [("float32", 1 + 2e-6), ("float64", 1 + 4e-15)])
def test_a_gradient_wrong_in_its_last_digits(
    monkeypatch: pytest.MonkeyPatch, step: int, dtype: str, factor: float
) -> None:
    plant_gradient(monkeypatch, "w", step, lambda gradient: (gradient.double() * factor).to(gradient.dtype))
    result = verify("article", dtype=dtype)
    assert_found(result, f"dl/dw at step {step}", "they differ by", "> bound ")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_flipped_sign(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant_gradient(monkeypatch, "b", 2, lambda gradient: -gradient)
    result = verify("article", dtype=dtype)
    assert_found(result, "dl/db at step 2 (epoch 1, batch 2): PyTorch has 33.38666", "by hand it is -33.38666")
    assert explanations(result.comparison, result.tally)[0].endswith("; the ratio is −1: the sign is flipped")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_that_is_taken_as_a_sum(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setitem(torch_graph._REDUCTIONS, "mean", torch.sum)  # type: ignore[index]
    result = verify(MEAN, dtype=dtype)
    assert_found(result, "l at step 1 (epoch 1, batch 1): PyTorch has 440, by hand it is 146.666667")
    telling = "; the ratio is 3, the batch size: a sum in place of a mean?"
    wrong = ["l", "dl/dw", "dl/db"]
    assert all(told.endswith(telling) for told in explanations(result.comparison, result.tally)[:3])
    assert [c.name for c in result.comparison.checks if c.agrees is False] == wrong * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_lost_one_over_n(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    class Planted(training.GraphModule):
        def forward(self, columns: Columns, n: int) -> dict[str, Tensor]:
            assert n == 3
            return super().forward(columns, 1)

    monkeypatch.setattr(training, "GraphModule", Planted)
    result = verify("article", dtype=dtype)
    assert_found(result, "l at step 1 (epoch 1, batch 1): PyTorch has 440, by hand it is 146.666667")
    assert explanations(result.comparison, result.tally)[0].endswith(
        "; the ratio is 3, the batch size: a sum in place of a mean?"
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_divided_by_n_minus_1(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant_gradient(monkeypatch, "w", 3, lambda gradient: gradient * 3 / 2)
    result = verify("article", dtype=dtype)
    assert_found(result, "dl/dw at step 3", "; the ratio is 3/2: divided by n − 1 in place of n?")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_rows_of_another_batch(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    def next_rows(batch: Batch, _: Columns, data: Columns) -> tuple[Batch, Columns]:
        rows = [(row + 1) % 9 for row in batch.indices]
        return batch, {name: column[rows] for name, column in data.items()}

    plant_batches(monkeypatch, next_rows)
    result = verify("article", dtype=dtype)
    assert_found(result, "step 1 (epoch 1, batch 1): x does not hold the rows 0, 1, 2 of the data")
    assert len(result.comparison.batch_faults) == 6  # x and y in three batches


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_batch_that_is_off_by_one(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    def next_batch(batch: Batch, columns: Columns, data: Columns) -> tuple[Batch, Columns]:
        if batch.step != 2:
            return batch, columns
        rows = tuple(row + 1 for row in batch.indices)
        return replace(batch, indices=rows), {name: column[list(rows)] for name, column in data.items()}

    plant_batches(monkeypatch, next_batch)
    result = verify("article", dtype=dtype)
    told = "step 2 (epoch 1, batch 2): PyTorch took the samples 4, 5, 6; expected 3, 4, 5"
    assert_found(result, told)
    assert explanations(result.comparison, result.tally) == (told,)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_that_is_taken_twice_in_a_shuffled_epoch(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    def same_row(batch: Batch, _: Columns, data: Columns) -> tuple[Batch, Columns]:
        rows = (batch.indices[0],) * len(batch.indices)
        return replace(batch, indices=rows), {name: column[list(rows)] for name, column in data.items()}

    plant_batches(monkeypatch, same_row)
    result = verify("article", dtype=dtype, shuffle=True, seed=1)
    assert_found(result, "step 1 (epoch 1, batch 1): PyTorch took the samples 0, 0, 0; expected 0, 1, 5")


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_that_are_not_zeroed(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr(torch.nn.Module, "zero_grad", lambda *_, **__: None)
    result = verify("article", dtype=dtype)
    # −80/3 is still there when −135.857778 arrives
    assert_found(result, "dl/dw at step 2 (epoch 1, batch 2): PyTorch has -162.5244", "by hand it is -135.8577")
    wrong = {(c.batch.step, c.name) for c in result.comparison.checks if c.agrees is False}
    assert wrong == {(2, "dl/dw"), (2, "dl/db"), (3, "dl/dw"), (3, "dl/db")}


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_update_that_is_left_out(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr(torch.optim.SGD, "step", lambda *_: None)
    result = verify("article", dtype=dtype)
    assert_found(result, "w at step 1 (epoch 1, batch 1): PyTorch has 0, by hand it is 0.26666", "the ratio is 0")


@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_of_the_step_before(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    class Stale(training.GraphModule):
        def forward(self, columns: Columns, n: int) -> dict[str, Tensor]:
            current = self.named
            initial = {name: parameter - parameter.detach() for name, parameter in current.items()}  # all 0
            self.named = initial  # type: ignore[assignment]
            try:
                return super().forward(columns, n)
            finally:
                self.named = current

    monkeypatch.setattr(training, "GraphModule", Stale)
    # 256, 324, 400 are the squares of y in batch 2
    assert_found(verify("article", dtype=dtype), "l at step 2 (epoch 1, batch 2): PyTorch has 326.6666", "280.670")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("lr", 0.02, "PyTorch has 0.533333|; the ratio is 2"),
        ("lr", 0.0100001, "PyTorch has 0.266669|by hand it is 0.26666"),
        ("maximize", True, "PyTorch has -0.2666666|; the ratio is −1: the sign is flipped"),
        ("weight_decay", 0.1, "w at step 2"),
        ("momentum", 0.9, "w at step 2"),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_another_update_rule(
    monkeypatch: pytest.MonkeyPatch, dtype: str, option: str, value: object, told: str
) -> None:
    original = torch.optim.SGD

    def planted(parameters: Any, **options: Any) -> torch.optim.SGD:
        return original(parameters, **{**options, option: value})

    monkeypatch.setattr(torch.optim, "SGD", planted)
    result = verify("article", dtype=dtype)
    step = 2 if option in ("weight_decay", "momentum") else 1
    assert_found(result, f"w at step {step} (epoch 1, batch {step})", *told.split("|"))


@pytest.mark.parametrize(("dtype", "by"), [("float32", 2.0**-24), ("float64", 2.0**-53)])
def test_a_parameter_that_changes_between_two_steps(monkeypatch: pytest.MonkeyPatch, dtype: str, by: float) -> None:
    plant_before_step(monkeypatch, 2, lambda model, _, __: model.named["b"].sub_(by))
    assert_found(verify("article", dtype=dtype), "b_before at step 2", "> bound 0; ")


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_initial_value_that_is_not_the_problems(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant_before_step(monkeypatch, 1, lambda model, _, __: model.named["w"].add_(2.0**-30))
    assert_found(verify("article", dtype=dtype), "w_before at step 1", "PyTorch has 9.31322575e-10, by hand it is 0")


@pytest.mark.parametrize("dtype", DTYPES)
def test_data_that_are_not_the_problems(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = module.as_tensor

    def planted(quantity: Quantity, kind: torch.dtype) -> Tensor:
        tensor = original(quantity, kind)
        if quantity.name == "y":
            tensor[4] += 2.0**-16
        return tensor

    monkeypatch.setattr(module, "as_tensor", planted)
    assert_found(verify("article", dtype=dtype), "y[4] is 18 in the problem, but PyTorch holds 18.0000153")


@pytest.mark.parametrize("dtype", DTYPES)
def test_data_that_change_during_the_run(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant_before_step(monkeypatch, 2, lambda _, __, columns: columns["x"].mul_(1.0009))
    told = "step 2 (epoch 1, batch 2): x does not hold the rows 3, 4, 5 of the data"
    assert_found(verify("article", dtype=dtype), told)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_wrong_entry_of_a_line_is_named_by_its_row(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = torch.sub

    def planted(left: Tensor, right: Tensor) -> Tensor:
        bump = torch.zeros(3, dtype=left.dtype)
        bump[1] = 0.001 * (right[0] == 16)  # the second sample of batch 2
        return original(left, right) + bump

    monkeypatch.setattr(torch, "sub", planted)
    result = verify("article", dtype=dtype, nodes=True)
    assert_found(result, "d[4] at step 2 (epoch 1, batch 2)", "they differ by 0.001,")


@pytest.mark.parametrize("dtype", DTYPES)
def test_half_precision_on_the_way(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = torch.mul
    monkeypatch.setattr(torch, "mul", lambda x, y: original(x, y).half().to(x.dtype))
    assert_found(verify("article", dtype=dtype), "l at step 1 (epoch 1, batch 1): PyTorch has 146.6", "146.666667")


@pytest.mark.parametrize("dtype", DTYPES)
def test_another_convention_at_a_kink(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    problem = 'equations = "l = relu(w) + w^2"\n[parameters]\nw = 0\n[training]\nlr = 0.1\n'
    assert verify(problem, dtype=dtype).agrees
    monkeypatch.setattr(torch, "relu", lambda x: x * (x >= 0))  # its derivative at 0 is 1
    assert_found(verify(problem, dtype=dtype), "dl/dw at step 1", "PyTorch has 1, by hand it is 0")


# --- vectors and matrices

LAYERS = '''
equations = """
h = tanh(x @ W + b)
z = h @ V
l = cross_entropy(z, y)
"""
[parameters]
W = [[0.1, -0.4], [0.3, 0.2]]
b = [0.1, -0.2]
V = [[0.5, -0.1], [0.25, 0.3]]
[data]
x = [[1, 2], [-1, 0.5], [0.3, 3], [2, -2]]
y = [0, 1, 1, 0]
[training]
lr = 0.1
batch_size = 2
'''


@pytest.mark.parametrize("dtype", DTYPES)
def test_layers_agree_without_a_plant(dtype: str) -> None:
    assert verify(LAYERS, dtype=dtype, nodes=True).agrees


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["W", "V"])
def test_a_transposed_gradient(monkeypatch: pytest.MonkeyPatch, name: str, dtype: str) -> None:
    plant_gradient(monkeypatch, name, 2, lambda gradient: gradient.T.clone())
    result = verify(LAYERS, dtype=dtype)
    assert_found(result, f"dl/d{name}[0,1] at step 2 (epoch 1, batch 2)")
    wrong = {check.name for check in result.comparison.checks if check.agrees is False}
    assert wrong == {f"dl/d{name}[0,1]", f"dl/d{name}[1,0]"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_transposed_weight(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    class Transposed(training.GraphModule):
        def forward(self, columns: Columns, n: int) -> dict[str, Tensor]:
            current = self.named
            self.named = {**current, "V": current["V"].T}  # type: ignore[dict-item]
            try:
                return super().forward(columns, n)
            finally:
                self.named = current

    monkeypatch.setattr(training, "GraphModule", Transposed)
    result = verify(LAYERS, dtype=dtype, nodes=True)
    assert_found(result, "z[0,0] at step 1 (epoch 1, batch 1)")
    at_first = [c.name for c in result.comparison.checks if c.agrees is False and c.batch.step == 1]
    # at PyTorch's own operands only the line in which V stands is wrong, and what goes back through it
    assert {name.partition("[")[0] for name in at_first} == {"z", "dl/dh", "dl/dV"}
    assert "in the line z = h @ V" in result.verdict.sentence


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "place"), [("W", (1, 0)), ("V", (0, 1)), ("b", (1,))])
def test_one_wrong_entry_of_a_gradient(
    monkeypatch: pytest.MonkeyPatch, name: str, place: tuple[int, ...], dtype: str
) -> None:
    def bumped(gradient: Tensor) -> Tensor:
        changed = gradient.clone()
        changed[place] *= 1.0009
        return changed

    plant_gradient(monkeypatch, name, 1, bumped)
    result = verify(LAYERS, dtype=dtype)
    entry = f"dl/d{name}[{','.join(map(str, place))}]"
    # in float32 the difference has the rounding of a gradient that nearly cancels
    ratio = "1.0009" if dtype == "float64" else "1.00"
    assert_found(result, f"{entry} at step 1 (epoch 1, batch 1)", f"; the ratio is {ratio}")
    assert [c.name for c in result.comparison.checks if c.agrees is False] == [entry]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_that_is_not_summed_over_the_samples(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    plant_gradient(monkeypatch, "b", 1, lambda gradient: gradient / 2)
    assert_found(verify(LAYERS, dtype=dtype), "dl/db[0] at step 1", "; the ratio is ½")


# --- the other side: mistakes planted in the derivation and in the hand calculation


def plant_partial(monkeypatch: pytest.MonkeyPatch, line: str, factor: Fraction, *, everywhere: bool) -> None:
    """Multiplies the local partials of a line, in the derivation as written or also in the bound's own."""

    def planted(graph: Graph, wrt: tuple[str, ...] | None = None) -> Derivation:
        found = differentiate(graph, wrt)
        adjoints = []
        for adjoint in found.adjoints:
            edges = []
            for edge in adjoint.edges:
                wrong = Apply("mul", (Number(factor), edge.partial))
                edges.append(replace(edge, partial=wrong, guarded=wrong) if edge.of == line else edge)
            adjoints.append(replace(adjoint, edges=tuple(edges)))
        return replace(found, adjoints=tuple(adjoints))

    monkeypatch.setattr(pipeline, "derive", lambda problem: planted(problem.graph))
    if everywhere:
        monkeypatch.setattr("verify.bound.bound.differentiate", planted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize(
    ("line", "factor", "told"),
    [
        ("e", Fraction(1, 2), "by hand it is -13.3333333|; the ratio is 2"),
        ("e", Fraction(10009, 10000), "PyTorch has -26.66666|by hand it is -26.6906667"),
        ("l", Fraction(3), "by hand it is -80 |the ratio is 1/3, one over the batch size: a mean in place of a sum?"),
        ("d", Fraction(-1), "by hand it is 26.6666667|; the ratio is −1: the sign is flipped"),
    ],
)
def test_a_wrong_local_partial_by_hand(
    monkeypatch: pytest.MonkeyPatch, line: str, factor: Fraction, told: str, everywhere: bool, dtype: str
) -> None:
    plant_partial(monkeypatch, line, factor, everywhere=everywhere)
    assert_found(verify("article", dtype=dtype), "dl/dw at step 1 (epoch 1, batch 1)", *told.split("|"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_line_of_the_derivation(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    def planted(graph: Graph) -> Derivation:
        found = differentiate(graph)
        wrong = tuple(replace(p, body=Apply("neg", (p.body,))) if p.name == "e" else p for p in found.parts)
        return replace(found, parts=wrong)

    monkeypatch.setattr(pipeline, "derive", lambda problem: planted(problem.graph))
    result = verify("article", dtype=dtype)
    assert_found(result, "l at step 1", "PyTorch has 146.6666", "by hand it is -146.666667", "the sign is flipped")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_update_by_hand(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    original = calculation.prepare

    def planted(*args: Any, **how: bool) -> calculation.Calculation:
        found = original(*args, **how)
        if len(args) > 4:  # the rounded side, which is prepared with PyTorch's products
            return found
        assert found.update is not None
        lr = found.update.given["lr"]
        doubled = {**found.update.given, "lr": found.system.apply("add", (lr, lr))}
        return replace(found, update=replace(found.update, given=doubled))

    monkeypatch.setattr(hand, "prepare", planted)
    monkeypatch.setattr(calculation, "prepare", planted)
    assert_found(verify("article", dtype=dtype), "w at step 1", "by hand it is 0.5333333", "the ratio is ½")


def test_batches_in_another_order_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    original = batches.plan

    def planted(*args: Any) -> Iterator[Batch]:
        for batch in original(*args):
            yield replace(batch, indices=tuple(8 - row for row in batch.indices))

    monkeypatch.setattr("verify.pieces.plan", planted)
    result = verify("article")
    assert_found(result, "step 1 (epoch 1, batch 1): PyTorch took the samples 0, 1, 2; expected 8, 7, 6")
