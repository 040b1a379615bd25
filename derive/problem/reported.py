"""The expressions of [report]: numbers beside the loss, of which none is differentiated."""

from __future__ import annotations

from dataclasses import replace

from derive.algebra.expression import names
from derive.errors import EquationError
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.graph.resolution import resolve
from derive.paper.as_typed import as_typed
from derive.paper.lines import Line
from derive.problem.watch import read_beside, refuse_axes
from derive.source.toml_text import Document


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
