"""The frozen `Problem`, and `load`, which reads one from a file, a text, an equation, or by its shipped name."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from derive.errors import ProblemError, shorten, suggestion
from derive.problem.equations import read_equations
from derive.problem.file import read_problem
from derive.problem.problem import Claims, Problem, Quantity
from derive.source.files import clean, read_text
from derive.training.plan import Training

__all__ = ["Claims", "Problem", "Quantity", "Training", "load", "shipped"]

MAX_FILE = 10 * 10**6  # bytes of a problem file; larger data belong in a CSV file beside it

_SHIPPED = Path(__file__).parents[1] / "problems"
_FILE = re.compile(r"\.(toml|tml|tom|txt|csv)$", re.IGNORECASE)  # no equation ends so
_TOML = re.compile(r"^[ \t]*(?:\[[ \t]*\w[\w.]*[ \t]*\]|[\"']?equations[\"']?[ \t]*=)|\"\"\"|'''", re.MULTILINE)


def load(problem: str | os.PathLike[str]) -> Problem:
    """Returns the problem that `problem` names or spells out.

    A path object is a file. A str is, in this order, the name of a shipped problem, the text of a
    problem file or of several equations (when it has a line break), the path of a file, or equations
    (when it has a '='; ';' separates several). Raises `ProblemError`, or one of its kinds.
    """
    if not isinstance(problem, str):
        return _from_file(os.fspath(problem))
    if problem in _shipped_names():
        return _from_file(str(_SHIPPED / f"{problem}.toml"), f"derive/problems/{problem}.toml")
    if "\n" in problem:
        return _from_text(problem)
    if os.path.lexists(problem):
        return _from_file(problem)
    if _FILE.search(problem):
        raise _missing(problem)
    if "=" in problem:
        return _from_text(problem)
    names = ", ".join(_shipped_names())
    raise ProblemError(
        f"there is neither a file nor a shipped problem {shorten(problem, 100)} (shipped: {names}), "
        f"and an equation has a '='"
        f"{suggestion(problem, _shipped_names())}"
    )


def named(arguments: Sequence[str], default: str = "article") -> str:
    """Returns the problem that the arguments of a command name or spell out: one, or equations and shapes in several.

    Raises `ProblemError` for several of which one is neither.
    """
    if len(arguments) > 1:
        for argument in arguments:
            if argument in _shipped_names() or not re.search("[=:;]", argument) or _FILE.search(argument):
                raise ProblemError(
                    f"{len(arguments)} problems are named, {shorten(argument, 100)} among them; expected one, or "
                    "equations and shapes, each in quotes: 'l = mean((X@w - y)^2)' 'X: (n, k)'"
                )
    return "\n".join(arguments) if arguments else default


def _missing(path: str) -> ProblemError:
    """The error for what can only be meant as a file, with what it may have been meant to be."""
    stem = Path(path).stem
    if stem in _shipped_names():
        return ProblemError(f"there is no file {shorten(path, 200)}; the shipped problem is called {stem!r}")
    folder = Path(path).parent
    try:
        others = {file.stem: file for file in folder.iterdir() if file.suffix == ".toml"}
    except (OSError, ValueError):  # ValueError: a null byte
        return ProblemError(f"there is no file {shorten(path, 200)}; there is no folder {shorten(folder, 200)} either")
    near = [f"; did you mean {str(others[name])!r}?" for name in get_close_matches(stem, others, n=1)]
    return ProblemError(f"there is no file {shorten(path, 200)}{''.join(near)}")


def shipped() -> tuple[tuple[str, str], ...]:
    """Returns the name and the title of every problem that ships with the package, sorted by name."""
    return tuple((name, _title(_SHIPPED / f"{name}.toml")) for name in _shipped_names())


def _shipped_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def _title(path: Path) -> str:
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["title"])


def _from_file(path: str, source: str | None = None) -> Problem:
    """The problem of a file; `source` is what it is called in messages, where that is not its path."""
    text = read_text(path, limit=MAX_FILE, what="a problem file")
    return read_problem(text, Path(path).stem, source or path, Path(path).parent)


def _from_text(text: str) -> Problem:
    """The problem of a text: a problem file's when it looks like TOML, otherwise equations alone."""
    if len(text) > MAX_FILE:
        raise ProblemError(f"a text of {len(text):,} characters; expected at most {MAX_FILE:,}")
    text = clean(text)
    return read_problem(text, "text", "<text>", Path()) if _TOML.search(text) else read_equations(text)
