"""Every spelling on paper, and where each character came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Expr
from derive.characters import normalise
from derive.errors import EquationError, Place
from derive.paper.lines import read_line
from derive.paper.spelling import spell, tokens
from derive.paper.syntax import read_expression

_NO_ATTRIBUTE = "attributes are never read (n is the number of samples)"


def read(text: str) -> Expr:
    return read_expression(text, Place("test", 1, 1, text))


@pytest.mark.parametrize(
    ("paper", "plain"),
    [
        ("d²", "d**2"),
        ("d^2", "d**2"),
        ("d³", "d**3"),
        ("d⁻¹", "d**(-1)"),
        ("d¹²", "d**12"),
        ("w·x", "w @ x"),
        ("w×x", "w*x"),
        ("w⋅x", "w @ x"),
        ("w∙x", "w @ x"),
        ("w∗x", "w*x"),
        ("c − y", "c - y"),
        ("c – y", "c - y"),
        ("−y", "-y"),
        ("a÷b", "a/b"),
        ("a∕b", "a/b"),
        ("Xᵀ @ y", "transpose(X) @ y"),
        ("X⊤ @ y", "transpose(X) @ y"),
        ("X^⊤ @ y", "transpose(X) @ y"),
        ("X.T @ y", "transpose(X) @ y"),
        ("(X @ W).T @ y", "transpose(X @ W) @ y"),
        ("X.T^2", "transpose(X)^2"),
        ("√x", "sqrt(x)"),
        ("√(x + 1)", "sqrt(x + 1)"),
        ("√x + 1", "sqrt(x) + 1"),
        ("√√x", "sqrt(sqrt(x))"),
        ("√2*x", "sqrt(2)*x"),
        ("√x²", "sqrt(x)**2"),
        ("√x[i]", "sqrt(x[i])"),
        ("√xᵢ", "sqrt(x[i])"),
        ("√exp(x)", "sqrt(exp(x))"),
        ("√√(x)", "sqrt(sqrt(x))"),
        ("√exp(√x + 1)", "sqrt(exp(sqrt(x) + 1))"),
        ("√exp(√(x) + √y)*2", "sqrt(exp(sqrt(x) + sqrt(y)))*2"),
        ("Σ(e)", "sum(e)"),
        ("∑(e)", "sum(e)"),  # the sign of summation, U+2211, not the letter
        ("σ(z)", "sigmoid(z)"),
        ("σ*z", "σ*z"),
        ("ln(x)", "log(x)"),
        ("x₁", "x1"),
        ("xᵢ", "x[i]"),
        ("x_1", "x_1"),
        ("α + β", "α + β"),
        ("µ", "μ"),  # micro sign and Greek mu
        ("+x", "x"),
        ("1_000", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e-3", "0.001"),
        ("2E3", "2000"),
        ("x\t+ y", "x + y"),
    ],
)
def test_spellings_of_the_same(paper: str, plain: str) -> None:
    assert read(paper) == read(plain)


@pytest.mark.parametrize("name", ["lambda", "class", "for", "in", "is", "not", "and", "if", "None", "True", "def"])
def test_python_s_keywords_are_names_like_any(name: str) -> None:
    assert repr(read(f"2*{name} + {name}^2")).count(f"'{name}'") == 2


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("2x", 2, "a product needs its sign: write 2*x"),
        ("w x", 3, "a product needs its sign: write w*x"),
        ("2(x)", 2, "a product needs its sign: write 2*(…)"),
        ("(a)(b)", 4, "a product needs its sign: write (…)*(…)"),
        ("(a) x", 5, "a product needs its sign: write (…)*x"),
        ("2 sin(x)", 3, "a product needs its sign: write 2*sin(…)"),
        ("½*x", 1, "'½' is not part of the notation; write 1/2"),
        ("x¾", 2, "'¾' is not part of the notation; write 3/4"),
        ("x²y", 3, "a product needs its sign: write * between the factors"),
        ("x[i]y[i]", 5, "a product needs its sign: write * between the factors"),
        ("2√x", 2, "a product needs its sign: write * between the factors"),
        ("not x", 5, "a product needs its sign: write not*x"),
        ("x is y", 3, "a product needs its sign: write x*is"),
        ("|x|", 1, "'|' is not part of the notation; write abs(…)"),
        (
            "a.b",
            2,
            f"'.' is not part of the notation: {_NO_ATTRIBUTE}; a number needs a digit beside its point",
        ),
        (
            "a.Tx",
            2,
            f"'.' is not part of the notation: {_NO_ATTRIBUTE}; a number needs a digit beside its point",
        ),
        ("a = b", 3, "a second '='; an equation has one name on its left and one expression on its right"),
        ("x'", 2, "quotes are not part of the notation; choose a name such as x2 for x′"),
        ("x $ y", 3, "'$' is not part of the notation"),
        ("x; y", 2, "';' is not part of the notation"),
        ("x\\y", 2, r"'\\' is not part of the notation"),
        ("☃", 1, "'☃' is not part of the notation"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        read(text)
    assert caught.value.message == message
    assert caught.value.place is not None
    assert caught.value.place.column == column


@given(st.text("abxyλµ₁²³ᵢ+-*/^()[],.√Σσ·−0123456789 ", max_size=25))
def test_every_character_of_the_code_has_a_column_of_the_text(text: str) -> None:
    try:
        spelled = spell(text, Place("test", 1, 1, text), 0)
    except EquationError:
        return
    assert len(spelled.columns) == len(spelled.code)
    assert all(0 <= column < len(text) for column in spelled.columns)
    assert list(spelled.columns) == sorted(spelled.columns)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    place: Place | None = Place("test", 1, 1)
    try:
        read(text)
    except EquationError as error:
        place = error.place
    assert place is not None
    assert 1 <= (place.column or 1) <= len(text) + 1


def test_names_are_compared_after_normalisation() -> None:
    assert normalise("µ") == normalise("μ")
    assert normalise("x₁") == "x1"
    assert normalise("ｗ") == "w"


def test_tokens_keep_their_columns() -> None:
    assert [(token.text, token.column) for token in tokens("a = 2.5·x₁²")] == [
        ("a", 0),
        ("=", 2),
        ("2.5", 4),
        ("·", 7),
        ("x₁", 8),
        ("²", 10),
    ]


@pytest.mark.parametrize("text", ["Σ(w*x)²", "1/n*Σ(w*x - (y))^2", "Σ(a)**2"])
def test_a_power_of_a_sigma_must_say_what_it_means(text: str) -> None:
    with pytest.raises(EquationError, match=r"Σ\(…\) with a power: write Σ\(\(…\)\^2\) for the sum of the squares"):
        read_line(f"l = {text}", Place("p", 1, 1, f"l = {text}"))


@pytest.mark.parametrize("text", ["(Σ(w*x))²", "Σ((w*x)²)", "Σ(w*x)*y^2"])
def test_a_power_inside_or_around_a_sigma_is_clear(text: str) -> None:
    read_line(f"l = {text}", Place("p", 1, 1, f"l = {text}"))
