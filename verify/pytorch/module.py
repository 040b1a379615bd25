"""The equations as a PyTorch module, and exact numbers as tensors. Of the training side: it imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from derive.algebra.conventions import NUMBERS, by_numbers
from derive.algebra.expression import (
    Apply,
    Axes,
    Expr,
    Number,
    Position,
    Reduce,
    Ref,
    bound_axes,
    contraction,
    free_axes,
    taken_axes,
)
from derive.algebra.literals import constant_value
from derive.algebra.operations import OPERATIONS
from derive.errors import DataError
from derive.graph.graph import Graph
from derive.graph.node import ROWS, SIZE, Node
from derive.problem.loading import Problem, Quantity
from verify.numbers import FORMATS, expansion
from verify.record import Values

# amax and amin share the gradient evenly among equals, as the derivation does
_REDUCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "logsumexp": torch.logsumexp,
    "max": torch.amax,
    "min": torch.amin,
}


Named = Mapping[str, Tensor]
Value = Callable[[Named], Tensor]  # of an expression, given the values by name that it reads


class GraphModule(nn.Module):
    """The equations as a module; its parameters are the problem's, in order. Raises as `as_tensor` does."""

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        super().__init__()
        self.graph: Graph = problem.graph
        self.reported = problem.reported
        self.dtype = dtype
        self.weights = nn.ParameterList(nn.Parameter(as_tensor(p, dtype)) for p in problem.parameters)
        self.named = {p.name: weight for p, weight in zip(problem.parameters, self.weights, strict=True)}
        self.constants = {c.name: as_tensor(c, dtype) for c in problem.constants}
        self.sizes: dict[int, dict[str, Tensor]] = {}
        self.compiled: dict[str, Value] = {}  # each line, the same in every step

    def forward(self, columns: Named, n: int) -> dict[str, Tensor]:
        """The value of every line for one batch of `n` samples; a tensor has one dimension an axis."""
        values = self._given(columns, n)
        return {node.name: self._set(node, values) for node in self.graph.lines}

    @torch.no_grad()
    def watched(self, nodes: tuple[Node, ...], lines: Named, columns: Named, n: int) -> dict[str, Tensor]:
        """The value of more lines, from the parameters as they are now and `lines` as they have been calculated."""
        values = {**self._given(columns, n), **lines}
        return {node.name: self._set(node, values) for node in nodes}

    def _given(self, columns: Named, n: int) -> dict[str, Tensor]:
        """Everything that is not calculated."""
        if n not in self.sizes:
            names = self.graph.of_kind("size")
            self.sizes[n] = {name: torch.tensor(float(n), dtype=self.dtype) for name in names}
        return {**self.named, **self.constants, **columns, **self.sizes[n]}

    def _set(self, node: Node, values: dict[str, Tensor]) -> Tensor:
        """Calculates a line, whose value later ones find under its name."""
        values[node.name] = found = self._line(node, values)
        return found

    def _line(self, node: Node, values: Named) -> Tensor:
        if node.name not in self.compiled:
            self.compiled[node.name] = self._value(node.definition, _dimensions(node))
        result = self.compiled[node.name](values)
        if isinstance(node.definition, Ref):
            return result.clone()  # z = w is a tensor of its own, with its own gradient: it outlives the update of w
        return result.reshape(result.shape[: len(node.axes)]) if result.dim() > len(node.axes) else result

    def _value(self, expr: Expr, axes: Axes) -> Value:
        """How `expr` is calculated, with a dimension for each of `axes`, or with none where it is one number."""
        match expr:
            case Number(value=value):
                return _always(torch.tensor(value.numerator / value.denominator, dtype=self.dtype))
            case Ref(name=name, axes=own):
                laid_out = _layout(own or (), axes)
                return itemgetter(name) if laid_out is None else lambda values: laid_out(values[name])
            case Position(axis=axis) if axis.size == SIZE:
                return self._value(Ref(ROWS, (axis,)), axes)
            case Position(axis=axis):
                lengths = [-1 if other == axis else 1 for other in axes]
                return _always(torch.arange(int(axis.size or 0), dtype=self.dtype).reshape(lengths))
            case Reduce() if (factors := contraction(expr)) is not None:
                return self._contracted(expr, factors, axes)
            case Reduce(op=op, body=body, axes=summed):
                return _reduced(_REDUCTIONS[op], self._value(body, axes), axes, summed or (), bool(free_axes(expr)))
            case Apply(op="pow", args=(base, exponent)) if (power := constant_value(exponent)) is not None:
                plain, of_base = int(power) if power.denominator == 1 else float(power), self._value(base, axes)
                return lambda values: torch.pow(of_base(values), plain)
            case Apply(op="clip", args=(clipped, *bounds)) if by_numbers(expr) == NUMBERS:
                edges = [float(bound) for arg in bounds if (bound := constant_value(arg)) is not None]
                whole = self._value(clipped, axes)
                return lambda values: torch.clamp(whole(values), *edges)
            case Apply(op=op, args=args):
                calculate, operands = compiled(op, self.dtype), [self._value(arg, axes) for arg in args]
                return lambda values: calculate(*[operand(values) for operand in operands])
        raise TypeError(type(expr).__name__)

    def _contracted(self, expr: Expr, factors: tuple[Expr, Expr], axes: Axes) -> Value:
        """A sum of products by `torch.einsum`, that is by a product of matrices as in `torch.nn.Linear`."""
        kept = free_axes(expr)
        owns = [free_axes(factor) for factor in factors]
        values_of = [
            self._value(factor, (*own, *sorted(bound_axes(factor) - {*own})))
            for factor, own in zip(factors, owns, strict=True)
        ]
        letters = [[axes.index(axis) for axis in own] for own in (*owns, kept)]
        laid_out = _layout(kept, axes)

        def value(values: Named) -> Tensor:
            left, right = (
                (found := of(values)).reshape(found.shape[: len(own)]) for of, own in zip(values_of, owns, strict=True)
            )
            total = torch.einsum(left, letters[0], right, letters[1], letters[2])
            return total if laid_out is None else laid_out(total)

        return value


