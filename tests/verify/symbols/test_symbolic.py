"""Identities of functions: those that are proved, those that hold off a kink alone, and what is no identity."""

from __future__ import annotations

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify.formulas.judge import FormulaFinding, judge_formula


def judged(line: str, claim: str) -> FormulaFinding:
    """The claim that a line in w, b and v is another formula."""
    problem = load(f"f = {line} + 0*(w + b + v)")
    return judge_formula(problem, differentiate(problem.graph), "f", claim, Place("claim", None, 1, claim))


@pytest.mark.parametrize(
    ("line", "claim"),
    [
        ("(w + b)^3", "w^3 + 3*w^2*b + 3*w*b^2 + b^3"),
        ("(w^2 - b^2)/(w - b)", "w + b"),
        ("sqrt(8)*w", "2*sqrt(2)*w"),
        ("sqrt(w^2 + 1)^2", "w^2 + 1"),
        ("1/sqrt(2)", "sqrt(2)/2"),
        ("(w^2 + 1)^1.5", "(w^2 + 1)*sqrt(w^2 + 1)"),
        ("sin(w)^2 + cos(w)^2", "1"),
        ("sin(-w)*cos(-w)", "-sin(w)*cos(w)"),
        ("tan(w)", "sin(w)/cos(w)"),
        ("exp(w + b)", "exp(w)*exp(b)"),
        ("exp(w/2)^2", "exp(w)"),
        ("exp(2*log(w))", "w^2"),
        ("tanh(w)", "(exp(2*w) - 1)/(exp(2*w) + 1)"),
        ("tanh(w)", "2*sigmoid(2*w) - 1"),
        ("sigmoid(-w)", "1 - sigmoid(w)"),
        ("softplus(w)", "log(1 + exp(w))"),
        ("softplus(w) - softplus(-w)", "w"),
        ("log(sigmoid(w))", "-softplus(-w)"),
        ("expm1(w)", "exp(w) - 1"),
        ("log1p(w^2)", "log(1 + w^2)"),
        ("log10(exp(w))", "w/log(10)"),
        ("e^w", "exp(w)"),
        ("2^w*2^b", "2^(w + b)"),
        ("abs(w)^2", "w^2"),
        ("relu(w) - relu(-w)", "w"),
        ("max(w, b)", "where(w > b, w, b)"),
        ("clip(w, 0, 1)", "min(max(w, 0), 1)"),
        ("relu(relu(w))", "relu(w)"),
    ],
)
def test_an_identity_is_proved(line: str, claim: str) -> None:
    assert judged(line, claim).status == "right"


@pytest.mark.parametrize(
    ("line", "claim"),
    [
        ("sign(w)^2", "1"),
        ("where(w > 0, 1, 0)", "where(w >= 0, 1, 0)"),
        ("abs(w)", "max(w, -w)"),
        ("max(w, b) + min(b, w)", "w + b"),
    ],
)
def test_what_holds_off_a_kink_is_proved(line: str, claim: str) -> None:
    assert judged(line, claim).status == "right"


@pytest.mark.parametrize(
    ("line", "claim"),
    [
        ("sqrt(w^2)", "w"),
        ("log(w^2)", "2*log(abs(w) + 1)"),
        ("sin(w)^2 - cos(w)^2", "1"),
        ("exp(w)*exp(b)", "exp(w*b)"),
        ("tanh(w)", "sigmoid(2*w) - 1"),
        ("softplus(w)", "log(1 + exp(-w))"),
        ("relu(w)", "w"),
        ("max(w, b)", "w"),
        ("erf(w)", "tanh(w)"),
        ("sqrt(2)*w", "1.41421356237309504880168872420969807856967187537694807317667973799*w"),
    ],
)
def test_what_is_no_identity_is_refuted(line: str, claim: str) -> None:
    finding = judged(line, claim)
    assert (finding.status, finding.decided) == ("wrong", "counterexample")
