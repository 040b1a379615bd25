"""The rules of `writers.toml`: which columns a trainer writes, and what they mean."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from derive.errors import ClaimError, Place, shorten, suggestion


@dataclass(frozen=True)
class Writer:
    """One trainer; its fields are those of `writers.toml`. `columns` are patterns of names with their meanings."""

    name: str
    called: str
    columns: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    beside: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    unit: str
    rows: str
    window: str = ""
    divides: str = ""
    carries: bool = False

    def meanings(self, column: str) -> tuple[str, ...]:
        """What a column can mean; nothing for one that it does not write, or that says nothing of the steps."""
        if self.passes_over(column):
            return ()
        return next((means for names, means in self.columns if _is_one_of(column, names)), ())

    def passes_over(self, column: str) -> bool:
        """Whether a column says nothing of the training steps."""
        return _is_one_of(column, self.beside)


def _is_one_of(column: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name is one of those, in whatever capitals, with blanks or dashes in the place of underscores."""
    name = re.sub(r"[\s-]+", "_", column.strip().casefold())
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@cache
def writers() -> Mapping[str, Writer]:
    """All writers by their names."""
    read = tomllib.loads(Path(__file__).with_name("writers.toml").read_text(encoding="utf-8"))
    return {name: _writer(name, entry) for name, entry in read.items()}


def _writer(name: str, entry: dict[str, object]) -> Writer:
    columns, beside, counts = entry.pop("columns"), entry.pop("beside"), entry.pop("counts")
    assert isinstance(columns, list)
    assert isinstance(beside, list)
    assert isinstance(counts, dict)
    return Writer(
        name,
        columns=tuple((tuple(each["names"]), tuple(each["means"])) for each in columns),
        beside=tuple(beside),
        counts={word: tuple(numbers) for word, numbers in counts.items()},
        **entry,  # type: ignore[arg-type]
    )


def writer_named(name: str, place: Place | None) -> Writer:
    """The writer of that name. Raises `ClaimError` for another one."""
    found = writers().get(name)
    if found is None:
        hint = suggestion(name, writers()) or f"; known: {', '.join(writers())}"
        raise ClaimError(f"log {shorten(name)} is no writer whose numbers are known{hint}", place)
    return found
