"""An audit as text for people, at most 80 columns wide, as JSON, and as a DataFrame with one row for each claim."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import pandas as pd

from derive.errors import ClaimError
from tables.account import sentence, summary
from verify.auditing.pipeline import Audit
from verify.following.finding import Finding, Status

UNREAD = "unread"  # in place of a status, of a cell that cannot be read
SCHEMA = "handgrad/audit/1"

WORDS: Mapping[Status, str] = {
    Status.RIGHT: "right",
    Status.TRUNCATED: "cut off, not rounded",
    Status.DOUBLE_ROUNDED: "rounded twice",
    Status.RESIDUE: "rounding residue",
    Status.CARRIED: "carried: follows from rounded numbers",
    Status.WRONG: "wrong here",
    Status.INHERITED: "follows from an earlier wrong number",
    Status.NOT_RIGHT: "not right, here or by an earlier wrong number",
    Status.UNDECIDED: "undecided",
}

# column: (dtype, meaning); the README's table is made of the same words
AUDIT_COLUMNS: Mapping[str, tuple[str, str]] = {
    "step": ("Int64", "the step of the run, from 1"),
    "epoch": ("Int64", "the epoch, from 1"),
    "batch": ("Int64", "the batch within its epoch, from 1"),
    "stage": ("string", "train for a number of a step, epoch for one of a whole epoch, predict for one of [predict]"),
    "quantity": ("string", "loss, dl/dw, w (after the update), w_before, w.v, a line's name, mean_of_batches"),
    "index": ("string", "the entry of an array, from 0, of predict the row of [predict]; empty for one number"),
    "claimed": ("string", "the number as it is printed in the claim"),
    "right": ("string", "the right number with as many digits; empty where it is not known"),
    "exact": ("string", "the right number with more digits"),
    "status": (
        "string",
        "right, truncated, double_rounded, residue, carried, wrong, inherited, not_right, undecided; or unread",
    ),
    "first_wrong": ("boolean", "whether it is the first wrong number in the order of calculation"),
    "inherited_from": ("string", "the wrong number that it follows from: step 2: w"),
    "low": (
        "float64",
        "the smallest that it can be by the numbers before it, as they are printed, or by rounded inputs",
    ),
    "high": ("float64", "the largest"),
    "place": ("string", "where the claim is written: file, line and column"),
    "why": ("string", "why it has its status, or why the cell cannot be read"),
}


def claims(found: Audit) -> pd.DataFrame:
    """One row for each claim, in the order of calculation, then one for each cell that cannot be read.

    Columns: `AUDIT_COLUMNS`, in that order.
    """
    rows = [_row(found, finding) for finding in found.findings]
    rows += [_unread_row(error) for error in found.unread]
    made = pd.DataFrame(rows, columns=list(AUDIT_COLUMNS))
    return made.astype({name: dtype for name, (dtype, _) in AUDIT_COLUMNS.items()})


def _unread_row(error: ClaimError) -> tuple[object, ...]:
    said = {"status": UNREAD, "first_wrong": False, "place": str(error.place), "why": error.message}
    return tuple(said.get(name) for name in AUDIT_COLUMNS)


def _row(found: Audit, finding: Finding) -> tuple[object, ...]:
    cell = finding.cell
    epoch, batch = divmod(cell.step - 1, found.per_epoch)
    index = ",".join(map(str, cell.entry))
    stage = {"prediction": "predict", "epoch": "epoch"}.get(cell.quantity.group, "train")
    place = (cell.step, epoch + 1, batch + 1, stage, cell.quantity.label, index)
    words = (finding.claim.literal.text, finding.printed, finding.exact or finding.printed, finding.status.value)
    source = finding.inherited_from
    rest = None if source is None else f"step {source.step}: {source.name}"
    allowed = finding.allowed if finding.by_inputs or finding.status is Status.WRONG else None
    low, high = finding.follows or allowed or (None, None)
    low, high = (None, None) if low in (None, -math.inf) else (low, high)
    is_first = finding is found.first_wrong
    return (*place, *words, is_first, rest, low, high, str(finding.claim.place), finding.why or None)


def to_json(found: Audit) -> str:
    """The claims with their statuses, the counts, and the account in sentences; `audit.schema.json` describes it."""
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
        "unread": [{"place": str(error.place), "why": error.message} for error in (*found.unread, *found.refused)],
        "settings": str(found.settings),
        "counts": {status.value: found.counts.get(status, 0) for status in Status},
        "first_wrong": None if first is None else rows[found.findings.index(first)],
        "claims": rows,
        "formulas": [
            {
                "name": one.name,
                "text": one.text,
                "status": one.status,
                "sentence": one.sentence,
                "guarantees": list(one.used),
            }
            for one in found.formulas
        ],
        "summary": list(summary(found)),
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
