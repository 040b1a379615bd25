"""What an entry is named by: a name and its indices, each a number, or a letter where it is left open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Letter(NamedTuple):
    """An index that is left open, over as many values as `size` says; negative where a sum binds it."""

    number: int
    size: str


Index = int | Letter


@dataclass(frozen=True)
class Leaf:
    """An entry of what is given; `index` is empty for a single number."""

    name: str
    index: tuple[Index, ...]


def renamed_index(index: tuple[Index, ...], letters: Mapping[Letter, Letter]) -> tuple[Index, ...]:
    """The index with each letter replaced by the one that `letters` has for it, if any."""
    return tuple(letters.get(part, part) if isinstance(part, Letter) else part for part in index)
