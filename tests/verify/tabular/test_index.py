"""The index of a data frame in front of a table: printed, or written by pandas."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import timeline_of
from verify.claims.table import read_rows, read_table
from verify.tabular.objects import read_objects

ARTICLE = timeline_of("article")
FRAME = pd.DataFrame({"step": [1, 2, 3], "w": [0.267, 1.63, None], "b": ["0.24", "0.57", "0.81"]})
EXPECTED = [(1, "w", "0.267"), (1, "b", "0.24"), (2, "w", "1.63"), (2, "b", "0.57"), (3, "b", "0.81")]


def read(text: str) -> tuple[list[tuple[int, str, str]], str]:
    found = read_table(text, "t", ARTICLE)
    return [(one.cell.step, one.cell.name, one.literal.text) for one in found.claims], found.told


def by_number(claims: list[tuple[int, str, str]]) -> list[tuple[int, str, float]]:
    return [(step, name, float(text)) for step, name, text in claims]


def test_a_printed_frame() -> None:
    claims, told = read(str(FRAME))
    assert by_number(claims) == by_number(EXPECTED)
    assert claims[2] == (2, "w", "1.630")
    assert told == "read as a printed data frame, 3 rows, its index passed over, 1 NaN, a missing value, passed over"
    claims, told = read(str(FRAME.set_index("step")))
    assert by_number(claims) == by_number(EXPECTED)
    assert told == "read as a printed data frame, 3 rows, 1 NaN, a missing value, passed over"
    assert by_number(read(str(FRAME[["w", "b"]]))[0]) == by_number(EXPECTED)
    assert by_number(read(str(FRAME[["b"]]))[0]) == [(1, "b", 0.24), (2, "b", 0.57), (3, "b", 0.81)]
    head = pd.DataFrame({"grad w": [-26.67, -135.86], "new b": [0.24, 0.57]})
    assert read(str(head))[0] == [
        (1, "dl/dw", "-26.67"),
        (1, "b", "0.24"),
        (2, "dl/dw", "-135.86"),
        (2, "b", "0.57"),
    ]


def test_a_long_frame_that_pandas_has_cut() -> None:
    long = pd.DataFrame({"step": range(1, 101), "w": [0.5] * 100})
    run = timeline_of("article", epochs=40)
    found = read_table(str(long), "t", run)
    assert [one.cell.step for one in found.claims] == [1, 2, 3, 4, 5, 96, 97, 98, 99, 100]
    assert found.told == "read as a printed data frame, 10 rows, its index passed over, rows that pandas left out"
    with pytest.raises(ClaimError, match="a column without a name has numbers; name it, or leave it out"):
        read_table(str(long[["w"]]), "t", run)  # what 95 counts is not said


def test_a_table_that_pandas_has_written() -> None:
    texts = FRAME.astype({"w": "string"}).fillna("")
    assert read(texts.to_csv())[0] == EXPECTED
    assert read(texts.to_csv(sep=";", decimal=","))[0] == EXPECTED
    assert read(texts.to_latex())[0] == EXPECTED
    assert read(texts.to_csv())[1] == "read as CSV, 3 rows, its index passed over"


def test_an_index_that_may_count_the_steps_is_refused() -> None:
    for text in (",w\n97,0.5\n98,0.6\n", "   w\n97 0.5\n98 0.6\n"):
        with pytest.raises(ClaimError, match="a column without a name has numbers; name it, or leave it out"):
            read(text)
    assert read(",w\n1,0.5\n2,0.6\n")[0] == [(1, "w", "0.5"), (2, "w", "0.6")]


def test_the_separator_that_excel_writes() -> None:
    assert read("sep=;\nstep;w;b\n1;0,267;0,24\n")[0] == EXPECTED[:2]
    assert read('"sep=|"\nstep|w|b\n1|0.267|0.24\n')[0] == EXPECTED[:2]
    assert read("sep=,\nstep,w,b\n1,0.267,0.24\n")[0] == EXPECTED[:2]
    found = read_table("sep=;\nstep;w\n1;about\n2;1.63\n", "t", ARTICLE)
    assert [str(error).partition(": ")[0] for error in found.unread] == ["t:3:3"]
    with pytest.raises(ClaimError, match=r"t:1:1: cells between '@'; expected one of ',' ';'"):
        read("sep=@\nstep@w\n1@0.5\n")


@given(
    st.lists(st.tuples(st.integers(-9999, 9999), st.integers(-9999, 9999)), min_size=1, max_size=8),
    st.sampled_from(["print", "named", "csv", "latex"]),
    st.booleans(),
)
def test_a_frame_is_read_back(rows: list[tuple[int, int]], form: str, numbered: bool) -> None:
    frame = pd.DataFrame([(f"{w / 1000:.3f}", f"{b / 100:.2f}") for w, b in rows], columns=["w", "b"])
    expected = [
        (k, name, text) for k, row in enumerate(frame.to_numpy(), 1) for name, text in zip("wb", row, strict=True)
    ]
    steps = [*range(1, len(rows) + 1)]
    if form == "named":
        frame.index = pd.Index(steps, name="step")
    elif numbered:
        frame.insert(0, "step", steps)
    text = {"print": str, "named": str, "csv": pd.DataFrame.to_csv, "latex": pd.DataFrame.to_latex}[form](frame)
    run = timeline_of("article", steps=8)
    found = [(one.cell.step, one.cell.name, one.literal.text) for one in read_table(text, "t", run).claims]
    assert found == expected


NAMES = ["step", "loss", "w", "grad w", "new b", "learning rate", "dl/db"]


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True), st.integers(1, 3))
def test_a_printed_frame_with_blanks_in_its_names_is_the_frame(names: list[str], rows: int) -> None:
    """As many blanks in the names as make the words of the header as many as the cells of a row, or others."""
    assume(names != ["step"])
    frame = pd.DataFrame({name: [k + (1 if name == "step" else 0.25 * (k + 1)) for k in range(rows)] for name in names})
    printed = read_table(str(frame), "t", ARTICLE)
    given_ = read_rows(read_objects(frame)[1], ARTICLE)
    assert [(one.cell, one.literal.value) for one in printed.claims] == [
        (one.cell, one.literal.value) for one in given_.claims
    ]


def test_where_nothing_stands_in_columns_both_readings_are_told() -> None:
    with pytest.raises(ClaimError, match="these may be 2 names with an index before them, or 3; put commas between"):
        read("   loss   new b\n0  2.2500  0.6167\n1  0.2898  0.6322\n")
    assert len(read(" w  b lr\n 1  2  3\n")[0]) == 3


BATCHES = timeline_of("article", epochs=3)  # of three batches each


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=9, unique=True),
    st.sampled_from(["print", "HTML", "LaTeX", "LaTeX, blank", "CSV", "object", "turned", "unstacked"]),
    st.booleans(),
    st.data(),
)
def test_an_index_of_two_levels_is_read_back(steps: list[int], form: str, whole: bool, data: st.DataObject) -> None:
    """What is blank below a level of the index is that of the row above."""
    steps = sorted(steps) if whole else steps
    numbers = st.integers(-9999, 9999).map(lambda number: f"{number / 100:.2f}")
    expected = [(step, name, data.draw(numbers)) for step in steps for name in ("loss", "w")]
    frame = pd.DataFrame(
        {
            "epoch": [(step + 2) // 3 for step in steps],
            "batch": [(step - 1) % 3 + 1 for step in steps],
            "loss": [text for _, name, text in expected if name == "loss"],
            "w": [text for _, name, text in expected if name == "w"],
        }
    ).set_index(["epoch", "batch"])
    table: object
    match form:
        case "print":
            table = str(frame)
        case "HTML":
            table = frame.to_html()
        case "LaTeX":
            table = frame.to_latex()
        case "LaTeX, blank":
            table = frame.to_latex(multirow=False)
        case "CSV":
            table = frame.to_csv()
        case "turned":
            table = frame.T
        case "unstacked":
            table = frame.unstack()
        case _:
            table = frame
    if isinstance(table, str):
        found = read_table(table, "t", BATCHES).claims
    else:
        found = read_rows(read_objects(table)[1], BATCHES).claims
    assert sorted((one.cell.step, one.cell.name, one.literal.text) for one in found) == sorted(expected)


def test_a_blank_cell_is_no_level_of_an_index() -> None:
    frame = pd.DataFrame({"epoch": [1, 1], "batch": [1, 2], "loss": ["", "3"], "w": ["2", "4"]})
    with pytest.raises(ClaimError):
        read_table(str(frame.set_index(["epoch", "batch"])), "t", BATCHES)
