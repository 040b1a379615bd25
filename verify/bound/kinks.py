"""Where a derivative jumps: the places of a graph at which relu, abs, max, min, clip or sign turn.

For each such operation the graph gets one more node, its distance from the kink. Where that is
exactly 0 a step stands on the kink, and PyTorch's convention decides; where its ball contains 0,
rounding leaves the side open, and the bound allows for both derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from derive.algebra.conventions import Conventions
from derive.algebra.expression import ONE, ZERO, Apply, Axes, Expr, Number, children, free_axes, names
from derive.algebra.literals import constant_value
from derive.algebra.operations import OPERATIONS, REDUCTION_KINKS
from derive.chain.derivation import SHARES, Derivation
from derive.graph.graph import Graph
from derive.graph.node import Node
from verify.intervals import RoundedPairs
from verify.numbers import Array, Rounded, Truth

AS_IN_PYTORCH = ", as in PyTorch"


@dataclass(frozen=True)
class Kink:
    """One operation with a kink: the node `name` holds its distance from it, over `axes`.

    For a maximum over the last `shared` dimensions, it holds the share of each entry instead.
    """

    name: str
    line: str
    op: str
    axes: Axes
    convention: str
    shared: int = 0


def with_kinks(graph: Graph) -> tuple[Graph, tuple[Kink, ...]]:
    """The graph with a node for the distance from each kink that the loss depends on, and what those nodes are.

    What does not depend on a parameter, such as a comparison of data, has no kink that matters.
    """
    nodes, kinks = list(graph.nodes), []
    moving = set(graph.of_kind("parameter"))
    for line in (line for line in graph.lines if line.name in graph.ancestors):
        moving.update({line.name} if moving.intersection(names(line.definition)) else ())
        for number, (whole, distance) in enumerate(_distances(line.definition), start=1):
            if moving.intersection(names(distance)):
                convention = _convention(whole, graph.conventions)
                kink = Kink(f"{line.name}!{number}", line.name, whole.op, free_axes(distance), convention)
                nodes.append(Node(kink.name, "line", kink.axes, distance))
                kinks.append(kink)
    return replace(graph, nodes=tuple(nodes)), tuple(kinks)


def ties(derivation: Derivation) -> Iterator[Kink]:
    """The maxima over an index that the loss depends on, in the derivation of an elementary graph."""
    moving = {adjoint.name for adjoint in derivation.adjoints}
    for part in derivation.parts:
        if part.reduction in SHARES and part.name.removesuffix("%") in moving:
            op, kept = SHARES[part.reduction], part.axes[: len(part.axes) - part.shared]
            convention = f"{REDUCTION_KINKS[op]}{AS_IN_PYTORCH}'s a{op}; torch.{op}(x, dim) gives all of it to one"
            yield Kink(part.name, part.line.partition(".")[0], op, kept, convention, part.shared)


def _convention(expr: Apply, conventions: Conventions) -> str:
    """What decides on the kink: what one version of PyTorch takes, which is named, or all of them."""
    return conventions.at_kink(expr) + ("" if OPERATIONS[expr.op].ways else AS_IN_PYTORCH)


def _distances(expr: Expr) -> Iterator[tuple[Apply, Expr]]:
    """Each operation with a kink inside `expr`, with an expression that is 0 on the kink."""
    if isinstance(expr, Apply) and OPERATIONS[expr.op].kink:
        first, *others = expr.args
        for other in others or [Number(Fraction(turn)) for turn in OPERATIONS[expr.op].turns]:
            distance = first if other == ZERO else Apply("sub", (first, other))
            yield expr, _uncrossed(distance, *others) if expr.op == "clip" else distance
    for part in children(expr):
        yield from _distances(part)


def _uncrossed(distance: Expr, low: Expr, high: Expr) -> Expr:
    """The distance from an edge of clip; 1 where the edges cross, for what is clipped is then the upper one alone."""
    bounds = constant_value(low), constant_value(high)
    if bounds[0] is not None and bounds[1] is not None:
        return distance if bounds[0] <= bounds[1] else ONE
    return Apply("where", (Apply("at_most", (low, high)), distance, ONE))


def standing(kink: Kink, values: Array, system: Rounded | RoundedPairs) -> Iterator[tuple[tuple[int, ...], bool]]:
    """The entries at which a step stands on the kink (True), or may stand on either side (False).

    The first number of an entry is the step, of those that stand side by side.
    """
    if kink.shared:
        near, there = _tied(values, kink.shared, system)
    else:
        near, there = system.around_0(values)
    for place in np.argwhere(near):
        yield tuple(map(int, place)), bool(there[tuple(place)])


def _tied(shares: Array, shared: int, system: Rounded | RoundedPairs) -> tuple[Truth, Truth]:
    """Where several entries may share a maximum, and where they certainly do."""
    whole = (system.size(shares) == 0) | (system.size(shares) == 1)
    dimensions = tuple(range(shares.ndim - shared, shares.ndim))
    certain = np.asarray(system.certain(shares).all(axis=dimensions))
    return np.asarray(~(whole & system.certain(shares)).all(axis=dimensions)), certain
