"""A folder of filled-in tables: how many are right, and what is refused."""

from pathlib import Path

import pandas as pd
import pytest

from derive.errors import ClaimError, SettingError
from derive.problem.loading import load
from tables.command import main as tables_main
from tables.grade import GRADE_COLUMNS, grade, grade_frame
from tests.tabled import FORMS
from tests.workbooks import excel, open_document

# Grades


def test_a_folder_of_tables_is_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "anna.csv").write_text("step,dl/dw,w\n1,-26.67,0.267\n2,-135.86,1.63\n")
    (tmp_path / "in" / "ben.csv").write_text("step,dl/dw,w\n1,-26.67,0.267\n2,-135.86,1.53\n3,-178.7,\n")
    (tmp_path / "in" / "cleo.csv").write_text("step,dl/dq\n1,2\n")
    (tmp_path / "in" / "notes.pdf").write_text("not a table")
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


def test_a_grade_tells_how_many_cells_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "anna.csv").write_text("step,w,b\n1,0.267,about 0.2\n2,1.63,\n", encoding="utf-8")
    made = grade_frame(grade(load("article"), str(tmp_path), None, {}, print))
    assert [list(made[name]) for name in ("empty", "unread", "claims", "score")] == [[1], [1], [2], [1.0]]


def test_a_graded_log_and_a_sheet_are_read_as_they_are_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    excel([["step", "loss"], ["0", "146.6667"], ["1", "280.6703"]], tmp_path / "anna.xlsx")
    (tmp_path / "ben.csv").write_text("step,train_loss\n0,146.6667\n1,280.6703\n2,145.3\n", encoding="utf-8")
    out = ["--output", str(tmp_path / "out")]
    arguments = ["article", "--grade", str(tmp_path), *out]
    assert tables_main([*arguments, "--log", "lightning", "--sheet", "Sheet"]) == 0
    made = pd.read_csv(capsys.readouterr().out.strip())
    assert (list(made["claims"]), list(made["score"])) == ([2, 3], [1.0, 1.0])
    assert tables_main([*arguments, "--log", "lightning", "--sheet", "other"]) == 2
    said = capsys.readouterr()
    assert "other" in said.err
    assert list(pd.read_csv(said.out.strip())["score"])[1] == 1.0
    with pytest.raises(ClaimError, match=r"--log: log 'lightnin' is no writer .* did you mean 'lightning'\?"):
        tables_main([*arguments, "--log", "lightnin"])
    for flag in ("--log", "--sheet"):
        with pytest.raises(SettingError, match=f"{flag} says how graded tables are read; give their folder with --gr"):
            tables_main(["article", flag, "lightning", *out])


def test_grades_written_into_the_folder_are_not_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "anna.csv").write_text("step,dl/dw,w\n1,-26.67,0.267\n")
    arguments = ["article", "--grade", str(tmp_path), "--output", str(tmp_path)]
    assert [tables_main(arguments), tables_main(arguments)] == [0, 0]
    assert list(pd.read_csv(capsys.readouterr().out.split()[-1])["file"]) == ["anna.csv"]


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match=r"holds no table; expected a file for each table to be judged \(\.csv, \.tsv"):
        grade(load("article"), str(tmp_path), None, {}, print)
    with pytest.raises(ClaimError, match="is not a folder; expected one that holds tables of claims"):
        grade(load("article"), str(tmp_path / "no"), None, {}, print)
    assert list(grade_frame(()).columns) == list(GRADE_COLUMNS)


def test_tables_in_every_form_are_graded(tmp_path: Path) -> None:
    table = [["step", "w", "b"], ["1", "0.267", "0.24"], ["2", "1.53", ""]]
    filled = [*table[:2], ["2", "1.53", "–"]]
    forms = {"csv": "CSV", "tsv": "tabs", "md": "Markdown", "rst": "grid", "tex": "LaTeX", "txt": "blanks"}
    for suffix, form in forms.items():
        (tmp_path / f"a.{suffix}").write_text(FORMS[form](filled), encoding="utf-8")
    (tmp_path / "a.json").write_text('[{"step": 1, "w": 0.267, "b": 0.24}, {"step": 2, "w": 1.53, "b": null}]')
    (tmp_path / "a.log").write_text("step=1 w=0.267 b=0.24\nstep=2 w=1.53\n")
    excel(table, tmp_path / "a.xlsx")
    open_document(table, tmp_path / "a.ods")
    (tmp_path / "~$a.xlsx").write_text("what Excel keeps while a workbook is open")
    made = grade_frame(grade(load("article"), str(tmp_path), None, {}, print))
    assert list(made["file"]) == sorted(f"a.{end}" for end in (*forms, "json", "log", "xlsx", "ods"))
    assert set(made["claims"]) == {3}
    assert set(made["empty"]) == {1}
    assert set(made["first_wrong"]) == {"step 2: w"}
    assert made["error"].isna().all()
