from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import ProblemError
from derive.problem.loading import Problem, load
from derive.problem.predict import predicted
from tests.problems import SQUARE

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


def from_csv(folder: Path, content: str, predict: str = "", data: str = "") -> Problem:
    """The problem with a file of rows to predict."""
    (folder / "new.csv").write_text(content, encoding="utf-8")
    text = TEXT.replace("x = [1, 2]\ny = [3, 4]\n", data) if data else TEXT
    (folder / "p.toml").write_text(f'{text}file = "new.csv"\n{predict}', encoding="utf-8")
    return load(folder / "p.toml")


def test_the_rows_of_a_csv_file(tmp_path: Path) -> None:
    problem = from_csv(tmp_path, "id, x\n7,37\n8, 1/3\n9,1e3\n")
    [column] = problem.predict
    assert (column.name, column.values) == ("x", (37, Fraction(1, 3), 1000))
    assert "ignored columns of new.csv: 'id'" in problem.notes
    assert predicted(problem.graph, problem.predict) == ("pred",)


def test_the_columns_of_a_csv_file_are_renamed_and_chosen_as_those_of_data(tmp_path: Path) -> None:
    assert [c.values for c in from_csv(tmp_path, "hot,y\n37,1\n", 'x = "hot"\ncolumns = ["y"]\n').predict] == [
        (37,),
        (1,),
    ]
    chosen = from_csv(tmp_path, "x,y\n37,1\n", 'columns = ["x"]\n')
    assert [column.name for column in chosen.predict] == ["x"]
    (tmp_path / "train.csv").write_text("x,y\n1,2\n3,4\n", encoding="utf-8")
    both = from_csv(tmp_path, "x\n37\n", data='file = "train.csv"\n')
    assert [column.values for column in (*both.data, *both.predict)] == [(1, 3), (2, 4), (37,)]


def test_a_matrix_of_columns_is_predicted(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("b,a\n1,2\n3,4\n", encoding="utf-8")
    (tmp_path / "p.toml").write_text(
        """equations = "p = x @ w; l = mean((p - y)^2)"
[parameters]
w = [1, 2]
[data]
x = [[1, 2], [3, 4], [5, 6]]
y = [1, 2, 3]
[predict]
file = "new.csv"
x = ["a", "b"]
""",
        encoding="utf-8",
    )
    [column] = load(tmp_path / "p.toml").predict
    assert (column.shape, column.values) == ((2, 2), (2, 1, 4, 3))


@pytest.mark.parametrize(
    ("content", "predict", "message"),
    [
        ("age\n1\n", "", "new.csv:1: no column is a column of [data]; the columns are 'age'"),
        ("x\nhot\n", "", "new.csv:2: column 'x': 'hot' is not a number; expected a number"),
        ("x\n", "", "new.csv:1: column 'x' is empty; expected at least one number"),
        ("x\n1\n", 'z = "x"', "{folder}/p.toml:17:1: [predict] gives 'z', which is not a column of [data]"),
        ("x\n1\n", 'x = "X"', "{folder}/p.toml:17:1: no column 'X'; did you mean 'x'?"),
        ("x\n1\n", "x = [1]", "{folder}/p.toml:17:1: x stands beside a CSV file, and is a list; expected the name of"),
        ("x\n1\n", 'x = ["x"]', "{folder}/p.toml:17:1: a row of 'x' has the shape [1] in [predict] and [] in [data]"),
        ("y\n1\n", "", "{folder}/p.toml:15:2: no line can be calculated from y alone: d needs x too"),
    ],
)
def test_refuses_a_csv_file_that_cannot_be_predicted(tmp_path: Path, content: str, predict: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        from_csv(tmp_path, content, predict)
    assert str(caught.value).startswith(message.format(folder=tmp_path))


def test_a_csv_file_that_is_not_there() -> None:
    with pytest.raises(ProblemError, match=r"^<text>:16:1: there is no file 'nope.csv'; expected a CSV file with the"):
        load(TEXT + 'file = "nope.csv"\n')


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
    text = SQUARE + "[predict]\nx = [1]\n"
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
