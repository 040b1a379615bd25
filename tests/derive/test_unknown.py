"""A name that nothing defines: the message says what was probably meant."""

import pytest

from derive.errors import EquationError
from derive.graph.scope import factors
from tests.trees import graph_of


@pytest.mark.parametrize(
    ("text", "parameters", "data", "message"),
    [
        ("l = w*wieght", ["w", "weight"], [], "unknown name 'wieght'; did you mean 'weight'?"),
        ("l = wx", ["w"], ["x"], "unknown name 'wx'; a product needs its sign: write w*x"),
        ("l = w1x2 + x2", ["w", "w1"], ["x2", "x"], "unknown name 'w1x2'; a product needs its sign: write w1*x2"),
        ("l = abx", ["a", "b", "ab_"], ["x"], "unknown name 'abx'; a product needs its sign: write a*b*x"),
        ("l = w*sinx", ["w"], ["x"], "unknown name 'sinx'; the argument of sin stands in parentheses: write sin(x)"),
        ("l = W*x", ["w"], ["x"], "unknown name 'W'; did you mean 'w'?"),
        ("l = w*X", ["w"], ["x"], "unknown name 'X'; did you mean 'x'?"),
        ("l = λ*w", ["w", "lambda"], [], "unknown name 'λ'; did you mean 'lambda'? The two spellings are two names"),
        ("l = lambda*w", ["w", "λ"], [], "unknown name 'lambda'; did you mean 'λ'? The two spellings are two names"),
        ("l = β_1*w", ["w", "beta1"], [], "unknown name 'β_1'; did you mean 'beta1'? The two spellings are two names"),
        ("l = w*q", ["w"], [], "unknown name 'q'; define it in a line, or give it under [parameters] or [data]"),
        ("l = w/n", ["w"], [], "'n', the number of samples in the batch, is used, but there are no data; add [data]"),
    ],
)
def test_what_was_probably_meant(text: str, parameters: list[str], data: list[str], message: str) -> None:
    with pytest.raises(EquationError) as caught:
        graph_of(text, parameters, data)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "found"),
    [("wx", ("w", "x")), ("wbx", ("w", "b", "x")), ("wbbx", ()), ("wq", ()), ("w", ()), ("w" * 21, ())],
)
def test_the_factors_that_a_name_is_written_of(name: str, found: tuple[str, ...]) -> None:
    assert factors(name, ["w", "b", "x"]) == found
