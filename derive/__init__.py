"""Equations as written on paper → their gradients by the chain rule, step by step."""

import typing

from derive.exports import lazily as _lazily

if typing.TYPE_CHECKING:
    from derive.chain import Derivation
    from derive.errors import HandgradError, ProblemError
    from derive.interface import derive
    from derive.problem import load, shipped
    from derive.statement import Problem

__all__ = ["Derivation", "HandgradError", "Problem", "ProblemError", "derive", "load", "shipped"]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "Derivation": "chain",
        "HandgradError": "errors",
        "Problem": "statement",
        "ProblemError": "errors",
        "derive": "interface",
        "load": "problem",
        "shipped": "problem",
    },
)
