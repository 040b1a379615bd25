"""Claimed formulas: right for every n, right at one n, refuted in exact numbers, undecided; every way to read one."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

import pytest

from derive.chain.derivation import Derivation, differentiate
from derive.chain.formulas import Formulas
from derive.errors import Place, ProblemError
from derive.problem.loading import Problem, load, shipped
from derive.show.sides import ascii_style, shown
from verify.formulas.judge import FormulaFinding, formula_place, judge_formula, judge_formulas

ADAM = """
equations = "l = mean((w*x - y)^2)"
[parameters]
w = 1
[data]
x = [1, 2, 3]
y = [1, 2, 2]
[training]
optimizer = "Adam"
lr = 0.1
batch_size = 2
steps = 3
"""
MOMENTUM = ADAM.replace('"Adam"', '"SGD"\nmomentum = 0.9')
RIDGE = """
equations = "l = mean((w*x - y)^2) + lam*w^2"
[parameters]
w = 1
[constants]
lam = 0.5
[data]
x = [1, 2, 3]
y = [1, 2, 2]
"""
PENALTY = RIDGE.replace('"l = mean((w*x - y)^2) + lam*w^2"', '"""\np = w*x\nl = mean((p - y)^2) + lam*w^2\n"""')


@cache
def read(problem: str) -> tuple[Problem, Derivation]:
    found = load(problem)
    return found, differentiate(found.graph)


def judged(problem: str, name: str, text: str) -> FormulaFinding:
    return judge_formula(*read(problem), name, text, Place("claim", None, 1, text))


@pytest.mark.parametrize(
    ("problem", "name", "text"),
    [
        # the article's equations 6, 7, 8, 10, 11, and its local partials
        ("article", "dl/dw", "(dl/de)*(de/dd)*(dd/dc)*(dc/da)*(da/dw)"),
        ("article", "dl/dw", "(1/n)*sum(2*d*1*1*x)"),
        ("article", "dl/dw", "(2/n)*sum((w*x + b - y)*x)"),
        ("article", "dl/db", "(1/n)*sum(2*d*1*1)"),
        ("article", "dl/db", "(2/n)*sum(w*x + b - y)"),
        ("article", "l", "(1/n)*sum((w*x + b - y)^2)"),
        ("article", "dl/de", "1/n"),
        ("article", "dz/dl", "1"),
        ("article", "w", "w - (dl/dw)*lr"),
        ("parabola", "df/dx", "2*(x - 3)"),  # seeds/003 §4.4
        ("parabola", "x", "x - 0.1*2*(x - 3)"),  # its exercise 1
        ("parabola", "x", "(1 - 2*lr)*x + 2*lr*3"),  # its §4.8
        ("line", "l", "(1/n)*sum((y_pred - y)^2)"),  # its §4.3
        ("temperature", "loss", "mean((pred - fahrenheit)^2)"),
        ("logistic", "dl/dw", "mean((p - y)*x) + 0.02*w"),
        ("logistic", "dl/dz", "(1/(1 + exp(-z)) - y)/n"),
        ("logistic", "l", "mean(log(1 + exp(z)) - y*z) + w^2/100"),
        ("tanh_network", "dl/dW[k,j]", "(2/n)*sum((o[i] - y[i])*v[j]*(1 - h[i,j]^2)*x[i,k], i)"),
        ("tanh_network", "dl/dW[0,1]", "(2/n)*sum((o[i] - y[i])*v[1]*(1 - h[i,1]^2)*x[i,0], i)"),
        ("tanh_network", "W[j,k]", "W[j,k] - lr*dl/dW[j,k]"),
        ("relu_network", "dl/dV", "(1/n)*transpose(h) @ (o - t)"),
        ("softmax", "dl/dz[i,k]", "(p[i,k] - (y[i] == k))/n"),
        ("layer_norm", "dl/dgamma", "(1/(2*n))*sum((gamma[j]*z[i,j] + beta[j] - t[i,j])*z[i,j], i)"),
        ("coefficients", "dloss/dcoeffs[j]", "2*mean((preds[i] - y[i])*s[i,j], i)"),
        (ADAM, "w", "w - lr*m_hat/(sqrt(v_hat) + eps)"),
        (ADAM, "w", "w - 0.1*(m/(1 - 0.9^t))/(sqrt(v/(1 - 0.999^t)) + 1e-8)"),
        (ADAM, "w.m", "beta1*m + (1 - beta1)*dl/dw"),
        (MOMENTUM, "w", "w <- w - lr*v"),
        (MOMENTUM, "v_w", "0.9*v + 2*mean((w*x - y)*x)"),
        (RIDGE, "dl/dw", "2*mean((w*x - y)*x) + 2*lam*w"),
        ("l = mean((w*x - y)^2)", "dl/dw", "2*mean((w*x - y)*x)"),
    ],
)
def test_a_right_formula_is_proved_for_every_n(problem: str, name: str, text: str) -> None:
    finding = judged(problem, name, text)
    assert (finding.status, finding.decided in ("every n", "always"), finding.counterexample) == ("right", True, None)


@pytest.mark.parametrize("name", ["dl/dw", "∂l/∂w", "dL/dw", "dloss/dw", "grad w", "w_grad", "w.grad", "∇w", "dw"])
def test_a_gradient_is_spelled_in_many_ways(name: str) -> None:
    assert judged("article", name, "2*mean(d*x)").sentence == "right: proved equal for every n"


@pytest.mark.parametrize(
    ("problem", "name", "text", "reading"),
    [
        ("article", "de/dd", "2*d", "the local partial of the line e"),
        ("article", "dc/dw", "x", "the derivative of c along all paths"),
        ("softmax", "dl/dp", "0", "the gradient of l"),
        ("fan_out", "dl/dm", "2*(m - 1) + a/16", "the gradient of l"),
        ("fan_out", "partial.l.f", "k/32", "the local partial of the line l"),  # f goes into other lines too
        ("fan_out", "dg/df", "g*(1 - g)", ""),
        ("attention", "da[i,j]/ds[i,j]", "a[i,j]*(1 - a[i,j])", "the local partial of the line a"),
        (
            "attention",
            "da[i,j]/ds[i,k]",
            "-a[i,j]*a[i,k] for j != k",
            "the local partial of the line a where j is not k",
        ),
        (MOMENTUM, "w", "w - lr*v", "the update of SGD"),
        (
            MOMENTUM,
            "w",
            "w - lr*(0.9*v + dl/dw)",
            "the update of SGD, with what was remembered before the step",
        ),
    ],
)
def test_the_reading_is_said(problem: str, name: str, text: str, reading: str) -> None:
    finding = judged(problem, name, text)
    assert (finding.status, finding.reading) == (("right", reading) if reading else ("wrong", finding.reading))


@pytest.mark.parametrize(
    ("problem", "name", "text", "explanation"),
    [
        (RIDGE, "dl/dw", "2*lam*w", ""),  # one line: no path, but a term is missing
        (PENALTY, "dl/dw", "2*lam*w", "the path w → p → l is missing"),
        (PENALTY, "dl/dw", "2*mean((p - y)*x)", "the path w → l is missing"),
        (PENALTY, "dl/dw", "(dl/dp)*(dp/dw)", "the path w → l is missing"),
        ("fan_out", "dl/df", "k/32", "this is partial.l.f, the partial of the line l alone"),
        ("fan_out", "dl/dk", "(dl/dm)*(dm/dk)", "the path k → l is missing"),
        ("fan_out", "dc/da", "b/8", "this is partial.c.a, the partial of the line c alone"),
    ],
)
def test_a_partial_is_no_gradient(problem: str, name: str, text: str, explanation: str) -> None:
    finding = judged(problem, name, text)
    assert (finding.status, finding.explanation.sentence if finding.explanation else "") == ("wrong", explanation)


@pytest.mark.parametrize("name", ["partial.l.w", "partial dl/dw", "Partial.l.w", "partial ∂l/∂w", "local dl/dw"])
def test_a_partial_is_claimed_with_its_line(name: str) -> None:
    finding = judged(PENALTY, name, "2*lam*w")
    assert finding.sentence == "right: proved equal; read as the local partial of the line l"
    total = judged(PENALTY, name, "2*mean((p - y)*x) + 2*lam*w")
    assert (total.status, total.explanation and total.explanation.sentence) == ("wrong", "this is dl/dw")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("(dl/dm)*(dm/dg) + (dl/dh)*(dh/dg) + (dl/dk)*(dk/dg)", "right"),  # each the partial of its line
        ("(dl/dm)*(dm/dg) + (dl/dh)*(dh/dg)", "wrong"),
        ("(dl/dm)*h/16 + (dl/dh)*f/8 + (dl/dk)*g/2", "right"),
        ("(dl/dm)*(dm/dg) + f*k/(32*g)", "wrong"),
    ],
)
def test_the_chain_rule_in_differentials_sums_partials(text: str, status: str) -> None:
    finding = judged("fan_out", "dl/dg", text)
    assert finding.status == status
    read_so = "the derivatives of lines in it are read as local partials" in finding.sentence
    assert read_so == (status == "right" and "dm/dg" in text)


def test_a_sum_left_in_words_is_put_in_and_said() -> None:
    finding = judged("article", "dl/dw", "(2/n)*(w*x + b - y)*x")
    assert finding.sentence == "right: proved equal for every n; the sum over the samples, left in words, is put in"
    assert judged("logistic", "dl/dw", "(1/n)*(p - y)*x + 0.02*w").status == "right"  # the penalty is not summed


def test_a_formula_that_is_right_at_the_batch_size_only() -> None:
    finding = judged("article", "dl/dw", "(2/3)*sum((w*x + b - y)*x)")
    assert finding.sentence == "right: proved equal at n = 3, the batch size here; at n = 1 it would be wrong"
    assert finding.decided == "n = 3"
    two = judged(ADAM, "dl/dw", "(2/2)*sum((w*x - y)*x)")  # the last batch has one sample
    assert two.sentence == (
        "wrong: at w = 1, x = (1,), y = (3,) it gives -2, right is -4; it is n/2 times the right one; "
        "it is right at n = 2 only; right: (2/n)*sum((w*x - y)*x)"
    )


def test_the_value_of_a_constant_is_used_and_said() -> None:
    finding = judged(RIDGE, "dl/dw", "2*mean((w*x - y)*x) + w")
    assert finding.sentence == "right: proved equal for every n with the values of the constants"


def test_a_loss_that_is_a_gradient_is_recognised() -> None:
    """seeds/004's equation 8 is printed with `l =` on its left."""
    finding = judged("article", "l", "l = (2/n)*sum((w*x + b - y)*x)")
    assert finding.explanation is not None
    assert finding.explanation.kind == "another_quantity"
    assert finding.sentence == (
        "wrong: at w = 0, b = 0, x = (0, 1, 2), y = (10, 12, 14) it gives -80/3, right is 440/3; this is dl/dw; "
        "right: sum(e[i]/n, i)"
    )


