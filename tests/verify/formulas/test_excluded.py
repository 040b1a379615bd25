"""Kinks that a formula is excused from: those of the lines it is about, and no index or datum that is no kink."""

from __future__ import annotations

import pytest

from tests.problems import ADAM_OF_TWO
from tests.scenarios.test_claimed_back import judged

TWO = '''
equations = """
h = relu(u*x)
g = abs(v*x)
z = w*h
l = mean(z*g)
"""
[parameters]
u = 1
v = 1
w = 1
[data]
x = [1, -2, 3]
'''


@pytest.mark.parametrize(
    ("name", "formula", "excluded"),
    [
        ("dl/du", "mean(w*where(u*x >= 0, x, 0)*g)", ("u*x[i] = 0",)),
        ("dl/dv", "mean(z*where(v*x >= 0, x, -x))", ("v*x[i] = 0",)),
        ("dh/du", "where(u*x >= 0, x, 0)", ("u*x[i] = 0",)),
        ("partial.h.u", "where(u*x >= 0, x, 0)", ("u*x[i] = 0",)),
        ("dl/dw", "mean(h*where(v*x > 0, v*x, -v*x))", ()),  # equal on the kink too
        ("z", "w*where(u*x < 0, 0, u*x)", ()),
        ("l", "mean(z*g + where(u*x > 0, 0, 1) - where(u*x < 0, 1, 0))", ("u*x[i] = 0", "v*x[i] = 0")),
    ],
)
def test_kinks_are_those_of_the_lines_that_the_claim_is_about(
    name: str, formula: str, excluded: tuple[str, ...]
) -> None:
    finding = judged(TWO, name, formula)
    assert (finding.status, finding.excluded) == ("right", excluded)


@pytest.mark.parametrize(
    ("problem", "name", "formula", "excluded"),
    [
        (ADAM_OF_TWO, "w", "w - lr*sqrt(1 - beta2^t)/(1 - beta1^t)*m/(sqrt(v) + eps*sqrt(1 - beta2^t))", ()),
        (ADAM_OF_TWO, "w", "w - lr*m_hat/(sqrt(v)/sqrt(1 - beta2^t) + eps)", ()),
        (ADAM_OF_TWO, "w", "w - lr*m_hat/(sqrt(v/(1 - beta2^t)) + eps)", ()),
        (ADAM_OF_TWO, "w", "w - lr*m_hat/(sqrt(v_hat) + eps)*sqrt(m)/sqrt(m)", ("sqrt(m) = 0", "m < 0")),
        (ADAM_OF_TWO, "dl/dw", "2*mean((w*x - y)*x)*sqrt(w)^2/w", ("w = 0", "w < 0")),
        (ADAM_OF_TWO, "dl/dw", "2*mean((w*x - y)*x)*sqrt(w^2 + 1)/sqrt(w^2 + 1)", ()),
    ],
)
def test_what_is_never_negative_has_a_root(problem: str, name: str, formula: str, excluded: tuple[str, ...]) -> None:
    """1 − beta2^t is between 0 and 1, and v, a mean of squares, is not negative; m may be."""
    finding = judged(problem, name, formula)
    assert (finding.status, finding.excluded) == ("right", excluded)


@pytest.mark.parametrize(
    ("formula", "excluded"),
    [
        ("where(x > 0, exp(log(x)), x)", ()),
        ("where(x > 1, (x - 1)*x/(x - 1), x)", ()),
        ("where(x >= 0, sqrt(x)^2, x)", ()),
        ("where(x <= 0, x, exp(log(x)))", ()),
        ("where(x > 0, exp(log(x*exp(w)))/exp(w), x)", ()),
        ("where(x > 0, (x - 1)*x/(x - 1), x)", ("x[i] - 1 = 0",)),
        ("where(x >= 0, exp(log(x)), x)", ("x[i] <= 0",)),
        ("where(x > 0, x, exp(log(x)))", ("x[i] <= 0",)),
        ("where(x < 0, exp(log(x)), x)", ("x[i] <= 0",)),
    ],
)
def test_what_a_where_leaves_out_is_no_exception(formula: str, excluded: tuple[str, ...]) -> None:
    text = 'equations = "l = sum(w*x)"\n[parameters]\nw = 1\n[data]\nx = [1, -2, 0.5, 4]\n'
    finding = judged(text, "dl/dw", f"sum({formula})")
    assert (finding.status, finding.excluded) == ("right", excluded)


