"""The one change that makes a wrong formula right, the right formula in the author's words, and entries that agree."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from tests.matrix_chains import Claim, claims
from tests.problems import RIDGE
from tests.scenarios.test_claimed_back import SLOW, judged
from tests.scenarios.test_guaranteed import BY_NAME
from verify.auditing.pipeline import audit

MATRIX = '''
equations = """
z = X @ w
l = mean((z - y)^2)
"""
[parameters]
w = [1, 2, 3]
[data]
X = [[1, 2, 2], [3, 3, -1], [1, -1, 0]]
y = [1, 2, 4]
'''


@pytest.mark.parametrize(
    ("problem", "name", "formula", "change", "right"),
    [
        ("article", "dl/dw", "(2/n)*sum((w*x - b - y)*x)", "with + b in place of - b", "(2/n)*sum((w*x + b - y)*x)"),
        ("article", "dl/dw", "mean(2*d*y)", "with x in place of y", "mean(2*d*x)"),
        ("article", "dl/dw", "mean(2*d*x^2)", "without the power 2", "mean(2*d*x)"),
        ("article", "dl/dw", "mean(2*d*x + b)", "without the term b", "mean(2*d*x)"),
        ("article", "l", "mean(d)", "with d^2 in place of d", "mean(d^2)"),
        ("article", "dl/db", "2*mean(w*x[s] + b + y[s], s)", "with - y[s] in place of + y[s]", ""),
        ("article", "dl/dw", "(2/n)*sum(d)", "with d*x in place of d", "(2/n)*sum(d*x)"),
        (RIDGE, "dl/dw", "2*mean((p - y)*x)", "with the term 2*lam*w", "2*mean((p - y)*x) + 2*lam*w"),
        (RIDGE, "dl/dw", "2*mean((p - y)*x) + lam*w", "with 2*lam*w in place of lam*w", ""),
        (RIDGE, "dl/dw", "3*mean((p - y)*x) + 2*lam*w", "with 2 in place of 3", "2*mean((p - y)*x) + 2*lam*w"),
        (RIDGE, "dl/dw", "partial.l.w + mean((p - y)*x)", "with 2*p in place of p", None),
        (BY_NAME, "dl/dz", "(p + T)/n", "with - T in place of + T", "(p - T)/n"),
        (BY_NAME, "dl/dW[a,b]", "sum(p[s,b] - T[s,b], s)/n", "with (p[s,b] - T[s,b])*X[s,a] in place of", ""),
        (MATRIX, "dl/dw[k]", "2*sum((z[i] - y[i])*X[i,k]^2, i)/n", "without the power 2", ""),
    ],
)
def test_the_change_is_named_and_right(problem: str, name: str, formula: str, change: str, right: str | None) -> None:
    finding = judged(problem, name, formula)
    assert finding.status == "wrong"
    if right is None:
        assert change not in finding.sentence  # two things would have to change
        return
    assert f"; {change}" in finding.sentence
    assert " it is right" in finding.sentence
    assert finding.right == (right or finding.right)
    assert judged(problem, name, finding.right).status == "right"


@pytest.mark.parametrize(
    ("problem", "name", "formula"),
    [
        ("article", "dl/dw", "(3/n)*sum((w*x - b - y)*x)"),
        ("article", "dl/dw", "mean(sin(d))"),
        ("article", "dl/dw", "w"),
        (RIDGE, "dl/dw", "mean((p + y)*x) + 2*lam*w"),
        (BY_NAME, "dl/dW[a,b]", "sum(p[s,b] + T[s,b], s)/n"),
        (MATRIX, "dl/dw", "transpose(X) @ (z + y)/n"),
    ],
)
def test_two_mistakes_are_no_one_change(problem: str, name: str, formula: str) -> None:
    finding = judged(problem, name, formula)
    assert finding.status == "wrong"
    assert "it is right" not in finding.sentence
    assert not finding.right or judged(problem, name, finding.right).status == "right"


def test_names_of_lines_and_letters_of_the_claim_are_kept() -> None:
    assert judged("article", "dl/dw", "mean(sin(d))").right == "(2/n)*sum(d[i]*x[i], i)"
    assert judged("article", "dl/dw", "mean(sin(x))").right == "(2/n)*sum((w*x[i] + b - y[i])*x[i], i)"
    own = judged(MATRIX, "dl/dw[q]", "sum(sin(z[s])*X[s,q], s)").right
    assert own == "(2/n)*sum((z[i] - y[i])*X[i,q], i)"
    assert judged(MATRIX, "dl/dw[i]", "sum(sin(z[s])*X[s,i], s)").right.endswith("*X[j,i], j)")  # nothing is captured


@SLOW
@given(claims(planted=True))
def test_the_formula_that_is_shown_is_right_in_the_letters_of_the_claim(claim: Claim) -> None:
    assume(claim.differs(1) or claim.differs(2))
    finding = judged(claim.chain.text, claim.key, claim.text)
    assert finding.status == "wrong"
    assert not finding.right or judged(claim.chain.text, claim.key, finding.right).status == "right", finding
    assert finding.right or "it is right" not in finding.sentence


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("2*where(k == 1, 2, 1)*sum((z[i] - y[i])*X[i,k], i)/n", "entries [0] and [2] agree at all 9 points"),
        ("where(k == 0, 1, 2)*sum((z[i] - y[i])*X[i,k], i)/n", "entries [1] and [2] agree at all 9 points"),
        ("where(k == 0, 2, 1)*sum((z[i] - y[i])*X[i,k], i)/n", "entry [0] agrees at all 9 points"),
        ("sum((z[i] - y[i])*X[i,k], i)/n", ""),
        ("2*sum((z[i] - y[i])*X[i,k]^2, i)/n", ""),
    ],
)
def test_entries_that_agree_are_named(formula: str, sentence: str) -> None:
    finding = judged(MATRIX, "dl/dw[k]", formula)
    assert finding.status == "wrong"
    assert (f"; {sentence} that were tried" if sentence else "") in finding.sentence
    assert ("agree" in finding.sentence) == bool(sentence)


def test_entries_of_samples_are_taken_together() -> None:
    finding = judged(BY_NAME, "dl/dz[i,k]", "(p[i,k] - where(k == 1, 0, T[i,k]))/n")
    assert "; entry [:,0] agrees at all 9 points that were tried" in finding.sentence


def test_the_formula_of_an_undecided_claim_is_checked() -> None:
    finding = judged(RIDGE, "dl/dw", "2*mean((p - y)*x) + 2*lam*w + log(w^2) - 2*log(abs(w))")
    assert finding.status == "undecided"
    assert judged(RIDGE, "dl/dw", finding.right).status == "right"


def test_a_graph_of_many_lines_is_judged() -> None:
    lines = "\n".join(f"a{k} = a{k - 1}*w + 1" for k in range(1, 400))
    text = f'equations = """\na0 = w*x\n{lines}\nl = mean(a399)\n"""\n[parameters]\nw = 1\n[data]\nx = [0.1, 0.2]\n'
    assert judged(text, "dl/dw", "mean(x)").status == "wrong"


OF_CONSTANTS = """
equations = '''
z = w*x + b
l = (z - y)^2
'''
[parameters]
w = 1
b = 0.5
[constants]
x = 2
y = 1
"""


@pytest.mark.parametrize(
    ("claimed", "right"),
    [
        ("dz/dw = y", "x"),
        ("dl/dw = 2*(z-y)*y", "2*(z - y)*x"),
        ("dl/dw = 2*(z-x)*x", "2*(z - y)*x"),
        ("dl/dw = (z-y)*x", "2*(z - y)*x"),
    ],
)
def test_what_is_right_by_the_values_of_constants_alone_is_no_correction(claimed: str, right: str) -> None:
    """At x = 2 and y = 1 it could be 2*y in place of x, and the gradient by b in place of that by w."""
    [found] = audit(OF_CONSTANTS, sentences=[claimed]).formulas
    assert found.status == "wrong"
    assert f"right: {right}" in found.sentence
    assert "this is dl/db" not in found.sentence


def test_a_number_that_is_the_lr_by_the_size_of_the_batch_is_no_correction() -> None:
    """Lr is 3 times 0.1, and there are 3 samples."""
    text = OF_CONSTANTS.replace("(z - y)^2", "mean((z - y)^2)").replace(
        "[constants]\nx = 2\ny = 1", "[data]\nx = [1, 2, 4]\ny = [1, 0, 1]"
    )
    [found] = audit(text, sentences=["w' = w - 0.1*dl/dw"], lr="0.3").formulas
    assert found.status == "wrong"
    assert "n*0.1" not in found.sentence