@pytest.mark.parametrize(
    ("name", "text", "ratio"),
    [
        ("dl/dw", "(1/n)*sum((w*x + b - y)*x)", "it is 1/2 times the right one"),
        ("dl/dw", "-(2/n)*sum((w*x + b - y)*x)", "it is -1 times the right one"),
        ("dl/dw", "2*sum((w*x + b - y)*x)", "it is n times the right one"),
        ("dl/dw", "2*mean((w*x + b - y)*x)/n", "it is 1/n times the right one"),
        ("dl/dw", "sum((w*x + b - y)*x)", "it is n/2 times the right one"),
        ("dl/dw", "mean((w*x + b - y)*x)/n^2", "it is 1/(2*n^2) times the right one"),
        ("dl/dw", "0", "it is 0"),
        ("w", "w - 0.1*dl/dw", "it is 10 times the right step"),
        ("w", "w + lr*dl/dw", "it is -1 times the right step"),
    ],
)
def test_a_telling_ratio_is_said(name: str, text: str, ratio: str) -> None:
    finding = judged("article", name, text)
    assert finding.status == "wrong"
    assert f"; {ratio}" in finding.sentence


def test_a_counterexample_has_small_numbers_where_ones_own_do_not_tell() -> None:
    finding = judged("article", "dl/dw", "(2/n)*sum((w*x - y)*x)")  # b is 0 at first
    assert str(finding.counterexample) == "w = 1, b = 2, x = (1, 2, 0), y = (3, 1, 2)"
    assert finding.counterexample is not None
    assert (finding.counterexample.claimed, finding.counterexample.right) == ("0", "4")


