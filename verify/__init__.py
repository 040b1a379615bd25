"""Hand calculation and PyTorch training of the same problem, compared number by number."""

from verify.pipeline import verify
from verify.result import Result
from verify.verdict import Outcome, Verdict

__all__ = ["Outcome", "Result", "Verdict", "verify"]
