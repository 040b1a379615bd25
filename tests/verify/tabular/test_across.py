"""Tables with the steps across: read as the same table with a row for each step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    st.lists(st.integers(1, 12), min_size=2, max_size=6, unique=True).map(sorted),
    st.lists(st.sampled_from(["w", "b", "l", "dl/dw", "lr"]), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_it_is_read_as_the_table_with_a_row_for_each_step(
    form: str, steps: list[int], names: list[str], data: st.DataObject
) -> None:
    rows = [[str(step), *(data.draw(NUMBERS) for _ in names)] for step in steps]
    table = [["step", *names], *rows]
    assert claimed(ACROSS[form](table), RUN) == claimed(FORMS["CSV"](table), RUN)


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
        "step,2,1\nw,0.5,0.6\n",  # backwards
        "step,1,1\nw,0.5,0.6\n",
        "step,1,2\n0.5,0.6,0.7\n",  # without names
        ",1,2\n1,0.5,0.6\n",
        "step,1,epoch 2\nw,0.5,0.6\n",
        "step,1,2\n",
    ],
)
def test_any_other_table_stays_as_it_is(text: str) -> None:
    assert turned(text) == ([[cell.text for cell in row] for row in read_grid(Source("t", text)).rows], False)
