"""The training run in PyTorch, and its record. The only module that imports torch.

It walks the equations on its own: nothing of the derivation or of the hand calculation is used
here, only the problem and the settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from derive.errors import DataError, Place, SettingError
from derive.expression import Apply, Axes, Expr, Number, Reduce, Ref, free_axes
from derive.graph import Graph, Node, taken_axes
from derive.operations import OPERATIONS
from derive.paper import constant_value, read_expression
from derive.problem import Problem, Quantity
from verify.batches import Batch
from verify.record import Record, StepRecord, Values
from verify.settings import Settings

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def train(problem: Problem, settings: Settings) -> Record:
    """Trains the problem's graph with `torch.optim` and records every step.

    Raises `DataError` for a number that the dtype cannot hold, `SettingError` for such an lr.
    """
    dtype = DTYPES[settings.dtype]
    if settings.lr > Fraction(torch.finfo(dtype).max):
        raise SettingError(f"lr = {float(settings.lr):g} does not fit {_name(dtype)}; expected a smaller one")
    model = GraphModule(problem, dtype)
    data = {column.name: _tensor(column, dtype) for column in problem.data}
    optimizer = getattr(torch.optim, settings.optimizer)(model.parameters(), lr=float(settings.lr))
    steps = []
    for batch, columns in _batches(data, settings):
        steps.append(_step(model, optimizer, batch, columns, settings.nodes))
        if not steps[-1].finite:
            break
    return Record(settings.dtype, torch.__version__, _values(data), tuple(steps))


def _step(
    model: GraphModule, optimizer: torch.optim.Optimizer, batch: Batch, columns: Mapping[str, Tensor], nodes: bool
) -> StepRecord:
    """One mini-batch: zero_grad, forward, backward, step."""
    before = _values(model.named)
    optimizer.zero_grad()
    lines = model(columns, batch.n)
    if nodes:
        for value in lines.values():
            if value.requires_grad:
                value.retain_grad()
    loss = lines[model.graph.loss]
    loss.backward()
    gradients = {name: p.grad for name, p in model.named.items() if p.grad is not None}
    gradients = {name: gradients.get(name, torch.zeros_like(p)) for name, p in model.named.items()}
    recorded = _values(gradients)
    optimizer.step()
    adjoints = {name: value.grad for name, value in lines.items() if nodes and value.grad is not None}
    return StepRecord(
        batch, before, _array(loss), recorded, _values(model.named), _values(lines if nodes else {}), _values(adjoints)
    )


class GraphModule(nn.Module):
    """The equations as a module; its parameters are the problem's, in order."""

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        super().__init__()
        self.graph: Graph = problem.graph
        self.dtype = dtype
        self.weights = nn.ParameterList(nn.Parameter(_tensor(p, dtype)) for p in problem.parameters)
        self.named = {p.name: weight for p, weight in zip(problem.parameters, self.weights, strict=True)}
        self.constants = {c.name: _tensor(c, dtype) for c in problem.constants}

    def forward(self, columns: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
        """The value of every line for one batch of `n` samples; a tensor has one dimension an axis."""
        values = {**self.named, **self.constants, **columns}
        values.update({name: torch.tensor(float(n), dtype=self.dtype) for name in self.graph.of_kind("size")})
        for node in self.graph.lines:
            values[node.name] = self._line(node, values)
        return {node.name: values[node.name] for node in self.graph.lines}

    def _line(self, node: Node, values: Mapping[str, Tensor]) -> Tensor:
        axes = (*node.axes, *sorted(taken_axes(node.definition) - set(node.axes)))
        result = self._value(node.definition, axes, values)
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
            case Reduce(op=op, body=body, axes=summed):
                dimensions = [axes.index(axis) for axis in summed or ()]
                inner = self._value(body, axes, values)
                total = inner.sum(dimensions, keepdim=True) if op == "sum" else inner.mean(dimensions, keepdim=True)
                return total if free_axes(expr) else total.reshape(())
            case Apply(op="pow", args=(base, exponent)) if (power := constant_value(exponent)) is not None:
                plain = int(power) if power.denominator == 1 else float(power)
                return torch.pow(self._value(base, axes, values), plain)
            case Apply(op=op, args=args):
                return self._operation(op, tuple(self._value(arg, axes, values) for arg in args))
        raise TypeError(type(expr).__name__)

    def _operation(self, op: str, args: tuple[Tensor, ...]) -> Tensor:
        """An operation by its name in torch, or by its expansion."""
        entry = OPERATIONS[op]
        if entry.torch is not None:
            found = getattr(torch, entry.torch)
            return found(*args) if args else torch.tensor(found, dtype=self.dtype)
        whole = read_expression(entry.expansion or "", Place(op))
        names = dict(zip("xy", args, strict=False))
        return self._expanded(whole, names)

    def _expanded(self, expr: Expr, names: Mapping[str, Tensor]) -> Tensor:
        match expr:
            case Number(value=value):
                return torch.tensor(value.numerator / value.denominator, dtype=self.dtype)
            case Ref(name=name):
                return names[name]
            case Apply(op=op, args=args):
                return self._operation(op, tuple(self._expanded(arg, names) for arg in args))
        raise TypeError(type(expr).__name__)


def _laid_out(tensor: Tensor, own: Axes, axes: Axes) -> Tensor:
    """A tensor over its `own` axes, with a dimension of length 1 for each of `axes` it lacks."""
    if not own or own == axes:
        return tensor
    placed = tensor.permute([own.index(axis) for axis in axes if axis in own])
    lengths = iter(placed.shape)
    return placed.reshape([next(lengths) if axis in own else 1 for axis in axes])


def _batches(data: Mapping[str, Tensor], settings: Settings) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
    """The mini-batches as the DataLoader gives them, with the rows they hold."""
    if not data:
        for step in range(1, settings.steps + 1):
            yield Batch(step, step, 1), {}
        return
    # a generator of its own even without shuffle: the DataLoader draws from it at the start of each epoch
    generator = torch.Generator().manual_seed(settings.seed)
    rows = torch.arange(settings.samples)
    dataset = TensorDataset(rows, *data.values())
    loader = DataLoader(dataset, settings.batch_size, shuffle=settings.shuffle, generator=generator)
    step, epoch = 0, 0
    while True:
        epoch += 1
        for number, (indices, *columns) in enumerate(loader, start=1):
            step += 1
            yield Batch(step, epoch, number, tuple(indices.tolist())), dict(zip(data, columns, strict=True))
            if step == settings.steps:
                return


def _tensor(quantity: Quantity, dtype: torch.dtype) -> Tensor:
    """The exact values as `torch.tensor` rounds them."""
    floats = [value.numerator / value.denominator for value in quantity.values]
    tensor = torch.tensor(floats, dtype=torch.float64).to(dtype).reshape(quantity.shape)
    if not bool(torch.isfinite(tensor).all()):
        largest = max(quantity.values, key=abs)
        raise DataError(
            f"{quantity.name} holds {float(largest):g}, which does not fit {_name(dtype)}; scale the numbers"
        )
    return tensor


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _values(tensors: Mapping[str, Tensor]) -> Values:
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _array(tensor: Tensor) -> NDArray[Any]:
    """The numbers, as float64, in memory of their own."""
    values: NDArray[Any] = tensor.detach().to(torch.float64, copy=True).numpy()
    return values
