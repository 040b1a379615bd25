"""Rows and columns of dots, in whatever form: passed over and told, and nothing is moved to another step by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.tabled import FORMS
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table

RUN = timeline_of(
    'equations = "l = mean((w*x + b - y)^2)"\n[parameters]\nw = 1\nb = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
    "[training]\nlr = 0.1\nepochs = 12\n"
)
NET = timeline_of(
    'equations = "l = mean((x @ w - y)^2)"\n[parameters]\nw = [1, 2, 3, 4, 5, 6]\n[data]\nx = [[1, 2, 3, 4, 5, 6]]\n'
    "y = [1]\n[training]\nlr = 0.1\nsteps = 2\n"
)
WRITTEN = ("CSV", "semicolons", "tabs", "Markdown", "grid", "LaTeX", "HTML", "blanks", "bars", "MySQL")


@given(
    st.sampled_from(WRITTEN),
    st.sampled_from(["...", "..", "…", "⋮", "⋯"]),
    st.integers(1, 3),
    st.booleans(),
    st.integers(1, 2),
)
def test_they_are_passed_over_and_told(form: str, dots: str, at: int, has_column: bool, column: int) -> None:
    rows = [[str(step), f"{step}.5", f"{step}.25"] for step in (1, 2, 9)]
    table = [["step", "l", "w"], *rows]
    expected = claimed(FORMS["CSV"](table), RUN)
    cut = [*table[: at + 1], [dots] * 3, *table[at + 1 :]]
    if has_column:
        cut = [[*row[:column], dots, *row[column:]] for row in cut]
    text = FORMS[form](cut)
    assert claimed(text, RUN) == expected
    told = read_table(text, "t", RUN).told
    assert "rows of dots passed over" in told
    assert ("columns of dots passed over" in told) == has_column


def test_where_the_rows_count_the_steps_none_below_them_is_judged() -> None:
    in_markdown = "| l | w |\n|---|---|\n| 1 | 2 |\n| ⋮ | ⋮ |\n| 3 | 4 |\n"
    for text in ("l,w\n1,2\n...,...\n3,4\n", "l,w\n1,2\n...\n3,4\n", in_markdown):
        with pytest.raises(ClaimError, match="rows are left out here, where the rows count the steps; number the rows"):
            claimed(text, RUN)
    assert len(claimed("l,w\n1,2\n3,4\n...,...\n", RUN)) == 4  # there is nothing below


def test_a_column_of_dots_with_numbers_is_none() -> None:
    with pytest.raises(ClaimError, match=r"unknown quantity '\.\.\.'"):
        claimed("step,...,w\n1,0.5,0.6\n", RUN)


def test_lists_and_arrays_that_are_cut() -> None:
    found = read_table("losses = [4.5, 3.25, ..., 0.5]\n", "t", RUN)
    assert [(claim.cell.step, claim.literal.text) for claim in found.claims] == [(1, "4.5"), (2, "3.25")]
    assert "those behind the dots passed over, as nothing says of which steps they are" in found.told
    assert "behind the dots" not in read_table("losses = [4.5, 3.25, 0.5]\n", "t", RUN).told
    whole = claimed("step,w\n1,[0.1 0.2 0.3 0.4 0.5 0.6]\n", NET)
    cut = claimed("step,w\n1,[0.1 0.2 ... 0.5 0.6]\n", NET)
    assert cut == [*whole[:2], *whole[-2:]]
    for text in ("[[0.1 0.2]\n ...\n [0.5 0.6]]", "[0.1 ... 0.2 ... 0.3]"):
        unread = read_table(f'step;w\n1;"{text}"\n2;[1 2 3 4 5 6]\n', "t", NET).unread
        assert "is an array of which more is left out than entries in one place" in unread[0].message
