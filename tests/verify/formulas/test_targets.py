"""The derivative of a vector by a vector: the diagonal or the whole Jacobian, each entry as torch.autograd has it."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.chain.derivation import differentiate
from derive.errors import Place, ProblemError
from derive.problem.loading import load
from verify.formulas.asked import Derivative, Entry
from verify.formulas.judge import FormulaFinding, judge_formula
from verify.formulas.targets import jacobians
from verify.numbers.scalars import as_ball, precision
from verify.points.samples import own_point
from verify.symbols.point import AtPoint
from verify.symbols.values import Values

# lines of vectors, each beside the same in PyTorch; a letter is shared, or not, or both
FORMS = (
    ("{u}*{v}", lambda u, v: u * v),
    ("exp({u}/8)", lambda u, _: torch.exp(u / 8)),
    ("{u} - mean({u})", lambda u, _: u - u.mean()),
    ("{u}/sum({v}^2 + 1)", lambda u, v: u / (v**2 + 1).sum()),
    ("softmax({u})", lambda u, _: torch.softmax(u, 0)),
    ("M @ {u}", lambda u, _: torch.tensor([[1.0, 2, 0], [0, 1, -1], [3, 0, 1]], dtype=torch.float64) @ u),
    ("{u} + M @ {v}", lambda u, v: u + torch.tensor([[1.0, 2, 0], [0, 1, -1], [3, 0, 1]], dtype=torch.float64) @ v),
)


@st.composite
def vectors(draw: st.DrawFn) -> tuple[str, list[tuple[int, str, str]]]:
    """Two or three lines over x, each with its form and operands, and the problem."""
    pool, lines = ["x"], []
    for number in range(draw(st.integers(1, 3))):
        form, u, v = draw(st.integers(0, len(FORMS) - 1)), draw(st.sampled_from(pool[-2:])), draw(st.sampled_from(pool))
        lines.append((form, u, v))
        pool.append(f"a{number}")
    text = [f"a{k} = {FORMS[form][0].format(u=u, v=v)}" for k, (form, u, v) in enumerate(lines)]
    head = ['equations = """', *text, f"l = sum({pool[-1]}^2) + sum(M)", '"""', "[parameters]"]
    numbers = [draw(st.integers(-3, 4)) for _ in range(3)]
    return "\n".join([*head, f"x = {numbers}", "[constants]", "M = [[1, 2, 0], [0, 1, -1], [3, 0, 1]]"]), lines


@settings(deadline=None, max_examples=40)
@given(vectors())
def test_every_entry_is_that_of_torch(case: tuple[str, list[tuple[int, str, str]]]) -> None:
    text, lines = case
    problem = load(text)
    derivation = differentiate(problem.graph)
    own = own_point(problem)
    assert own is not None

    def last(x: torch.Tensor) -> torch.Tensor:
        values = {"x": x}
        for number, (form, u, v) in enumerate(lines):
            values[f"a{number}"] = FORMS[form][1](values[u], values[v])
        return values[f"a{len(lines) - 1}"]

    x = torch.tensor([float(own.given["x"][k,]) for k in range(3)], dtype=torch.float64)
    right = torch.autograd.functional.jacobian(last, x)
    name = f"a{len(lines) - 1}"
    every = list(jacobians(problem.graph, Derivative(Entry(name), Entry("x")), Place("test")))
    written = Derivative(Entry(name, ("r",)), Entry("x", ("s",)))
    every += [next(jacobians(problem.graph, written, Place("test")))]
    for target in every:
        with precision(256):
            values = Values(derivation, AtPoint(own.given), own.sizes)
            for index in values.entries(target.axes):
                found = as_ball(target.right(values, dict(zip(target.axes, index, strict=True))))
                expected = float(right[index[0], index[-1]])
                assert float(found.mid()) == pytest.approx(expected, rel=1e-9, abs=1e-9), (target.meaning, index)


LINES = """
e = exp(z)
s = sum(e)
p[i] = e[i]/s
l = -log(p[0])
"""
SOFTMAX = f'equations = """{LINES}"""\n[parameters]\nz = [1, 2, 0.5]\n'
NEITHER = '''equations = """
d[i] = x[i] - mean(x)
v = mean(d^2)
o[i] = d[i]*v
l = sum(g[i]*o[i], i)
"""
[parameters]
x = [1, 2, 4]
[constants]
g = [1, 10, 100]
'''


def judged(problem: str, name: str, text: str) -> FormulaFinding:
    found = load(problem)
    return judge_formula(found, differentiate(found.graph), name, text, Place("claim", None, 1, text))


@pytest.mark.parametrize(
    ("name", "text", "reading"),
    [
        ("dp/dz", "p*(1 - p)", ", the diagonal dp[i]/dz[i]"),
        ("dp/dz", "p[i]*((i == j) - p[j])", ", the whole Jacobian dp[i]/dz[j]"),
        ("dp[i]/dz[j]", "p[i]*((i == j) - p[j])", ""),
        ("dp[i]/dz[i]", "p[i]*(1 - p[i])", ""),
        ("dp[i]/dz[j]", "-p[i]*p[j] for i != j", " where i is not j"),
        ("dp[j]/dz", "p[j]*(1 - p[j])", ", the diagonal dp[j]/dz[j]"),
        ("dp/dz[j]", "p[j]*(1 - p[j])", ", the diagonal dp[j]/dz[j]"),
    ],
)
def test_a_vector_by_a_vector_is_the_diagonal_or_the_whole(name: str, text: str, reading: str) -> None:
    finding = judged(SOFTMAX, name, text)
    assert (finding.status, finding.reading) == ("right", f"the derivative of p along all paths{reading}")


def test_one_line_or_several_make_no_difference() -> None:
    one = SOFTMAX.replace(LINES, "\np = softmax(z)\nl = -log(p[0])\n")
    assert judged(one, "dp/dz", "p*(1 - p)").reading == "the local partial of the line p, the diagonal dp[i]/dz[i]"
    assert judged(one, "dp/dz", "0").status == judged(SOFTMAX, "dp/dz", "0").status == "wrong"  # the sum of each column


def test_a_formula_that_is_neither_is_wrong_and_both_are_said() -> None:
    finding = judged(NEITHER, "do/dx", "v*2/3")
    # the mean is 7/3, v = 14/9; do_1/dx_1 = v*2/3 + d_1*d_1*2/3 = 28/27 + 32/27
    assert finding.counterexample is not None
    assert (finding.counterexample.claimed, finding.counterexample.right) == ("28/27", "20/9")
    assert "the diagonal do[i]/dx[i]; it is not" in finding.sentence
    assert finding.sentence.endswith("the whole Jacobian do[i]/dx[j] either")
    assert judged(NEITHER, "do/dx", "v*2/3 + 2*d^2/3").status == "right"


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("dl/dz[j]", "sum(dl/dp[i]*dp[i]/dz[j], i)", "right"),
        ("dl/dz[j]", "sum(dl/dp[i]*dp[i]/dz[i], i)", "wrong"),
        ("dl/dz[j]", "dl/dp[j]*dp[j]/dz[j]", "wrong"),
    ],
)
def test_inside_a_formula_both_indices_count(name: str, text: str, status: str) -> None:
    assert judged(SOFTMAX, name, text).status == status


def test_a_letter_of_two_sizes_is_refused() -> None:
    head = 'equations = """\ny = x @ W\nl = sum(y^2)\n"""\n'
    problem = f"{head}[parameters]\nW = [[1, 2, 3], [4, 5, 6]]\n[constants]\nx = [1, 2]"
    with pytest.raises(ProblemError, match=re.escape("one letter is an index of two sizes")):
        judged(problem, "dy[k]/dW[k,k]", "1")
    assert judged(problem, "dy[k]/dW[j,k]", "x[j]").status == "right"
