"""Workbooks: Excel's .xlsx by openpyxl, and OpenDocument's .ods by odfpy, which are the optional extra `excel`.

Their own readers are used and not `pandas.read_excel`, which hands on the numbers alone: how a number is shown, which
cells are merged, and which formula was saved without its result, a DataFrame does not tell.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from io import BytesIO
from xml.sax import SAXException

from derive.errors import ClaimError, Place, shorten, suggestion
from derive.source.files import read_bytes
from verify.spreadsheet.excel import excel_sheets
from verify.spreadsheet.open_document import open_document_sheets
from verify.spreadsheet.sheet import Sheet, grid_of
from verify.tabular.grid import Grid

EXCEL, OPEN_DOCUMENT = (".xlsx", ".xlsm"), (".ods",)
SUFFIXES = (*EXCEL, *OPEN_DOCUMENT)
MAX_UNPACKED = 200 * 10**6  # bytes of all that a workbook holds; a larger one is refused before it is unpacked

_OLD = (".xls", ".xlsb", ".numbers")
_FAILURES = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RuntimeError),
    *(SyntaxError, TypeError, ValueError, SAXException, zipfile.BadZipFile, zlib.error),
)


def is_workbook(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a workbook by its name. Raises `ClaimError` for one in a form that is not read."""
    name = os.fspath(path).lower()
    if name.endswith(_OLD):
        raise ClaimError(f"{os.fspath(path)} is a workbook in a form that is not read; save it as .xlsx, .ods or CSV")
    return name.endswith(SUFFIXES)


def read_workbook(path: str | os.PathLike[str], wanted: str | None, limit: int) -> list[tuple[str, Grid]]:
    """The sheets with something on them, or the sheet that is `wanted`, each with its name.

    Raises `ClaimError` for what is no workbook, has no such sheet, or nothing on any.
    """
    name = os.fspath(path)
    content = read_bytes(path, limit=limit, what="a workbook with claims", error=ClaimError)
    sheets = [sheet for sheet in _sheets(name, content) if wanted is not None or not sheet.is_empty]
    names = [sheet.name for sheet in sheets]
    if wanted is not None and wanted not in names:
        hint = suggestion(wanted, names) or f"; it has {', '.join(map(shorten, names))}"
        raise ClaimError(f"{name} has no sheet {shorten(wanted)}{hint}")
    if not sheets:
        raise ClaimError(f"{name} has nothing on its sheets; expected a line with the names of the columns")
    is_excel = name.lower().endswith(EXCEL)
    form = f"{'an Excel workbook' if is_excel else 'an OpenDocument spreadsheet'} (its numbers as they are shown)"
    chosen = [sheet for sheet in sheets if wanted in (None, sheet.name)]
    said = f", sheet {{}} of {len(sheets)}" if len(sheets) > 1 else ""
    return [(sheet.name, grid_of(sheet, form + said.format(shorten(sheet.name)))) for sheet in chosen]


def _sheets(name: str, content: bytes) -> list[Sheet]:
    is_excel = name.lower().endswith(EXCEL)
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > MAX_UNPACKED:
            message = f"{name} holds more than {MAX_UNPACKED // 10**6} MB when it is unpacked; claim fewer steps"
            raise ClaimError(message, Place(name))
        return list(excel_sheets(name, content) if is_excel else open_document_sheets(name, content))
    except ModuleNotFoundError as missing:
        package = "openpyxl" if is_excel else "odfpy"
        message = f"{name} is a workbook, and {package}, which reads it, is not installed ({missing.name})"
        raise ClaimError(f"{message}; pip install {package}, or save the sheet as CSV", Place(name)) from None
    except _FAILURES:
        message = f"{name} cannot be read as {'an Excel workbook' if is_excel else 'an OpenDocument spreadsheet'}"
        raise ClaimError(f"{message}: it may be damaged, or protected; save it again, or as CSV", Place(name)) from None
