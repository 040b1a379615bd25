"""Where a derivative jumps: the places of a graph at which relu, abs, max, min, clip or sign turn.

For each such operation the graph gets one more node, its distance from the kink. Where that is
exactly 0 a step stands on the kink, and PyTorch's convention decides; where its ball contains 0,
rounding leaves the side open, and the bound allows for both derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import arb

from derive.expression import Apply, Axes, Expr, children, free_axes
from derive.graph import Graph
from derive.node import Node
from derive.operations import OPERATIONS
from verify.numbers import Array, as_ball


@dataclass(frozen=True)
class Kink:
    """One operation with a kink: the node `name` holds its distance from it, over `axes`."""

    name: str
    line: str
    op: str
    axes: Axes


def with_kinks(graph: Graph) -> tuple[Graph, tuple[Kink, ...]]:
    """The graph with a node for the distance from each kink that the loss depends on, and what those nodes are."""
    nodes, kinks = list(graph.nodes), []
    for line in (line for line in graph.lines if line.name in graph.ancestors):
        for number, (op, distance) in enumerate(_distances(line.definition), start=1):
            kink = Kink(f"{line.name}!{number}", line.name, op, free_axes(distance))
            nodes.append(Node(kink.name, "line", kink.axes, distance))
            kinks.append(kink)
    return Graph(tuple(nodes), graph.loss), tuple(kinks)


def _distances(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Each operation with a kink inside `expr`, with an expression that is 0 on the kink."""
    if isinstance(expr, Apply) and OPERATIONS[expr.op].kink:
        first, *others = expr.args
        for other in others:
            yield expr.op, Apply("sub", (first, other))
        if not others:
            yield expr.op, first
    for part in children(expr):
        yield from _distances(part)


def standing(distances: Array) -> Iterator[tuple[tuple[int, ...], bool]]:
    """The entries at which a step stands on the kink (True), or may stand on either side (False)."""
    for place in np.ndindex(distances.shape):
        ball = as_ball(distances.item(place))
        if ball.is_finite() and ball.contains(arb(0)):
            yield place, bool(ball == 0)
