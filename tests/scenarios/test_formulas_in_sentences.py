"""A claimed formula in a sentence, of a problem and of equations alone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import ProblemError
from derive.problem.loading import load
from derive.training.optimizers import ENTRIES, OPTIMIZERS
from tests.optimizer_options import options
from tests.problems import LINE as FILE
from tests.problems import TWO_POINTS
from verify.auditing.pipeline import audit
from verify.formulas.judge import judge_sentences

LINE = "l = mean((w*x + b - y)^2)"


@pytest.mark.parametrize(
    ("equations", "claim", "status"),
    [
        (LINE, "dl/dw = (2/n)*sum((w*x+b-y)*x)", "right"),
        (LINE, "dl/dw = sum((w*x+b-y)*x)/n", "wrong"),
        (LINE, "grad b = 2*mean(w*x + b - y)", "right"),
        (LINE, "∂l/∂b := 2*mean(w*x + b + y)", "wrong"),
        ("e = (w*x - y)^2; l = mean(e)", "de/dw = 2*x*(w*x - y)", "right"),
        ("e = (w*x - y)^2; l = mean(e)", "l = mean((w*x - y)^2)", "right"),
        ("e = (w*x - y)^2; l = mean(e)", "l = mean(w*x - y)^2", "wrong"),
        ("l = 2*b + w^2", "dl/db = 2", "right"),  # a number may be the whole formula
        ("p[i,k] = exp(z[i,k])/sum(exp(z[i,m]), m); l = sum(p[i,k]^2, i, k)", "dl/dz[i,k] = 2*p[i,k]", "wrong"),
    ],
)
def test_a_formula_of_equations_alone(equations: str, claim: str, status: str) -> None:
    found = audit(equations, sentences=[claim])
    assert [formula.status for formula in found.formulas] == [status]
    assert found.exit_status == {"right": 0, "wrong": 1}[status]
    assert found.findings == ()


@pytest.mark.parametrize("claim", ["dl/dw = -26.67", "step 1: dl/dw = 3", "dl/dw = 0"])
def test_a_number_needs_the_data(claim: str) -> None:
    with pytest.raises(
        ProblemError, match=r"is about a number, and the equations alone have none; give them in a prob"
    ):
        audit(LINE, sentences=[claim])


def test_a_table_needs_the_data() -> None:
    with pytest.raises(
        ProblemError, match=r"no numbers to compare with; .* or claim a formula: --claim 'dl/dw = 2\*w'"
    ):
        audit(LINE, claims=[{"w": 1}])


def test_the_caret_stands_in_the_sentence() -> None:
    with pytest.raises(ProblemError) as caught:
        audit(LINE, sentences=["dl/dw = 2*q"])
    assert str(caught.value).startswith("--claim:11: unknown name 'q'")
    assert str(caught.value).endswith("\n    dl/dw = 2*q\n              ^")


def test_an_update_is_judged_where_flags_train() -> None:
    with pytest.raises(ProblemError, match=r"no \[training\], so no update rule"):
        audit(LINE, sentences=["w = w - lr*dl/dw"])
    said = ["w' = w - lr*dl/dw", "b_new = b + lr*dl/db", "w ← w - 0.1*dl/dw", "w <- w - 0.2*dl/dw"]
    found = audit(LINE, sentences=said, lr="0.1")
    assert [formula.status for formula in found.formulas] == ["right", "wrong", "right", "wrong"]


def test_numbers_and_formulas_are_told_apart() -> None:
    found = audit(TWO_POINTS, sentences=["dl/dw = -11", "dl/db = 2*mean(d)", "l = 25/2", "w = w - 0.1*dl/dw"])
    assert [finding.cell.name for finding in found.findings] == ["loss", "dl/dw"]
    assert [finding.status.value for finding in found.findings] == ["right", "right"]  # (3² + 4²)/2 and 2(−3·1 − 4·2)/2
    assert [(formula.name, formula.status) for formula in found.formulas] == [("dl/db", "right"), ("w", "right")]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_rule_under_flags_is_that_of_a_file(data: st.DataObject) -> None:
    """What a flag sets is what a formula is about: the same verdict as of a file that says the same."""
    file, flag = (data.draw(st.sampled_from(OPTIMIZERS)) for _ in "12")
    lines = [
        f"{key} = [{value}]" if "," in value else f"{key} = {value}" for key, value in data.draw(options(file)).items()
    ]
    flags = data.draw(options(flag))
    filed = [f"{key} = [{value}]" if "," in value else f"{key} = {value}" for key, value in flags.items()]
    one = FILE + "\n".join([f'optimizer = "{file}"', *lines, ""])
    kept = [line for line in lines if line.split(" = ")[0] not in flags]
    kept = [line for line in kept if line.split(" = ")[0] in ENTRIES[flag].options]
    other = FILE + "\n".join([f'optimizer = "{flag}"', *kept, *filed, ""])
    try:
        expected = load(other)
    except ProblemError:  # such as nesterov of the file and dampening of the flag, which are refused together
        with pytest.raises(ProblemError):
            audit(one, sentences=["w = w"], optimizer=flag, **flags)
        return
    rule = judge_sentences(expected, differentiate(expected.graph), ["w = w + 7*dl/dw + 1"])[0].right
    found = audit(one, sentences=[f"w = {rule}", "w = w + 7*dl/dw + 1"], optimizer=flag, **flags)
    assert [formula.status for formula in found.formulas] == ["right", "wrong"]


@pytest.mark.parametrize(
    ("flags", "claim", "status"),
    [
        ({}, "w = w - 0.1*dl/dw", "right"),
        ({"lr": "0.2"}, "w = w - 0.1*dl/dw", "wrong"),
        ({"lr": "0.2"}, "w = w - 0.2*dl/dw", "right"),
        ({"momentum": "0.9"}, "w = w - lr*dl/dw", "wrong"),
        ({"momentum": "0.9"}, "w = w - lr*(0.9*v_w + dl/dw)", "right"),
        ({"optimizer": "Adam"}, "w = w - lr*m_hat/(sqrt(v_hat) + eps)", "right"),
        ({"optimizer": "Adam", "variant": "eps_inside"}, "w = w - lr*m_hat/(sqrt(v_hat) + eps)", "wrong"),
        ({"clip_grad_value": "2"}, "w = w - lr*clip(dl/dw, -2, 2)", "right"),
        ({"clip_grad_norm": "2"}, "w = w - lr*dl/dw", "undecided"),
        ({"groups": [{"parameters": ["b"], "lr": 0.5}]}, "b = b - 0.5*dl/db", "right"),
        ({"scheduler": "StepLR", "step_size": "2"}, "w = w - 0.1*dl/dw", "wrong"),
        ({"batch_size": "1"}, "dl/dw = 2*(d*x)", "right"),  # of each batch alone
        ({}, "dl/dw = 2*(d*x)", "wrong"),
    ],
)
def test_formulas_obey_flags(flags: dict[str, object], claim: str, status: str) -> None:
    assert [formula.status for formula in audit(TWO_POINTS, sentences=[claim], **flags).formulas] == [status]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("equations", "claim", "status"),
    [
        ("l = mean((X@w - y)^2)", "dl/dw = (2/n)*transpose(X) @ (X@w - y)", "right"),
        ("l = mean((X@w - y)^2)", "dl/dw = (2/n)*transpose(X) @ (y - X@w)", "wrong"),
        ("l = norm(y - X@w)^2", "dl/dw = -2*transpose(X) @ (y - X@w)", "right"),
        ("l = x@A@x", "dl/dx = A@x + transpose(A)@x", "right"),
        ("l = x@A@x", "dl/dx = 2*A@x", "wrong"),  # right of a symmetric A alone
        ("z = W@x + b; l = norm(z - t)^2", "dl/dW = outer(dl/dz, x)", "right"),
        ("p = softmax(z)", "dp[i]/dz[i] = p[i]*(1 - p[i])", "right"),
        ("p = softmax(z)", "dp[i]/dz[j] = p[i]*p[j]", "wrong"),
        ("p = softmax(z)", "dp[i]/dz[j] = where(i == j, p[i], 0) - p[i]*p[j]", "undecided"),  # equal at all points
        (  # a right formula in labels is never refuted at numbers that are no labels
            "z = X@W + b; l = cross_entropy(z, t)",
            "dl/dz[i,k] = (exp(z[i,k])/sum(exp(z[i,m]), m) - where(k == t[i], 1, 0))/n",
            "right",
        ),
        ("z = X@W + b; l = cross_entropy(z, t)", "dl/dz = softmax(z)/n", "wrong"),
    ],
)
def test_shapes_of_equations_alone_hold_in_claims(equations: str, claim: str, status: str) -> None:
    assert [formula.status for formula in audit(equations, sentences=[claim]).formulas] == [status]
