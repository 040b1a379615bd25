"""Workbooks: round trips of the digits that are shown, the sheet with the claims, and what cannot be read."""

from __future__ import annotations

import builtins
import contextlib
import datetime
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from derive.errors import ClaimError
from tests.timelines import timeline_of
from tests.workbooks import excel, fill, fits, open_document
from verify.auditing.pipeline import audit
from verify.claims.table import Reading, read_rows, table_of
from verify.command import parser
from verify.following.finding import Status
from verify.spreadsheet.sheet import DATE

ARTICLE = timeline_of("article")
TABLE = [
    ["step", "dl/dw", "dl/db", "w", "b", "loss"],
    ["1", "-26.67", "-24.00", "0.267", "0.24", "146.67"],
    ["2", "-135.86", "-33.39", "1.53", "0.57", "280.67"],
]


def texts(reading: Reading) -> list[tuple[int, str, str]]:
    return [(one.cell.step, one.cell.name, one.literal.text) for one in reading.claims]


EXPECTED = [(int(row[0]), name, text) for row in TABLE[1:] for name, text in zip(TABLE[0][1:], row[1:], strict=True)]


def read(path: Path, sheet: str | None = None) -> Reading:
    return read_rows(table_of(path, ARTICLE, sheet)[1], ARTICLE)


@pytest.mark.parametrize("name", ["mine.xlsx", "mine.ods", "comma.ods"])
def test_a_workbook_is_judged_by_the_digits_that_it_shows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("xlsx"):
        excel(TABLE, path)
    else:
        open_document(TABLE, path, comma=name.startswith("comma"))
    assert texts(read(path)) == EXPECTED
    found = audit("article", claims=path)
    assert found.first_wrong is not None
    assert (found.first_wrong.cell.name, found.first_wrong.claim.literal.text) == ("w", "1.53")
    assert str(found.first_wrong.claim.place) == f"{path}, D3"
    what = "an Excel workbook" if name.endswith("xlsx") else "an OpenDocument spreadsheet"
    assert found.told == (f"read as {what} (its numbers as they are shown), 2 rows",)


NUMBERS = st.one_of(
    st.decimals(-999, 999, places=3).map(str),
    st.integers(-(10**6), 10**6).map(str),
    st.builds("{}.25e{}{:02d}".format, st.integers(1, 9), st.sampled_from("+-"), st.integers(0, 14)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.lists(NUMBERS.filter(fits), min_size=3, max_size=3), min_size=1, max_size=3), st.booleans())
def test_what_is_written_is_read_back_digit_by_digit(tmp_path: Path, rows: list[list[str]], comma: bool) -> None:
    table = [["w", "b", "loss"], *rows]
    expected = [
        (step, name, text) for step, row in enumerate(rows, 1) for name, text in zip(table[0], row, strict=True)
    ]
    assert texts(read(excel(table, tmp_path / "t.xlsx"))) == expected
    assert texts(read(open_document(table, tmp_path / "t.ods", comma))) == expected


def book(tmp_path: Path, **sheets: Any) -> Path:
    """A workbook with sheets, each a table or what fills it."""
    made = Workbook()
    made.remove(made.active)  # type: ignore[arg-type]
    for title, content in sheets.items():
        sheet = made.create_sheet(title)
        if callable(content):
            content(sheet)
        else:
            fill(sheet, content)
    made.save(tmp_path / "mine.xlsx")
    return tmp_path / "mine.xlsx"


def test_the_sheet_with_the_claims(tmp_path: Path) -> None:
    notes = [["made by Anna"], ["for Monday"]]
    path = book(tmp_path, Notes=notes, Table=TABLE, Empty=[])
    assert texts(read(path)) == EXPECTED
    assert read(path).told.startswith("read as an Excel workbook (its numbers as they are shown), sheet 'Table' of 2")
    assert str(read(path).claims[0].place).endswith("mine.xlsx, Table!B2")
    both = book(tmp_path, One=TABLE, Two=TABLE)
    with pytest.raises(ClaimError, match=r"has claims on the sheets 'One' and 'Two'; choose one with --sheet"):
        read(both)
    assert texts(read(both, "Two")) == EXPECTED
    with pytest.raises(ClaimError, match=r"has no sheet 'Twoo'; did you mean 'Two'\?"):
        read(both, "Twoo")
    (tmp_path / "t.csv").write_text("step,w\n1,0.267\n")
    with pytest.raises(ClaimError, match=r"--sheet One: .*t\.csv is no workbook"):
        read(tmp_path / "t.csv", "One")
    assert parser().parse_args(["--sheet", "Two"]).sheet == "Two"


