"""Sheets of an Excel workbook, read by openpyxl."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from derive.errors import Place
from derive.source.numerals import NumeralError
from verify.spreadsheet.number_format import displayed, is_fraction
from verify.spreadsheet.sheet import DATE, FRACTIONS, NOT_CALCULATED, Sheet, check_size, place_of
from verify.tabular.merged import Merged
from verify.tabular.written import Written


def excel_sheets(name: str, content: bytes) -> Iterator[Sheet]:
    """The sheets of an Excel workbook."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of a workbook that openpyxl would lose, were it saved
        shown = load_workbook(BytesIO(content), data_only=True)
        written = load_workbook(BytesIO(content))
    for sheet in shown.worksheets:
        check_size(name, sheet.max_row * sheet.max_column)
        formulas = written[sheet.title]
        rows, numbers, has_fractions = [], set(), False
        for at, cells in enumerate(sheet.iter_rows()):
            row = []
            for place, cell in enumerate(cells):
                formula = formulas.cell(cell.row, cell.column)
                source = str(formula.value) if formula.data_type == "f" else ""
                where = place_of(name, sheet.title, cell.coordinate, len(shown.worksheets))
                row.append(_excel_cell(cell, source, where))
                if cell.data_type == "n":
                    numbers.add((at, place))
                    is_number = isinstance(cell.value, int | float)
                    has_fractions = has_fractions or (is_number and is_fraction(cell.value, cell.number_format))
            rows.append(row)
        merged = [
            Merged(str(one), one.min_row - 1, one.min_col - 1, one.max_row - 1, one.max_col - 1)
            for one in sheet.merged_cells.ranges
        ]
        yield Sheet(sheet.title, rows, merged, frozenset(numbers), FRACTIONS if has_fractions else "")


def _excel_cell(cell: Any, formula: str, place: Place) -> Written:
    """A cell as it is shown; `formula` is what it is calculated by, empty where somebody has typed it."""
    value = cell.value
    if value is None:
        if formula and cell.data_type == "n":  # a result that is an empty text has another type
            return Written(formula, place, NOT_CALCULATED)
        return Written("", place)
    if isinstance(value, bool) or not isinstance(value, int | float):
        is_date = isinstance(value, datetime.date | datetime.time | datetime.timedelta)
        return Written(str(value).strip(), place, DATE if is_date else "")
    try:
        return Written(displayed(value, cell.number_format), place)
    except NumeralError as error:
        return Written(f"{value:.15g}", place, str(error))
