"""A cell as it is written, and the words by which rows say where in a run they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.errors import Place

COUNTER = "t"  # a column of steps, as k is, where the problem has no such name and every step updates
_STEP = ("step", "iteration", "iter", "it", "update", "k", COUNTER)
_EPOCH = ("epoch",)
_BATCH = ("batch", "lot", "minibatch", "mini-batch")
KINDS = {"step": _STEP, "epoch": _EPOCH, "batch": _BATCH}
PLACES = (*_STEP, *_EPOCH, *_BATCH)
COUNTED_OF = "of"  # with a number behind it, the head of what counts as `3/10` does, of whatever
NO_CLAIM = ("", "?", "-", "–", "—", "--", "---", "…", "...", "n/a", "n.a.", "na")  # whatever its capitals

_NUMBERED = re.compile(r"(?P<word>[\w-]+?)\.?\s*(?:\#|no\.?|nr\.?|number|index|idx)?", re.ASCII)


def place_word(head: str) -> str:
    """The word of a head that numbers the rows, in lower case: `Iteration #`, `Iter.`, `step no.`."""
    match = _NUMBERED.fullmatch(head.strip().lower())
    return match["word"] if match else head.lower()


@dataclass(frozen=True)
class Written:
    """A cell as it is written; `why` completes the sentence "'…' ..." where it cannot be read, whatever its text."""

    text: str
    place: Place
    why: str = ""
    is_quoted: bool = False  # a comma in it separates no cells


Row = list[Written]
