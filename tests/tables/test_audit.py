"""An audit as people and programs read it, the empty table, and a folder of filled-in ones."""

import json
from pathlib import Path

import pandas as pd
import pytest

from derive.console import run
from derive.errors import ClaimError, SettingError
from derive.problem.loading import load
from derive.run.precedence import effective
from tables import output
from tables.audit import AUDIT_COLUMNS, claims, to_json
from tables.command import main as tables_main
from tables.grade import GRADE_COLUMNS, grade, grade_frame
from tables.text.audit import to_text
from tables.worksheet import worksheet
from verify.auditing.pipeline import audit
from verify.command import main as verify_main

WRONG = """\
A line fitted to nine points, three batches of three
SGD, lr 0.01, batch_size 3 of 9, epochs 1, float32
claims of --claim

step     dl/dw         w
   1  -26.67 ✓   0.267 ✓
   2            1.53 ✗
   3  -178.7 ↳

✓ right   ✗ wrong here   ↳ follows from an earlier wrong number

4 claims: 2 right, 1 wrong, 1 inherited
first wrong: step 2, w, claimed as 1.53; right is 1.63 (1.625244)

step 2, w = 1.53 is wrong: right is 1.63 (1.625244); from the numbers before it,
  as printed, it lies between 1.625133 and 1.6258

step 3, dl/dw = -178.7 follows from step 2, w; right is -169.2 (-169.1916)
"""

CLAIMS = ("step 1: dl/dw = -26.67", "step 1: w = 0.267", "step 2: w = 1.53", "step 3: dl/dw = -178.7")


def test_the_printed_account_of_a_wrong_table() -> None:
    text = to_text(audit("article", sentences=CLAIMS))
    assert [line.split() for line in text.splitlines()] == [line.split() for line in WRONG.splitlines()]
    assert max(map(len, text.splitlines())) <= 80


