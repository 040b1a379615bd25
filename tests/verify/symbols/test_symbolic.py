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


KINKED = """
equations = "u = min(a, 2); v = max(u, b); l = v^2"
[parameters]
a = 1
b = 0.5
"""


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("dv/du", "where(u > b, 1, 0)", "right"),
        ("dv/du", "where(b > u, 0, 1)", "right"),
        ("dv/du", "where(u >= b, 1, 0)", "right"),
        ("dv/db", "where(b >= u, 1, 0)", "right"),
        ("dl/du", "2*v*where(u > b, 1, 0)", "right"),
        ("dv/du", "where(u > b, 1, 1/2)", "wrong"),
        ("dv/du", "where(u > 2*b, 1, 0)", "wrong"),
        ("dv/da", "where(u > b, 1, 0)*where(a < 2, 1, 0)", "right"),
    ],
)
def test_a_kink_below_a_line_with_a_kink(name: str, text: str, status: str) -> None:
    """The derivative of max is ½ where both are equal, which is a kink as well where it is written as u = b."""
    problem = load(KINKED)
    finding = judge_formula(problem, differentiate(problem.graph), name, text, Place("claim", None, 1, text))
    assert finding.status == status
    assert ("except exactly on a kink" in finding.sentence) is (status == "right")


def test_an_equality_that_is_no_kink_is_not_left_out() -> None:
    """U is x for all x near 0, and there the derivative is ½; what is asked for by == alone is no kink either."""
    text = 'equations = "u = clip(x, -1, 1); v = max(u, x); l = v^2"\n[parameters]\nx = 3\n'
    problem = load(text)
    claim = "where(u > x, 1, 0)"
    finding = judge_formula(problem, differentiate(problem.graph), "dv/du", claim, Place("claim", None, 1, claim))
    assert finding.status == "wrong"
    assert judged("w^2", "where(w == 3, 9, w^2)").status == "right"
    assert judged("w^2", "where(w == 1, 0, w^2)").status == "wrong"
