"""Wide data frames, which pandas prints in parts one below the other."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.printed.continued import is_continued
from verify.printed.forms import read_grid
from verify.tabular.grid import Source

RUN = timeline_of(
    'equations = "l = mean((w*x + b - y)^2)"\n[parameters]\nw = 1\nb = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
    "[training]\nlr = 0.1\nbatch_size = 1\nepochs = 10\n"
)
NAMES = ["loss", "w", "b", "dl/dw", "dl/db", "lr"]
FRAME = pd.DataFrame({"step": [1, 2], "loss": [4.5, 3.25], "w": [0.5, 0.75], "b": [0.1, 0.2]})


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=8, unique=True),
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True),
    st.sampled_from(["column", "index", "levels", "across"]),
    st.integers(16, 60),
    st.data(),
)
def test_a_frame_in_parts_is_read_as_in_one(
    steps: list[int], names: list[str], form: str, width: int, data: st.DataObject
) -> None:
    numbers = st.integers(-9999, 9999).map(lambda number: f"{number / 100:.2f}")
    frame = pd.DataFrame({name: [data.draw(numbers) for _ in steps] for name in names})
    expected = claimed(frame.assign(step=steps).to_csv(index=False), RUN)
    if form == "levels":
        levels = {"epoch": [(step + 1) // 2 for step in steps], "batch": [2 - step % 2 for step in steps]}
        frame = frame.assign(**levels).set_index(["epoch", "batch"])
    else:
        frame = frame.assign(step=steps)
        frame = frame if form == "column" else frame.set_index("step")
    frame = frame.T if form == "across" else frame
    assert sorted(claimed(frame.to_string(line_width=width), RUN)) == sorted(expected)


def test_how_many_parts_it_has_is_told() -> None:
    text = FRAME.to_string(line_width=20)
    grid = read_grid(Source("t", text))
    assert (grid.form, len(grid.rows)) == ("a printed data frame, in 2 parts", 3)
    assert grid.rows[1][-1].place.text == text.splitlines()[-2]


def test_parts_of_other_rows_are_refused() -> None:
    text = FRAME.to_string(line_width=20)
    assert is_continued(Source("t", text))
    with pytest.raises(ClaimError, match=r"has 2 lines, and the first one 3; print it in one part"):
        read_grid(Source("t", text.rstrip().rpartition("\n")[0]))
    with pytest.raises(ClaimError, match="has another index than the first"):
        read_grid(Source("t", text.replace("\n1  0.75", "\n7  0.75").replace("1  0.2", "8  0.2")))


@pytest.mark.parametrize("text", ["step w \\\n1 0.5\n", "step w\n1 0.5\n\nb \\\n", "", "\\\n\n"])
def test_any_other_text_is_none(text: str) -> None:
    assert not is_continued(Source("t", text))