@pytest.mark.parametrize(
    ("problem", "name", "text", "excluded"),
    [
        ("article", "dl/dw", "(2/n)*sum((w*x + b - y)*x^2/x)", ("x[i] = 0",)),
        ("article", "l", "sum(exp(2*log(abs(d))))/n", ("abs(d[i]) <= 0",)),
        ("logistic", "dp/dz", "exp(-z)/(1 + exp(-z))^2", ()),  # 1 + exp is never 0
        ("logistic", "dl/dp", "-(1/n)*(y/p - (1 - y)/(1 - p))", ()),  # the loss divides by p too
        ("article", "l", "mean(d*abs(d)*sign(d))", ()),  # 0 on the kink too
        ("article", "l", "mean(d^2 + where(d > 0, 1, 0) - where(-d < 0, 1, 0))", ()),
        ("article", "l", "mean(d^2 + where(d > 0, 1, 0) - where(d < 0, 0, 1))", ("d[i] = 0",)),
    ],
)
def test_points_that_are_excluded_are_listed(problem: str, name: str, text: str, excluded: tuple[str, ...]) -> None:
    finding = judged(problem, name, text)
    assert (finding.status, finding.excluded) == ("right", excluded)


def test_a_constant_of_the_file_is_never_0_unless_it_is() -> None:
    half = judged(RIDGE, "dl/dw", "2*mean((w*x - y)*x) + (2*lam^2*w)/lam")
    assert (half.status, half.excluded) == ("right", ())
    negative = judged(RIDGE.replace("lam = 0.5", "lam = -2"), "dl/dw", "2*mean((w*x - y)*x) + (2*lam^2*w)/lam")
    assert (negative.status, negative.excluded) == ("right", ())
    other = judged(RIDGE, "dl/dw", "2*mean((w*x - y)*x) + (2*lam*w*w)/w")
    assert (other.status, other.excluded) == ("right", ("w = 0",))


