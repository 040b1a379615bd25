"""What pandas prints: a Series, columns named in several lines, and wide frames in parts one below the other."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.printed.forms import read_grid
from verify.printed.frames import is_continued, is_in_levels, is_series
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


PAIRS = [("grad", "w"), ("grad", "b"), ("param", "w"), ("param", "b"), ("loss", ""), ("gradients", "w")]
MEANT = {"grad": "grad ", "gradients": "grad ", "param": "", "loss": "loss"}


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=8, unique=True),
    st.lists(st.sampled_from(PAIRS[:-1]), min_size=2, max_size=5, unique=True),
    st.sampled_from(["index", "column", "levels", "named levels"]),
    st.data(),
)
def test_names_in_two_lines_are_read_as_in_one(
    steps: list[int], pairs: list[tuple[str, str]], form: str, data: st.DataObject
) -> None:
    numbers = st.integers(-9999, 9999).map(lambda number: number / 100)
    columns = {f"{MEANT[group]}{name}": [data.draw(numbers) for _ in steps] for group, name in pairs}
    expected = claimed(pd.DataFrame(columns).assign(step=steps).to_csv(index=False, float_format="%.2f"), RUN)
    frame = pd.DataFrame(dict(zip(pairs, columns.values(), strict=True)))
    if form == "levels":
        frame.index = pd.MultiIndex.from_tuples([((k + 1) // 2, 2 - k % 2) for k in steps], names=["epoch", "batch"])
    else:
        frame.index = pd.Index(steps, name="step")
    frame = frame.reset_index() if form == "column" else frame
    if form == "named levels":
        frame.columns.names = ["kind", "of"]
    text = frame.to_string(float_format=lambda number: f"{number:.2f}")
    assert is_in_levels(Source("t", text)) or len(steps) == 1
    assert sorted(claimed(text, RUN)) == sorted(expected)


@pytest.mark.parametrize(
    "text",
    [
        "step      w      b\n [-]  [1/s]    [m]\n   1  0.875   0.45\n   2 1.0025 0.4975\n",
        " epoch      w      b\n   [-]  [1/s]    [m]\n     1  0.875   0.45\n     2 1.0025 0.4975\n",
        "epoch   grad  param\n           w      w\n   1  -3.75  0.875\n   2 -1.275 1.0025\n",
        "kind      w      b\nstep              \n1     0.875   0.45\n2    1.0025 0.4975\n",
    ],
)
def test_a_table_whose_second_line_says_something_else_is_none_of_these(text: str) -> None:
    assert not is_in_levels(Source("t", text))


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=8, unique=True),
    st.sampled_from(NAMES),
    st.booleans(),
    st.data(),
)
def test_a_printed_series_is_read_as_its_frame(
    steps: list[int], name: str, is_named: bool, data: st.DataObject
) -> None:
    numbers = [data.draw(st.integers(-9999, 9999)) / 100 for _ in steps]
    series = pd.Series(numbers, index=pd.Index(steps, name="step" if is_named else None), name=name)
    with pd.option_context("display.float_format", lambda number: f"{number:.2f}"):
        text, frame = str(series), str(series.to_frame())
    assert is_series(Source("t", text))
    if not is_named and steps != list(range(1, len(steps) + 1)):
        with pytest.raises(ClaimError, match="a column without a name has numbers"):
            claimed(text, RUN)
    else:
        assert claimed(text, RUN) == claimed(frame, RUN)


def test_a_series_of_numbers_with_names_is_a_row() -> None:
    row = pd.Series({"step": 2, "w": 0.5, "b": None, "loss": 1.25}, name=7)
    assert claimed(f"{row}\n", RUN) == [(2, "after", "w", "0.50"), (2, "loss", "loss", "1.25")]
    assert claimed(f"{FRAME.mean()}\n".replace("step", "lr  "), RUN)[0][:3] == (1, "setting", "lr")


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (pd.Series([0.5, 0.25]), r"^t.csv:1:1: a Series without a name; print it with .*series.rename"),
        (FRAME[["w", "b"]].loc[1], r"^t.csv:3:7: a Series called 1, which may be the step of its numbers or the place"),
        (pd.Series([0.5, 0.25], index=[0.5, 1.5], name="w"), "numbers in the place of names"),
    ],
)
def test_a_series_that_says_too_little_is_refused(series: pd.Series, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(f"{series}\n", RUN)


def test_a_long_series_that_pandas_has_cut() -> None:
    series = pd.Series([0.5] * 100, index=pd.Index(range(1, 101), name="step"), name="w")
    found = claimed(str(series), timeline_of("article", epochs=40))
    assert [step for step, *_ in found] == [1, 2, 3, 4, 5, 96, 97, 98, 99, 100]
