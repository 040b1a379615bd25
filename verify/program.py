"""A derivation compiled once to a program over arrays, for any number system.

A program is a list of stages in order of calculation: first the parts of every line, then the
adjoints. A stage knows names, axes and operations; what a number is, it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from derive.chain import SHARES, Adjoint, Derivation, Edge, Part
from derive.expression import ONE, Apply, Axes, Axis, Expr, Number, Position, Reduce, Ref

Array = NDArray[Any]
Product = Callable[[Edge, Ref], Expr]  # what an edge passes on, given the adjoint of the part it is of


class NumberSystem(Protocol):
    """What a program needs of numbers: arrays of them, element by element, and sums."""

    def constant(self, value: Fraction) -> Array:
        """An exact literal of an equation, as an array without dimensions."""

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """An operation of the table, element by element; the arrays broadcast as in NumPy."""

    def reduce(self, op: str, array: Array) -> Array:
        """The sum, logsumexp, max or min over the last dimension."""

    def share(self, op: str, array: Array) -> Array:
        """The share of each entry in the max or min over the last dimension; an array of the same shape."""


@dataclass(frozen=True)
class Read:
    """An earlier value, laid out along the axes of the term: for each, the value's own dimension or None."""

    name: str
    layout: tuple[int | None, ...]


@dataclass(frozen=True)
class Constant:
    """An exact literal."""

    value: Fraction


@dataclass(frozen=True)
class Call:
    """An operation of the table on earlier results of the same term, by their positions."""

    op: str
    args: tuple[int, ...]


@dataclass(frozen=True)
class Positions:
    """The index along one axis of the term, counted from 0."""

    place: int


Instruction = Read | Constant | Positions | Call


@dataclass(frozen=True)
class Term:
    """Instructions over `axes`, and a reduction over the last `summed` of them.

    The share of a maximum keeps its axes and is taken over the last `shared`.
    """

    axes: Axes
    instructions: tuple[Instruction, ...]
    summed: int = 0
    reduction: str = "sum"
    shared: int = 0


@dataclass(frozen=True)
class Stage:
    """One value of the program: the sum of its terms."""

    target: str
    terms: tuple[Term, ...]


def adjoint_of(name: str) -> str:
    """The program's name for ∂loss/∂`name`."""
    return f"∂{name}"


def compile_forward(derivation: Derivation) -> tuple[Stage, ...]:
    """The stages that calculate every line."""
    return tuple(Stage(part.name, (_part(part),)) for part in derivation.parts)


def times_partial(edge: Edge, above: Ref) -> Expr:
    """The adjoint of the edge's part times the edge's partial."""
    return above if edge.partial == ONE else Apply("mul", (above, edge.partial))


def compile_backward(derivation: Derivation, product: Product = times_partial) -> tuple[Stage, ...]:
    """The stages that calculate every adjoint, in reverse order of calculation; `product` says what an edge adds."""
    axes = {node.name: node.axes for node in derivation.graph.nodes}
    axes.update({part.name: part.axes for part in derivation.parts})
    return tuple(_adjoint(adjoint, axes, derivation.graph.loss, product) for adjoint in derivation.adjoints)


def compile_rule(target: str, expr: Expr) -> tuple[Stage, ...]:
    """One equation in scalar names, such as an update rule, for arrays of any shape alike."""
    return (Stage(target, (Term((), _instructions(expr, ())),)),)


def _part(part: Part) -> Term:
    axes = (*part.axes, *part.summed)
    return Term(axes, _instructions(part.body, axes), len(part.summed), part.reduction or "sum", part.shared)


def _adjoint(adjoint: Adjoint, axes: Mapping[str, Axes], loss: str, product: Product) -> Stage:
    terms = tuple(_edge(edge, product(edge, Ref(adjoint_of(edge.of), axes[edge.of]))) for edge in adjoint.edges)
    seed = Term(axes[adjoint.name], (Constant(Fraction(adjoint.name == loss)),))
    return Stage(adjoint_of(adjoint.name), terms or (seed,))


