"""A sum that is written without letters does not run over those of the left side."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
