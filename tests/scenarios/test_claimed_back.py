"""Every derived gradient, in any letters, order and notation, is right when it is claimed; with one mistake it is not.

What is right is known from the rules for matrices (`tests/matrix_chains.py`), which have no letters to mix up.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from tests.claimed_formulas import faults, outcomes
from tests.index_graphs import MISTAKES
from tests.matrix_chains import Claim, claims
from verify.formulas.explain import Explanation
from verify.formulas.judge import FormulaFinding, judge_formula

# a claim that fails is printed as it was found: to make it smaller takes minutes, and it is short already
SLOW = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def judged(problem: str, key: str, text: str) -> FormulaFinding:
    found = load(problem)
    return judge_formula(found, differentiate(found.graph), key, text, Place("claim", None, 1, text))


@SLOW
@given(claims(planted=False))
def test_a_derived_gradient_in_other_words_is_right(claim: Claim) -> None:
    assert judged(claim.chain.text, claim.key, claim.text).status == "right", claim


@SLOW
@given(claims(planted=True))
def test_a_derived_gradient_with_a_mistake_is_not_right(claim: Claim) -> None:
    assume(claim.differs(1) or claim.differs(2))
    finding = judged(claim.chain.text, claim.key, claim.text)
    assert finding.status == "wrong", (claim, finding)


@settings(SLOW, max_examples=10)
@example(100101)  # 1.6 - 1.2 - 0.4 is 0, and more than 0 in floats
@given(st.integers(0, 10**6))
def test_nothing_false_is_said_of_a_formula_of_a_random_graph(seed: int) -> None:
    """With sums, means, softmax, kinks and functions of all kinds; the long form is tests/benchmarks/formulas.py."""
    for outcome in outcomes(seed, planted=2):
        assert not outcome.faults, str(outcome)


def test_what_is_false_is_noticed() -> None:
    """The check itself: a verdict, a counterexample and a reason that are another formula's."""
    found = [outcome for seed in range(4) for outcome in outcomes(seed, planted=len(MISTAKES))]
    refuted = [one for one in found if one.is_right is False and one.finding.status == "wrong"]
    proved = [one for one in found if one.is_right and one.finding.status == "right"]
    assert len(refuted) > 4
    assert len(proved) > 4
    for one in refuted:
        assert [*faults(one.claim, replace(one.finding, status="right", decided=""), False)], str(one)
    for one in proved:
        assert [*faults(one.claim, replace(one.finding, status="wrong", right=""), True)] or one.claim.kind, str(one)
    changed = 0
    for one in refuted:
        example = one.finding.counterexample
        assert example is not None
        other = replace(example, right=example.claimed)
        if "between" not in example.right + example.claimed and (
            abs(Fraction(example.right) - Fraction(example.claimed)) > 1e-3  # float64 sees it
        ):
            changed += 1
            assert [*faults(one.claim, replace(one.finding, counterexample=other), False)], str(one)
        other_reason = Explanation("ratio", "it is 7/5 times the right one")
        if one.claim.is_right(5) is False:
            assert [*faults(one.claim, replace(one.finding, explanation=other_reason), False)], str(one)
    assert changed > 4


LETTERED = """
equations = \"\"\"
h[i,k] = sum(x[i,j]*U[j,k], j)
y[i,m] = sum(h[i,k]*W[k,m], k)
l = sum(y^2)/2
\"\"\"
[parameters]
U = [[1, 0], [2, 1]]
W = [[3, 5], [7, 11]]
[constants]
x = [[1, 2]]
"""
MATRICES = LETTERED.replace("h[i,k] = sum(x[i,j]*U[j,k], j)", "h = x @ U").replace(
    "y[i,m] = sum(h[i,k]*W[k,m], k)", "y = x @ U + h @ W"
)


