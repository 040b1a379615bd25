"""What can be wrong beside the numbers: data, batches, and their order."""

from dataclasses import replace

import pytest

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.batches import Batch
from derive.run.precedence import effective
from derive.run.run import Run
from tests.changed_records import again, changed
from verify import Result, verify
from verify.bound.bound import prepare
from verify.compare.comparison import compare
from verify.compare.faults import orders
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
    settings = effective(problem, {"shuffle": True, "seed": 1})
    result = verify("article", shuffle=True, seed=1)
    batch = replace(result.record.steps[2].batch, indices=result.record.steps[0].batch.indices)
    record = changed(result, 3, batch=batch)
    run = Run(problem, differentiate(problem.graph), settings)
    found = compare(run, result.hand, record, prepare(run))
    assert [fault.partition(":")[0] for fault in found.batch_faults] == [
        "step 3 (epoch 1, batch 3)",  # x and y are not those rows either
        "step 3 (epoch 1, batch 3)",
        "an epoch does not use each sample once",
    ]
