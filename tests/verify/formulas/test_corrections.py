"""The one change that makes a wrong formula right, the right formula in the author's words, and entries that agree."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from derive.errors import ProblemError
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


ADAM = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [1, 2]
y = [3, 5]
[training]
lr = 0.1
optimizer = "Adam"
"""
MOMENTUM = ADAM.replace('optimizer = "Adam"', "momentum = 0.9\nweight_decay = 0.5")


@pytest.mark.parametrize(
    ("problem", "name", "formula", "change", "right"),
    [
        (ADAM, "w.m", "0.8*m_w + (1 - beta1)*dl/dw", "with beta1 in place of 0.8", "beta1*m_w + (1 - beta1)*dl/dw"),
        (ADAM, "w.v_hat", "v_w/(1 - beta1^t)", "with beta2 in place of beta1", "v_w/(1 - beta2^t)"),
        (ADAM, "w", "w - lr*m_hat/(sqrt(v_hat) + 0.1)", "with eps in place of 0.1", "w - lr*m_hat/(sqrt(v_hat) + eps)"),
        (ADAM, "w", "w - lr*m_hat/sqrt(v_hat)", "with sqrt(v_hat) + eps in place of sqrt(v_hat)", ""),
        (MOMENTUM, "w.v", "0.7*v_w + dl/dw + 0.5*w", "with momentum in place of 0.7", ""),
        (MOMENTUM, "w", "w - eps*v_w", None, None),  # no name of this optimizer
        (MOMENTUM, "w", "w - 0.7*v_w - lr", None, None),  # two things would have to change
    ],
)
def test_a_wrong_setting_of_an_update_is_named(
    problem: str, name: str, formula: str, change: str | None, right: str | None
) -> None:
    if "eps" in formula and change is None:
        with pytest.raises(ProblemError):
            judged(problem, name, formula)
        return
    finding = judged(problem, name, formula)
    assert finding.status == "wrong"
    if change is None:
        assert "in place of" not in finding.sentence
        return
    assert f"; {change}" in finding.sentence
    assert finding.right == (right or finding.right)
    assert judged(problem, name, finding.right).status == "right"


DENSE = """
equations = "h = tanh(X @ W); l = sum((h - T)^2)/2"
[parameters]
W = [[1, 2], [3, -1]]
[data]
X = [[1, 2], [3, 1], [0, 2]]
T = [[1, 0], [0, 1], [2, 1]]
"""
ONE_HOT = """
equations = "z = X @ W; p = softmax(z); l = cross_entropy(z, T)"
[parameters]
W = [[0.1, 0.2], [0.4, -0.1]]
[data]
X = [[1, 2], [0, -1], [0.5, 1]]
T = [[1, 0], [0, 1], [1, 0]]
"""
PICKED = 'equations = "p = softmax(z); l = -log(p[1])"\n[parameters]\nz = [0.1, 0.3, 1]\n'


@pytest.mark.parametrize(
    ("problem", "name", "claim", "right", "only_for"),
    [
        (DENSE, "dl/dh", "n*(h - T)", "h - T", ""),
        (DENSE, "dl/dh", "(h - T)/n", "h - T", ""),
        (DENSE, "dl/dh", "T - h", "h - T", ""),
        (DENSE, "dl/dh", "1*h - T*2", "h - T", ""),
        (DENSE, "dl/dh", "h", "h - T", ""),
        (DENSE, "dl/dh[i,k]", "h[i,k]", "h[i,k] - T[i,k]", ""),
        (DENSE, "dl/dW", "transpose(X) @ (h - T)", "transpose(X) @ ((h - T)*(1 - h^2))", ""),
        (DENSE, "dl/dW", "2*X.T @ ((h - T)*(1 - h^2))", "transpose(X) @ ((h - T)*(1 - h^2))", ""),
        (ONE_HOT, "dl/dz", "p - T", "(p - T)/n", " for one-hot T"),
        (ONE_HOT, "dl/dz", "T - p", "(p - T)/n", " for one-hot T"),
        (ONE_HOT, "dl/dz", "n*(p - T)/n", "(p - T)/n", " for one-hot T"),
        (ONE_HOT, "dl/dz", "1*p", "(p - T)/n", " for one-hot T"),
        (ONE_HOT, "dl/dz", "p*(1 - p)", "(p - T)/n", " for one-hot T"),
        (ONE_HOT, "dl/dp", "-T/p", "0", ""),  # the loss does not depend on it
        (ONE_HOT, "dl/dW", "X^T @ (p - T)", "X^T @ (p - T)/n", " for one-hot T"),
        (PICKED, "dl/dz", "p", "p[i] - (1 == i)", ""),
    ],
)
def test_the_shortest_right_formula_is_shown(problem: str, name: str, claim: str, right: str, only_for: str) -> None:
    finding = judged(problem, name, claim)
    assert (finding.status, finding.right) == ("wrong", right)
    assert f"; right: {right}{only_for}" in finding.sentence
    assert (" for one-hot T" in finding.sentence) is bool(only_for)
    again = judged(problem, name, right)
    assert (again.status, again.used) == ("right", ("one-hot T",) if only_for else ())


def test_targets_that_are_not_one_hot_keep_their_sum() -> None:
    finding = judged(ONE_HOT.replace("[0, 1], [1, 0]]", "[0, 2], [1, 0]]"), "dl/dz", "p - T")
    assert finding.status == "wrong"
    assert "sum(T" in finding.right


def test_a_number_that_is_0_is_shown_as_0() -> None:
    """Its ball of 60 digits was shown, 0e-76."""
    finding = judged('equations = "p = softmax(z); l = sum(p)"\n[parameters]\nz = [0.1, 0.3, 1]\n', "dl/dz", "p")
    assert finding.counterexample is not None
    assert finding.counterexample.right == "0"


@pytest.mark.parametrize("key", ["dl/dW[a,b]", "dl/dW[b,a]", "dl/dW[p,q]", "dl/dW"])
def test_the_right_formula_is_right_with_the_letters_of_the_claim(key: str) -> None:
    """The lines call the rows of W a; who calls them b is not shown the formula in the letters of the lines."""
    square = '''
equations = """
h[i,b] = sum(X[i,a]*W[a,b], a)
l = sum(h^2*T)
"""
[parameters]
W = [[1, 2], [3, 5]]
[data]
X = [[1, 2], [3, -1]]
T = [[1, 4], [0, 2]]
'''
    finding = judged(square, key, "1")
    assert finding.status == "wrong"
    assert finding.right
    assert judged(square, key, finding.right).status == "right", finding.right
