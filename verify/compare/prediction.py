"""[predict]: the lines that depend on new data, at the parameters with which training has ended.

PyTorch's numbers are checked at PyTorch's own final parameters; the hand calculation has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.problem.loading import Problem
from derive.problem.predict import predicted
from derive.run.batches import Batch
from derive.run.run import Run
from verify.bound.bound import Bound
from verify.compare.check import Numbers
from verify.compare.compared import StepComparison
from verify.hand.calculation import columns, only
from verify.hand.run import PRECISIONS, HandRun, HandStep, inputs
from verify.numbers import Array, CalculationError, is_sharp, objects, precision
from verify.record import Record, StepRecord, Values


@dataclass(frozen=True)
class Prediction(Batch):
    """The rows of [predict] in place of a batch; `step` is the last of the run."""

    def __str__(self) -> str:
        return f"the prediction after step {self.step}"


def rows(problem: Problem, last: Batch) -> Prediction:
    """All rows of [predict], after the step `last`."""
    return Prediction(last.step, last.epoch, last.batch, tuple(range(problem.predict[0].shape[0])))


def final(step: StepRecord) -> Values:
    """The parameters with which a run ends; those it began with, where nothing is trained."""
    return step.after or step.before


def compare(run: Run, hand: HandRun, record: Record, found: Values, bound: Bound) -> StepComparison:
    """PyTorch's numbers `found` of each predicted line, with their bounds, beside the same by hand."""
    problem = run.problem
    lines = frozenset(predicted(problem.graph, problem.predict))
    batch = rows(problem, record.steps[-1].batch)
    state = final(record.steps[-1])
    sides = []
    with precision(512):
        for side in (bound.rounded, bound.exact):
            # on the rounded side each number is rounded once, as PyTorch takes it
            given = columns(problem, problem.predict, side.system)
            parameters = {name: side.system.take(values) for name, values in state.items()}
            sides.append(only(side, lines).at({**parameters, **given}, batch.n).results)
    compared = {}
    for name in found:
        rounded, aside = sides[0][name], sides[1].get(name)
        compared["nodes", name] = Numbers(found[name], bound.distance(found[name], rounded, aside))
    return StepComparison(batch, compared, _by_hand(run, hand, record, batch, lines))


def _by_hand(run: Run, hand: HandRun, record: Record, batch: Prediction, lines: frozenset[str]) -> HandStep | None:
    """The same lines at the parameters that the hand calculation ends with; None where it ended before."""
    if not hand.steps or hand.steps[-1].batch.step < record.steps[-1].batch.step:
        return None
    last, exact = hand.steps[-1], inputs(run)
    parameters = last.after or last.before
    with precision(PRECISIONS[-1]):
        given = columns(run.problem, run.problem.predict, exact.calculation.system)
        try:
            results = only(exact.calculation, lines).at({**parameters, **given}, batch.n).results
        except CalculationError:
            return None
    values = {name: results[name] for name in lines}
    if not all(is_sharp(number) for array in values.values() for number in array.flat):
        return None
    nothing: Array = objects([], (0,))
    return HandStep(batch, {}, nothing, {}, {}, values, {})
