"""Results as pandas DataFrames, and their export."""

import importlib
import typing

if typing.TYPE_CHECKING:
    from tables.frames import comparison, steps

__all__ = ["comparison", "steps"]

_HOMES = {
    "comparison": "frames",
    "steps": "frames",
}


def __getattr__(name: str) -> object:
    # A name is imported when it is first used: the imports take long enough for a Ctrl-C, which must
    # already find the guard of the command line in place.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"tables.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
