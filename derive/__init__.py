"""Equations as written on paper → their gradients by the chain rule, step by step."""

from derive.exports import TYPE_CHECKING
from derive.exports import lazily as _lazily

if TYPE_CHECKING:
    from derive.errors import HandgradError, ProblemError
    from derive.interface import Derivation, derive
    from derive.problem.loading import load, shipped
    from derive.problem.problem import Problem

__all__ = ["Derivation", "HandgradError", "Problem", "ProblemError", "derive", "load", "shipped"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "Derivation": "interface",
        "HandgradError": "errors",
        "Problem": "problem.problem",
        "ProblemError": "errors",
        "derive": "interface",
        "load": "problem.loading",
        "shipped": "problem.loading",
    },
)
