"""The whole way from a problem to a verdict, one line a stage."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from derive.console import Progress
from derive.errors import ProblemError
from derive.interface import derive
from derive.problem.loading import Problem, load
from derive.run.precedence import effective
from derive.run.run import Run
from verify import pieces, pytorch
from verify.bound import bound
from verify.compare import prediction
from verify.compare.comparison import compare
from verify.compare.tallies import tally
from verify.compare.verdict import judge
from verify.hand.size import size_of
from verify.result import Result


def verify(problem: Problem | str | os.PathLike[str], *, tell: Progress | None = None, **settings: object) -> Result:
    """Derives, calculates by hand, trains in PyTorch, compares, judges.

    `problem` is what `derive.load` accepts. `settings` are those of a problem file's [training]
    (optimizer, its variant and options, lr, scheduler, scheduler_every and its options, groups, clip_grad_norm or
    clip_grad_value, batch_size, drop_last, batches, zero_grad, accumulate, epochs or steps, shuffle, seed, dtype,
    until, report, on_nonfinite) and override it;
    `nodes=True` compares every line and its adjoint as well, at PyTorch's own operands; `drift=K` calculates no more
    than K steps by hand from the initial values on; `every=K` compares one step of K, and of all that each begins where
    the one before has ended; `first=True` ends the comparison with the first step that disagrees; `limit=N` lets a run
    take N calculations, as estimated from its shapes.
    `tell` is called after each piece of a run of more than 10,000 steps with its last step, that of the run, and what
    is found so far. Raises `ProblemError` for a problem or a setting that cannot be used.
    """
    problem = problem if isinstance(problem, Problem) else load(problem)
    _refuse_without_numbers(problem)
    chosen = effective(problem, settings)
    problem = pytorch.with_conventions(problem)
    derivation = derive(problem)
    size_of(problem, derivation, chosen, chosen.steps, is_reported=True).check(chosen.limit)
    run = Run(pytorch.draw(problem, chosen.dtype), derivation, chosen)
    limits = bound.prepare(run, ask=pytorch.Sums(run.problem, chosen))
    by_hand, expected, kept = pieces.by_hand(run), pieces.Expected(chosen), pieces.Kept(run)
    replay, drawn = pytorch.Replay(run.problem, chosen), partial(pytorch.orders, chosen)
    for record in pytorch.pieces(run.problem, chosen, pieces.length(run), by_hand.given):
        batches = expected.of(record)
        calculated = by_hand.calculate(batches)
        comparison = compare(run, calculated, record, limits, replay, kept.before, batches, drawn)
        kept.add(calculated, record, comparison, tally(run, calculated, record, comparison))
        if tell is not None:
            tell(record.steps[-1].batch.step, chosen.steps, kept.tally.in_words)
        if chosen.first and kept.tally.wrong:
            break
    calculated, record, comparison = kept.all()
    counted = kept.tally
    if run.problem.predict:
        predicted = pytorch.predict(run.problem, chosen, record.steps[-1])
        comparison = replace(comparison, prediction=prediction.compare(run, calculated, record, predicted, limits))
        counted = counted.predicted(comparison)
    verdict = judge(comparison, counted, record, chosen)
    return Result(run.problem, chosen, derivation, calculated, record, comparison, counted, verdict)


def _refuse_without_numbers(problem: Problem) -> None:
    if problem.is_symbolic:
        raise ProblemError(
            f"{problem.source} has equations but no numbers; verify needs a problem file with "
            "[parameters], [data] and [training] (python -m derive shows the formulas without them, and "
            "--claim 'dl/dw = …' judges one)"
        )
