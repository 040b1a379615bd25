"""Dicts as Python prints them: every number with its digits, and never evaluated."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.printed.forms import read_grid
from verify.tabular.grid import Source


def cells(text: str) -> tuple[list[list[str]], str]:
    grid = read_grid(Source("t", text))
    return [[cell.text for cell in row] for row in grid.rows], f"{grid.form}; {grid.told}"


def test_what_a_trainer_prints() -> None:
    text = (
        " 33%|███▎      | 2/6 [00:00<00:00, 30.1it/s]{'loss': '40.32', 'epoch': '0.6667'}\n"
        "Saving model checkpoint to out/checkpoint-2\n"
        "{'loss': 35.340, 'w': tensor(0.5), 'b': None, 'e': nan, 'v': [0.5, 0.25], 'epoch': 1.333}\n"
    )
    rows, told = cells(text)
    assert rows == [
        ["loss", "epoch", "w", "b", "e", "v"],
        ["40.32", "0.6667", "", "", "", ""],
        ["35.340", "1.333", "tensor(0.5)", "", "nan", "[0.5  0.25]"],
    ]
    assert told == "printed dicts; 1 line without a dict passed over"
    assert cells("[{'a': 1.50, 'b': 2},\n {'a': 3}]")[0] == [["a", "b"], ["1.50", "2"], ["3", ""]]
    assert cells("{'loss': [46.034, 5.0], 'val': [6.9, None]}")[0] == [["loss", "val"], ["46.034", "6.9"], ["5.0", ""]]


def test_the_place_of_a_number() -> None:
    place = read_grid(Source("t", "x\n{'loss': 40.32, 'epoch': 1}")).rows[1][0].place
    assert (place.line, place.column) == (2, 10)
    place = read_grid(Source("t", '{"loss": [46.034, 5.0]}')).rows[2][0].place
    assert place.text[(place.column or 0) - 1 :].startswith("5.0")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{'loss': 17.0, 'epoch': ", 25),
        ("{'loss': 17.0, 'epoch'}", 16),
        ("{'loss': __import__('os').system('x')}", 26),
        ("{'loss': [1, 2}", 10),
        ("{'a': {'b': {'c': {'d': {'e': {'f': 1}}}}}}", 26),
    ],
)
def test_a_broken_dict_is_refused_where_it_breaks(text: str, column: int) -> None:
    with pytest.raises(ClaimError, match="a dict that breaks off here") as caught:
        cells(text)
    assert caught.value.place is not None
    assert caught.value.place.column == column


NAMES = st.sampled_from(["loss", "grad_norm", "learning_rate", "epoch", "w[0,1]", "train/loss"])
VALUES = st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_what_python_prints_is_read_back(rows: list[dict[str, float]], quoted: bool, one_list: bool) -> None:
    written = [{key: repr(value) if quoted else value for key, value in row.items()} for row in rows]
    text = str(written) if one_list else "".join(f"{row}\n" for row in written)
    header, *body = cells(text)[0]
    found = [{key: value for key, value in zip(header, row, strict=True) if value} for row in body]
    assert found == [{key: repr(value) for key, value in row.items()} for row in rows]


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1), min_size=1, max_size=5))
def test_a_state_in_json_is_read_back(rows: list[dict[str, float]]) -> None:
    text = json.dumps({"best": None, "log_history": rows, "args": {"a": [1, 2]}}, indent=2)
    header, *body = cells(text)[0]
    found = [{key: value for key, value in zip(header, row, strict=True) if value} for row in body]
    assert found == [{key: json.dumps(value) for key, value in row.items()} for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "{'step 1': {'w': 0.267, 'b': 0.24},\n 'step 2': {'w': 1.63}}",
        "{'w': {'step 1': 0.267, 'step 2': 1.63},\n 'b': {'step 1': 0.24}}",
        "{'w': {1: 0.267, 2: 1.63}, 'b': {1: 0.24, 2: None}}\n",
        "{1: {'w': 0.267, 'b': 0.24}, 2: {'w': 1.63, 'b': None}}\n",
    ],
)
def test_a_dict_of_dicts_is_by_steps_or_by_names(text: str) -> None:
    found = claimed(text, timeline_of("article"))
    assert [(step, name, number) for step, _, name, number in found] == [
        (1, "w", "0.267"),
        (1, "b", "0.24"),
        (2, "w", "1.63"),
    ]
