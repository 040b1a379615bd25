"""A result as an HTML table, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from derive.run.batches import Batch
from verify.compare.check import Check

MAX_ROWS = 20  # more than a screen of a notebook is not read

Row = tuple[Batch, Mapping[str, Check]]


def to_html(title: str, settings: str, rows: Sequence[Row], left: int, sentence: str) -> str:
    """One row a step, each cell with the number by hand over PyTorch's; wrong cells are marked.

    `rows` are each the batch of a step and its checks by the name of their column, alike in all rows; `left` is the
    number of steps that are not shown. `title`, `settings` and the `sentence` of the verdict are plain text.
    """
    names = list(rows[0][1]) if rows else []
    head = "".join(f"<th>{escape(name)}</th>" for name in ("epoch", "batch", "n", *names))
    body = []
    for batch, checks in rows:
        numbers = "".join(f"<td>{number}</td>" for number in (batch.epoch, batch.batch, batch.n))
        cells = "".join(_cell(checks[name]) for name in names)
        body.append(f"<tr>{numbers}{cells}</tr>")
    more = f"<p>… and {left} more steps</p>" if left > 0 else ""
    return (
        f"<p><b>{escape(title)}</b><br>{escape(settings)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}"
        f"<p>{escape(sentence)}</p>"
    )


def _cell(check: Check) -> str:
    mark = "" if check.agrees else ' style="background:#fdd"'
    title = escape(f"hand, then PyTorch; difference {check.difference:.3g}, bound {check.bound:.3g}")
    return f'<td{mark} title="{title}">{check.hand_value:.8g}<br>{check.autograd:.8g}</td>'