def test_a_difference_on_a_kink_alone_is_excluded() -> None:
    finding = judged("relu_network", "dh/db[k]", "where(sum(x[i,j]*W[j,k], j) + b[k] >= 0, 1, 0)")
    assert finding.sentence == (
        "right: proved equal; except exactly on a kink, where sum(x[i,j]*W[j,k], j) + b[k] = 0; "
        "read as the local partial of the line h"
    )


def test_what_cannot_be_proved_is_equal_at_fifty_random_points() -> None:
    finding = judged("article", "l", "mean(d^2) + sin(2*w) - 2*sin(w)*cos(w)")
    assert (finding.status, finding.sentence) == (
        "undecided",
        "not decided: equal at 50 random points to 60 digits",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l", "max(mean(d^2), 0)"),
        ("l", "mean(abs(d)*max(d, -d))"),
        ("l", "mean(max(d, 0)^2 + min(d, 0)^2)"),
        ("l", "mean(where(d > 1, d, where(d > 0, d, -d))^2)"),
        ("dl/dw", "2*mean(sign(d)*abs(d)*x)"),
    ],
)
def test_formulas_with_cases_are_proved_in_each(name: str, text: str) -> None:
    finding = judged("article", name, text)
    assert (finding.status, finding.decided in ("every n", "n = 3")) == ("right", True)


