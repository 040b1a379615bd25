"""Results as pandas DataFrames, and their export."""

import typing

from derive.exports import lazily as _lazily

if typing.TYPE_CHECKING:
    from tables.audit import claims
    from tables.frames import comparison, epochs, steps

__all__ = ["claims", "comparison", "epochs", "steps"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "claims": "audit",
        "comparison": "frames",
        "epochs": "frames",
        "steps": "frames",
    },
)
