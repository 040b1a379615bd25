"""What a Σ sums: the product behind it, unless it stands in parentheses or a divisor, or is a function by its name."""

import ast
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Reduce, walk
from derive.errors import EquationError, Place
from derive.paper.sums import covered
from derive.paper.syntax import read_expression
from derive.problem.loading import load
from derive.show.notation import Ascii


def shown(text: str, *, covers: bool = True) -> str:
    return Ascii(names={}).show(read_expression(text, Place("claim", 1, 1, text), covers=covers))


@pytest.mark.parametrize(
    ("text", "on_paper"),
    [
        ("2/n*Σ(a)*x", "(2/n)*sum(a*x)"),
        ("2/n*∑ (a)·x", "(2/n)*sum(a @ x)"),
        ("Σ(a)*x/m + b*c", "sum(a*x/m) + b*c"),
        ("-Σ(a)*x - Σ(b)*y", "-sum(a*x) - sum(b*y)"),
        ("Σ(Σ(a)*u)*x", "sum(sum(a*u)*x)"),
        ("(2*Σ(a)*b)*x", "2*sum(a*b)*x"),
    ],
)
def test_a_sign_sums_the_product_behind_it(text: str, on_paper: str) -> None:
    assert shown(text) == on_paper
    assert shown(text, covers=False) != on_paper


@pytest.mark.parametrize(
    "text",
    ["Σ(a)*Σ(b)", "Σ(a)/Σ(b)", "c/Σ(a)*x", "(Σ(a))*x", "(2*Σ(a))*x", "Σ(a) + b*x", "x*Σ(a)", "Σ(x[i], i)*y[i]"],
)
def test_a_sign_sums_its_parentheses(text: str) -> None:
    assert shown(text) == shown(text, covers=False)


@pytest.mark.parametrize("function", ["sum", "mean", "σ", "exp"])
def test_a_function_ends_with_its_parentheses(function: str) -> None:
    assert shown(f"{function}(a)*x") == shown(f"x*{function}(a)").removeprefix("x*") + "*x"


@pytest.mark.parametrize("sign", ["Σᵢ", "Σ_i", "∑ᵢ", "Σᵢ ", "∑_i "])
@pytest.mark.parametrize("covers", [False, True])
def test_a_sign_with_its_index(sign: str, covers: bool) -> None:
    assert shown(f"2/n*{sign}(w*xᵢ - y[i])*xᵢ/m", covers=covers) == "(2/n)*sum((w*x[i] - y[i])*x[i]/m, i)"
    assert shown(f"{sign}(w*x - y)*x", covers=covers) == "sum((w*x - y)*x)"  # nothing has an index
    with pytest.raises(EquationError, match="with a power"):
        shown(f"{sign}(w*xᵢ)²", covers=covers)


def test_a_sign_that_is_a_name_is_one() -> None:
    assert shown("Σᵢ*x[i] + Σ_k + Σ[i,j]") == "Σ[i]*x[i] + Σ_k + Σ[i,j]"


def test_a_sign_with_two_indices() -> None:
    assert shown("Σᵢⱼ(a[i,j])*b[i,j]") == shown("Σ_ij(a[i,j])*b[i,j]") == "sum(a[i,j]*b[i,j], i, j)"


FACTORS = st.sampled_from(["a", "Σ(b)", "(Σ(c))", "Σᵢ(d[i])", "sum(e)", "(a + b)", "(a*Σ(b))", "2", "-a"])


@given(st.lists(st.tuples(st.sampled_from("*/·"), FACTORS), min_size=1, max_size=6), FACTORS)
def test_every_factor_is_read_once(pairs: list[tuple[str, str]], first: str) -> None:
    """What is covered is moved, and nothing is left out or said twice."""
    text = first + "".join(sign + (f"({factor})" if factor == "-a" else factor) for sign, factor in pairs)
    trees = [read_expression(text, Place("claim", 1, 1, text), covers=covers) for covers in (False, True)]
    one, other = (sorted(type(part).__name__ + getattr(part, "op", "") for part in walk(tree)) for tree in trees)
    assert one == other


def test_of_a_sum_alone_nothing_is_covered() -> None:
    tree = ast.parse("2*Σ(a)", mode="eval").body
    assert covered(tree, "2*Σ(a)".encode()) is None


def test_what_stands_behind_a_sum_is_kept() -> None:
    whole = read_expression("Σ(a)*x", Place("claim", 1, 1, "Σ(a)*x"))
    assert isinstance(whole, Apply)
    assert isinstance(whole.args[0], Reduce)
    assert whole.args[0].after == whole.args[1:]


def test_many_sums_inside_one_another_take_no_time() -> None:
    text = "Σ(a)*(" * 45 + "x" + ")" * 45
    start = time.perf_counter()
    shown(text)
    shown(text, covers=False)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("loss", ["1/n*Σ(w*x - y)*(w*x - y)", "Σ(x)*x*w/n", "w*Σ(x)*(2*x)/n"])
def test_an_equation_in_which_two_things_can_be_meant_is_refused(loss: str) -> None:
    with pytest.raises(EquationError, match=r"Σ\(…\)\*… means Σ\(…\*…\) on paper, and 'x' behind this Σ runs over"):
        load(f"l = {loss}")


@pytest.mark.parametrize("loss", ["Σ((w*x - y)^2)*w/n", "Σ(x)*Σ(w*x)", "(Σ(x))*w*mean(x)", "Σ(x)*w/sum(x^2)"])
def test_an_equation_that_means_the_same_both_ways_is_read(loss: str) -> None:
    assert load(f"l = {loss}").graph.loss == "l"
