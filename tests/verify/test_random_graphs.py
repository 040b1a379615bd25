"""Random problems: exact numbers, the bound, float64 and PyTorch's autograd are of one mind.

The number of examples is small here; HYPOTHESIS_PROFILE=explore draws others, and more of them.
"""

import numpy as np
from hypothesis import HealthCheck, assume, given, settings

from derive.errors import DataError, EquationError
from tests.strategies import problems
from verify import Outcome, Result, verify
from verify.hand import inputs
from verify.numbers import Float64
from verify.program import adjoint_of, run

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def in_float64(result: Result) -> dict[str, np.ndarray]:
    """Every value and adjoint of the first step at PyTorch's state, by NumPy, from the derivation as it is written."""
    prepared, first = inputs(result.problem, result.derivation, result.settings), result.record.steps[0]
    rows = list(first.batch.indices)
    values = {**first.before, **{name: column[rows] for name, column in result.record.data.items()}}
    values |= {name: np.asarray(float(first.batch.n)) for name in result.problem.graph.of_kind("size")}
    return run(prepared.stages, Float64(), values, {"i": first.batch.n})


@settings(suppress_health_check=SLOW)
@given(problems())
def test_no_false_alarm(text: str) -> None:
    result = verify(text, nodes=True)
    assert result.verdict.outcome is Outcome.AGREES, result.verdict.sentence
    assert all(check.agrees for check in result.comparison.checks)
    assert all(abs(check.step_error) <= check.bound for check in result.comparison.checks)


@settings(suppress_health_check=SLOW)
@given(problems(wild=True))
def test_no_false_alarm_where_numbers_overflow_or_leave_a_domain(text: str) -> None:
    try:
        result = verify(text, nodes=True)
    except (DataError, EquationError):
        assume(False)
    assert result.verdict.outcome is not Outcome.DISAGREES, result.verdict.sentence
    if result.verdict.outcome is Outcome.UNDECIDED:
        assert result.hand.ended or any(check.agrees is None for check in result.comparison.checks)


@settings(suppress_health_check=SLOW)
@given(problems())
def test_numpy_lies_within_the_bound_too(text: str) -> None:
    result = verify(text, dtype="float64")
    found, loss = in_float64(result), result.problem.graph.loss
    names = {loss: loss, **{f"d{loss}/d{name}": adjoint_of(name) for name in result.derivation.wrt}}
    checks = {check.name: check for check in result.comparison.checks if check.batch.step == 1}
    for quantity, name in names.items():
        # NumPy evaluates the lines as SymPy derives them, not operation by operation as PyTorch does
        check = checks[quantity]
        assert abs(float(found[name]) - check.expected) <= 16 * check.bound, quantity