def test_a_formula_without_a_value_anywhere_is_wrong() -> None:
    finding = judged("article", "dl/dw", "1/(x - x)")
    assert finding.sentence.startswith("wrong: it has no value, at w = 0, b = 0, x = (0, 1, 2)")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("foo", "2", r"'foo' is no quantity of this problem; expected a gradient such as dl/dw"),
        ("x", "2", r"'x' is data, and given; there is no formula to claim"),
        ("dl/dn", "2", r"'n' is the number of samples; the loss is not differentiated by it"),
        ("de/dw", "", r"no formula; expected an expression"),
        ("dl/dw", "l = 2", r"the formula begins with 'l' and is claimed of 'dl/dw'; keep one"),
        ("dl/dw", "dl/dw", r"'dl/dw' is said to be itself"),
        ("l", "sqrt(l^2)", r"'l' is said to be itself"),
        ("dl/dw", "(2/n)*sum((w*x + b - z)*x)", r"claim:22: unknown name 'z'.*\n.*\n {25}\^"),
        ("dl/dw", "2*d + (x", r"claim:7: a parenthesis is opened and never closed"),
        ("dl/dw", "x^1e9", r"this power is too large"),
        ("dl/dw", "__import__('os')", r"quotes are not part of the notation"),
        ("dl/dw", "x" * 20_000, r"a formula of 20,000 characters; expected at most 10,000"),
        ("dl/dw[0]", "2", r"'dl/dw\[0\]': dl/dw has one number; expected one index for each of its axes"),
        ("dd/dw", "2", r""),
        ("de/dl", "2", r"de/dl: e does not depend on l"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, text: str, message: str) -> None:
    if not message:
        assert judged("article", name, text).status == "wrong"
        return
    with pytest.raises(ProblemError) as caught:
        judged("article", name, text)
    assert re.search(message, str(caught.value), re.DOTALL)


def test_a_state_is_not_called_in_a_formula_as_in_a_table() -> None:
    message = r"^claim:5: 'w\.v' is written v_w in a formula\n    0\.9\*w\.v \+ g\n {8}\^$"
    with pytest.raises(ProblemError, match=message):
        judged(MOMENTUM, "w.v", "0.9*w.v + g")
    assert judged(MOMENTUM, "w.v", "momentum*v_w + g").status == "right"


def test_a_frozen_parameter_keeps_its_value() -> None:
    problem = 'frozen = ["b"]\n' + MOMENTUM.replace("w*x - y", "w*x + b - y").replace("w = 1", "w = 1\nb = 2")
    assert judged(problem, "b", "b").status == "right"
    assert (
        "right is 2; without the term lr*dl/db it is right; right: b;" in judged(problem, "b", "b - lr*dl/db").sentence
    )


def test_a_shape_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ProblemError, match=r"the formula has the shape \(4, 3\); expected the shape \(4, 2, 3\)"):
        judged("attention", "dq/dWq", "X")


def test_a_problem_without_training_has_no_update() -> None:
    with pytest.raises(ProblemError, match=r"this problem has no \[training\], so no update rule"):
        judged("attention", "Wq", "Wq - 0.1*dl/dWq")


