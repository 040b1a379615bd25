"""The training run in PyTorch, and its record.

It walks the equations on its own: nothing of the derivation or of the hand calculation is used
here, only the problem and the settings. Where PyTorch does not have the update, it takes the parameters by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive.errors import DataError, Place, SettingError
from derive.graph.gradient_names import gradient_name
from derive.graph.node import Node
from derive.problem.loading import Problem, Quantity
from derive.problem.predict import predicted
from derive.run.batches import Batch
from derive.run.reads import Held, Reads
from derive.run.settings import Settings
from derive.training.clipping import VALUE
from verify.pytorch.loader import batches_of
from verify.pytorch.module import DTYPES, GraphModule, as_array, as_columns, as_values, dtype_name
from verify.pytorch.optimizer import TorchUpdate, UpdateByHand
from verify.pytorch.rates import inside
from verify.record import Handed, Record, StepRecord, Values


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


def train(problem: Problem, settings: Settings, by_hand: Handed | None = None) -> Record:
    """Trains the problem's graph with `torch.optim` and records every step.

    With `by_hand` the parameters of every step are those, rounded to the dtype, and the run ends with them.
    Raises what `pieces` raises.
    """
    return next(pieces(problem, settings, settings.steps, by_hand))


def pieces(problem: Problem, settings: Settings, length: int, by_hand: Handed | None = None) -> Iterator[Record]:
    """The same run in pieces of `length` steps or more, each to the end of an epoch.

    Raises `DataError` for a number that the dtype cannot hold, and `SettingError` for such a setting, for settings of
    PyTorch that the bound does not cover, and for a step that torch.optim cannot make.
    """
    refuse_uncovered()
    dtype = DTYPES[settings.dtype]
    for name, number in _given_to_torch(settings):
        if number > Fraction(torch.finfo(dtype).max):
            raise SettingError(f"{name} = {float(number):g} does not fit {dtype_name(dtype)}; expected a smaller one")
    model = GraphModule(problem, dtype)
    data = as_columns(problem, problem.data, dtype)
    update = TorchUpdate(model, settings, problem.place_of) if by_hand is None else UpdateByHand(model, by_hand)
    whole = Record(settings.dtype, torch.__version__, as_values(data), ())
    steps: list[StepRecord] = []
    for batch, columns in islice(batches_of(data, settings), by_hand.steps if by_hand else None):
        if any(len(column) != batch.n for column in columns.values()):
            steps.append(_without_rows(model, update, batch, columns, settings))
            break
        steps.append(_step(model, update, batch, columns, settings.nodes, settings.watched, settings.reads))
        if ends(steps[-1], settings):
            break
        if len(steps) >= length and batch.step < settings.steps and batch.batch == settings.batches_per_epoch:
            yield replace(whole, steps=tuple(steps))
            steps = []
    yield replace(whole, steps=tuple(steps))


def replay(problem: Problem, settings: Settings, steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """Forward and backward pass of `steps` again, in float64: the same module and batches at the same states."""
    model = GraphModule(problem, torch.float64)
    still = TorchUpdate(model, replace(settings, lr=None))
    found = []
    for step in steps:
        with torch.no_grad():
            for name, parameter in model.named.items():
                parameter.copy_(torch.from_numpy(step.before[name]))
                held = step.accumulated.get(name)
                parameter.grad = None if held is None else torch.from_numpy(held.copy())
        columns = {name: torch.from_numpy(values) for name, values in step.data.items()}
        found.append(_step(model, still, step.batch, columns, settings.nodes))
    return tuple(found)


def predict(problem: Problem, settings: Settings, last: StepRecord) -> Values:
    """The lines that [predict] gives the data for, at the parameters after `last`. Raises as `as_tensor` does."""
    lines = predicted(problem.graph, problem.predict)
    needed = problem.graph.behind(lines)
    kept = tuple(node for node in problem.graph.nodes if node.kind != "line" or node.name in needed)
    dtype = DTYPES[settings.dtype]
    model = GraphModule(replace(problem, graph=replace(problem.graph, nodes=kept)), dtype)
    with torch.no_grad():
        for name, parameter in model.named.items():
            parameter.copy_(torch.from_numpy((last.after or last.before)[name]))
        columns = as_columns(problem, problem.predict, dtype)
        found = as_values(model(columns, problem.predict[0].shape[0]))
    return {name: found[name] for name in lines}


def _given_to_torch(settings: Settings) -> Iterator[tuple[str, Fraction]]:
    """The settings that PyTorch takes as numbers of the dtype: what it does not hold would be a RuntimeError."""
    for group in settings.param_groups:
        lr = group.schedule.lr
        yield "lr", lr if isinstance(lr, Fraction) else max(lr) if isinstance(lr, tuple) else Fraction(0)
        yield "initial_accumulator_value", group.rule.numbers.get("initial_accumulator_value", Fraction(0))
    if settings.clip is not None and settings.clip.by == VALUE:
        yield settings.clip.by, settings.clip.limit


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


def _step(
    model: GraphModule,
    update: TorchUpdate | UpdateByHand,
    batch: Batch,
    columns: Mapping[str, Tensor],
    nodes: bool,
    watched: tuple[Node, ...] = (),
    reads: Reads | None = None,
) -> StepRecord:
    """One mini-batch: zero_grad, forward, backward, step; without zero_grad or step where the batch says so.

    Then what is `watched`, as a loop would print it.
    """
    update.begin(batch)
    before = as_values({**model.named, **update.state()})
    accumulated = as_values(_gradients(model)) if batch.adds else {}
    if not batch.adds:
        model.zero_grad()  # as optimizer.zero_grad(), and the frozen parameters too
    lines = model(columns, batch.n)
    if nodes:
        for value in lines.values():
            if value.requires_grad:
                value.retain_grad()
    loss = lines[model.graph.loss]
    if loss.requires_grad:  # else there is nothing to differentiate for: a forward pass alone
        loss.backward()
    recorded = as_values(_gradients(model))
    gradients = {gradient_name(model.graph.loss, name): g.clone() for name, g in _gradients(model).items() if watched}
    rates, clipped = update.held(), update.clip() if batch.updates else {}
    if batch.updates:
        update.step()
    after = as_values({**update.state(), **model.named}) if update.trains else {}
    adjoints = {name: value.grad for name, value in lines.items() if nodes and value.grad is not None}
    used = Held(before, after, {**recorded, **clipped})
    inner = {} if reads is None else inside(reads, used, batch, rates, model.dtype)
    followed = model.watched(watched, {**lines, **gradients, **inner}, columns, batch.n)
    lines = {**{name: value for name, value in lines.items() if nodes or name in model.reported}, **followed}
    noted = (as_values(lines), as_values(adjoints), as_values(columns), accumulated, clipped, rates)
    return StepRecord(batch, before, as_array(loss), recorded, after, *noted)


def _without_rows(
    model: GraphModule,
    update: TorchUpdate | UpdateByHand,
    batch: Batch,
    columns: Mapping[str, Tensor],
    settings: Settings,
) -> StepRecord:
    """A step whose columns do not have the rows of its batch: the model is not run, its numbers are NaN."""
    update.begin(batch)
    before = as_values({**model.named, **update.state()})
    wanted = {*model.reported, *([node.name for node in model.graph.lines] if settings.nodes else [])}
    lines = [*(node for node in model.graph.lines if node.name in wanted), *settings.watched]
    shapes = {line.name: [axis.size if isinstance(axis.size, int) else batch.n for axis in line.axes] for line in lines}
    nothing = {name: _nothing(shape) for name, shape in shapes.items()}
    accumulated = as_values(_gradients(model)) if batch.adds else {}
    gradients = {name: _nothing(before[name].shape) for name in model.named}
    clipped = {name: gradients[name] for name in update.clip()} if batch.updates else {}
    after = {name: _nothing(values.shape) for name, values in before.items()} if update.trains else {}
    noted = (as_values(columns), accumulated, clipped, update.held())
    return StepRecord(batch, before, _nothing(()), gradients, after, nothing, {}, *noted, fits=False)


def _nothing(shape: Iterable[int]) -> NDArray[Any]:
    """An array of NaN."""
    return np.full(tuple(shape), np.nan)


def _gradients(model: GraphModule) -> dict[str, Tensor]:
    """What .grad holds for each parameter; zeros where it holds nothing."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named.items()}


def ends(step: StepRecord, settings: Settings) -> bool:
    """Whether PyTorch's run ends early with this step: a number is not finite, or the condition of `until` holds."""
    return (settings.on_nonfinite == "stop" and not step.finite) or settings.is_met(step.nodes)
