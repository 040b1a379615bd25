import json
import math
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Axis
from tables.json_report import to_json
from tables.text.report import to_text
from tests.planting import plant_gradient
from verify import Outcome, Result, verify
from verify.compare.check import Numbers
from verify.compare.summary import closeness, drift, hidden, relative_drift, summarize
from verify.numbers import Distance, from_fraction, objects, to_float
from verify.pytorch import run as training


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article")


def test_each_quantity_is_counted_over_all_steps(article: Result) -> None:
    found = summarize(article.comparison)
    assert [(summary.quantity, summary.count) for summary in found] == [
        ("l", 3),
        ("dl/dw", 3),
        ("dl/db", 3),
        ("w", 3),
        ("b", 3),
    ]
    assert all((summary.wrong, summary.undecided, summary.replayed) == (0, 0, 0) for summary in found)


def test_the_closest_number_is_the_largest_share_of_its_bound(article: Result) -> None:
    for summary in summarize(article.comparison):
        checks = [check for check in article.comparison.checks if check.quantity == summary.quantity]
        assert summary.closest.closeness == max(check.closeness for check in checks)
        assert summary.widest is not None
        share = summary.widest.caught / summary.widest.terms
        assert share == max(check.caught / check.terms for check in checks if check.caught)


def test_shares_of_arrays_are_those_of_their_checks(article: Result) -> None:
    step = article.comparison.steps[1]
    for name, numbers in step.numbers.items():
        if name[0] != "before":
            check = article.comparison.check(step, name, ())
            assert float(closeness(numbers)) == check.closeness
            assert float(hidden(numbers)) == check.caught / check.terms


def test_an_error_larger_than_what_is_caught_is_caught(monkeypatch: pytest.MonkeyPatch, article: Result) -> None:
    check = next(check for check in article.comparison.checks if check.quantity == "dl/dw")
    for sign in (-1, 1):
        plant_gradient(monkeypatch, "w", 1, lambda gradient, sign=sign: gradient + sign * check.caught * 1.01)
        assert verify("article").verdict.outcome is Outcome.DISAGREES


def test_the_drift_of_the_last_step_by_hand(article: Result) -> None:
    check = drift(article.comparison)
    assert check is not None
    assert check.batch.step == 3
    assert drift(verify("article", drift=2).comparison).batch.step == 2  # type: ignore[union-attr]
    assert drift(verify("article", drift=0).comparison) is None


@pytest.mark.parametrize("problem", ["article", "tanh_network", "softmax", "parabola"])
def test_the_drift_is_the_largest_of_all_checks(problem: str) -> None:
    result = verify(problem)
    last = [check for check in result.comparison.checks if check.batch == result.comparison.steps[-1].batch]
    last = [check for check in last if check.quantity in result.columns]
    moved = [check for check in last if check.hand is not None and math.isfinite(check.difference)]
    found = drift(result.comparison)
    assert found is not None
    assert relative_drift(found) == max(map(relative_drift, moved))


def test_a_large_drift_beside_agrees_is_explained() -> None:
    # w doubles with every step: rounding the initial value moves the run as far
    text = 'equations = "l = w^2/2 - w^2"\n[parameters]\nw = 0.1\n[training]\nlr = 1\nsteps = 40\n'
    result = verify(text.replace("w^2/2 - w^2", "sin(1000*w)/1000"), drift=40)
    told = to_text(result).replace("\n  ", " ")
    assert result.agrees
    assert "the roundings of the steps before have grown" in told
    assert "have grown" not in to_text(verify("article"))


@pytest.mark.parametrize("problem", ["article", "tanh_network"])
def test_the_summary_has_one_line_a_quantity_and_fits(problem: str) -> None:
    result = verify(problem, nodes=True)
    lines = to_text(result, summary=True).splitlines()
    assert all(len(line) <= 80 for line in lines)
    first = next(place for place, line in enumerate(lines) if line.startswith("quantity "))
    names = [line.split()[0] for line in lines[first + 1 : first + 1 + len(summarize(result.comparison))]]
    assert names == [summary.quantity for summary in summarize(result.comparison)]
    assert re.search(r"^l +\d+ +0 +0 +0 +\d+ ", "\n".join(lines), re.MULTILINE)