@pytest.mark.parametrize(
    "text",
    [
        "((((x^900)^900)^900)^900)^900",
        "2^2^2^2^2^x",
        "exp(exp(exp(exp(exp(x + 9)))))",
        "*".join(f"(w*x + {k}*b + y)" for k in range(60)),
        "1/" * 60 + "x",
    ],
)
def test_a_formula_from_a_stranger_ends(text: str) -> None:
    assert judged("article", "dl/dw", text).status in ("wrong", "undecided")


def test_a_sum_over_too_much_is_undecided() -> None:
    finding = judged("coefficients", "dloss/dcoeffs[0]", "sum(x[i,0]*x[k,m]*x[p,m]*x[q,m], i, k, m, p, q)")
    assert finding.sentence == "not decided: it is too long to calculate"


@pytest.mark.parametrize("name", [name for name, _ in shipped()])
def test_what_derive_prints_is_right_when_it_is_claimed(name: str) -> None:
    problem, derivation = read(name)
    formulas, style = Formulas(derivation), ascii_style(problem.graph)
    for wrt in derivation.wrt:
        closed = formulas.gradient(wrt).closed
        if closed is not None:
            finding = judged(name, f"d{problem.graph.loss}/d{wrt}", shown(closed, style))
            assert (finding.status, finding.decided in ("every n", "always")) == ("right", True), finding


@pytest.mark.parametrize("name", [name for name, _ in shipped()])
def test_the_claims_that_ship_are_right(name: str) -> None:
    for finding in judge_formulas(*read(name)):
        assert finding.status == "right", finding


def test_the_place_of_a_formula_is_where_its_text_begins() -> None:
    problem, _ = read("article")
    assert problem.claims is not None
    name, text = problem.claims.formulas[0]
    place = formula_place(problem, name, text)
    assert place.column is not None
    assert place.text[place.column - 1 :].startswith(text)


def test_formulas_are_judged_without_torch() -> None:
    code = (
        "import sys, derive; from verify.formulas.judge import judge_formulas; "
        "p = derive.load('article'); assert judge_formulas(p, derive.derive(p)); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ONE_HOT = """
equations = "z = X @ W; p = softmax(z); l = -sum(T*log(p))/n"
[parameters]
W = [[0.1, 0.2], [0.4, -0.1]]
[data]
X = [[1, 2], [0, -1], [0.5, 1]]
T = [[1, 0], [0, 1], [1, 0]]
"""


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("l", "-sum(T*log(T*p))/n", "wrong"),  # 0·log 0 has no value, at no row
        ("l", "-sum(log(T*p))/n", "wrong"),
        ("dl/dz", "(p - exp(log(T)))/n", "wrong"),
        ("l", "-sum(where(T > 0, log(T*p), 0))/n", "right"),
        ("l", "-sum(T*log(p + 1 - T))/n", "right"),
        ("l", "-sum(T*log(p))/n", "right"),
    ],
)
def test_a_formula_that_never_has_a_value_is_not_right(name: str, text: str, status: str) -> None:
    """T is one-hot in the file: what has no value at T = 0 has none at all."""
    finding = judged(ONE_HOT, name, text)
    assert finding.status == status
    assert ("it has no value, at" in finding.sentence) is (status == "wrong")


@pytest.mark.parametrize(
    ("text", "status", "exception"),
    [
        ("2*exp(log(w))*x", "right", "except where w <= 0; it has no value at the problem's own first batch"),
        ("2*sqrt(w)^2*x", "right", "except where w < 0; it has no value at the problem's own first batch"),
        ("2*w*x", "right", ""),
        ("2*w*exp(log(x))", "wrong", "it has no value, at w = -2, x = -3 or any other point"),
    ],
)
def test_where_a_function_has_no_value_is_said(text: str, status: str, exception: str) -> None:
    finding = judged('equations = "l = w^2*x"\n[parameters]\nw = -2\n[constants]\nx = -3\n', "dl/dw", text)
    assert finding.status == status
    assert exception in finding.sentence
    assert bool(exception) is ("except" in finding.sentence or "no value" in finding.sentence)
