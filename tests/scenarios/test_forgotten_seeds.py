"""A formula without the seed of a seed_gradient is a slice of the Jacobian: wrong without indices, right with them."""

from __future__ import annotations

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify.formulas.judge import FormulaFinding, judge_formula

FILE = 'equations = """\n{equations}\n"""\nseed_gradient = [1, 2]\n[parameters]\n{parameters}\n'
LINEAR = FILE.format(equations="y = tanh(W@x)", parameters="W = [[1, 2], [0, 1]]\nx = [1, -1]")
ELEMENTWISE = FILE.format(equations="y = tanh(x)", parameters="x = [1, -1]")
LINKED = FILE.format(equations="z = W@x\ny = tanh(z)", parameters="W = [[1, 2], [0, 1]]\nx = [1, -1]")


def judged(text: str, key: str, claim: str) -> FormulaFinding:
    problem = load(text)
    return judge_formula(problem, differentiate(problem.graph), key, claim, Place("claim", None, 1, claim))


@pytest.mark.parametrize(
    ("text", "key", "claim", "slice_", "whole"),
    [
        (LINEAR, "dy/dW", "outer(1 - y^2, x)", "dy[i]/dW[i,j]", "dy[i]/dW[j,k]"),
        (LINEAR, "dy/dW[i,j]", "(1 - y[i]^2)*x[j]", "dy[i]/dW[i,j]", "dy[i]/dW[j,k]"),
        (LINKED, "dy/dW", "outer(1 - y^2, x)", "dy[i]/dW[i,j]", "dy[i]/dW[j,k]"),
        (ELEMENTWISE, "dy/dx", "1 - y^2", "dy[i]/dx[i]", "dy[i]/dx[j]"),
    ],
)
def test_a_slice_is_wrong_and_both_meanings_are_said(text: str, key: str, claim: str, slice_: str, whole: str) -> None:
    finding = judged(text, key, claim)
    assert finding.status == "wrong", finding.sentence
    assert f"this is {slice_}, without the seed" in finding.sentence
    assert "is what y.backward(seed) leaves in" in finding.sentence
    assert f"or the whole Jacobian {whole}" in finding.sentence


@pytest.mark.parametrize(
    ("text", "key", "claim"),
    [
        (LINEAR, "dy/dW", "outer(seed*(1 - y^2), x)"),
        (LINEAR, "dy[i]/dW[i,j]", "(1 - y[i]^2)*x[j]"),
        (LINEAR, "dy[i]/dW[j,k]", "(i == j)*(1 - y[i]^2)*x[k]"),
        (LINEAR, "dy/dx", "W.T @ (seed*(1 - y^2))"),
        (LINEAR, "dy[i]/dx[j]", "(1 - y[i]^2)*W[i,j]"),
        (ELEMENTWISE, "dy/dx", "seed*(1 - y^2)"),
        (ELEMENTWISE, "dy[i]/dx[i]", "1 - y[i]^2"),
        (ELEMENTWISE, "dy[i]/dx[j]", "(i == j)*(1 - y[i]^2)"),
        (LINKED, "dy/dz", "1 - y^2"),  # a link between two lines is said elementwise
        (LINKED, "dy/dz", "seed*(1 - y^2)"),
    ],
)
def test_the_seeded_gradient_and_the_jacobian_are_right(text: str, key: str, claim: str) -> None:
    finding = judged(text, key, claim)
    assert finding.status == "right", finding.sentence
