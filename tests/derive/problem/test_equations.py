import pytest

from derive.chain.derivation import differentiate
from derive.errors import EquationError
from derive.problem.equations import read_equations
from derive.show.text import to_text


@pytest.mark.parametrize(
    ("text", "parameters", "data"),
    [
        ("l = mean((w*x + b - y)^2)", ("w", "b"), ("x", "y")),
        ("a = w*x_1 + v*x2; l = (a - t)^2/n", ("w", "v"), ("x_1", "x2", "t")),
        ("f = (x - 3)^2", ("x",), ()),
        ("f = w/n", ("w", "n"), ()),
        ("x = w^2; l = x + sum(y*w)", ("w",), ("y",)),
        ("l = pi*w^e + π", ("w",), ()),
        ("e = w^2; l = e", ("w",), ()),
        ("n = w^2; l = x*n", ("w", "x"), ()),
        ("l = mean(lambda*x)", ("lambda",), ("x",)),
        ("l = mse(w*x + b, y)", ("w", "b"), ("x", "y")),
        ("z[i,k] = sum(x[i,j]*W[j,k], j)/K; l = mean(sum(z[i,k]^2, k), i)", ("W",), ("x",)),
        ("a = sum(w[j]*x[j], j) + b; l = (a - y)^2", ("w", "x", "b", "y"), ()),
        ("m[i] = max(x[i,k]*w[k], k); l = mean(m)", ("w",), ("x",)),
        ("z[i,k] = x[i]*w[k]; l = -mean(z[i,t[i]])", ("w",), ("x", "t")),
    ],
)
def test_names_are_data_where_the_equations_reduce(
    text: str, parameters: tuple[str, ...], data: tuple[str, ...]
) -> None:
    problem = read_equations(text)
    assert problem.graph.of_kind("parameter") == parameters
    assert problem.graph.of_kind("data") == data
    assert problem.is_symbolic
    assert (problem.parameters, problem.data, problem.samples) == ((), (), None)


def sizes(text: str) -> dict[str, list[object]]:
    graph = read_equations(text).graph
    return {node.name: [axis.size for axis in node.axes] for node in graph.nodes if node.axes}


def test_shapes_come_from_the_indices() -> None:
    text = "z[i,k] = sum(x[i,j]*W[j,k], j) + b[k]; l = mean(sum((z[i,k] - t[i,k])^2, k), i)"
    found = {"x": ["n", "J"], "t": ["n", "K"], "W": ["J", "K"], "b": ["K"], "z": ["n", "K"]}
    assert sizes(text) == found
    assert read_equations(text).notes == (
        "read x (J), t (K) as data over samples and W (J × K), b (K) as parameters; a problem file says otherwise",
    )


def test_a_tensor_under_two_letters_has_one_size() -> None:
    text = "z[i,k] = x[i]*w[k]; p[i,k] = exp(z[i,k])/sum(exp(z[i,m]), m); l = -mean(sum(p[i,k], k), i)"
    assert sizes(text) == {"x": ["n"], "w": ["K"], "z": ["n", "K"], "p": ["n", "K"]}


def test_a_letter_with_two_sizes_and_a_letter_that_is_a_name() -> None:
    assert sizes("a = sum(u[j]^2, j); l = a + sum(v[j]^3, j)") == {"u": ["J"], "v": ["J2"]}
    assert sizes("l = sum(sum(Q[i,k]*K[j,k], k)^2, i, j)") == {"Q": ["I", "K2"], "K": ["J", "K2"]}


def test_the_name_of_a_size_is_printed() -> None:
    problem = read_equations("z[i,k] = x[i]*w[k]; l = mean(z[i,k], i, k)")
    assert "(1/(n K)) Σᵢ xᵢ" in to_text(differentiate(problem.graph))


def test_what_was_assumed_is_said() -> None:
    problem = read_equations("l = mean((w*x + b - y)^2)")
    assert problem.notes == ("read x, y as data over samples and w, b as parameters; a problem file says otherwise",)
    assert (problem.name, problem.title, problem.source) == ("equation", "l = mean((w*x + b - y)^2)", "<text>")
    assert read_equations("f = x^2").notes == ("read x as a parameter; a problem file says otherwise",)