def test_a_date_a_formula_without_a_result_and_a_text_are_one_cell_each(tmp_path: Path) -> None:
    def filled(sheet: Any) -> None:
        fill(sheet, [["step", "w", "b", "loss"], ["1", "0.267", "0.24", "146.67"]])
        sheet["A3"], sheet["B3"] = 2, datetime.datetime(2026, 2, 1)
        sheet["C3"], sheet["D3"] = "=C2*2", "about 280"
        sheet["A4"], sheet["B4"], sheet["B4"].number_format = 3, 3.32, "0.00,"

    reading = read(book(tmp_path, Table=filled))
    assert [name for _, name, _ in texts(reading)] == ["w", "b", "loss"]
    said = [str(error).partition("mine.xlsx, ")[2] for error in reading.unread]
    assert sorted(said) == [
        f"B3: '2026-02-01 00:00:00' {DATE}",
        "B4: '3.32' is shown in the number format '0.00,', which is not read; format the cell as a number",
        "C3: '=C2*2' is a formula that was saved without its result; open and save the workbook in the spreadsheet",
        "D3: 'about 280' is not a number; expected a number, or an empty cell for no claim",
    ]


def test_the_saved_result_of_a_formula_is_read(tmp_path: Path) -> None:
    path = book(tmp_path, Table=TABLE)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    text = parts["xl/worksheets/sheet1.xml"].decode()
    assert "<v>0.267</v>" in text
    text = text.replace("<v>0.267</v>", "<f>0.1*2.67</f><v>0.26700000000000002</v>")
    text = text.replace('t="n"><v>0.24</v>', 't="str"><f>IF(1,"","")</f><v></v>')  # an empty text is no claim
    parts["xl/worksheets/sheet1.xml"] = text.encode()
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    reading = read(path)
    assert texts(reading) == [one for one in EXPECTED if one != (1, "b", "0.24")]
    assert reading.unread == ()


def test_titles_empty_columns_and_merged_cells(tmp_path: Path) -> None:
    def filled(sheet: Any) -> None:
        sheet["B2"] = "Homework 3"
        sheet.merge_cells("B2:G2")
        sheet["B4"], sheet["C4"], sheet["D4"], sheet["G4"] = "epoch", "batch", "gradients", "loss"
        for cells in ("B4:B5", "C4:C5", "D4:E4", "G4:G5", "B6:B8"):
            sheet.merge_cells(cells)
        sheet["D5"], sheet["E5"], sheet["B6"] = "dl/dw", "dl/db", 1
        for at, row in enumerate([(1, -26.67, -24), (2, -135.86, -33.39), (3, -169.19, -24.1)], start=6):
            sheet.cell(at, 3).value, sheet.cell(at, 4).value, sheet.cell(at, 5).value = row
        sheet["G6"], sheet["G7"] = 146.67, 280.67
        sheet.merge_cells("G7:G8")

    reading = read(book(tmp_path, Table=filled))
    assert texts(reading) == [
        (1, "dl/dw", "-26.67"),
        (1, "dl/db", "-24"),
        (1, "loss", "146.67"),
        (2, "dl/dw", "-135.86"),
        (2, "dl/db", "-33.39"),
        (3, "dl/dw", "-169.19"),
        (3, "dl/db", "-24.1"),
    ]
    assert reading.told.endswith("3 rows, 1 title line above it passed over")
    [unread] = reading.unread
    assert "G7: '280.67' stands in the cells G7:G8, which are merged: which row it is about is not told" in str(unread)


def test_a_merged_name_of_two_columns_is_refused(tmp_path: Path) -> None:
    def filled(sheet: Any) -> None:
        fill(sheet, [["step", "w", ""], ["1", "0.267", "0.24"]])
        sheet.merge_cells("B1:C1")

    with pytest.raises(ClaimError, match=r"xlsx, B1: the merged cell B1:C1 names 2 columns; unmerge it, and give"):
        read(book(tmp_path, Table=filled))


def test_a_loss_below_another_word_is_none_of_the_problem(tmp_path: Path) -> None:
    """The word in the merged cell was left out, and the losses of the validation called wrong."""

    def filled(sheet: Any) -> None:
        fill(sheet, [["step", "Validation", "", "Gradients", ""], ["", "loss", "time", "w", "b"]])
        for cells in ("B1:C1", "D1:E1", "A1:A2"):
            sheet.merge_cells(cells)
        for at, cell in enumerate(("1", "99", "3", "-26.67", "-24"), start=1):
            sheet.cell(3, at).value = cell

    reading = read(book(tmp_path, Table=filled))
    assert texts(reading) == [(1, "dl/dw", "-26.67"), (1, "dl/db", "-24")]
    assert "not judged, as the problem has no such number: Validation loss, Validation time" in reading.told


def test_texts_with_decimal_commas_beside_numbers(tmp_path: Path) -> None:
    table = [["step", "w", "b"], ["1", "0,267", "0.24"], ["2", "1,53", "0.57"]]
    assert texts(read(book(tmp_path, Table=table))) == [
        (1, "w", "0.267"),
        (1, "b", "0.24"),
        (2, "w", "1.53"),
        (2, "b", "0.57"),
    ]


