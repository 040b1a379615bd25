"""A folder of filled-in tables, each judged like any other: how many are right, and where each first goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from derive.errors import ClaimError, HandgradError
from derive.problem.loading import Problem
from tables.audit import Graded
from verify.auditing.pipeline import audit
from verify.claims.table import empty_cells


def grade(
    problem: Problem,
    folder: str,
    units: int | None,
    settings: Mapping[str, object],
    tell: Callable[[str], None],
) -> tuple[Graded, ...]:
    """Every CSV file of the folder in the order of their names; one that cannot be read has its error in place.

    Raises `ClaimError` for a folder that is none or holds no CSV file.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ClaimError(f"{folder} is not a folder; expected one that holds CSV files of claims")
    own = "grades.csv"  # what an earlier run has written, where --output names the same folder
    files = sorted(file for file in place.iterdir() if file.suffix.lower() == ".csv" and file.name != own)
    if not files:
        raise ClaimError(f"{folder} holds no CSV file; expected one for each table to be judged")
    graded: list[Graded] = []
    for file in files:
        try:
            found = audit(problem, claims=file, units=units, **settings)  # type: ignore[arg-type]
            graded.append(Graded(file.name, found, empty_cells(file)))
        except HandgradError as error:
            tell(f"error: {error}")
            graded.append(Graded(file.name, error=str(error).partition("\n")[0]))
    return tuple(graded)
