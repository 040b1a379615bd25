"""Tables with the steps across: read as the same table with a row for each step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.tabled import ACROSS, FORMS
from tests.timelines import claimed, timeline_of
from verify.printed.forms import read_grid
from verify.tabular.across import steps_down
from verify.tabular.grid import Source

RUN = timeline_of(
    'equations = "l = mean((w*x + b - y)^2)"\n[parameters]\nw = 1\nb = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
    "[training]\nlr = 0.1\nepochs = 12\n"
)
NUMBERS = st.decimals(-99, 99, places=2).map(str)


@given(
    st.sampled_from(list(ACROSS)),
    st.lists(st.integers(1, 12), min_size=2, max_size=6, unique=True),
    st.lists(st.sampled_from(["w", "b", "l", "dl/dw", "lr"]), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_it_is_read_as_the_table_with_a_row_for_each_step(
    form: str, steps: list[int], names: list[str], data: st.DataObject
) -> None:
    rows = [[str(step), *(data.draw(NUMBERS) for _ in names)] for step in steps]
    table = [["step", *names], *rows]
    assert claimed(ACROSS[form](table), RUN) == claimed(FORMS["CSV"](table), RUN)


@given(
    st.sampled_from([",", ";", "\t", " "]),
    st.sampled_from(["step", "k", "epoch"]),
    st.permutations(range(1, 13)),
    st.integers(1, 12),
    st.lists(st.sampled_from(["w", "b", "l", "dl/dw"]), min_size=1, max_size=4, unique=True),
    st.sampled_from(["", "\n"]),
    st.data(),
)
def test_blocks_one_below_the_other_are_one_table(
    sign: str, word: str, steps: list[int], width: int, names: list[str], between: str, data: st.DataObject
) -> None:
    """As people have it whose page is too narrow, the last block shorter."""
    numbers = {name: [data.draw(NUMBERS) for _ in steps] for name in names}
    blocks = [
        "".join(sign.join([head, *map(str, cells[at : at + width])]) + "\n" for head, cells in table)
        for table in [[(word, steps), *numbers.items()]]
        for at in range(0, len(steps), width)
    ]
    one = [[str(step), *(numbers[name][at] for name in names)] for at, step in enumerate(steps)]
    expected = {(cell[0], cell[2], cell[3]) for cell in claimed(FORMS["CSV"]([["step", *names], *one]), RUN)}
    if min(width, len(steps)) > 1 or sign in ",;":  # `step 1` above `w 0.5` may be a log
        assert {(cell[0], cell[2], cell[3]) for cell in claimed(between.join(blocks), RUN)} == expected


@pytest.mark.parametrize("equals", [" ", " = ", ": ", "="])
@pytest.mark.parametrize("step", ["step {}", "Step {}", "step = {}", "Epoch {}:"])
def test_a_step_above_its_pairs_is_a_log(step: str, equals: str) -> None:
    text = "".join(f"{step.format(k)}\nw{equals}0.{k}\nb{equals}1.{k}\n\n" for k in (1, 2))
    found = [(where, name, number) for where, _, name, number in claimed(text, RUN)]
    assert found == [(1, "w", "0.1"), (1, "b", "1.1"), (2, "w", "0.2"), (2, "b", "1.2")]


def test_a_name_that_a_block_lacks_has_no_numbers_there() -> None:
    found = claimed("step,3,1\nw,0.5,0.6\nb,1,2\nstep,2\nw,0.7\n", RUN)
    assert [(step, name, text) for step, _, name, text in found] == [
        *((3, "w", "0.5"), (3, "b", "1"), (1, "w", "0.6"), (1, "b", "2"), (2, "w", "0.7")),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "step,1,2\nw,0.5,0.6\nstep,2,3\nw,0.7,0.8\n",  # the step 2 twice
        "step,1,2\nw,0.5,0.6\nstep,3\nw,0.7,0.8\n",  # a number too many
        "step,1,2\nw,0.5,0.6\nstep,3,4\nw,0.7\n",  # one too few
        "step,1,2\nw,0.5,0.6\nw,0.5,0.6\nstep,3,4\nw,0.7,0.8\n",
    ],
)
def test_blocks_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(ClaimError):
        claimed(text, RUN)


def test_the_heads_of_a_turned_frame_only_count_its_columns() -> None:
    assert turned(",0,1\nstep,3.0,4.0\nw,0.5,0.6\n")[0] == [["step", "w"], ["3.0", "0.5"], ["4.0", "0.6"]]
    assert turned(",1,2\nt,3,4\nw,0.5,0.6\n")[0] == [["step", "t", "w"], ["1", "3", "0.5"], ["2", "4", "0.6"]]


def turned(text: str) -> tuple[list[list[str]], bool]:
    rows, is_across = steps_down(read_grid(Source("t", text)).rows, {"w", "b", "t"})
    return [[cell.text for cell in row] for row in rows], is_across


def test_its_head_says_what_is_counted() -> None:
    assert turned("epoch,1,2\nw,0.5,0.6\n") == ([["epoch", "w"], ["1", "0.5"], ["2", "0.6"]], True)
    assert turned(",epoch 1,epoch 2\nw,0.5,\n")[0] == [["epoch", "w"], ["1", "0.5"], ["2", ""]]
    assert turned("quantity;k=0;k=3\nnew b;0;1\n")[0] == [["k", "new b"], ["0", "0"], ["3", "1"]]
    assert turned("Iteration #  1  2\ndl/dw  3  4\nnew b  5  6\n")[0] == [
        *(["Iteration #", "dl/dw", "new b"], ["1", "3", "5"], ["2", "4", "6"]),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "step,w\n1,0.5\n2,0.6\n",  # a table as any other
        "t,1,2\nw,0.5,0.6\n",  # a parameter of the problem
        "w,1,2\nb,3,4\n",
        "step,1,1\nw,0.5,0.6\n",
        "step,1,2\n0.5,0.6,0.7\n",  # without names
        ",1,2\n1,0.5,0.6\n",
        "step,1,epoch 2\nw,0.5,0.6\n",
        "step,1,2\n",
    ],
)
def test_any_other_table_stays_as_it_is(text: str) -> None:
    assert turned(text) == ([[cell.text for cell in row] for row in read_grid(Source("t", text)).rows], False)
