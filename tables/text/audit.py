"""An audit for people: the claimed table with a mark on each number, and what is to be said of it."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Mapping

from tables.account import sentence, summary
from tables.audit import WORDS
from verify.auditing.pipeline import Audit
from verify.columns.right import RightColumns
from verify.following.finding import Finding, Status

WIDTH = 80  # characters of a line, as in a terminal
MAX_ROWS = 60  # of the table; of more, those with something to see
SHOWN = 10  # of a longer table, the first rows, whatever is in them
MAX_SENTENCES = 12  # on claims that are not right; the others are counted
MARKS: Mapping[Status, str] = {
    Status.RIGHT: "✓",
    Status.TRUNCATED: "<",
    Status.DOUBLE_ROUNDED: "<<",
    Status.RESIDUE: "~",
    Status.CARRIED: "≈",
    Status.WRONG: "✗",
    Status.INHERITED: "↳",
    Status.NOT_RIGHT: "✗?",
    Status.UNDECIDED: "?",
}


_COLOURS: Mapping[Status, str] = {
    Status.RIGHT: "32",
    Status.TRUNCATED: "33",
    Status.DOUBLE_ROUNDED: "33",
    Status.RESIDUE: "36",
    Status.CARRIED: "32",
    Status.WRONG: "1;31",
    Status.INHERITED: "35",
    Status.NOT_RIGHT: "35",
    Status.UNDECIDED: "33",
}


def to_text(found: Audit, colour: bool | None = None) -> str:
    """Title, settings, the claimed table with a mark at each number, the account, and sentences on what is not right.

    `colour` says whether the marks are coloured; None leaves that to the terminal and to NO_COLOR.
    """
    paint = _is_colourful() if colour is None else colour
    lines = _wrapped(found.problem.title)
    if found.findings or found.settings.trains or not found.problem.is_symbolic:  # equations alone are not run
        lines += _wrapped(str(found.settings))
    lines += _wrapped(f"claims of {found.source}")
    lines += [line for told in found.told for line in _wrapped(told)]
    lines += _unread(found)
    lines += _tables(found, paint)
    used = [status for status in Status if status in found.counts]
    lines += ["", *_wrapped("   ".join(f"{MARKS[status]} {WORDS[status]}" for status in used))] if used else []
    lines += ["", *(line for said in summary(found) for line in _wrapped(said))]
    last = (Status.INHERITED, Status.NOT_RIGHT)  # what is wrong by itself is told first
    of_all = (
        f for f in found.remarkable if f.status is not Status.CARRIED and not (f.status is Status.RIGHT and f.by_inputs)
    )
    told = sorted(of_all, key=lambda f: f.status in last)
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


def _unread(found: Audit) -> Iterator[str]:
    """The cells that cannot be read, each with its line and a caret."""
    for error in found.unread[:MAX_SENTENCES]:
        yield from _wrapped(f"not read: {error.place}: {error.message}")
        if error.place is not None:
            yield from error.place.excerpt().splitlines()
    if len(found.unread) > MAX_SENTENCES:
        yield f"… and {len(found.unread) - MAX_SENTENCES} more cells that are not read"


def _is_colourful() -> bool:
    """Whether stdout is a terminal that colours are wanted on."""
    return "NO_COLOR" not in os.environ and sys.stdout is not None and sys.stdout.isatty()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [""]


def _tables(found: Audit, paint: bool) -> Iterator[str]:
    """The claims as a table of steps and quantities, in blocks that fit into the width."""
    rows: dict[tuple[int, str], dict[str, Finding]] = {}
    names: dict[str, None] = {}
    findings, more, left = found.findings, 0, len("step")
    if isinstance(findings, RightColumns) and findings.rows > MAX_ROWS:  # the others are not shown
        left = max(left, len(str(findings[-1].cell.step)))
        more = findings.rows - SHOWN
        findings = findings.of_rows(SHOWN)
    for finding in findings:
        cell = finding.cell
        rows.setdefault((cell.step, _kind(finding)), {})[cell.name] = finding
        names.setdefault(cell.name)
    heads = {key: _head(found, *key) for key in rows}
    left = max(left, *map(len, heads.values()), 0)
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
    if more := more + len(rows) - len(shown):
        yield f"  … {more} rows are not shown; --csv FILE writes all of them"


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
    return sorted(dict.fromkeys([*told[: MAX_ROWS - SHOWN], *keys[:SHOWN]]))


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
