"""The columns of [data], exact and of one length: inline, or those of a CSV file that the equations use."""

from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import DataError, ProblemError
from derive.problem.data import Column, read_columns
from derive.source.toml_text import parse
from tests.problems import read


def columns(text: str, folder: Path = Path(), wanted: str = "xy") -> tuple[tuple[Column, ...], list[str]]:
    return read_columns(parse(text, "p.toml"), frozenset(wanted), folder)


def test_no_data() -> None:
    assert columns("a = 1") == ((), [])


def test_inline_columns_are_exact() -> None:
    found, notes = columns('[data]\nx = [0.1, 2, "1/3"]\ny = [1, 2, 3]')
    assert [column.name for column in found] == ["x", "y"]
    assert found[0].values == (Fraction(1, 10), Fraction(2), Fraction(1, 3))
    assert found[0].quantity.shape == (3,)
    assert notes == []


def test_an_unused_column_is_noted() -> None:
    assert columns("[data]\nx = [1]\nz = [1]")[1] == ["data column 'z' is not used in the equations"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[data]\nx = [1, 2]\ny = [1]",
            r"^p\.toml:3:1: x has 2 values and y has 1; expected columns of the same length",
        ),
        ("[data]\nx = [1]\ny = [1, 2]", "x has 1 value and y has 2"),
        ("[data]\nx = []", r"^p\.toml:2:1: column 'x' is empty"),
        ('[data]\nx = [1, "two"]', "value 2 of column 'x': 'two' is not a number; expected a number"),
        ("[data]\nx = [nan]", "value 1 of column 'x': nan is not a finite number"),
        ("[data]\nx = [1, -inf]", "value 2 of column 'x': -inf is not a finite number"),
        ("[data]\nx = [1e999999999]", "1e999999999 has an exponent beyond"),
        ("[data]\nx = [true]", "true is not a number"),
        (
            "[data]\nx = [[1], [2, 3]]",
            "value 1 of column 'x' has 1 entry and value 2 of column 'x' has 2; expected rows",
        ),
        ("[data]\nx = 3", r"data column 'x' is 3; expected a list of numbers, such as x = \[0, 1, 2\]"),
        ('[data]\nx = "p.csv"', r"data column 'x' is 'p\.csv'; expected a list"),
        ("[data]", r"^p\.toml:1:2: \[data\] has no columns"),
        ('[data]\n"µ" = [1]\n"μ" = [1]', "'µ' and 'μ' are the same name after Unicode normalisation"),
        ("[data]\nexp = [1]", "'exp' is the name of an operation"),
        ('[data]\n"a b" = [1]', "'a b' is not a name"),
        ('data = "p.csv"', r"data is 'p\.csv'; expected a table \[data\]"),
        ('[data]\nfile = "p.csv"\nx = [1]', r"x stands beside a CSV file, and is a list; expected the name of one"),
        ('[data]\nfile = "nope.csv"', r"^p\.toml:2:1: there is no file 'nope\.csv'; expected a CSV file with the data"),
        ('[data]\nfile = "."', "is a directory"),
    ],
)
def test_refuses_what_is_not_data(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        columns(text)


def from_csv(folder: Path, content: str, settings: str = "", wanted: str = "xy") -> dict[str, list[Fraction]]:
    (folder / "p.csv").write_text(content, encoding="utf-8")
    found, _ = columns(f'[data]\nfile = "p.csv"\n{settings}', folder, wanted)
    return {column.name: list(column.values) for column in found}


def test_a_csv_file_gives_the_columns_that_the_equations_use(tmp_path: Path) -> None:
    assert from_csv(tmp_path, "\ufeffx , other, y\r\n0.1,a,1\r\n1e3 , b, 1/3\r\n\r\n") == {
        "x": [Fraction(1, 10), Fraction(1000)],
        "y": [Fraction(1), Fraction(1, 3)],
    }
    assert columns('[data]\nfile = "p.csv"', tmp_path)[1] == ["ignored columns of p.csv: 'other'"]


def test_listed_columns_are_read_and_no_others(tmp_path: Path) -> None:
    assert from_csv(tmp_path, "x,y,z\n1,2,3\n", 'columns = ["y"]') == {"y": [2]}


def test_a_column_n_is_refused_where_the_equations_name_n(tmp_path: Path) -> None:
    """N is the number of samples: the column was left out, and its numbers counted as if it had been read."""
    with pytest.raises(DataError, match=r"p\.csv has a column 'n', and 'n' is the number of samples in equations"):
        from_csv(tmp_path, "n,x\n1,2\n", wanted="nx")
    assert from_csv(tmp_path, "n,x\n1,2\n", wanted="x") == {"x": [2]}
    assert from_csv(tmp_path, "n,x\n1,2\n", 'count = "n"', wanted="nx")["count"] == [1]


def test_header_names_are_normalised(tmp_path: Path) -> None:
    assert from_csv(tmp_path, "µ\n1\n", wanted="μ") == {"μ": [1]}


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("x,y\n", "", r"^p\.csv:1: column 'x' is empty"),
        ("a,b\n1,2\n", "", "no column is used in the equations; the columns are 'a', 'b'"),
        ("x,y\n1,2\n", 'columns = ["x", "z"]', r"^p\.toml:3:1: no column 'z'; the columns are 'x', 'y'"),
        ("celsius\n1\n", 'columns = ["celcius"]', "no column 'celcius'; did you mean 'celsius'"),
        ("x,y\n1,2\n", "columns = [1]", "no column 1"),
        ("x,y\n1,2\n", "columns = []", "columns is a list; expected names"),
        ("x,y\n1,2\n", 'columns = "x"', "columns is 'x'; expected names"),
        ("x y,z\n1,2\n", 'columns = ["x y"]', "'x y' is not a name"),
    ],
)
def test_refuses_columns_that_the_file_does_not_have(tmp_path: Path, content: str, settings: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        from_csv(tmp_path, content, settings)


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
