"""A graph with a line for each function that stands inside one: the same numbers, and what a person writes down."""

from __future__ import annotations

import pytest

from derive.graph.inner_functions import written_out
from derive.problem.loading import load
from derive.show.notation import Ascii
from tests.audited import audited
from verify.claims.claim import Cell, Quantity
from verify.following.follow_through import follow
from verify.numbers import as_ball

MATRIX = """
[parameters]
v = [[0.3, -0.2, 0.5], [0.1, 0.4, -0.3]]
[data]
X = [[1, 2], [0.5, -1], [2, 0.3]]
t = [0, 2, 1]
"""
NUMBERS = """
[parameters]
v = 0.7
[data]
x = [1, 0.5, 2]
t = [0, 1, 1]
"""
INNER = {
    "z = X@v; L = cross_entropy(z, t)": ["exp(z[i,k])/sum(exp(z[i,j]), j)"],
    "z = X@v; p = softmax(z); L = mean((p - 1/2)^2)": [],
    "z = v*x + 1/3; L = bce_with_logits(z, t)": ["1/(1 + exp(-z[i]))"],
    "z = v*x; L = mean((sigmoid(z) - t)^2)": ["1/(1 + exp(-z[i]))"],
    "L = mean((v*tanh(v*x) - t)^2)": ["tanh(v*x[i])"],
    "h = relu(v*x); L = mean(exp(-v*sqrt(1 + h^2)))": ["sqrt(1 + h[i]^2)", "exp(-v*inner 1[i])"],
}


def problem(equations: str) -> str:
    given = MATRIX if "X@" in equations else NUMBERS
    return f'equations = "{equations}"\n{given}[training]\nlr = 0.5\nsteps = 2\n'


def lines(text: str, *, logarithms: bool) -> dict[str, str]:
    graph = written_out(load(text).graph, logarithms=logarithms)
    return {node.name: Ascii().show(node.definition) for node in graph.lines}


@pytest.mark.parametrize("equations", INNER)
def test_functions_inside_a_line_are_lines(equations: str) -> None:
    found = lines(problem(equations), logarithms=False)
    assert [text for name, text in found.items() if name.startswith("inner")] == INNER[equations]


@pytest.mark.parametrize("equations", INNER)
@pytest.mark.parametrize("which", [0, -1])
def test_the_numbers_stay(equations: str, which: int) -> None:
    """Loss and gradients of the graph that is written out, against those of the graph itself."""
    run = audited(problem(equations))
    others = run.written_out
    if not others:
        assert not INNER[equations]
        return
    cells = [Cell(step, Quantity("loss", "L", "L"), ()) for step in (1, 2)]
    entries = [(j, k) for j in (0, 1) for k in range(3)] if "X@" in equations else [()]
    cells += [Cell(2, Quantity("gradients", "v", "dL/dv"), entry, entry) for entry in entries]
    right, own = follow(run, [], cells), follow(others[which], [], cells)
    assert right.keys() == own.keys() == {*cells}
    for cell in cells:
        apart = as_ball(right[cell].ball) - as_ball(own[cell].ball)
        assert apart.contains(0)
        assert abs(float(apart.mid())) < 1e-20


def test_logarithms_are_lines_only_if_wanted() -> None:
    text = "z = w*x + b\np = sigmoid(z)\nL = -mean(y*log(p) + (1 - y)*log(1 - p))"
    without, beside = (lines(text, logarithms=logarithms) for logarithms in (False, True))
    assert [*without] == ["z", "p", "L"]
    assert beside["L"] == "-mean(y[i]*inner 1[i] + (1 - y[i])*inner 2[i], i)"
    assert [beside["inner 1"], beside["inner 2"]] == ["log(p[i])", "log(1 - p[i])"]


@pytest.mark.parametrize("equations", ["L = mean((v*x - t)^2)", "h = tanh(v*x); L = mean(h)", "L = mean(abs(v*x - t))"])
def test_a_graph_without_such_functions_is_itself(equations: str) -> None:
    run = audited(problem(equations))
    assert written_out(run.problem.graph, logarithms=True) is run.problem.graph
    assert run.written_out == ()
