"""Cells that are merged: over the names of a group, and over the rows of an epoch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import timeline_of
from verify.claims.table import Reading, read_table

RUN = timeline_of("article", epochs=4)  # of three batches each


def html(rows: list[str]) -> str:
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def latex(rows: list[str]) -> str:
    return "\\begin{tabular}{rrrr}\n" + "".join(f"{row} \\\\\n" for row in rows) + "\\end{tabular}\n"


def found(reading: Reading) -> list[tuple[int, str, str]]:
    return [(one.cell.step, one.cell.name, one.literal.text) for one in reading.claims]


@given(
    st.lists(st.lists(st.integers(0, 99).map(str), min_size=1, max_size=3), min_size=1, max_size=4),
    st.booleans(),
)
def test_a_merged_epoch_is_that_of_all_its_rows(epochs: list[list[str]], is_html: bool) -> None:
    rows = []
    for number, losses in enumerate(epochs, start=1):
        for batch, loss in enumerate(losses, start=1):
            if is_html:
                first = f'<td rowspan="{len(losses)}">{number}</td>' if batch == 1 else ""
                rows.append(f"{first}<td>{batch}</td><td>{loss}</td>")
            else:
                first = f"\\multirow{{{len(losses)}}}{{*}}{{{number}}}" if batch == 1 else ""
                rows.append(f"{first} & {batch} & {loss}")
    head = "<th>epoch</th><th>batch</th><th>loss</th>" if is_html else "epoch & batch & loss"
    text = (html if is_html else latex)([head, *rows])
    expected = [
        (3 * (number - 1) + batch, "loss", loss)
        for number, losses in enumerate(epochs, start=1)
        for batch, loss in enumerate(losses, start=1)
    ]
    assert found(read_table(text, "t", RUN)) == expected


@pytest.mark.parametrize(
    "text",
    [
        html(["<th>step<th>loss<th>w", "<td>1<td rowspan=2>9<td>3", "<td>2<td>4"]),
        latex(["step & loss & w", "1 & \\multirow{2}{*}{9} & 3", "2 & & 4"]),
    ],
)
def test_a_merged_number_is_not_taken_for_that_of_each_row(text: str) -> None:
    """It may be the mean of both as well."""
    reading = read_table(text, "t", RUN)
    assert found(reading) == [(1, "w", "3"), (2, "w", "4")]
    assert "'9' stands in a cell over 2 rows: which row it is about is not told; write it in" in str(reading.unread[0])


GROUPS = [
    html(
        [
            "<th rowspan=2>step<th colspan=2>Gradients<th colspan=2>Parameters",
            "<th>w<th>b<th>w<th>b",
            "<td>1<td>2<td>3<td>4<td>5",
        ]
    ),
    latex(
        [" & \\multicolumn{2}{c}{Gradients} & \\multicolumn{2}{c}{Parameters}", "step & $w$ & b & w & b", "1&2&3&4&5"]
    ),
]


@pytest.mark.parametrize("text", GROUPS)
def test_a_name_over_several_columns_is_that_of_a_group(text: str) -> None:
    assert found(read_table(text, "t", RUN)) == [(1, "dl/dw", "2"), (1, "dl/db", "3"), (1, "w", "4"), (1, "b", "5")]


@pytest.mark.parametrize("text", GROUPS)
def test_a_group_of_something_else_is_not_left_out(text: str) -> None:
    """A validation loss was read as the loss of the step where a workbook has its name in a merged cell."""
    reading = read_table(text.replace("Parameters", "Validation"), "t", RUN)
    assert found(reading) == [(1, "dl/dw", "2"), (1, "dl/db", "3")]
    assert "not judged, as the problem has no such number: Validation w, Validation b" in reading.told


def test_names_of_one_column_and_a_title() -> None:
    text = latex(["\\multicolumn{1}{c}{step} & \\multicolumn{1}{r}{$w$}", "1 & 0.5"])
    assert found(read_table(text, "t", RUN)) == [(1, "w", "0.5")]
    text = html(["<td colspan=2>Table 1", "<th>step<th>w", "<td>1<td>0.5"])
    reading = read_table(text, "t", RUN)
    assert found(reading) == [(1, "w", "0.5")]
    assert "1 title left out" in reading.told


def test_rows_that_a_cell_covers_whole() -> None:
    text = html(["<th>epoch<th>batch<th>w", "<td rowspan=2>1<td rowspan=2>1<td rowspan=2>5", "", "<td>1<td>2<td>6"])
    assert found(read_table(text, "t", RUN)) == [(2, "w", "6")]
    text = html(["<th>epoch<th>batch<th>w", "<td rowspan=0>1<td>1<td>5", "<td>2<td>6", "<td>3<td>7"])
    assert found(read_table(text, "t", RUN)) == [(1, "w", "5"), (2, "w", "6"), (3, "w", "7")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (html(["<th>step<th colspan=2>w", "<td>1<td>2<td>3"]), "the merged cell names 2 columns; unmerge it, and give"),
        (html(["<th>step<th>w", "<td colspan=999999>1"] * 1100), "more than 1,000,000 cells"),
        (latex(["step & w", "\\multicolumn{2}{c}{1} & 3"]), "3 cells in this row; expected 2"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read_table(text, "t", RUN)
