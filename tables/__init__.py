"""Results as pandas DataFrames, and their export."""

from derive.exports import TYPE_CHECKING
from derive.exports import lazily as _lazily

if TYPE_CHECKING:
    from tables.audit import claims
    from tables.frames import comparison, epochs, steps
    from tables.text.worked_step import worked

__all__ = ["claims", "comparison", "epochs", "steps", "worked"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "claims": "audit",
        "comparison": "frames",
        "epochs": "frames",
        "steps": "frames",
        "worked": "text.worked_step",
    },
)
