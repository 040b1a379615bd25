"""The training run in PyTorch, and its record. The only module that imports torch.

It walks the equations on its own: nothing of the derivation or of the hand calculation is used
here, only the problem and the settings. Where PyTorch does not have the update, it takes the parameters by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from derive.errors import DataError, Place, SettingError
from derive.expression import Apply, Axes, Expr, Number, Position, Reduce, Ref, free_axes, taken_axes
from derive.gradient_names import gradient_name
from derive.graph import Graph
from derive.literals import constant_value
from derive.node import Node
from derive.operations import OPERATIONS
from derive.optimizers import Value
from derive.predict import predicted
from derive.problem import Problem, Quantity
from verify.batches import Batch
from verify.handed import Handed
from verify.numbers import FORMATS, expansion
from verify.record import Record, StepRecord, Values
from verify.settings import Settings
from verify.stopping import ends
from verify.update import state_name

DTYPES = {name: getattr(torch, name) for name in FORMATS}


def draw(problem: Problem, dtype: str) -> Problem:
    """`problem` with the numbers that PyTorch draws for it in `dtype`, exactly; each parameter has its own generator.

    Raises `DataError` for a draw that the dtype cannot hold.
    """
    drawn = tuple(p if p.is_drawn else _drawn(p, DTYPES[dtype], problem.place_of) for p in problem.parameters)
    return replace(problem, parameters=drawn)


def _drawn(quantity: Quantity, dtype: torch.dtype, place_of: Callable[[str], Place | None]) -> Quantity:
    """The quantity with its values: torch.rand · (high − low) + low, or torch.randn · std + mean."""
    how = quantity.draw
    assert how is not None  # it has no values
    generator = torch.Generator().manual_seed(how.seed)
    if how.distribution == "uniform":
        # rand · 1 − 0.5 has the very bits of rand − 0.5
        numbers = torch.rand(quantity.shape, generator=generator, dtype=dtype) * float(how.high - how.low)
        numbers = numbers + float(how.low)
    else:
        numbers = torch.randn(quantity.shape, generator=generator, dtype=dtype) * float(how.std) + float(how.mean)
    if not bool(torch.isfinite(numbers).all()):
        place = place_of(f"parameters.{quantity.name}")
        raise DataError(f"{quantity.name}, {how}, does not fit {dtype}; expected smaller numbers", place)
    return replace(quantity, values=tuple(Fraction(value) for value in numbers.to(torch.float64).flatten().tolist()))


def batches(problem: Problem, settings: Settings) -> list[Batch]:
    """The batches of a run without the run, in the order that the DataLoader draws."""
    data = {column.name: _tensor(column, DTYPES[settings.dtype]) for column in problem.data}
    return [batch for batch, _ in _batches(data, settings)]


def train(problem: Problem, settings: Settings, by_hand: Handed | None = None) -> Record:
    """Trains the problem's graph with `torch.optim` and records every step.

    With `by_hand` the parameters of every step are those, rounded to the dtype, and the run ends with them.
    Raises `DataError` for a number that the dtype cannot hold, `SettingError` for such an lr, and for
    settings of PyTorch that the bound does not cover.
    """
    refuse_uncovered()
    dtype = DTYPES[settings.dtype]
    if settings.lr is not None and settings.lr > Fraction(torch.finfo(dtype).max):
        raise SettingError(f"lr = {float(settings.lr):g} does not fit {_name(dtype)}; expected a smaller one")
    model = GraphModule(problem, dtype)
    data = {column.name: _tensor(column, dtype) for column in problem.data}
    update = _Update(model, settings) if by_hand is None else _Taken(model, by_hand)
    steps: list[StepRecord] = []
    for batch, columns in islice(_batches(data, settings), by_hand.steps if by_hand else None):
        steps.append(_step(model, update, batch, columns, settings.nodes, settings.watched))
        if ends(steps[-1], settings):
            break
    return Record(settings.dtype, torch.__version__, _values(data), tuple(steps))


def replay(problem: Problem, settings: Settings, steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """The loss and the gradients of `steps` again, in float64: the same module and batches at the same states."""
    model = GraphModule(problem, torch.float64)
    still = _Update(model, replace(settings, lr=None))
    found = []
    for step in steps:
        with torch.no_grad():
            for name, parameter in model.named.items():
                parameter.copy_(torch.from_numpy(step.before[name]))
                held = step.accumulated.get(name)
                parameter.grad = None if held is None else torch.from_numpy(held.copy())
        columns = {name: torch.from_numpy(values) for name, values in step.data.items()}
        found.append(_step(model, still, step.batch, columns, False))
    return tuple(found)


def predict(problem: Problem, settings: Settings, last: StepRecord) -> Values:
    """The lines that [predict] gives the data for, at the parameters with which a run has ended."""
    lines = predicted(problem.graph, problem.predict)
    kept = tuple(node for node in problem.graph.nodes if node.kind != "line" or node.name in lines)
    dtype = DTYPES[settings.dtype]
    model = GraphModule(replace(problem, graph=replace(problem.graph, nodes=kept)), dtype)
    with torch.no_grad():
        for name, parameter in model.named.items():
            parameter.copy_(torch.from_numpy((last.after or last.before)[name]))
        columns = {column.name: _tensor(column, dtype) for column in problem.predict}
        return _values(model(columns, problem.predict[0].shape[0]))


def refuse_uncovered() -> None:
    """Raises `SettingError` where PyTorch is set to calculate otherwise than the bound assumes."""
    if torch.get_default_device().type != "cpu":
        raise SettingError(
            f"torch.get_default_device() is {torch.get_default_device()}; expected cpu: other kernels are not measured"
        )
    if float(torch.tensor(2.0**-126, dtype=torch.float32) * 0.5) == 0:
        raise SettingError("PyTorch flushes subnormal numbers to 0; expected torch.set_flush_denormal(False)")
    if torch.get_float32_matmul_precision() != "highest":
        found = torch.get_float32_matmul_precision()
        raise SettingError(
            f"float32 products are made in precision {found!r} (TF32 or bfloat16); "
            "expected torch.set_float32_matmul_precision('highest')"
        )
    if not torch.is_grad_enabled():
        raise SettingError("gradients are switched off (torch.no_grad, inference_mode); expected verify outside of it")
    if torch.is_autocast_enabled("cpu"):
        raise SettingError("torch.autocast is on; expected verify outside of it: operations would change their dtype")


class _Update:
    """`torch.optim` for what is trained: nothing without lr, and not the frozen parameters.

    Single frozen entries of a parameter are put back after each step: with momentum or decay they would move
    even if their gradient were 0.
    """

    def __init__(self, model: GraphModule, settings: Settings) -> None:
        whole = {frozen.name for frozen in model.graph.frozen if not frozen.entries}
        self.trained = {name: p for name, p in model.named.items() if name not in whole}
        self.trains = settings.lr is not None
        self.rule = settings.rule
        self.optimizer: torch.optim.Optimizer | None = None
        if settings.lr is not None and self.trained:
            options = {name: _plain(value) for name, value in settings.options.items()}
            build = getattr(torch.optim, settings.optimizer)
            self.optimizer = build(self.trained.values(), lr=float(settings.lr), **options)
        self.kept = [(model.named[f.name], entry) for f in model.graph.frozen for entry in f.entries]

    def step(self) -> None:
        """One update. A parameter that the loss does not depend on has the gradient 0, as on paper."""
        if self.optimizer is None:
            return
        for parameter in self.trained.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        held = [parameter[entry].clone() for parameter, entry in self.kept]
        try:
            self.optimizer.step()
        except RuntimeError as error:  # such as an lr/(1 − beta1^t) that the dtype cannot hold
            raise SettingError(f"torch.optim.{self.rule.name} cannot make the step: {error}") from None
        with torch.no_grad():
            for (parameter, entry), value in zip(self.kept, held, strict=True):
                parameter[entry] = value

    def state(self) -> dict[str, Tensor]:
        """The optimizer's state by its names on paper, `w.v`; before the first step, what it will begin with."""
        if self.optimizer is None:
            return {}
        found = {}
        for name, parameter in self.trained.items():
            held = self.optimizer.state.get(parameter, {})
            for state in self.rule.states:
                start = parameter.detach().new_full(
                    () if state.single else parameter.shape, float(self.rule.start(state))
                )
                value = held.get(state.key)
                found[state_name(name, state.name)] = start if value is None else value
        return found


