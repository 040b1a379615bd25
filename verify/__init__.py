"""Hand calculation and PyTorch training of the same problem, compared number by number."""

from derive.exports import TYPE_CHECKING
from derive.exports import lazily as _lazily

if TYPE_CHECKING:
    from verify.auditing.pipeline import Audit, audit
    from verify.compare.verdict import Outcome, Verdict
    from verify.following.finding import Finding, Status
    from verify.pipeline import verify
    from verify.result import Result

__all__ = ["Audit", "Finding", "Outcome", "Result", "Status", "Verdict", "audit", "verify"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "Audit": "auditing.pipeline",
        "Finding": "following.finding",
        "Outcome": "compare.verdict",
        "Result": "result",
        "Status": "following.finding",
        "Verdict": "compare.verdict",
        "audit": "auditing.pipeline",
        "verify": "pipeline",
    },
)
