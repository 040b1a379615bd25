"""A derivative of another making: the loss in 60 digits at both sides of a point, by the definition of its lines.

Knows neither the chain rule nor SymPy: it is what printed gradients are checked against.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

import mpmath

from derive.algebra.expression import Apply, Axes, Axis, Expr, Number, Position, Reduce, Ref
from derive.graph.graph import Graph

SAMPLES = 3
DIGITS = 60
Table = dict[tuple[int, ...], Any]
Tables = dict[str, Table]

_OPERATIONS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "relu": lambda x: x if x > 0 else mpmath.mpf(0),
    "abs": abs,
    "max": max,
    "min": min,
    "sign": mpmath.sign,
    "greater": lambda x, y: mpmath.mpf(int(x > y)),
    "at_most": lambda x, y: mpmath.mpf(int(x <= y)),
    "at_least": lambda x, y: int(x > y) + mpmath.mpf(int(x == y)) / 2,
    "equal": lambda x, y: mpmath.mpf(int(x == y)),
    "where": lambda c, x, y: x if c else y,
    "detach": lambda x: x,
}
_REDUCTIONS = {
    "sum": mpmath.fsum,
    "mean": lambda values: mpmath.fsum(values) / len(values),
    "logsumexp": lambda values: mpmath.log(mpmath.fsum(map(mpmath.exp, values))),
    "max": max,
    "min": min,
}


def evaluate(expr: Expr, tables: Mapping[str, Table], at: Mapping[Axis, int]) -> Any:
    """The value of a resolved expression at one place of its axes."""
    match expr:
        case Number(value=value):
            return mpmath.mpf(value.numerator) / value.denominator
        case Ref(name=name, axes=axes):
            return tables[name][tuple(at[axis] for axis in axes or ())]
        case Position(axis=axis):
            return mpmath.mpf(at[axis])
        case Reduce(op=op, body=body, axes=axes):
            return _REDUCTIONS[op]([evaluate(body, tables, {**at, **here}) for here in places(axes or ())])
        case Apply(op=op, args=args):
            known = _OPERATIONS.get(op) or getattr(mpmath, op)
            return known(*(evaluate(arg, tables, at) for arg in args))
    raise TypeError(expr)


def places(axes: Axes) -> list[dict[Axis, int]]:
    """Every place of the axes."""
    sizes = [range(axis.size if isinstance(axis.size, int) else SAMPLES) for axis in axes]
    return [dict(zip(axes, place, strict=True)) for place in itertools.product(*sizes)]


def tabulated(expr: Expr, axes: Axes, tables: Mapping[str, Table]) -> Table:
    """The value of an expression at each place of `axes`."""
    return {tuple(at[axis] for axis in axes): evaluate(expr, tables, at) for at in places(axes)}


def given(graph: Graph, seed: int = 1, labels: int | None = None) -> Tables:
    """Random values of all that is given; the data `y` are class labels below `labels` where it is a number."""
    draw = random.Random(seed)
    found: Tables = {}
    for node in graph.nodes:
        if node.kind == "size":
            found[node.name] = {(): mpmath.mpf(SAMPLES)}
        elif node.kind != "line":
            places_of = [tuple(at.values()) for at in places(node.axes)]
            found[node.name] = {place: mpmath.mpf(draw.randint(1, 97)) / 41 for place in places_of}
            if labels is not None and node.name == "y":
                found[node.name] = {place: mpmath.mpf(draw.randrange(labels)) for place in places_of}
    return found


def with_lines(graph: Graph, tables: Tables) -> Tables:
    """The tables with those of every line."""
    found = dict(tables)
    for node in graph.lines:
        found[node.name] = tabulated(node.definition, node.axes, found)
    return found


def slope(graph: Graph, tables: Tables, name: str) -> Table:
    """∂loss/∂`name` for each entry, by a central difference whose error is far below 30 digits."""
    step = mpmath.mpf(10) ** -(DIGITS // 3)
    found: Table = {}
    for place, value in tables[name].items():
        sides = []
        for moved in (value + step, value - step):
            own = {**tables, name: {**tables[name], place: moved}}
            sides.append(with_lines(graph, own)[graph.loss][()])
        found[place] = (sides[0] - sides[1]) / (2 * step)
    return found
