"""The progress of Keras on a screen: `Epoch 1/2`, then `3/3 ━━━━━ 0s 12ms/step - loss: 46.0342 - val_loss: 6.9775`."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.errors import ClaimError
from verify.tabular.grid import Grid, Source
from verify.tabular.records import Record, rows_of

_EPOCH = re.compile(r"(?:^|(?<=[\r\n]))[ \t]*Epoch (?P<epoch>\d{1,15})(?:/\d+)?[^\n\r]*", re.IGNORECASE)
_STEP = re.compile(
    r"(?:^|(?<=[\r\n\b]))[ \t]*(?P<batch>\d{1,15})/(?P<all>\d{1,15})[ \t]+(?:\[[=>.\- ]*\]|[━╸╺ ]+)[ \t]*"
    r"(?P<rest>[^\n\r\b]*)"
)
_PAIR = re.compile(r"- (?P<key>[\w./-]+): (?P<value>\S+)")


def is_progress(source: Source) -> bool:
    """Whether there is a line of such progress in a text."""
    return "/" in source.text and bool(_STEP.search(source.text))


def read_progress(source: Source) -> Grid:
    """One row for each state of the bar, with its epoch and batch. Raises `ClaimError` for a bar before any epoch."""
    epoch = None
    records: list[Record] = []
    for match in re.finditer(f"(?:{_EPOCH.pattern})|(?:{_STEP.pattern})", source.text, re.IGNORECASE):
        if match["epoch"] is not None:
            epoch = source.cell(*match.span("epoch"))
            continue
        pairs = list(_PAIR.finditer(source.text, match.start("rest"), match.end("rest")))
        if not pairs:
            continue
        place = source.place(match.start("batch"))
        if epoch is None:
            raise ClaimError("progress without a line such as 'Epoch 1/2' above it; leave that line", place)
        batch = source.cell(*match.span("batch"))
        values = [(source.cell(*pair.span("key")), source.cell(*pair.span("value"))) for pair in pairs]
        words = (("epoch", epoch), ("batch", batch))
        records.append([(replace(cell, text=word), cell) for word, cell in words] + values)
    return Grid(rows_of(records), "Keras's progress")
