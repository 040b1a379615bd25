"""The outcome of a verification: an enum of three, each with the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What a verification can say, with the exit status of the command line."""

    AGREES = 0
    DISAGREES = 1
    UNDECIDED = 3

    @property
    def exit_status(self) -> int:
        """0 agrees, 1 disagrees, 3 undecided."""
        return int(self.value)

    @property
    def word(self) -> str:
        """agrees, disagrees or undecided."""
        return self.name.lower()


@dataclass(frozen=True)
class Verdict:
    """An outcome and the sentence that explains it."""

    outcome: Outcome
    sentence: str

    def __str__(self) -> str:
        return self.sentence
