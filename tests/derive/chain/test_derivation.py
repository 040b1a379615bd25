"""The adjoint equations against `sympy.diff` of the fully composed loss, which knows no chain rule of ours."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive.chain.derivation import Derivation, differentiate
from derive.errors import EquationError
from derive.graph.graph import Graph
from derive.problem.loading import load
from tests.problems import ARTICLE_LINES
from tests.trees import RATIONAL, SMOOTH, Values, adjoints, composed, graph_of, graphs, symbols

EXACT = st.fractions(-3, 3, max_denominator=7)


def values_for(graph: Graph, samples: int, drawn: list[Fraction]) -> Values:
    """Numbers for all given names, with n."""
    numbers = iter(drawn)
    found: Values = {"n": Fraction(samples)}
    for node in graph.nodes:
        if node.kind in ("parameter", "constant", "data"):
            found[node.name] = [next(numbers) for _ in range(samples)] if node.axes else next(numbers)
    return found


def expected(graph: Graph, name: str, values: Values, samples: int) -> object:
    """∂loss/∂name by `sympy.diff`: a number, or a list of them."""
    names = symbols(graph, samples)
    loss = composed(graph, names, samples)
    numbers = {
        symbol: sympy.Rational(value.numerator, value.denominator)
        for name_, symbols_ in names.items()
        for symbol, value in (
            zip(symbols_, values[name_], strict=True) if isinstance(symbols_, list) else [(symbols_, values[name_])]
        )
    }
    wrt = names[name]
    if isinstance(wrt, list):
        return [sympy.diff(loss, symbol).subs(numbers) for symbol in wrt]
    return sympy.diff(loss, wrt).subs(numbers)


def drawn(data: st.DataObject, graph: Graph, samples: int) -> Values:
    numbers = data.draw(st.lists(EXACT, min_size=4 * samples + 4, max_size=4 * samples + 4))
    return values_for(graph, samples, numbers)


def flat(found: object) -> list[object]:
    return found if isinstance(found, list) else [found]


@given(graphs(RATIONAL), st.integers(1, 3), st.data())
def test_rational_graphs_agree_exactly_with_sympy(graph: Graph, samples: int, data: st.DataObject) -> None:
    values = drawn(data, graph, samples)
    names = [*graph.of_kind("parameter"), "x"]
    found = adjoints(differentiate(graph, names), values, samples)
    for name in names:
        assert flat(found[name]) == [Fraction(int(e.p), int(e.q)) for e in flat(expected(graph, name, values, samples))]


@given(graphs((*SMOOTH, *RATIONAL)), st.integers(1, 2), st.data())
def test_smooth_graphs_agree_with_sympy_to_30_digits(graph: Graph, samples: int, data: st.DataObject) -> None:
    values = drawn(data, graph, samples)
    found = adjoints(differentiate(graph), values, samples)
    for name in graph.of_kind("parameter"):
        if name in graph.ancestors:
            ours = sympy.N(sympy.sympify(found[name]), 40)
            theirs = sympy.N(expected(graph, name, values, samples), 40)
            assert abs(ours - theirs) <= sympy.Float("1e-30") * (1 + abs(theirs))


@pytest.mark.parametrize(
    "text",
    [
        "a = x - mean(x*w)\nl = mean(a^2)",  # broadcast inside, summed outside
        "l = sum((w*x - mean((x - mean(b*x))^2))^2)",  # three sums inside one another
        "l = mean(w*sum(x*b)*y)",  # a sum of everything, read by every sample
        "m = mean(w*x)\nd = x - m\nl = sum(d*m)/n + m",  # one reduction read in three places
        "l = (1/n)*w*x - b*y/n",  # a sum left in words, term by term
        "l = mean(x)*w + sum(y)*b",
        "l = w*mean(mean(x*b)*x)",
    ],
)
def test_nested_reductions_and_broadcasts(text: str) -> None:
    parameters = [name for name in ("w", "b") if name in text]
    graph = graph_of(text, parameters, ["x", "y"] if "y" in text else ["x"])
    values = values_for(graph, 3, [Fraction(k * k - 7, k + 2) for k in range(20)])
    found = adjoints(differentiate(graph, [*parameters, "x"]), values, 3)
    for name in (*parameters, "x"):
        assert flat(found[name]) == [Fraction(int(e.p), int(e.q)) for e in flat(expected(graph, name, values, 3))]


def article(wrt: list[str] | None = None) -> Derivation:
    return differentiate(graph_of(ARTICLE_LINES, ["w", "b"], ["x", "y"]), wrt)


def test_the_article_s_first_batch() -> None:
    numbers = {"w": Fraction(0), "b": Fraction(0), "n": Fraction(3)}
    columns = {"x": [Fraction(k) for k in range(3)], "y": [Fraction(10 + 2 * k) for k in range(3)]}
    found = adjoints(article(), {**numbers, **columns}, 3)
    assert (found["w"], found["b"]) == (Fraction(-80, 3), Fraction(-24))


def test_one_adjoint_equation_for_each_name_after_those_it_uses() -> None:
    order = [adjoint.name for adjoint in article().adjoints]
    assert order == ["l", "e", "d", "c", "a", "w", "b"]
    for adjoint in article().adjoints:
        assert all(order.index(edge.of) < order.index(adjoint.name) for edge in adjoint.edges)


def test_any_names_can_be_derived_for_and_only_what_they_need_is() -> None:
    found = article(["c", "x"])
    assert found.wrt == ("c", "x")
    assert [adjoint.name for adjoint in found.adjoints] == ["l", "e", "d", "c", "a", "x"]


@pytest.mark.parametrize(
    ("wrt", "message"),
    [
        ("bb", "unknown name 'bb' to derive for; did you mean 'b'?"),
        ("n", "'n' is the number of samples; the loss is not differentiated by it"),
    ],
)
def test_names_that_cannot_be_derived_for(wrt: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        article([wrt])
    assert str(caught.value) == message


def test_a_name_that_the_loss_does_not_depend_on_has_no_edges() -> None:
    graph = graph_of("s = w*3\nl = (w - 1)^2", ["w"])
    assert [a.edges for a in differentiate(graph, ["s"]).adjoints if a.name == "s"] == [()]


def test_ten_thousand_lines_are_no_trouble() -> None:
    lines = ["x0 = w", *(f"x{k + 1} = x{k}/2 + x{k}/3" for k in range(10_000))]
    found = differentiate(graph_of("\n".join(lines), ["w"]))
    assert len(found.adjoints) == 10_002


def test_a_number_of_paths_that_explodes_is_no_trouble() -> None:
    lines = ["x0 = w", *(f"x{k + 1} = x{k}^2 + x{k}" for k in range(12))]
    values: Values = {"w": Fraction(1, 100)}
    slope, x = Fraction(1), Fraction(1, 100)
    for _ in range(12):
        slope, x = slope * (2 * x + 1), x * x + x
    assert adjoints(differentiate(graph_of("\n".join(lines), ["w"])), values, 1)["w"] == slope


@pytest.mark.parametrize("base", ["(-2)", "(1 - 1.5)"])
def test_a_variable_exponent_of_what_is_not_positive_is_refused_where_it_stands(base: str) -> None:
    text = f"l = 1 + {base}^w"
    message = "the derivative of this power with respect to w contains the logarithm of its base, which is not a real "
    with pytest.raises(EquationError, match=message) as caught:
        differentiate(graph_of(text, ["w"]))
    shown = f"expected a positive base, or an exponent without w\n    {text}\n            ^"
    assert str(caught.value).endswith(shown)


def test_a_power_of_minus_one_whose_exponent_is_data_is_derived() -> None:
    derivation = differentiate(graph_of("l = sum((-1)^k*w)", ["w"], ["k"]))
    assert len(derivation.edges) == 1


def test_a_derivative_without_a_value_names_the_line() -> None:
    with pytest.raises(EquationError, match=r":2:1: the derivative of this line has no real value anywhere"):
        differentiate(graph_of("a = w*2\nl = a*log(a - a)", ["w"]))


def test_a_derivation_is_kept_for_the_same_lines_at_the_same_places_alone() -> None:
    """An equal graph that stands elsewhere is its own: a message names where a line stands."""
    text = 'equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = 0.1\nsteps = 1\n'
    graph = load(text).graph
    assert differentiate(graph) is differentiate(graph)
    assert differentiate(graph, ["w"]) is differentiate(graph)
    moved = load(f"# moved\n{text}").graph
    assert moved == graph
    assert differentiate(moved).graph.by_name["l"].place != differentiate(graph).graph.by_name["l"].place
    assert differentiate(moved).graph.by_name["l"].place == moved.by_name["l"].place