def _always(tensor: Tensor) -> Value:
    return lambda _: tensor


def _reduced(reduce: Callable[..., Tensor], body: Value, axes: Axes, summed: Axes, is_spread: bool) -> Value:
    """A reduction over the axes `summed`; with all dimensions where it `is_spread` over others, else one number."""
    dimensions = [axes.index(axis) for axis in summed]
    if is_spread:
        return lambda values: reduce(body(values), dimensions, keepdim=True)
    return lambda values: reduce(body(values), dimensions, keepdim=True).reshape(())


def operation(op: str, args: tuple[Tensor, ...], dtype: torch.dtype) -> Tensor:
    """An operation of the table on tensors that broadcast, by its function in torch, else by its expansion."""
    return compiled(op, dtype)(*args)


def compiled(op: str, dtype: torch.dtype) -> Callable[..., Tensor]:
    """The function of PyTorch that an operation of the table is, else its expansion; of tensors that broadcast."""
    entry = OPERATIONS[op]
    if entry.torch is None:
        whole = expansion(op)
        return lambda *args: _expanded(whole, dict(zip("xy", args, strict=False)), dtype)
    found = getattr(torch, entry.torch)
    if not callable(found):  # pi
        return lambda: torch.tensor(found, dtype=dtype)
    if op == "where":
        return lambda chosen, x, y: torch.where(chosen > 0, x, y)
    if op == "clip":
        return _clamped
    function: Callable[..., Tensor] = found
    return function


def _clamped(*args: Tensor) -> Tensor:
    """torch.clamp, whose backward does not broadcast what is clipped."""
    shape = np.broadcast_shapes(*(arg.shape for arg in args))
    return torch.clamp(*(arg.expand(shape) for arg in args))


def _expanded(expr: Expr, names: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
    match expr:
        case Number(value=value):
            return torch.tensor(value.numerator / value.denominator, dtype=dtype)
        case Ref(name=name):
            return names[name]
        case Apply(op=op, args=args):
            return operation(op, tuple(_expanded(arg, names, dtype) for arg in args), dtype)
    raise TypeError(type(expr).__name__)


def _dimensions(line: Node) -> Axes:
    """The axes of a line, and then those that it takes away."""
    return (*line.axes, *sorted(taken_axes(line.definition) - set(line.axes)))


def _layout(own: Axes, axes: Axes) -> Callable[[Tensor], Tensor] | None:
    """How a tensor over its `own` axes gets a dimension of length 1 for each of `axes` it lacks; None for as it is."""
    if not own or own == axes:
        return None
    order = [own.index(axis) for axis in axes if axis in own]
    is_own = [axis in own for axis in axes]

    def laid_out(tensor: Tensor) -> Tensor:
        placed = tensor.permute(order)
        lengths = iter(placed.shape)
        return placed.reshape([next(lengths) if has else 1 for has in is_own])

    return laid_out


def as_tensor(quantity: Quantity, dtype: torch.dtype) -> Tensor:
    """The exact values, each the nearest float64, rounded to `dtype`. Raises `DataError` where one does not fit."""
    tensor = torch.tensor(quantity.floats, dtype=torch.float64).to(dtype).reshape(quantity.shape)
    if not bool(torch.isfinite(tensor).all()):
        largest = max(quantity.values, key=abs)
        raise DataError(
            f"{quantity.name} holds {float(largest):g}, which does not fit {dtype_name(dtype)}; scale the numbers"
        )
    return tensor


def as_columns(problem: Problem, given: Sequence[Quantity], dtype: torch.dtype) -> dict[str, Tensor]:
    """The columns `given` as tensors, by name; and their rows, where an equation reads them, as numbers of the dtype.

    Raises `DataError` as `as_tensor` does, and for more rows than the dtype can count.
    """
    found = {column.name: as_tensor(column, dtype) for column in given}
    if given and problem.graph.reads_rows:
        samples = given[0].shape[0]
        found[ROWS] = torch.arange(samples, dtype=torch.float64).to(dtype)
        if int(found[ROWS].to(torch.float64).diff().ne(1).sum()):
            raise DataError(
                f"{dtype_name(dtype)} cannot count the {samples} rows of the data, which an equation uses as numbers; "
                "expected a larger dtype"
            )
    return found


def dtype_name(dtype: torch.dtype) -> str:
    """The name of the dtype: `float32`."""
    return str(dtype).removeprefix("torch.")


DTYPES = {name: getattr(torch, name) for name in FORMATS}


def as_values(tensors: Mapping[str, Tensor]) -> Values:
    """The numbers of each tensor, as float64, in memory of their own."""
    return {name: as_array(tensor) for name, tensor in tensors.items()}


def as_array(tensor: Tensor) -> NDArray[Any]:
    """The numbers, as float64, in memory of their own."""
    values: NDArray[Any] = tensor.detach().to(torch.float64, copy=True).numpy()
    return values
