"""`derive article` in every format, byte for byte; and its formulas against a derivative of another making."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
import sympy

import derive
from derive.algebra.expression import Expr, Reduce, Ref, children, rebuild
from derive.command import FORMATS, render
from derive.errors import Place
from derive.paper.syntax import read_expression
from tests.trees import composed, symbols, value

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "text": "article.txt",
    "latex": "article.tex",
    "markdown": "article.md",
    "json": "article.json",
    "mermaid": "article.mmd",
    "dot": "article.dot",
}


def golden(name: str) -> str:
    return (GOLDEN / name).read_bytes().decode()


@pytest.mark.parametrize("form", FORMATS)
def test_the_article_in_every_format(form: str) -> None:
    problem = derive.load("article")
    assert render(derive.derive(problem), form, problem.title, "SGD") == golden(FILES[form])


def test_the_article_in_ascii() -> None:
    problem = derive.load("article")
    assert render(derive.derive(problem), "text", problem.title, "SGD", ascii_only=True) == golden("article-ascii.txt")


def with_indices(expr: Expr) -> Expr:
    """Every name as a reference that knows its axes, as the graph would make it."""
    if isinstance(expr, Ref):
        return Ref(expr.name, expr.axes or ())
    if isinstance(expr, Reduce):
        return Reduce(expr.op, with_indices(expr.body), expr.axes)
    return rebuild(expr, tuple(map(with_indices, children(expr))))


@pytest.mark.parametrize("name", ["w", "b"])
def test_the_closed_forms_in_the_golden_files_are_the_derivative_of_the_loss(name: str) -> None:
    """Read back from the printed text, and compared with `sympy.diff` of the loss written out sample by sample."""
    gradients = json.loads(golden("article.json"))["gradients"]
    closed = next(gradient["closed"] for gradient in gradients if gradient["wrt"] == name)
    assert f"= {closed}\n" in golden("article-ascii.txt")
    tree = with_indices(read_expression(closed, Place("golden", text=closed)))

    samples, graph = 3, derive.load("article").graph
    names = symbols(graph, samples)
    slope = sympy.diff(composed(graph, names, samples), names[name])
    for w, b in ((Fraction(0), Fraction(0)), (Fraction(-7, 3), Fraction(5, 2))):
        x, y = [Fraction(k) for k in (3, 4, 5)], [Fraction(k) for k in (16, 18, 20)]
        at = {
            names["w"]: w,
            names["b"]: b,
            **dict(zip(names["x"], x, strict=True)),
            **dict(zip(names["y"], y, strict=True)),
        }
        expected = slope.subs({symbol: sympy.Rational(v.numerator, v.denominator) for symbol, v in at.items()})
        found = value(tree, {"w": w, "b": b, "x": x, "y": y, "n": Fraction(samples)}, {}, samples)
        assert found == Fraction(int(expected.p), int(expected.q))


@pytest.mark.parametrize("name", ["w", "b"])
def test_the_formats_agree_on_the_closed_form(name: str) -> None:
    factor = {"w": ") xᵢ", "b": ")"}[name]
    closed = f"(2/n) Σᵢ (w xᵢ + b − yᵢ{factor}"
    assert re.search(rf"^ +\(\d+\) +{re.escape('= ' + closed)}$", golden("article.txt"), re.MULTILINE)
    tail = {"w": r") \, x_{i}", "b": ")"}[name]
    latex = rf"= \frac{{2}}{{n}} \, \sum_{{i}} (w \, x_{{i}} + b - y_{{i}}{tail} \tag"
    assert f"&{latex}" in golden("article.tex")
    assert latex.replace(r"\,", r"\thinspace") in golden("article.md")


def test_the_partials_of_the_picture_are_those_of_the_text() -> None:
    """Seven backward edges, labelled as the article's figure labels them; none leads to data or to n."""
    labels = ["∂z/∂l = 1", "∂l/∂e = 1/n", "∂e/∂d = 2 d", "∂d/∂c = 1", "∂c/∂a = 1", "∂c/∂b = 1", "∂a/∂w = x"]
    assert re.findall(r'-\.->\|"(.*?)"\|', golden("article.mmd")) == labels
    assert [label.strip() for label in re.findall(r'dir=back, label="(.*?)"', golden("article.dot"))] == labels
    for label in labels:
        indexed = re.sub(r"[₀-ₜᵢⱼ]", "", golden("article.txt"))
        assert re.sub(r" +=", " =", indexed).count(label) == 1


def test_all_formats_number_alike() -> None:
    numbers = list(range(1, 23))
    assert [int(n) for n in re.findall(r"^ +\((\d+)\)", golden("article.txt"), re.MULTILINE)] == numbers
    for name in ("article.tex", "article.md"):
        assert [int(n) for n in re.findall(r"\\tag\{(\d+)\}", golden(name))] == numbers


@pytest.mark.parametrize("name", ["article-ascii.txt", "article.tex"])
def test_ascii_is_ascii(name: str) -> None:
    assert golden(name).isascii()


def test_every_golden_file_is_compared() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {*FILES.values(), "article-ascii.txt"}
