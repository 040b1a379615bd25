"""The training run in PyTorch, and its record.

It walks the equations on its own: nothing of the derivation or of the hand calculation is used
here, only the problem and the settings. Where PyTorch does not have the update, it takes the parameters by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad_and_value, vmap

from derive.errors import DataError, Place, SettingError
from derive.graph.gradient_names import gradient_name
from derive.graph.node import Node
from derive.problem.loading import Problem, Quantity
from derive.problem.predict import predicted
from derive.run.batches import Batch
from derive.run.reads import Held, Reads
from derive.run.settings import Settings
from derive.training.clipping import VALUE
from verify.pytorch.blocks import LENGTH, Blocks
from verify.pytorch.loader import batches_of
from verify.pytorch.module import DTYPES, GraphModule, as_array, as_columns, as_values, dtype_name
from verify.pytorch.optimizer import TorchUpdate, UpdateByHand
from verify.pytorch.rates import inside
from verify.record import Block, Handed, Record, StepRecord, Values

LOOKS = 64  # steps after which PyTorch's numbers are looked at: its run ends with the first that is not finite


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
    return quantity.of_floats(numbers.to(torch.float64).flatten().tolist())


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
    blocks = Blocks(min(length, LENGTH))
    stops = settings.on_nonfinite == "stop"
    for batch, columns in islice(batches_of(data, settings), by_hand.steps if by_hand else None):
        try:
            goes_on = _taken(model, update, batch, columns, blocks, settings)
        except SettingError:  # in a step that is made only because the end is looked for now and then
            blocks.drop(len(blocks) - 1)
            if stops and blocks.end_at_nonfinite():
                break
            raise
        is_piece = len(blocks) >= length and batch.batch == settings.batches_per_epoch
        looks = stops and (is_piece or batch.step % LOOKS == 0)
        if not goes_on or (looks and blocks.end_at_nonfinite()):
            break
        if is_piece and batch.step < settings.steps:
            yield replace(whole, steps=blocks.steps(), goes_on=True)
            blocks = Blocks(min(length, LENGTH))
    if stops:
        blocks.end_at_nonfinite()
    yield replace(whole, steps=blocks.steps())


def _taken(
    model: GraphModule,
    update: TorchUpdate | UpdateByHand,
    batch: Batch,
    columns: Mapping[str, Tensor],
    record: Blocks,
    settings: Settings,
) -> bool:
    """One step of the run; whether it goes on after it, as far as `until` and the rows of the batch decide."""
    if any(len(column) != batch.n for column in columns.values()):
        _without_rows(model, update, batch, columns, record, settings)
        return False
    _step(model, update, batch, columns, record, settings.nodes, settings.watched, settings.reads)
    return settings.until is None or not settings.is_met(record.last().nodes)


class Replay:
    """Forward and backward pass of steps again, in float64: the same module and batches at the same states."""

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem = problem
        self.settings = settings

    @cached_property
    def model(self) -> GraphModule:
        """The module, made for the first step that is repeated."""
        return GraphModule(self.problem, torch.float64)

    def __call__(self, block: Block) -> Block:
        """The steps of a block."""
        return self._one_by_one(block) if self.settings.nodes else self._at_once(block)

    def _one_by_one(self, block: Block) -> Block:
        """The passes of one step after the other."""
        still = TorchUpdate(self.model, replace(self.settings, lr=None))
        found = Blocks(len(block))
        for place, batch in enumerate(block.batches):
            step = block.step(place)
            with torch.no_grad():
                for name, parameter in self.model.named.items():
                    parameter.copy_(torch.from_numpy(step.before[name]))
                    held = step.accumulated.get(name)
                    parameter.grad = None if held is None else torch.from_numpy(held.copy())
            columns = {name: torch.from_numpy(values) for name, values in step.data.items()}
            _step(self.model, still, batch, columns, found, self.settings.nodes)
        (whole,) = found.steps().blocks
        return whole

    def _at_once(self, block: Block) -> Block:
        """The passes of all steps at once: the module and autograd with one dimension more (torch.func.vmap)."""
        model = self.model
        parameters = {name: torch.from_numpy(block.floats("before", name)) for name in model.named}
        columns = {name: torch.from_numpy(block.floats("data", name)) for name in block.data}

        def loss(own: dict[str, Tensor], rows: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
            model.named = own
            lines = model(rows, block.n)
            return lines[self.problem.graph.loss], {name: lines[name] for name in self.problem.reported}

        gradients, (losses, lines) = vmap(grad_and_value(loss, has_aux=True))(parameters, columns)
        held = {name: torch.from_numpy(block.floats("accumulated", name)) for name in block.accumulated}
        gradients |= {name: held[name] + gradients[name] for name in held}
        return replace(
            block,
            before=as_values(parameters),
            loss=as_array(losses),
            gradients=as_values(gradients),
            nodes=as_values(lines),
            after={},
            clipped={},
            rates={},
        )


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
    record: Blocks,
    nodes: bool,
    watched: tuple[Node, ...] = (),
    reads: Reads | None = None,
) -> None:
    """One mini-batch: zero_grad, forward, backward, step; without zero_grad or step where the batch says so.

    Then what is `watched`, as a loop would print it. All numbers are written into the `record`.
    """
    record.begin(batch)
    update.begin(batch)
    with torch.no_grad():
        record.write("before", {**model.named, **update.state()})
        if batch.adds:
            record.write("accumulated", _gradients(model))
    if not batch.adds:
        model.zero_grad()  # as optimizer.zero_grad(), and the frozen parameters too
    lines = _passes(model, columns, batch.n, nodes)
    with torch.no_grad():
        gradients = _gradients(model)
        _write_passes(model, lines, gradients, columns, record, nodes)
        of_loss = {gradient_name(model.graph.loss, name): g.clone() for name, g in gradients.items() if watched}
        unclipped = as_values(gradients) if reads is not None and reads.nodes else {}
        rates, clipped = update.held(), update.clip() if batch.updates else {}
        record.write("rates", rates)
        record.write("clipped", clipped)
        if batch.updates:
            update.step()
        if update.trains:
            record.write("after", {**update.state(), **model.named})
        if watched:
            held = _held(record, {**unclipped, **clipped})
            inner = {} if reads is None else inside(reads, held, batch, rates, model.dtype)
            record.write("nodes", model.watched(watched, {**lines, **of_loss, **inner}, columns, batch.n))


def _passes(model: GraphModule, columns: Mapping[str, Tensor], n: int, nodes: bool) -> dict[str, Tensor]:
    """Forward and backward pass: the lines, which with `nodes` keep their gradients."""
    lines: dict[str, Tensor] = model(columns, n)
    for value in lines.values() if nodes else ():
        if value.requires_grad:
            value.retain_grad()
    loss: Any = lines[model.graph.loss]
    if loss.requires_grad:  # else there is nothing to differentiate for: a forward pass alone
        loss.backward()
    return lines


def _write_passes(
    model: GraphModule,
    lines: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    columns: Mapping[str, Tensor],
    record: Blocks,
    nodes: bool,
) -> None:
    """Writes what the passes gave."""
    record.write("loss", {"": lines[model.graph.loss]})
    record.write("gradients", gradients)
    record.write("data", columns)
    if nodes or model.reported:
        record.write("nodes", {name: value for name, value in lines.items() if nodes or name in model.reported})
    if nodes:
        record.write("adjoints", {name: value.grad for name, value in lines.items() if value.grad is not None})


def _held(record: Blocks, gradients: Values) -> Held:
    """What PyTorch holds of a step that has been made from `gradients`, for the lines that read of its update."""
    step = record.last()
    return Held(step.before, step.after, gradients)


@torch.no_grad()
def _without_rows(
    model: GraphModule,
    update: TorchUpdate | UpdateByHand,
    batch: Batch,
    columns: Mapping[str, Tensor],
    record: Blocks,
    settings: Settings,
) -> None:
    """A step whose columns do not have the rows of its batch: the model is not run, its numbers are NaN."""
    record.begin(batch, fits=False)
    update.begin(batch)
    before = {**model.named, **update.state()}
    record.write("before", before)
    wanted = {*model.reported, *([node.name for node in model.graph.lines] if settings.nodes else [])}
    lines = [*(node for node in model.graph.lines if node.name in wanted), *settings.watched]
    shapes = {line.name: [axis.size if isinstance(axis.size, int) else batch.n for axis in line.axes] for line in lines}
    gradients = {name: _nothing(value.shape) for name, value in model.named.items()}
    record.write("accumulated", _gradients(model) if batch.adds else {})
    record.write("loss", {"": _nothing(())})
    record.write("gradients", gradients)
    record.write("clipped", {name: gradients[name] for name in update.clip()} if batch.updates else {})
    record.write("after", {name: _nothing(value.shape) for name, value in before.items()} if update.trains else {})
    record.write("nodes", {name: _nothing(shape) for name, shape in shapes.items()})
    record.write("data", columns)
    record.write("rates", update.held())


def _nothing(shape: Iterable[int]) -> NDArray[Any]:
    """An array of NaN."""
    return np.full(tuple(shape), np.nan)


def _gradients(model: GraphModule) -> dict[str, Tensor]:
    """What .grad holds for each parameter; zeros where it holds nothing."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named.items()}
