"""What a Python program hands over: a data frame or a series, a list of dicts, a dict of lists or of dicts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from derive.errors import ClaimError
from derive.problem.loading import load
from tests.timelines import timeline_of
from verify.auditing.pipeline import audit
from verify.claims.table import read_rows, read_table
from verify.tabular.objects import read_objects

ARTICLE = timeline_of("article")
EXPECTED = [(1, "loss", "loss", "146.67"), (1, "after", "w", "0.267"), (2, "loss", "loss", "280.67")]
ROWS = [{"step": 1, "w": 0.267, "b": "0.24"}, {"step": 2, "w": 1.63, "b": None}]


def test_a_list_of_dicts() -> None:
    found = audit("article", claims=ROWS)
    assert [one.claim.literal.text for one in found.findings] == ["0.267", "0.24", "1.63"]
    assert {one.status.value for one in found.findings} == {"right"}
    assert (found.source, found.told) == ("a list of dicts", ("read as a list of dicts, 2 rows",))
    [unread] = audit("article", claims=[*ROWS, {"step": 3, "w": "about 3"}]).unread
    assert str(unread).startswith("claims[2]['w']: 'about 3' is not a number")


def test_a_data_frame() -> None:
    frame = pd.DataFrame({"step": [1, 2], "w": np.array([0.267, 1.63], dtype=np.float32), "b": [0.24, float("nan")]})
    for given in (frame, frame.set_index("step"), frame.astype({"w": "string"})):
        found = audit("article", claims=given)
        assert [one.claim.literal.text for one in found.findings] == ["0.267", "0.24", "1.63"]
        assert (found.source, found.exit_status) == ("a DataFrame", 0)
    with pytest.raises(ClaimError, match=r"^the column 'v': unknown quantity 'v'"):
        audit("article", claims=frame.rename(columns={"w": "v"}))


def test_arrays_from_python() -> None:
    problem = load("article")
    for value in (np.array([0.267]), [0.267], (0.267,), [np.float64(0.267)], Fraction(4, 15)):
        [finding] = audit(problem, claims=[{"step": 1, "w": value}]).findings
        assert finding.status.value == "right"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"w": {"a": 1}, "b": 2}, "claims are a dict of dicts that is no table; expected such as"),
        (pd.Series([0.267, 1.63]), "claims are a Series without a name; give it that of its numbers"),
        (pd.DataFrame({"w": [0.2, 1.6]}).loc[1], "claims are a Series called 1, which may be the step"),
        (3, "claims are a int; expected"),
        ([1, 2], r"claims\[0\] is a int; expected a dict such as .*, or first a tuple of names, then tuples"),
        ([(1, 0.267), (2, 1.63)], r"claims\[0\] is '\(1, 0.267\)'; expected the names, such as \('step', 'w'\)"),
        ([("step", "w"), (1, 0.267, 0.24)], r"^claims\[1\]\[2\]: 3 cells in this row; expected 2"),
        ({"columns": ["step", "w"], "data": [[1, "high"]]}, "'high' is not a number"),
        ([], "has no table"),
        ([{}], "has no table"),
        (pd.DataFrame({"step": [], "w": []}), "claims nothing"),
        ([{"step": 1, "w": True}], r"^claims\[0\]\['w'\]: 'True' is not a number"),
    ],
)
def test_what_is_neither(given: object, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        audit("article", claims=given)  # type: ignore[arg-type]


def test_json_names_what_is_not_read() -> None:
    from tables.audit import to_json

    document = json.loads(to_json(audit("article", claims=[*ROWS, {"step": 3, "w": "about"}])))
    [unread] = document["unread"]
    assert unread["place"] == "claims[2]['w']"
    assert unread["why"].startswith("'about' is not a number")
    assert document["notes"] == ["read as a list of dicts, 3 rows"]


def test_an_index_without_a_name_says_the_rows_or_is_refused() -> None:
    """It was left out without a word, and the rows were counted."""
    frame = pd.DataFrame({"loss": [146.67, 145.28]})
    right = pd.DataFrame({"loss": [146.67, 280.67]}, index=[1, 2])
    assert audit("article", claims=right).exit_status == 0
    for index in ([1, 3], [0, 2], [2, 1], [10, 20]):
        with pytest.raises(ClaimError, match="a column without a name has numbers; name it"):
            audit("article", claims=frame.set_index(pd.Index(index)))
        found = audit("article", claims=frame.assign(step=[1, 3]).set_index(pd.Index(index)))
        assert (found.exit_status, found.told) == (0, ("read as a DataFrame, 2 rows, its index passed over",))
    with pytest.raises(ClaimError, match="'row label' has 1, 3 and may say the step"):
        audit("article", claims=frame.set_index(pd.Index(["step 1", "step 3"])))
    assert audit("article", claims=frame.assign(step=[1, 3]).set_index(pd.Index(["a", "b"]))).exit_status == 0


@pytest.mark.parametrize("form", ["frame", "dicts", "json", "printed"])
def test_the_point_of_a_number_says_nothing_of_a_comma_in_a_text(form: str, tmp_path: Path) -> None:
    rows = [{"step": 1, "loss": 146.67, "w": "1,267"}, {"step": 2, "loss": 280.67, "w": "1,625"}]
    given: object = {"frame": pd.DataFrame(rows), "dicts": rows}.get(form, tmp_path / "rows.txt")
    text = json.dumps(rows) if form == "json" else "\n".join(map(str, rows))
    (tmp_path / "rows.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ClaimError, match="'1,267' is 1267 if its comma is a thousands mark"):
        audit("article", claims=given)  # type: ignore[arg-type]
    (tmp_path / "rows.txt").write_text(text.replace("1,267", "0,27"), encoding="utf-8")
    rows[0]["w"] = "0,27"
    given = {"frame": pd.DataFrame(rows), "dicts": rows}.get(form, tmp_path / "rows.txt")
    found = audit("article", claims=given)  # type: ignore[arg-type]
    assert [one.claim.literal.text for one in found.findings] == ["146.67", "0.27", "280.67", "1.625"]
    assert found.exit_status == 0


FRAME = pd.DataFrame({"step": [1, 2, 3], "w": [0.267, 1.63, 3.32], "loss": [146.67, 280.67, 145.28]})


@pytest.mark.parametrize(
    "given",
    [
        FRAME.set_index("step")["w"],
        FRAME["w"],
        pd.Series({1: 0.267, 2: 1.63, 3: 3.32}, name="w"),
        pd.Series({1: 0.267, 2: 1.63, 3: 3.32}, name="new w").rename_axis("iteration"),
        {"w": [0.267, 1.63, 3.32]},
        {"w": np.array([0.267, 1.63, 3.32]), "step": FRAME["step"]},
        {"w": {1: 0.267, 2: 1.63, 3: 3.32}},
        {1: {"w": 0.267}, 2: {"w": 1.63}, 3: {"w": 3.32}},
        {"step 1": {"w": 0.267}, "step 2": {"w": 1.63}, "step 3": {"w": 3.32}},
        {"w": {"step 1": 0.267, "step 2": 1.63, "step 3": 3.32}},
        FRAME[["w"]].to_dict(),
        FRAME[["w"]].to_dict("list"),
        FRAME[["w"]].to_dict("series"),
        FRAME.set_index("step")[["w"]].to_dict("index"),
    ],
)
def test_the_numbers_of_a_name_by_steps(given: Any) -> None:
    found = audit("article", claims=given)
    assert [(one.cell.step, one.cell.name, one.claim.literal.text) for one in found.findings] == [
        (1, "w", "0.267"),
        (2, "w", "1.63"),
        (3, "w", "3.32"),
    ]
    assert found.exit_status == 0


@pytest.mark.parametrize("given", [FRAME.loc[1], FRAME.iloc[1].rename(None), {"step": 2, "w": 1.63, "loss": 280.67}])
def test_the_numbers_of_a_step_by_names(given: Any) -> None:
    found = audit("article", claims=given)
    assert [(one.cell.step, one.cell.name) for one in found.findings] == [(2, "loss"), (2, "w")]
    assert found.exit_status == 0


@drawn(
    st.lists(st.lists(st.decimals(-99, 99, places=3).map(str), min_size=2, max_size=2), min_size=1, max_size=3),
    st.sampled_from(["step", "iteration", "batch"]),
)
def test_a_table_is_the_same_as_dicts_of_dicts(rows: list[list[str]], word: str) -> None:
    by_step = {f"{word} {k}": dict(zip("wb", row, strict=True)) for k, row in enumerate(rows, start=1)}
    by_name = {name: {step: row[name] for step, row in by_step.items()} for name in "wb"}
    plain = [{word: k, **row} for k, row in enumerate(by_step.values(), start=1)]
    expected = of(plain)
    assert of(by_step) == of(by_name) == expected
    assert claims_of(json.dumps(by_step) + "\n") == claims_of(json.dumps(by_name) + "\n") == expected
    assert claims_of(f"{by_step}\n") == claims_of(f"{by_name}\n") == expected


def of(given: object) -> list[tuple[int, str, str]]:
    _, grid = read_objects(given)
    return [(one.cell.step, one.cell.name, one.literal.text) for one in read_rows(grid, ARTICLE).claims]


def claims_of(text: str) -> list[tuple[int, str, str]]:
    return [(one.cell.step, one.cell.name, one.literal.text) for one in read_table(text, "t", ARTICLE).claims]


def test_tuples_of_which_the_first_has_the_names() -> None:
    rows: list[tuple[object, ...]] = [("step", "w", "b"), (1, 0.267, "0.24"), (2, np.float64(1.63), None)]
    for given in (
        rows,
        [list(row) for row in rows],
        {"columns": rows[0], "data": rows[1:]},
        {"index": [1, 2], "columns": rows[0], "data": rows[1:]},
    ):
        found = audit("article", claims=given)  # type: ignore[arg-type]
        assert [one.claim.literal.text for one in found.findings] == ["0.267", "0.24", "1.63"]
        assert found.exit_status == 0


def test_names_each_with_its_number() -> None:
    found = audit("article", claims=list({"step": 2, "w": 1.63, "b": 0.57}.items()))
    assert [(one.cell.step, one.cell.name, one.status.value) for one in found.findings] == [
        (2, "w", "right"),
        (2, "b", "right"),
    ]


def test_a_frame_as_a_dict_of_its_parts() -> None:
    frame = pd.DataFrame({"w": [0.267, 1.63], "b": [0.24, 0.57]}, index=[1, 2])
    found = audit("article", claims=frame.to_dict("split"))
    assert [one.claim.literal.text for one in found.findings] == ["0.267", "0.24", "1.63", "0.57"]
    assert found.told == ("read as a dict, its data, 2 rows, its index passed over",)


def test_dicts_in_dicts_are_groups_of_names() -> None:
    logged = {"_step": 1, "train": {"loss": 146.67}, "params": {"w": 0.267}, "grads": {"w": "-26.67"}, "_runtime": 2.5}
    expected = ["146.67", "-26.67", "0.267"]
    for given in ([logged], json.dumps(logged) + "\n", f"{logged}\n"):
        found = audit("article", claims=given)
        assert [one.claim.literal.text for one in found.findings] == expected
        assert {one.status.value for one in found.findings} == {"right"}
    deeper = json.dumps({"_step": 1, "model": {"params": {"w": 0.267}}, "loss": 146.67}) + "\n"
    assert len(audit("article", claims=deeper).findings) == 2


def test_a_text_in_place_of_a_file_is_refused_whatever_its_length() -> None:
    for text in ("{" + '"w": 0.5, ' * 100 + "}", "w\0"):
        with pytest.raises(ClaimError):
            audit("article", claims=text)
