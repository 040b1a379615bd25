"""An audit as text for people, at most 80 columns wide, as JSON, and as a DataFrame with one row for each claim."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from tables.account import sentence, summary
from verify.auditing.finding import Finding, Status
from verify.auditing.pipeline import Audit

WIDTH = 80
MAX_ROWS = 60  # of the table; of more, those with something to see
MAX_SENTENCES = 12

SCHEMA = "handgrad/audit/1"

MARKS: Mapping[Status, str] = {
    Status.RIGHT: "✓",
    Status.TRUNCATED: "<",
    Status.DOUBLE_ROUNDED: "<<",
    Status.RESIDUE: "~",
    Status.WRONG: "✗",
    Status.INHERITED: "↳",
    Status.UNDECIDED: "?",
}
_WORDS: Mapping[Status, str] = {
    Status.RIGHT: "right",
    Status.TRUNCATED: "cut off, not rounded",
    Status.DOUBLE_ROUNDED: "rounded twice",
    Status.RESIDUE: "rounding residue",
    Status.WRONG: "wrong here",
    Status.INHERITED: "follows from an earlier wrong number",
    Status.UNDECIDED: "undecided",
}
_COLOURS: Mapping[Status, str] = {
    Status.RIGHT: "32",
    Status.TRUNCATED: "33",
    Status.DOUBLE_ROUNDED: "33",
    Status.RESIDUE: "36",
    Status.WRONG: "1;31",
    Status.INHERITED: "35",
    Status.UNDECIDED: "33",
}

# column: (dtype, meaning); the README's table is made of the same words
AUDIT_COLUMNS: Mapping[str, tuple[str, str]] = {
    "step": ("Int64", "the step of the run, from 1"),
    "epoch": ("Int64", "the epoch, from 1"),
    "batch": ("Int64", "the batch within its epoch, from 1"),
    "quantity": ("string", "loss, dl/dw, w (after the update), w_before, w.v, a line's name, mean_of_batches"),
    "index": ("string", "the entry of an array, counted from 0; empty for one number"),
    "claimed": ("string", "the number as it is printed in the claim"),
    "right": ("string", "the right number with as many digits; empty where it is not known"),
    "exact": ("string", "the right number with more digits"),
    "status": ("string", "right, truncated, double_rounded, residue, wrong, inherited or undecided"),
    "first_wrong": ("boolean", "whether it is the first wrong number in the order of calculation"),
    "inherited_from": ("string", "the wrong number that it follows from: step 2: w"),
    "low": ("float64", "the smallest that it can be by the numbers before it, as they are printed"),
    "high": ("float64", "the largest"),
    "place": ("string", "where the claim is written: file, line and column"),
}


def claims(found: Audit) -> pd.DataFrame:
    """One row for each claim, in the order of calculation. Columns: `AUDIT_COLUMNS`, in that order."""
    rows = [_row(found, finding) for finding in found.findings]
    made = pd.DataFrame(rows, columns=list(AUDIT_COLUMNS))
    return made.astype({name: dtype for name, (dtype, _) in AUDIT_COLUMNS.items()})


def _row(found: Audit, finding: Finding) -> tuple[object, ...]:
    cell = finding.cell
    epoch, batch = divmod(cell.step - 1, found.per_epoch)
    index = ",".join(map(str, cell.entry))
    place = (cell.step, epoch + 1, batch + 1, cell.quantity.label, index)
    words = (finding.claim.literal.text, finding.printed, finding.exact or finding.printed, finding.status.value)
    source = finding.inherited_from
    rest = None if source is None else f"step {source.step}: {source.name}"
    low, high = finding.follows or (None, None)
    return (*place, *words, finding is found.first_wrong, rest, low, high, str(finding.claim.place))


def to_json(found: Audit) -> str:
    """The claims with their statuses, the counts, and the account in sentences."""
    names = list(AUDIT_COLUMNS)
    rows = [
        dict(zip(names, _row(found, finding), strict=True))
        | {"why": finding.why, "remarks": list(finding.remarks), "sentence": sentence(found, finding)}
        for finding in found.findings
    ]
    first = found.first_wrong
    document = {
        "schema": SCHEMA,
        "title": found.problem.title,
        "claims_from": found.source,
        "notes": list(found.told),
        "settings": str(found.settings),
        "counts": {status.value: found.counts.get(status, 0) for status in Status},
        "first_wrong": None if first is None else rows[found.findings.index(first)],
        "claims": rows,
        "formulas": [
            {"name": one.name, "text": one.text, "status": one.status, "sentence": one.sentence}
            for one in found.formulas
        ],
        "summary": list(summary(found)),
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def to_text(found: Audit, colour: bool | None = None) -> str:
    """Title, settings, the claimed table with a mark at each number, the account, and what is to be said of each."""
    paint = _is_colourful() if colour is None else colour
    lines = [*_wrapped(found.problem.title), *_wrapped(str(found.settings)), *_wrapped(f"claims of {found.source}")]
    lines += [line for told in found.told for line in _wrapped(told)]
    lines += _tables(found, paint)
    used = [status for status in Status if status in found.counts]
    lines += ["", *_wrapped("   ".join(f"{MARKS[status]} {_WORDS[status]}" for status in used))] if used else []
    lines += ["", *(line for said in summary(found) for line in _wrapped(said))]
    told = sorted(
        (f for f in found.findings if f.status is not Status.RIGHT), key=lambda f: f.status is Status.INHERITED
    )
    for finding in told[:MAX_SENTENCES]:
        lines += ["", *_wrapped(sentence(found, finding))]
    if len(told) > MAX_SENTENCES:
        lines += [
            "",
            *_wrapped(f"… and {len(told) - MAX_SENTENCES} more; --csv FILE and --format json tell of all of them"),
        ]
    lines += ["", "formulas"] if found.formulas else []
    for formula in found.formulas:
        text = f"{MARKS[Status(formula.status)]} {formula.name} = {formula.text}: {formula.sentence}"
        lines += _wrapped(text)
    return "\n".join(lines)


def _is_colourful() -> bool:
    """Whether stdout is a terminal that colours are wanted on."""
    return "NO_COLOR" not in os.environ and sys.stdout is not None and sys.stdout.isatty()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [""]


def _tables(found: Audit, paint: bool) -> Iterator[str]:
    """The claims as a table of steps and quantities, in blocks that fit into the width."""
    rows: dict[tuple[int, str], dict[str, Finding]] = {}
    names: dict[str, None] = {}
    for finding in found.findings:
        cell = finding.cell
        rows.setdefault((cell.step, _kind(finding)), {})[cell.name] = finding
        names.setdefault(cell.name)
    heads = {key: _head(found, *key) for key in rows}
    left = max((len(head) for head in heads.values()), default=0)
    left = max(left, len("step"))
    shown = _shown(rows)
    widths = {
        name: max(len(name), *(len(_cell(row[name])) for key, row in rows.items() if name in row and key in shown), 0)
        for name in names
    }
    for block in _blocks(widths, WIDTH - left):
        yield ""
        yield "step".rjust(left) + "".join(f"  {name.rjust(widths[name])}" for name in block)
        for key in shown:
            if any(name in rows[key] for name in block):
                cells = (_padded(rows[key].get(name), widths[name], paint) for name in block)
                yield (heads[key].rjust(left) + "".join(f"  {cell}" for cell in cells)).rstrip()
    if len(shown) < len(rows):
        yield f"  … {len(rows) - len(shown)} rows are not shown; --csv FILE writes all of them"


def _kind(finding: Finding) -> str:
    group = finding.cell.quantity.group
    return group if group in ("epoch", "prediction") else ""


def _head(found: Audit, step: int, kind: str) -> str:
    """What stands in front of a row."""
    if kind == "epoch":
        return f"epoch {-(-step // found.per_epoch)}"
    return "predict" if kind else str(step)


def _shown(rows: Mapping[tuple[int, str], Mapping[str, Finding]]) -> list[tuple[int, str]]:
    """The rows that are printed: all, or those in which something is not right, and the first ones."""
    keys = sorted(rows)
    if len(keys) <= MAX_ROWS:
        return keys
    told = [key for key in keys if any(f.status is not Status.RIGHT for f in rows[key].values())]
    return sorted(dict.fromkeys([*told[: MAX_ROWS - 10], *keys[:10]]))


def _blocks(widths: Mapping[str, int], room: int) -> Iterator[list[str]]:
    """The columns in groups that fit."""
    block: list[str] = []
    left = room
    for name, width in widths.items():
        if block and width + 2 > left:
            yield block
            block, left = [], room
        block.append(name)
        left -= width + 2
    if block:
        yield block


def _cell(finding: Finding) -> str:
    """The claimed number with its mark."""
    return f"{finding.claim.literal.text} {MARKS[finding.status]}"


def _padded(finding: Finding | None, width: int, paint: bool) -> str:
    if finding is None:
        return " " * width
    text = _cell(finding).rjust(width)
    return f"\x1b[{_COLOURS[finding.status]}m{text}\x1b[0m" if paint else text


@dataclass(frozen=True)
class Graded:
    """A file, what was found of its claims, how many cells it leaves empty, and the error where it cannot be read."""

    file: str
    found: Audit | None = None
    empty: int | None = None
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
    **{status.value: ("Int64", f"how many of them are: {_WORDS[status]}") for status in Status},
    "first_wrong": ("string", "the first wrong number: step 2: w"),
    "claimed": ("string", "what it is claimed to be"),
    "right_value": ("string", "what it should be"),
    "error": ("string", "why the file could not be read"),
}


def _grade(graded: Graded) -> tuple[object, ...]:
    found = graded.found
    if found is None:
        return (graded.file, *[None] * (3 + len(Status)), None, None, None, graded.error)
    counts = [found.counts.get(status, 0) for status in Status]
    total = len(found.findings)
    good = sum(1 for f in found.findings if f.status.is_accepted or f.status is Status.INHERITED)
    first = found.first_wrong
    at = (None, None, None)
    if first is not None:
        cell = first.cell
        at = (f"step {cell.step}: {cell.name}", first.claim.literal.text, first.printed)  # type: ignore[assignment]
    return (graded.file, good / total if total else None, total, graded.empty, *counts, *at, None)
