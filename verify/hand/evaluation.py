"""A program on numbers of any system, for one step or for many steps side by side.

What a number is, only the system knows. An array has one dimension for each axis of its name; what
differs from step to step may have one more in front, and then so does every result.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from derive.algebra.expression import Axes, Axis
from derive.chain.derivation import SHARES
from verify.hand.program import Call, Constant, Positions, Read, Stage, Term
from verify.intervals import Contraction, Enclosed
from verify.names import own_result
from verify.numbers import ByElement, CalculationError, Exact, is_finite, objects

Array = NDArray[Any]
Values = Mapping[str, Array]
MOST_PRODUCTS = 2**16  # of a contraction that are held at once, where each is an object


class NumberSystem(Protocol):
    """What a program needs of numbers: arrays of them, element by element, and sums."""

    def constants(self, values: Sequence[Fraction]) -> Array:
        """Exact literals as an array of one dimension: rounded, if the system rounds."""

    def constant(self, value: Fraction) -> Array:
        """One of them, as an array without dimensions."""

    def apply(self, op: str, args: tuple[Array, ...]) -> Array:
        """An operation of the table, element by element; the arrays broadcast as in NumPy."""

    def reduce(self, op: str, array: Array) -> Array:
        """The sum, logsumexp, max or min over the last dimension."""

    def accumulate(self, array: Array) -> Array:
        """The sum over the last dimension of what autograd adds one by one: the parts of an adjoint."""

    def take(self, array: NDArray[np.float64]) -> Array:
        """The floats as numbers of the system, not rounded; infinity and NaN become a number that is not known."""

    def cast(self, array: Array) -> Array:
        """Python's float64 numbers as an operation on tensors reads them: rounded to the dtype, if it rounds."""

    def share(self, op: str, array: Array) -> Array:
        """For each entry its share in the max or min over the last dimension: equal ones share 1 evenly, others 0."""

    def size(self, array: Array) -> NDArray[np.float64]:
        """The absolute value of each number, as a float."""


@dataclass(frozen=True)
class Evaluation:
    """The result of every stage and, of those that were measured, Σ|terms| of its last sum; both by its target."""

    results: Values
    terms: Mapping[str, NDArray[np.float64]]


def evaluate(
    stages: tuple[Stage, ...],
    system: NumberSystem,
    values: dict[str, Array],
    sizes: Mapping[str, int],
    recorded: Values | None = None,
    measured: Collection[str] = (),
) -> Evaluation:
    """Calculates every stage from `values`, to which the results are added.

    `sizes` gives the sizes that have a name (`{"n": 3}` for a batch of three). Later stages go on
    with the number of `recorded`, where there is one, in place of a result. Σ|terms| is taken of
    the stages in `measured`. Raises `CalculationError` where the system does, as `Exact` for a division by zero.
    """
    results, terms = {}, {}
    for stage in stages:
        is_measured = stage.target in measured
        found = [_evaluated(term, system, values, sizes, is_measured=is_measured) for term in stage.terms]
        sums = [own for own, _ in found]
        total = sums[0] if len(sums) == 1 else system.accumulate(_side_by_side(sums))
        results[stage.target] = values[own_result(stage.target)] = total
        values[stage.target] = (recorded or {}).get(stage.target, total)
        if is_measured:
            parts = ((term, numbers) for term, (_, numbers) in zip(stage.terms, found, strict=True))
            with np.errstate(over="ignore"):
                terms[stage.target] = sum((_size(term, system, own, values) for term, own in parts), np.asarray(0.0))
    return Evaluation(results, terms)


def _evaluated(
    term: Term, system: NumberSystem, values: Values, sizes: Mapping[str, int], *, is_measured: bool
) -> tuple[Array, Array | None]:
    """What a term comes to, and its numbers before they are reduced: None for a contraction, which makes none."""
    if term.contraction is not None and isinstance(system, Enclosed):
        return system.contract(term.contraction, *_factors(term, values)), None
    if term.contraction is not None and isinstance(system, Exact) and not is_measured:
        factors = _factors(term, values)
        if math.prod(term.contraction.lengths(*factors)) > MOST_PRODUCTS:
            return _contracted(system, term.contraction, *factors), None
    if term.is_outer and isinstance(system, Enclosed):
        numbers = system.product(*_factors(term, values))
    else:
        numbers = _terms(term, system, values, sizes)
    return _reduced(term, system, numbers), numbers


def _factors(term: Term, values: Values) -> tuple[Array, Array]:
    """Both factors of a contraction, with a dimension for each axis of the term."""
    left, right = (_laid_out(values[read.name], read.layout) for read in term.instructions if isinstance(read, Read))
    return left, right


def _contracted(system: Exact, contraction: Contraction, left: Array, right: Array) -> Array:
    """Each sum of products by itself, the same as where all products are in one array, which would be the largest."""
    times = mul if system.are_short(left, right) else system.element("mul")
    rows, columns = contraction.matrices(left, right)
    steps = max(len(rows), len(columns))
    sums = [
        system.reduced("sum", list(map(times, row, column)))
        for step in range(steps)
        for one, other in zip(rows[step % len(rows)], columns[step % len(columns)], strict=True)
        for row, turned in ((row.tolist(), other.T.tolist()) for row in one)
        for column in turned
    ]
    found = objects(sums, (steps, *rows.shape[1:3], columns.shape[3]))
    return contraction.restored(found, left, right)


