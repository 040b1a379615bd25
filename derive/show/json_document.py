"""A derivation as a JSON document, and back; `derivation.schema.json` beside this module describes it.

Formulas are strings in the ASCII notation. The equations alone determine everything else, so a
document is read by deriving its equations again and comparing every entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from derive.algebra.expression import Axes, Expr, Ref, names
from derive.chain.derivation import Adjoint, Derivation, Part
from derive.chain.formulas import Formulas, Gradient
from derive.graph.graph import Graph, Node
from derive.show.notation import Ascii
from derive.show.sides import shown
from derive.steps.equations import EVERY, Side
from derive.steps.gradients import stages
from derive.steps.update_rules import updates
from derive.training.optimizers import Optimizer, written

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
        "gradients": [_gradient(formulas.gradient(name), graph) for name in derivation.wrt],
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


def _gradient(gradient: Gradient, graph: Graph) -> _Document:
    found = stages(gradient, graph)
    sides = {"chain": found.chain, "substituted": found.substituted, "closed": found.closed}
    return {
        "wrt": _STYLE.ref(gradient.wrt),
        "paths": gradient.path_count,
        **{key: None if side is None else _text(side) for key, side in sides.items()},
        "left_out": found.left_out.replace("`", "'") or None,
    }
