"""Predictions beside the numbers of training, in tables, in JSON, and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tables
from derive.errors import ClaimError
from tables.audit import to_json
from verify import audit

LINE = '''
equations = """
p = w*x + b
l = mean((p - y)^2)
"""
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3, 4]
y = [2, 3, 5, 7]
[predict]
x = [10, 11]
[training]
lr = 0.01
epochs = 2
'''
# w after two steps is 0.467…, b is 0.158…: p at x = 10 and 11 of [predict], and at x = 1 in the last step
ROWS = '{"step": 2, "p[0]": 0.34}\n{"step": "predict 0", "p": 4.83055}\n{"stage": "predict", "p[1]": 5.3}\n'


def jsonl(text: str, folder: Path) -> Path:
    file = folder / "claims.jsonl"
    file.write_text(text)
    return file


def test_a_prediction_is_told_from_the_same_line_in_the_last_step(tmp_path: Path) -> None:
    found = audit(LINE, claims=jsonl(ROWS, tmp_path))
    rows = json.loads(to_json(found))["claims"]
    assert [(row["stage"], row["quantity"], row["index"], row["status"]) for row in rows] == [
        ("train", "p", "0", "right"),
        ("predict", "p", "0", "right"),
        ("predict", "p", "1", "right"),
    ]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_written_is_read_back_as_it_was(form: str, tmp_path: Path) -> None:
    rows = ROWS.replace("5.3", "5.4") + '{"epoch": 1, "mean_of_batches": 21.75}\n'
    frame = tables.claims(audit(LINE, claims=jsonl(rows, tmp_path)))
    assert list(frame["stage"]) == ["train", "predict", "predict", "epoch"] or "epoch" in set(frame["stage"])
    file = tmp_path / f"back.{form}"
    frame.to_csv(file, index=False) if form == "csv" else frame.to_json(file, orient="records", lines=True)
    again = tables.claims(audit(LINE, claims=file))
    for name in ("stage", "step", "quantity", "index", "status"):
        assert list(again[name]) == list(frame[name]), name


def test_a_word_that_is_no_stage_is_refused_where_it_stands() -> None:
    with pytest.raises(ClaimError, match="the stage 'valid' is unknown; expected one of: train, epoch, predict"):
        audit(LINE, claims=[{"stage": "valid", "step": 2, "w": 0.4}])


def test_a_line_called_stage_is_what_it_names() -> None:
    text = LINE.replace("p = w*x + b", "p = w*x + b\nstage = w^2")
    found = audit(text, claims=[{"step": 1, "stage": 0}])
    assert [finding.cell.name for finding in found.findings] == ["stage"]
