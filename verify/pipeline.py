"""The whole way from a problem to a verdict, one line a stage."""

from __future__ import annotations

import os
from functools import partial

from derive.chain import differentiate
from derive.errors import ProblemError
from derive.problem import Problem, load
from verify import batches, bound, compare, hand, judge
from verify.result import Result
from verify.settings import effective


def verify(problem: Problem | str | os.PathLike[str], **settings: object) -> Result:
    """Derives, calculates by hand, trains in PyTorch, compares, judges.

    `problem` is what `derive.load` accepts. `settings` are those of a problem file's [training]
    (optimizer, lr, batch_size, drop_last, batches, zero_grad, accumulate, epochs or steps, shuffle, seed, dtype)
    and override it;
    `nodes=True` compares every line and its adjoint as well, at PyTorch's own operands; `drift=K`
    calculates no more than K steps by hand from the initial values on; `first=True` ends the comparison with
    the first step that disagrees. Raises `ProblemError` for a
    problem or a setting that cannot be used.
    """
    problem = problem if isinstance(problem, Problem) else load(problem)
    _refuse_without_numbers(problem)
    chosen = effective(problem, settings)
    derivation = differentiate(problem.graph)
    from verify.training import draw, replay, train  # torch takes seconds to import; bad input is told before

    problem = draw(problem, chosen.dtype)
    record = train(problem, chosen)
    taken = [step.batch for step in record.steps]
    order = compare.orders(taken) if chosen.shuffle else None
    by_hand = hand.calculate(problem, derivation, chosen, list(batches.plan(chosen, order))[: len(taken)])
    limits = bound.prepare(problem, derivation, chosen)
    comparison = compare.compare(problem, chosen, by_hand, record, limits, partial(replay, problem, chosen))
    verdict = judge.judge(comparison, record, chosen)
    return Result(problem, chosen, derivation, by_hand, record, comparison, verdict)


def _refuse_without_numbers(problem: Problem) -> None:
    if problem.is_symbolic:
        raise ProblemError(
            f"{problem.source} has equations but no numbers; verify needs a problem file with "
            "[parameters], [data] and [training] (python -m derive shows the formulas without them)"
        )
