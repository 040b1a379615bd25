"""Inputs that are printed rounded: both spellings, what their digits allow, and what cannot be rounded."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ProblemError
from derive.problem.loading import load
from derive.problem.problem import Problem, Quantity
from derive.problem.rounded import marked

HEAD = 'equations = "l = mean((w*x - c)^2)"\n'
LABELS = """\
rounded = ["y"]
equations = ["z = x @ W", "l = cross_entropy(z, y)"]
[parameters]
W = [[0.1, 0.2], [0.3, 0.4]]
[data]
x = [[1.0, 2.0]]
y = [1]
"""
REST = "[parameters]\nw = 0.50\n[constants]\nc = 1\n[data]\nx = [1.5, 2e1]\n"


def given_of(problem: Problem) -> dict[str, Quantity]:
    return {one.name: one for one in (*problem.parameters, *problem.constants, *problem.data)}


def rounded(problem: Problem) -> list[str]:
    return [name for name, one in given_of(problem).items() if one.rounded]


def test_names_at_the_top_and_a_table_in_the_place_of_numbers_say_the_same() -> None:
    listed = load('rounded = ["w", "x"]\n' + HEAD + REST)
    tables = load(
        HEAD + "[parameters]\nw = {values = 0.50, rounded = true}\n[constants]\nc = {values = 1}\n"
        "[data]\nx = {values = [1.5, 2e1], rounded = true}\n"
    )
    assert rounded(listed) == rounded(tables) == ["w", "x"]
    assert given_of(listed) == given_of(tables)
    assert "rounded: w, x; " in listed.notes[-1]
    assert rounded(load(HEAD + REST)) == []
    assert not any("rounded" in note for note in load(HEAD + REST).notes)


def test_every_printed_digit_counts() -> None:
    found = given_of(load(HEAD + REST.replace("c = 1", 'c = "1/3"')))
    assert found["w"].slacks == (Fraction(1, 200),)  # 0.50 has two digits after the point
    assert found["x"].slacks == (Fraction(1, 20), Fraction(5))
    assert found["c"].slacks == (Fraction(0),)  # a quotient is exact
    assert given_of(load(HEAD + REST))["c"].slacks == (Fraction(1, 2),)


def test_the_digits_of_a_csv_file_count_too(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("a,b\n0.10, 2\n1.125,3e-2\n")
    text = HEAD.replace("w*x", "x @ w") + '[parameters]\nw = [1, 2]\n[constants]\nc = 1\n[data]\nfile = "points.csv"\n'
    (tmp_path / "p.toml").write_text('rounded = ["x"]\n' + text + 'x = ["a", "b"]\n')
    [x] = load(str(tmp_path / "p.toml")).data
    assert x.rounded
    assert x.slacks == (Fraction(1, 200), Fraction(1, 2), Fraction(1, 2000), Fraction(1, 200))


@given(st.decimals(-1000, 1000, places=3, allow_nan=False), st.integers(0, 6))
def test_what_is_printed_is_no_farther_than_its_slack_from_what_was_rounded(value: object, places: int) -> None:
    printed = f"{value:.{places}f}"
    [w] = load(f'equations = "l = w^2"\n[parameters]\nw = {printed}\n').parameters
    assert abs(Fraction(str(value)) - w.values[0]) <= w.slacks[0] == Fraction(1, 2 * 10**places)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('rounded = ["q"]\n' + HEAD + REST, "'q' is not a parameter, a constant or a column of data; they are w, c, x"),
        ('rounded = "w"\n' + HEAD + REST, "rounded is 'w'; expected names"),
        ("rounded = [1]\n" + HEAD + REST, "expected names"),
        (HEAD + REST.replace("0.50", "{values = 0.50, round = true}"), "unknown key 'round' .* did you mean 'rounded'"),
        (HEAD + REST.replace("0.50", "{values = 0.50, rounded = 1}"), "w.rounded = 1; expected true or false"),
        (
            'rounded = ["w"]\n' + HEAD + REST.replace("0.50", '{shape = [], distribution = "uniform"}'),
            "w is drawn, and has no printed digits",
        ),
        (
            'rounded = ["w"]\n' + HEAD + REST.replace("0.50", '{shape = [], distribution = "ones"}'),
            "w has a distribution, and has no printed digits",
        ),
        (
            HEAD + REST + "[predict]\nx = {values = [1.5], rounded = true}\n",
            "x is rounded, in .predict.; expected exact numbers",
        ),
        (LABELS, "y holds class labels"),
    ],
)
def test_what_cannot_be_rounded_is_refused_at_its_line(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message) as caught:
        load(text)
    assert caught.value.place is not None
    assert caught.value.place.line is not None


def test_marked_marks_these_and_no_others() -> None:
    problem = load('rounded = ["w"]\n' + HEAD + REST)
    assert rounded(marked(problem, ("c", "x"))) == ["c", "x"]
