"""What is found to hold in every row of a column, and in which words."""

from __future__ import annotations

import pytest

from derive.problem.loading import load
from verify.formulas.guarantees import guarantees, smallest


def words(rows: str, equations: str = "l = sum(w*s)") -> list[str]:
    text = f'equations = "{equations}"\n[parameters]\nw = 1\n[data]\ns = {rows}\n'
    return [found.words for found in guarantees(load(text), ())]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("[[1, 0], [0, 1]]", ["one-hot s"]),
        ("[[0, 1, 0]]", ["one-hot s"]),
        ("[[1, 0], [1, 0]]", ["one-hot s"]),  # that all are of one class is chance
        ("[[1], [1]]", ["positive s", "s[:,0] = 1 in all rows"]),
        ("[[0.5, 0.5], [1, 0]]", ["rows of s that sum to 1", "nonnegative s"]),
        ("[[2, -1], [1, 0]]", ["rows of s that sum to 1"]),
        ("[[0, 1], [1, 1]]", ["s in {0, 1}", "s[:,1] = 1 in all rows"]),
        ("[0, 1, 1]", ["s in {0, 1}"]),
        ("[-1, 1]", ["s in {-1, 1}"]),
        ("[0, 1, 2]", ["nonnegative s"]),  # three numbers are no kind where they are not compared
        ("[1, 1]", ["positive s", "s = 1 in all rows"]),
        ("[0, 0]", ["nonnegative s", "s = 0 in all rows"]),
        ("[-2, -2]", ["s = -2 in all rows"]),
        ("[1]", []),
        ("[-1]", []),
        ("[1, -2]", []),
        ("[0, 1, -1]", []),
        ("[0, 1, 1e-9]", ["nonnegative s"]),
        (
            "[[1, 2, 3, 4, 5], [1, 2, 3, 4, -5]]",
            ["the columns of s that are constant in the file"],
        ),
    ],
)
def test_what_is_guaranteed(rows: str, expected: list[str]) -> None:
    assert words(rows) == expected


def test_labels_are_whole_numbers_from_0_that_are_compared() -> None:
    compared = "l = mean(where(s == 1, w, w^2))"
    assert words("[0, 1, 2]", compared) == ["s in {0, 1, 2}"]
    assert words("[0, 1, 3]", compared) == ["nonnegative s"]
    assert words("[0, 1.5, 2]", compared) == ["nonnegative s"]


def test_the_fewest_that_are_enough() -> None:
    text = 'equations = "l = mean(w*a*b*c)"\n[parameters]\nw = 1\n[data]\na = [0, 1]\nb = [0, 1]\nc = [0, 1]\n'
    every = guarantees(load(text), ())
    for needed in ({"a"}, {"b", "c"}, {"a", "b", "c"}):
        found = smallest(every, lambda some, needed=needed: needed <= {own.name for own in some} or None)  # type: ignore[misc]
        assert found is not None
        assert {own.name for own in found[1]} == needed
    assert smallest(every, lambda _: None) is None
    assert smallest((), lambda _: True) is None
