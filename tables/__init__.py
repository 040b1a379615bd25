"""Results as pandas DataFrames, and their export."""

import typing

from derive.exports import lazily as _lazily

if typing.TYPE_CHECKING:
    from tables.frames import comparison, steps

__all__ = ["comparison", "steps"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "comparison": "frames",
        "steps": "frames",
    },
)
