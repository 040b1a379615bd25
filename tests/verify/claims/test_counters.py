"""What numbers the rows of a log: `3/10`, samples, steps that begin anew in each epoch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.counters import with_counters
from verify.claims.table import read_table
from verify.tabular.forms import read_grid
from verify.tabular.grid import Source

TEXT = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 1
[data]
x = {rows}
y = {rows}
[training]
lr = 0.1
epochs = {epochs}
batch_size = {size}
"""


@given(
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(1, 3),
    st.sampled_from(["step", "batch", "before", "after", "run"]),
)
def test_each_way_of_counting_finds_its_step(rows: int, size: int, epochs: int, way: str) -> None:
    size = min(size, rows)
    run = timeline_of(TEXT.format(rows=list(range(rows)), epochs=epochs, size=size))
    lines, steps = [], []
    for batch in run.batches:
        done = min(batch.batch * size, rows)
        counted = {
            "step": f"epoch {batch.epoch}, step {batch.batch}",
            "batch": f"epoch {batch.epoch} [{batch.batch}/{run.per_epoch}]",
            "before": f"epoch {batch.epoch} [{done - batch.n}/{rows}]",
            "after": f"epoch {batch.epoch} [{done}/{rows}]",
            "run": f"[{batch.step}/{len(run.batches)}]",
        }[way]
        lines.append(f"{counted} loss {batch.step}.5")
        steps.append((batch.step, f"{batch.step}.5"))
    found = [(step, number) for step, _, _, number in claimed("\n".join(lines), run)]
    assert found == steps


def test_steps_of_the_run_stay_what_they_are() -> None:
    run = timeline_of(TEXT.format(rows=[1, 2, 3, 4], epochs=2, size=2))
    reading = read_table("epoch,step,loss\n1,1,0.5\n1,2,0.5\n2,3,0.5\n", "t", run)
    assert ([claim.cell.step for claim in reading.claims], reading.told) == ([1, 2, 3], "read as CSV, 3 rows")
    grid = read_grid(Source("t", "epoch,step,loss\n1,1,0.5\n"))
    assert with_counters(grid.rows[0], grid.rows[1:], run) == (grid.rows[0], grid.rows[1:], "")


def test_what_is_counted_neither_so_nor_so_is_refused() -> None:
    run = timeline_of(TEXT.format(rows=[1, 2, 3, 4, 5], epochs=2, size=2))
    for text, message in [
        (
            "epoch 1 loss 0.5 [4/5]\n",
            "samples are counted after their batch or before their batch, in batches",
        ),
        ("epoch 1 loss 0.5 [3/5]\n", "samples are counted neither after their batch nor before their batch"),
        ("epoch 1 loss 0.5 [3/9]\n", "1/9 counts neither the 3 batches of an epoch nor its 5 samples"),
        ("loss 0.5 [3/3]\n", "progress without a line such as 'Epoch 1/2' above it"),
    ]:
        with pytest.raises(ClaimError, match=message):
            claimed(text, run)
