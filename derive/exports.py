"""The names of a package, each imported when it is first used.

SymPy takes half a second and PyTorch seconds to import, in which Ctrl-C must already find the guard of the
command line in place.
"""

import importlib
import sys
from collections.abc import Callable, Mapping

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all else until Ctrl-C finds its guard


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Returns `__getattr__` and `__dir__` for the package; `homes` says in which of its modules each name is."""

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        vars(sys.modules[package])[name] = value
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return find, names
