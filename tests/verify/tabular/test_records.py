"""Rows that name each number: logs and JSON."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table

ARTICLE = timeline_of("article")
EXPECTED = [(1, "loss", "loss", "146.67"), (1, "after", "w", "0.267"), (2, "loss", "loss", "280.67")]


@pytest.mark.parametrize(
    "log",
    [
        "step=1 loss=146.67 w=0.267\nstep=2 loss=280.67\n",
        "Step 1, Loss: 146.67, w: 0.267\nStep 2, Loss: 280.67\n",
        "step 1/3 | loss 146.67".replace(" 146", ": 146") + " | w: 0.267\nstep 2/3 | loss: 280.67\n",
        "Epoch [1/1], Batch [1/3], Loss: 146.67, w: 0.267\nEpoch [1/1], Batch [2/3], Loss: 280.67\n",
        "Training begins\n\nstep: 1, loss: 146.67, w: tensor([0.267])\nstep: 2, loss: 280.67\nDone.\n",
        "2026-01-02 10:11:12,123 INFO step=1 loss=146.67 w=0.267\n2026-01-02 10:11:13 INFO step=2 loss=280.67\n",
        "step 1: loss = 146.67; w = 0.267\nstep 2: loss = 280.67\n",
        "step=1,loss=146.67,w=tensor(0.267,\n   grad_fn=<X>)\nstep=2,loss=280.67\n",
        '{"step": 1, "loss": 146.67, "w": 0.267}\n{"step": 2, "loss": 280.67, "w": null}\n',
        '[{"step": 1, "loss": "146.67", "w": [0.267]},\n {"step": 2, "loss": 280.67}]',
    ],
)
def test_rows_that_name_each_number(log: str) -> None:
    assert claimed(log, ARTICLE) == EXPECTED


def test_lines_without_numbers_are_counted() -> None:
    text = "Training begins\nstep=1 loss=146.67\nDone.\n"
    assert (
        read_table(text, "t", ARTICLE).told
        == "read as lines of names and numbers, 1 row, 2 lines without claims left out: 'Training begins', 'Done.'"
    )


def test_a_line_that_diverges_is_a_line() -> None:
    reading = read_table("w=0.267\nw=nan\nw=3.32\n", "t", ARTICLE)
    assert [(claim.cell.step, claim.literal.text) for claim in reading.claims] == [
        (1, "0.267"),
        (2, "nan"),
        (3, "3.32"),
    ]
    reading = read_table("w=0.267\nw=unknown\nw=3.32\n", "t", ARTICLE)
    assert [claim.cell.step for claim in reading.claims] == [1, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step=1 w=0.267 0.3\n", r"^t\.csv:1:16: no name with its number behind it"),
        (
            "step=1 w=0.267\nstep=2 w 3 4\n",
            r"^t\.csv:2:12: no name with its number behind it; expected such as loss=2.25",
        ),
        ("step=1 w=0.267 w=0.268\n", r"^t\.csv:1:16: 'w' stands twice in one row; leave one out"),
        ("step=1 w=[0.267\n", r"^t\.csv:1:10: a bracket opens here and does not close"),
        ("step 4/3: w = 1\n", r"^t\.csv:1:1: 'step 4/3:' counts beyond its end"),
        ('{"step": 1, "w": 0.267\n', r"^t\.csv:2:1: not JSON: expected ',' or '}' here"),
        ('{"step": 1, "w": 0.267}\n{"step": 2, "w"', r"^t\.csv:2:16: not JSON: expected ':' here"),
        ('[{"step": 1, "w": 0.267}', r"^t\.csv:1:25: not JSON: expected ',' or ']' here"),
        ('[{"step": 1, "w": 0.267},]', r"^t\.csv:1:26: not JSON: expected another item after the ',' here"),
        ('{"step": 1, "w": 0.267, "w": 0.3}', r"^t\.csv:1:26: 'w' stands twice in one row"),
        ('{"step": 1, "w": 0.267}\nDone.', r"^t\.csv:2:1: not JSON: expected an object such as"),
        ('{"w": ' + "[" * 100_000, r"not a table: lists within lists without end|not JSON"),
    ],
)
def test_what_is_no_such_row(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(text, ARTICLE)


def test_the_digits_of_json_are_kept() -> None:
    text = '{"step": 1, "w": 2.6700e-01, "b": 0.240}\n'
    assert [literal for *_, literal in claimed(text, ARTICLE)] == ["2.6700e-01", "0.240"]
    assert claimed('{"step": 1, "w": {"grad": -26.67}}', ARTICLE) == [(1, "gradients", "dl/dw", "-26.67")]


@given(
    st.sampled_from(["columns", "index", "records", "split", "table"]),
    st.lists(st.tuples(st.integers(-99, 99), st.integers(0, 99)), min_size=1, max_size=3),
    st.booleans(),
)
def test_a_data_frame_as_pandas_writes_it_in_json(orient: str, rows: list[tuple[int, int]], is_index: bool) -> None:
    frame = pd.DataFrame(
        {
            "step": range(1, len(rows) + 1),
            "w": [w / 8 for w, _ in rows],
            "loss": [loss / 8 for _, loss in rows],
        }
    )
    frame = frame.set_index("step") if is_index and orient != "records" else frame
    text = frame.to_json(orient=orient, indent=2 if rows[0][0] % 2 else None)
    found = [(step, name, float(number)) for step, _, name, number in claimed(text, ARTICLE)]
    expected = [
        (step, name, value / 8)
        for step, row in enumerate(rows, start=1)
        for name, value in zip(("w", "loss"), row, strict=True)
    ]
    assert sorted(found) == sorted(expected)


def test_names_of_two_levels_in_json() -> None:
    frame = pd.DataFrame({("grad", "w"): [-26.67], ("new", "b"): [0.24]}, index=[1])
    found = claimed(frame.to_json(orient="split"), ARTICLE)
    assert [(step, name, number) for step, _, name, number in found] == [(1, "dl/dw", "-26.67"), (1, "b", "0.24")]


def test_an_index_that_may_be_the_steps_is_refused_in_any_form() -> None:
    frame = pd.DataFrame({"w": [0.267, 1.63]}, index=[3, 5])
    for orient in ("split", "table"):
        with pytest.raises(ClaimError, match="a column without a name has numbers"):
            claimed(frame.to_json(orient=orient), ARTICLE)


@pytest.mark.parametrize("orient", ["split", "table"])
@pytest.mark.parametrize("cut", range(5, 150, 7))
def test_what_is_cut_short_is_refused(orient: str, cut: int) -> None:
    text = pd.DataFrame({"step": [1, 2], "w": [0.267, 1.63]}).to_json(orient=orient)
    with pytest.raises(ClaimError):
        claimed(text[: min(cut, len(text) - 1)], ARTICLE)
