"""Rows as Python prints them, names in the first of them."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.printed.forms import read_grid
from verify.tabular.grid import Source

RUN = timeline_of("article")
NAMES = st.lists(st.sampled_from(["step", "w", "b", "dl/dw", "loss", "a[0]"]), min_size=2, max_size=5, unique=True)


class Digits(Decimal):
    """A number that shows its digits and no more, as a float does."""

    def __repr__(self) -> str:
        return str(self)


@given(NAMES, st.integers(1, 4), st.sampled_from(["list", "tuple", "lines", "in lines", "JSON"]), st.data())
def test_what_python_prints_is_read_back(names: list[str], count: int, form: str, data: st.DataObject) -> None:
    numbers = st.integers(-99999, 99999).map(lambda number: Digits(f"{number / 100:.2f}"))
    rows: list[tuple[object, ...]] = [tuple(names)]
    rows += [tuple(data.draw(numbers) for _ in names) for _ in range(count)]
    texts = {
        "list": str(rows),
        "tuple": str(tuple(rows)),
        "lines": "\n".join(map(str, rows)),
        "in lines": "[" + ",\n ".join(map(str, rows)) + "]",
        "JSON": json.dumps([[str(cell) for cell in row] for row in rows]),
    }
    grid = read_grid(Source("t", f"{texts[form]}\n"))
    assert [[cell.text for cell in row] for row in grid.rows] == [[str(cell) for cell in row] for row in rows]
    for row in grid.rows:
        for cell in row:
            assert cell.place.column is not None
            assert cell.place.text[cell.place.column - 1 :].startswith(cell.text)


def test_numbers_of_other_types() -> None:
    text = "[('step', 'w', 'b'), (np.int64(1), np.float64(0.267), tensor(0.24)), (2, None, tensor([0.5], dtype=f))]\n"
    assert [one[2:] for one in claimed(text, RUN)] == [("w", "0.267"), ("b", "0.24"), ("b", "0.5")]


def test_names_each_with_its_number() -> None:
    text = "[('w', 0.267), ('b', tensor(0.24, grad_fn=<SubBackward0>)), ('w', Parameter containing:\ntensor(1.63))]\n"
    found = claimed(text, RUN)
    assert [number for *_, number in found] == ["0.267", "0.24", "1.63"]
    assert [(step, name) for step, _, name, _ in found] == [(1, "w"), (1, "b"), (2, "w")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[('step', 'w'), (1, 0.267", r"^t.csv:1:26: a tuple that breaks off here"),
        ("[('step', 'w'), (1 0.267)]", r"^t.csv:1:20: a tuple that breaks off here"),
        ("[('step', 'w'), (1, 0.267), 5]", r"^t.csv:1:29: no tuple; expected such as \(1, 0.267\)"),
        ("[('step', 'w'), (1, 0.267)] and more", r"^t.csv:1:29: nothing is read behind the rows"),
        ("[('step', 'w'), (1, 0.267, 0.24)]", r"^t.csv:1:28: 3 cells in this row; expected 2"),
        ("(1, 0.267)\n(2, 1.63)", "the first line has numbers in the place of names|numbers without names"),
        ("[\n [1, 0.267],\n [2, 1.63]\n]", "the first line has numbers in the place of names|numbers without names"),
        ("[[1, 0.267], [2, 1.63]]", "the first line has numbers in the place of names"),
    ],
)
def test_what_breaks_off_is_refused_where_it_does(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        claimed(f"{text}\n", RUN)


@given(st.text("()[],'\" 1w.\n", max_size=30))
def test_anything_that_begins_so_is_read_or_refused(text: str) -> None:
    for begin in ("[('step', 'w')", "('step', 'w')\n", "[["):
        with contextlib.suppress(ClaimError):
            read_grid(Source("t", begin + text))


@pytest.mark.parametrize("name", ["Row", "Step", "TrainingStep"])
def test_dataclasses(name: str) -> None:
    text = f"{name}(step=1, w=0.267, loss=np.float64(146.67))\n{name}(step=2, w=tensor(1.63), loss=280.67)\n"
    found = {(step, label, number) for step, _, label, number in claimed(text, RUN)}
    assert found == {(1, "w", "0.267"), (1, "loss", "146.67"), (2, "w", "1.63"), (2, "loss", "280.67")}
    assert read_grid(Source("t", text)).form == "dataclasses as Python shows them"
