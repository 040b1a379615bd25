"""What can be wrong beside the numbers: data, batches, and their order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

import tables
import tables.text.report
from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.batches import Batch
from derive.run.precedence import effective
from derive.run.run import Run
from derive.run.settings import Settings
from tests.changed_records import again, changed
from verify import Result, verify
from verify.bound.bound import prepare
from verify.compare.comparison import compare
from verify.compare.faults import orders
from verify.compare.verdict import Outcome
from verify.pytorch import loader
from verify.record import StepRecord


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article", nodes=True)


def test_the_data_are_compared(article: Result) -> None:
    altered = article.record.data["x"].copy()
    altered[[2, 5]] = 2.5, -5
    found = again(article, replace(article.record, data={**article.record.data, "x": altered}))
    assert found.batch_faults[:2] == (
        "x[2] is 2 in the problem, but PyTorch holds 2.5",
        "x[5] is 5 in the problem, but PyTorch holds -5",
    )


def test_the_batches_are_compared(article: Result) -> None:
    batch = replace(article.record.steps[1].batch, indices=(3, 4))
    steps = tuple(step if step.batch.step != 2 else _with_rows(step, batch) for step in article.record.steps)
    found = again(article, replace(article.record, steps=steps))
    assert found.batch_faults == ("step 2 (epoch 1, batch 2): PyTorch took the samples 3, 4; expected 3, 4, 5",)


def _with_rows(step: StepRecord, batch: Batch) -> StepRecord:
    nodes = {name: value[: batch.n] if value.ndim else value for name, value in step.nodes.items()}
    adjoints = {name: value[: batch.n] if value.ndim else value for name, value in step.adjoints.items()}
    data = {name: value[: batch.n] for name, value in step.data.items()}
    return replace(step, batch=batch, nodes=nodes, adjoints=adjoints, data=data)


def test_long_lists_of_rows_are_cut() -> None:
    rows = ", ".join(str(number) for number in range(40))
    text = f'equations = "l = mean(w*x)"\n[parameters]\nw = 1\n[data]\nx = [{rows}]\n[training]\nlr = 0.1\n'
    result = verify(text)
    batch = replace(result.record.steps[0].batch, indices=(*range(1, 40), 0))
    *_, fault = again(result, changed(result, 1, batch=batch)).batch_faults
    assert fault == (
        "step 1 (epoch 1, batch 1): PyTorch took the samples 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …; "
        "expected 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"
    )


def test_the_orders_of_the_epochs() -> None:
    taken = [Batch(1, 1, 1, (2, 0)), Batch(2, 1, 2, (1,)), Batch(3, 2, 1, (0, 1))]
    assert orders(taken) == [(2, 0, 1), (0, 1)]


def test_one_sample_twice_in_an_epoch_is_a_fault() -> None:
    problem = load("article")
    chosen = effective(problem, {"shuffle": True, "seed": 1})
    result = verify("article", shuffle=True, seed=1)
    batch = replace(result.record.steps[2].batch, indices=result.record.steps[0].batch.indices)
    record = changed(result, 3, batch=batch)
    run = Run(problem, differentiate(problem.graph), chosen)
    found = compare(run, result.hand, record, prepare(run))
    assert [fault.partition(":")[0] for fault in found.batch_faults] == [
        "step 3 (epoch 1, batch 3)",  # x and y are not those rows either
        "step 3 (epoch 1, batch 3)",
        "an epoch does not use each sample once",
    ]


def _with_loader(monkeypatch: pytest.MonkeyPatch, build: Callable[[TensorDataset, Settings], object], **kw: Any) -> str:
    """The verdict on a run whose batches come from another DataLoader than the settings say."""
    monkeypatch.setattr("verify.pytorch.loader._loader", build)
    result = verify("tanh_network", **kw)
    assert result.verdict.outcome is Outcome.DISAGREES
    return result.verdict.sentence


class Loader:
    """The DataLoader of a run whose batches are changed in each epoch by `change`."""

    def __init__(self, data: TensorDataset, settings: Settings, change: Callable[[list[Any]], list[Any]]) -> None:
        self.data, self.settings, self.change = data, settings, change

    def __len__(self) -> int:
        return self.settings.batches_per_epoch

    def __iter__(self) -> Iterator[Any]:
        plain = DataLoader(self.data, self.settings.batch_size, shuffle=False)
        return iter(self.change(list(plain)))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_an_order_that_is_not_shuffled_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _with_loader(monkeypatch, lambda d, s: DataLoader(d, s.batch_size, shuffle=False), shuffle=True)
    assert told.endswith("took the samples 0, 1; expected 1, 0; the rows stand as in the data: not shuffled")


def test_where_the_seed_draws_the_order_of_the_data_first_both_reasons_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = _with_loader(monkeypatch, lambda d, s: DataLoader(d, s.batch_size), shuffle=True, seed=18, epochs=2)
    assert told.startswith("disagrees: step 3 (epoch 2, batch 1)")
    assert told.endswith("; every epoch takes the same order, that of the data: not shuffled, or drawn once")


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 999), st.integers(0, 999))
def test_another_seed_disagrees_and_is_named(asked: int, taken: int) -> None:
    def other(data: TensorDataset, chosen: Settings) -> object:
        return DataLoader(data, chosen.batch_size, shuffle=True, generator=_generator(taken))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verify.pytorch.loader._loader", other)
        result = verify("article", shuffle=True, seed=asked, epochs=3)
    if asked == taken:
        assert result.agrees
    else:
        assert result.verdict.sentence.endswith(f"; seed {taken} draws these orders")


def test_one_order_for_all_epochs_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    class Again(Loader):
        def __iter__(self) -> Iterator[Any]:
            return iter(DataLoader(self.data, self.settings.batch_size, shuffle=True, generator=_generator(1)))

    told = _with_loader(monkeypatch, lambda d, s: Again(d, s, list), shuffle=True, seed=1)
    assert told.startswith("disagrees: step 3 (epoch 2, batch 1)")
    assert "; every epoch takes the same order" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda epoch: [*epoch, epoch[-1]], "step 3 (epoch 1, batch 3): a batch too many; expected batch 1 of epoch 2"),
        (lambda epoch: epoch[:-1], "step 2 (epoch 2, batch 1): a batch is missing; expected batch 2 of epoch 1"),
        (lambda epoch: epoch[::-1], "step 1 (epoch 1, batch 1): PyTorch took the samples 2, 3; expected 0, 1"),
        (
            lambda epoch: [[c[:0] for c in epoch[0]], epoch[1]],
            "step 1 (epoch 1, batch 1): PyTorch took no sample; expected 0, 1",
        ),
        (lambda epoch: [epoch[0], *epoch[:-1]], "step 2 (epoch 1, batch 2): PyTorch took the samples 0, 1; expected 2"),
    ],
)
@pytest.mark.parametrize("nodes", [False, True])
def test_batches_that_are_too_many_missing_or_repeated(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[list[Any]], list[Any]], told: str, nodes: bool
) -> None:
    assert f"disagrees: {told}" in _with_loader(monkeypatch, lambda d, s: Loader(d, s, change), nodes=nodes)


FLAGS: tuple[dict[str, Any], ...] = (
    {},
    {"nodes": True},
    {"optimizer": "Adam", "clip_grad_norm": 1},
    {"momentum": 0.9, "variant": "lr_in_velocity"},
    {"on_nonfinite": "continue", "zero_grad": False, "until": "l < 0"},
    {"shuffle": True, "accumulate": 2},
)


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("columns", [("x",), ("x", "y")])
def test_columns_without_the_rows_of_their_batch_are_a_verdict(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any], step: int, columns: tuple[str, ...]
) -> None:
    of = loader.batches_of

    def short(data: Any, chosen: Settings) -> Iterator[Any]:
        for batch, found in of(data, chosen):
            cut = {name: values[:-1] if name in columns else values for name, values in found.items()}
            yield batch, cut if batch.step == step else found

    monkeypatch.setattr("verify.pytorch.run.batches_of", short)
    result = verify("tanh_network", **flags)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert f"disagrees: step {step} " in result.verdict.sentence
    assert "does not hold the rows" in result.verdict.sentence
    assert f"PyTorch's run ends with step {step}, whose columns" in str(tables.text.report.to_text(result))
    assert len(tables.comparison(result)) > 0
