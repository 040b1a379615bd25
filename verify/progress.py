"""How far a long calculation is, on a terminal."""

from __future__ import annotations

import sys
import time

from verify.right import Progress

EVERY = 1.0  # seconds


def progress() -> Progress | None:
    """Writes `step 12,000 of 1,500,000` to stderr now and then; None where that is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    told = time.monotonic()

    def tell(step: int, last: int) -> None:
        nonlocal told
        if time.monotonic() - told >= EVERY:
            told = time.monotonic()
            sys.stderr.write(f"\rstep {step:,} of {last:,} … ")
            sys.stderr.flush()

    return tell