def test_colour_is_for_terminals_and_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = audit("article", sentences=CLAIMS)
    assert "\x1b[" not in to_text(found)
    assert "\x1b[1;31m" in to_text(found, colour=True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in to_text(found)


def test_every_column_of_the_frame_is_described_and_typed() -> None:
    made = claims(audit("article", sentences=CLAIMS))
    assert list(made.columns) == list(AUDIT_COLUMNS)
    assert {name: str(made[name].dtype) for name in made} == {
        name: "string" if dtype == "string" else dtype for name, (dtype, _) in AUDIT_COLUMNS.items()
    }
    row = made.iloc[3]
    assert (row["claimed"], row["right"], row["status"], row["inherited_from"]) == (
        "-178.7",
        "-169.2",
        "inherited",
        "step 2: w",
    )


def test_json_has_a_schema_and_stable_statuses() -> None:
    document = json.loads(to_json(audit("article", sentences=CLAIMS)))
    assert document["schema"] == "handgrad/audit/1"
    assert [claim["status"] for claim in document["claims"]] == ["right", "right", "wrong", "inherited"]
    assert set(document["counts"]) == {
        *("right", "truncated", "double_rounded", "residue", "wrong", "inherited", "undecided")
    }
    assert document["first_wrong"]["right"] == "1.63"


def test_exit_statuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert verify_main(["--claims"], output) == 0
    assert verify_main(["--claim", "step 1: w = 0.4"], output) == 1
    assert verify_main(["tanh_network", "--epochs", "500000", "--claim", "step 1000000: c = 1"], output) == 3
    assert run(lambda: verify_main(["--claim", "step 1: q = 0.3"], output)) == 2
    assert run(lambda: verify_main(["--claims", str(tmp_path / "no.csv")], output)) == 2
    assert run(lambda: verify_main(["--claims", "--units", "0"], output)) == 2
    error = capsys.readouterr().err
    assert "error: --claim:9: unknown quantity 'q'" in error
    assert "expected a CSV file of claims" in error
    assert "--units '0': expected a whole number from 1 to 1000" in error


def test_the_csv_of_an_audit(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert verify_main(["--claims", "--lr", "0.1", "--csv", str(path), "--format", "json"], output) == 1
    made = pd.read_csv(path)
    assert list(made.columns) == list(AUDIT_COLUMNS)
    assert list(made["first_wrong"]).index(True) == 3


# Round trips


@pytest.mark.parametrize("name", ["article", "parabola", "logistic", "tanh_network", "line"])
def test_exported_tables_claimed_back_are_right(name: str, tmp_path: Path) -> None:
    assert tables_main([name, "--output", str(tmp_path)]) == 0
    for file in ("steps.csv", "epochs.csv", "comparison.csv"):
        found = audit(name, claims=tmp_path / file)
        assert found.findings
        assert {status.value for status in found.counts} == {"right"}, file


# Worksheets


def test_a_worksheet_gives_away_what_is_asked_for() -> None:
    problem = load("article")
    chosen = effective(problem, {})
    assert worksheet(problem, chosen).splitlines()[:2] == [
        "step,epoch,batch,n,loss,dl/dw,dl/db,lr,w,b",
        "1,1,1,3,,,,0.01,,",
    ]
    given = worksheet(problem, chosen, "1,w").splitlines()
    assert given[1] == "1,1,1,3,146.667,-26.6667,-24,0.01,0.266667,0.24"
    assert given[2] == "2,1,2,,,,,,1.62524,"
    with pytest.raises(SettingError, match="--give 'q': neither a column nor a step from 1 to 3; known: n, loss"):
        worksheet(problem, chosen, "q")


def test_a_worksheet_that_is_all_given_away_goes_back_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("article", "tanh_network", "parabola"):
        path = tmp_path / f"{name}.csv"
        steps = ",".join(map(str, range(1, 4)))
        assert tables_main([name, "--steps", "3", "--worksheet", str(path), "--give", steps]) == 0
        found = audit(name, claims=path, steps=3)
        assert {status.value for status in found.counts} == {"right"}
        assert len(found.findings) >= 9
    assert str(tmp_path / "article.csv") in capsys.readouterr().out


# Grades


def test_a_folder_of_tables_is_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "anna.csv").write_text("step,dl/dw,w\n1,-26.67,0.267\n2,-135.86,1.63\n")
    (tmp_path / "in" / "ben.csv").write_text("step,dl/dw,w\n1,-26.67,0.267\n2,-135.86,1.53\n3,-178.7,\n")
    (tmp_path / "in" / "cleo.csv").write_text("step,dl/dq\n1,2\n")
    (tmp_path / "in" / "notes.txt").write_text("not a table")
    status = tables_main(["article", "--grade", str(tmp_path / "in"), "--output", str(tmp_path / "out")])
    assert status == 2
    said = capsys.readouterr()
    assert "cleo.csv:1:6: unknown quantity 'dl/dq'" in said.err
    made = pd.read_csv(said.out.strip())
    assert list(made.columns) == list(GRADE_COLUMNS)
    assert list(made["file"]) == ["anna.csv", "ben.csv", "cleo.csv"]
    assert list(made["score"])[:2] == [1.0, 0.8]
    assert list(made["empty"])[:2] == [0, 1]
    assert list(made["first_wrong"])[1] == "step 2: w"
    assert list(made["right_value"])[1] == 1.63


@pytest.mark.parametrize(
    ("table", "empty"),
    [
        ("step,w,b,\n1,,n/a,\n2,1.63,,\n", 3),
        ("step,quantity,index,value\n1,w,,0.267\n2,w,,—\n", 1),
    ],
)
def test_a_grade_tells_how_many_cells_are_empty(tmp_path: Path, table: str, empty: int) -> None:
    (tmp_path / "anna.csv").write_text(table, encoding="utf-8")
    made = grade_frame(grade(load("article"), str(tmp_path), None, {}, print))
    assert (list(made["empty"]), list(made["claims"]), list(made["score"])) == ([empty], [1], [1.0])


def test_grades_written_into_the_folder_are_not_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "anna.csv").write_text("step,dl/dw,w\n1,-26.67,0.267\n")
    arguments = ["article", "--grade", str(tmp_path), "--output", str(tmp_path)]
    assert [tables_main(arguments), tables_main(arguments)] == [0, 0]
    assert list(pd.read_csv(capsys.readouterr().out.split()[-1])["file"]) == ["anna.csv"]


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match="holds no CSV file; expected one for each table to be judged"):
        grade(load("article"), str(tmp_path), None, {}, print)
    with pytest.raises(ClaimError, match="is not a folder; expected one that holds CSV files of claims"):
        grade(load("article"), str(tmp_path / "no"), None, {}, print)
    assert list(grade_frame(()).columns) == list(GRADE_COLUMNS)
