"""A line with its axes filled in, and what does not fit together refused at its line."""

import re

import pytest

from derive.errors import EquationError
from derive.graph.graph import Graph, build
from derive.paper.lines import read_lines
from derive.show.notation import Ascii
from tests.problems import LABELLED_LAYER, LAYER, read
from tests.trees import graph_of


def resolved(graph: Graph, name: str) -> str:
    return Ascii().show(graph.by_name[name].definition)


def test_each_sum_inside_another_has_its_own_index() -> None:
    graph = graph_of("l = mean((x*w - mean(x*w))^2)", ["w"], ["x"])
    assert resolved(graph, "l") == "mean((x[i]*w - mean(x[j]*w, j))^2, i)"
    inner = graph_of("a = x - mean(x)\nl = mean(a*w)", ["w"], ["x"])
    assert resolved(inner, "a") == "x[i] - mean(x[j], j)"


def test_constants_of_mathematics_unless_a_line_has_the_name() -> None:
    assert resolved(graph_of("l = (e*w - pi)^2", ["w"]), "l") == "(e*w - pi)^2"
    graph = graph_of("e = w^2\nl = e*π", ["w"])
    assert [ref for ref in ("e", "pi") if ref in graph.by_name] == ["e"]


def test_indices_on_paper_are_the_same_as_bare_names() -> None:
    bare = graph_of("a = w*x\nl = mean(a)", ["w"], ["x"])
    indexed = graph_of("a[i] = w*x[i]\nl = mean(a[i], i)", ["w"], ["x"])
    assert [node.expr for node in bare.lines] == [node.expr for node in indexed.lines]