@pytest.mark.parametrize(
    ("problem", "name", "text"),
    [
        (LETTERED, "dl/dh", "sum(y[i,k]*W[j,k], k)"),  # the k of the sum is the letter of h
        (LETTERED, "dl/dh", "sum(y[i,m]*W[j,m], m)"),
        (LETTERED, "dl/dh[k,m]", "sum(y[k,i]*W[m,i], i)"),
        (MATRICES, "dl/dh", "y @ transpose(W)"),
        (MATRICES.replace("x @ U + h @ W", "h @ W + x @ U"), "dl/dh", "y @ transpose(W)"),
        ("attention", "dl/dv", "transpose(a) @ (dl/do)"),
        ("attention", "dl/dk", "transpose(dl/ds) @ q/sqrt(2)"),
        (MATRICES, "dl/dW", "transpose(h) @ dl/dy"),  # also where the parentheses are left out
        (MATRICES, "dl/dU", "transpose(x)·dl/dh + transpose(x) @ dl/dy"),
    ],
)
def test_the_letter_of_a_sum_may_be_that_of_the_gradient(problem: str, name: str, text: str) -> None:
    assert judged(problem, name, text).status == "right"


@pytest.mark.parametrize("problem", [LETTERED, MATRICES])
@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("sum(h[i,j]*y[i,k], i)", "[j,k]"),
        ("sum(y[i,k]*h[i,j], i)", "[j,k]"),
        ("sum(y[i,b]*h[i,a], i)", "[a,b]"),
        ("sum(h[i,a]*y[i,b], i)", ""),
    ],
)
def test_letters_of_ones_own_are_read_as_they_fit(problem: str, text: str, index: str) -> None:
    finding = judged(problem, "dl/dW", text)
    assert finding.status == "right"
    assert finding.sentence.endswith(f"; read as dl/dW{index}" if index else "proved equal")


def test_letters_that_a_line_has_are_those_that_are_meant() -> None:
    assert judged(LETTERED, "dl/dW", "sum(h[i,k]*y[i,m], i)").status == "right"
    assert judged(LETTERED, "dl/dW", "sum(h[i,m]*y[i,k], i)").status == "wrong"  # W stands as W[k,m]
    assert judged(LETTERED, "dl/dW[j,k]", "sum(h[i,k]*y[i,j], i)").status == "wrong"


TIED = """
equations = "h = log(exp(W) + 2); l = where(sigmoid(h) + sigmoid(-h) > 1, h^2, h)*V"
[parameters]
W = 1
V = 3
"""


def test_digits_that_are_not_known_are_not_shown() -> None:
    """Balls do not tell that σ(h) + σ(-h) is not above 1, so the right one is h or h^2; the claim is neither."""
    finding = judged(TIED, "dl/dV", "-h")
    assert finding.status == "wrong"
    assert finding.counterexample is not None
    low, high = (float(end) for end in finding.counterexample.right.removeprefix("between ").split(" and "))
    assert low <= math.log(math.e + 2) <= high


SIZES = """
equations = \"\"\"
h[i] = sum(W[k]*y[i,k], k)
l = sum(h^2)/2
\"\"\"
[parameters]
W = [1, 2]
[constants]
y = [[1, 2], [3, 5], [4, -1]]
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dl/dh[k]", "h[k] + 0*sum(W[k], k)"),  # one k has 3 values, the other 2
        ("h[k]", "sum(y[k,i]*W[i], i) + 0*sum(W[k], k)"),
        ("dl/dW[i]", "sum(y[k,i]*sum(W[i]*y[k,i], i), k)"),
        ("dl/dW[i]", "sum(y[k,i]*sum(W[k]*sum(y[i,k], i), k)*0 + y[k,i]*h[k], k)"),  # a sum in one of its own letter
    ],
)
def test_a_letter_of_a_sum_has_its_own_size(name: str, text: str) -> None:
    assert judged(SIZES, name, text).status == "right"


def test_letters_the_other_way_round_are_wrong() -> None:
    finding = judged(LETTERED, "dl/dh", "sum(y[i,k]*W[k,j], k)")
    # y = x U W = (1, 2) [[1, 0], [2, 1]] [[3, 5], [7, 11]] = (29, 47)
    assert (finding.status, finding.counterexample is not None and finding.counterexample.claimed) == (
        "wrong",
        str(29 * 3 + 47 * 7),
    )
