"""The whole way from a problem to a verdict, one line a stage."""

from __future__ import annotations

import os
from dataclasses import replace

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.problem.loading import Problem, load
from derive.problem.watch import with_lines
from derive.run.precedence import effective
from verify import pieces
from verify.bound import bound
from verify.compare import prediction as predict
from verify.compare import verdict as judge
from verify.hand import run as hand
from verify.result import Result


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
    from verify.pytorch import run as training  # torch takes seconds to import; bad input is told before

    problem = training.draw(problem, chosen.dtype)
    watched = replace(problem, graph=with_lines(problem.graph, chosen.watched))
    followed = differentiate(watched.graph) if chosen.watched else derivation
    limits = bound.prepare(watched, followed, chosen)
    found = pieces.run(problem, watched, followed, chosen, limits)
    by_hand, record, comparison, tally = found.hand, found.record, found.comparison, found.tally
    if problem.predict:
        predicted = training.predict(problem, chosen, record.steps[-1])
        exact = hand.inputs(problem, derivation, chosen)
        prediction = predict.compare(problem, by_hand, record, predicted, limits, exact)
        comparison = replace(comparison, prediction=prediction)
        tally = tally.predicted(comparison)
    verdict = judge.judge(comparison, tally, record, chosen)
    return Result(problem, chosen, derivation, by_hand, record, comparison, tally, verdict)


def _refuse_without_numbers(problem: Problem) -> None:
    if problem.is_symbolic:
        raise ProblemError(
            f"{problem.source} has equations but no numbers; verify needs a problem file with "
            "[parameters], [data] and [training] (python -m derive shows the formulas without them)"
        )
