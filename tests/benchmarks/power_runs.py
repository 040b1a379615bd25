"""The article's three steps, and runs that have converged: how small an error is caught there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from tests.benchmarks import steps
from tests.benchmarks.figures import Figures
from verify.compare.check import Numbers
from verify.pytorch import run as training

FACTOR = 1 + 2e-6
QUANTILES = (0.5, 0.9, 1.0)
TAIL = 200  # steps at the end of a run that has converged
DTYPES = {"float32": TAIL, "float64": 20, "float16": TAIL, "bfloat16": TAIL}


def article(factor: float = FACTOR, dtype: str = "float32") -> dict[str, bool]:
    """Whether `factor` on one gradient is caught, for each step of the article's run and each parameter."""
    found = steps.case("article", dtype)
    (at_state,) = found.bound.states(training.train(found.problem, found.settings).steps)
    caught = {}
    for name in found.derivation.wrt:
        changed = tuple(
            replace(step, gradients={**step.gradients, name: steps.held(step.gradients[name] * factor, dtype)})
            for step in steps.in_steps(at_state.block)
        )
        numbers = steps.judged(found, found.bound, replace(at_state, block=steps.block(changed)))
        for step, wrong in zip(changed, steps.each_step(numbers["gradients", name].disagrees), strict=True):
            caught[f"step {step.batch.step}, dl/d{name}"] = bool(wrong)
    return caught


def regression() -> str:
    """A line through 64 points with noise, all of them in each batch."""
    random = np.random.default_rng(0)
    x = random.normal(0, 1, 64)
    y = 2 * x + 1 + random.normal(0, 0.3, 64)
    columns = f"x = {np.round(x, 3).tolist()}\ny = {np.round(y, 3).tolist()}"
    equations = 'equations = "l = mean((w*x + b - y)^2)"'
    return f"{equations}\n[parameters]\nw = 0\nb = 0\n[data]\n{columns}\n[training]\nlr = 0.1\n"


def converged(figures: Figures, scale: float = 1.0) -> None:
    """Trains both problems until the gradients are rounding, and keeps the smallest errors that are caught then."""
    for label, text, count in (("article", "article", 4500), ("regression", regression(), 400)):
        for dtype, tail in DTYPES.items():
            problem = load(text)
            settings = effective(problem, {"dtype": dtype, "steps": max(tail, int(count * scale))})
            found = steps.Case(problem, differentiate(problem.graph), settings)
            record = training.train(problem, settings).steps[-tail:]
            keep(figures, f"{label} {dtype}", found, record)


def keep(figures: Figures, label: str, found: steps.Case, record: tuple[steps.StepRecord, ...]) -> None:
    """The quantiles of what is caught, as a share of the gradient and of its terms, directly and in a replay."""
    direct, again = [], []
    for at_state in found.bound.states(record):
        numbers = steps.judged(found, found.bound, at_state)
        direct += [x for name, x in numbers.items() if name[0] == "gradients"]
        figures.add("false alarms", label, int(steps.any_of(numbers, lambda x: x.disagrees).sum()))
    if found.dtype != "float64":
        replay = training.Replay(found.problem, found.settings)
        for block in found.finer.side_by_side(record).blocks:
            at_state = found.finer.at(replay(block))
            numbers = steps.judged(found, found.finer, at_state)
            again += [x for name, x in numbers.items() if name[0] == "gradients"]
    for way, numbers in (("directly", direct), ("replay", again)):
        if numbers:
            _quantiles(figures, f"{label} {way}", numbers)


def _quantiles(figures: Figures, label: str, numbers: list[Numbers]) -> None:
    with np.errstate(all="ignore"):
        for of, size in (("gradient", lambda x: np.abs(x.distance.expected)), ("terms", lambda x: x.terms)):
            shares = np.concatenate([(x.caught / size(x)).ravel() for x in numbers])
            shares = shares[np.isfinite(shares)]
            for quantile in QUANTILES:
                value = float(np.quantile(shares, quantile)) if shares.size else float("nan")
                figures.most("caught", f"{label} {of} {quantile}", value)


def chunk(seed: int, number: int, scale: float = 1.0) -> Figures:  # noqa: ARG001 - nothing is drawn
    """The article's steps and the converged runs; there is only one chunk."""
    figures = Figures()
    for place, caught in article().items():
        figures.add("article", place, int(caught))
    converged(figures, scale)
    return figures
