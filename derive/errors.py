"""The errors of the input, one class for each cause, and pieces of their messages.

Every message says what was received, what was expected and what to do; a
`Place` adds the file, the line and a caret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from derive.characters import ascii_text

_SHOWN = 72  # characters of a source line that are shown under a message: with the indent, less than 80 columns


@dataclass(frozen=True)
class Place:
    """Where in a source something stands; `line` and `column` count from 1."""

    source: str
    line: int | None = None
    column: int | None = None
    text: str = ""

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)

    def excerpt(self) -> str:
        """Returns the source line with a caret under the column; an empty string without a column or a text."""
        if self.column is None or not self.text.strip():
            return ""
        start = max(0, self.column - 1 - _SHOWN // 2) if len(self.text) > _SHOWN else 0
        shown = self.text[start : start + _SHOWN].replace("\t", " ").rstrip()
        return f"    {shown}\n    {' ' * (self.column - 1 - start)}^"


class HandgradError(Exception):
    """Any error that is the input's, not the program's: printed without a traceback, and the exit status says which."""

    exit_status = 2


class ProblemError(HandgradError):
    """A problem that cannot be read: what is wrong, where, and what to do."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message, place)
        self.message = message
        self.place = place

    def __str__(self) -> str:
        if self.place is None:
            return self.message
        excerpt = self.place.excerpt()
        return f"{self.place}: {self.message}" + (f"\n{excerpt}" if excerpt else "")


class EquationError(ProblemError):
    """An equation that is not in the language, or does not fit the others."""


class NoLossError(EquationError):
    """A loss that is not one number."""


class UnknownNameError(EquationError):
    """A name in an equation that nothing defines or gives."""


class DataError(ProblemError):
    """Data that are missing, of different lengths, or not numbers."""


class SettingError(ProblemError):
    """A training setting, from the file or a flag, that is not possible."""


class ClaimError(ProblemError):
    """A claim that cannot be read."""


class UnknownQuantityError(ClaimError):
    """A claim of what the problem does not have."""


class NoClaimError(ClaimError):
    """A table of which nothing is judged, as it claims nothing or none of its cells can be read."""

    exit_status = 3


class OutputError(HandgradError):
    """A file that cannot be written; nothing was written in its place."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Returns `; did you mean 'softmax'?` with the known word nearest to `word`; an empty string where none is near.

    Words that differ from it only in upper and lower case, or as `lambda` and `λ` do, are the nearest.
    """
    known = sorted(known)
    alike = [name for name in known if name != word and _spelled_out(name) == _spelled_out(word)]
    near = alike or difflib.get_close_matches(word, known, n=1)
    if not near:
        return ""
    is_greek = bool(alike) and word.isascii() != near[0].isascii()
    return f"; did you mean {near[0]!r}?" + (" The two spellings are two names" if is_greek else "")


def _spelled_out(name: str) -> str:
    """A name without what is easily mixed up: `Λ_1` and `λ1` are `lambda1`."""
    return ascii_text(name).casefold().replace("_", "")


def shorten(text: object, limit: int = 40) -> str:
    """Returns `text` for a message: in quotes, cut after `limit` characters."""
    shown = str(text)
    return repr(shown if len(shown) <= limit else f"{shown[:limit]}…")
