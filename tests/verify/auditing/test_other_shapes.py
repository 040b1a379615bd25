"""Equations alone may be meant with other shapes than they are read with: then no right formula is called wrong."""

from dataclasses import replace

import pytest

from derive.chain.derivation import differentiate
from derive.problem.equations import read_equations
from derive.run.precedence import effective
from verify import audit
from verify.auditing import other_shapes
from verify.formulas.judge import judge_sentences


def found(equations: str, claim: str) -> tuple[str, str]:
    [formula] = audit(equations, sentences=[claim]).formulas
    return formula.status, formula.sentence


@pytest.mark.parametrize(
    ("equations", "claim", "said"),
    [
        ("l = -sum(y*log(softmax(z)))", "dl/dz = softmax(z) - y", '"y: (J)"'),
        ("l = cross_entropy(z, y)", "dl/dz = softmax(z) - y", '"y: (J)"'),
        ("l = bce(sigmoid(z), y)", "dl/dz = sigmoid(z) - y", '"y: ()"'),
    ],
)
def test_a_formula_that_is_right_by_other_shapes_is_asked_about(equations: str, claim: str, said: str) -> None:
    status, sentence = found(equations, claim)
    assert status == "undecided"
    assert f"it is right with {said} beside the equations, and wrong as they are read" in sentence
    assert found(f"{equations}\n{said.strip(chr(34))}", claim)[0] == "right"


@pytest.mark.parametrize(
    ("equations", "claim"),
    [
        ("l = -sum(y*log(softmax(z)))", "dl/dz = softmax(z) + y"),  # wrong by any
        ("l = -sum(y*log(softmax(z)))\ny: (n, k)", "dl/dz = softmax(z) - y"),  # wrong by the shapes that are said
        ("l = mean((w*x - y)^2)", "dl/dw = 2*(w*x - y)*x"),  # a mean is one of several
        ("l = mean((X@w - y)^2)", "dl/dw = transpose(X)@(X@w - y)"),
    ],
)
def test_one_that_is_wrong_by_any_is_wrong(equations: str, claim: str) -> None:
    assert found(equations, claim)[0] == "wrong"


def test_one_that_is_right_as_it_is_read_is_right() -> None:
    assert found("l = mean((w*x - y)^2)", "dl/dw = (2/n)*sum((w*x - y)*x)")[0] == "right"


@pytest.mark.parametrize(("status", "is_open"), [("right", True), ("undecided", False), ("wrong", False)])
def test_only_a_formula_that_is_right_otherwise_is_open(
    status: str, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not decided by other shapes is wrong as it is read, and no reason to ask for them."""
    text = "dl/dz = softmax(z) - y"
    problem = read_equations("l = -sum(y*log(softmax(z)))", "equations")
    (wrong,) = judge_sentences(problem, differentiate(problem.graph), (text,))
    assert wrong.status == "wrong"
    monkeypatch.setattr(other_shapes, "judge_sentences", lambda *_: (replace(wrong, status=status),))
    told = other_shapes.unless_read_otherwise(problem, effective(problem, {}), wrong, text)
    assert (told.status == "undecided") is is_open
