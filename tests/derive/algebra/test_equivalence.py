"""Formulas that are one are known as one, whatever the letters of their sums; others are not."""

import pytest

from derive.algebra.equivalence import canonical, matched
from derive.algebra.expression import Axis, Expr, Reduce, Ref, children, rebuild
from derive.errors import Place
from derive.paper.syntax import read_expression

SIZES = {"i": "n"}
ROW, K, M = Axis("i", "n"), Axis("k", 3), Axis("m", 3)


def read(text: str) -> Expr:
    return resolved(read_expression(text, Place("test", text=text)))


def resolved(expr: Expr) -> Expr:
    """With a size for every index: n for i, 3 for any other."""
    if isinstance(expr, Ref):
        return Ref(expr.name, tuple(Axis(axis.letter, SIZES.get(axis.letter, 3)) for axis in expr.axes or ()))
    if isinstance(expr, Reduce):
        axes = tuple(Axis(axis.letter, SIZES.get(axis.letter, 3)) for axis in expr.axes or ())
        return Reduce(expr.op, resolved(expr.body), axes)
    return rebuild(expr, tuple(map(resolved, children(expr))))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sum(exp(z[i,m]), m)", "sum(exp(z[i,k]), k)"),
        ("a + b*x[i]", "x[i]*b + a"),
        ("sum(x[i,j]*sum(y[j,k], k), j)", "sum(sum(y[p,j], j)*x[i,p], p)"),
        ("a*(b*c)", "(c*a)*b"),
    ],
)
def test_one_formula(first: str, second: str) -> None:
    assert canonical(read(first)) == canonical(read(second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sum(exp(z[i,m]), m)", "sum(exp(z[j,m]), m)"),
        ("sum(x[j,k], k)", "sum(x[k,j], k)"),
        ("a - b", "b - a"),
        ("a/b", "b/a"),
        ("sum(sum(x[j]*y[k], k), j)", "sum(sum(x[j]*y[j], k), j)"),
        ("sum(x[i], i)", "sum(x[k], k)"),
    ],
)
def test_two_formulas(first: str, second: str) -> None:
    assert canonical(read(first)) != canonical(read(second))


def test_a_pattern_is_read_along_other_axes() -> None:
    pattern = read("exp(z[i,k])/sum(exp(z[i,j]), j)")
    found = matched(pattern, read("exp(z[i,m])/sum(exp(z[i,k]), k)"), (ROW, K))
    assert found is not None
    assert (found[ROW], found[K]) == (ROW, M)


@pytest.mark.parametrize(
    "text",
    [
        "exp(z[i,m])/sum(exp(z[j,k]), k)",  # another sample below
        "sum(exp(z[k,m])/sum(exp(z[k,j]), j), j)",
        "exp(z[m,i])/sum(exp(z[i,k]), k)",
        "exp(z[i,m])/sum(exp(q[i,k]), k)",
    ],
)
def test_what_does_not_match(text: str) -> None:
    assert matched(read("exp(z[i,k])/sum(exp(z[i,j]), j)"), read(text), (ROW, K)) is None


def test_a_letter_of_the_pattern_is_never_one_of_a_sum() -> None:
    assert matched(read("sum(x[j,k], j)"), read("sum(x[m,m], m)"), (K,)) is None
    assert matched(read("a*x[k]"), read("x[m]*a"), (K,)) == {K: M}
