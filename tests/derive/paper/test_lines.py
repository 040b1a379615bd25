"""Lines of paper → named expressions with their places; what is no equation ends in one clear message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Axis
from derive.errors import EquationError
from derive.paper.lines import MAX_LENGTH, check_name, read_lines, with_transposes


def test_lines_keep_their_places() -> None:
    first, second, third = read_lines("a = w*x  # a comment\n\n  b = a;  c = b + 1\n", "file.toml", 5)
    assert [(line.name, line.place.line, line.place.column) for line in (first, second, third)] == [
        ("a", 5, 1),
        ("b", 7, 3),
        ("c", 7, 11),
    ]


def test_indices_on_the_left() -> None:
    lines = read_lines("z[i,k] = x\nzᵢ = x")
    assert [line.axes for line in lines] == [(Axis("i"), Axis("k")), (Axis("i"),)]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("l = X^T @ r", "l = X.T @ r"),
        ("l = sum((X @ W^T - T)^2)", "l = sum((X @ W.T - T)^2)"),
        ("l = (A @ B)^T @ r", "l = (A @ B).T @ r"),
        ("l = w^T", "l = w^T"),  # a power, of which T is a name
        ("l = w^T*x", "l = w^T*x"),
        ("l = X^t @ r", "l = X^t @ r"),
        ("T = 2; l = X^T @ r", "T = 2; l = X^T @ r"),
    ],
)
def test_what_is_transposed_in_a_product_of_matrices(text: str, same: str) -> None:
    read, expected = (read_lines(each) for each in (text, same))
    assert [line.expr for line in with_transposes(read)] == [line.expr for line in expected]


BAD = [
    ("a + 1", "no '=' in this line; expected name = expression, such as a = w*x", 1),
    ("= a", "nothing before '='; expected a name", 1),
    ("a = ", "nothing after '='; expected an expression", 3),
    ("a = # x", "nothing after '='; expected an expression", 3),
    ("a += x", "'+=' gives 'a' a second value; each line names a new quantity: write a2 = a + x", 3),
    ("a -= x", "'-=' gives 'a' a second value; each line names a new quantity: write a2 = a - x", 3),
    ("a *= 2", "'*=' gives 'a' a second value; each line names a new quantity: write a2 = a * 2", 3),
    ("a := x", "':=' is not part of the notation; write '='", 3),
    ("a + b = c", "'a + b' on the left of '='; expected one name, such as a", 1),
    ("2 = c", "'2' on the left of '='; expected one name, such as a", 1),
    ("f(x) = x", "'f(x)' on the left of '='; expected one name, such as a", 1),
    ("sum = x", "'sum' is the name of an operation; choose another name", 1),
]


@pytest.mark.parametrize(("text", "message", "column"), BAD, ids=[text[:24] for text, _, _ in BAD])
def test_bad_lines(text: str, message: str, column: int | None) -> None:
    with pytest.raises(EquationError) as caught:
        read_lines(text)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300
    place = caught.value.place
    assert place is not None
    assert place.line == 1
    if column is not None:
        assert place.column == column


def test_the_limit_of_length_says_what_it_is() -> None:
    with pytest.raises(EquationError, match=rf"an equation of 10,0\d\d characters; expected at most {MAX_LENGTH:,}"):
        read_lines("a = " + "x" * MAX_LENGTH)


def test_no_equation() -> None:
    with pytest.raises(EquationError, match="equations:1: no equation; expected lines such as 'a = w"):
        read_lines("# nothing\n\n")


def test_the_caret_stands_under_the_mistake() -> None:
    with pytest.raises(EquationError) as caught:
        read_lines("a = w·x\nb = a + 2x", "problem.toml", 3)
    assert str(caught.value) == (
        "problem.toml:4:10: a product needs its sign: write 2*x\n    b = a + 2x\n             ^"
    )


def test_the_caret_of_a_long_line_is_near_its_excerpt() -> None:
    with pytest.raises(EquationError) as caught:
        read_lines("a = " + "x + " * 200 + "2y" + " + x" * 200)
    message, line, caret = str(caught.value).split("\n")
    assert message.endswith("write 2*y")
    assert len(line) < 80
    assert line[caret.index("^")] == "y"


@given(st.text(alphabet="ab=+-*/^()[],.;:#|@ 012\t²√Σ·", max_size=40))
def test_any_line_is_read_or_refused(text: str) -> None:
    message = ""
    try:
        read_lines(text)
    except EquationError as error:
        message = error.message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["w", "w1", "learning_rate", "α", "lambda", "ŷ", "W_out"])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "1w", "a b", "a.b", "sum", "σ ", "sigmoid", "x[i]", "a+b", "x²"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(EquationError, match=r"is not a name|is the name of an operation"):
        check_name(name)