def _size(term: Term, system: NumberSystem, numbers: Array | None, values: Values) -> NDArray[np.float64]:
    """Σ|terms|, over what a term sums; the largest of them, where it takes one."""
    if numbers is None:
        assert term.contraction is not None
        assert isinstance(system, Enclosed)  # else there are numbers
        return system.contracted_size(term.contraction, *_factors(term, values))
    found = system.size(numbers)
    summed = tuple(range(found.ndim - term.summed, found.ndim))
    return np.asarray(found.sum(axis=summed) if term.reduction in ("sum", "mean") else found.max(axis=summed))


def _terms(term: Term, system: NumberSystem, values: Values, sizes: Mapping[str, int]) -> Array:
    """The numbers of a term before they are reduced; what `where` leaves out needs no value."""
    try:
        return _calculated(term, system, values, sizes)
    except CalculationError:
        if not isinstance(system, Exact) or not term.chooses:
            raise
        found = _calculated(term, Exact(strict=False), values, sizes)
        if not all(is_finite(value) for value in found.flat):
            raise
        return found


def _calculated(term: Term, system: NumberSystem, values: Values, sizes: Mapping[str, int]) -> Array:
    """The numbers of a term, each of its instructions calculated everywhere."""
    shape = tuple(length(axis, sizes) for axis in term.axes)
    if isinstance(system, ByElement) and _are_single(term, values, shape):
        return objects([_single(term, system, values)], shape)
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
    if not term.axes:
        return results[-1]
    found = results[-1]
    whole = (*found.shape[: max(found.ndim - len(term.axes), 0)], *shape)
    return found if found.shape == whole else np.broadcast_to(found, whole)


def _are_single(term: Term, values: Values, shape: tuple[int, ...]) -> bool:
    """Whether a term is one number, and reads single numbers of one step."""
    if math.prod(shape) != 1:
        return False
    return all(values[name].size == 1 and values[name].ndim == rank for name, rank in term.reads)


def _single(term: Term, system: ByElement, values: Values) -> Any:
    """The one number of a term: the same instructions, without an array around each number."""
    results: list[Any] = []
    for op, args, name, value in term.in_singles:
        if op:
            results.append(system.element(op)(*[results[arg] for arg in args]))
        else:
            results.append(values[name].item() if name else system.number(value))
    return results[-1]


def _reduced(term: Term, system: NumberSystem, numbers: Array) -> Array:
    """What a term makes of its numbers: itself, or a reduction over its last dimensions."""
    reduced = term.summed + term.shared
    if not reduced:
        return numbers
    if isinstance(system, ByElement) and numbers.size == 1 and not term.shared:
        return objects([_reduced_single(term, system, numbers.item())], numbers.shape[:-reduced])
    kept = numbers.shape[: numbers.ndim - reduced]
    count = math.prod(numbers.shape[len(kept) :])
    flat = numbers.reshape((*kept, count))
    if term.shared:
        return system.share(SHARES[term.reduction], flat).reshape(numbers.shape)
    if term.reduction == "mean":
        return system.apply("div", (system.reduce("sum", flat), system.constant(Fraction(count))))
    return system.reduce(term.reduction, flat)


def _reduced_single(term: Term, system: ByElement, number: Any) -> Any:
    """What a term makes of its one number."""
    if term.reduction == "mean":
        return system.element("div")(system.reduced("sum", [number]), system.number(Fraction(1)))
    return system.reduced(term.reduction, [number])


def length(axis: Axis, sizes: Mapping[str, int]) -> int:
    """How many numbers stand along an axis."""
    return axis.size if isinstance(axis.size, int) else sizes[str(axis.size)]


def _positions(system: NumberSystem, axes: Axes, place: int, sizes: Mapping[str, int]) -> Array:
    """0, 1, 2, … along one axis."""
    counted = system.constants([Fraction(k) for k in range(length(axes[place], sizes))])
    return counted.reshape([-1 if k == place else 1 for k in range(len(axes))])


def _laid_out(array: Array, layout: tuple[int | None, ...]) -> Array:
    """`array` with its dimensions in the order of `layout` and one of length 1 for each None."""
    if not layout:
        return array
    order = [place for place in layout if place is not None]
    steps = array.ndim - len(order)  # 1 in front where there are several steps
    moved = array.transpose((*range(steps), *(steps + place for place in order)))
    return moved[(*[slice(None)] * steps, *(np.newaxis if place is None else slice(None) for place in layout))]


def _side_by_side(arrays: list[Array]) -> Array:
    """The arrays stacked along a new last dimension."""
    alike = all(array.shape == arrays[0].shape for array in arrays)
    return np.stack(arrays if alike else np.broadcast_arrays(*arrays), axis=-1)
