"""Hand calculation and PyTorch training of the same problem, compared number by number."""

import typing

from derive.exports import lazily as _lazily

if typing.TYPE_CHECKING:
    from verify.auditing import Audit, audit
    from verify.finding import Finding, Status
    from verify.pipeline import verify
    from verify.result import Result
    from verify.verdict import Outcome, Verdict

__all__ = ["Audit", "Finding", "Outcome", "Result", "Status", "Verdict", "audit", "verify"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "Audit": "auditing",
        "Finding": "finding",
        "Outcome": "verdict",
        "Result": "result",
        "Status": "finding",
        "Verdict": "verdict",
        "audit": "auditing",
        "verify": "pipeline",
    },
)
