"""The numbered text: its order is the article's, its lines fit, its sentences say what is left out."""

import re

import pytest
from hypothesis import given

import derive
from derive.chain.derivation import Derivation, differentiate
from derive.graph.graph import Graph
from derive.show.latex import to_latex
from derive.show.markdown import to_markdown
from derive.show.notation import Ascii, Text
from derive.show.pictures import to_dot
from derive.show.sides import left, right
from derive.show.text import WIDTH, fold, to_text
from derive.steps.steps import sections
from tests.problems import ARTICLE_LINES
from tests.trees import RATIONAL, SMOOTH, graph_of, graphs


def article() -> Derivation:
    return differentiate(graph_of(ARTICLE_LINES, ["w", "b"], ["x", "y"]))


def test_the_order_is_that_of_the_article() -> None:
    """Issue 2, section 3: equations, partials; for each parameter chain, substituted and closed form; updates."""
    found = sections(article())
    assert [section.title.split(":")[0] for section in found] == [
        "Forward",
        "Local partials",
        "Chain rule for `w`",
        "Chain rule for `b`",
        "Update",
    ]
    assert [equation.number for section in found for equation in section.equations] == list(range(1, 23))
    style = Text()
    chain_w = [(left(equation, style), right(equation, style)) for equation in found[2].equations]
    assert chain_w == [
        ("∂l/∂w", "Σᵢ (∂l/∂eᵢ)(∂eᵢ/∂dᵢ)(∂dᵢ/∂cᵢ)(∂cᵢ/∂aᵢ)(∂aᵢ/∂w)"),
        ("", "Σᵢ (1/n)(2 dᵢ)(1)(1)(xᵢ)"),
        ("", "(2/n) Σᵢ (w xᵢ + b − yᵢ) xᵢ"),
    ]
    assert [left(equation, style) for equation in found[0].equations] == ["a", "c", "d", "e", "l", "", "z"]


def test_z_is_left_out_where_the_name_is_taken() -> None:
    assert "z = l" not in to_text(differentiate(graph_of("z = w^2\nl = z + w", ["w"])))


def test_a_name_used_twice_has_a_product_for_each_path() -> None:
    text = to_text(differentiate(graph_of("a = w*3\nb = a + w\nl = (b - 3)^2", ["w"])))
    assert "∂l/∂w = (∂l/∂b)(∂b/∂a)(∂a/∂w) + (∂l/∂b)(∂b/∂w)" in text


def test_a_partial_of_the_loss_line_itself_is_told_from_the_whole() -> None:
    text = " ".join(to_text(differentiate(graph_of("a = w*3\nl = a^2 + w", ["w"]))).split())
    assert "∂l/∂w = ∂l/∂w + (∂l/∂a)(∂a/∂w) on the right, the partial of the line l alone" in text


def test_many_paths_are_left_out_with_a_sentence_and_the_adjoints_shown() -> None:
    lines = ["x0 = w", *(f"u{k} = 2*x{k}\nx{k + 1} = sin(x{k}) + u{k}" for k in range(4))]
    text = to_text(differentiate(graph_of("\n".join(lines), ["w"])))
    assert "16 paths lead to w, more than the 8 that are written out" in text
    assert "∂x4/∂x3 = (∂x4/∂x4)(cos(x3)) + (∂x4/∂u3)(2)" in text


def test_adjoints_go_through_sums_inside_lines_in_one_step() -> None:
    lines = ["x0 = w", *(f"u{k} = mean(t*x{k})^2\nx{k + 1} = sin(x{k}) + u{k}" for k in range(4))]
    text = to_text(differentiate(graph_of("\n".join(lines), ["w"], ["t"])))
    assert "∂x4/∂x3 = (∂x4/∂x4)(cos(x3)) + Σᵢ (∂x4/∂u3)((2 x3 tᵢ/n²) Σⱼ tⱼ)" in " ".join(text.split())


def test_a_long_path_is_left_out_with_a_sentence() -> None:
    lines = ["x0 = w", *(f"x{k + 1} = sin(x{k})" for k in range(30))]
    text = " ".join(to_text(differentiate(graph_of("\n".join(lines), ["w"]))).split())
    assert "The path to w has 31 factors, more than the 24 that are written out" in text


def test_formulas_too_long_to_read_are_left_out_with_a_sentence() -> None:
    product = "*".join(f"(w + {k})" for k in range(1, 40))
    text = to_text(differentiate(graph_of(f"l = {product}", ["w"])))
    assert "The partial of l with respect to w is too long to read and is left out." in text
    assert "The closed form is too long to read and is left out." in text


def test_what_the_loss_does_not_depend_on_is_said() -> None:
    graph = graph_of("s = w*3\nl = (w - 1)^2", ["w"])
    text = to_text(differentiate(graph, ["s", "w"]))
    assert "l does not depend on s: calculated, not differentiated" in text
    assert "The loss does not depend on s: the gradient is 0." in text


def test_conventions_at_kinks_are_stated() -> None:
    text = to_text(differentiate(graph_of("l = mean(relu(w*x) + max(w, 0))", ["w"], ["x"])))
    assert "relu at 0: the derivative is 0" in text
    assert "max of equals: ½ to each" in text


def test_a_parameter_may_be_called_like_anything_in_the_update_rule() -> None:
    text = to_text(differentiate(graph_of("l = g^2 + p^2 + lr^2", ["g", "p", "lr"])))
    assert "g  ← g − lr·∂l/∂g" in text
    assert "p  ← p − lr·∂l/∂p" in text


