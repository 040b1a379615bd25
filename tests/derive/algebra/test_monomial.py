"""Products are simplified as a person does it, and keep their value."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Axis, Expr, Number, Position, Reduce, Ref, replace
from derive.algebra.monomial import Monomial, collect
from derive.algebra.sums import add_up
from derive.errors import Place
from derive.paper.syntax import read_expression
from derive.show.notation import Ascii
from tests.trees import value

SAMPLES = 3
ROW = Axis("i", "n")
VALUES = {
    "a": Fraction(2, 3),
    "b": Fraction(-5),
    "c": Fraction(7, 2),
    "n": Fraction(SAMPLES),
    "x": [Fraction(1, 2), Fraction(-3), Fraction(4)],
    "y": [Fraction(5), Fraction(1, 7), Fraction(-2)],
}


def read(text: str) -> Expr:
    return replace(
        read_expression(text, Place("test", text=text)),
        lambda ref: Ref(ref.name, (ROW,) if ref.name in "xy" else ()),
    )


@pytest.mark.parametrize(
    ("factors", "product"),
    [
        (["1/n", "2*a", "1", "1", "b"], "2*a*b/n"),
        (["a", "b", "a"], "a^2*b"),
        (["-a", "b", "-1"], "a*b"),
        (["-a", "2"], "-2*a"),
        (["a/b", "b"], "a"),
        (["a/b", "c/b"], "a*c/b^2"),
        (["a^2", "1/a^3"], "1/a"),
        (["2/3", "a", "3/2"], "a"),
        (["a + b", "a + b", "c"], "(a + b)^2*c"),
        (["0", "a"], "0*a"),
        ([], "1"),
        (["-(a - b)/c"], "-(a - b)/c"),
    ],
)
def test_products(factors: list[str], product: str) -> None:
    assert Ascii().show(collect(tuple(map(read, factors))).tree()) == product


@pytest.mark.parametrize(
    ("factors", "total"),
    [
        (["1/n", "2*x", "a"], "(2*a/n)*sum(x[i], i)"),
        (["x", "y"], "sum(x[i]*y[i], i)"),
        (["a", "b"], "a*b*n"),
        (["1/n", "a"], "a"),
        (["-x"], "-sum(x[i], i)"),
        (["x/n", "y"], "(1/n)*sum(x[i]*y[i], i)"),
    ],
)
def test_sums_take_out_what_is_constant(factors: list[str], total: str) -> None:
    monomial = collect(tuple(map(read, factors))).summed_over((ROW,))
    assert Ascii().show(monomial.tree()) == total


PIECES = st.sampled_from(["a", "-b", "c^2", "1/a", "x", "x*y", "a/(b*c)", "-3", "2/5", "(a + x)", "-(x - y)/c", "c^-1"])


@given(st.lists(PIECES, min_size=1, max_size=6))
def test_a_product_keeps_its_value(texts: list[str]) -> None:
    trees = [read(text) for text in texts]
    for at in range(SAMPLES):
        expected = Fraction(1)
        for tree in trees:
            expected *= value(tree, VALUES, {ROW: at}, SAMPLES)
        assert value(collect(trees).tree(), VALUES, {ROW: at}, SAMPLES) == expected


@given(st.lists(PIECES, min_size=1, max_size=6))
def test_a_sum_keeps_its_value(texts: list[str]) -> None:
    trees = [read(text) for text in texts]
    summed = collect(trees).summed_over((ROW,)).tree()
    expected = sum(value(collect(trees).tree(), VALUES, {ROW: at}, SAMPLES) for at in range(SAMPLES))
    assert value(summed, VALUES, {}, SAMPLES) == expected


@given(st.lists(st.lists(PIECES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_adding_up_keeps_the_value(products: list[list[str]]) -> None:
    monomials = [collect([read(text) for text in texts]).summed_over((ROW,)) for texts in products]
    expected = sum(value(monomial.tree(), VALUES, {}, SAMPLES) for monomial in monomials)
    assert value(add_up(monomials), VALUES, {}, SAMPLES) == expected


@pytest.mark.parametrize(
    ("terms", "total"),
    [
        (["a*b", "a*b"], "2*a*b"),
        (["a*b", "-a*b"], "0"),
        (["a*b", "a*c"], "a*(b + c)"),
        (["-a*b", "a*c"], "a*(c - b)"),
        (["a", "b"], "a + b"),
        (["-a", "b"], "b - a"),
        (["-a", "-b"], "-a - b"),
    ],
)
def test_equal_terms_are_counted_and_common_factors_taken_out(terms: list[str], total: str) -> None:
    assert Ascii().show(add_up([collect([read(term)]) for term in terms])) == total


def test_a_monomial_over_two_sums() -> None:
    monomial = Monomial(Fraction(-1, 2), ((Ref("a", ()), 1),), ((Ref("x", (ROW,)), 2),), (ROW,))
    assert Ascii().show(monomial.tree()) == "-(a/2)*sum(x[i]^2, i)"
    assert isinstance(monomial.unsigned(), Reduce) is False


@pytest.mark.parametrize(
    ("number", "size", "is_one"),
    [
        *((Fraction(0), 3, True), (Fraction(2), 3, True), (Fraction(3), 3, False), (Fraction(-1), 3, False)),
        *((Fraction(1, 2), 3, False), (Fraction(0), "n", True), (Fraction(1), "n", False)),
    ],
)
def test_a_number_of_an_axis_is_equal_to_its_index_once(number: Fraction, size: int | str, is_one: bool) -> None:
    """Σₖ [2 = k] is 1 where k runs over 0, 1 and 2; 0 for a number that k is not; open for n, which is 1 at least."""
    axis = Axis("k", size)
    product = Monomial(Fraction(2), ((Apply("equal", (Number(number), Position(axis))), 1),))
    expected = (Monomial(Fraction(2), ()), ()) if is_one else (product, (axis,))
    assert product.without_one_hots((axis,)) == expected
