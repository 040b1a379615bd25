"""Losses as multiples of a sum of squared residuals, by how many numbers they are divided."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.graph.graph import Graph
from derive.graph.squared_residual import squared_residual
from derive.problem.loading import load

HEAD = "[data]\nx = [[1, 2], [3, 4], [5, 6]]\ny = [[1, 3], [2, 5], [0, 1]]\n[parameters]\nw = 1\n"


def graph_of(equations: str) -> Graph:
    return load(f'equations = """\n{equations}\n"""\n{HEAD}').graph


@pytest.mark.parametrize(
    ("equations", "weight", "of_samples", "axes"),
    [
        ("l = mean((w*x - y)^2)", Fraction(1, 2), -1, 2),
        ("l = sum((w*x - y)^2)/(2*n)", Fraction(1, 2), -1, 2),
        ("d = w*x - y\ne = d*d\nl = 3*sum(e)/4", Fraction(3, 4), 0, 2),
        ("l = 1/n * sum(1/4*(w*x - y)^2)", Fraction(1, 4), -1, 2),
    ],
)
def test_by_what_the_squares_are_divided(equations: str, weight: Fraction, of_samples: int, axes: int) -> None:
    squares = squared_residual(graph_of(equations))
    assert squares is not None
    assert (squares.weight, squares.of_samples, len(squares.axes)) == (weight, of_samples, axes)
    assert (squares.share_of_mean(None) == 1) == (weight == Fraction(1, 2) and of_samples == -1)


@pytest.mark.parametrize(
    "equations",
    ["l = mean(abs(w*x - y))", "l = mean((w*x - y)^2) + w^2", "l = mean((w*x)^2)", "l = sqrt(mean((w*x - y)^2))"],
)
def test_what_is_no_sum_of_squared_residuals(equations: str) -> None:
    assert squared_residual(graph_of(equations)) is None


def test_the_article_and_a_parabola() -> None:
    article, parabola = (squared_residual(load(name).graph) for name in ("article", "parabola"))
    assert article is not None
    assert article.share_of_mean(None) == 1
    assert not article.is_single(3)
    assert article.is_single(1)
    assert parabola is not None
    assert parabola.is_single(None)
