"""A sum that is written without letters does not run over those of the left side."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.scenarios.test_claimed_back import judged

LINEAR = "z[i] = sum(X[i,j]*w[j], j); l = mean((z - y)^2)"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("2/n*sum((z[i] - y[i])*X[i,j])", "a sum over i"),
        ("2*mean((z[i] - y[i])*X[i,j])", "a mean over i"),
        ("mean(z[i]*X[i,j]) + sum(z[i]*X[i,j])/n - 2*mean(y[i]*X[i,j])", "a mean over i and a sum over i"),
    ],
)
def test_the_letter_of_the_left_side_is_free(formula: str, said: str) -> None:
    finding = judged(LINEAR, "dl/dw[j]", formula)
    assert finding.status == "right"
    assert finding.sentence.endswith(f"read as {said}, as j stands on the left")


def test_what_is_written_with_its_letters_is_not_read_otherwise() -> None:
    finding = judged(LINEAR, "dl/dw[j]", "2/n*sum((z[i] - y[i])*X[i,j], i)")
    assert (finding.status, "stands on the left" in finding.sentence) == ("right", False)
    assert judged(LINEAR, "dl/dw[j]", "2/n*sum((z[i] - y[i])*X[i,j], i, j)").status == "wrong"
    assert judged(LINEAR, "dl/dw[j]", "2*sum((z[i] - y[i])*X[i,j])").status == "wrong"


@settings(max_examples=20, deadline=None)
@given(st.permutations("ijkmq"), st.sampled_from(("sum", "mean")), st.booleans(), st.booleans())
def test_in_any_letters_it_is_the_sum_over_the_others(letters: list[str], op: str, both: bool, is_right: bool) -> None:
    """Of l = sum((x @ W)^2)/2 by one or both letters of W."""
    sample, row, column, *_ = letters
    many = "n*" if op == "mean" else ""
    factor = "" if is_right else "2*"
    problem = "y = x @ W; l = sum(y^2)/2"
    left = f"dl/dW[{row},{column}]"
    inside = f"x[{sample},{row}]*y[{sample},{column}]"
    formula = f"{factor}{many}{op}({inside})" if both else f"{factor}{many}{op}({inside}, {sample})"
    assert judged(problem, left, formula).status == ("right" if is_right else "wrong")


MATRIX = '''equations = """
{line}
l = sum(y^2)/2
"""
[parameters]
W = {W}
[data]
x = {x}
'''


@settings(max_examples=30, deadline=None)
@given(st.permutations("ijkmq"), st.integers(1, 3), st.integers(1, 3), st.integers(2, 4), st.booleans(), st.booleans())
def test_the_letters_on_the_left_are_those_of_the_formula(
    letters: list[str], rows: int, columns: int, samples: int, is_right: bool, lettered: bool
) -> None:
    """A transposed formula is refused, whether the sizes tell that it is one or only the numbers."""
    sample, row, column, *_ = letters
    problem = MATRIX.format(
        line="y[i,k] = sum(x[i,j]*W[j,k], j)" if lettered else "y = x @ W",
        W=[[3 + 4 * j - 5 * k * j for k in range(columns)] for j in range(rows)],
        x=[[2 + 3 * i - i * i * (j + 1) for j in range(rows)] for i in range(samples)],
    )
    a, b = (row, column) if is_right else (column, row)
    formula = f"sum(x[{sample},{a}]*y[{sample},{b}], {sample})"
    try:
        finding = judged(problem, f"dl/dW[{row},{column}]", formula)
    except ClaimError as error:
        assert rows != columns
        assert not is_right
        assert "runs over" in str(error)  # noqa: PT017
    else:
        assert rows == columns or is_right
        assert finding.status == ("right" if is_right or rows == columns == 1 else "wrong")


@pytest.mark.parametrize(
    ("name", "formula", "message"),
    [
        ("dl/dW[j,k]", "sum(x[i,k]*y[i,j], i)", "k runs over 2 values in the formula, and over 3 on the left"),
        ("dl/dW[a,b]", "sum(x[i,a]*y[i,c], i)", "c does not stand on the left; expected a or b, or a sum over c"),
        ("dl/dx[j,i]", "sum(y[i,k]*W[j,k], k)", "i runs over n values in the formula, and over 2 on the left"),
    ],
)
def test_a_letter_that_does_not_fit_is_named(name: str, formula: str, message: str) -> None:
    problem = MATRIX.format(line="y = x @ W", W=[[3, 5, 1], [7, 11, -2]], x=[[1, 2], [3, -1], [4, 1], [2, 2]])
    with pytest.raises(ClaimError, match=re.escape(message)):
        judged(problem, name, formula)


def test_letters_of_the_lines_bind_where_none_stand_on_the_left() -> None:
    numbers = {"W": [[3, 5, 1], [7, 11, -2]], "x": [[1, 2], [3, -1], [4, 1], [2, 2]]}
    lettered = MATRIX.format(line="y[i,k] = sum(x[i,j]*W[j,k], j)", **numbers)
    with pytest.raises(ClaimError, match="k runs over 2 values in the formula, and over 3 in the lines"):
        judged(lettered, "dl/dW", "sum(x[i,k]*y[i,j], i)")
    assert judged(lettered, "dl/dW", "sum(x[i,a]*y[i,b], i)").status == "right"
    bare = MATRIX.format(line="y = x @ W", **numbers)
    assert judged(bare, "dl/dW", "sum(x[i,k]*y[i,j], i)").status == "right"  # only their sizes tell the two apart


@pytest.mark.parametrize(
    ("name", "formula", "status"),
    [
        ("dl/dW[j,0]", "sum(x[i,j]*y[i,0], i)", "right"),
        ("dl/dW[j,0]", "sum(x[i,j]*y[i,1], i)", "wrong"),
        ("dl/dW[1,i]", "sum(x[k,1]*y[k,i], k)", "right"),
        ("dl/dW[1,i]", "sum(x[k,0]*y[k,i], k)", "wrong"),
        ("dl/dW[i,j]", "transpose(x)@y", "right"),
    ],
)
def test_a_number_on_the_left_is_no_letter(name: str, formula: str, status: str) -> None:
    problem = MATRIX.format(line="y = x @ W", W=[[3, 5, 1], [7, 11, -2]], x=[[1, 2], [3, -1], [4, 1], [2, 2]])
    assert judged(problem, name, formula).status == status
