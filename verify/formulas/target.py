"""What a formula can be claimed of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from derive.algebra.expression import Axes, Axis
from verify.formulas.rule import Rule
from verify.symbols.entry import Index
from verify.symbols.values import Values

Side = Callable[[Values[Any], Mapping[Axis, Index]], Any]  # a number of any kind, at the indices of the axes


@dataclass(frozen=True)
class Target:
    """What a formula is claimed of.

    `right` calculates it along `axes`; `shown` is how it reads, `meaning` what it is. `apart` are axes of which only
    entries with different indices are meant.
    """

    name: str
    meaning: str
    axes: Axes
    right: Side
    shown: str = ""
    rule: Rule | None = None
    gradient_of: str | None = None
    apart: tuple[tuple[Axis, Axis], ...] = ()
