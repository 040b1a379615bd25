"""The equations as a PyTorch module, and exact numbers as tensors. Of the training side: it imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        self.dimensions: dict[str, Axes] = {}  # of each line, the same in every step

    def forward(self, columns: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
        """The value of every line for one batch of `n` samples; a tensor has one dimension an axis."""
        values = self._given(columns, n)
        for node in self.graph.lines:
            values[node.name] = self._line(node, values)
        return {node.name: values[node.name] for node in self.graph.lines}

    @torch.no_grad()
    def watched(
        self, nodes: tuple[Node, ...], lines: Mapping[str, Tensor], columns: Mapping[str, Tensor], n: int
    ) -> dict[str, Tensor]:
        """The value of more lines, from the parameters as they are now and `lines` as they have been calculated."""
        values = {**self._given(columns, n), **lines}
        for node in nodes:
            values[node.name] = self._line(node, values)
        return {node.name: values[node.name] for node in nodes}

    def _given(self, columns: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
        """Everything that is not calculated."""
        sizes = {name: torch.tensor(float(n), dtype=self.dtype) for name in self.graph.of_kind("size")}
        return {**self.named, **self.constants, **columns, **sizes}

    def _line(self, node: Node, values: Mapping[str, Tensor]) -> Tensor:
        if node.name not in self.dimensions:
            self.dimensions[node.name] = _dimensions(node)
        result = self._value(node.definition, self.dimensions[node.name], values)
        if isinstance(node.definition, Ref):
            return result.clone()  # z = w is a tensor of its own, with its own gradient: it outlives the update of w
        return result.reshape(result.shape[: len(node.axes)]) if result.dim() > len(node.axes) else result

    def _value(self, expr: Expr, axes: Axes, values: Mapping[str, Tensor]) -> Tensor:
        """The value of `expr`, with a dimension for each of `axes`, or with none where it is one number."""
        match expr:
            case Number(value=value):
                return torch.tensor(value.numerator / value.denominator, dtype=self.dtype)
            case Ref(name=name, axes=own):
                return _laid_out(values[name], own or (), axes)
            case Position(axis=axis) if axis.size == SIZE:
                return _laid_out(values[ROWS], (axis,), axes)
            case Position(axis=axis):
                lengths = [-1 if other == axis else 1 for other in axes]
                return torch.arange(int(axis.size or 0), dtype=self.dtype).reshape(lengths)
            case Reduce() if (factors := contraction(expr)) is not None:
                return self._contracted(expr, factors, axes, values)
            case Reduce(op=op, body=body, axes=summed):
                dimensions = [axes.index(axis) for axis in summed or ()]
                inner = self._value(body, axes, values)
                total = _REDUCTIONS[op](inner, dimensions, keepdim=True)
                return total if free_axes(expr) else total.reshape(())
            case Apply(op="pow", args=(base, exponent)) if (power := constant_value(exponent)) is not None:
                plain = int(power) if power.denominator == 1 else float(power)
                return torch.pow(self._value(base, axes, values), plain)
            case Apply(op="clip", args=(clipped, *bounds)) if by_numbers(expr) == NUMBERS:
                edges = [float(bound) for arg in bounds if (bound := constant_value(arg)) is not None]
                return torch.clamp(self._value(clipped, axes, values), *edges)
            case Apply(op=op, args=args):
                return operation(op, tuple(self._value(arg, axes, values) for arg in args), self.dtype)
        raise TypeError(type(expr).__name__)

    def _contracted(self, expr: Expr, factors: tuple[Expr, Expr], axes: Axes, values: Mapping[str, Tensor]) -> Tensor:
        """A sum of products by `torch.einsum`, that is by a product of matrices as in `torch.nn.Linear`."""
        kept = free_axes(expr)
        operands = []
        for factor in factors:
            own = free_axes(factor)
            value = self._value(factor, (*own, *sorted(bound_axes(factor) - {*own})), values)
            operands += [value.reshape(value.shape[: len(own)]), [axes.index(axis) for axis in own]]
        return _laid_out(torch.einsum(*operands, [axes.index(axis) for axis in kept]), kept, axes)


def operation(op: str, args: tuple[Tensor, ...], dtype: torch.dtype) -> Tensor:
    """An operation of the table on tensors that broadcast, by its function in torch, else by its expansion."""
    entry = OPERATIONS[op]
    if entry.torch is not None:
        found = getattr(torch, entry.torch)
        if op == "where":
            args = (args[0] > 0, *args[1:])
        elif op == "clip":  # clamp's backward does not broadcast what is clipped
            shape = np.broadcast_shapes(*(arg.shape for arg in args))
            args = tuple(arg.expand(shape) for arg in args)
        return found(*args) if args else torch.tensor(found, dtype=dtype)
    return _expanded(expansion(op), dict(zip("xy", args, strict=False)), dtype)


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


def _laid_out(tensor: Tensor, own: Axes, axes: Axes) -> Tensor:
    """A tensor over its `own` axes, with a dimension of length 1 for each of `axes` it lacks."""
    if not own or own == axes:
        return tensor
    placed = tensor.permute([own.index(axis) for axis in axes if axis in own])
    lengths = iter(placed.shape)
    return placed.reshape([next(lengths) if axis in own else 1 for axis in axes])


def as_tensor(quantity: Quantity, dtype: torch.dtype) -> Tensor:
    """The exact values, each the nearest float64, rounded to `dtype`. Raises `DataError` where one does not fit."""
    floats = [value.numerator / value.denominator for value in quantity.values]
    tensor = torch.tensor(floats, dtype=torch.float64).to(dtype).reshape(quantity.shape)
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
