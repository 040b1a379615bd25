"""Exact numbers told apart to the last bit, so that two ways to calculate them can be compared."""

from __future__ import annotations

from typing import Any

from flint import arb


def as_told(number: Any) -> Any:
    """A fraction, or the midpoint and radius of a ball, exactly; "nothing" for a ball that tells nothing."""
    if not isinstance(number, arb):
        return number
    if not number.is_finite():
        return "nothing"
    return number.mid().man_exp(), number.rad().man_exp()
