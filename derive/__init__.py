"""Equations as written on paper → their gradients by the chain rule, step by step."""

import importlib
import typing

if typing.TYPE_CHECKING:
    from derive.chain import Derivation
    from derive.errors import HandgradError, ProblemError
    from derive.interface import derive
    from derive.problem import load, shipped
    from derive.statement import Problem

__all__ = ["Derivation", "HandgradError", "Problem", "ProblemError", "derive", "load", "shipped"]

_HOMES = {
    "Derivation": "chain",
    "HandgradError": "errors",
    "Problem": "statement",
    "ProblemError": "errors",
    "derive": "interface",
    "load": "problem",
    "shipped": "problem",
}


def __getattr__(name: str) -> object:
    # A name is imported when it is first used: SymPy takes half a second, in which Ctrl-C must
    # already find the guard of the command line in place.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"derive.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
