"""Mistakes of a training loop, planted in PyTorch's: which of them `verify` finds, and whether it names the place.

What a mistake does is read from the record of the run: the first step at which it is another than without the mistake,
and the first of the step's numbers that is another. The verdict has to name that step and that kind of number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from derive.errors import ProblemError
from derive.problem.loading import Problem, load
from derive.run.batches import Batch
from derive.run.precedence import effective
from derive.run.settings import Settings
from tests.benchmarks import random_graphs
from tests.benchmarks.figures import Figures
from tests.benchmarks.random_graphs import RandomGraph
from verify import Outcome, verify
from verify.pytorch import loader as batches
from verify.pytorch import run as training
from verify.pytorch.conventions import with_conventions
from verify.pytorch.optimizer import TorchUpdate
from verify.pytorch.rates import Rates
from verify.record import StepRecord, Values

Planted = AbstractContextManager[Any]
Columns = dict[str, Tensor]

OPTIMIZERS: tuple[Mapping[str, Any], ...] = (
    {"optimizer": "SGD"},
    {"optimizer": "SGD", "momentum": "0.9"},
    {"optimizer": "Adagrad"},
    {"optimizer": "RMSprop"},
    {"optimizer": "Adam"},
)
SCHEDULES: tuple[Mapping[str, Any], ...] = (
    {},
    {"scheduler": "StepLR", "step_size": "1", "gamma": "0.5"},
    {"scheduler": "ExponentialLR", "gamma": "0.9", "scheduler_every": "batch"},
    {"scheduler": "CosineAnnealingLR", "T_max": "5"},
)
OTHER_SEED = 977  # far from the seeds that are asked for: 0 to 99
# What the verdict says of the part of a step that is another first; a number after the update has a name of its own.
TOLD = {
    "rows": r"PyTorch took (the samples|no sample)|a batch too many|a batch is missing",
    "data": r"does not hold the rows",
    "before": r"\S+_before\S* at step",
    "rates": r"(lr|momentum|beta1)\S* at step",
    "pass": r"\S+ at step",
    "after": r"\S+ at step",
}


@dataclass(frozen=True)
class Mistake:
    """A mistake of a loop: how it is planted, the settings it needs, and what has to be said of it beside the place."""

    plant: Callable[[Random, Settings], Planted]
    needs: Callable[[Settings], bool] = lambda _: True
    told: str = ""


def _loader(change: Callable[[list[Any]], list[Any]]) -> Planted:
    """The batches of each epoch changed."""
    original = batches._loader

    class Changed:
        def __init__(self, dataset: TensorDataset, settings: Settings) -> None:
            self.whole = original(dataset, settings)

        def __len__(self) -> int:
            return len(self.whole)

        def __iter__(self) -> Iterator[Any]:
            return iter(change(list(self.whole)))

    return patch("verify.pytorch.loader._loader", Changed)


def _drawn(seed: int | None, again: bool = False) -> Planted:
    """The rows in the order of another seed, of none, or, with `again`, in each epoch as in the first."""

    def build(dataset: TensorDataset, settings: Settings) -> Any:
        def loader() -> DataLoader[Any]:
            generator = torch.Generator().manual_seed(settings.seed if seed is None else seed)
            shuffled = again or seed is not None
            return DataLoader(dataset, settings.batch_size, shuffled, generator=generator, drop_last=settings.drop_last)

        class Again:
            def __len__(self) -> int:
                return settings.batches_per_epoch

            def __iter__(self) -> Iterator[Any]:
                return iter(loader())

        return Again() if again else loader()

    return patch("verify.pytorch.loader._loader", build)


def _a_row(random: Random, twice: bool) -> Planted:
    """One row of one batch is left out, or stands twice."""
    where = random.random()

    def change(epoch: list[Any]) -> list[Any]:
        at = int(where * len(epoch))
        kept = torch.arange(len(epoch[at][0]))
        kept = torch.cat((kept, kept[:1])) if twice else kept[1:]
        return [*epoch[:at], [column[kept] for column in epoch[at]], *epoch[at + 1 :]]

    return _loader(change)


def _columns(change: Callable[[Batch, Columns, Columns | None], Columns]) -> Planted:
    """The columns of a batch changed, given those of the batch before."""
    original = training.batches_of

    def planted(data: Mapping[str, Tensor], settings: Settings) -> Iterator[tuple[Batch, Columns]]:
        last: Columns | None = None
        for batch, columns in original(data, settings):
            yield batch, change(batch, columns, last)
            last = columns

    return patch("verify.pytorch.run.batches_of", planted)


def _stale(random: Random, settings: Settings) -> Planted:
    """One column of one batch is still that of the batch before."""
    at, which = random.randint(2, settings.steps), random.random()

    def change(batch: Batch, columns: Columns, last: Columns | None) -> Columns:
        name = sorted(columns)[int(which * len(columns))]
        stale = batch.step == at and last is not None and last[name].shape == columns[name].shape
        return {**columns, name: last[name]} if stale and last is not None else columns

    return _columns(change)


def _edited(
    random: Random, settings: Settings, held: Callable[[Any, TorchUpdate, Batch], Mapping[str, Tensor]]
) -> Planted:
    """An entry of what is `held` between two steps is changed."""
    at, factor, which = random.randint(2, settings.steps), random.choice((0.5, 1 + 2.0**-10, -1.0)), random.random()
    original = training._step

    def planted(model: Any, update: TorchUpdate, batch: Batch, *more: Any) -> StepRecord:
        found = held(model, update, batch)
        if batch.step == at and found:
            with torch.no_grad():
                sorted(found.items())[int(which * len(found))][1].view(-1)[:1].mul_(factor)
        return original(model, update, batch, *more)

    return patch("verify.pytorch.run._step", planted)


def _parameters(model: Any, _: TorchUpdate, __: Batch) -> Mapping[str, Tensor]:
    return dict(model.named)


def _states(_: Any, update: TorchUpdate, __: Batch) -> Mapping[str, Tensor]:
    return update.state()


def _kept_gradients(model: Any, _: TorchUpdate, batch: Batch) -> Mapping[str, Tensor]:
    return {name: p.grad for name, p in model.named.items() if batch.adds and p.grad is not None}


def _scheduler(times: int) -> Planted:
    original = Rates.step

    def step(self: Rates) -> None:
        for _ in range(times):
            original(self)

    return patch.object(Rates, "step", step)


def _scheduled_each_batch() -> Planted:
    """The scheduler steps after every batch."""
    return patch.object(Rates, "ended", lambda *_: True)


def _updates(times: int) -> Planted:
    original = TorchUpdate.step

    def step(self: TorchUpdate) -> None:
        for _ in range(times):
            original(self)

    return patch.object(TorchUpdate, "step", step)


def _shuffles(settings: Settings) -> bool:
    return settings.shuffle


def _schedules(settings: Settings) -> bool:
    return settings.scheduler is not None


def _has_state(settings: Settings) -> bool:
    return settings.optimizer != "SGD" or bool(settings.options.get("momentum"))


def _has_several(settings: Settings) -> bool:
    return settings.batches_per_epoch > 1


MISTAKES: Mapping[str, Mistake] = {
    "not shuffled": Mistake(lambda *_: _drawn(None), _shuffles, "not shuffled"),
    "another seed": Mistake(lambda *_: _drawn(OTHER_SEED), _shuffles, r"seed \d+ draws|same order"),
    "one order": Mistake(lambda *_: _drawn(None, again=True), _shuffles, "every epoch takes the same order"),
    "order reversed": Mistake(lambda *_: _loader(lambda epoch: epoch[::-1]), _has_several),
    "batch repeated": Mistake(lambda *_: _loader(lambda epoch: [epoch[0], *epoch[:-1]]), _has_several),
    "batch dropped": Mistake(lambda *_: _loader(lambda epoch: epoch[:-1]), _has_several),
    "row dropped": Mistake(lambda random, _: _a_row(random, twice=False)),
    "row twice": Mistake(lambda random, _: _a_row(random, twice=True)),
    "stale column": Mistake(_stale),
    "parameter edited": Mistake(lambda random, s: _edited(random, s, _parameters)),
    "state edited": Mistake(lambda random, s: _edited(random, s, _states), _has_state),
    "gradient edited": Mistake(lambda random, s: _edited(random, s, _kept_gradients), lambda s: s.accumulate > 1),
    "schedule twice": Mistake(lambda *_: _scheduler(2), _schedules),
    "schedule left out": Mistake(lambda *_: _scheduler(0), _schedules),
    "schedule each batch": Mistake(
        lambda *_: _scheduled_each_batch(), lambda s: s.scheduler is not None and s.scheduler.every == "epoch"
    ),
    "update twice": Mistake(lambda *_: _updates(2)),
    "update left out": Mistake(lambda *_: _updates(0)),
    "not zeroed": Mistake(lambda *_: patch.object(torch.nn.Module, "zero_grad", lambda *_, **__: None)),
}


def chunk(seed: int, number: int, scale: float = 1.0) -> Figures:  # noqa: ARG001 - a chunk is one problem
    """Every mistake planted in one run: two or three epochs of a random problem, optimizer and schedule."""
    random = Random(f"loops {seed} {number}")
    figures = Figures()
    graph = random_graphs.network(random) if random.random() < 0.5 else random_graphs.scalars(random, mean=True)
    samples = random.randint(4, 9)
    flags = _flags(random, samples)
    try:
        problem = load(_text(graph, np.random.default_rng([seed, number, 7]), samples))
        settings = effective(problem, flags)
        right = training.train(with_conventions(problem), settings).steps
        found = verify(problem, **flags)
    except ProblemError as error:
        figures.add("refused", type(error).__name__)
        return figures
    if found.verdict.outcome is Outcome.DISAGREES:
        figures.add("false alarms", "loops")
        figures.alarm(f"loops {number} {flags}", found.verdict.sentence)
    if not found.agrees or not all(step.finite for step in right):
        figures.add("refused", "undecided")
        return figures
    for kind, mistake in MISTAKES.items():
        if mistake.needs(settings):
            planted = partial(mistake.plant, Random(f"{seed} {number} {kind}"), settings)
            _judge(figures, kind, mistake, problem, flags, right, planted)
    return figures


def _flags(random: Random, samples: int) -> dict[str, Any]:
    """Settings of a run."""
    size = random.randint(1, max(1, samples // 2))
    shuffled = {"shuffle": True, "seed": random.randrange(100)} if random.random() < 0.6 else {}
    gathers = {"accumulate": random.choice((2, 3))} if random.random() < 0.3 else {}
    run = {"epochs": random.choice((2, 3)), "batch_size": size, "lr": "0.01", "drop_last": random.random() < 0.3}
    return {**run, **random.choice(OPTIMIZERS), **random.choice(SCHEDULES), **shuffled, **gathers}


def _text(graph: RandomGraph, random: np.random.Generator, samples: int) -> str:
    """A problem file of a random graph with `samples` rows of numbers up to 3 with three decimals."""
    shapes = {**graph.parameters, **{name: (samples, *shape) for name, shape in graph.columns.items()}}
    drawn = {
        name: random_graphs.numbers(random, name, (1, *shape), "float64", "near")[0] for name, shape in shapes.items()
    }
    return graph.text({name: np.round(value, 3) for name, value in drawn.items()}, "float32", "0.01")


def _judge(
    figures: Figures,
    kind: str,
    mistake: Mistake,
    problem: Problem,
    flags: Mapping[str, Any],
    right: tuple[StepRecord, ...],
    planted: Callable[[], Planted],
) -> None:
    """Counts whether a mistake changes the run, is found, and is named at its step."""
    with planted():
        found = verify(problem, **flags)
    place = _first_change(found.record.steps, right)
    if place is None:
        figures.add("loop without effect", kind)
        return
    step, part = place
    sentence = found.verdict.sentence
    caught = found.verdict.outcome is Outcome.DISAGREES
    named = caught and f"step {step} (" in sentence and re.search(TOLD[part], sentence) is not None
    named = named and re.search(mistake.told, sentence) is not None
    figures.add("loop mistakes", kind)
    figures.add("loop caught", kind, int(caught))
    figures.add("loop named", kind, int(named))
    if not named:
        figures.add("loop missed", f"{kind}: {part} of step {step}; {flags}; {sentence}")


def _first_change(taken: tuple[StepRecord, ...], right: tuple[StepRecord, ...]) -> tuple[int, str] | None:
    """The first step that is another, and which part of it is another first; None for the same run."""
    for found, wanted in zip_longest(taken, right):
        if found is None:
            return None  # it has ended earlier with nothing else in it
        if wanted is None or found.batch != wanted.batch:
            return found.batch.step, "rows"
        for part, values in _parts(found).items():
            if not _same(values, _parts(wanted)[part]):
                return found.batch.step, part
    return None


def _parts(step: StepRecord) -> dict[str, Values]:
    """What a step holds, in the order in which a loop makes it."""
    return {
        "data": step.data,
        "before": step.before,
        "rates": step.rates,
        "pass": {**step.accumulated, **step.gradients, "loss": step.loss},
        "after": step.after,
    }


def _same(one: Values, other: Values) -> bool:
    return all(np.array_equal(value, other[name], equal_nan=True) for name, value in one.items())
