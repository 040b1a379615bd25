"""Frames and reports as files: each is written whole or not at all, and so are those that belong together."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from derive.errors import OutputError
from derive.source.file_sets import write_set
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

    All three are of this run, or none is written. Raises `OutputError`.
    """
    check_folder(folder)
    return write_set(folder, {name: to_csv(frame(result)) for name, frame in _FRAMES.items()})


def write_grades(graded: Sequence[Graded], folder: str) -> str:
    """Writes grades.csv into `folder`, made if need be, and returns its path. Raises `OutputError`."""
    (path,) = write_set(folder, {"grades.csv": to_csv(grade_frame(graded))})
    return path


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
