"""`frozen = ["b1", "W[0,1]"]`: parameters, or single entries of them, that training leaves as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from derive.errors import Place, ProblemError, suggestion
from derive.graph.node import Frozen
from derive.paper.spelling import normalise
from derive.source.toml_text import Document
from derive.source.values import Numeral, shown

_ENTRY = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*")


def read_frozen(document: Document, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Frozen, ...]:
    """What `frozen` names, parameter by parameter; `shapes` are those of the parameters.

    Raises `ProblemError` for a name that is not a parameter's and for an entry out of range.
    """
    listed = document.content.get("frozen")
    if listed is None:
        return ()
    place = document.place("frozen")
    if not isinstance(listed, list) or not all(isinstance(e, str) and not isinstance(e, Numeral) for e in listed):
        raise ProblemError(f'frozen is {shown(listed)}; expected names, such as ["b1", "W[0,1]"]', place)
    found: dict[str, dict[tuple[int, ...], None]] = {}
    whole: set[str] = set()
    for text in listed:
        name, entry = _read(text, shapes, place)
        found.setdefault(name, {})
        if entry is None:
            whole.add(name)
        else:
            found[name][entry] = None
    return tuple(Frozen(name, () if name in whole else tuple(entries)) for name, entries in found.items())


def _read(text: str, shapes: Mapping[str, tuple[int, ...]], place: Place) -> tuple[str, tuple[int, ...] | None]:
    """The name and, when it has one, the entry; an index counts from 0."""
    match = _ENTRY.fullmatch(text)
    name = normalise(match[1]) if match else text
    if name not in shapes:
        hint = suggestion(name, shapes) or f"; the parameters are {', '.join(shapes)}"
        raise ProblemError(f"frozen: {shown(text)} is not a parameter{hint}", place)
    if match is None or match[2] is None:
        return name, None
    shape = shapes[name]
    indices = [index.strip() for index in match[2].split(",")]
    if not all(re.fullmatch(r"[0-9]{1,9}", index) for index in indices):
        raise ProblemError(f"frozen: {shown(text)}; expected whole numbers from 0, such as {name}[0]", place)
    entry = tuple(int(index) for index in indices)
    if len(entry) != len(shape):
        has = f"has {len(shape)}" if shape else "is a single number and has none"
        count = "1 index" if len(entry) == 1 else f"{len(entry)} indices"
        raise ProblemError(f"frozen: {shown(text)} is written with {count}, but {name} {has}", place)
    for index, size in zip(entry, shape, strict=True):
        if index >= size:
            raise ProblemError(
                f"frozen: {shown(text)} is out of range: index {index}, but {name} has {size} there, "
                f"counted from 0 to {size - 1}",
                place,
            )
    return name, entry


def frozen_note(frozen: tuple[Frozen, ...]) -> list[str]:
    """The sentence that says what training leaves alone."""
    if not frozen:
        return []
    return [f"frozen: {', '.join(map(str, frozen))}; the gradient is derived and compared, and not applied there"]
