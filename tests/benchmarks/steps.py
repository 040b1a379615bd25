"""Steps at any states, and their numbers judged side by side, as `verify` judges them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import grad_and_value, vmap

from derive.chain.derivation import Derivation, differentiate
from derive.problem.loading import Problem, load
from derive.run.batches import Batch
from derive.run.precedence import effective
from derive.run.run import Run
from derive.run.settings import Settings
from verify.bound.bound import AtState, Bound, prepare
from verify.bound.kinks import standing
from verify.compare.check import Numbers
from verify.compare.compared import entries
from verify.compare.comparison import numbers_of
from verify.names import Name
from verify.pytorch import run as training
from verify.pytorch.blocks import Blocks
from verify.record import Block, StepRecord, any_entry, side_by_side

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
Judged = Mapping[Name, Numbers]


@dataclass(frozen=True)
class Case:
    """A problem in one dtype, with its bound."""

    problem: Problem
    derivation: Derivation
    settings: Settings

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self.settings.dtype

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self.problem.graph.loss

    @cached_property
    def bound(self) -> Bound:
        """The bound in the dtype itself."""
        return prepare(Run(self.problem, self.derivation, self.settings))

    @cached_property
    def finer(self) -> Bound:
        """The bound of a replay in float64."""
        return prepare(Run(self.problem, self.derivation, self.settings), "float64")


def case(text: str, dtype: str, derivation: Derivation | None = None, nodes: bool = False) -> Case:
    """The problem of a text in `dtype`; `derivation` is that of the same equations, where it is known."""
    problem = load(text)
    return Case(
        problem, derivation or differentiate(problem.graph), effective(problem, {"dtype": dtype, "nodes": nodes})
    )


def held(values: Floats, dtype: str) -> Floats:
    """The numbers as the dtype holds them."""
    return np.asarray(torch.from_numpy(np.asarray(values)).to(training.DTYPES[dtype]).to(torch.float64).numpy())


def run(found: Case, values: Mapping[str, Floats]) -> tuple[StepRecord, ...]:
    """One step of PyTorch at each of the states `values`, whose first dimension is the step, one after the other."""
    model = training.GraphModule(found.problem, training.DTYPES[found.dtype])
    update = training.TorchUpdate(model, found.settings)
    tensors = {name: torch.from_numpy(array).to(model.dtype) for name, array in values.items()}
    columns = [column.name for column in found.problem.data]
    record = Blocks(len(next(iter(values.values()))))
    for place, batch in enumerate(_batches(found, values)):
        with torch.no_grad():
            for name, parameter in model.named.items():
                parameter.copy_(tensors[name][place])
        taken = {name: tensors[name][place] for name in columns}
        training._step(model, update, batch, taken, record, found.settings.nodes)
    return tuple(record.steps())


def block(steps: Sequence[StepRecord]) -> Block:
    """Steps of one kind side by side."""
    (whole,) = side_by_side(steps).blocks
    return whole


def in_steps(block: Block) -> tuple[StepRecord, ...]:
    """The records of steps side by side."""
    return tuple(block.step(place) for place in range(len(block)))


def together(
    found: Case, values: Mapping[str, Floats], dtype: str | None = None, plant: Plant | None = None
) -> tuple[StepRecord, ...]:
    """The same in one pass of autograd over all the steps (torch.func.vmap), and one update of all their parameters.

    In another `dtype` than the case's own, the step is only repeated and nothing is updated. `plant` puts
    something else in the place of the parameters and columns, and changes the loss.
    """
    kind = training.DTYPES[dtype or found.dtype]
    model = training.GraphModule(found.problem, kind)
    tensors = {name: torch.from_numpy(array).to(kind, copy=True) for name, array in values.items()}
    parameters = {name: nn.Parameter(tensors.pop(name)) for name in model.named}
    n = _samples(found, values)

    def loss(taken: dict[str, Tensor], others: dict[str, Tensor]) -> Tensor:
        changed = Planted(dict(taken), dict(others), n)
        if plant is not None:
            plant(changed)
        model.named = changed.parameters  # type: ignore[assignment]
        columns = {column.name: changed.others[column.name] for column in found.problem.data}
        value: Tensor = model(columns, changed.n)[found.loss]
        return value if changed.factor == 1 else value * changed.factor

    gradients, losses = vmap(grad_and_value(loss), in_dims=(0, 0))(parameters, tensors)
    before = _arrays(parameters)
    after = {}
    if dtype is None and found.settings.lr is not None:
        for name, parameter in parameters.items():
            parameter.grad = gradients[name].detach().clone()
        torch.optim.SGD(list(parameters.values()), lr=float(found.settings.lr)).step()
        after = _arrays(parameters)
    data = {column.name: np.asarray(values[column.name]) for column in found.problem.data}
    return recorded(_batches(found, values), before, _array(losses), _arrays(gradients), after, data)


@dataclass
class Planted:
    """What one step is calculated with: a plant changes it."""

    parameters: dict[str, Tensor]
    others: dict[str, Tensor]
    n: int
    factor: float = 1


Plant = Callable[[Planted], None]


def recorded(
    batches: Sequence[Batch],
    before: Mapping[str, Floats],
    losses: Floats,
    gradients: Mapping[str, Floats],
    after: Mapping[str, Floats],
    data: Mapping[str, Floats],
) -> tuple[StepRecord, ...]:
    """The record of steps, from arrays whose first dimension is the step."""

    def at(group: Mapping[str, Floats], place: int) -> dict[str, Floats]:
        return {name: array[place] for name, array in group.items()}

    return tuple(
        StepRecord(batch, at(before, k), losses[k], at(gradients, k), at(after, k), {}, {}, at(data, k))
        for k, batch in enumerate(batches)
    )


def _samples(found: Case, values: Mapping[str, Floats]) -> int:
    return next((values[column.name].shape[1] for column in found.problem.data), 1)


def _batches(found: Case, values: Mapping[str, Floats]) -> list[Batch]:
    rows = tuple(range(_samples(found, values))) if found.problem.data else ()
    return [Batch(place, place, 1, rows) for place in range(1, len(next(iter(values.values()))) + 1)]


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().to(torch.float64, copy=True).numpy())


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Floats]:
    return {name: _array(tensor) for name, tensor in tensors.items()}


def states(bound: Bound, steps: tuple[StepRecord, ...]) -> Iterator[AtState]:
    """The steps at their states, side by side as many as memory allows."""
    with np.errstate(all="ignore"):
        yield from bound.states(steps)


def judged(found: Case, bound: Bound, at_state: AtState) -> dict[Name, Numbers]:
    """Every number of steps side by side."""
    names = [name for name in entries(at_state.block, found.loss) if name[0] != "before"]
    return {name: numbers_of(at_state, bound, *name) for name in names}


def each_step(truth: Truth) -> Truth:
    """Whether it holds of any entry of each step."""
    return any_entry(truth)


def any_of(numbers: Judged, of: Callable[[Numbers], Truth]) -> Truth:
    """For each step, whether `of` holds of any of its numbers."""
    return np.asarray(np.logical_or.reduce([each_step(of(n)) for n in numbers.values()]))


def on_kinks(bound: Bound, at_state: AtState) -> Truth:
    """Which steps stand on a kink, or so near that rounding leaves the side open."""
    found = np.zeros(len(at_state.block), dtype=np.bool_)
    for kink in bound.kinks:
        values = at_state.rounded[kink.name]
        shape = values.shape[values.ndim - len(kink.axes) - kink.shared :]
        values = np.broadcast_to(values, (len(found), *shape))
        for (place, *_), _there in standing(kink, values, bound.system):
            found[place] = True
    return found


def chosen(numbers: Judged, places: NDArray[np.intp]) -> dict[Name, Numbers]:
    """The numbers of some of the steps."""
    return {name: found.of_step(places) for name, found in numbers.items()}
