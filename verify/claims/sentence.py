"""A claim written as a sentence: `step 2: dl/db = -33.39`."""

from __future__ import annotations

import re

from derive.errors import ClaimError, Place, shorten
from derive.source.numerals import NotNumericError, NumeralError
from verify.claims.cells import Readings, one_number
from verify.claims.claim import Claim
from verify.claims.layout import plain_name
from verify.claims.literal import read_literal
from verify.claims.places import PREDICTION, Timeline, cell_at, predicted_cell
from verify.tabular.written import KINDS, NO_CLAIM, Written

_WHERE = re.compile(
    r"\b(step|iteration|iter|epoch|batch|lot|t)\s*(?:#|no\.)?\s*[=:]?\s*([+-]?\d{1,15})(?!\d)", re.IGNORECASE
)

_ARROW = re.compile("<-|←")  # of an update, in place of the '='


def read_sentence(text: str, run: Timeline, of: tuple[int, ...] = ()) -> Claim:
    """One claim: `step 2: dl/db = -33.39`, `epoch 1, batch 2: w = 1.63`, `predict: pred = 98.6`.

    `of` is the entry that it is about, where it is of all. A number that is the same in every step need name none.
    Raises `ClaimError` for any other text, and for what the run does not have.
    """
    place = Place("--claim", None, 1, text)
    left, equals, _ = text.rpartition("=")
    where, colon, name = left.rpartition(":") if ":" in left else ("", "", left)
    if not equals or not name.strip():
        raise ClaimError(f"{shorten(text, 60)} is no claim; expected one such as 'step 2: dl/db = -33.39'", place)
    name, _, before = name.partition("=")  # of a calculation: step 2: w = 0.9 - 0.4 = 0.5
    start = len(where) + len(colon) + len(name) + 1 if before else len(left) + 1
    readings = Readings()
    cell = Written(text[start:].strip(), Place("--claim", None, start + 1, text))
    literal = run.literal(one_number(cell, name.strip(), run, readings))
    if literal is None and readings.unread:
        raise readings.unread[0]
    if literal is None:
        raise ClaimError("no number after the '='; expected one such as 'step 2: dl/db = -33.39'", place)
    at = Place("--claim", None, len(where) + len(colon) + 1 + len(name) - len(name.lstrip()), text)
    prediction = PREDICTION.fullmatch(where.strip())
    called = run.names.said.get(name.strip(), name.strip())
    called = plain_name(Written(called, at), run).text if prediction is None else called
    quantity, entry = run.names.find(called, at, predicted=prediction is not None)
    if prediction is not None:
        return Claim(predicted_cell(quantity, entry, prediction[1], run, at), literal, place, readings.told)
    given = {_kind(word): int(number) for word, number in _WHERE.findall(where)}
    is_open = not given and len(run.batches) > 1
    if _WHERE.sub("", where).strip(" ,()") or (is_open and not (run.steady and run.steady(quantity))):
        raise ClaimError("say first which step it is about, such as 'step 2: dl/db = -33.39'", place)
    number = cell_at(quantity, of or entry, given, 1, run, place)
    same = f"{number.name} is the same in every step, and read as that of the first" if is_open else ""
    return Claim(number, literal, place, "; ".join(filter(None, (readings.told, same))))


def is_rounded(text: str) -> bool:
    """Whether the number of a claim has digits after its point, `dm/dx = 0.333`, by which it can only be a number."""
    try:
        literal = read_literal(text.rpartition("=")[2].strip())
    except NumeralError:
        return False
    return literal.unit is not None and literal.places > 0


def is_formula(text: str) -> bool:
    """Whether a claim such as `dl/dw = 2*w` says a formula: it names no step, and what follows the '=' is no number."""
    _, equals, right = text.partition("=")
    if says_step(text):
        return False
    if _ARROW.search(text):
        return True
    if not equals or right.strip().lower() in NO_CLAIM:
        return False
    try:
        read_literal(right)
    except NotNumericError:
        return True
    except NumeralError:
        return False
    return False


_LETTERS = re.compile(r"\[[^\]]*[^\W\d]")


def is_of_every_entry(text: str) -> bool:
    """Whether a claim such as `dc[i]/dx[j] = -1/4` has a letter for an index on its left."""
    return _LETTERS.search(text.partition("=")[0]) is not None


def says_step(text: str) -> bool:
    """Whether a claim begins with what it is about: `step 2: w = 1.63`."""
    return ":" in text.partition("=")[0].removesuffix(":")


def _kind(word: str) -> str:
    return next(kind for kind, words in KINDS.items() if word.lower() in words)
