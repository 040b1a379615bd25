"""Writes a table as a workbook whose cells show the digits that are wanted, for reading it back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from odf.number import Number, NumberStyle
from odf.opendocument import OpenDocumentSpreadsheet
from odf.style import Style
from odf.table import Table as OdfTable
from odf.table import TableCell, TableRow
from odf.text import P
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.tabled import Table

NUMBER = re.compile(r"-?\d+(?:\.(\d+))?(?:[eE]([+-]?)\d+)?")


def excel(table: Table, path: Path) -> Path:
    """An Excel workbook; a number is a float64 under the format that shows its digits."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    fill(sheet, table)
    book.save(path)
    return path


def fill(sheet: Worksheet, table: Sequence[Sequence[str]]) -> None:
    for at, row in enumerate(table, start=1):
        for column, text in enumerate(row, start=1):
            match = NUMBER.fullmatch(text)
            cell = sheet.cell(at, column)
            if match is None:
                cell.value = text or None
                continue
            cell.value = float(text)
            cell.number_format = ("0." + "0" * len(match[1]) if match[1] else "0") + (
                "E+00" if match[2] is not None else ""
            )


def open_document(table: Table, path: Path, comma: bool = False) -> Path:
    """An OpenDocument spreadsheet; the text that a cell shows stands beside its number."""
    book = OpenDocumentSpreadsheet()
    sheet = OdfTable(name="Sheet1")
    style = NumberStyle(name="N1")
    style.addElement(Number(decimalplaces=2, minintegerdigits=1))
    book.automaticstyles.addElement(style)
    book.automaticstyles.addElement(Style(name="ce1", family="table-cell", datastylename="N1"))
    for row in table:
        line = TableRow()
        for text in row:
            if NUMBER.fullmatch(text):
                cell = TableCell(valuetype="float", value=repr(float(text)))
            else:
                cell = TableCell(valuetype="string") if text else TableCell()
            if text:
                cell.addElement(P(text=text.replace(".", ",") if comma else text))
            line.addElement(cell)
        sheet.addElement(line)
    book.spreadsheet.addElement(sheet)
    book.save(str(path))
    return path


def fits(text: str) -> bool:
    """Whether a spreadsheet can show the number: of at most 15 digits, and its exponent as `1.5E+01` has it."""
    match = NUMBER.fullmatch(text)
    assert match is not None
    digits = Decimal(text).as_tuple().digits
    whole = text.lstrip("-").partition(".")[0].partition("e")[0].partition("E")[0]
    return len(digits) <= 15 and (match[2] is None or (len(whole) == 1 and whole != "0")) and abs(float(text)) < 1e15
