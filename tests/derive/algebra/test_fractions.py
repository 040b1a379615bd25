"""What SymPy cancels keeps its value, and is taken only where it is shorter."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Expr, Number, Ref, size
from derive.algebra.fractions import MAX_CANCELLED, cancelled, shorter, turned
from derive.algebra.tidying import product
from derive.errors import Place
from derive.paper.syntax import read_expression
from derive.show.notation import Ascii
from tests.trees import value


def read(text: str) -> Expr:
    return read_expression(text, Place("test", text=text))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("(y/p - (1-y)/(1-p))*p*(1-p)", "y - p"),
        ("y*(1-p) - (1-y)*p", "y - p"),
        ("a/(a*b + a*c)", "1/(b + c)"),
        ("exp(x)*(1/exp(x) + 1)", "1 + exp(x)"),
    ],
)
def test_shorter(text: str, short: str) -> None:
    assert Ascii().show(shorter(read(text))) in (short, "exp(x) + 1")


@pytest.mark.parametrize("text", ["(w*x + b - y)*x", "(a + b)^6*(c + d)^6", "x^0.3 + 1", "a*b", "y/p - (1-y)/(1-p)*q"])
def test_what_would_not_be_shorter_stays_as_it_is(text: str) -> None:
    assert shorter(read(text)) == read(text)


def test_what_is_large_is_not_given_to_sympy() -> None:
    large = read("+".join(f"(a{k}/b - a{k}/b)" for k in range(12)))
    assert size(large) > MAX_CANCELLED or large == shorter(large)


NAMES = ("a", "b", "c")
TREES = st.recursive(
    st.one_of(
        st.sampled_from(NAMES).map(lambda name: Ref(name, ())), st.sampled_from([1, 2]).map(Fraction).map(Number)
    ),
    lambda inner: st.builds(
        lambda op, x, y: Apply(op, (x, y)), st.sampled_from(["add", "sub", "mul", "div"]), inner, inner
    ),
    max_leaves=12,
)
POINTS = [
    {"a": Fraction(2, 3), "b": Fraction(-5, 7), "c": Fraction(11, 2)},
    {"a": Fraction(7), "b": Fraction(3), "c": Fraction(-4)},
]


@given(TREES)
def test_the_value_stays(tree: Expr) -> None:
    for point in POINTS:
        try:
            expected = value(tree, point, {}, 1)
        except ZeroDivisionError:
            assume(False)
        assert value(shorter(tree), point, {}, 1) == expected
        assert value(cancelled(product(tree)).tree(), point, {}, 1) == expected
        assert value(turned(Fraction(-3), tree), point, {}, 1) == -3 * expected
