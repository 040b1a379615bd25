"""A term of one number is calculated without an array around it, and is the same number."""

from __future__ import annotations

from fractions import Fraction
from unittest import mock

import pytest
from hypothesis import given

from derive.chain.derivation import differentiate
from derive.problem.loading import load
from derive.run.precedence import effective
from tests.strategies import problems
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
