import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from derive.run.run import Run
from tests.changed_records import again, changed
from verify import Result, verify
from verify.bound.bound import prepare
from verify.compare.check import Check
from verify.compare.comparison import Comparison, compare


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article", nodes=True)


def named(comparison: Comparison, step: int) -> dict[str, Check]:
    return {check.name: check for check in comparison.checks if check.batch.step == step}


def test_every_number_of_a_step_in_its_order(article: Result) -> None:
    lines = [f"{line}[{row}]" for line in "acde" for row in (3, 4, 5)]
    adjoints = [f"dl/d{name}" for name in lines]
    ends = ["dl/dw", "dl/db", "w", "b"]
    assert list(named(article.comparison, 2)) == ["w_before", "b_before", *lines, "l", *adjoints, *ends]


def test_the_quantity_and_the_index_apart(article: Result) -> None:
    check = named(article.comparison, 2)["dl/dd[4]"]
    assert (check.quantity, check.index) == ("dl/dd", "4")
    assert named(article.comparison, 2)["l"].index == ""


def test_a_shuffled_row_keeps_its_number_in_the_data() -> None:
    result = verify("article", nodes=True, shuffle=True, seed=1)
    rows = result.record.steps[0].batch.indices
    found = [check.index for check in result.comparison.checks if check.batch.step == 1 and check.quantity == "d"]
    assert found == [str(row) for row in rows]
    assert found != ["0", "1", "2"]


def test_what_a_check_tells(article: Result) -> None:
    check = named(article.comparison, 3)["dl/dw"]
    exact = Fraction(-2855108, 16875)
    assert check.hand_fraction == exact
    assert check.hand_value == float(exact)
    assert check.difference == float(Fraction(check.autograd) - exact)
    assert check.ulp == 2.0**-16  # of a float32 between 128 and 256
    assert check.ulps == check.difference / 2.0**-16
    assert abs(check.step_error) <= check.bound
    assert check.expected == pytest.approx(float(exact), rel=1e-6)
    assert check.agrees is True


def test_the_step_error_is_not_the_drift() -> None:
    # w doubles with each step, without any rounding, and with it the rounding of its initial value
    result = verify('equations = "l = -w^2/2"\n[parameters]\nw = 0.1\n[training]\nlr = 1\nsteps = 15\n')
    last = result.rows[-1].checks["w"]
    assert last.difference == 2.0**15 * float(Fraction(float(np.float32(0.1))) - Fraction(1, 10))
    assert last.step_error == 0.0
    assert result.agrees


def test_after_the_hand_calculation_has_ended_there_is_no_number_by_hand() -> None:
    text = 'equations = "l = abs(w)"\n[parameters]\nw = 0.1\n[training]\nlr = 0.1\nsteps = 2\n'
    result = verify(text)
    check = again(result, result.record).checks[-1]
    assert check.hand is not None
    short = replace(result.hand, steps=result.hand.steps[:1], ended="x")
    bound = prepare(Run(result.problem, result.derivation, result.settings))
    check = compare(Run(result.problem, result.derivation, result.settings), short, result.record, bound).checks[-1]
    assert check.hand is None
    assert check.hand_fraction is None
    assert math.isnan(check.hand_value)
    assert math.isnan(check.difference)
    assert math.isnan(check.ulps)
    assert check.agrees is True


def test_an_altered_number_disagrees_and_no_other(article: Result) -> None:
    gradients = {**article.record.steps[1].gradients, "b": np.asarray(-33.4)}
    found = again(article, changed(article, 2, gradients=gradients))
    wrong = [check.name for check in found.checks if check.agrees is False]
    assert wrong == ["dl/db", "b"]  # the update was made with another gradient


def test_the_neighbouring_float_beyond_the_bound_disagrees(article: Result) -> None:
    check = named(article.comparison, 2)["w"]
    for direction in (-1, 1):
        edge = check.expected + direction * check.bound
        inside, outside = edge - direction * check.bound * 1e-3, edge + direction * check.bound * 1e-3
        for value, agrees in ((inside, True), (outside, False)):
            after = {**article.record.steps[1].after, "w": np.asarray(value)}
            assert named(again(article, changed(article, 2, after=after)), 2)["w"].agrees is agrees


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_finite_is_not_decided(article: Result, value: float) -> None:
    found = named(again(article, changed(article, 3, loss=np.asarray(value))), 3)["l"]
    assert found.agrees is None
    assert math.isnan(found.difference)
    assert math.isnan(found.step_error)


def test_a_parameter_begins_where_the_step_before_left_it(article: Result) -> None:
    before = {**article.record.steps[1].before, "w": np.asarray(0.25)}
    wrong = named(again(article, changed(article, 2, before=before)), 2)["w_before"]
    assert wrong.agrees is False
    assert wrong.bound == 0.0
    assert wrong.expected == float(article.record.steps[0].after["w"])
