"""Tables in LaTeX: where their rows begin."""

from __future__ import annotations

import pytest

from verify.tabular.grid import Source
from verify.tabular.markup import read_latex


@pytest.mark.parametrize(
    "begin", ["{tabular}{SSS}", "{tabular}[t]{SSS}", "{tabularx}{8cm}{lll}", "{tabular*}{8cm}[t]{l}"]
)
def test_names_in_braces_are_no_arguments_of_the_table(begin: str) -> None:
    """As siunitx needs them above its columns."""
    name = begin[1 : begin.index("}")]
    text = rf"\begin{begin}" + "\n{step} & {$w$} & {$b$} \\\\\n1 & 0.5 & 0.25 \\\\\n" + rf"\end{{{name}}}"
    grid = read_latex(Source("t", text))
    assert [[cell.text for cell in row] for row in grid.rows] == [["step", "w", "b"], ["1", "0.5", "0.25"]]
