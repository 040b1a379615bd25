"""A Jacobian is claimed of every entry: without its diagonal it is wrong, unless it says that the indices differ."""

import re

import pytest

from derive.chain.derivation import differentiate
from derive.errors import ClaimError, Place
from derive.problem.loading import load
from verify import audit
from verify.formulas.judge import FormulaFinding, judge_formula

# equations, a derivative, its entries where i is not j, and on the diagonal; the whole formula as it is told
JACOBIANS = [
    ("p = softmax(z); z: ({size})", "dp[i]/dz[j]", "-p[i]*p[j]", "p[i]*(1 - p[i])", "(i == j)*p[i] - p[i]*p[j]"),
    ("c = x - mean(x); x: ({size})", "dc[i]/dx[j]", "-1/{size}", "1 - 1/{size}", "(i == j) - 1/{size}"),
    ("h = w*x; w: ({size}); x: ({size})", "dh[i]/dw[j]", "0", "x[i]", "(i == j)*x[i]"),
    (
        "p = softmax(z); z: (n, {size})",
        "dp[m,i]/dz[m,j]",
        "-p[m,i]*p[m,j]",
        "p[m,i]*(1 - p[m,i])",
        "(i == j)*p[m,i] - ",
    ),
]


def judged(equations: str, name: str, formula: str) -> FormulaFinding:
    found = load(equations)
    return judge_formula(found, differentiate(found.graph), name, formula, Place("claim", None, 1, formula))


@pytest.mark.parametrize("size", ["3", "k"])
@pytest.mark.parametrize(("equations", "name", "off", "on", "whole"), JACOBIANS)
def test_without_its_diagonal_it_is_wrong(equations: str, name: str, off: str, on: str, whole: str, size: str) -> None:
    equations, off, on, whole = (text.format(size=size) for text in (equations, off, on, whole))
    finding = judged(equations, name, off)
    assert finding.status == "wrong"
    assert "it is right only where i is not j" in finding.sentence
    assert finding.right.startswith(whole)
    for words in (" for i != j", " where i ≠ j", ", i != j", " (i ≠ j)", " if i is not j"):
        assert judged(equations, name, off + words).status == "right"
        assert judged(equations, name, f"{on}{words}").status == "wrong"
    diagonal = re.sub(r"\bj\b", "i", name)
    assert judged(equations, diagonal, on).status == "right"
    assert judged(equations, name, f"{on} for i = j").status == "right"
    assert judged(equations, name, f"{off} where i == j").status == "wrong"
    assert judged(equations, name, on).status == "wrong"


@pytest.mark.parametrize(("equations", "name", "whole"), [(one[0], one[1], one[-1]) for one in JACOBIANS[:3]])
def test_what_is_told_is_right(equations: str, name: str, whole: str) -> None:
    equations, whole = equations.format(size=3), whole.format(size=3)
    assert judged(equations, name, whole).status == "right"
    assert judged(equations, name, f"({whole})*2").status == "wrong"


def test_without_letters_too() -> None:
    finding = judged("p = softmax(z); z: (3)", "dp/dz", "-outer(p, p)")
    assert finding.status == "wrong"
    assert "it is right only where i is not j" in finding.sentence


def test_a_matrix_by_a_vector_has_no_diagonal_of_another_size() -> None:
    assert judged("h = tanh(W@x); W: (2,3)", "dh[i]/dW[m,j]", "(1 - h[i]^2)*x[j] for i = m").status == "right"
    assert judged("h = tanh(W@x); W: (2,3)", "dh[i]/dW[m,j]", "0 where i != m").status == "right"
    assert judged("h = tanh(W@x); W: (2,3)", "dh[i]/dW[m,j]", "(1 - h[i]^2)*x[j]").status == "wrong"


@pytest.mark.parametrize("words", ["for i != k", "for m != j", "where a ≠ b"])
def test_other_letters_are_refused(words: str) -> None:
    with pytest.raises(ClaimError, match="are not two such indices on the left"):
        judged("p = softmax(z); z: (3)", "dp[i]/dz[j]", f"-p[i]*p[j] {words}")


def test_in_sentences_and_of_a_number() -> None:
    found = audit("c = x - mean(x)\nx: (4)", sentences=["dc[i]/dx[j] = -1/4", "dc[i]/dx[j] = -1/4 for i != j"])
    assert [formula.status for formula in found.formulas] == ["wrong", "right"]