@pytest.mark.parametrize("name", ["mine.xlsx", "mine.ods"])
def test_what_is_no_workbook(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_bytes(b"not a zip")
    with pytest.raises(ClaimError, match=r"cannot be read as an (Excel workbook|OpenDocument spreadsheet): it may be"):
        read(path)
    (excel if name.endswith("xlsx") else open_document)([["step", "w"], ["1", "0.267"]], path)
    whole = path.read_bytes()
    for part in range(40):  # damaged somewhere: refused or read, never a traceback
        at = len(whole) * part // 40
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(ClaimError):
            assert texts(read(path)) == [(1, "w", "0.267")]
    monkeypatch.setattr("verify.spreadsheet.workbook.MAX_UNPACKED", 100)
    path.write_bytes(whole)
    with pytest.raises(ClaimError, match="holds more than"):
        read(path)


def test_without_the_extra_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in ("openpyxl", "odf"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return whole(name, *rest)

    paths = [excel(TABLE, tmp_path / "t.xlsx"), open_document(TABLE, tmp_path / "t.ods")]
    monkeypatch.setattr(builtins, "__import__", without)
    for path, package in zip(paths, ("openpyxl", "odfpy"), strict=True):
        with pytest.raises(ClaimError, match=rf"is a workbook, and {package}, .* pip install {package}, or save the"):
            read(path)


@pytest.mark.parametrize("name", ["old.xls", "mine.numbers"])
def test_other_workbooks_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(ClaimError, match=r"is a workbook in a form that is not read; save it as \.xlsx, \.ods or CSV"):
        read(tmp_path / name)


def test_an_empty_workbook_and_an_empty_sheet(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match="has nothing on its sheets"):
        read(book(tmp_path, Table=[]))
    with pytest.raises(ClaimError, match="has no table"):
        read(book(tmp_path, Table=[], Other=TABLE), "Table")


def test_a_number_of_a_workbook_has_float64_behind_it(tmp_path: Path) -> None:
    """A spreadsheet that calculates the whole table shows what is right, though its cells hold other numbers."""
    table = [["step", "dl/dw", "w"], ["1", "-26.666666666666668", "0.26666666666666672"]]
    found = audit("article", claims=book(tmp_path, Table=lambda sheet: general(sheet, table)))
    assert [one.status for one in found.findings] == [Status.RIGHT, Status.RIGHT]


def general(sheet: Any, table: list[list[str]]) -> None:
    for at, row in enumerate(table, start=1):
        for column, text in enumerate(row, start=1):
            sheet.cell(at, column).value = float(text) if at > 1 else text


def test_fractions_are_read_by_the_numbers_behind_them(tmp_path: Path) -> None:
    """0.3 that is shown as 2/7 is no claim of 2/7."""

    def filled(sheet: Any) -> None:
        fill(sheet, [["step", "w", "b"], ["1", "0.267", "0.24"]])
        sheet["B2"].number_format = "# ?/?"

    reading = read(book(tmp_path, Table=filled))
    assert texts(reading) == [(1, "w", "0.267"), (1, "b", "0.24")]
    assert reading.told.endswith("1 row, fractions by the numbers behind them")
    path = open_document([["step", "w"], ["1", "0.267"]], tmp_path / "mine.ods")
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts["content.xml"] = parts["content.xml"].replace(b">0.267<", b">1/4<")
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    reading = read(path)
    assert texts(reading) == [(1, "w", "0.267")]
    assert reading.told.endswith("1 row, fractions by the numbers behind them")


@pytest.mark.parametrize("name", ["mine.xlsx", "mine.ods"])
@pytest.mark.parametrize(
    "notes",
    [
        [["Note: calculated with a TI-30, rounded to 4 digits", ""]],
        [["", ""], ["", "all in SI units"]],
        [["", ""], ["Name:", "Anna"], ["", ""], ["by hand", ""]],
    ],
)
def test_notes_below_a_table_are_passed_over_and_told(tmp_path: Path, name: str, notes: list[list[str]]) -> None:
    table = [["step", "w"], ["1", "0.267"], ["2", "1.63"], *notes]
    path = (excel if name.endswith("xlsx") else open_document)(table, tmp_path / name)
    reading = read(path)
    assert texts(reading) == [(1, "w", "0.267"), (2, "w", "1.63")]
    assert not reading.unread
    first = next(text for row in notes for text in row if text)
    assert f"not read: {path}, " in reading.told
    assert f", '{first[:20]}" in reading.told


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (["In the end w = 1.63", ""], "A4: a note below the table is not read"),
        (["sum", "1.897"], "A4: 'sum' is not a number of a step"),
        (["3", "high"], "B4: 'high' is not a number"),
    ],
)
def test_what_may_be_a_claim_below_a_table_is_not_read(tmp_path: Path, note: list[str], message: str) -> None:
    path = excel([["step", "w"], ["1", "0.267"], ["2", "1.63"], note], tmp_path / "mine.xlsx")
    [unread] = read(path).unread
    assert message in str(unread)


def test_a_last_row_of_texts_that_are_numbers_is_a_row(tmp_path: Path) -> None:
    def filled(sheet: Any) -> None:
        fill(sheet, [["step", "w", "b"], ["1", "0.267", "0.24"], ["2", "", ""]])
        sheet["B3"].value = "1.63"
        sheet["A3"].value = "2"

    assert texts(read(book(tmp_path, Table=filled))) == [(1, "w", "0.267"), (1, "b", "0.24"), (2, "w", "1.63")]
