"""Results as pandas DataFrames, and their export."""

import typing

from derive.exports import lazily as _lazily

if typing.TYPE_CHECKING:
    from tables.frames import comparison, epochs, steps

__all__ = ["comparison", "epochs", "steps"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "comparison": "frames",
        "epochs": "frames",
        "steps": "frames",
    },
)
