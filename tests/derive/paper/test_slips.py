"""What paper leaves out and the notation does not: the message says what to write."""

import pytest

from derive.errors import EquationError, Place
from derive.paper.lines import read_line, read_lines


@pytest.mark.parametrize(
    ("equation", "column", "message"),
    [
        ("l = sin w", 5, "the argument of sin stands in parentheses: write sin(w)"),
        ("l = 2 + tanh w + b", 9, "the argument of tanh stands in parentheses: write tanh(w)"),
        ("l = log w*x − 1", 5, "the argument of log stands in parentheses: write log(w*x)"),
        ("l = sin w cos w", 5, "the argument of sin stands in parentheses: write sin(…)"),
        ("l = exp -w", 5, "exp is a function, and its argument stands in parentheses: write exp(…)"),
        ("l = w*sin", 7, "sin is a function, and its argument stands in parentheses: write sin(…)"),
        ("l = σ w", 5, "the argument of σ stands in parentheses: write σ(w), or σ*w for a product"),
        ("l = norm w", 5, "the argument of norm stands in parentheses: write norm(w), or norm*w for a product"),
        ("l = sin²(w)", 5, "the power of sin stands after its parentheses: write sin(…)²"),
        ("l = sin^2(w)", 5, "the power of sin stands after its parentheses: write sin(…)^2"),
        ("l = cos**2*w", 5, "the power of cos stands after its parentheses: write cos(…)**2"),
        ("l = σ²(w)", 5, "the power of σ stands after its parentheses: write σ(…)²"),
        ("l = sin⁻¹(w)", 5, "sin⁻¹ is 1/sin(…) or the inverse function: write 1/sin(…); the inverse is not known here"),
        ("l = Σ y*w", 5, "what Σ sums stands in parentheses: write Σ(y*w)"),
        ("l = ∑ y*w", 5, "what Σ sums stands in parentheses: write Σ(y*w)"),
        ("l = (1/n) * Σ w*x + 1", 13, "what Σ sums stands in parentheses: write Σ(w*x)"),
        ("l = Σ (w*x - y)²", 16, "Σ(…) with a power: write Σ((…)^2) for the sum of the squares"),
        ("l = Σᵢ xᵢ*w", 5, "what Σ sums stands in parentheses: write Σ(…, i), such as Σ(w*x[i], i)"),
        ("l = Σ_k x[k]*w", 5, "what Σ sums stands in parentheses: write Σ(…, k), such as Σ(w*x[k], k)"),
        ("l = Σᵢⱼ x[i,j]", 5, "what Σ sums stands in parentheses: write Σ(…, i, j)"),
        ("l = 2(w + 1)", 6, "a product needs its sign: write 2*(…)"),
        ("l = w(x + 1)", 5, "a product needs its sign: w*(…)"),
    ],
)
def test_the_message_says_what_to_write(equation: str, column: int, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        read_line(equation, Place("p", 1, 1, equation))
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.column == column


@pytest.mark.parametrize("equation", ["l = σ²*w", "l = Σ*w", "l = norm^2*w", "l = Σ_x*w", "l = sum(x) - max(w, x)"])
def test_what_is_said_is_not_refused(equation: str) -> None:
    assert len(read_lines(equation)) == 1


@pytest.mark.parametrize("slip", ["l = sin w", "l = Σ y*w", "l = mse w", "l = log w*x + b", "l = 2 w"])
def test_what_a_message_says_to_write_can_be_read(slip: str) -> None:
    with pytest.raises(EquationError) as caught:
        read_lines(slip)
    written = caught.value.message.partition(": write ")[2].partition(", or ")[0]
    assert len(read_lines(f"l = {written}")) == 1
