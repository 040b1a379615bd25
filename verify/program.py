"""A derivation compiled once to a program over arrays, for any number system.

A program is a list of stages in order of calculation: first the parts of every line, then the
adjoints. A stage knows names, axes and operations; what a number is, it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from derive.chain import Adjoint, Derivation, Edge, Part
from derive.expression import ONE, Apply, Axes, Expr, Number, Reduce, Ref, dimension

Array = NDArray[Any]


class NumberSystem(Protocol):
    """What a program needs of numbers: arrays of them, element by element, and sums."""

    def constant(self, value: Fraction) -> Array:
        """An exact literal of an equation, as an array without dimensions."""

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """An operation of the table, element by element; the arrays broadcast as in NumPy."""

    def total(self, array: Array, count: int) -> Array:
        """The sum over the last `count` dimensions."""


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


Instruction = Read | Constant | Call


@dataclass(frozen=True)
class Term:
    """Instructions over `axes`, the last `summed` of which are summed away; a mean divides by their sizes."""

    axes: Axes
    instructions: tuple[Instruction, ...]
    summed: int = 0
    mean: bool = False


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


def compile_backward(derivation: Derivation) -> tuple[Stage, ...]:
    """The stages that calculate every adjoint, in reverse order of calculation."""
    axes = {node.name: node.axes for node in derivation.graph.nodes}
    axes.update({part.name: part.axes for part in derivation.parts})
    return tuple(_adjoint(adjoint, axes, derivation.graph.loss) for adjoint in derivation.adjoints)


def compile_rule(target: str, expr: Expr) -> tuple[Stage, ...]:
    """One equation in scalar names, such as an update rule, for arrays of any shape alike."""
    return (Stage(target, (Term((), _instructions(expr, ())),)),)


def _part(part: Part) -> Term:
    axes = (*part.axes, *part.summed)
    return Term(axes, _instructions(part.body, axes), len(part.summed), part.reduction == "mean")


def _adjoint(adjoint: Adjoint, axes: Mapping[str, Axes], loss: str) -> Stage:
    terms = tuple(_edge(edge, axes[edge.of]) for edge in adjoint.edges)
    seed = Term(axes[adjoint.name], (Constant(Fraction(adjoint.name == loss)),))
    return Stage(adjoint_of(adjoint.name), terms or (seed,))


def _edge(edge: Edge, of_axes: Axes) -> Term:
    above: Expr = Ref(adjoint_of(edge.of), of_axes)
    product = above if edge.partial == ONE else Apply("mul", (above, edge.partial))
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

    An array has one dimension for each axis of its name; `sizes` gives the length of each
    dimension (`{"i": 3}` for a batch of three).
    """
    for stage in stages:
        results = [_run_term(term, system, values, sizes) for term in stage.terms]
        values[stage.target] = results[0] if len(results) == 1 else system.total(_side_by_side(results), 1)
    return values


def _run_term(term: Term, system: NumberSystem, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
    results: list[Array] = []
    for instruction in term.instructions:
        match instruction:
            case Read(name=name, layout=layout):
                results.append(_laid_out(values[name], layout))
            case Constant(value=value):
                results.append(system.constant(value))
            case Call(op=op, args=args):
                results.append(system.apply(op, tuple(results[arg] for arg in args)))
    shape = tuple(sizes[dimension(axis)] for axis in term.axes)
    result = np.broadcast_to(results[-1], shape) if term.axes else results[-1]
    if term.summed:
        result = system.total(result, term.summed)
    if term.mean:
        count = Fraction(int(np.prod(shape[len(shape) - term.summed :], dtype=object)))
        result = system.apply("div", (result, system.constant(count)))
    return result


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
