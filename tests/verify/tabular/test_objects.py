"""What a Python program hands over: a data frame, a list of dicts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from derive.errors import ClaimError
from derive.problem.loading import load
from tests.timelines import timeline_of
from verify.auditing.pipeline import audit

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
        ({"step": [1], "w": [2]}, "claims are a dict; expected the name of a file, a DataFrame or a list of dicts"),
        (3, "claims are a int; expected"),
        ([1, 2], r"claims\[0\] is a int; expected a dict such as"),
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