def test_an_index_of_the_samples_has_the_letter_it_is_written_with() -> None:
    assert resolved(graph_of("l = mean(w*x[k])", ["w"], ["x"]), "l") == "mean(w*x[k], k)"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("z = x @ W + b\nl = mse(z, x)", r"z of the shape \(n, 2\) and x of the shape \(n, 3\) do not fit together"),
        (
            "z = W @ x + b\nl = mse(z, t)",
            (
                r"W of the shape \(3, 2\) and x of the shape \(n, 3\) cannot be multiplied.*"
                r"did you mean x @ W\?"
            ),
        ),
        ("z[i,k] = sum(x[i,j]*W[j,k], j) + b[j]\nl = mse(z, t)", "the index j has 3 values in x and 2 values in b"),
        (
            "z[i,k] = x[i,j]*W[j,k] + b[k]\nl = mse(z, t)",
            (
                r"z\[i,k\]: the right side runs over i, j, k, sizes \(n, 3, 2\)"
                "; expected the same indices: sum over j"
            ),
        ),
        (
            "z[i,k] = sum(x[i,j]*W[j,k]) + b[k]\nl = mse(z, t)",
            r"z\[i,k\]: the right .*; without its index a sum .* is over all of them: write sum\(…, j\)$",
        ),
        (
            "z[i,k] = mean(x[i,j]*W[j,k])\nl = mse(z, t)",
            r"z\[i,k\]: the right side is one number; without its index .*: write mean\(…, j\)$",
        ),
        ("z[i,q] = x @ W\nl = mse(z, t)", "@ in a line with indices"),
        (
            "z[i] = sum(x[i]*W[j,k], j)\nl = mse(z, t)",
            r"x\[i\] is written with 1 index, but x has 2, of the sizes \(n, 3\)",
        ),
        ("z[i,k] = sum(x[i,j]*W[j,k], m)\nl = mse(z, t)", "sum over m: what it is taken of runs over i, j, k"),
        (
            "z[i,b] = sum(x[i,j]*W[j,b], j) + b\nl = mse(z, t)",
            "'b' is an index in this line and also a name \\(parameter\\)",
        ),
        ("z = x @ W + b\nl = mean(max(z[i,b], b))", "'b' is an index in this line and also a name \\(parameter\\)"),
        ("z = x @ W + b\nl = mean(z - t) + z[0,5]", "the index 5 is out of range; expected a whole number from 0 to 1"),
        ("z = x @ W + b\nl = z - t", "the loss 'l' has a value for each sample; .*mean.*sum.*seed_gradient"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_at_their_line(lines: str, message: str) -> None:
    with pytest.raises(EquationError, match=rf"(?m)^p\.toml:[23]:[0-9]+: .*{message}"):
        read(LAYER.replace("z = x @ W + b\nl = mse(z, t)", lines))


@pytest.mark.parametrize("loss", ["hinge", "mse", "bce_with_logits"])
def test_class_labels_for_a_loss_that_takes_a_target_for_each_value(loss: str) -> None:
    message = (
        rf"\.toml:3:9: {loss} takes a target for each of its values, of the shape \(n, 2\); y of the shape \(n,\) has "
    )
    with pytest.raises(EquationError, match=message + "one for each row: of class labels there is cross_entropy\n"):
        read(LABELLED_LAYER.replace("l = cross_entropy(", f"l = 2 * {loss}("))


def test_the_caret_of_an_error_in_a_named_formula_is_under_its_name() -> None:
    with pytest.raises(EquationError, match=r"^p\.toml:3:9: .* do not fit together") as caught:
        read(LAYER.replace("l = mse(z, t)", "l = 2 * mse(z, x)"))
    assert str(caught.value).endswith("\n    l = 2 * mse(z, x)\n            ^")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (
            "l = √(-1)*w",
            5,
            "this root of constants is not a real number; expected one of a number that is not negative",
        ),
        ("l = w + log(0)", 9, "this logarithm of constants is not a real number; expected one of a positive number"),
        ("l = w*log2(-3)", 7, "this logarithm of constants is not a real number; expected one of a positive number"),
        ("l = w*log1p(-1)", 7, "this logarithm of constants is not a real number; expected one of a number above -1"),
        ("l = w*(-8)^(1/3)", 7, "this power of constants is not a real number; expected a positive base, or a whole"),
        ("l = w/(pi - pi) + 1/(pi - pi)", 19, "this quotient of constants is not a real number; expected a divisor"),
        ("l = bce(0, w)", 5, "this logarithm of constants is not a real number; expected one of a positive number"),
    ],
)
def test_a_constant_without_a_real_value_is_refused_where_it_stands(text: str, column: int, message: str) -> None:
    with pytest.raises(EquationError, match=re.escape(message)) as caught:
        build(read_lines(text), parameters=["w"])
    assert caught.value.place is not None
    assert caught.value.place.column == column
    assert str(caught.value).endswith(f"    {text}\n    {' ' * (column - 1)}^")


@pytest.mark.parametrize(
    ("lines", "targets", "resolved_as"),
    [
        ("r = X^T @ y\nl = sum(r^2)", None, "sum(X[i,j]*y[i], i)"),
        ("r = (X*X)^T @ y\nl = sum(r^2)", None, "sum(X[i,j]*X[i,j]*y[i], i)"),
        ("r = y^T @ y\nl = r^2", None, "sum(y[i]*y[i], i)"),
        ("r = X^T @ y\nl = sum(r^2) + sum(T)", (3,), "sum(X[i,j]*y[i], i)"),  # targets
        ("r = y^T\nl = sum(r)", (), "y[i]^T"),
        ("r = y^T\nl = sum(r)", (3,), "y[i]^T[i]"),
    ],
)
def test_a_matrix_with_an_exponent_that_means_transposed(
    lines: str, targets: tuple[int, ...] | None, resolved_as: str
) -> None:
    """Where nothing is called T, and as an operand of a product of matrices also where targets are."""
    shapes = {"X": (3, 2), "y": (3,)} if "X" in lines else {"y": (3,)}
    graph = build(read_lines(lines), parameters=shapes if targets is None else {**shapes, "T": targets})
    assert resolved(graph, "r") == resolved_as


def test_a_number_is_not_transposed() -> None:
    with pytest.raises(EquationError, match="unknown name 'T'"):
        build(read_lines("l = w^T"), parameters={"w": ()})
