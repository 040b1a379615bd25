"""A cell as it is written, and the words by which rows say where in a run they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.errors import Place

COUNTER = "t"  # a column of steps, as i and k are, where the problem has no such name and every step updates
COUNTERS = ("i", "k", COUNTER)
NUMBER = ("#", "no", "nr")  # a column of steps; no word of a line, where it may be anything's number
_STEP = (
    *("step", "iteration", "iter", "it", "update", "k", COUNTER, "i", "steps", "iterations", "iters", "itr", "n_iter"),
    *("global_step", "globalstep", "train_step", "training_step", "_step", "trainer/global_step", "step_num", *NUMBER),
)
_EPOCH = ("epoch", "epochs")
_BATCH = ("batch", "lot", "minibatch", "mini-batch", "batch_idx")
LOOSE_COUNTERS = {  # other words for a column of steps or epochs, read so where its numbers can be those
    **dict.fromkeys(("round", "index", "idx", "num", "trial", "tick", "pass", "itn", "schritt", "generation"), "step"),
    **dict.fromkeys(("époque", "epoche", "época", "epoca", "эпоха"), "epoch"),
}
TOTALS = ("steps", "iterations", "iters", "epochs")  # a column that counts; in a line `epochs: 5` is how many there are
BEGINNING = ("init", "initial", "start", "begin", "beginning")  # words for the row 0 of a table, in its first row
KINDS = {"step": _STEP, "epoch": _EPOCH, "batch": _BATCH}
PLACES = (*_STEP, *_EPOCH, *_BATCH)
NAMES = ("name", "variable", "metric", "key")  # other heads of what a tidy table calls `quantity`
COUNTED_OF = "of"  # with a number behind it, the head of what counts as `3/10` does, of whatever
# whatever its capitals
NO_CLAIM = ("", "?", "-", "–", "—", "--", "---", "…", "...", "..", "⋮", "⋯", "n/a", "n.a.", "na")

_NOT_FINITE = re.compile(r"(?<![^\W\d_])(?:nan|inf(?:inity)?)(?![^\W\d_])|∞", re.IGNORECASE)
_DOTS = re.compile(r"\.{2,}|[…⋯⋮⋱·]")
_NUMBERED = re.compile(r"(?P<word>[\w-]+?)\.?\s*(?:\#|no\.?|nr\.?|number|index|idx)?", re.ASCII)


def place_word(head: str) -> str:
    """The word of a head that numbers the rows, in lower case: `Iteration #`, `Iter.`, `step no.`, `Global Step`."""
    lower = head.strip().lower()
    match = _NUMBERED.fullmatch(lower)
    joined = re.sub(r"[\s-]+", "_", lower)
    return match["word"] if match else joined if joined in PLACES else head.lower()


def is_dots(text: str) -> bool:
    """Whether a cell says no more than that something is left out."""
    return _DOTS.fullmatch(text) is not None


def is_words(text: str) -> bool:
    """Whether a cell says something, and no number: neither digits nor `nan` or `inf`."""
    return text.lower() not in NO_CLAIM and not any(map(str.isnumeric, text)) and not _NOT_FINITE.search(text)


@dataclass(frozen=True)
class Written:
    """A cell as it is written; `why` completes the sentence "'…' ..." where it cannot be read, whatever its text."""

    text: str
    place: Place
    why: str = ""
    is_quoted: bool = False  # a comma in it separates no cells
    is_number: bool = False  # of a program, and no text: its point says nothing of how texts are written


Row = list[Written]
