"""Frames and reports as files, each written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from derive.errors import OutputError
from derive.show.output import write_whole
from tables.frames import comparison, steps
from verify.result import Result


def to_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV at full precision: reading it back gives the same numbers.

    pandas before 3.1 needs `read_csv(…, float_precision="round_trip")` for that.
    """
    return frame.to_csv(index=False, lineterminator="\n")


def write_comparison(result: Result, path: str) -> None:
    """The tidy comparison as a CSV file."""
    write_whole(path, to_csv(comparison(result)))


def write_tables(result: Result, folder: str) -> tuple[str, ...]:
    """Writes steps.csv and comparison.csv into `folder`, which is made if need be; returns their paths."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}; choose another --output") from None
    for name in ("steps.csv", "comparison.csv"):
        if (place / name).is_dir():  # before the first is written: both or none
            raise OutputError(f"{place / name} is a directory; remove it, or choose another --output")
    texts = {"steps.csv": to_csv(steps(result)), "comparison.csv": to_csv(comparison(result))}
    for name, text in texts.items():
        write_whole(str(place / name), text)
    return tuple(str(place / name) for name in texts)
