"""dy/dy is the identity: 1 on the diagonal, whatever y is, also inside other formulas."""

from __future__ import annotations

import pytest

from derive.chain.derivation import differentiate
from derive.errors import ClaimError, Place
from derive.problem.loading import load
from verify.formulas.judge import judge_formula

VECTOR = "y = tanh(x)\nl = sum(y^2)\nx: (3)"
MATRIX = "Z = W@X\nl = sum(Z^2)\nW: (2,3)\nX: (3,2)"
NUMBER = "a = w^2\nl = a^2"


@pytest.mark.parametrize(
    ("text", "key", "claim", "status"),
    [
        (VECTOR, "dy/dy", "1", "right"),
        (VECTOR, "dy/dy", "1 + 0*y", "right"),
        (VECTOR, "dy/dy", "2 + 0*y", "wrong"),
        (VECTOR, "dy[i]/dy[j]", "(i == j)", "right"),
        (VECTOR, "dy[i]/dy[j]", "1 + 0*i*j", "wrong"),
        (VECTOR, "dy[i]/dy[i]", "1", "right"),
        (VECTOR, "dx/dx", "1", "right"),
        (VECTOR, "dx[i]/dx[j]", "(i == j)", "right"),
        (VECTOR, "dl/dl", "1", "right"),
        (VECTOR, "dl/dx", "2*y*(1 - y^2)*dy/dy", "right"),
        (MATRIX, "dZ/dZ", "1", "right"),
        (MATRIX, "dW/dW", "1", "right"),
        (MATRIX, "dZ[i,j]/dZ[k,m]", "(i == k)*(j == m)", "right"),
        (MATRIX, "dZ[i,j]/dZ[k,m]", "(i == k)", "wrong"),
        (NUMBER, "da/da", "1", "right"),
        (NUMBER, "dw/dw", "1", "right"),
        (NUMBER, "da/da", "2", "wrong"),
    ],
)
def test_the_derivative_by_itself(text: str, key: str, claim: str, status: str) -> None:
    problem = load(text)
    finding = judge_formula(problem, differentiate(problem.graph), key, claim, Place("claim", None, 1, claim))
    assert finding.status == status, finding.sentence


def test_no_line_uses_itself() -> None:
    problem = load(VECTOR)
    with pytest.raises(ClaimError, match="does not use y itself"):
        judge_formula(problem, differentiate(problem.graph), "partial.y.y", "1", Place("claim", None, 1, "1"))