class _Taken:
    """In place of an optimizer that PyTorch does not have: each update takes the next numbers by hand."""

    def __init__(self, model: GraphModule, by_hand: Handed) -> None:
        self.model = model
        self.trains = True
        self.held = by_hand.start
        self.updates = iter(by_hand.updates)

    def step(self) -> None:
        """The parameters after the next update, rounded to the dtype as any number is that PyTorch takes."""
        self.held = next(self.updates)
        with torch.no_grad():
            for name, parameter in self.model.named.items():
                parameter.copy_(torch.from_numpy(self.held[name]))

    def state(self) -> dict[str, Tensor]:
        """The state by hand, by its names `w.v`; not rounded to the dtype, for PyTorch has no use for it."""
        own = (name for name in self.held if name not in self.model.named)
        return {name: torch.from_numpy(self.held[name]) for name in own}


def _plain(value: Value) -> float | bool | tuple[float, ...]:
    """An option as torch.optim takes it."""
    if isinstance(value, bool):
        return value
    return tuple(map(float, value)) if isinstance(value, tuple) else float(value)


def _step(
    model: GraphModule,
    update: _Update | _Taken,
    batch: Batch,
    columns: Mapping[str, Tensor],
    nodes: bool,
    watched: tuple[Node, ...] = (),
) -> StepRecord:
    """One mini-batch: zero_grad, forward, backward, step; without zero_grad or step where the batch says so.

    Then what is `watched`, as a loop would print it.
    """
    before = _values({**model.named, **update.state()})
    accumulated = _values(_gradients(model)) if batch.adds else {}
    if not batch.adds:
        model.zero_grad()  # as optimizer.zero_grad(), and the frozen parameters too
    lines = model(columns, batch.n)
    if nodes:
        for value in lines.values():
            if value.requires_grad:
                value.retain_grad()
    loss = lines[model.graph.loss]
    loss.backward()
    recorded = _values(_gradients(model))
    gradients = {gradient_name(model.graph.loss, name): g.clone() for name, g in _gradients(model).items() if watched}
    if batch.updates:
        update.step()
    after = _values({**update.state(), **model.named}) if update.trains else {}
    adjoints = {name: value.grad for name, value in lines.items() if nodes and value.grad is not None}
    followed = model.watched(watched, {**lines, **gradients}, columns, batch.n)
    lines = {**{name: value for name, value in lines.items() if nodes or name in model.reported}, **followed}
    noted = (_values(lines), _values(adjoints), _values(columns), accumulated)
    return StepRecord(batch, before, _array(loss), recorded, after, *noted)


