"""A folder of filled-in tables, each judged like any other: how many are right, and where each first goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from derive.errors import ClaimError, HandgradError, Place
from derive.problem.loading import Problem
from tables.audit import WORDS
from verify.auditing.pipeline import Audit, audit
from verify.following.finding import Status
from verify.logs.writers import writer_named
from verify.spreadsheet.workbook import SUFFIXES, is_workbook

TABLES = (
    *(".csv", ".tsv", ".tab", ".txt", ".dat", ".log", ".md", ".rst", ".tex", ".html", ".htm"),
    *(".json", ".jsonl", ".ndjson"),
    *SUFFIXES,
)


def grade(
    problem: Problem,
    folder: str,
    units: int | None,
    settings: Mapping[str, object],
    tell: Callable[[str], None],
    sheet: str | None = None,
    log: str | None = None,
) -> tuple[Graded, ...]:
    """Every table of the folder in the order of their names; one that cannot be read has its error in place.

    A table is a file with one of the suffixes `TABLES`. `sheet` is read of those that are workbooks, and `log` names
    the trainer that has written all of them. Raises `ClaimError` for a folder that is none or holds none, and for a
    trainer whose numbers are not known.
    """
    if log is not None:
        writer_named(log, Place("--log"))
    place = Path(folder)
    if not place.is_dir():
        raise ClaimError(f"{folder} is not a folder; expected one that holds tables of claims")
    files = sorted(file for file in place.iterdir() if file.suffix.lower() in TABLES and not _is_beside(file.name))
    if not files:
        known = ", ".join(TABLES)
        raise ClaimError(f"{folder} holds no table; expected a file for each table to be judged ({known})")
    if problem.claims is not None:  # the formulas that the problem's own author claims are no pupil's
        problem = replace(problem, claims=replace(problem.claims, formulas=()))
    graded: list[Graded] = []
    for file in files:
        try:
            own = sheet if is_workbook(file) else None
            found = audit(problem, claims=file, units=units, sheet=own, log=log, **settings)  # type: ignore[arg-type]
            graded.append(Graded(file.name, found))
        except HandgradError as error:
            tell(f"error: {error}")
            graded.append(Graded(file.name, error=str(error).partition("\n")[0]))
    return tuple(graded)


def _is_beside(name: str) -> bool:
    """Whether a file is no table that was handed in: an earlier run's grades, or what Excel keeps while one is open."""
    return name == "grades.csv" or name.startswith(("~$", "."))


@dataclass(frozen=True)
class Graded:
    """A file, what was found of its claims, and the error where it cannot be read."""

    file: str
    found: Audit | None = None
    error: str = ""


def grade_frame(graded: Sequence[Graded]) -> pd.DataFrame:
    """One row for each file: its score, the counts, and the first wrong number. Columns: `GRADE_COLUMNS`."""
    made = pd.DataFrame([_grade(one) for one in graded], columns=list(GRADE_COLUMNS))
    return made.astype({name: dtype for name, (dtype, _) in GRADE_COLUMNS.items()})


GRADE_COLUMNS: Mapping[str, tuple[str, str]] = {
    "file": ("string", "the file of claims"),
    "score": ("float64", "the share of its numbers that are right, or follow from an earlier wrong one"),
    "claims": ("Int64", "its numbers"),
    "empty": ("Int64", "its cells without a number, which do not count in the score"),
    "unread": ("Int64", "its cells with something else than a number, which do not count either"),
    **{status.value: ("Int64", f"how many of them are: {WORDS[status]}") for status in Status},
    "first_wrong": ("string", "the first wrong number: step 2: w"),
    "claimed": ("string", "what it is claimed to be"),
    "right_value": ("string", "what it should be"),
    "error": ("string", "why the file could not be read"),
}


def _grade(graded: Graded) -> tuple[object, ...]:
    found = graded.found
    if found is None:
        return (graded.file, *[None] * (4 + len(Status)), None, None, None, graded.error)
    counts = [found.counts.get(status, 0) for status in Status]
    total = len(found.findings)
    good = sum(1 for f in found.findings if f.status.is_accepted or f.status is Status.INHERITED)
    first = found.first_wrong
    at = (None, None, None)
    if first is not None:
        cell = first.cell
        at = (f"step {cell.step}: {cell.name}", first.claim.literal.text, first.printed)  # type: ignore[assignment]
    return (graded.file, good / total if total else None, total, found.empty, len(found.unread), *counts, *at, None)
