"""A term of one number is calculated without an array around it, and is the same number."""

from __future__ import annotations

from fractions import Fraction
from unittest import mock

import pytest
from hypothesis import given

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from tests.exact_numbers import as_told
from tests.strategies import problems
from verify import verify
from verify.hand import evaluation
from verify.hand.calculation import beginnings, columns, prepare
from verify.hand.program import Term
from verify.numbers import Array, ByElement, Exact, Forms, Rounded, objects, precision

SYSTEMS = [Exact(strict=False), Rounded("float64"), Rounded("float32"), Forms()]


def results(text: str, system: ByElement) -> dict[str, Array]:
    """Every line and adjoint of the first batch."""
    problem = load(text)
    settings = effective(problem, {"batch_size": 1} if problem.data else {})
    calculation = prepare(problem, differentiate(problem.graph), settings, system)
    rows = {name: column[:1] for name, column in columns(problem, problem.data, system).items()}
    with precision(200):
        return dict(calculation.at({**beginnings(problem, settings, system), **rows}, 1).results)


def _within_array(term: Term, system: ByElement, number: object) -> object:
    array = objects([number], (1,))
    found = system.reduce("sum" if term.reduction == "mean" else term.reduction, array)
    one = system.constant(Fraction(1))
    return (system.apply("div", (found, one)) if term.reduction == "mean" else found).item()


def shown(array: Array) -> list[str]:
    return [str(number) for number in array.flat]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: type(system).__name__)
@given(text=problems())
def test_single_numbers_are_those_of_arrays(system: ByElement, text: str) -> None:
    alone = results(text, system)
    never = mock.patch.object(evaluation, "_are_single", return_value=False)
    with never, mock.patch.object(evaluation, "_reduced_single", _within_array):
        within_arrays = results(text, system)
    assert {name: (array.shape, shown(array)) for name, array in alone.items()} == {
        name: (array.shape, shown(array)) for name, array in within_arrays.items()
    }


@pytest.mark.parametrize("equations", ["z = X @ W + sum(u)", "z = X @ (W @ u)", "z = X @ W @ u"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_products_are_the_same_one_by_one(equations: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand and in the bound, fractions and balls; several steps side by side."""
    text = f"""equations = '''\n{equations}\nl = mean(tanh(z)^2)\n'''
[parameters]
W = [[0.5, -1, 2], [0.25, 3, 1], [1, 0.1, 0]]
u = [1, -2, 0.3]
[data]
X = [[1, 2, 0.5], [0.1, -1, 2], [3, 1, 1], [0, 1, 0.7]]
[training]
lr = 0.1
batch_size = 2
epochs = 2
dtype = "{dtype}"
"""
    found = []
    for most in (0, 10**9):
        monkeypatch.setattr(evaluation, "MOST_PRODUCTS", most)
        result = verify(text)
        numbers = [as_told(number) for step in result.hand.steps for number in step.numbers()]
        found.append((numbers, result.verdict.sentence))
    assert found[0] == found[1]
    assert found[0][0]
