"""Operations of constants that have no real value."""

import re

import pytest

from derive.errors import EquationError
from derive.graph.graph import build
from derive.paper.lines import read_lines


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
