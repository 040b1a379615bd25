"""Correct steps: random graphs, dtypes, batch sizes and scales. None of them may disagree."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import numpy as np

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.problem.loading import load
from tests.benchmarks import random_graphs, steps
from tests.benchmarks.figures import Figures
from tests.benchmarks.random_graphs import Floats, RandomGraph
from verify.compare.check import Numbers
from verify.names import Name
from verify.numbers import FORMATS

DTYPES = tuple(FORMATS)
SIZES = tuple(2**k for k in range(13))  # samples of a batch
WEIGHTS = (9, 9, 9, 8, 7, 6, 5, 4, 3, 2, 2, 1.5, 1.5)
NUMBERS = 2**13  # of one column in one chunk
MOST_STEPS = 1000
FEWEST_STEPS = 12
ALONE = 0.02  # of the steps, by the verifier's own training step; the others in one pass of autograd
# Balls take a thousand times as long as pairs.
SHARE_OF_FLOAT64 = 1 / 16
LEARNING_RATES = ('"1/3"', "0.1", "0.01", "1e-6", "1")


def chunk(seed: int, number: int, scale: float = 1.0) -> Figures:
    """Steps of one random graph in one batch size, in every dtype. `scale` is for fewer of them."""
    random = Random(f"correct {seed} {number}")
    regime = random.choice(random_graphs.REGIMES)
    graph = random_graphs.graph(random, regime == "wild" or random.random() < 0.1)
    n = random.choices(SIZES, WEIGHTS)[0]
    if "transpose(X)" in graph.equations:
        n = min(n, random_graphs.MAX_ATTENTION)
    n = n if graph.columns else 1
    lr = random.choice(LEARNING_RATES)
    figures = Figures()
    derivation = None
    for place, dtype in enumerate(DTYPES):
        share = scale * (SHARE_OF_FLOAT64 if dtype == "float64" else 1)
        count = max(2, int(max(FEWEST_STEPS, min(MOST_STEPS, NUMBERS // n)) * share))
        numbers = np.random.default_rng([seed, number, place])
        values = draw(graph, numbers, dtype, regime, count, n)
        small = {name: value[0] if name in graph.parameters else value[0][:2] for name, value in values.items()}
        start = time.process_time()
        try:
            problem = load(graph.text(small, dtype, lr))
            derivation = derivation or differentiate(problem.graph)
            found = steps.case(graph.text(small, dtype, lr), dtype, derivation)
            found.bound  # noqa: B018 - what cannot be prepared is refused here
        except ProblemError as error:
            figures.add("refused", type(error).__name__)
            return figures
        figures.add("seconds", "prepare", time.process_time() - start)
        judge(figures, found, graph, values, f"chunk {number}", lr)
    return figures


def draw(
    graph: RandomGraph, random: np.random.Generator, dtype: str, regime: str, count: int, n: int
) -> dict[str, Floats]:
    """The states of `count` steps with batches of `n`."""
    shapes = {name: (count, *shape) for name, shape in graph.parameters.items()}
    shapes |= {name: (count, n, *shape) for name, shape in graph.columns.items()}
    found = {name: random_graphs.numbers(random, name, shape, dtype, regime) for name, shape in shapes.items()}
    return {name: steps.held(value, dtype) for name, value in found.items()}


def judge(
    figures: Figures, found: steps.Case, graph: RandomGraph, values: Mapping[str, Floats], label: str, lr: str
) -> None:
    """Runs the steps and counts what became of them."""
    n = max((len(value[0]) for name, value in values.items() if name in graph.columns), default=1)
    count = len(next(iter(values.values())))
    start = time.process_time()
    alone = max(1, int(count * ALONE))
    record = steps.run(found, {name: value[:alone] for name, value in values.items()})
    if count > alone:
        rest = steps.together(found, {name: value[alone:] for name, value in values.items()})
        record += tuple(replace(step, batch=replace(step.batch, step=step.batch.step + alone)) for step in rest)
    figures.add("alone", f"{found.dtype} {n}", alone)
    figures.add("seconds", "PyTorch", time.process_time() - start)
    start = time.process_time()
    for at_state in steps.states(found.bound, record):
        numbers = steps.judged(found, found.bound, at_state)
        wide = steps.any_of(numbers, lambda x: x.replayed if found.dtype == "float64" else x.wide & x.within)
        decided = steps.any_of(numbers, lambda x: ~x.decided) == 0
        wrong = steps.any_of(numbers, lambda x: x.disagrees)
        if found.dtype != "float64" and wide.any():
            open_, also_wrong = replayed(found, steps.in_steps(at_state.block), numbers, np.flatnonzero(wide))
            decided[wide] &= ~open_
            wrong[wide] |= also_wrong
        finite = at_state.block.finite
        kinks = steps.on_kinks(found.bound, at_state)
        size = f"{found.dtype} {n}"
        for what, truth in (
            ("steps", np.ones_like(decided)),
            ("decided", decided),
            ("not finite", ~finite),
            ("undecided", finite & ~decided),
            ("on a kink", decided & kinks),
            ("replayed", decided & wide & (found.dtype != "float64")),
            ("false alarms", wrong),
        ):
            figures.add(what, size, int(truth.sum()))
        closest(figures, found, numbers, n)
        for place in np.flatnonzero(wrong)[:3]:
            step = at_state.block.step(place)
            names = [f"{name[0]} {name[1]}" for name, x in numbers.items() if bool(x.disagrees[place].any())]
            text = graph.text({**step.before, **step.data}, found.dtype, lr)
            figures.alarm(f"{label}, step {step.batch.step}: {', '.join(names) or 'in the replay'}", text)
    figures.add("seconds", "bound", time.process_time() - start)


def replayed(
    found: steps.Case, record: tuple[steps.StepRecord, ...], numbers: Mapping[Name, Numbers], places: np.ndarray
) -> tuple[steps.Truth, steps.Truth]:
    """Of the steps at `places`, repeated in float64: which stay open, and which are wrong."""
    taken = [record[place] for place in places]
    values = {name: np.stack([step.before[name] for step in taken]) for name in taken[0].before}
    values |= {name: np.stack([step.data[name] for step in taken]) for name in taken[0].data}
    again = steps.together(found, values, "float64")
    with np.errstate(all="ignore"):
        at_state = found.finer.at(steps.block(again))
    finer = steps.judged(found, found.finer, at_state)
    whole = {name: replace(numbers[name].of_step(places), replay=new) for name, new in finer.items()}
    return (
        steps.any_of(whole, lambda x: x.decided & ~x.agrees & ~x.disagrees),
        steps.any_of(whole, lambda x: x.disagrees),
    )


def closest(figures: Figures, found: steps.Case, numbers: Mapping[Name, Numbers], n: int) -> None:
    """The largest error/bound, by dtype and group, and by dtype and batch size."""
    for (group, _), x in numbers.items():
        known = x.decided & (x.distance.bound > 0)
        if not known.any():
            continue
        ratio = float((np.abs(x.distance.error[known]) / x.distance.bound[known]).max())
        figures.most("closest", f"{found.dtype} {group}", ratio)
        if group != "after":
            figures.most("closest by size", f"{found.dtype} {n}", ratio)
