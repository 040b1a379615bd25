"""Expressions that are followed beside the loss: those of [watch], and the condition that ends a run.

Each is calculated at the end of a step, from the numbers that the step's row shows: the lines as the
forward pass gave them, the gradients as the backward pass left them, the parameters after the update; the numbers of
the update itself have names of their own. The loss does not depend on it, so it is not differentiated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from derive.algebra.expression import names
from derive.errors import EquationError, Place
from derive.graph.gradient_names import gradient_nodes, read_with_gradients, used_gradients
from derive.graph.graph import Graph
from derive.graph.node import Node
from derive.graph.resolution import resolve
from derive.paper.lines import Line, as_typed, check_name
from derive.paper.syntax import is_condition
from derive.problem.update_names import KIND, update_nodes, used_of_update
from derive.source.toml_text import Document


def read_watch(document: Document, gradients: Collection[str]) -> tuple[Line, ...]:
    """Returns the expressions of [watch] as lines, with their places in the file. Raises `EquationError`.

    `gradients` are the names `dl/dw` that they can read.
    """
    return read_beside(document, "watch", "w^2 + b^2", gradients)


def read_beside(document: Document, table: str, example: str, gradients: Collection[str] = ()) -> tuple[Line, ...]:
    """Returns the expressions of `table`, [watch] or [report], each as a line with its place in the file.

    `gradients` are the names `dl/dw` that they can read, `example` is for a message. Raises `EquationError`, and
    `ProblemError` for what is not a text.
    """
    lines = []
    for written in document.table(table):
        text = document.words(table, written) or ""
        name = check_name(written, document.place(table, written))
        place = text_place(document, (table, written), text)
        if not text.strip():
            raise EquationError(f"{table}.{written} is empty; expected an expression, such as {example}", place)
        lines.append(Line(name, read_with_gradients(text, place, (place.column or 1) - 1, gradients), place))
    return tuple(lines)


def watched(line: Line, graph: Graph) -> Node:
    """Returns the node of an expression in the names of `graph` and of its gradients.

    Raises `EquationError`, with a caret, for a name that is taken, for names and shapes that do not
    fit, and for what is more than one number.
    """
    if line.name in graph.by_name and graph.by_name[line.name].kind != KIND:
        raise EquationError(
            f"{line.name!r} is the name of a {graph.by_name[line.name].kind}; choose another", line.place
        )
    node = resolve(line, {**graph.by_name, **gradient_nodes(graph), **update_nodes(graph)}, is_loss=False)
    refuse_axes(line, node, "step")
    return node


def refuse_axes(line: Line, node: Node, per: str) -> None:
    """Raises `EquationError` where a line is more than one number a `per`."""
    if node.axes:
        over = ", ".join("the samples" if isinstance(axis.size, str) else str(axis) for axis in node.axes)
        message = f"{line.name} runs over {over}; expected one number a {per}, such as a mean(…) or a max(…)"
        raise EquationError(message, line.place)


def condition(text: str, graph: Graph, place: Place) -> Node:
    """Returns the node of a comparison such as `l < 1e-6`: 1 where it holds, else 0. Its name is the text itself.

    `place` is where the text begins. Raises `EquationError`, with a caret, for what is not a comparison of numbers.
    """
    expr = read_with_gradients(text, place, (place.column or 1) - 1, gradient_nodes(graph))
    if not is_condition(expr):
        raise EquationError("until needs a comparison, such as l < 1e-6", place)
    return watched(Line(" ".join(text.split()), expr, place), graph)


def with_lines(graph: Graph, nodes: tuple[Node, ...]) -> Graph:
    """Returns `graph` with `nodes` as more lines, and nodes for the gradients and the update's numbers they read."""
    used = (*used_gradients(graph, nodes), *used_of_update(graph, nodes))
    return replace(graph, nodes=(*graph.nodes, *used, *nodes)) if nodes else graph


def text_place(document: Document, path: tuple[str, ...], text: str) -> Place:
    """Returns where the characters of `text`, the string at `path`, begin, so that a caret can stand under one."""
    offset = document.offset_after(path, text)
    if offset is None or "\n" in text:  # written with escapes, or over several lines
        return Place(f"{document.source}, {'.'.join(path)}", None, 1, text)
    line = document.text.count("\n", 0, offset) + 1
    column = offset - (document.text.rfind("\n", 0, offset) + 1)
    return Place(document.source, line, column + 1, document.text.split("\n")[line - 1])


def read_reported(document: Document) -> tuple[Line, ...]:
    """The expressions of [report] as lines, with their places in the file. Raises `EquationError`."""
    return read_beside(document, "report", "l/2")


def at_the_end(lines: tuple[Line, ...], graph: Graph) -> tuple[Line, ...]:
    """Those of the lines of [report] that are calculated at the end of a step, as those of [watch] are.

    They read numbers of the update, such as lr, or others of these lines. Raises `EquationError` where one reads a
    parameter too: under [report] it is the one before the update, under [watch] the one after it.
    """
    late = set(update_nodes(graph))
    found: list[Line] = []
    for line in lines:
        read = set(names(line.expr))
        if not read & late:
            late.discard(line.name)
            continue
        late.add(line.name)
        found.append(line)
        parameter = next((name for name in graph.of_kind("parameter") if name in read), "")
        if parameter:
            message = (
                f"{line.name} reads a number of the update, which comes after the batch, and {parameter}, which under "
                f"[report] is the one before the update; put it under [watch], where {parameter} is the one after it"
            )
            raise EquationError(message, line.place)
    return tuple(found)


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
