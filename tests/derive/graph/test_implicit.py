"""Axes without a letter in a line with letters."""

import pytest

from derive.errors import EquationError
from derive.graph.graph import build
from derive.paper.lines import read_lines
from derive.show.notation import Ascii


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("l = sum(a*b)", "sum(a[s]*b[s], s)"),
        ("l = a[0]*sum(a - b)", "sum((0 == k)*a[k], k)*sum(a[s] - b[s], s)"),
        ("l = sum(a[i]*sum(a - b), i)", "sum(a[i]*sum(a[s] - b[s], s), i)"),
        ("l = sum(a[i]*mse(a, c), i)", "sum(a[i]*mean((a[s] - c[s])^2, s), i)"),
        ("l = sum(a[i]*dot(b, c), i)", "sum(a[i]*sum(b[s]*c[s], s), i)"),
        ("l = sum(a[i]*sum(M - b), i)", "sum(a[i]*sum(M[s,j] - b[j], s, j), i)"),
        ("l = sum(a[i]*sum(M - transpose(M)), i)", "sum(a[i]*sum(M[s,j] - M[j,s], s, j), i)"),
        ("l = M[0,1]", "sum((1 == i)*sum((0 == k)*M[k,i], k), i)"),
        ("l = sum(max(a, pi))", "sum(max(a[s], pi), s)"),
    ],
)
def test_axes_that_are_not_written_are_matched_from_the_last_on(line: str, expected: str) -> None:
    text = f"b[s] = a[s]*2\nc[q] = a[q] + b[q]\nM = outer(a, b)\n{line}"
    graph = build(read_lines(text), parameters={"a": (2,)})
    assert Ascii().show(graph.by_name["l"].definition) == expected


@pytest.mark.parametrize("line", ["l = sum(a[i]*b, i)", "l = sum(max(a[i], b), i)", "z[i] = a[i] + b\nl = sum(z)"])
def test_an_axis_that_is_neither_written_nor_summed_is_refused(line: str) -> None:
    message = r"b has the shape \(2,\) and is written without indices in a line that has them; write .* such as b\[k\]"
    with pytest.raises(EquationError, match=message):
        build(read_lines(f"b[s] = a[s]*2\n{line}"), parameters={"a": (2,)})
