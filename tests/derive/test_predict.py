from fractions import Fraction

import pytest

from derive.errors import ProblemError
from derive.predict import predicted
from derive.problem import load

TEXT = """equations = \"\"\"
scale = w^2
pred = w*x + b
d = pred - y
l = mean(d^2) + scale
\"\"\"
[parameters]
w = 0
b = 0
[data]
x = [1, 2]
y = [3, 4]
[training]
lr = 0.1
[predict]
"""


def test_the_lines_that_depend_on_the_columns_and_on_no_other_data() -> None:
    problem = load(TEXT + "x = [37, 0.5, '1/3']\n")
    [column] = problem.predict
    assert (column.name, column.shape, column.values) == ("x", (3,), (37, Fraction(1, 2), Fraction(1, 3)))
    assert predicted(problem.graph, problem.predict) == ("pred",)


def test_with_every_column_every_line_but_those_without_data() -> None:
    problem = load(TEXT + "x = [37]\ny = [5]\n")
    assert predicted(problem.graph, problem.predict) == ("pred", "d", "l")


@pytest.mark.parametrize(
    ("predict", "message"),
    [
        (
            "z = [1]",
            "<text>:16:1: [predict] gives 'z', which is not a column of [data]; the columns are x, y",
        ),
        ("X = [1]", "<text>:16:1: [predict] gives 'X', which is not a column of [data]; did you mean 'x'?"),
        ("y = [1]", "<text>:15:2: no line can be calculated from y alone: d needs x too\n    [predict]\n     ^"),
        (
            "x = [[1, 2]]",
            "<text>:16:1: a row of 'x' has the shape [2] in [predict] and [] in [data]",
        ),
        ("x = 37", "<text>:16:1: data column 'x' is 37; expected a list of numbers, such as x = [0, 1, 2]"),
        ("x = []", "<text>:16:1: column 'x' is empty; expected at least one number"),
        ("x = ['hot']", "<text>:16:1: value 1 of column 'x': 'hot' is not a number; expected a number"),
        ("x = [1]\ny = [1, 2]", "<text>:17:1: x has 1 value and y has 2; expected columns of the same length"),
        ("", "<text>:15:2: [predict] has no columns; expected lists such as x = [0, 1, 2]"),
    ],
)
def test_refuses_what_cannot_be_predicted(predict: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        load(f"{TEXT}{predict}\n")
    assert str(caught.value).startswith(message)


def test_refuses_a_prediction_without_data() -> None:
    text = 'equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = 0.1\n[predict]\nx = [1]\n'
    with pytest.raises(
        ProblemError, match=r"\[predict\] gives 'x', which is not a column of \[data\]; there is no \[data\]"
    ):
        load(text)


def test_labels_of_a_prediction_are_checked() -> None:
    text = """
equations = "l = cross_entropy(x @ W, y)"
[parameters]
W = [[0, 0]]
[data]
x = [[1], [2]]
y = [0, 1]
[training]
lr = 0.1
[predict]
x = [[1]]
y = [2]
"""
    with pytest.raises(ProblemError, match=r"y\[0\] = 2 \(row 0, counted from 0\) is not a class label for l"):
        load(text)
