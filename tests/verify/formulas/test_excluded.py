"""Kinks that a formula is excused from: those of the lines it is about, and no index or datum that is no kink."""

from __future__ import annotations

import pytest

from tests.scenarios.test_claimed_back import judged

TWO = '''
equations = """
h = relu(u*x)
g = abs(v*x)
z = w*h
l = mean(z*g)
"""
[parameters]
u = 1
v = 1
w = 1
[data]
x = [1, -2, 3]
'''


@pytest.mark.parametrize(
    ("name", "formula", "excluded"),
    [
        ("dl/du", "mean(w*where(u*x >= 0, x, 0)*g)", ("u*x[i] = 0",)),
        ("dl/dv", "mean(z*where(v*x >= 0, x, -x))", ("v*x[i] = 0",)),
        ("dh/du", "where(u*x >= 0, x, 0)", ("u*x[i] = 0",)),
        ("partial.h.u", "where(u*x >= 0, x, 0)", ("u*x[i] = 0",)),
        ("dl/dw", "mean(h*where(v*x > 0, v*x, -v*x))", ()),  # equal on the kink too
        ("z", "w*where(u*x < 0, 0, u*x)", ()),
        ("l", "mean(z*g + where(u*x > 0, 0, 1) - where(u*x < 0, 1, 0))", ("u*x[i] = 0", "v*x[i] = 0")),
    ],
)
def test_kinks_are_those_of_the_lines_that_the_claim_is_about(
    name: str, formula: str, excluded: tuple[str, ...]
) -> None:
    finding = judged(TWO, name, formula)
    assert (finding.status, finding.excluded) == ("right", excluded)


COUNTED = 'equations = "l = mean(where(i < 2, w*x[i], 0), i)"\n[parameters]\nw = 1\n[data]\nx = [1, 2, 3]\n'


def test_an_index_stands_on_no_kink() -> None:
    """It is the row of the data, a whole number: i <= 1 is i < 2, and 2 i < 3 too."""
    assert judged(COUNTED, "dl/dw", "sum(where(i < 2, x[i], 0), i)/n").status == "right"
    assert judged(COUNTED, "dl/dw", "sum(where(i <= 1, x[i], 0), i)/n").sentence == "right: proved equal for every n"
    assert judged(COUNTED, "dl/dw", "sum(where(2*i < 3, x[i], 0), i)/n").sentence == "right: proved equal for every n"
    assert judged(COUNTED, "dl/dw", "sum(where(i <= 2, x[i], 0), i)/n").status == "wrong"


def test_data_that_always_stand_on_a_kink_are_no_exception() -> None:
    text = 'equations = "l = mean(w*s)"\n[parameters]\nw = 1\n[data]\ns = [0, 1, 1]\n'
    assert judged(text, "dl/dw", "mean(where(s > 0, 1, 0))").used == ("s in {0, 1}",)
    assert judged(text, "dl/dw", "mean(where(s >= 0, 1, 0))").status == "wrong"
    chance = text.replace("[0, 1, 1]", "[0, 1, 2.5]").replace("w*s", "relu(w*s)")
    finding = judged(chance, "dl/dw", "mean(where(w*s >= 0, s, 0))")  # s = 0 is chance there
    assert finding.status == "right"
