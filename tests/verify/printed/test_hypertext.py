"""Tables of HTML: as pandas and Jupyter write them, and as people and pages do."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.printed.forms import read_grid
from verify.tabular.grid import Grid, Source

RUN = timeline_of("article", steps=9)


def read(text: str) -> Grid:
    return read_grid(Source("t", text))


def cells(text: str) -> list[list[str]]:
    return [[cell.text for cell in row] for row in read(text).rows]


@given(
    st.lists(st.tuples(st.integers(-9999, 9999), st.integers(-9999, 9999)), min_size=1, max_size=8),
    st.sampled_from(["column", "index", "none"]),
    st.booleans(),
)
def test_what_pandas_writes_is_read_back(rows: list[tuple[int, int]], numbered: str, is_page: bool) -> None:
    frame = pd.DataFrame([(f"{w / 1000:.3f}", f"{b / 100:.2f}") for w, b in rows], columns=["w", "b"])
    expected = [
        (k, name, text) for k, row in enumerate(frame.to_numpy(), 1) for name, text in zip("wb", row, strict=True)
    ]
    steps = [*range(1, len(rows) + 1)]
    if numbered == "index":
        frame.index = pd.Index(steps, name="step")
    elif numbered == "column":
        frame.insert(0, "step", steps)
    text = frame.to_html(index=numbered != "none" or len(rows) > 4, notebook=is_page)
    if is_page:
        text = f"<!DOCTYPE html><html><style>td {{ color: red }}</style><p>W &lt; 1</p>{text}<p>9 rows</p></html>"
    assert [(step, name, number) for step, _, name, number in claimed(text, RUN)] == expected


def test_what_is_left_open_or_around_it() -> None:
    assert cells("<TABLE><tr><th>step<th>w<tr><td>1<td>0.5<tr><td>2<td><b>0.<i>6</i></b></table>") == [
        *(["step", "w"], ["1", "0.5"], ["2", "0.6"]),
    ]
    assert cells("<table><tr><td>a&nbsp;b</td><td>&minus;1</td></tr><tr><td>x<br>y</td><td></td></tr>") == [
        *(["a b", "−1"], ["x y", ""]),
    ]
    assert cells("<table><tr><td>1<script>alert(2)</script></td></tr></table>") == [["1"]]


def test_a_cell_has_the_place_of_what_it_shows() -> None:
    place = read("<table>\n<tr><th>step</th></tr>\n<tr><td>  <b> 12</b></td></tr>\n</table>").rows[1][0].place
    assert (place.line, place.column) == (3, 15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<table><tr><td>1</td></tr></table><table></table>", "a second table; leave one of them out"),
        ("<table><tr><td><table></table></td></tr></table>", "a second table; leave one of them out"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read(text)


@given(st.text("<>/tablerhd rowspancol=012 =\"'&;!-1.5\n", max_size=60))
def test_no_page_gives_a_traceback(text: str) -> None:
    try:
        read(f"<table>{text}")
    except ClaimError:
        return


def test_what_stands_above_or_below_a_line_is_not_put_behind_it() -> None:
    text = "<table><tr><th>w<sub>k</sub></th><th>l</th></tr><tr><td>1</td><td>37.7148<sup>1</sup></td></tr></table>"
    assert cells(text) == [["w_k", "l"], ["1", "37.7148^1"]]
