"""Gradients of a maximum or minimum over an axis: right but at ties, or there too, and a change is refuted off them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify.formulas.judge import FormulaFinding, judge_formula

# What the maximum is taken of, and its derivative.
INSIDE = {
    "w[i]": "1",
    "w[i]^2": "2*w[i]",
    "tanh(w[i])": "(1 - tanh(w[i])^2)",
    "abs(w[i])": "sign(w[i])",
    "3*w[i] + 1": "3",
}
CHOSEN = ("({u} == m)", "where({u} == m, 1, 0)", "where({beyond}, 1, 0)", "(1 - ({short}))")


def judged(text: str, key: str, claim: str) -> FormulaFinding:
    problem = load(text)
    return judge_formula(problem, differentiate(problem.graph), key, claim, Place("claim", None, 1, claim))


def written(op: str, u: str, chosen: str) -> str:
    """That u is the chosen one, in one of several ways."""
    beyond, short = (f"{u} >= m", f"m > {u}") if op == "max" else (f"{u} <= m", f"{u} > m")
    return chosen.format(u=u, beyond=beyond, short=short)


@settings(deadline=None, max_examples=12)
@given(
    st.sampled_from(("max", "min")),
    st.sampled_from([*INSIDE]),
    st.sampled_from((2, 3, 4)),
    st.sampled_from(CHOSEN),
    st.booleans(),
    st.sampled_from(("", "2*", "-", "w[i]*")),
)
def test_right_but_at_ties(op: str, u: str, count: int, chosen: str, shared: bool, change: str) -> None:
    """The share of each is that of PyTorch's amax where it is divided evenly, and else right where there is one."""
    problem = f"m = {op}({u}, i)\nl = m^2\nw: ({count})"
    truth = written(op, u, chosen)
    shared = shared and "==" in truth
    share = f"/sum({written(op, u.replace('[i]', '[j]'), chosen)}, j)" if shared else ""
    finding = judged(problem, "dl/dw[i]", f"{change}2*m*{truth}{share}*{INSIDE[u]}")
    tie = any("is a tie" in condition for condition in finding.excluded)
    if change:
        assert finding.status == "wrong", finding.sentence
    elif not shared:
        assert finding.status == "right", finding.sentence
        assert tie
        assert "except exactly on a kink, where" in finding.sentence
    else:
        assert finding.status == "right", finding.sentence
        assert not tie


@pytest.mark.parametrize(
    ("problem", "key", "claim"),
    [
        (
            "m = max(x[i,k]*w[k], k)\nl = mean(m)\nx: (n, {k})\nw: ({k})",
            "dl/dw[k]",
            "sum(x[i,k]*(x[i,k]*w[k] == m[i]), i)/n",
        ),
        (
            "m = max(sum(W[k,j]*x[i,j], j), k)\nl = mean(m)\nW: ({k}, 2)\nx: (n, 2)",
            "dl/dW[k,j]",
            "sum(x[i,j]*(sum(W[k,p]*x[i,p], p) == m[i]), i)/n",
        ),
        ("m = max(W[i,j], j)\nl = sum(m)\nW: (2, {k})", "dl/dW[i,j]", "(W[i,j] == m[i])"),
        ("l = max(z) - min(z)\nz: ({k})", "dl/dz", "(z == max(z)) - (z == min(z))"),
    ],
)
@pytest.mark.parametrize("classes", [3, 4])
def test_right_behind_samples_and_matrices(problem: str, key: str, claim: str, classes: int) -> None:
    finding = judged(problem.format(k=classes), key, claim)
    assert finding.status == "right", finding.sentence
    assert any("is a tie" in condition for condition in finding.excluded)
    wrong = judged(problem.format(k=classes), key, f"2*({claim})")
    assert wrong.status == "wrong"
    assert "only" not in wrong.sentence


def test_a_tie_that_moving_does_not_break_is_no_exception() -> None:
    """Below 0 the relus are all 0 whatever w is."""
    finding = judged("l = max(relu(w))\nw: (3)", "dl/dw", "(relu(w) == l)")
    assert finding.status == "wrong", finding.sentence


def test_what_is_always_equal_is_no_kink() -> None:
    finding = judged("l = max(z)\nz: (3)", "dl/dz", "where(z >= l, 1, 0)")
    assert finding.excluded == ("max(z[i], i) is a tie",)


def test_however_many_there_are() -> None:
    finding = judged("l = max(z)\nz: (10)", "dl/dz", "(z == l)")
    assert finding.status == "right", finding.sentence
    assert finding.excluded == ("max(z[i], i) is a tie",)
