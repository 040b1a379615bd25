"""Closed forms against differences of the loss in 60 digits; and as a person writes them."""

import mpmath
import pytest

import derive
from derive.chain.derivation import Derivation, differentiate
from derive.chain.formulas import Formulas
from derive.graph.graph import Graph, build
from derive.paper.lines import read_lines
from derive.show.notation import Text
from derive.show.sides import shown
from tests.by_differences import DIGITS, given, slope, tabulated, with_lines

LOGITS = "z[i,k] = sum(x[i,j]*W[j,k], j) + b[k]\n"
SOFTMAX = LOGITS + "p[i,k] = exp(z[i,k])/sum(exp(z[i,m]), m)\n"
BCE = "l = -mean(y*log(p) + (1-y)*log(1-p))"


def graph_of(text: str) -> Graph:
    """Equations in w, b, W and V, in data x, t and y; with indices, b and x have one more axis."""
    indexed = "[" in text or "@" in text
    shapes = {"w": (), "b": (3,) if indexed else (), "W": (2, 3), "V": (3,)}
    data = {"x": (2,) if indexed else (), "t": (3,) if indexed else (), "y": ()}
    used = {name for name in (*shapes, *data) if any(name == token for token in _words(text))}
    return build(
        read_lines(text),
        parameters={name: shape for name, shape in shapes.items() if name in used},
        data={name: shape for name, shape in data.items() if name in used},
    )


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text).split()


def check(derivation: Derivation, labels: int | None = None) -> None:
    """Every closed form is the slope of the loss, to 15 digits of the 20 that the difference has."""
    graph = derivation.graph
    with mpmath.workdps(DIGITS):
        for seed in (1, 2):
            tables = given(graph, seed, labels)
            known = with_lines(graph, tables)
            for name in derivation.wrt:
                closed = Formulas(derivation).gradient(name).closed
                if closed is None:
                    continue
                ours, theirs = tabulated(closed, graph.by_name[name].axes, known), slope(graph, tables, name)
                for place, value in theirs.items():
                    assert abs(ours[place] - value) <= mpmath.mpf(10) ** -15 * (1 + abs(value)), (name, place)


@pytest.mark.parametrize("name", [name for name, _ in derive.shipped()])
def test_the_shipped_problems(name: str) -> None:
    derivation = derive.derive(name)
    check(derivation, labels=3 if name == "softmax" else None)


TEXTS = {
    "l = (w*x + b - y)^2/n": {"b": "(2/n) Σᵢ (w xᵢ + b − yᵢ)", "w": "(2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ"},
    f"p = σ(w*x + b)\n{BCE}": {"w": "(1/n) Σᵢ (σ(w xᵢ + b) − yᵢ) xᵢ", "b": "(1/n) Σᵢ (σ(w xᵢ + b) − yᵢ)"},
    f"z = w*x + b\np = 1/(1 + exp(-z))\n{BCE}": {"w": "(1/n) Σᵢ (pᵢ − yᵢ) xᵢ"},
    f"p = 1/(1 + exp(-(w*x + b)))\n{BCE}": {"w": "(1/n) Σᵢ (pᵢ − yᵢ) xᵢ"},
    "p = σ(w*x)\nu = 1 - p\nl = -mean(y*log(p) + (1-y)*log(u))": {"w": "(1/n) Σᵢ (σ(w xᵢ) − yᵢ) xᵢ"},
    "l = -mean(y*log(σ(w*x)) + (1-y)*log(1-σ(w*x)))": {"w": "(1/n) Σᵢ (σ(w xᵢ) − yᵢ) xᵢ"},
    SOFTMAX + "l = -mean(sum(t[i,k]*log(p[i,k]), k), i)": {"W": "(1/n) Σᵢ (pᵢₖ Σₚ tᵢₚ − tᵢₖ) xᵢⱼ"},
    SOFTMAX + "l = -mean(log(p[i,1]), i)": {"W": "(1/n) Σᵢ xᵢⱼ (pᵢₖ − [1 = k])"},
    SOFTMAX + "l = -mean(log(p[i,y[i]]), i)": {"W": "(1/n) Σᵢ (pᵢₖ − [yᵢ = k]) xᵢⱼ", "b": "(1/n) Σᵢ (pᵢₖ − [yᵢ = k])"},
    LOGITS + "e[i,k] = exp(z[i,k])\ns[i] = sum(e[i,k], k)\np[i,k] = e[i,k]/s[i]\nl = -mean(log(p[i,y[i]]), i)": {
        "b": "(1/n) Σᵢ (pᵢₖ − [yᵢ = k])"
    },
    "z = x @ W + b\np = softmax(z)\nl = -mean(log(pick(p, y)))": {
        "b": "(1/n) Σᵢ (softmaxⱼ(Σₖ xᵢₖ Wₖⱼ + bⱼ) − [yᵢ = j])"
    },
    "o = σ(w*x + b)\nl = mean((o - y)^2)": {"w": "(2/n) Σᵢ (oᵢ − yᵢ) oᵢ (1 − oᵢ) xᵢ"},
    "h = tanh(w*x)\nl = mean((h - y)^2)": {"w": "(2/n) Σᵢ (hᵢ − yᵢ) (1 − hᵢ²) xᵢ"},
    "h = exp(w*x)\nl = mean((h - y)^2)": {"w": "(2/n) Σᵢ (hᵢ − yᵢ) hᵢ xᵢ"},
    "s = sqrt(w^2 + b^2)\nl = (s - 3)^2": {"w": "2 (s − 3) w/s"},
    "a = sin(w)\nl = a^2": {"w": "2 sin(w) cos(w)"},
    "q = w*x\nl = mean((q^2 + q)^2)": {"w": "(2 w/n) Σᵢ (w xᵢ + 1) (2 w xᵢ + 1) xᵢ²"},
    "l = sum(w*x)*sum(w*x)": {"w": "2 w (Σⱼ xⱼ)²"},
    "z[i,k] = sum(x[i,j]*W[j,k], j)\nl = mean(log(sum(exp(z[i,k]), k)) - log(sum(exp(z[i,m]), m)) + z[i,1], i)": {
        "W": "([1 = k]/n) Σᵢ xᵢⱼ"
    },
    "u = mean(t*w)^2\nv = sin(w) + u\nr = mean(t*v)^2\nl = sin(v) + r": {},
    "m[i] = max(x[i,j]*W[j,0], j)\nl = mean(m)": {},
    "l = mean(max(w*x, b)^2) + mean(min(w*x, y))": {},
    "h = relu(x @ W + b)\nl = mean(h @ V)^2": {},
    "z = x @ W + b\nd = z - mean(z)\nl = mean(d^2/(1 + d^2))": {},
}


@pytest.mark.parametrize("text", TEXTS)
def test_closed_forms_are_slopes_and_read_well(text: str) -> None:
    derivation = differentiate(graph_of(text))
    check(derivation, labels=3 if "y[i]" in text or "pick" in text else None)
    for name, expected in TEXTS[text].items():
        closed = Formulas(derivation).gradient(name).closed
        assert closed is not None
        assert shown(closed, Text()) == expected
