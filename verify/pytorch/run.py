"""The training run in PyTorch, and its record. With the modules torch_…, the only one that imports torch.

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
from torch import Tensor

from derive.errors import DataError, Place, SettingError
from derive.graph.gradient_names import gradient_name
from derive.graph.node import Node
from derive.problem.loading import Problem, Quantity
from derive.problem.predict import predicted
from derive.run.batches import Batch
from derive.run.settings import Settings
from derive.training.clipping import NORM, VALUE
from derive.training.optimizers import Value
from verify.compare.stopping import ends
from verify.hand.handed import Handed
from verify.hand.update import state_name
from verify.numbers import FORMATS
from verify.pytorch.loader import batches_of
from verify.pytorch.module import GraphModule, as_tensor, dtype_name
from verify.pytorch.rates import Rates, first_rate, plain
from verify.record import Record, StepRecord, Values

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
    data = {column.name: as_tensor(column, DTYPES[settings.dtype]) for column in problem.data}
    return [batch for batch, _ in batches_of(data, settings)]


def train(problem: Problem, settings: Settings, by_hand: Handed | None = None) -> Record:
    """Trains the problem's graph with `torch.optim` and records every step.

    With `by_hand` the parameters of every step are those, rounded to the dtype, and the run ends with them.
    Raises what `pieces` raises.
    """
    return next(pieces(problem, settings, settings.steps, by_hand))


def pieces(problem: Problem, settings: Settings, length: int, by_hand: Handed | None = None) -> Iterator[Record]:
    """The same run in pieces of `length` steps or more, each to the end of an epoch.

    Raises `DataError` for a number that the dtype cannot hold, `SettingError` for such a setting, and for
    settings of PyTorch that the bound does not cover.
    """
    refuse_uncovered()
    dtype = DTYPES[settings.dtype]
    for name, number in _given_to_torch(settings):
        if number > Fraction(torch.finfo(dtype).max):
            raise SettingError(f"{name} = {float(number):g} does not fit {dtype_name(dtype)}; expected a smaller one")
    model = GraphModule(problem, dtype)
    data = {column.name: as_tensor(column, dtype) for column in problem.data}
    update = _Update(model, settings, problem.place_of) if by_hand is None else _Taken(model, by_hand)
    whole = Record(settings.dtype, torch.__version__, _values(data), ())
    steps: list[StepRecord] = []
    for batch, columns in islice(batches_of(data, settings), by_hand.steps if by_hand else None):
        steps.append(_step(model, update, batch, columns, settings.nodes, settings.watched))
        if ends(steps[-1], settings):
            break
        if len(steps) >= length and batch.step < settings.steps and batch.batch == settings.batches_per_epoch:
            yield replace(whole, steps=tuple(steps))
            steps = []
    yield replace(whole, steps=tuple(steps))


def replay(problem: Problem, settings: Settings, steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """Forward and backward pass of `steps` again, in float64: the same module and batches at the same states."""
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
        found.append(_step(model, still, step.batch, columns, settings.nodes))
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
        columns = {column.name: as_tensor(column, dtype) for column in problem.predict}
        return _values(model(columns, problem.predict[0].shape[0]))


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


class _Update:
    """`torch.optim` for what is trained: nothing without lr, and not the frozen parameters.

    Single frozen entries of a parameter are put back after each step: with momentum or decay they would move
    even if their gradient were 0.
    """

    def __init__(
        self, model: GraphModule, settings: Settings, place_of: Callable[[str], Place | None] = lambda _: None
    ) -> None:
        whole = {frozen.name for frozen in model.graph.frozen if not frozen.entries}
        self.trained = {name: p for name, p in model.named.items() if name not in whole}
        self.trains = settings.lr is not None
        self.settings = settings
        self.optimizer: torch.optim.Optimizer | None = None
        self.rates: Rates | None = None
        if settings.lr is not None and self.trained:
            options = _plain_options(settings.options)
            build = getattr(torch.optim, settings.optimizer)
            self.optimizer = build(self.param_groups(), lr=first_rate(settings.lr), **options)
            if settings.varying:
                self.rates = Rates(self.optimizer, settings, place_of)
        self.kept = [(model.named[f.name], entry) for f in model.graph.frozen for entry in f.entries]

    def param_groups(self) -> list[Any]:
        """The parameters as torch.optim takes them: in groups, where some have options of their own."""
        if not self.settings.groups:
            return list(self.trained.values())
        return [
            {
                "params": [self.trained[name] for name in group.parameters],
                "lr": first_rate(group.schedule.lr),
                **_plain_options(group.given),
            }
            for group in self.settings.param_groups
        ]

    def begin(self, batch: Batch) -> None:
        """What changes before the step of a batch."""
        if self.rates is not None:
            self.rates.begin(batch)

    def held(self) -> Values:
        """What the optimizer holds that changes from step to step."""
        return {} if self.rates is None else self.rates.held()

    def clip(self) -> Values:
        """Clips the gradients of what is trained; what .grad holds then, nothing where they are not clipped."""
        clip = self.settings.clip
        if clip is None or self.optimizer is None:
            return {}
        self.complete()
        limit = float(clip.limit)
        if clip.by == NORM:
            torch.nn.utils.clip_grad_norm_(self.trained.values(), limit)
        else:
            torch.nn.utils.clip_grad_value_(self.trained.values(), limit)
        return _values({name: p.grad for name, p in self.trained.items() if p.grad is not None})

    def complete(self) -> None:
        """Gives a parameter that the loss does not depend on the gradient 0, as on paper."""
        for parameter in self.trained.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def step(self) -> None:
        """One update. A parameter that the loss does not depend on has the gradient 0, as on paper."""
        if self.optimizer is None:
            return
        self.complete()
        held = [parameter[entry].clone() for parameter, entry in self.kept]
        try:
            self.optimizer.step()
        except RuntimeError as error:  # such as an lr/(1 − beta1^t) that the dtype cannot hold
            raise SettingError(f"torch.optim.{self.settings.optimizer} cannot make the step: {error}") from None
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
            rule = self.settings.rule_of(name)
            for state in rule.states:
                start = parameter.detach().new_full((() if state.single else parameter.shape), float(rule.start(state)))
                value = held.get(state.key)
                found[state_name(name, state.name)] = start if value is None else value
        return found


class _Taken:
    """In place of an optimizer that PyTorch does not have: each update takes the next numbers by hand."""

    def __init__(self, model: GraphModule, by_hand: Handed) -> None:
        self.model = model
        self.trains = True
        self.values = by_hand.start
        self.updates = iter(by_hand.updates)
        self.clipped = iter(by_hand.clipped)
        self.rates = iter(by_hand.rates)

    def step(self) -> None:
        """The parameters after the next update, rounded to the dtype as any number is that PyTorch takes."""
        self.values = next(self.updates)
        with torch.no_grad():
            for name, parameter in self.model.named.items():
                parameter.copy_(torch.from_numpy(self.values[name]))

    def state(self) -> dict[str, Tensor]:
        """The state by hand, by its names `w.v`; not rounded to the dtype, for PyTorch has no use for it."""
        own = (name for name in self.values if name not in self.model.named)
        return {name: torch.from_numpy(self.values[name]) for name in own}

    def begin(self, batch: Batch) -> None:
        """Nothing is set before a batch: PyTorch holds no lr."""

    def held(self) -> Values:
        """What changes from step to step, by hand: PyTorch holds no lr."""
        return next(self.rates, {})

    def clip(self) -> Values:
        """The gradients after clipping, by hand: PyTorch makes no update, and clips none."""
        return next(self.clipped, {})


def _plain_options(options: Mapping[str, Value]) -> dict[str, Any]:
    """Options as torch.optim takes them."""
    return {name: plain(value) for name, value in options.items()}


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
    update.begin(batch)
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
    rates, clipped = update.held(), update.clip() if batch.updates else {}
    if batch.updates:
        update.step()
    after = _values({**update.state(), **model.named}) if update.trains else {}
    adjoints = {name: value.grad for name, value in lines.items() if nodes and value.grad is not None}
    followed = model.watched(watched, {**lines, **gradients}, columns, batch.n)
    lines = {**{name: value for name, value in lines.items() if nodes or name in model.reported}, **followed}
    noted = (_values(lines), _values(adjoints), _values(columns), accumulated, clipped, rates)
    return StepRecord(batch, before, _array(loss), recorded, after, *noted)


def _gradients(model: GraphModule) -> dict[str, Tensor]:
    """What .grad holds for each parameter; zeros where it holds nothing."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named.items()}


def _values(tensors: Mapping[str, Tensor]) -> Values:
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _array(tensor: Tensor) -> NDArray[Any]:
    """The numbers, as float64, in memory of their own."""
    values: NDArray[Any] = tensor.detach().to(torch.float64, copy=True).numpy()
    return values
