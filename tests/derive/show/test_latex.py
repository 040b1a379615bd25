"""LaTeX that compiles, fits the page, and shows in a notebook."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given

import derive
from derive.algebra.expression import Apply, Axis, Expr, Ref, replace
from derive.chain.derivation import Derivation, differentiate
from derive.errors import Place
from derive.graph.graph import Graph
from derive.paper.syntax import read_expression
from derive.show.latex import Latex, aligned, display, to_latex
from derive.show.tex import measure
from derive.steps.steps import sections
from tests.problems import ARTICLE_LINES
from tests.trees import RATIONAL, SMOOTH, graph_of, graphs

PDFLATEX = shutil.which("pdflatex")


def resolved(text: str) -> Expr:
    return replace(read_expression(text, Place("test", text=text)), lambda ref: Ref(ref.name, ref.axes or ()))


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("w*x[i] + b - y[i]", r"w \, x_{i} + b - y_{i}"),
        ("a*2", r"a \cdot 2"),
        ("a/b", r"\frac{a}{b}"),
        ("-a/b", r"-\frac{a}{b}"),
        ("(a/b)^2", r"\biggl(\frac{a}{b}\biggr)^{2}"),
        ("a^(b/2)", r"a^{\frac{b}{2}}"),
        ("(a + b)*c", r"(a + b) \, c"),
        ("d[i]^2", r"d_{i}^{2}"),
        ("x^-1", "x^{-1}"),
        ("sum(x[i] + b, i)", r"\sum_{i} (x_{i} + b)"),
        ("mean(x[i], i)", r"\operatorname{mean}_{i}(x_{i})"),
        ("(2/n)*sum(x[i], i)", r"\frac{2}{n} \, \sum_{i} x_{i}"),
        ("sqrt(x + 1)", r"\sqrt{x + 1}"),
        ("abs(x)", r"\lvert x\rvert "),
        ("sigmoid(w*x)", r"\sigma(w \, x)"),
        ("tanh(z)^2", r"\tanh(z)^{2}"),
        ("softplus(z)", r"\operatorname{softplus}(z)"),
        ("relu(z)", r"\operatorname{relu}(z)"),
        ("max(a, b)", r"\max(a, b)"),
        ("1/(1 + exp(-x))", r"\frac{1}{1 + \exp(-x)}"),
        ("1e-13", "10^{-13}"),
        ("2.5e-13*x", r"2.5 \cdot 10^{-13} \, x"),
        ("(1 - sigmoid(z))^2", r"\bigl(1 - \sigma(z)\bigr)^{2}"),
    ],
)
def test_formulas(text: str, tex: str) -> None:
    assert Latex().show(resolved(text)) == tex


def test_what_cannot_be_typed() -> None:
    a, b = Ref("a", ()), Ref("b", ())
    assert Latex().show(Apply("greater", (a, b))) == r"\lbrack a > b\rbrack "
    assert Latex().show(Apply("at_least", (a, b))) == r"\lbrack a \ge b\rbrack "
    assert Latex().show(Apply("pi", ())) == r"\pi"
    assert Latex().ref(Ref("l#1", (Axis("i", "n"),))) == "{l}^{(1)}_{i}"
    assert Latex().show(Apply("pow", (Ref("l#1", ()), a))) == r"\bigl({l}^{(1)}\bigr)^{a}"


@given(graphs((*RATIONAL, *SMOOTH)))
def test_parentheses_and_braces_are_balanced_and_no_row_is_too_wide(graph: Graph) -> None:
    for section in sections(differentiate(graph)):
        for equation in section.equations:
            rows = aligned(equation)
            text = " ".join(rows)
            assert text.count("{") == text.count("}")
            for size in ("big", "Big", "bigg", "Bigg"):
                assert text.count(rf"\{size}l") == text.count(rf"\{size}r")
            assert all(measure(row) < 460 for row in rows)


NESTED = """h1 = tanh(w1*x + b1)
h2 = tanh(w2*h1 + b2)
h3 = sigmoid(w3*h2 + b3*h1)
e = (h3 - y)^2
l = sqrt(mean(e)) + 0.01*(w1^2 + w2^2 + w3^2)"""
LOGISTIC = "y_hat = sigmoid(w_1*x + w_2*α + lambda)\nl = -mean(y*log(y_hat) + (1 - y)*log(1 - y_hat))"
ODD = "ж = max(w*x, 0.5)^1.5 + abs(w_out)/e_1\ne_1 = 1e-20*w + π\nl = mean(softplus(ж)) + relu(w)"
PARTS = "\n".join(["x0 = w", *(f"u{k} = mean(exp(x{k})*t)^2\nx{k + 1} = u{k} + x{k}/3" for k in range(4))])


def compiled(tmp_path: Path, text: str) -> str:
    """The log of pdflatex, which must find nothing wrong."""
    assert PDFLATEX is not None
    (tmp_path / "derivation.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "derivation.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-3000:]
    return log


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex is installed here: that the document compiles is not tested")
@pytest.mark.parametrize(
    ("text", "parameters", "data"),
    [
        (ARTICLE_LINES, ["w", "b"], ["x", "y"]),
        (LOGISTIC, ["w_1", "w_2", "α", "lambda"], ["x", "y"]),
        (NESTED, ["w1", "w2", "w3", "b1", "b2", "b3"], ["x", "y"]),
        (ODD, ["w", "w_out"], ["x"]),
        (PARTS, ["w"], ["t"]),
        ("l = " + " + ".join(f"sin(w*{k})^2/(w + {k})" for k in range(1, 12)), ["w"], []),
    ],
    ids=["article", "logistic", "nested", "odd names", "parts", "long"],
)
def test_the_document_compiles_and_nothing_runs_off_the_page(
    tmp_path: Path, text: str, parameters: list[str], data: list[str]
) -> None:
    derivation = differentiate(graph_of(text, parameters, data))
    log = compiled(tmp_path, to_latex(derivation, r"100% of #1_a & {b} ~ ^ \x $ „é“ α ж <|>"))
    assert "Overfull" not in log
    assert "Missing" not in log


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex is installed here: that the document compiles is not tested")
@pytest.mark.parametrize("name", [name for name, _ in derive.shipped()])
def test_the_shipped_problems_compile(tmp_path: Path, name: str) -> None:
    problem = derive.load(name)
    assert "Overfull" not in compiled(tmp_path, to_latex(derive.derive(problem), problem.title))


def article() -> Derivation:
    return derive.derive("article")


def test_a_notebook_shows_the_derivation() -> None:
    shown = article()._repr_latex_()
    assert shown == display(article())
    assert shown.startswith("$$\\begin{aligned}\n")
    assert shown.endswith("\n\\end{aligned}$$")
    assert r"\frac{\partial l}{\partial w} &= \sum_{i}" in shown
    assert r"&= \frac{2}{n} \, \sum_{i} (w \, x_{i} + b - y_{i}) \, x_{i} && \text{(17)}" in shown
    assert r"&\textbf{Chain rule for $w$}" in shown
    assert "\n\n" not in shown


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex is installed here: that the formula compiles is not tested")
def test_the_notebook_s_formula_is_latex(tmp_path: Path) -> None:
    document = "\\documentclass{article}\\usepackage{amsmath}\\begin{document}%s\\end{document}"
    compiled(tmp_path, document % display(article()))


def test_ascii_drops_accents_of_the_title() -> None:
    assert to_latex(article(), "Café", ascii_only=True).isascii()
    assert "Café" in to_latex(article(), "Café")