def test_the_derivative_for_data_keeps_its_index() -> None:
    text = to_text(differentiate(graph_of("l = mean((w*x - y)^2)", ["w"], ["x", "y"]), ["x"]))
    assert "∂l/∂xᵢ = 2 w (w xᵢ − yᵢ)/n" in text
    assert "Update" not in text


def test_ascii_is_ascii_whatever_the_names() -> None:
    derivation = differentiate(graph_of("ŷ = α*x\nl = mean((ŷ - y)^2)", ["α"], ["x", "y"]))
    text = to_text(derivation, "Ein Café", ascii_only=True)
    assert text.isascii()
    assert text.startswith("Ein Cafe\n\nForward")
    assert "= (2/n)*sum((alpha*x[i] - y[i])*x[i], i)" in text
    assert "dl/dy_[i]     = 2*(y_[i] - y[i])/n" in text  # y is another name


@given(graphs((*RATIONAL, *SMOOTH)))
def test_lines_fit_into_80_columns(graph: Graph) -> None:
    for ascii_only in (False, True):
        text = to_text(differentiate(graph), ascii_only=ascii_only)
        assert text.endswith("\n")
        for line in text.splitlines():
            assert len(line) <= WIDTH or " " not in line[WIDTH // 2 :].strip()
            assert line == line.rstrip()


def test_fold_breaks_before_signs_outside_parentheses() -> None:
    assert fold("(a + b) c + (d + e) f", 12, 12) == ["(a + b) c", "+ (d + e) f"]
    assert fold("x" * 30, 10, 10) == ["x" * 30]
    assert fold("Σᵢ (a + b) (c + d)", 10, 20) == ["Σᵢ (a + b)", "(c + d)"]


def test_styles_do_not_share_state() -> None:
    style = Ascii()
    style.as_written()
    style.without_indices()
    assert (style.exact, style.bare, style.names) == (False, False, {})


def test_names_of_greek_letters_are_printed_as_letters_unless_in_ascii() -> None:
    derivation = derive.derive("l = mean((alpha_1*x + beta - y)^2) + lambda*beta^2")
    text = to_text(derivation)
    assert "parameters α_1, β, λ; data x, y" in text
    assert "Chain rule for α_1" in text
    assert "∂l/∂β = 2 λ β + (2/n) Σᵢ (α_1 xᵢ + β − yᵢ)" in text
    assert not re.search("alpha|beta|lambda", text)
    plain = to_text(derivation, ascii_only=True)
    assert "parameters alpha_1, beta, lambda; data x, y" in plain
    assert plain.isascii()


def test_a_name_sigma_stays_a_word_beside_a_sigmoid() -> None:
    assert "2 σ" in to_text(derive.derive("l = sigma^2"))
    text = to_text(derive.derive("l = sigma*sigmoid(w)"))
    assert "(1)  l = sigma·σ(w)" in text
    assert "parameters sigma, w" in text


def test_pictures_have_the_names_of_the_text() -> None:
    assert "∂l/∂β" in to_dot(derive.derive("l = beta^2"))
    assert "dl/dbeta" in to_dot(derive.derive("l = beta^2"), ascii_only=True)


@pytest.mark.parametrize(
    ("typed", "echo"),
    [
        ("w·x", "w·x"),
        ("w @ x", "w @ x"),
        ("w*x", "w·x"),
        ("(w·w) @ w ∙ x", "w·w @ w·x"),
        ("w·x  # not x @ w", "w·x"),
    ],
)
def test_a_product_is_echoed_with_the_sign_that_was_typed(typed: str, echo: str) -> None:
    derivation = differentiate(graph_of(f"a = {typed}\nl = mean(a^2)", ["w"], ["x"]))
    assert f"(1) a = {echo} (" in " ".join(to_text(derivation).split())
    tex = echo.replace(" @ ", r" \mathbin{@} ").replace("·", r" \cdot ")
    assert f"a &= {tex} \\tag{{1}}" in to_latex(derivation)
    assert f"a = {tex} \\tag{{1}}" in to_markdown(derivation)


def test_signs_are_told_apart_line_by_line() -> None:
    derivation = differentiate(graph_of("a = w @ x; c = a·w\nl = mean(c^2)", ["w"], ["x"]))
    text = " ".join(to_text(derivation).split())
    assert "a = w @ x (" in text
    assert "c = a·w (" in text


def test_what_differs_is_echoed_as_a_comparison() -> None:
    derivation = differentiate(graph_of("a = where(x != y, w*x, 0)\nl = mean(a)", ["w"], ["x", "y"]))
    assert "a = where([x ≠ y], w·x, 0)" in to_text(derivation)
    assert "a = where((x != y), w*x, 0)" in to_text(derivation, ascii_only=True)
    for page in (to_latex(derivation), to_markdown(derivation)):
        assert r"\lbrack x \ne y\rbrack" in page


def test_the_derivative_of_a_maximum_of_two_is_a_half_where_they_are_equal() -> None:
    """The formula says what the sentence below it says."""
    text = to_text(differentiate(graph_of("l = mean(max(w*x, b))", ["w", "b"], ["x"])))
    assert "∂l/∂w = Σᵢ ([w xᵢ > b] + [w xᵢ = b]/2) xᵢ/n" in text
    assert "max of equals: ½ to each" in text
    assert "≥" not in text
