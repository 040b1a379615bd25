"""The expressions of [report]: numbers beside the loss, of which none is differentiated."""

from __future__ import annotations

from dataclasses import replace

from derive.as_typed import as_typed
from derive.errors import EquationError
from derive.expression import names
from derive.graph import Graph
from derive.node import Node
from derive.paper import Line
from derive.resolve import resolve
from derive.toml_text import Document
from derive.watch import read_beside, refuse_axes


def read_reported(document: Document) -> tuple[Line, ...]:
    """The expressions of [report] as lines, with their places in the file. Raises `EquationError`."""
    return read_beside(document, "report", "l/2")


def with_reported(graph: Graph, lines: tuple[Line, ...]) -> Graph:
    """The graph with the lines of [report], each of which can use those above it, after its own.

    Raises `EquationError`, with a caret, for a name that is taken or unknown, and for what is more than one number.
    """
    for line in lines:
        graph = replace(graph, nodes=(*graph.nodes, _node(line, graph)))
    return graph


def _node(line: Line, graph: Graph) -> Node:
    taken = graph.by_name.get(line.name)
    if taken is not None:
        what = {"line": "a line", "size": "the number of samples"}.get(taken.kind, f"a name under {taken.kind}")
        raise EquationError(f"{line.name!r} is {what} already; choose another name to report", line.place)
    for name in names(line.expr):
        if name == line.name:
            raise EquationError(f"{name!r} is reported by itself; expected other names", line.place)
    node = resolve(line, graph.by_name, is_loss=False)
    refuse_axes(line, node, "batch")
    echoed = as_typed(line)
    return node if echoed is line.expr else replace(node, written=echoed)
