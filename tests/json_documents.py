"""Reads a derivation back from its JSON document, and refuses one in which an entry is not what its equations give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from derive.algebra.expression import Ref, names, walk
from derive.chain.derivation import Derivation, differentiate
from derive.errors import Place, ProblemError, shorten
from derive.graph.graph import Graph, build
from derive.graph.node import Frozen
from derive.graph.seed_gradient import Upstream
from derive.paper.lines import Line, check_name, read_line
from derive.show.json_document import SCHEMA, content
from derive.training.optimizers import OPTIMIZERS, OPTIONS, Optimizer
from derive.training.settings import check_option, read_optimizer, read_setting
from derive.training.variants import NONE, read_variant

_Document = dict[str, Any]


def from_json(text: str) -> Derivation:
    """The derivation of a document that `to_json` wrote.

    Raises `ProblemError` for what is no such document, and for one in which an entry is not what
    its own equations give, naming the entry.
    """
    document = _parsed(text)
    if document.get("schema") != SCHEMA:
        found = shorten(document["schema"]) if "schema" in document else "missing"
        raise ProblemError(f"schema is {found}; expected {SCHEMA!r}")
    title = _string(document, "title")
    optimizer = None if document.get("optimizer", "") is None else _optimizer(document)
    derivation = differentiate(_graph(document), _strings(document, "wrt"))
    for place, found, expected in _differences(document, content(derivation, title, optimizer), ""):
        raise ProblemError(f"{place} is {found}; the equations of the document give {expected}")
    return derivation


def _optimizer(document: _Document) -> Optimizer:
    """The optimizer with its options."""
    name, options = _string(document, "optimizer"), document.get("options")
    if name not in OPTIMIZERS:
        raise ProblemError(f"optimizer {shorten(name)} is not known; expected one of: {', '.join(OPTIMIZERS)}")
    if not isinstance(options, dict):
        raise ProblemError("options is missing or is not an object")
    read = {}
    for key in options:
        if key not in OPTIONS:
            raise ProblemError(f"options.{key} is not an option; expected some of: {', '.join(OPTIONS)}")
        check_option(name, key)
        read[key] = read_setting(key, _string(options, key, "options"))
    read_optimizer(name, read)
    variant = NONE if document.get("variant") is None else str(read_setting("variant", _string(document, "variant")))
    return read_variant(name, read, variant)


def _parsed(text: str) -> _Document:
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ProblemError(f"not JSON: {error.msg}", Place("document", error.lineno, error.colno)) from None
    except (RecursionError, ValueError):  # ValueError: an integer of thousands of digits
        raise ProblemError("not a derivation: nested too deeply, or a number too long") from None
    if not isinstance(document, dict):
        raise ProblemError("not a derivation: expected a JSON object")
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> _Document:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ProblemError(f"the key {shorten(repeated)} stands twice in one object; keep one")
    return found


def _graph(document: _Document) -> Graph:
    """The graph of the document's equations."""
    entries = document.get("equations")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ProblemError("equations is missing or is not a list of objects")
    shapes = _shapes(document)
    lines = [_line(entry, f"equations[{number}]") for number, entry in enumerate(entries)]
    loss, seed = _string(document, "loss"), document.get("seed_gradient")
    upstream = None
    if seed is not None:
        line = next((line for line in lines if line.name == loss), None)
        inside = names(line.expr) if line is not None else ()
        if len(inside) < 2 or inside[0] != seed:
            raise ProblemError("seed_gradient is not the first name in the equation of the loss")
        lines, loss = [other for other in lines if other is not line], inside[1]
        is_data = seed in _strings(document, "data")
        upstream = Upstream(((1,) if is_data else ()) + tuple(shapes.get(str(seed), ())), 1)
    parameters, constants, data = (
        {check_name(name): shapes.get(name, ()) for name in _strings(document, key) if name != seed}
        for key in ("parameters", "constants", "data")
    )
    graph = build(lines, parameters=parameters, constants=constants, data=data, loss=loss, upstream=upstream)
    return replace(graph, frozen=tuple(_frozen(text) for text in _strings(document, "frozen")))


def _frozen(text: str) -> Frozen:
    """What `b`, or `W[0,1], W[1,1]` says."""
    if not re.fullmatch(r"[^\s,\[\]]+|[^\s,\[\]]+\[\d+(,\d+)*\](, [^\s,\[\]]+\[\d+(,\d+)*\])*", text):
        raise ProblemError(f"frozen has {shorten(text)}; expected a name, or entries such as 'W[0,1], W[1,1]'")
    entries = tuple(tuple(map(int, entry.split(","))) for entry in re.findall(r"\[([\d,]+)\]", text))
    return Frozen(text.partition("[")[0], entries)


def _shapes(document: _Document) -> Mapping[str, tuple[Any, ...]]:
    """The sizes of the names that are not single numbers."""
    shapes = document.get("shapes")
    if not isinstance(shapes, dict):
        raise ProblemError("shapes is missing or is not an object")
    for name, sizes in shapes.items():
        if not isinstance(sizes, list) or not all(isinstance(size, str | int) for size in sizes):
            raise ProblemError(f"shapes.{name} is not a list of sizes")
    return {name: tuple(sizes) for name, sizes in shapes.items()}


def _line(entry: _Document, source: str) -> Line:
    name, axes, written = (
        _string(entry, "name", source),
        _strings(entry, "axes", source),
        _string(entry, "written", source),
    )
    text = f"{name} = {written}"
    line = read_line(text, Place(source, text=text))
    if not any(isinstance(part, Ref) and part.axes for part in walk(line.expr)):
        return line  # the axes of a line that is written without indices follow from its right side
    text = f"{name}[{','.join(axes)}] = {written}" if axes else text
    return read_line(text, Place(source, text=text))


def _string(entry: _Document, key: str, place: str = "") -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise ProblemError(f"{_at(place, key)} is missing or is not a text")
    return value


def _strings(entry: _Document, key: str, place: str = "") -> list[str]:
    value = entry.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProblemError(f"{_at(place, key)} is missing or is not a list of texts")
    return value


def _differences(found: object, expected: object, place: str) -> Iterator[tuple[str, str, str]]:
    """Where two documents differ: the place, what stands there, what should."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in _both(expected, found):
            if key not in found or key not in expected:
                sides = [_said(side[key]) if key in side else "nothing" for side in (found, expected)]
                yield _at(place, key), sides[0], sides[1]
            else:
                yield from _differences(found[key], expected[key], _at(place, key))
    elif isinstance(found, list) and isinstance(expected, list):
        for number, (left, right) in enumerate(zip(found, expected, strict=False)):
            yield from _differences(left, right, f"{place}[{number}]")
        if len(found) != len(expected):
            yield place, f"a list of {len(found)}", f"{len(expected)} entries"
    elif type(found) is not type(expected) or found != expected:
        yield place, _said(found), _said(expected)


def _both(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _said(value: object) -> str:
    return shorten(value, 60) if isinstance(value, str) else json.dumps(value)[:60]
