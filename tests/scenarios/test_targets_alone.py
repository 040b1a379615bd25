"""The targets of a cross-entropy of equations alone are rows that sum to 1, which the answer says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import derive
from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify.formulas.judge import FormulaFinding, judge_formula

LOGITS = "z = X@W; l = cross_entropy(z, T)"


def judged(name: str, formula: str, shape: str = "T: (n,K)", equations: str = LOGITS) -> FormulaFinding:
    found = load(f"{equations}; {shape}")
    return judge_formula(found, differentiate(found.graph), name, formula, Place("claim", None, 1, formula))


def formula(text: str, name: str, claim: str) -> FormulaFinding:
    found = load(text)
    return judge_formula(found, differentiate(found.graph), name, claim, Place("claim", None, 1, claim))


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


@pytest.mark.parametrize(
    ("shapes", "claim", "status", "used"),
    [
        ("z: (n, k); y: (n, k)", "softmax(z) - y", "right", ("rows of y that sum to 1",)),
        ("z: (n, k); y: (n, k)", "y - softmax(z)", "wrong", ()),
        ("z: (n, k); y: (n, k)", "sum(y[i,m], m)*softmax(z[i,k], k) - y[i,k]", "right", ()),
        ("z: (k); y: (k)", "softmax(z) - y", "right", ("entries of y that sum to 1",)),
        ("z: (k); y: (k)", "softmax(z)*sum(y) - y", "right", ()),
        ("z: (k); y: (k)", "softmax(z) + y", "wrong", ()),
    ],
)
@pytest.mark.parametrize("loss", ["-sum(y*log(softmax(z)))", "-sum(log(softmax(z))*y)", "-sum(y*log_softmax(z))"])
def test_a_cross_entropy_written_out(loss: str, shapes: str, claim: str, status: str, used: tuple[str, ...]) -> None:
    found = formula(f"l = {loss}\n{shapes.replace('; ', chr(10))}", "dl/dz", claim)
    assert (found.status, found.used) == (status, used), found.sentence


LABELLED = "l = cross_entropy(z, y)\nz: (n, k)\ny: (n)"


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        ("(softmax(z[i,k], k) - where(k == y[i], 1, 0))/n", "right"),
        ("(softmax(z[i,k], k) - (k == y[i]))/n", "right"),
        ("(softmax(z[i,m], m) - (m == y[i]))/n", "right"),
        ("softmax(z[i,k], k) - (k == y[i])", "wrong"),
        ("(softmax(z[i,k], k) - (k != y[i]))/n", "wrong"),
    ],
)
def test_labels_where_the_number_of_classes_is_called_as_the_index(claim: str, status: str) -> None:
    assert formula(LABELLED, "dl/dz", claim).status == status


def test_what_is_said_to_be_data_is_differentiated_where_nothing_else_is() -> None:
    found = derive(LABELLED)
    assert found.wrt == ("z",)
    assert load(LABELLED).notes[0].startswith("read z (k), y as data over samples; ")


def test_a_label_is_not_said_to_be_out_of_the_loss() -> None:
    text = str(derive(LABELLED, "y"))
    assert "y holds class labels, which choose what is in the loss" in " ".join(text.split())
    assert "does not depend" not in text
    cut = str(derive("l = sum(sign(x)*w)\nx: (n)\nw: ()", "x"))
    assert "x is in the loss, but every derivative by it on the way there is 0" in " ".join(cut.split())


ROWS = ("z: (n, k); y: (n, k)", "rows of y that sum to 1")
ONE = ("z: (k); y: (k)", "entries of y that sum to 1")
SOFTMAX = ("p = softmax(z)", "e = exp(z); p = e/sum(e)", "e = exp(z); s = sum(e); p = e/s")
IN_ROWS = ("p = softmax(z)", "e = exp(z); p[i,k] = e[i,k]/sum(e[i,m], m)", "r = log_softmax(z); p = exp(r)")
PRODUCTS = (  # of the targets and the logarithm, with the lines before; the last ones are of one row alone
    ("", "sum(y*log(p))"),
    ("", "sum(log(p)*y)"),
    ("q = log(p)", "sum(y*q)"),
    ("q = y*log(p)", "sum(q)"),
    ("q = -log(p)", "-sum(y*q)"),
    ("q = log_softmax(z)", "sum(y*q)"),
    ("", "y@log(p)"),
    ("q = log(p)", "dot(q, y)"),
    ("", "sum(y*(z - log(sum(exp(z)))))"),
)
AVERAGES = (("-{0}/n", "/n"), ("-(1/n)*{0}", "/n"), ("-{0}", ""), ("-0.5*{0}", "/2"))


@settings(max_examples=30, deadline=None)
@given(
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, len(PRODUCTS) - 1),
    st.sampled_from(AVERAGES),
    st.sampled_from((("(p - y){0}", True), ("(y - p){0}", False), ("(p + y){0}", False), ("2*(p - y){0}", False))),
)
def test_a_cross_entropy_through_lines(
    one: bool, form: int, product: int, average: tuple[str, str], claim: tuple[str, bool]
) -> None:
    """The targets are known however the softmax, its logarithm and the average are spelled, and only then used."""
    shapes, used = ONE if one else ROWS
    before, whole = PRODUCTS[product if one else product % 6]
    loss, divided = AVERAGES[2] if one and average[1] == "/n" else average
    lines = [(SOFTMAX if one else IN_ROWS)[form], before, f"l = {loss.format(whole)}"]
    text = "\n".join([*filter(None, lines), *shapes.split("; ")])
    found = formula(text, "dl/dz", claim[0].format(divided))
    assert (found.status, found.used) == (("right", (used,)) if claim[1] else ("wrong", ())), text + found.sentence


@pytest.mark.parametrize(
    ("lines", "claim"),
    [
        ("p = sigmoid(z); l = -sum(y*log(p))", "y*(p - 1)*sum(y)"),  # no softmax
        ("p = softmax(z); l = sum((p - y)^2)", "2*(p*(p - y) - p*sum(p*(p - y)))*sum(y)"),  # no logarithm
        ("p = softmax(z); l = -sum(y*p)", "p*(sum(y*p) - y)*sum(y)"),
        ("p = exp(z)/sum(z); l = -sum(y*log(p))", "sum(y)/sum(z) - y*sum(y)"),
        ("p = log(z/sum(exp(z))); l = -sum(y*p)", "softmax(z) - y/z*sum(y)"),
    ],
)
def test_targets_of_another_loss_need_not_sum_to_1(lines: str, claim: str) -> None:
    found = formula(f"{lines}\nz: (k)\ny: (k)", "dl/dz", claim)
    assert (found.status, "sum to 1" in found.sentence) == ("wrong", False), found.sentence
