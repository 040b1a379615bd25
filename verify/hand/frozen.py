"""What training leaves alone, on the hand side: the update applied where nothing is frozen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.graph.node import Frozen
from verify.numbers import Array


def is_trained(frozen: Iterable[Frozen], name: str) -> bool:
    """Whether any entry of the parameter `name` is updated: it is not frozen as a whole."""
    return not any(part.name == name and not part.entries for part in frozen)


def moves(frozen: Iterable[Frozen], name: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """For each entry of the parameter `name` whether it is updated."""
    mask = np.ones(shape, dtype=np.bool_)
    for part in frozen:
        if part.name == name:
            for entry in part.entries or ((),):
                place: tuple[Any, ...] = (..., *entry)
                mask[place] = False
    return mask


def applied(frozen: Iterable[Frozen], name: str, before: Array, after: Array) -> Array:
    """`after` where the parameter is updated, `before` where it is frozen; the entries are the last dimensions."""
    mask = moves(frozen, name, before.shape)
    if mask.all():
        return after
    kept = before.copy()
    kept[mask] = after[mask]
    return kept