@pytest.mark.parametrize(
    ("formula", "excluded"),
    [
        ("sum(where(k > 0, x[i,k]^2/x[i,k], x[i,k]), i)", ("x[i,j] = 0",)),  # what is so of entry 0 is not of all
        ("sum(where(x[i,k] > 0, x[i,k]^2/x[i,k], x[i,k]), i)", ()),
        ("sum(where(x[i,0] > 0, x[i,k]^2/x[i,k], x[i,k]), i)", ("x[i,j] = 0",)),
        ("sum(x[i,k]*exp(w[k])/exp(w[k]), i)", ()),
    ],
)
def test_every_entry_is_looked_at(formula: str, excluded: tuple[str, ...]) -> None:
    text = 'equations = "l = sum(x @ w)"\n[parameters]\nw = [1, 2]\n[data]\nx = [[1, -2], [0.5, 4]]\n'
    finding = judged(text, "dl/dw[k]", formula)
    assert (finding.status, finding.excluded) == ("right", excluded)


def test_a_condition_is_said_once() -> None:
    """B = u is u = b."""
    text = "u: ()\nb: ()\nv = max(u, b)\nl = v^2"
    assert judged(text, "dv/du", "where(b > u, 0, 1)").excluded == ("b = u",)


COUNTED = 'equations = "l = mean(where(i < 2, w*x[i], 0), i)"\n[parameters]\nw = 1\n[data]\nx = [1, 2, 3]\n'


def test_an_index_stands_on_no_kink() -> None:
    """It is the row of the data, a whole number: i <= 1 is i < 2, and 2 i < 3 too."""
    assert judged(COUNTED, "dl/dw", "sum(where(i < 2, x[i], 0), i)/n").status == "right"
    assert judged(COUNTED, "dl/dw", "sum(where(i <= 1, x[i], 0), i)/n").sentence == "right: proved equal for every n"
    assert judged(COUNTED, "dl/dw", "sum(where(2*i < 3, x[i], 0), i)/n").sentence == "right: proved equal for every n"
    assert judged(COUNTED, "dl/dw", "sum(where(i <= 2, x[i], 0), i)/n").status == "wrong"


def test_data_that_always_stand_on_a_kink_are_no_exception() -> None:
    text = 'equations = "l = mean(w*s)"\n[parameters]\nw = 1\n[data]\ns = [0, 1, 1]\n'
    assert judged(text, "dl/dw", "mean(where(s > 0, 1, 0))").used == ("s in {0, 1}",)
    assert judged(text, "dl/dw", "mean(where(s >= 0, 1, 0))").status == "wrong"
    chance = text.replace("[0, 1, 1]", "[0, 1, 2.5]").replace("w*s", "relu(w*s)")
    finding = judged(chance, "dl/dw", "mean(where(w*s >= 0, s, 0))")  # s = 0 is chance there
    assert finding.status == "right"


@pytest.mark.parametrize(
    ("formula", "excluded"),
    [
        ("sqrt(sum((x*w - y)^2))^2", ()),
        ("norm(x*w - y)^2", ()),
        ("sqrt(sum((x*w - y)*(x*w - y)))^2", ()),
        ("sqrt(mean(exp(x)))^2*sum((x*w - y)^2)/mean(exp(x))", ()),
        (
            "sqrt(sum(x - y))^2*sum((x*w - y)^2)/sum(x - y)",
            ("sum(x[i] - y[i], i) = 0", "sum(x[i] - y[i], i) < 0"),
        ),
    ],
)
def test_a_sum_of_what_is_not_negative_has_a_root(formula: str, excluded: tuple[str, ...]) -> None:
    """However many summands there are."""
    problem = 'equations = "l = sum((x*w - y)^2)"\n[parameters]\nw = 0.5\n[data]\nx = [1, 2, 3]\ny = [1, 3, 2]\n'
    finding = judged(problem, "l", formula)
    assert (finding.status, finding.excluded) == ("right", excluded)
