"""What numbers the rows of a log: `3/10`, samples, steps that begin anew in each epoch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.counters import with_counters, with_names
from verify.claims.table import read_table
from verify.printed.forms import read_grid
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


# Columns that say the step by other words, or by a word that nobody knows

SINGLE = timeline_of(TEXT.format(rows=[1, 2], epochs=9, size=2))
WORDS = [
    "step",
    "Steps",
    "epochs",
    "Epochs",
    "iterations",
    "iters",
    "itr",
    "i",
    "#",
    "No.",
    "Nr.",
    "n_iter",
    "step_num",
]
WORDS += ["global_step", "Global step", "globalstep", "train_step", "trainer/global_step", "Training Step", "Step #"]
UNKNOWN = ["progress", "seen", "Durchgang", "time", "foo", "seconds"]
LOOSE = ["tick", "Schritt", "époque", "index", "Idx", "num", "Round", "pass", "trial", "itn"]


@pytest.mark.parametrize("word", WORDS)
def test_words_for_the_step(word: str) -> None:
    found = claimed(f"{word},w\n2,0.5\n5,0.6\n", SINGLE)
    assert [(step, name) for step, _, name, _ in found] == [(2, "w"), (5, "w")]


def test_a_name_of_the_problem_counts_nothing() -> None:
    run = timeline_of(TEXT.replace("w*x", "i*x").replace("w = 1", "i = 1").format(rows=[1, 2], epochs=9, size=2))
    assert [(step, name) for step, _, name, _ in claimed("i\n2\n5\n", run)] == [(1, "i"), (2, "i")]


@given(
    st.sampled_from(UNKNOWN),
    st.lists(st.integers(0, 9), min_size=1, max_size=9, unique=True).map(sorted),
    st.sampled_from(["loss", "w"]),
)
def test_a_column_of_another_name_never_moves_a_number_to_another_step(word: str, steps: list[int], name: str) -> None:
    """Of whole numbers that go up it is the steps, or refused; never left out while the rows are counted."""
    text = f"{word},{name}\n" + "".join(f"{step},0.5\n" for step in steps)
    rows = list(range(1, len(steps) + 1))
    if steps == rows or (name == "loss" and steps == list(range(len(steps)))) or steps == [0]:
        assert [step for step, *_ in claimed(text, SINGLE)] == rows
    else:
        with pytest.raises(
            ClaimError, match=r"may say the step of each row; call it step \(or epoch, batch\), or leave"
        ):
            claimed(text, SINGLE)


@given(
    st.sampled_from(LOOSE),
    st.lists(st.integers(0, 9), min_size=2, max_size=9, unique=True).map(sorted),
    st.sampled_from(["loss", "w"]),
)
def test_a_usual_word_for_it_is_the_step_where_its_numbers_can_be_steps(word: str, steps: list[int], name: str) -> None:
    text = f"{word},{name}\n" + "".join(f"{step},0.5\n" for step in steps)
    if name == "loss" and steps[0] == 0 and steps[-1] == 9:
        with pytest.raises(ClaimError, match="counts from 0, and"):
            claimed(text, SINGLE)
        return
    found = claimed(text, SINGLE)
    expected = [step + (name == "loss" and steps[0] == 0) for step in steps]
    assert [(step or 1) for step in expected] == [step for step, *_ in found]
    assert f"{word} read as the " in read_table(text, "t", SINGLE).told or steps == list(range(1, len(steps) + 1))


def test_n_that_goes_up_is_an_index_and_no_number_of_samples() -> None:
    found = read_table("n,loss\n1,0.5\n2,0.6\n4,0.7\n", "t", SINGLE)
    assert [(claim.cell.step, claim.cell.name) for claim in found.claims] == [(1, "loss"), (2, "loss"), (4, "loss")]
    assert "n read as the step, as every batch has" in found.told
    for text in ("n,loss\n2,0.5\n2,0.6\n", "step,n,loss\n1,1,0.5\n2,2,0.6\n", "n\n1\n2\n", "n,loss\n1,0.5\n"):
        assert "n" in [claim.cell.name for claim in read_table(text, "t", SINGLE).claims]
    uneven = timeline_of(TEXT.format(rows=[1, 2, 3], epochs=2, size=2))
    assert "n" in [claim.cell.name for claim in read_table("n,loss\n1,0.5\n2,0.6\n", "t", uneven).claims]


def test_a_cell_that_counts_up_to_an_end() -> None:
    found = claimed("epoch,w\n1/9,0.5\n3 of 9,0.6\n", SINGLE)
    assert [step for step, *_ in found] == [1, 3]


def test_but_not_where_the_run_has_no_such_step_nor_beside_a_step() -> None:
    with pytest.raises(ClaimError, match="'round' has 5, 10, 15 and may say the step of each row"):
        claimed("round,w\n5,0.5\n10,0.6\n15,0.7\n", SINGLE)
    found = read_table("step,round,w\n1,3,0.5\n2,6,0.6\n", "t", SINGLE)
    assert ([claim.cell.step for claim in found.claims], "not judged" in found.told) == ([1, 2], True)


@pytest.mark.parametrize("form", ["{k}: {l}", "{k} {l}", "{k},{l}", "{k};{l}", "{k}\t{l}", "({k}) {l}", "#{k} {l}"])
def test_numbers_without_names_are_losses_of_their_steps(form: str) -> None:
    text = "".join(form.format(k=k, l=f"{k}.5") + "\n" for k in (1, 2, 5))
    grid = with_names(read_grid(Source("t", text)), SINGLE)
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["step", "loss"],
        *([str(k), f"{k}.5"] for k in (1, 2, 5)),
    ]
    assert grid.told == "its numbers without names read as the loss of a step"


@pytest.mark.parametrize("text", ["1 2 3\n2 3 4\n", "2 0.5\n1 0.6\n", "step,loss\n1,0.5\n", "1 a\n2 b\n", "0.5\n0.6\n"])
def test_other_tables_have_their_names_or_none(text: str) -> None:
    grid = read_grid(Source("t", text))
    assert with_names(grid, SINGLE) is grid


@pytest.mark.parametrize("cells", [("step 1", "step 3"), ("#1", "#4"), ("2.0", "3.0"), ("t=2", "t=5")])
def test_nor_one_whose_cells_are_words_with_a_number(cells: tuple[str, str]) -> None:
    with pytest.raises(ClaimError, match=r"1:1: 'point' has \d, \d and may say the step of each row; call it step"):
        claimed(f"point;w\n{cells[0]};0.5\n{cells[1]};0.6\n", SINGLE)
    with pytest.raises(ClaimError, match="may say the step of each row"):
        claimed("point,quantity,value\n1,w,0.5\n3,w,0.6\n", SINGLE)


def test_other_columns_are_left_out_as_before() -> None:
    for cells in (("0.5", "0.6"), ("3", "3"), ("5", "2"), ("1", "2"), ("good", "better")):
        found = claimed(f"accuracy,w\n{cells[0]},0.5\n{cells[1]},0.6\n", SINGLE)
        assert [step for step, *_ in found] == [1, 2]


def test_an_epoch_that_is_left_out_is_that_of_the_row_above() -> None:
    run = timeline_of(TEXT.format(rows=[1, 2, 3, 4, 5], epochs=2, size=2))
    reading = read_table("epoch,batch,loss\n1,1,17\n,2,63.63\n2,1,1.78\n,3,7.86\n", "t", run)
    assert [claim.cell.step for claim in reading.claims] == [1, 2, 4, 6]
    assert "an empty epoch is that of the row above" in reading.told
    assert [claim.cell.step for claim in read_table("epoch,batch,loss\n1,1,17\n1,3,7\n", "t", run).claims] == [1, 3]


@pytest.mark.parametrize("first", [0, 1])
def test_an_empty_epoch_beside_a_step_that_begins_anew(first: int) -> None:
    """It was the epoch 1, where only steps stood in a row."""
    rows = [[str(epoch) if k == 0 else "", str(k + first), f"{epoch}.{k}"] for epoch in (1, 2) for k in range(3)]
    run = timeline_of("article", epochs=2)
    reading = read_table("epoch,step,loss\n" + "".join(",".join(row) + "\n" for row in rows), "t", run)
    assert [one.cell.step for one in reading.claims] == [1, 2, 3, 4, 5, 6]
    assert "step counts the batches of its epoch, an empty epoch is that of the row above" in reading.told
    whole = read_table("epoch,step,w\n1,1,3\n,2,4\n2,4,5\n,6,7\n", "t", run)
    assert [one.cell.step for one in whole.claims] == [1, 2, 4, 6]


@pytest.mark.parametrize("word", ["init", "Initial", "START", "begin", "beginning"])
@pytest.mark.parametrize("rows", ["{0},,0\n1,0.5,0.7\n", "{0},0.5,0\n1,0.3,0.7\n2,0.2,0.9\n"])
def test_a_word_for_the_beginning_is_row_0(word: str, rows: str) -> None:
    run = timeline_of(TEXT.format(rows=[1, 2], epochs=3, size=2))
    numbers = [read_table("step,l,w\n" + rows.format(first), "t", run).claims for first in ("0", word)]
    assert [(one.cell, one.literal) for one in numbers[0]] == [(one.cell, one.literal) for one in numbers[1]]
    assert numbers[0]


def test_it_is_so_in_the_first_row_alone() -> None:
    reading = read_table("step,w\n1,0.5\nstart,0.7\n", "t", timeline_of(TEXT.format(rows=[1, 2], epochs=3, size=2)))
    assert [one.cell.step for one in reading.claims] == [1]
    assert "'start' is not a number of a step" in str(reading.unread[0])
