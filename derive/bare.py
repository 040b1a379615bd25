"""Equations alone as a problem: no values, and the kinds of the names are guessed and said."""

from __future__ import annotations

import re
from collections.abc import Iterable

from derive.expression import Reduce, names, walk
from derive.graph import SIZE, build
from derive.operations import ALIASES, CONSTANTS
from derive.paper import Line, read_lines
from derive.spelling import normalise, tokens
from derive.statement import Problem

_DATA = re.compile(r"[xyt](_?[0-9]+|_\w)?")  # x, y1, t_2, x_k: names that mean samples in most books


def read_equations(text: str, source: str = "<text>") -> Problem:
    """The problem of equations without declarations. Raises `EquationError`.

    Where the equations reduce over samples (sum, mean, or n that no line defines), the names x, y, t
    and the like are data; every other name that no line defines is a parameter.
    """
    lines = read_lines(text, source)
    free = free_names(lines)
    data = tuple(name for name in free if _DATA.fullmatch(name)) if _reduces(lines) else ()
    size = SIZE
    parameters = tuple(name for name in free if name not in data and not (data and name == size))
    graph = build(lines, parameters=[name for name in parameters if not _is_constant(name)], data=data)
    notes = (_assumed(data, graph.of_kind("parameter")), *spelling_notes(written_names(lines)))
    title = text.strip() if len(lines) == 1 else f"{len(lines)} equations"
    return Problem("equation", title, source, lines, graph, notes=notes)


def free_names(lines: Iterable[Line]) -> tuple[str, ...]:
    """The names that are used and that no line defines, in the order in which they are read."""
    lines = tuple(lines)
    defined = {line.name for line in lines}
    return tuple(dict.fromkeys(name for line in lines for name in names(line.expr) if name not in defined))


def _reduces(lines: tuple[Line, ...]) -> bool:
    """Whether something is summed, averaged, or divided by the number of samples."""
    return SIZE in free_names(lines) or any(
        isinstance(part, Reduce) for line in lines for part in walk(line.expr)
    )


def _is_constant(name: str) -> bool:
    return ALIASES.get(name, name) in CONSTANTS


def _assumed(data: tuple[str, ...], parameters: tuple[str, ...]) -> str:
    """The sentence that says how the names were read."""
    samples = f"{', '.join(data)} as data over samples and " if data else ""
    kind = "parameters" if len(parameters) > 1 else "a parameter"
    return f"read {samples}{', '.join(parameters)} as {kind}; a problem file says otherwise"


def written_names(lines: Iterable[Line]) -> tuple[str, ...]:
    """The names in the equations as they are spelled on paper."""
    texts = dict.fromkeys(line.place.text.partition("#")[0] for line in lines)
    return tuple(dict.fromkeys(token.text for text in texts for token in tokens(text) if token.kind == "name"))


def spelling_notes(written: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each two spellings that are compared as one name."""
    first: dict[str, str] = {}
    notes: dict[str, None] = {}
    for name in written:
        earlier = first.setdefault(normalise(name), name)
        if earlier != name:
            notes[f"{earlier!r} and {name!r} are read as one name, {normalise(name)!r}"] = None
    return tuple(notes)
