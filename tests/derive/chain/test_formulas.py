"""Closed forms and products along paths are for reading; they are worked out here and compared with the derivative."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import given, reject
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Expr, Reduce, free_axes, size
from derive.chain.closed_form import MAX_SIZE, TooLongError, inliner
from derive.chain.derivation import differentiate
from derive.chain.formulas import MAX_LINKS, MAX_PATHS, Formulas, Path
from derive.graph.graph import Graph
from derive.show.notation import Text
from tests.trees import RATIONAL, SMOOTH, Values, adjoints, composed, graph_of, graphs, symbols, table, value


def lines_too(graph: Graph, values: Values, samples: int) -> Values:
    """`values` with those of every line."""
    found = dict(values)
    for node in graph.lines:
        found[node.name] = table(node.axes, samples, {}, node.definition, found)
    return found


def product(path: Path) -> Expr:
    """The partials along a path, multiplied and summed as the path says."""
    tree: Expr = path.links[0].partial
    for link in path.links[1:]:
        tree = Apply("mul", (tree, link.partial))
    for link in path.links:
        assert set(free_axes(link.partial)) <= {*path.summed, *(path.links[-1].wrt.axes or ())}
    return Reduce("sum", tree, path.summed) if path.summed else tree


def random_values(data: st.DataObject, samples: int) -> Values:
    exact = st.fractions(-3, 3, max_denominator=5).filter(lambda number: number != 0)
    column = st.lists(exact, min_size=samples, max_size=samples)
    return {
        "w": data.draw(exact),
        "b": data.draw(exact),
        "x": data.draw(column),
        "y": data.draw(column),
        "n": Fraction(samples),
    }


@given(graphs(RATIONAL), st.integers(1, 3), st.data())
def test_the_closed_form_and_the_sum_over_paths_are_the_derivative(
    graph: Graph, samples: int, data: st.DataObject
) -> None:
    values = random_values(data, samples)
    derivation = differentiate(graph)
    expected = adjoints(derivation, values, samples)
    known = lines_too(graph, values, samples)
    for name in derivation.wrt:
        gradient = Formulas(derivation).gradient(name)
        try:
            if gradient.closed is not None:
                assert value(gradient.closed, known, {}, samples) == expected[name]
            if gradient.paths:
                assert sum(value(product(path), known, {}, samples) for path in gradient.paths) == expected[name]
        except ZeroDivisionError:
            pass  # a^2/a is written as a quotient: at a = 0 the formula has no value


@given(graphs((*SMOOTH, *RATIONAL)), st.data())
def test_closed_forms_of_smooth_graphs_to_30_digits(graph: Graph, data: st.DataObject) -> None:
    values = random_values(data, 2)
    derivation = differentiate(graph)
    expected = adjoints(derivation, values, 2)
    known = lines_too(graph, values, 2)
    for name in derivation.wrt:
        closed = Formulas(derivation).gradient(name).closed
        if closed is not None:
            ours, theirs = (sympy.N(sympy.sympify(v), 40) for v in (value(closed, known, {}, 2), expected[name]))
            assert abs(ours - theirs) <= sympy.Float("1e-30") * (1 + abs(theirs))


@given(graphs(RATIONAL), st.integers(1, 2), st.data())
def test_the_lines_put_into_one_another_are_the_loss(graph: Graph, samples: int, data: st.DataObject) -> None:
    values = random_values(data, samples)
    try:
        closed = inliner(graph, ())(graph.by_name[graph.loss].definition, ())
    except TooLongError:
        reject()
    names = symbols(graph, samples)
    pairs = [(symbol, values[name]) for name, symbol in names.items() if not isinstance(symbol, list)]
    pairs += [pair for name, s in names.items() if isinstance(s, list) for pair in zip(s, values[name], strict=True)]
    numbers = {symbol: sympy.Rational(v.numerator, v.denominator) for symbol, v in pairs}
    loss = composed(graph, names, samples).subs(numbers)
    assert value(closed, values, {}, samples) == Fraction(int(loss.p), int(loss.q))


def closed_text(text: str, name: str, data: tuple[str, ...] = ("x", "y")) -> str:
    graph = graph_of(text, [n for n in ("w", "b") if n in text], [n for n in data if n in text])
    closed = Formulas(differentiate(graph)).gradient(name).closed
    assert closed is not None
    return Text().show(closed)


@pytest.mark.parametrize(
    ("text", "name", "closed"),
    [
        ("a=w*x;c=a+b;d=c-y;e=d^2;l=(1/n)*e", "w", "(2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ"),
        ("a=w*x;c=a+b;d=c-y;e=d^2;l=(1/n)*e", "b", "(2/n) Σᵢ (w xᵢ + b − yᵢ)"),
        ("l=mean((w*x+b-y)^2)", "w", "(2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ"),
        ("l=(w-3)^2", "w", "2 (w − 3)"),
        ("a=w*3;b=a+w;l=(b-3)^2", "w", "8 (4 w − 3)"),
        ("l=sum(w*x)+sum(w*x)", "w", "2 Σᵢ xᵢ"),
        ("l=w*sum(x)", "w", "Σᵢ xᵢ"),
        ("l=mean(w*x - w*x + b)", "b", "1"),
    ],
)
def test_closed_forms_as_a_person_writes_them(text: str, name: str, closed: str) -> None:
    parameters = {"a=w*3;b=a+w;l=(b-3)^2": ["w"]}.get(text)
    if parameters:
        found = Formulas(differentiate(graph_of(text, parameters))).gradient(name).closed
        assert found is not None
        assert Text().show(found) == closed
    else:
        assert closed_text(text, name) == closed


def ladder(rungs: int) -> Graph:
    """Two paths at every rung."""
    return graph_of(
        "\n".join(["x0 = w", *(f"u{k} = 3*x{k}\nx{k + 1} = sin(x{k}) + u{k}" for k in range(rungs))]), ["w"]
    )


def test_more_paths_than_a_person_compares_are_counted_and_left_out() -> None:
    few, many = (Formulas(differentiate(ladder(rungs))).gradient("w") for rungs in (3, 60))
    assert (few.path_count, len(few.paths)) == (MAX_PATHS, MAX_PATHS)
    assert (many.path_count, many.paths, many.closed) == (2**60, (), None)


def test_a_path_too_long_to_read_is_left_out() -> None:
    graph = graph_of("\n".join(["x0 = w", *(f"x{k + 1} = sin(x{k})" for k in range(MAX_LINKS))]), ["w"])
    gradient = Formulas(differentiate(graph)).gradient("w")
    assert (gradient.path_count, gradient.longest, gradient.paths) == (1, MAX_LINKS + 1, ())


def test_a_closed_form_too_long_to_read_is_given_in_the_names_of_the_lines() -> None:
    graph = graph_of("\n".join(["x0 = w", *(f"x{k + 1} = x{k}^2 + x{k}" for k in range(8))]), ["w"])
    gradient = Formulas(differentiate(graph)).gradient("w")
    assert gradient.closed is not None
    factors = " ".join(f"(2 x{k} + 1)" for k in reversed(range(8)))
    assert Text().show(gradient.closed) == factors


def test_a_closed_form_too_long_in_any_names_is_left_out_and_its_paths_are_not() -> None:
    graph = graph_of(f"l = {'*'.join(f'(w + {k})' for k in range(1, 40))}", ["w"])
    gradient = Formulas(differentiate(graph)).gradient("w")
    assert gradient.closed is None
    assert len(gradient.paths) == 1


def test_what_is_shown_is_short_enough() -> None:
    graph = graph_of("p=σ(w*x+b)\nl=-mean(y*log(p)+(1-y)*log(1-p))", ["w", "b"], ["x", "y"])
    for name in ("w", "b"):
        closed = Formulas(differentiate(graph)).gradient(name).closed
        assert closed is not None
        assert size(closed) <= MAX_SIZE
