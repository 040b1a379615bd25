"""Shapes that nobody declares: of single texts as most books have them, and of random networks beside declared ones."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from derive.algebra.expression import Axis, Expr, Position, Reduce, Ref, children, rebuild
from derive.chain.derivation import differentiate
from derive.chain.formulas import Formulas
from derive.errors import EquationError
from derive.graph.graph import Graph
from derive.problem.equations import free_names, read_equations
from derive.problem.loading import load
from tests import by_differences
from tests.array_problems import array_problems

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def shapes(text: str) -> dict[str, list[object]]:
    """The sizes of every given name that is no single number."""
    nodes = read_equations(text).graph.nodes
    return {node.name: [a.size for a in node.axes] for node in nodes if node.axes and node.kind != "line"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l = mean((X@w - y)^2)", {"X": ["n", "J"], "y": ["n"], "w": ["J"]}),
        ("l = norm(y - X@w)^2", {"X": ["n", "J"], "y": ["n"], "w": ["J"]}),
        ("l = sum((X@theta - y)^2)/(2*n) + lam*sum(theta^2)", {"X": ["n", "J"], "y": ["n"], "theta": ["J"]}),
        (
            "p = softmax(X@W + b); l = cross_entropy(p, t)",
            {"X": ["n", "J"], "t": ["n"], "W": ["J", "K"], "b": ["K"]},
        ),
        ("z = x@W + b; l = mse(z, t)", {"x": ["n", "J"], "t": ["n", "K"], "W": ["J", "K"], "b": ["K"]}),
        (
            "p = h@v + c; h = tanh(x@W1 + b1); l = mse(p, y)",
            {"x": ["n", "K"], "y": ["n"], "W1": ["K", "J"], "b1": ["J"], "v": ["J"]},
        ),
        ("l = norm(A@x - b)^2", {"A": ["J", "K"], "x": ["K"], "b": ["J"]}),
        ("l = x@A@x", {"x": ["J"], "A": ["J", "J"]}),
        ("l = x @ W @ y", {"x": ["J"], "W": ["J", "K"], "y": ["K"]}),
        ("z = W@x + b; l = mse(z, t)", {"W": ["J", "K"], "x": ["K"], "b": ["J"], "t": ["J"]}),
        ("p = softmax(W@x + b); l = -log(pick(p, y))", {"W": ["J", "K"], "x": ["K"], "b": ["J"]}),
        ("l = dot(w, x) + b", {"w": ["J"], "x": ["J"]}),
        ("l = sum(w)", {"w": ["J"]}),
        ("l = mean(x)", {"x": ["J"]}),  # without anything else to derive for
        ("l = norm(outer(u, v) - A)^2", {"u": ["J"], "v": ["K"], "A": ["J", "K"]}),
        ("G = transpose(X) @ X; l = sum(G^2)", {"X": ["J", "K"]}),
        ("l = logsumexp(z)", {"z": ["J"]}),
        ("h = sqrt(var(z) + eps); l = h", {"z": ["J"]}),
        ("p = log(softmax(x@W) + eps); l = mean(p)", {"x": ["n", "J"], "W": ["J", "K"]}),
        ("l = mean((w·x + b - y)^2)", {"x": ["n"], "y": ["n"]}),  # a dot is a product of numbers too
        ("l = mean((w*X + b - Y)^2)", {"X": ["n"], "Y": ["n"]}),
        ("z[i,k] = sum(x[i,j]*W[j,k], j); l = mse(z, t) + norm(c)", {
            "x": ["n", "J"], "W": ["J", "K"], "t": ["n", "K"], "c": ["M"],
        }),
        ("X: (n, 3); l = mean((X@w - y)^2)", {"X": ["n", 3], "y": ["n"], "w": [3]}),
        ("w: (k); l = mean((X@w - y)^2)/k", {"X": ["n", "k"], "y": ["n"], "w": ["k"]}),
        ("s: (); z = tanh(s*(x@W)); l = mse(z, t)", {"x": ["n", "J"], "t": ["n", "K"], "W": ["J", "K"]}),
        ("s: (m); z = tanh(s*(x@W)); l = mse(z, t)", {"x": ["n", "J"], "t": ["n", "m"], "W": ["J", "m"], "s": ["m"]}),
        ("q: (n, d); l = mean((q@w)^2)", {"q": ["n", "d"], "w": ["d"]}),
        ("x: (d); l = mean(x + w)", {"x": ["d"], "w": ["d"]}),
    ],
)  # fmt: skip
def test_shapes_are_those_of_most_books(text: str, expected: dict[str, list[object]]) -> None:
    assert shapes(text) == expected


def test_a_letter_is_one_size_in_all_lines() -> None:
    assert shapes("a = sum(u[j]*v[j], j); l = a + norm(u - q)") == {"u": ["J"], "v": ["J"], "q": ["J"]}


@pytest.mark.parametrize(
    ("text", "name", "first", "second"),
    [
        ("z = tanh(s*(x@W)); l = mse(z, t)", "s", "()", "(J)"),
        ("x: (d); l = mean(x*w)", "w", "()", "(d)"),
    ],
)
def test_what_stays_open_is_asked_for(text: str, name: str, first: str, second: str) -> None:
    with pytest.raises(EquationError, match=rf"shape of '{name}' stays open") as caught:
        read_equations(text)
    assert f"it can be {first} or {second}; say which" in str(caught.value)
    for shape in (first, second):  # either answer is one
        assert read_equations(f"{name}: {shape}; {text}")


def sized(graph: Graph, sizes: dict[str, int]) -> Graph:
    """The graph with numbers for the names of sizes."""

    def axis(own: Axis) -> Axis:
        return Axis(own.letter, sizes.get(str(own.size), own.size))

    def expr(part: Expr) -> Expr:
        match part:
            case Ref():
                return Ref(part.name, None if part.axes is None else tuple(map(axis, part.axes)))
            case Position():
                return Position(axis(part.axis))
            case Reduce():
                return Reduce(part.op, expr(part.body), None if part.axes is None else tuple(map(axis, part.axes)))
        return rebuild(part, tuple(map(expr, children(part))))

    kept = [node for node in graph.nodes if node.name not in sizes]
    return Graph(
        tuple(
            replace(n, axes=tuple(map(axis, n.axes)), expr=None if n.expr is None else expr(n.expr), written=None)
            for n in kept
        ),
        graph.loss,
    )


def as_dict(graph: Graph) -> dict[str, object]:
    return {node.name: node for node in sized(graph, {}).nodes}


@settings(max_examples=150, suppress_health_check=SLOW, deadline=None)
@given(array_problems(), st.booleans())
def test_declared_shapes_say_what_a_file_says(text: str, has_names: bool) -> None:
    """Random lines, with and without indices: the graph is that of the file whose numbers have these shapes."""
    filed = load(text)
    free = free_names(filed.lines)
    given_ones = {q.name: q.shape for q in filed.parameters} | {q.name: ("n", *q.shape[1:]) for q in filed.data}
    assume(set(free) == set(given_ones))  # unused data have a letter there, and are not here
    sizes = {f"d{size}": size for shape in given_ones.values() for size in shape if isinstance(size, int)}
    said = [
        f"{name}: ({', '.join(f'd{s}' if has_names and s != 'n' else str(s) for s in given_ones[name])})"
        for name in free
    ]
    lines = [line for line in text.split('"""')[1].splitlines() if line.strip()]
    bare = read_equations("\n".join([*said, *lines])).graph
    assert as_dict(sized(bare, sizes if has_names else {})) == as_dict(filed.graph)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[str], dict[str, str]]:
    """The lines of a network as most books write them, and the shapes that they mean."""
    data = draw(st.sampled_from(["x", "X", "x1"]))
    said = {data: "(n, d0)"}
    lines, before, wide = [], data, 0
    for number in range(1, draw(st.integers(1, 3)) + 1):
        weights, bias = f"W{number}", draw(st.sampled_from(["", f"b{number}", f"c_{number}"]))
        each = draw(st.sampled_from(["tanh", "relu", "sigmoid", "softplus", ""]))
        said |= {weights: f"(d{wide}, d{number})"} | ({bias: f"(d{number})"} if bias else {})
        wide = number
        lines.append(f"h{number} = {each}({before} @ {weights}{f' + {bias}' if bias else ''})")
        before = f"h{number}"
    end = draw(st.integers(0, 3))
    if end == 0:
        said |= {"v": f"(d{wide})", "y": "(n)", "b": "()"}
        lines.append(f"l = mean(({before} @ v + b - y)^2)")
    elif end == 1:
        said |= {"t": f"(n, d{wide})"}
        lines.append(f"l = {draw(st.sampled_from(['mse', 'huber', 'bce_with_logits']))}({before}, t)")
    elif end == 2:
        said |= {"y": "(n)"}
        lines.append(f"l = cross_entropy({before}, y)")
    else:
        said |= {"T": f"(n, d{wide})"}
        lines += [f"p = softmax({before})", "l = -sum(T*log(p))/n"]
    decay = draw(st.sampled_from(["", " + lam*l2(W1)", " + lam*sum(W1^2)", " + lam*norm(W1)^2", " + sum(abs(u))"]))
    said |= {"lam": "()"} if "lam" in decay else {"u": "(m)"} if "u" in decay else {}
    lines[-1] += decay
    return draw(st.permutations(lines)), said


