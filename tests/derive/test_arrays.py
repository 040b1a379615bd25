"""[parameters], [constants] and [data] as nested lists; columns of a CSV file side by side; class labels."""

from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import DataError, EquationError, Place, ProblemError
from derive.problem.file import read_problem
from derive.problem.problem import Problem
from derive.source.arrays import MAX_NUMBERS, Wording, read_array

BASE = '''\
equations = """
z = x @ W + b
l = mse(z, t)
"""
[parameters]
W = [[1, 2], [0.5, "1/3"], [5, 6]]
b = [1, 2]
[data]
x = [[1, 2, 3], [4, 5, 6]]
t = [[1, 0], [0, 1]]
'''


def read(text: str, folder: Path = Path()) -> Problem:
    return read_problem(text, "p", "p.toml", folder)


def changed(old: str, new: str) -> str:
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


def test_nested_lists_are_read_row_by_row() -> None:
    problem = read(BASE)
    weights, bias = problem.parameters
    assert (weights.shape, weights.values) == ((3, 2), (1, 2, Fraction(1, 2), Fraction(1, 3), 5, 6))
    assert (bias.shape, bias.values) == ((2,), (1, 2))
    assert [(column.shape, column.values[:2]) for column in problem.data] == [((2, 3), (1, 2)), ((2, 2), (1, 0))]
    assert problem.samples == 2
    assert [axis.size for axis in problem.graph.by_name["z"].axes] == ["n", 2]


def test_data_of_three_dimensions() -> None:
    problem = read('equations = "l = mean(w*x)"\n[parameters]\nw = 1\n[data]\nx = [[[1, 2]], [[3, 4]], [[5, 6]]]\n')
    assert problem.data[0].shape == (3, 1, 2)
    assert [axis.size for axis in problem.graph.by_name["x"].axes] == ["n", 1, 2]


