"""A CSV file is a header and exact numbers; anything else is refused with its line."""

from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import DataError, Place
from derive.source.csv_file import CsvFile, read_csv


def read(folder: Path, content: str) -> CsvFile:
    (folder / "p.csv").write_text(content, encoding="utf-8", newline="")
    return read_csv(folder, "p.csv")


def numbers(folder: Path, content: str) -> dict[str, tuple[Fraction, ...]]:
    file = read(folder, content)
    return {written: file.numbers(written) for written in file.by_name.values()}


def test_a_header_and_exact_numbers(tmp_path: Path) -> None:
    file = read(tmp_path, "\ufeff\r\n x ,,µ\r\n0.1,a,1\r\n1e3 , b, 1/3\r\n\r\n")
    assert (file.name, file.header, file.header_place) == ("p.csv", ["x", "", "µ"], Place("p.csv", 2))
    assert file.by_name == {"x": "x", "μ": "µ"}
    assert file.numbers("x") == (Fraction(1, 10), Fraction(1000))
    assert file.numbers("µ") == (Fraction(1), Fraction(1, 3))


def test_a_column_is_found_by_any_spelling_of_its_name(tmp_path: Path) -> None:
    file = read(tmp_path, "µ,celsius\n1,2\n")
    assert file.find("μ", Place("p.toml", 3)) == "µ"
    with pytest.raises(DataError, match=r"^p\.toml:3: no column 'celcius'; did you mean 'celsius'"):
        file.find("celcius", Place("p.toml", 3))
    with pytest.raises(DataError, match=r"no column 'q'; the columns are 'µ', 'celsius'$"):
        file.find("q", Place("p.toml", 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n1,2\n3,four\n", r"^p\.csv:3: column 'y': 'four' is not a number; expected a number"),
        ("x,y\n1,\n", r"^p\.csv:2: column 'y' has an empty cell"),
        ("x,y\n1,nan\n", r"^p\.csv:2: column 'y': 'nan' is not a finite number"),
        ("x,y\n1,inf\n", "is not a finite number"),
        ("x,y\n1,1e999999999\n", "has an exponent beyond"),
        ("x,y\n1,2\n3\n", r"^p\.csv:3: 1 cells in this row; expected 2, as in the first line"),
        ("x,y\n1,2,3\n", r"^p\.csv:2: 3 cells in this row"),
        ("", r"p\.csv is empty; expected a line with the names of the columns"),
        ("\n\n", r"p\.csv is empty"),
        ("x,x\n1,2\n", "two columns are named 'x'; rename one"),
        ("µ,μ\n1,2\n", "'µ' and 'μ' are the same name after Unicode normalisation"),
        ("1,2\n3,4\n", "the first line holds numbers; expected the names of the columns"),
        (
            "x;y\n1,5;2\n",
            r"^p\.csv:1:2: .* p\.csv are separated by ';'; expected commas \(and .*\n    x;y\n     \^$",
        ),
        ("\nx\ty\n1\t2\n", r"^p\.csv:2:2: the cells of p\.csv are separated by tabs; expected commas"),
        ("x|y\n1|2\n", r"^p\.csv:1:2: the cells of p\.csv are separated by '\|'; expected commas"),
        ('x,y\n"1,2\n', "not CSV: unexpected end of data"),
    ],
)
def test_refuses_what_is_not_data(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        numbers(tmp_path, content)


def test_other_encodings_are_data_errors(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"x\n\xff\n")
    with pytest.raises(DataError, match=r"p\.csv' is not text in UTF-8"):
        read_csv(tmp_path, "p.csv")