def _edge(edge: Edge, product: Expr) -> Term:
    axes = (*(edge.wrt.axes or ()), *edge.summed)
    return Term(axes, _instructions(product, axes), len(edge.summed))


def _instructions(expr: Expr, axes: Axes) -> tuple[Instruction, ...]:
    """`expr` as a list in which equal parts are calculated once."""
    found: dict[Expr, int] = {}
    listed: list[Instruction] = []

    def position(expr: Expr) -> int:
        if expr not in found:
            listed.append(instruction(expr))
            found[expr] = len(listed) - 1
        return found[expr]

    def instruction(expr: Expr) -> Instruction:
        match expr:
            case Number(value=value):
                return Constant(value)
            case Ref(name=name, axes=own):
                places = own or ()
                return Read(name, tuple(places.index(axis) if axis in places else None for axis in axes))
            case Position(axis=axis):
                return Positions(axes.index(axis))
            case Apply(op=op, args=args):
                return Call(op, tuple(position(arg) for arg in args))
            case Reduce():
                raise TypeError("a reduction is a part of its own")

    position(expr)
    return tuple(listed)


def run(
    stages: tuple[Stage, ...], system: NumberSystem, values: dict[str, Array], sizes: Mapping[str, int]
) -> dict[str, Array]:
    """Calculates every stage from `values`, to which the results are added, and returns them.

    An array has one dimension for each axis of its name; `sizes` gives the sizes that have
    a name (`{"n": 3}` for a batch of three).
    """
    for stage in stages:
        results = [_run_term(term, system, values, sizes) for term in stage.terms]
        values[stage.target] = results[0] if len(results) == 1 else system.reduce("sum", _side_by_side(results))
    return values


def _run_term(term: Term, system: NumberSystem, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
    results: list[Array] = []
    for instruction in term.instructions:
        match instruction:
            case Read(name=name, layout=layout):
                results.append(_laid_out(values[name], layout))
            case Constant(value=value):
                results.append(system.constant(value))
            case Positions(place=place):
                results.append(_positions(system, term.axes, place, sizes))
            case Call(op=op, args=args):
                results.append(system.apply(op, tuple(results[arg] for arg in args)))
    shape = tuple(_length(axis, sizes) for axis in term.axes)
    result = np.broadcast_to(results[-1], shape) if term.axes else results[-1]
    if not term.summed and not term.shared:
        return result
    kept = shape[: len(shape) - term.summed - term.shared]
    count = math.prod(shape[len(kept) :])
    flat = result.reshape((*kept, count))
    if term.shared:
        return system.share(SHARES[term.reduction], flat).reshape(shape)
    if term.reduction == "mean":
        return system.apply("div", (system.reduce("sum", flat), system.constant(Fraction(count))))
    return system.reduce(term.reduction, flat)


def _length(axis: Axis, sizes: Mapping[str, int]) -> int:
    return axis.size if isinstance(axis.size, int) else sizes[str(axis.size)]


def _positions(system: NumberSystem, axes: Axes, place: int, sizes: Mapping[str, int]) -> Array:
    """0, 1, 2, … along one axis."""
    counted = np.stack([system.constant(Fraction(k)) for k in range(_length(axes[place], sizes))])
    return counted.reshape([-1 if k == place else 1 for k in range(len(axes))])


def _laid_out(array: Array, layout: tuple[int | None, ...]) -> Array:
    """`array` with its dimensions in the order of `layout` and one of length 1 for each None."""
    order = [place for place in layout if place is not None]
    if not order:
        return array
    moved = array.transpose(order)
    return moved[tuple(np.newaxis if place is None else slice(None) for place in layout)]


def _side_by_side(arrays: list[Array]) -> Array:
    """The arrays stacked along a new last dimension."""
    return np.stack(np.broadcast_arrays(*arrays), axis=-1)
