"""Tables in boxes, as programs print them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from verify.printed.forms import read_grid
from verify.tabular.grid import Grid, Source

ROWS = [["1", "0.5320", "64.6"], ["2", "-0.9381", "37.7148"]]


def boxed(rows: list[list[str]], style: str, types: bool) -> str:
    """A table in one of the styles: rich, polars, rounded, and one with a rule below each row."""
    left, inner, top, middle = {"rich": "┃┃━┡", "polars": "│┆─╞", "round": "││─├", "grid": "││═╞"}[style]
    width = 9
    rule = middle + top * (len(rows[0]) * (width + 1) - 1) + middle
    line = [f"{left}{inner.join(cell.center(width) for cell in row)}{left}" for row in rows]
    head = [line[0], *([left + inner.join("f64".center(width) for _ in rows[0]) + left] if types else [])]
    body = [part for one in line[1:] for part in (one, rule)] if style == "grid" else [*line[1:], rule]
    return "\n".join([rule, *head, rule, *body]) + "\n"


def read(text: str) -> Grid:
    return read_grid(Source("t", text))


@given(
    st.sampled_from(["rich", "polars", "round", "grid"]),
    st.booleans(),
    st.lists(st.lists(st.decimals(-99, 99, places=2).map(str), min_size=3, max_size=3), min_size=1, max_size=5),
)
def test_any_numbers_read_back(style: str, types: bool, rows: list[list[str]]) -> None:
    table = [["step", "w", "J"], *rows]
    grid = read(boxed(table, style, types))
    assert [[cell.text for cell in row] for row in grid.rows] == table
    assert (grid.form, grid.odd, grid.told) == ("a table in a box", (), "")


def test_rows_that_a_program_left_out_are_told_and_lines_beside_the_table_named() -> None:
    text = "shape: (9, 3)\n" + boxed([["step", "w", "J"], ROWS[0], ["…", "…", "…"], ROWS[1]], "polars", True)
    grid = read(f"{text}took 3 s\n")
    assert len(grid.rows) == 3
    assert grid.told == "rows that the program left out"
    assert [error.place and error.place.text for error in grid.odd] == ["took 3 s"]


def test_a_name_in_several_lines_is_refused() -> None:
    text = boxed([["step", "learning", "J"], *ROWS], "round", True).replace("f64".center(9), "rate".center(9))
    with pytest.raises(ClaimError, match="the name of a column in several lines; print the table wider"):
        read(text)
