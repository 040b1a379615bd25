"""A derivation as a JSON document, and back; `derivation.schema.json` beside this module describes it.

Formulas are strings in the ASCII notation. The equations alone determine everything else, so a
document is read by deriving its equations again and comparing every entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from derive.algebra.expression import Axes, Expr, Ref, names, walk
from derive.chain.derivation import Adjoint, Derivation, Part, differentiate
from derive.chain.formulas import Formulas, Gradient
from derive.errors import Place, ProblemError, shorten
from derive.graph.graph import Graph, Node, build
from derive.graph.node import Frozen
from derive.graph.seed_gradient import Upstream
from derive.paper.lines import Line, check_name, read_line
from derive.show.notation import Ascii
from derive.show.sides import shown
from derive.steps.equations import EVERY, Side
from derive.steps.gradients import stages
from derive.steps.update_rules import updates
from derive.training.optimizers import OPTIMIZERS, OPTIONS, Optimizer, written
from derive.training.settings import check_option, read_optimizer, read_setting
from derive.training.variants import NONE, read_variant

SCHEMA = "handgrad/derivation/1"

_STYLE = Ascii()
_Document = dict[str, Any]


def to_json(
    derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = "SGD", *, ascii_only: bool = False
) -> str:
    """The document as text, two spaces a level; `ascii_only` writes other characters as their code points."""
    return json.dumps(content(derivation, title, optimizer), indent=2, ensure_ascii=ascii_only) + "\n"


def content(derivation: Derivation, title: str = "", optimizer: Optimizer | str | None = "SGD") -> _Document:
    """The document as dictionaries, lists, texts, numbers and booleans."""
    optimizer = Optimizer(optimizer) if isinstance(optimizer, str) else optimizer
    graph, formulas = derivation.graph, Formulas(derivation)
    parts = {part.name: part for part in derivation.parts}
    links = [link for node in reversed(graph.lines) for link in formulas.links[node.name]]
    return {
        "schema": SCHEMA,
        "title": title,
        "loss": graph.loss,
        "parameters": list(graph.of_kind("parameter")),
        "constants": list(graph.of_kind("constant")),
        "data": list(graph.of_kind("data")),
        "frozen": [str(frozen) for frozen in graph.frozen],
        "seed_gradient": _seed_name(graph),
        "shapes": {node.name: _shape(node) for node in graph.nodes if node.kind != "line" and _shape(node)},
        "equations": [_equation(node) for node in graph.lines],
        "wrt": list(derivation.wrt),
        "partials": [_term(link.of, link.wrt, link.partial, link.summed) for link in links],
        "parts": [_part(part) for part in derivation.parts if part.name != part.line],
        "adjoints": [_adjoint(adjoint, parts, graph) for adjoint in derivation.adjoints],
        "gradients": [_gradient(formulas.gradient(name)) for name in derivation.wrt],
        "optimizer": optimizer.name if optimizer else None,
        "variant": optimizer.variant.name if optimizer and optimizer.variant else None,
        "options": {name: written(value) for name, value in optimizer.options.items()} if optimizer else {},
        "state": {state.name: written(optimizer.start(state)) for state in optimizer.states} if optimizer else {},
        "updates": [
            {
                "parameter": None if parameter == EVERY else parameter,
                "name": _STYLE.ref(left),
                "rule": _text(right),
            }
            for parameter, left, right in (updates(derivation, optimizer) if optimizer else ())
        ],
    }


def _text(side: Side) -> str:
    return shown(side, _STYLE)


def _axes(axes: Axes) -> list[str]:
    return [axis.letter for axis in axes]


def _shape(node: Node) -> list[int | str | None]:
    """The sizes of a given name; the samples of data are not counted among them."""
    axes = node.axes[1:] if node.kind == "data" else node.axes
    return [axis.size for axis in axes]


def _seed_name(graph: Graph) -> str | None:
    """The name of the upstream gradient where the last line was added for one."""
    last = graph.by_name[graph.loss]
    return names(last.definition)[0] if last.note else None


def _equation(node: Node) -> _Document:
    """A line of paper, and what it says once every name has its axes."""
    assert node.written is not None  # a line always has its equation
    return {
        "name": node.name,
        "axes": _axes(node.axes),
        "written": _STYLE.as_written().show(node.written),
        "resolved": _text(node.definition),
        "sum_implied": node.implied,
    }


def _part(part: Part) -> _Document:
    return {
        "name": part.name,
        "line": part.line,
        "axes": _axes(part.axes),
        "reduction": part.reduction,
        "body": _text(part.body),
        "summed": _axes(part.summed),
    }


def _term(of: Ref, wrt: Ref, partial: Expr, summed: Axes) -> _Document:
    return {"of": _STYLE.ref(of), "wrt": _STYLE.ref(wrt), "partial": _text(partial), "summed": _axes(summed)}


def _adjoint(adjoint: Adjoint, parts: Mapping[str, Part], graph: Graph) -> _Document:
    axes = parts[adjoint.name].axes if adjoint.name in parts else graph.by_name[adjoint.name].axes
    terms = [_term(Ref(edge.of, parts[edge.of].axes), edge.wrt, edge.partial, edge.summed) for edge in adjoint.edges]
    return {"name": adjoint.name, "axes": _axes(axes), "terms": terms}


def _gradient(gradient: Gradient) -> _Document:
    found = stages(gradient)
    sides = {"chain": found.chain, "substituted": found.substituted, "closed": found.closed}
    return {
        "wrt": _STYLE.ref(gradient.wrt),
        "paths": gradient.path_count,
        **{key: None if side is None else _text(side) for key, side in sides.items()},
        "left_out": found.left_out.replace("`", "'") or None,
    }


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
