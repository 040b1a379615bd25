"""A result as an HTML table, for notebooks."""

from __future__ import annotations

from html import escape

from verify.compare.check import Check
from verify.result import Result

MAX_ROWS = 20


def to_html(result: Result) -> str:
    """One row a step, each cell with the number by hand over PyTorch's; wrong cells are marked."""
    rows = [result.row(step) for step in result.reported[:MAX_ROWS]]
    names = list(rows[0].checks) if rows else []
    head = "".join(f"<th>{escape(name)}</th>" for name in ("epoch", "batch", "n", *names))
    body = []
    for row in rows:
        numbers = "".join(f"<td>{number}</td>" for number in (row.batch.epoch, row.batch.batch, row.batch.n))
        cells = "".join(_cell(row.checks[name]) for name in names)
        body.append(f"<tr>{numbers}{cells}</tr>")
    left = len(result.reported) - MAX_ROWS
    more = f"<p>… and {left} more steps</p>" if left > 0 else ""
    return (
        f"<p><b>{escape(result.problem.title)}</b><br>{escape(str(result.settings))}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}"
        f"<p>{escape(result.verdict.sentence)}</p>"
    )


def _cell(check: Check) -> str:
    mark = "" if check.agrees else ' style="background:#fdd"'
    title = escape(f"hand, then PyTorch; difference {check.difference:.3g}, bound {check.bound:.3g}")
    return f'<td{mark} title="{title}">{check.hand_value:.8g}<br>{check.autograd:.8g}</td>'
