"""A loss that is written first, above the lines it uses: derived, trained and claimed as it is written last."""

import pytest

from derive.chain.derivation import differentiate
from derive.errors import Place
from derive.problem.loading import load
from verify import audit
from verify.formulas.judge import judge_formula

LINES = ("L = (p - y)^2", "p = w*x + b")
GIVEN = "[parameters]\nw = 1\nb = 0\n[constants]\nx = 2\ny = 5\n[training]\nlr = 0.1\nsteps = 2\n"
NAMES = ("dL/dw", "∂L/∂w", "grad w", "w_grad", "dw", "d(loss)/dw", "dloss/dw")


def statuses(problem: str, table: str) -> list[str]:
    return [claim.status.value for claim in audit(load(problem), claims=table).findings]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lines", [LINES, LINES[::-1]])
def test_numbers_are_those_of_the_loss(lines: tuple[str, ...], name: str) -> None:
    problem = f"equations = {list(lines)}\n{GIVEN}"
    head = f"step,loss,{name},dL/db,w,b\n"
    assert set(statuses(problem, f"{head}1,9,-12,-6,2.2,0.6\n2,0,0,0,2.2,0.6\n")) == {"right"}
    assert statuses(problem, f"{head}1,9,12,-6,2.2,0.6\n").count("wrong") == 1


@pytest.mark.parametrize(
    ("equations", "right", "wrong"),
    [
        ("loss = (p - y)^2; p = w*x + b", "2*(p - y)*x", "(p - y)*x"),
        ("loss = mean((p - y)^2); p = X@w + b", "2/n*X.T@(p - y)", "2/n*X.T@(y - p)"),
        ("loss = mean((p - y)^2) + lam*sum(w^2); p = X@w", "2/n*X.T@(p - y) + 2*lam*w", "2/n*X.T@(p - y) + lam*w"),
        ("J = -sum(T*log(p))/n; p = softmax(z); z = X@w; T: (n, K)", "X.T@(p - T)/n", "X.T@(p - T)"),
    ],
)
@pytest.mark.parametrize("name", ["dL/dw", "grad w", "dw", "w_grad", "d(loss)/dw"])
def test_formulas_are_about_the_loss(equations: str, right: str, wrong: str, name: str) -> None:
    found = load(equations)
    derivation = differentiate(found.graph)
    name = name.replace("(loss)", found.graph.loss)
    for formula, status in ((right, "right"), (wrong, "wrong")):
        finding = judge_formula(found, derivation, name, formula, Place("claim", None, 1, formula))
        assert finding.status == status, finding.sentence
        assert "seed" not in finding.sentence
