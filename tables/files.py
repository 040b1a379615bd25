"""Frames and reports as files, each written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from derive.errors import OutputError
from derive.source.files import check_writable, may_create_in, write_whole
from tables.audit import claims
from tables.frames import comparison, epochs, steps
from tables.grade import Graded, grade_frame
from verify.auditing.pipeline import Audit
from verify.result import Result

_FRAMES = {"steps.csv": steps, "epochs.csv": epochs, "comparison.csv": comparison}


def to_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV at full precision: reading it back gives the same numbers.

    pandas before 3.1 needs `read_csv(…, float_precision="round_trip")` for that.
    """
    return frame.to_csv(index=False, lineterminator="\n")


def write_comparison(result: Result, path: str) -> None:
    """Writes the tidy comparison as a CSV file. Raises `OutputError`."""
    write_whole(path, to_csv(comparison(result)))


def write_audit(found: Audit, path: str) -> None:
    """Writes one row for each claim as a CSV file. Raises `OutputError`."""
    write_whole(path, to_csv(claims(found)))


def write_tables(result: Result, folder: str) -> tuple[str, ...]:
    """Writes steps.csv, epochs.csv and comparison.csv into `folder`, made if need be, and returns their paths.

    Raises `OutputError`.
    """
    check_folder(folder)  # before the first is written: all or none
    place = _made(folder)
    texts = {name: to_csv(frame(result)) for name, frame in _FRAMES.items()}
    for name, text in texts.items():
        write_whole(str(place / name), text)
    return tuple(str(place / name) for name in texts)


def write_grades(graded: Sequence[Graded], folder: str) -> str:
    """Writes grades.csv into `folder`, made if need be, and returns its path. Raises `OutputError`."""
    made = _made(folder)
    write_whole(str(made / "grades.csv"), to_csv(grade_frame(graded)))
    return str(made / "grades.csv")


def _made(folder: str) -> Path:
    """The folder, which is made if need be."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_made(folder, error.strerror or "not possible") from None
    return place


def check_folder(folder: str) -> None:
    """Raises `OutputError` where the tables could not be written into `folder`; changes nothing."""
    place = Path(folder)
    try:
        existing = next(path for path in (place, *place.parents) if path.exists())
    except OSError as error:
        raise _not_made(folder, error.strerror or "not possible") from None
    if not existing.is_dir():
        raise _not_made(folder, os.strerror(errno.EEXIST if existing == place else errno.ENOTDIR))
    if not may_create_in(existing):
        raise OutputError(f"cannot write in the folder {existing}: Permission denied; choose another --output")
    for name in _FRAMES:
        if (place / name).is_dir():
            raise OutputError(f"{place / name} is a directory; remove it, or choose another --output")
        if existing == place:
            check_writable(place / name)


def _not_made(folder: str, reason: str) -> OutputError:
    return OutputError(f"cannot make the folder {folder}: {reason}; choose another --output")
