"""Results as pandas DataFrames, and their export."""

from tables.frames import comparison, steps

__all__ = ["comparison", "steps"]