def test_two_spellings_of_one_name_are_noted() -> None:
    assert "'µ' and 'μ' are read as one name, 'μ'" in read_equations("a = µ^2\nl = a + μ  # ｍ").notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("l = 3", "'l' depends on no parameter; there is nothing to derive"),
        ("f = x^n", "'f' depends on no parameter; n is the number of samples; for another number write another letter"),
        ("w: (); l = sum(w)", "sum of a single number; expected something that runs over samples or an index"),
        ("l = mean(3 + 0*2)", "of a single number"),
        ("l = (w", r"^<text>:1:5: a parenthesis is opened and never closed"),
        ("a = w\na = b", r"^<text>:2:1: 'a' is defined twice"),
        ("# nothing", "no equation"),
    ],
)
def test_refuses_what_is_not_a_problem(text: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        read_equations(text)


def test_a_name_that_is_written_of_two_others_is_noted() -> None:
    assert "'wx' is read as one name; a product is written w*x" in read_equations("l = wx + w*x").notes
    assert not any("one name" in note for note in read_equations("l = wx + w").notes)


def test_a_guessed_shape_is_told_with_what_to_write() -> None:
    [note] = read_equations("l = mean((X@w - y)^2)").notes
    assert note.startswith("read X (J), y as data over samples and w (J) as a parameter; ")
    assert note.endswith('; "X: (n, J)" beside the equations or a problem file says otherwise')
    assert read_equations("X: (n, k); w: (k); l = mean((X@w - y)^2)").notes == (
        "read X (k), y as data over samples and w (k) as a parameter; a problem file says otherwise",
    )


def test_what_is_taken_for_class_labels_is_told() -> None:
    said = 't is read as class labels, counted from 0; probabilities are said as "t: (n, K)"'
    assert said in read_equations("z = x@W + b; l = cross_entropy(z, t)").notes
    for clear in ("t: (n); l = cross_entropy(x@W, t)", "t: (n, K); l = cross_entropy(x@W, t)", "l = mse(x@W, t)"):
        assert not any("class labels" in note for note in read_equations(clear).notes)
    assert [axis.size for axis in read_equations("l = cross_entropy(x@W, T)").graph.by_name["T"].axes] == ["n", "K"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X: n, k; l = mean(X@w)", r"^<text>:1:4: 'n, k' is no shape; expected sizes such as \(n, k\), \(3\), or \(\)"),
        ("X: (k, n); l = mean(X@w)", r"^<text>:1:4: 'n', the number of samples, stands elsewhere than first"),
        ("X: (n, 0); l = mean(X@w)", "is no shape"),
        ("l = mean(X@w); q: (3)", r"^<text>:1:16: 'q' is not used in any equation"),
        ("l: (3); l = mean(X@w)", r"^<text>:1:1: 'l' is defined by a line, which gives its shape"),
        ("X: (n, 3)\nX: (n, 4)\nl = mean(X@w)", r"^<text>:2:1: the shape of 'X' is said twice"),
        (
            "X: (n, k); w: (m); l = mean(X@w)",
            r"^<text>:1:29: X of the shape \(n, k\) and w of the shape \(m,\) cannot be ",
        ),
        (
            "X: (n, 3); l = mean((X@w - y)^2); w: (4)",
            r"^<text>:1:22: X of the shape \(n, 3\) and w of the shape \(4,\)",
        ),
        (
            "y: (n, 1); w: (k); l = mean((X@w - y)^2)",
            r"^<text>:1:30: no shape of X fits here beside w \(k\), y \(n, 1\)",
        ),
        (
            "z = tanh(s*(x@W)); l = mse(z, t)",
            r"^<text>:1:10: the shape of 's' stays open: it can be \(\) or \(J\); say which",
        ),
        ("k = w^2; X: (n, k); l = mean(X@w)", "'k' is the size of an axis and cannot be defined again"),
    ],
)
def test_shapes_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        read_equations(text)


def test_what_means_transposed_is_no_name() -> None:
    assert sizes("l = sum((X^T @ r)^2)") == sizes("l = sum((transpose(X) @ r)^2)")
    assert "T" in read_equations("l = mean((X @ W^T - T)^2)").graph.by_name
    assert "T" in read_equations("l = w^T").graph.by_name
    assert sizes("X: (n, k)\nW: (j, k)\nl = mean((X @ W^T)^2)") == sizes("X: (n, k)\nW: (j, k)\nl = mean((X @ W.T)^2)")