def _gradients(model: GraphModule) -> dict[str, Tensor]:
    """What .grad holds for each parameter; zeros where it holds nothing."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named.items()}


# amax and amin share the gradient evenly among equals, as the derivation does
_REDUCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "logsumexp": torch.logsumexp,
    "max": torch.amax,
    "min": torch.amin,
}


class GraphModule(nn.Module):
    """The equations as a module; its parameters are the problem's, in order."""

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        super().__init__()
        self.graph: Graph = problem.graph
        self.reported = problem.reported
        self.dtype = dtype
        self.weights = nn.ParameterList(nn.Parameter(_tensor(p, dtype)) for p in problem.parameters)
        self.named = {p.name: weight for p, weight in zip(problem.parameters, self.weights, strict=True)}
        self.constants = {c.name: _tensor(c, dtype) for c in problem.constants}
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
        """The value of more lines, from the parameters as they are now and `lines` as they have been calculated.

        The gradients, `dl/dw`, stand among the lines.
        """
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
            case Position(axis=axis):
                lengths = [-1 if other == axis else 1 for other in axes]
                return torch.arange(int(axis.size or 0), dtype=self.dtype).reshape(lengths)
            case Reduce(op=op, body=body, axes=summed):
                dimensions = [axes.index(axis) for axis in summed or ()]
                inner = self._value(body, axes, values)
                total = _REDUCTIONS[op](inner, dimensions, keepdim=True)
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
            if op == "where":
                args = (args[0] > 0, *args[1:])
            return found(*args) if args else torch.tensor(found, dtype=self.dtype)
        return self._expanded(expansion(op), dict(zip("xy", args, strict=False)))

    def _expanded(self, expr: Expr, names: Mapping[str, Tensor]) -> Tensor:
        match expr:
            case Number(value=value):
                return torch.tensor(value.numerator / value.denominator, dtype=self.dtype)
            case Ref(name=name):
                return names[name]
            case Apply(op=op, args=args):
                return self._operation(op, tuple(self._expanded(arg, names) for arg in args))
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


def _batches(data: Mapping[str, Tensor], settings: Settings) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
    """The mini-batches as the DataLoader gives them, with the rows they hold."""
    gathering = _Gathering(settings)
    if not data:
        for step in range(1, settings.steps + 1):
            yield gathering.marked(Batch(step, step, 1), False), {}
        return
    rows = torch.arange(settings.samples)
    loader = _loader(TensorDataset(rows, *data.values()), settings)
    step, epoch = 0, 0
    while True:
        epoch += 1
        for number, (indices, *columns) in enumerate(loader, start=1):
            step += 1
            batch = Batch(step, epoch, number, tuple(indices.tolist()))
            yield gathering.marked(batch, number == len(loader)), dict(zip(data, columns, strict=True))
            if step == settings.steps:
                return


def _loader(dataset: TensorDataset, settings: Settings) -> DataLoader[tuple[Tensor, ...]]:
    # a generator of its own even without shuffle: the DataLoader draws from it at the start of each epoch
    generator = torch.Generator().manual_seed(settings.seed)
    if settings.batches is not None:
        return DataLoader(dataset, batch_sampler=[list(rows) for rows in settings.batches], generator=generator)
    return DataLoader(
        dataset, settings.batch_size, shuffle=settings.shuffle, drop_last=settings.drop_last, generator=generator
    )


class _Gathering:
    """When the loop calls zero_grad and optimizer.step(), counted as loops count: batches since the last zero_grad."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.gathered = 0
        self.skipped = 0

    def marked(self, batch: Batch, ends_epoch: bool) -> Batch:
        """The next batch of the run with what is done before and after it; the last group of an epoch may be short."""
        adds = self.gathered > 0
        self.gathered += 1
        if self.settings.accumulate == 1:
            if self.gathered == self.settings.zero_every:
                self.gathered = 0
            return replace(batch, adds=adds)
        updates = ends_epoch or self.gathered == self.settings.accumulate
        if updates:
            self.gathered = 0
        else:
            self.skipped += 1
        return replace(batch, adds=adds, updates=updates, skipped=self.skipped)


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
