"""Sums and means over axes that are not there are refused."""

import pytest

from derive.errors import EquationError
from tests.trees import graph_of


@pytest.mark.parametrize(
    ("text", "parameters", "data", "message"),
    [
        ("l = sum(w)", ["w"], ["x"], "sum of a single number; expected something that runs over samples or an index"),
        (
            "l = mean(w*x, k)",
            ["w"],
            ["x"],
            "mean over k: what it is taken of runs over i; expected an index that it has",
        ),
        ("l = max(w)", ["w"], [], "max of a single number; expected something that runs over samples"),
    ],
)
def test_what_cannot_be_reduced(text: str, parameters: list[str], data: list[str], message: str) -> None:
    with pytest.raises(EquationError) as caught:
        graph_of(text, parameters, data)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
