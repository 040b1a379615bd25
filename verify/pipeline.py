"""The whole way from a problem to a verdict, one line a stage."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from derive.chain import Derivation, differentiate
from derive.errors import ProblemError
from derive.problem import Problem, load
from derive.watch import with_lines
from verify import batches, bound, compare, hand, judge, predict
from verify.effective import effective
from verify.hand import HandRun
from verify.handed import handed
from verify.record import Record
from verify.result import Result
from verify.settings import Settings


def verify(problem: Problem | str | os.PathLike[str], **settings: object) -> Result:
    """Derives, calculates by hand, trains in PyTorch, compares, judges.

    `problem` is what `derive.load` accepts. `settings` are those of a problem file's [training]
    (optimizer, its variant and options, lr, scheduler, scheduler_every and its options, groups, clip_grad_norm or
    clip_grad_value, batch_size, drop_last, batches, zero_grad, accumulate, epochs or steps, shuffle, seed, dtype,
    until, report, on_nonfinite) and override it;
    `nodes=True` compares every line and its adjoint as well, at PyTorch's own operands; `drift=K`
    calculates no more than K steps by hand from the initial values on; `first=True` ends the comparison with
    the first step that disagrees. Raises `ProblemError` for a
    problem or a setting that cannot be used.
    """
    problem = problem if isinstance(problem, Problem) else load(problem)
    _refuse_without_numbers(problem)
    chosen = effective(problem, settings)
    derivation = differentiate(problem.graph)
    from verify import training  # torch takes seconds to import; bad input is told before

    problem = training.draw(problem, chosen.dtype)
    watched = replace(problem, graph=with_lines(problem.graph, chosen.watched))
    followed = differentiate(watched.graph) if chosen.watched else derivation
    if chosen.by_hand_alone:
        by_hand, record = _led_by_hand(problem, chosen, watched, followed)
    else:
        record = training.train(problem, chosen)
        taken = [step.batch for step in record.steps]
        order = compare.orders(taken) if chosen.shuffle else None
        by_hand = hand.calculate(watched, followed, chosen, list(batches.plan(chosen, order))[: len(taken)])
    limits = bound.prepare(watched, followed, chosen)
    comparison = compare.compare(watched, chosen, by_hand, record, limits, partial(training.replay, problem, chosen))
    if problem.predict:
        found = training.predict(problem, chosen, record.steps[-1])
        exact = hand.inputs(problem, derivation, chosen)
        comparison = replace(comparison, prediction=predict.compare(problem, by_hand, record, found, limits, exact))
    verdict = judge.judge(comparison, record, chosen)
    return Result(problem, chosen, derivation, by_hand, record, comparison, verdict)


def _led_by_hand(problem: Problem, chosen: Settings, watched: Problem, followed: Derivation) -> tuple[HandRun, Record]:
    """A run whose update PyTorch does not have: it takes the parameters by hand, and calculates loss and gradients."""
    from verify import training

    order = compare.orders(training.batches(problem, chosen)) if chosen.shuffle else None
    found = hand.calculate(watched, followed, chosen, batches.plan(chosen, order))
    if not found.steps:
        there = f"torch.optim.{chosen.optimizer} has no variant {chosen.variant}, and its update is made by hand"
        raise ProblemError(f"{there}, but {found.ended}")
    record = training.train(problem, chosen, handed(found))
    return replace(found, steps=found.steps[: len(record.steps)]), record


def _refuse_without_numbers(problem: Problem) -> None:
    if problem.is_symbolic:
        raise ProblemError(
            f"{problem.source} has equations but no numbers; verify needs a problem file with "
            "[parameters], [data] and [training] (python -m derive shows the formulas without them)"
        )