def test_constants_are_arrays_too() -> None:
    problem = read('equations = "l = sum(w[j]*c[j], j)"\n[parameters]\nw = [1, 2]\n[constants]\nc = [0.1, 3]\n')
    assert problem.constants[0].values == (Fraction(1, 10), 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[1, 2]\n[", "[]\n[", r"^p\.toml:7:1: b is empty; expected at least one number"),
        ("[5, 6]]", "[]]", r"^p\.toml:6:1: W\[2\] is empty; expected at least one number"),
        ("[5, 6]]", "[5]]", r"W\[0\] has 2 entries and W\[2\] has 1; expected rows of the same length"),
        ("[5, 6]]", "5]", r"W\[2\] is 5, but W\[0\] is a list; expected rows of the same length"),
        ("[[1, 2], [0.5", "[1, [0.5", r"W\[1\] is a list, but W\[0\] is a number"),
        ("[[1, 2], [0.5", '[["one", 2], [0.5', r"W\[0,0\] = 'one' is not a number; expected a number, such as 0\.5"),
        ("[5, 6]]", "[5, nan]]", r"W\[2,1\] = nan is not a finite number"),
        ("[5, 6]]", "[5, {a = 1}]]", r"W\[2,1\] = a table is not a number"),
        ("b = [1, 2]", "b = [[[[[1]]]]]", "b has lists nested more than 4 deep"),
        ("b = [1, 2]", "b = " + "[" * 500 + "1" + "]" * 500, "b has lists nested more than 4 deep|nested too deeply"),
    ],
)
def test_refuses_lists_that_are_not_an_array(old: str, new: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(changed(old, new))


def test_an_array_has_a_limit() -> None:
    with pytest.raises(ProblemError, match=r"W has 1,000,001 numbers or more; expected at most 1,000,000"):
        read_array([1] * (MAX_NUMBERS + 1), Wording("W", "a number"), Place("p.toml"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "x = [[1, 2, 3]]\nt = [[1, 0], [0, 1]]",
            r"^p\.toml:10:1: x has 1 row and t has 2; expected columns of the same",
        ),
        (
            "x = [[1, 2, 3], [4, 5]]\nt = [[1, 0], [0, 1]]",
            "value 1 of column 'x' has 3 entries and value 2 of column 'x'",
        ),
        ("x = [[1, 2, 3], [4, 5, 'a']]\nt = [[1, 0], [0, 1]]", r"x\[1,2\]: 'a' is not a number; expected a number"),
        ("x = [[], []]\nt = [[1, 0], [0, 1]]", "value 1 of column 'x' is empty"),
    ],
)
def test_refuses_data_that_are_not_rows(data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(BASE[: BASE.index("x = [[")] + data + "\n")


TITANIC = "age,fare,class,label\n1,2,3,0\n4,5,6,1\n"
GROUPED = '''\
equations = """
z = x @ w
l = mse(z, y)
"""
[parameters]
w = [1, 2]
[data]
file = "data.csv"
x = ["fare", "age"]
y = "label"
'''


def test_columns_of_a_file_stand_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(TITANIC)
    problem = read(GROUPED, tmp_path)
    assert [(c.name, c.shape, c.values) for c in problem.data] == [("x", (2, 2), (2, 1, 5, 4)), ("y", (2,), (0, 1))]
    assert problem.notes == ("ignored columns of data.csv: 'class'",)


def test_other_columns_are_read_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(TITANIC)
    text = GROUPED.replace("mse(z, y)", "mse(z, label)").replace('y = "label"\n', "")
    assert [(c.name, c.shape) for c in read(text, tmp_path).data] == [("x", (2, 2)), ("label", (2,))]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["fare", "age"]', '["fair"]', r"^p\.toml:9:1: no column 'fair'; did you mean 'fare'"),
        (
            '["fare", "age"]',
            "[1]",
            r"x stands beside a CSV file, and is a list; expected the name of one of its columns",
        ),
        ('["fare", "age"]', "[]", "x stands beside a CSV file"),
        ('"label"', "3", "y stands beside a CSV file, and is 3"),
        ('"label"', '"label"\nexp = "age"', "'exp' is the name of an operation"),
        ('"label"', '"label"\ncolumns = ["age", "zz"]', "no column 'zz'"),
    ],
)
def test_refuses_groups_that_the_file_does_not_have(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "data.csv").write_text(TITANIC)
    with pytest.raises(ProblemError, match=message):
        read(GROUPED.replace(old, new), tmp_path)


def test_a_name_is_not_both_listed_and_grouped(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(TITANIC)
    text = GROUPED.replace('y = "label"', 'y = "label"\nage = "fare"\ncolumns = ["age"]')
    with pytest.raises(DataError, match=r"^p\.toml:12:1: 'age' is listed in columns and defined beside it"):
        read(text, tmp_path)


LABELS = BASE.replace("mse(z, t)", "cross_entropy(z, y)").replace("t = [[1, 0], [0, 1]]", "y = [0, 1]")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            "[0, 2]",
            (
                r"^p\.toml:10:1: y\[1\] = 2 \(row 1, counted from 0\) is not a class label for l; expected whole "
                r"numbers from 0 to 1, for 2 classes\n"
            ),
        ),
        ("[-1, 0]", r"y\[0\] = -1 "),
        ("[0.5, 0]", r"y\[0\] = 0\.5 "),
        ("[1, 2]", r"y\[1\] = 2 .*; these count from 1: subtract 1"),
    ],
)
def test_refuses_labels_beyond_the_classes(labels: str, message: str) -> None:
    assert read(LABELS).data[1].values == (0, 1)
    with pytest.raises(DataError, match=message):
        read(LABELS.replace("[0, 1]", labels))


def test_labels_are_a_class_each() -> None:
    with pytest.raises(EquationError, match=r"the shape|classes|do not fit"):
        read(LABELS.replace("[0, 1]", "[[[0]], [[1]]]"))
