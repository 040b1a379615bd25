"""The targets of a cross-entropy of equations alone are rows that sum to 1, which the answer says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify.formulas.judge import FormulaFinding, judge_formula

LOGITS = "z = X@W; l = cross_entropy(z, T)"


def judged(name: str, formula: str, shape: str = "T: (n,K)", equations: str = LOGITS) -> FormulaFinding:
    found = load(f"{equations}; {shape}")
    return judge_formula(found, differentiate(found.graph), name, formula, Place("claim", None, 1, formula))


@pytest.mark.parametrize("shape", ["T: (n,K)", "T: (n,3)"])
@pytest.mark.parametrize(
    ("name", "formula"),
    [("dl/dW", "transpose(X)@(softmax(z)-T)/n"), ("dl/dz", "(softmax(z)-T)/n"), ("dl/dz[i,0]", "(softmax(z)-T)/n")],
)
def test_rows_of_targets_sum_to_one(shape: str, name: str, formula: str) -> None:
    finding = judged(name, formula, shape)
    assert finding.sentence.startswith("right: proved for rows of T that sum to 1 and every n")


@pytest.mark.parametrize("shape", ["T: (n,K)", "T: (n,3)"])
def test_what_needs_no_such_rows_is_proved_without(shape: str) -> None:
    whole = judged("dl/dz[i,k]", "(exp(log_softmax(z[i,k], k))*sum(T[i,m], m) - T[i,k])/n", shape)
    assert (whole.status, "sum to 1" in whole.sentence) == ("right", False)


def test_other_losses_say_nothing_of_their_targets() -> None:
    finding = judged("dl/dz", "2*(z - T)*sum(T)/(n*3)", "T: (n,3)", "z = X@W; l = mean((z - T)^2)")
    assert finding.status == "wrong"


@pytest.mark.parametrize(
    "formula", ["(softmax(z) - 2*T)/n", "(softmax(z) + T)/n", "softmax(z) - T", "(softmax(z) - 1)/n"]
)
@pytest.mark.parametrize("name", ["dl/dz", "dl/dz[i,0]", "dl/dz[i,1]"])
def test_another_formula_is_wrong(name: str, formula: str) -> None:
    finding = judged(name, formula)
    assert finding.status == "wrong"
    assert "only" not in finding.sentence  # neither for some n


@settings(max_examples=15, deadline=None)
@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(-1, 1), st.sampled_from(["T: (n,K)", "T: (n,2)"]))
def test_a_combination_is_right_if_it_is_the_gradient(a: int, b: int, c: int, shape: str) -> None:
    """With c times what is 0 where the rows sum to 1."""
    formula = f"({a}*softmax(z[i,k], k) + {b}*T[i,k] + {c}*(1 - sum(T[i,m], m)))/n"
    assert judged("dl/dz[i,k]", formula, shape).status == ("right" if (a, b) == (1, -1) else "wrong")
