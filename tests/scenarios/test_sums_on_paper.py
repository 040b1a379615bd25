"""Claims with a Σ as it is written on paper, over the whole product behind it; and products typed with a dot."""

import pytest

from derive.chain.derivation import differentiate
from derive.errors import EquationError, Place
from derive.problem.loading import load
from verify.formulas.judge import FormulaFinding, judge_formula

LINE = "l = mean((w*x + b - y)^2)"


def judged(equations: str, name: str, formula: str) -> FormulaFinding:
    found = load(equations)
    return judge_formula(found, differentiate(found.graph), name, formula, Place("claim", None, 1, formula))


@pytest.mark.parametrize(
    "formula",
    [
        "{}*Σ(w*x + b - y)*x",
        "{}*Σ (w*x + b - y)·x",
        "{}*Σᵢ (w*x + b - y)*x",
        "{}*Σᵢ(w*xᵢ + b − yᵢ)·xᵢ",
        "{}*∑_i (w*x[i] + b - y[i])*x[i]",
        "Σ(w*x + b - y)*{}*x",
        "Σ(w*x + b - y)*x*{}",
        "{}*(w*Σ(x)*x + b*Σ(x) - Σ(x)*y)",
        "{}*n*mean((w*x + b - y)·x)",
        "{}*sum((w*x + b - y)·x)",
    ],
)
def test_right_and_wrong_formulas(formula: str) -> None:
    assert judged(LINE, "dl/dw", formula.format("2/n")).status == "right"
    for factor in ("1/n", "-2/n", "2"):
        assert judged(LINE, "dl/dw", formula.format(factor)).status == "wrong"


@pytest.mark.parametrize("formula", ["2/n*sum(w*x + b - y)*x", "2/n*(Σ(w*x + b - y))*x", "2/n*Σ(w*x + b - y)*Σ(x)"])
def test_a_sum_that_ends_with_its_parentheses_is_another(formula: str) -> None:
    assert judged(LINE, "dl/dw", formula).status == "wrong"


@pytest.mark.parametrize(
    "formula", ["2*(w*Σ(x)/n + b - Σ(y)/n)", "2/n*Σ(w*x + b) - Σ(y)*2/n", "2*w*Σ(x)/n + 2*b - 2/n*Σ(y)"]
)
def test_factors_without_an_index(formula: str) -> None:
    assert judged(LINE, "dl/db", formula).status == "right"


@pytest.mark.parametrize("formula", ["2/n*Σ(X@w - y)*X", "2/n*Σ(y - X@w)*X"])
def test_what_cannot_be_read_as_on_paper_is_not_judged_otherwise(formula: str) -> None:
    with pytest.raises(EquationError):
        judged("l = mean((X@w - y)^2)", "dl/dw", formula)


def test_a_factor_over_other_entries_is_a_factor() -> None:
    equations = "l = sum(a)*sum(w^2); a: (3); w: (2)"
    assert judged(equations, "dl/dw", "2*Σ(a)*w").status == "right"
    assert judged(equations, "dl/dw", "Σ(a)*w").status == "wrong"


def test_a_product_of_two_sums() -> None:
    assert judged("l = mean(w*x)^2", "dl/dw", "2*w/n^2*Σ(x)*Σ(x)").status == "right"
    assert judged("l = mean(w*x)^2", "dl/dw", "w/n^2*Σ(x)*Σ(x)").status == "wrong"


def test_right_with_the_sum_alone_is_right_and_said() -> None:
    equations = "p = softmax(z); l = sum(g*p); z: (k); g: (k)"
    finding = judged(equations, "dl/dz", "p*g - Σ(p*g)*p")
    assert finding.status == "right"
    assert finding.sentence.endswith("each Σ is read as over its parentheses alone, times what stands behind it")
    assert judged(equations, "dl/dz", "p*g + Σ(p*g)*p").status == "wrong"
