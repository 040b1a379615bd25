"""Numbers as they stand in tables."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Seven significant digits, as many as a float32 has."""
    if math.isnan(value):
        return ""
    return f"{value:.7g}" if 1e-4 <= abs(value) < 1e7 or not value else f"{value:.6e}"


def small(value: float) -> str:
    """A difference: two digits are enough."""
    if math.isnan(value):
        return ""
    return f"{value:.1e}" if value else "0"
