"""What MATLAB, Octave, R, Julia and Python display of variables."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table
from verify.printed.forms import read_grid
from verify.tabular.grid import Source

ARTICLE = timeline_of("article")
NET = timeline_of(
    'equations = """\nz = x @ W + c\nl = mean((z - y)^2)\n"""\n[parameters]\nW = [[0.5, -0.25], [1, 2]]\nc = [0, 0.1]\n'
    "[data]\nx = [[1, 2], [3, -1], [0, 4]]\ny = [[1, 0], [2, 1], [3, -1]]\n[training]\nlr = 0.1\nsteps = 3\n"
)


@pytest.mark.parametrize(
    "text",
    [
        "loss =\n\n  146.6667\n  280.6703\n\n\nw =\n\n    0.2667\n    1.6252\n\n",
        ">> loss =\n\n   146.6667   280.6703\n\nw =\n\n   0.2667   1.6252\n\n",
        "loss =\n\n  146.6667\n\n\nw =\n\n    0.2667\n\n\nloss =\n\n  280.6703\n\n\nw =\n\n    1.6252\n\n",
    ],
)
def test_numbers_below_their_names(text: str) -> None:
    assert [(step, name, number) for step, _, name, number in claimed(text, ARTICLE)] == [
        (1, "loss", "146.6667"),
        (1, "w", "0.2667"),
        (2, "loss", "280.6703"),
        (2, "w", "1.6252"),
    ]


def test_a_factor_above_the_numbers_is_in_each_of_them() -> None:
    found = claimed("loss =\n\n   1.0e+02 *\n\n    1.4667\n    2.8067\n\n", ARTICLE)
    assert [number for *_, number in found] == ["1.4667e+02", "2.8067e+02"]


def test_a_matrix_is_an_array() -> None:
    found = claimed("W =\n\n    0.5000   -0.2500\n    1.0000    2.0000\n\nc =\n\n    0.1000    0.2000\n\n", NET)
    assert [(name, number) for _, _, name, number in found] == [
        ("W[0,0]", "0.5000"),
        ("W[0,1]", "-0.2500"),
        ("W[1,0]", "1.0000"),
        ("W[1,1]", "2.0000"),
        ("c[0]", "0.1000"),
        ("c[1]", "0.2000"),
    ]


def test_lines_of_other_lengths_are_refused() -> None:
    with pytest.raises(ClaimError, match="the lines of this array are not of one length"):
        claimed("W =\n\n  1 2\n  3\n\n", NET)


@pytest.mark.parametrize("text", ["w =\n\n  1.4\n\nThe end\n", "w = 1.4\nb = 2\n", "1.4\n\nw =\n\n 2\n", "w =\n\n"])
def test_another_text_is_none_of_these(text: str) -> None:
    with contextlib.suppress(ClaimError):
        assert "MATLAB" not in read_grid(Source("t", text)).form


@given(
    st.lists(
        st.lists(st.sampled_from(["0.5000", "-2.7500", "3", "NaN", "1.0e-03"]), min_size=2, max_size=2), min_size=2
    )
)
def test_what_is_displayed_is_read_back(rows: list[list[str]]) -> None:
    blocks = [f"{name} =\n\n" + "".join(f"   {row[k]}\n" for row in rows) + "\n" for k, name in enumerate(("a", "b"))]
    grid = read_grid(Source("t", "\n".join(blocks)))
    assert [cell.text for cell in grid.rows[0]] == ["a", "b"]
    assert [cell.text.strip("[]").split() for cell in grid.rows[1]] == [[row[k] for row in rows] for k in (0, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "> loss\n[1] 146.6667 280.6703\n> w\n[1] 0.2667 1.6252\n",
        "$loss\n[1] 146.6667 280.6703\n\n$w\n[1] 0.2667 1.6252\n\n",
        "> log\n$loss\n[1] 146.6667\n[2] 280.6703\n\n$w\n[1] 0.2667\n[2] 1.6252\n\n> \n",
        "> print(loss)\n[1] 146.6667\n> w\n[1] 0.2667\n> w <- w - lr*dw\n> loss\n[1] 280.6703\n> w\n[1] 1.6252\n",
        ">>> loss\n146.6667\n>>> w\n0.2667\n>>> loss\n280.6703\n>>> w\n1.6252\n",
        ">>> loss\narray([146.6667, 280.6703])\n>>> w\narray([0.2667, 1.6252])\n",
        ">>> loss\narray([146.6667,\n       280.6703])\n>>> w\ntensor([0.2667,\n        1.6252], dtype=d)\n",
        (
            "In [3]: loss\nOut[3]: 146.6667\n\nIn [4]: w\nOut[4]: 0.2667\n\nIn [5]: loss\nOut[5]: 280.6703\nIn [6]: w\n"
            "Out[6]: 1.6252\n"
        ),
        (
            "julia> loss\n2-element Vector{Float64}:\n 146.6667\n 280.6703\n\njulia> w\n2-element Vector{Float64}:\n"
            " 0.2667\n 1.6252\n"
        ),
        (
            ">> loss\n\nloss =\n\n  Columns 1 through 1\n\n   146.6667\n\n  Column 2\n\n   280.6703\n\n>> w\n\nw =\n\n"
            "    0.2667    1.6252\n\n"
        ),
    ],
)
def test_what_a_console_displays(text: str) -> None:
    assert [(step, name, number) for step, _, name, number in claimed(text, ARTICLE)] == [
        (1, "loss", "146.6667"),
        (1, "w", "0.2667"),
        (2, "loss", "280.6703"),
        (2, "w", "1.6252"),
    ]


@given(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7), st.sampled_from(["MATLAB", "Octave", "R", "R, a list"]))
def test_columns_in_blocks_are_put_together(height: int, width: int, wide: int, program: str) -> None:
    rows = [[f"{10 * row + column}.5" for column in range(width)] for row in range(height)]
    lines = ["> W"] if program == "R" else ["$W"] if program == "R, a list" else ["W =", ""]
    for begin in range(0, width, wide):
        columns = range(begin, min(begin + wide, width))
        last = columns[-1] + 1
        if program.startswith("R"):
            lines.append("     " + " ".join(f"[,{column + 1}]" for column in columns))
        elif last == begin + 1:
            lines += [f" Column {last}{':' if program == 'Octave' else ''}", ""]
        else:
            between = "through" if program == "MATLAB" else "and" if last == begin + 2 else "through"
            lines += [f"  Columns {begin + 1} {between} {last}{':' if program == 'Octave' else ''}", ""]
        for at, row in enumerate(rows, start=1):
            lines.append((f"[{at},] " if program.startswith("R") else "   ") + "  ".join(row[k] for k in columns))
        lines += [] if program.startswith("R") else [""]
    grid = read_grid(Source("t", "\n".join(lines) + "\n"))
    [[name], [value]] = grid.rows
    assert name.text == "W"
    assert value.text.replace("[", " ").replace("]", " ").split() == [number for row in rows for number in row]
    assert value.text.count("[") == (0 if height == width == 1 else height + 1 if min(height, width) > 1 else 1)


def test_blocks_of_other_heights_are_refused() -> None:
    with pytest.raises(ClaimError, match="the lines of this array are not of one length"):
        claimed("W =\n\n Columns 1 and 2:\n\n  1 2\n  3 4\n\n Column 3:\n\n  5\n\n", NET)


def test_numbers_of_a_calculation_are_named_and_not_judged() -> None:
    found = read_table("> w\n[1] 0.2667\n> w - lr*dw\n[1] 0.5\n", "t", ARTICLE)
    assert [one.literal.text for one in found.claims] == ["0.2667"]
    assert "not read: line 3, '> w - lr*dw'" in found.told or found.unread
    with pytest.raises(ClaimError, match=r"^t.csv:1:1: below this command stand numbers without a name"):
        claimed("> w - lr*dw\n[1] 0.5\n", ARTICLE)


@pytest.mark.parametrize("text", ["> w\n> b\n", "> step,w\n1,0.5\n", "> w is 3\nand b is 4\n", "> [1] 0.5\n"])
def test_a_quotation_is_none_of_these(text: str) -> None:
    with contextlib.suppress(ClaimError):
        assert "console" not in read_grid(Source("t", text)).form


@pytest.mark.parametrize(
    "text",
    [
        "c =\n\n   0.1000   0.2000\n\nl = 3.5000\n",
        "l = 3.5000\nc =\n\n   0.1000   0.2000\n\n",
        "$c\n[1] 0.1000 0.2000\n\n$W\nNULL\n\n$l\n[1] 3.5000\n\n",
        "$params\n$params$c\n[1] 0.1000 0.2000\n\n\n$l\n[1] 3.5000\n\n",
    ],
)
def test_a_scalar_in_one_line_and_a_list_in_a_list(text: str) -> None:
    assert sorted(claimed(text, NET)) == [
        (1, "after", "c[0]", "0.1000"),
        (1, "after", "c[1]", "0.2000"),
        (1, "loss", "loss", "3.5000"),
    ]


def test_scalars_alone_are_lines() -> None:
    assert "lines" in read_grid(Source("t", "step = 1\nw = 0.5\nstep = 2\nw = 0.6\n")).form


def test_a_matrix_in_several_lines() -> None:
    text = (
        "In [1]: W\nOut[1]: \narray([[ 0.5 , -0.25],\n       [ 1.  ,  2.  ]])\n\nIn [2]: c\nOut[2]: array([0.1, 0.2])\n"
    )
    for written in (text.replace("Out[1]: \n", ""), text.replace("Out[1]: \n", "Out[1]: ")):
        found = claimed(written, NET)
        assert [number for *_, number in found] == ["0.5", "-0.25", "1.", "2.", "0.1", "0.2"]
    with contextlib.suppress(ClaimError):
        read_grid(Source("t", ">>> W\narray([[0.5,\n"))
