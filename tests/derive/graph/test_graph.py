"""Equations → nodes with their axes, in order; what does not fit together is refused with its line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra.expression import Expr, Reduce, children, free_axes, names
from derive.chain.derivation import differentiate
from derive.errors import EquationError
from derive.graph.graph import Graph, build, find_loss, other_loss
from derive.graph.node import SAMPLES
from derive.paper.lines import read_lines
from derive.show.notation import Ascii
from tests.problems import ARTICLE_LINES
from tests.trees import graph_of, graphs


def resolved(graph: Graph, name: str) -> str:
    return Ascii().show(graph.by_name[name].definition)


def test_the_article() -> None:
    graph = graph_of(ARTICLE_LINES, ["w", "b"], ["x", "y"])
    assert [(node.name, node.kind, node.axes) for node in graph.nodes] == [
        ("x", "data", (SAMPLES,)),
        ("y", "data", (SAMPLES,)),
        ("w", "parameter", ()),
        ("b", "parameter", ()),
        ("n", "size", ()),
        ("a", "line", (SAMPLES,)),
        ("c", "line", (SAMPLES,)),
        ("d", "line", (SAMPLES,)),
        ("e", "line", (SAMPLES,)),
        ("l", "line", ()),
    ]
    assert graph.loss == "l"
    assert graph.ancestors == frozenset("xywbnacdel")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("(1/n)*e", "sum((1/n)*e[i], i)"),
        ("e/n", "sum(e[i]/n, i)"),
        ("e*(1/n)", "sum(e[i]*(1/n), i)"),
        ("-e/n", "sum(-e[i]/n, i)"),
        ("e*n^-1", "sum(e[i]*n^(-1), i)"),
        ("e/(2*n)", "sum(e[i]/(2*n), i)"),
        ("e/n + w^2", "sum(e[i]/n, i) + w^2"),
        ("e/n - x/n", "sum(e[i]/n, i) - sum(x[i]/n, i)"),
    ],
)
def test_a_loss_that_divides_by_n_is_summed(loss: str, expected: str) -> None:
    graph = graph_of(f"e = (w*x)^2\nl = {loss}", ["w"], ["x"])
    assert resolved(graph, "l") == expected
    assert graph.by_name["l"].implied
    assert graph.by_name["l"].axes == ()


@pytest.mark.parametrize("loss", ["mean(e)", "sum(e)/n", "sum(e/n)"])
def test_a_loss_with_its_own_sum_is_left_as_it_is(loss: str) -> None:
    graph = graph_of(f"e = (w*x)^2\nl = {loss}", ["w"], ["x"])
    assert not graph.by_name["l"].implied


@pytest.mark.parametrize("loss", ["e", "e^2", "e/n + x", "n*e", "e + 1/n", "exp(e)/w"])
def test_a_loss_for_each_sample_is_refused(loss: str) -> None:
    with pytest.raises(EquationError) as caught:
        graph_of(f"e = (w*x)^2\nl = {loss}", ["w"], ["x"])
    message = "the loss 'l' has a value for each sample; expected one number: write l = mean(…) or l = sum(…)"
    message += ", or give its upstream gradient as seed_gradient"
    assert caught.value.message == message
    assert caught.value.place is not None
    assert caught.value.place.line == 2


SWAPPED = "'a', the last line, is taken for the loss, but other lines use it: write m last, or loss = \"m\" above"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m = mean(a)\nk = a^2\na = w*x", "the loss 'a' has a value for each sample; expected one number; " + SWAPPED),
        ("m = mean(w*x*a)\nk = a\na = 3", "the loss 'a' depends on no parameter (declared: w); " + SWAPPED),
    ],
)
def test_a_last_line_that_others_use(text: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        graph_of(text, ["w"], ["x"])
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = w^2\nl = a", "l"),  # the last line
        ("p = w\nl = w^2\nq = p", "q"),  # also where others are used by none
        ("l = e + 1\ne = w^2", "l"),  # the only one that no other uses
        ("m = l^2\nl = w", "m"),
        ("q = p^2\nr = 2*p\np = w", "p"),  # none of several is called a loss
        ("acc = 2*p\nL = p^2\np = w", "L"),
        ("e = 2*p\nloss = p^2\np = w", "loss"),
        ("e = 2*p\nl = p^2\np = w", "p"),  # or two of them are
        ("a = b\nb = a", "b"),  # a cycle, which `build` refuses
    ],
)
def test_find_loss(text: str, found: str) -> None:
    assert find_loss(read_lines(text)) == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = w^2\nl = a", ""),
        ("p = w\nl = w^2\nq = p", ""),
        ("l = e + 1\ne = w^2", ""),
        (
            "q = p^2\nr = 2*p\np = w",
            "'p', the last line, is taken for the loss, but other lines use it: write q last, or",
        ),
        ("acc = 2*p\nL = p^2\np = w", "'L' is taken for the loss by its name, as no line uses acc either; write the"),
        (
            "loss = w^2\nq = w",
            "'q', the last line, is what is differentiated, and not the line loss: write loss last, ",
        ),
        ("t = loss + w\nloss = w^2", "'t' is what is differentiated, and not the line loss: leave t out, or loss = "),
    ],
)
def test_other_loss(text: str, sentence: str) -> None:
    assert other_loss(read_lines(text)).startswith(sentence)
    assert bool(sentence) == bool(other_loss(read_lines(text)))


@settings(max_examples=30)
@given(st.permutations(["a = w*x", "c = a + b", "d = c - y", "e = d^2", "l = mean(e)"]))
def test_the_loss_is_found_in_every_order(lines: list[str]) -> None:
    assert graph_of("\n".join(lines), ["w", "b"], ["x", "y"]).loss == "l"


def test_lines_may_stand_in_any_order() -> None:
    graph = build(read_lines("l = c^2\nb = w + 1\nc = b*w"), parameters=["w"], loss="l")
    assert [node.name for node in graph.lines] == ["b", "c", "l"]


def test_a_loss_that_is_not_the_last_line() -> None:
    lines = read_lines("l = (w - 1)^2\ns = 2*w")
    graph = build(lines, parameters=["w"], loss="l")
    assert graph.loss == "l"
    assert "s" not in graph.ancestors
    with pytest.raises(EquationError, match="loss = 'loss' is not the name of a line"):
        build(lines, parameters=["w"], loss="loss")


@pytest.mark.parametrize(
    ("text", "parameters", "data", "message"),
    [
        ("a = w\na = w + 1", ["w"], [], "equations:2:1: 'a' is defined twice, first in line 1; give the second a new"),
        ("w = 2\nl = w", ["w"], [], "'w' is declared as parameter and cannot be defined again; choose another"),
        ("n = w*x\nl = mean(n)", ["w"], ["x"], "'n' is the number of samples in the batch and cannot be defined again"),
        ("l = w", ["w", "x"], ["x"], "'x' is declared twice, as data and as parameter; keep one"),
        ("l = n", ["n"], ["x"], "'n' is the number of samples in the batch; choose another name"),
        ("a = b + w\nb = c\nc = a", ["w"], [], "a cycle: a → b → c → a; a line can only use what is calculated before"),
        ("a = a + w", ["w"], [], "a cycle: a → a; a line can only use what is calculated before it"),
        ("l = w", ["w", "b"], [], "parameter 'b' is not used in any equation; use it or remove it"),
        ("a = w*2\nl = mean(x)", ["w"], ["x"], "the loss 'l' depends on no parameter (declared: w); there is nothing"),
    ],
)
def test_what_does_not_fit(text: str, parameters: list[str], data: list[str], message: str) -> None:
    with pytest.raises(EquationError) as caught:
        graph_of(text, parameters, data)
    assert message in str(caught.value)
    assert "\n" not in caught.value.message


@given(graphs())
def test_every_node_stands_after_those_it_uses(graph: Graph) -> None:
    seen: set[str] = set()
    for node in graph.nodes:
        if node.expr is not None:
            assert set(free_axes(node.expr)) <= set(node.axes)
            assert set(names(node.expr)) <= seen
        seen.add(node.name)


@given(graphs())
def test_no_index_is_bound_twice(graph: Graph) -> None:
    def check(expr: Expr, taken: frozenset[str]) -> None:
        if isinstance(expr, Reduce):
            assert not taken & set(expr.axes or ())
            taken = taken | frozenset(expr.axes or ())
        for part in children(expr):
            check(part, taken)

    for node in graph.lines:
        check(node.definition, frozenset(node.axes))


def test_without_a_parameter_nothing_is_differentiated() -> None:
    graph = build(read_lines("a = 2*c\nl = a^2"), constants=["c"])
    assert differentiate(graph).adjoints == ()
    assert [node.name for node in graph.lines] == ["a", "l"]


def test_a_line_that_picks_an_entry_is_used() -> None:
    """Of l, p and y only l is used by no other: y says which entry of p is taken."""
    lines = read_lines("l = -log(p[y])\np[k] = exp(z[k])/sum(exp(z[j]), j)\ny = 1")
    assert find_loss(lines) == "l"


def test_a_letter_of_an_index_is_no_use_of_a_line_that_is_called_so() -> None:
    """The letters j, which is summed over, and k, on the left, say nothing of the lines j and k."""
    lines = read_lines("s[k] = sum(x[k,j], j)\nj = mean(s^2)\nk = 2*j")
    assert find_loss(lines) == "k"