def by_place(graph: Graph, said: dict[str, str]) -> dict[str, int]:
    """A number for the name of each size, the same for all names of one size in `said`."""
    found: dict[str, int] = {}
    for name, shape in said.items():
        for axis, size in zip(graph.by_name[name].axes, shape.strip("()").split(", "), strict=False):
            if size != "n":
                number = 10 + int(size[1:] or 90)
                assert found.setdefault(str(axis.size), number) == number
    return found


@settings(max_examples=60, suppress_health_check=SLOW, deadline=None)
@given(networks(), st.data())
def test_a_network_is_read_as_it_is_meant(network: tuple[list[str], dict[str, str]], data: st.DataObject) -> None:
    """With all shapes said, with some, and with none: the same graph, and gradients that are slopes of the loss."""
    lines, said = network
    some = data.draw(st.sets(st.sampled_from(sorted(said))))
    graphs = []
    for names in (said, sorted(some), ()):
        text = "; ".join([*(f"{name}: {said[name]}" for name in names), *lines])
        bare = read_equations(text).graph
        graphs.append(sized(bare, by_place(bare, said)))
    assert as_dict(graphs[0]) == as_dict(graphs[1]) == as_dict(graphs[2])


@settings(max_examples=12, suppress_health_check=SLOW, deadline=None)
@given(networks())
def test_its_gradients_are_slopes_of_the_loss(network: tuple[list[str], dict[str, str]]) -> None:
    lines, _ = network
    graph = read_equations("; ".join(lines)).graph
    derivation = differentiate(graph)
    labels = by_differences.SAMPLES if any("cross_entropy" in line for line in lines) else None
    with mpmath.workdps(by_differences.DIGITS):
        tables = by_differences.given(graph, 3, labels)
        known = by_differences.with_lines(graph, tables)
        name = derivation.wrt[-1]
        closed = Formulas(derivation).gradient(name).closed
        assume(closed is not None)
        ours = by_differences.tabulated(closed, graph.by_name[name].axes, known)
        for place, value in by_differences.slope(graph, tables, name).items():
            assert abs(ours[place] - value) <= mpmath.mpf(10) ** -15 * (1 + abs(value)), (name, place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p = softmax(z)", {"z": ["J"], "seed": ["J"]}),
        ("z = X@W + b", {"X": ["J", "K"], "W": ["K", "M"], "b": ["M"], "seed": ["J", "M"]}),
        ("h = tanh(W@x + b)", {"W": ["J", "K"], "x": ["K"], "b": ["J"], "seed": ["J"]}),
    ],
)
def test_an_end_of_several_numbers_has_an_upstream_gradient(text: str, expected: dict[str, list[object]]) -> None:
    assert shapes(text) == expected
    with pytest.raises(EquationError, match="expected one number"):
        read_equations(text.replace(text[0] + " = ", "l = "))