def test_the_first_step_that_disagrees_ends_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_gradient(monkeypatch, "b", 2, lambda gradient: -gradient)
    result = verify("article", first=True, epochs=5)
    assert [step.batch.step for step in result.comparison.steps] == [1, 2]
    assert result.verdict.outcome is Outcome.DISAGREES
    assert result.verdict.sentence.endswith("; the comparison ends with that step (--first)")
    assert len(verify("article", epochs=5).comparison.steps) == 15


def test_without_a_disagreement_first_changes_nothing(article: Result) -> None:
    assert verify("article", first=True).verdict == article.verdict


@pytest.mark.parametrize(("steps", "told"), [(0, "no step is calculated by hand"), (1, "ends after 1 step (")])
def test_the_hand_calculation_ends_where_it_is_told_to(steps: int, told: str) -> None:
    result = verify("article", drift=steps)
    assert len(result.hand.steps) == steps
    assert told in result.hand.ended
    assert result.agrees
    last = result.comparison.checks[-1]
    assert math.isnan(last.difference)
    assert last.agrees


def test_a_drift_longer_than_the_run_is_the_run(article: Result) -> None:
    result = verify("article", drift=100)
    assert result.hand.ended == ""
    assert result.hand == article.hand


def test_a_run_that_is_judged_needs_no_step_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_gradient(monkeypatch, "w", 3, lambda gradient: gradient * 1.0009)
    assert training.GraphModule.__name__ == "Planted"
    assert verify("article", drift=0).verdict.outcome is Outcome.DISAGREES


def test_the_json_document_has_the_summary(article: Result) -> None:
    document = json.loads(to_json(article))
    found = {entry["quantity"]: entry for entry in document["summary"]}
    assert list(found) == ["l", "dl/dw", "dl/db", "w", "b"]
    assert (found["dl/dw"]["count"], found["dl/dw"]["wrong"], found["dl/dw"]["undecided"]) == (3, 0, 0)
    closest = found["w"]["closest"]
    assert abs(closest["step_error"]) <= closest["bound"]
    assert 0 < found["dl/dw"]["caught"] < 2.0**-20


_ROUNDED = st.floats(-8, 8, width=32).map(float) | st.sampled_from([0.0, 5e-324, 1e-310, 1e300, math.inf, math.nan])
_BY_HAND = st.fractions(-8, 8) | st.sampled_from([Fraction(0), Fraction(1, 10**400), Fraction(10) ** 300])


@given(st.lists(st.tuples(_BY_HAND, _ROUNDED | st.integers(-3, 3)), min_size=1, max_size=6))
def test_the_largest_drift_of_an_array_is_that_of_all_its_numbers(found: list[tuple[Fraction, float | int]]) -> None:
    """An integer is the nearest float64 of the number by hand, moved by as many units of its last digit."""
    by_hand = [from_fraction(exact) for exact, _ in found]
    autograd = [
        to_float(hand) + off * math.ulp(to_float(hand)) if isinstance(off, int) else off
        for hand, (_, off) in zip(by_hand, found, strict=True)
    ]
    first = verify("parabola", steps=1).comparison
    (step,) = first.steps
    assert step.hand is not None
    floats, nothing = np.array(autograd), np.zeros(len(found))
    unknown = Distance(floats, nothing, nothing, nothing, nothing == 0, nothing > 0)
    step = replace(
        step,
        numbers={("after", "x"): Numbers(floats, unknown)},
        hand=replace(step.hand, after={"x": objects(by_hand, (len(found),))}),
    )
    nodes = {**first.nodes, "x": replace(first.nodes["x"], axes=(Axis("i", len(found)),))}
    whole = replace(first, steps=(step,), nodes=nodes)
    finite = [check for check in whole.checks if math.isfinite(check.difference)]
    wanted, largest = max(finite, key=relative_drift, default=None), drift(whole)
    assert (wanted is None) == (largest is None)
    if wanted is not None and largest is not None:
        assert (largest.index, largest.difference) == (wanted.index, wanted.difference)
