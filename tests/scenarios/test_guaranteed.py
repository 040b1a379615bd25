"""Formulas that are right for the data of the file: one-hot rows, 0 and 1, signs, positive or constant columns.

The loss is mean(w G), so that mean(G) is its gradient, whatever G is. It is claimed with the column s written in
another way that is the same for the data, and with one that is not.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.scenarios.test_claimed_back import SLOW, judged


@dataclass(frozen=True)
class Kind:
    """A kind of column: its rows in the file, what is said of it, equal and unequal ways to write s, and any value."""

    rows: str
    words: str
    equal: tuple[str, ...]
    unequal: tuple[str, ...]
    any_value: Callable[[random.Random], float]


KINDS = (
    Kind(
        "[0, 1, 1]",
        "s in {0, 1}",
        ("s^2", "where(s > 0, 1, 0)", "sqrt(s)", "abs(s)", "(1 - (1 - s)^3)", "(2^s - 1)"),
        ("(1 - s)", "2*s", "(s - 1)^2", "where(s >= 0, 1, 0)", "(-s)"),
        lambda numbers: numbers.choice((0, 1)),
    ),
    Kind(
        "[-1, 1, 1]",
        "s in {-1, 1}",
        ("1/s", "s^3", "sign(s)", "s*abs(s)", "(2*where(s > 0, 1, 0) - 1)", "max(-1, min(1, 2*s))"),
        ("s^2", "abs(s)", "(-s)", "(s + 1)", "relu(s)"),
        lambda numbers: numbers.choice((-1, 1)),
    ),
    Kind(
        "[1, 2.5, 3]",
        "positive s",
        ("abs(s)", "sqrt(s^2)", "s*sign(s)", "max(s, 0)", "max(s, -s)", "where(s > 0, s, 7)"),
        ("(-s)", "min(s, 0)", "(s + 1)", "s^2", "sqrt(s)"),
        lambda numbers: numbers.uniform(0.1, 3),
    ),
    Kind(
        "[2, 2, 2]",
        "s = 2 in all rows",
        ("2", "4/s", "(s^2 - 2)", "sqrt(2*s)"),
        ("3", "s^2", "1/s", "(-2)"),
        lambda _: 2,
    ),
)
PLAIN = "[0.5, -1, 3]"  # a column of no kind

_FUNCTIONS = {
    "exp": math.exp,
    "sin": math.sin,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "abs": abs,
    "max": max,
    "min": min,
    "sign": lambda x: (x > 0) - (x < 0),
    "relu": lambda x: max(x, 0),
    "where": lambda chosen, x, y: x if chosen else y,
}


def value(text: str, **names: float) -> float:
    return float(eval(text.replace("^", "**"), {"__builtins__": {}}, {**_FUNCTIONS, **names}))  # noqa: S307


def bodies() -> st.SearchStrategy[str]:
    """Formulas in `@`, the column, with a datum x and a parameter v beside it."""
    leaves = st.sampled_from(("@", "@", "@", "x", "v"))

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("({} + {})".format, inner, inner),
            st.builds("{}*{}".format, inner, inner),
            st.builds("({} - {})".format, inner, inner),
            st.builds("{}({}/2)".format, st.sampled_from(("exp", "sin", "tanh")), inner),
        )

    return st.recursive(leaves, grown, max_leaves=4).filter(lambda body: "@" in body)


def problem(body: str, rows: str) -> str:
    return f"""
equations = "l = mean(w*({body.replace("@", "s")}) + v*x)"
[parameters]
w = 1
v = 0.5
[data]
x = [0.5, -2, 1]
s = {rows}
"""


def written(draw: st.DrawFn, body: str, ways: tuple[str, ...]) -> str:
    """The body with one of its columns in another way, and the others as they are."""
    pieces = body.split("@")
    chosen = draw(st.integers(0, len(pieces) - 2))
    way = draw(st.sampled_from(ways))
    return "".join(
        piece + ("" if k == len(pieces) - 1 else way if k == chosen else "s") for k, piece in enumerate(pieces)
    )


@st.composite
def claims(draw: st.DrawFn, equal: bool) -> tuple[Kind, str, str]:
    kind = draw(st.sampled_from(KINDS))
    body = draw(bodies())
    return kind, body, written(draw, body, kind.equal if equal else kind.unequal)


def differ(body: str, other: str, any_value: Callable[[random.Random], float]) -> bool:
    """Whether the two are different at numbers that the column may have."""
    numbers = random.Random(1)
    for _ in range(40):
        names = {"x": numbers.uniform(-2, 2), "v": numbers.uniform(-2, 2), "s": any_value(numbers)}
        if abs(value(body.replace("@", "s"), **names) - value(other, **names)) > 1e-6:
            return True
    return False


@SLOW
@given(claims(equal=True))
def test_what_is_equal_for_the_data_is_right_and_what_was_needed_is_said(claim: tuple[Kind, str, str]) -> None:
    kind, body, text = claim
    finding = judged(problem(body, kind.rows), "dl/dw", f"mean({text} + 0*x)")
    assert finding.status == "right", (claim, finding)
    plain = judged(problem(body, PLAIN), "dl/dw", f"mean({text} + 0*x)")
    assert finding.used == ((kind.words,) if plain.status != "right" else ()), (claim, finding, plain)


@SLOW
@given(claims(equal=False))
def test_what_differs_for_the_data_is_refuted_at_points_of_their_kind(claim: tuple[Kind, str, str]) -> None:
    kind, body, text = claim
    assume(differ(body, text, kind.any_value))
    finding = judged(problem(body, kind.rows), "dl/dw", f"mean({text} + 0*x)")
    assert finding.status == "wrong", (claim, finding)
    assert finding.counterexample is not None
    rows = [
        value(number) for number in finding.counterexample.given.get("s", "(2, 2)").strip("()").split(",") if number
    ]
    possible = {"[0, 1, 1]": {0, 1}, "[-1, 1, 1]": {-1, 1}, "[2, 2, 2]": {2}}.get(kind.rows)
    assert set(rows) <= possible if possible else min(rows) > 0, finding


@SLOW
@given(st.data())
def test_a_column_of_no_kind_proves_nothing(data: st.DataObject) -> None:
    kind, body, text = data.draw(claims(equal=True))
    assume(differ(body, text.replace("sqrt(s)", "abs(s)^0.5").replace("sqrt(2*s)", "abs(2*s)^0.5"), _of_no_kind))
    assert judged(problem(body, PLAIN), "dl/dw", f"mean({text} + 0*x)").status != "right", (kind, body, text)


def _of_no_kind(numbers: random.Random) -> float:
    return numbers.choice((-1.5, -0.5, 0.5, 3))


ROW = {"T[i,k]": "t", "T[i,0]": "a", "sum(T[i,m], m)": "1", "T[i,0]*T[i,1]": "0"}
EQUAL = (
    "T[i,k]^2",
    "T[i,k]*sum(T[i,m], m)",
    "(1 - sum(T[i,m], m) + T[i,k])",
    "sqrt(T[i,k])",
    "where(T[i,k] > 0, 1, 0)",
    "(T[i,k] + T[i,0]*T[i,1])",
)
UNEQUAL = ("(1 - T[i,k])", "2*T[i,k]", "T[i,0]", "(T[i,k] + sum(T[i,m], m))", "T[i,k]*T[i,0]", "(-T[i,k])")


def in_short(text: str) -> str:
    """A formula in t for T[i,k] and a for T[i,0]."""
    for index, short in sorted(ROW.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(index, short)
    return text.replace("x[i]", "x")


@SLOW
@given(st.data(), st.booleans())
def test_rows_that_are_one_hot(data: st.DataObject, equal: bool) -> None:
    body = data.draw(bodies()).replace("@", "T[i,k]").replace("x", "x[i]").replace("ex[i]p", "exp")
    place = data.draw(st.sampled_from(range(body.count("T[i,k]"))))
    pieces = body.split("T[i,k]")
    way = data.draw(st.sampled_from(EQUAL if equal else UNEQUAL))
    other = "T[i,k]".join(pieces[: place + 1]) + way + "T[i,k]".join(pieces[place + 1 :])
    text = f"""
equations = "l = mean(sum(W[k]*({body}), k) + v*x[i], i)"
[parameters]
W = [1, 2, 3]
v = 0.5
[data]
x = [0.5, -2, 1]
T = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
"""
    finding = judged(text, "dl/dW[k]", f"mean({other} + 0*x[i], i)")
    values = []
    for text in (body, other):
        entries = ((1, 1), (0, 1), (0, 0), (1, 0))  # T[i,k] and T[i,0], of k = 0 and others
        values.append([value(in_short(text), x=0.7, v=1.3, t=t, a=a) for t, a in entries])
    assume(equal or any(abs(x - y) > 1e-9 for x, y in zip(*values, strict=True)))
    assert finding.status == ("right" if equal else "wrong"), (body, other, finding)


ONE_HOT = """
equations = \"\"\"
z = X @ W
p = softmax(z)
l = LOSS
\"\"\"
[parameters]
W = [[0.1, 0.2], [0.4, -0.1]]
[data]
X = [[1, 2], [0, -1], [0.5, 1]]
T = [[1, 0], [0, 1], [1, 0]]
"""
BY_NAME = ONE_HOT.replace("LOSS", "cross_entropy(z, T)")
WRITTEN_OUT = ONE_HOT.replace("LOSS", "-mean(sum(T[i,k]*log(p[i,k]), k), i)")


@pytest.mark.parametrize("text", [BY_NAME, WRITTEN_OUT])
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("dl/dz", "(p - T)/n"),
        ("dl/dW", "transpose(X) @ (p - T)/n"),
        ("dl/dz", "(p - T^2)/n"),
        ("dl/dz[i,k]", "(p[i,k] - T[i,k]*sum(T[i,m]^2, m))/n"),
        ("l", "-mean(log(sum(T[i,k]*p[i,k], k)), i)"),
    ],
)
def test_one_hot_targets(text: str, name: str, formula: str) -> None:
    finding = judged(text, name, formula)
    assert finding.sentence == "right: proved for one-hot T and every n"
    assert finding.used == ("one-hot T",)


@pytest.mark.parametrize("text", [BY_NAME, WRITTEN_OUT])
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("dl/dz", "(p + T)/n"),
        ("dl/dz", "(p - 2*T)/n"),
        ("dl/dz[i,k]", "(p[i,k] - 1)/n"),
        ("dl/dz[i,k]", "(p[i,k] - (1 - T[i,k]))/n"),
        ("dl/dW", "transpose(X) @ (T - p)/n"),
        ("l", "-mean(log(sum((1 - T[i,k])*p[i,k], k)), i)"),
    ],
)
def test_a_wrong_formula_is_refuted_on_one_hot_rows(text: str, name: str, formula: str) -> None:
    finding = judged(text, name, formula)
    assert finding.status == "wrong"
    assert finding.counterexample is not None
    rows = finding.counterexample.given["T"].strip("()").split("), (")
    assert {tuple(sorted(row.split(", "))) for row in rows} == {("0", "1")}


def test_what_holds_without_the_data_says_nothing_of_them() -> None:
    finding = judged(WRITTEN_OUT, "dl/dp", "-T/(n*p)")
    assert (finding.sentence, finding.used) == ("right: proved equal for every n", ())


@pytest.mark.parametrize(
    ("rows", "status", "used"),
    [
        ("[[1, 0]]", "right", ("one-hot T",)),  # one row shows what its own entries are
        ("[[0.5, 0.5], [0.25, 0.75], [1, 0]]", "right", ("rows of T that sum to 1",)),
        ("[[1, 0], [0, 1], [1, 1]]", "wrong", ()),
        ("[[1, 0], [0, 2], [1, 0]]", "wrong", ()),
        ("[[1, 0], [0.5, 0.25], [1, 0]]", "wrong", ()),
    ],
)
def test_targets_that_are_not_quite_one_hot(rows: str, status: str, used: tuple[str, ...]) -> None:
    count = rows.count("], [") + 1
    text = BY_NAME.replace("T = [[1, 0], [0, 1], [1, 0]]", f"T = {rows}")
    text = text.replace("[[1, 2], [0, -1], [0.5, 1]]", str([[1, 2], [0, -1], [0.5, 1]][:count]))
    finding = judged(text, "dl/dz", "(p - T)/n")
    assert (finding.status, finding.used) == (status, used)


TWO = """
equations = "l = mean(abs(x)*w*u + w*s)"
[parameters]
w = 1
[data]
x = [1, 2, 3]
u = [1, -1, 1]
s = [0, 1, 1]
"""


@pytest.mark.parametrize(
    ("formula", "used"),
    [
        ("mean(abs(x)*u + s)", ()),
        ("mean(x*u + s)", ("positive x",)),
        ("mean(abs(x)*u^3 + s)", ("u in {-1, 1}",)),
        ("mean(x*u^3 + s)", ("positive x", "u in {-1, 1}")),
        ("mean(x*u^3 + s^2)", ("positive x", "u in {-1, 1}", "s in {0, 1}")),
    ],
)
def test_the_smallest_set_of_guarantees_is_named(formula: str, used: tuple[str, ...]) -> None:
    finding = judged(TWO, "dl/dw", formula)
    assert (finding.status, finding.used) == ("right", used)
    *others, last = used or ("",)
    assert (f"proved for {', '.join(others)} and {last}" if others else last) in finding.sentence


@pytest.mark.parametrize("column", ["x = [2]", "x = [2]\ny = [1]"])
def test_one_row_is_not_constant_or_positive(column: str) -> None:
    text = f'equations = "l = mean(w*x^2)"\n[parameters]\nw = 1\n[data]\n{column}\n'
    assert judged(text, "dl/dw", "mean(2*x)").status == "wrong"
    assert judged(text, "dl/dw", "mean(x*abs(x))").status == "wrong"


@pytest.mark.parametrize("table", ["parameters", "constants"])
def test_nothing_is_guaranteed_of_parameters_and_constants(table: str) -> None:
    text = f'equations = "l = sum(w*s)"\n[parameters]\nw = 1\n[{table}]\ns = [0, 1, 1]\n'
    text = text.replace("[parameters]\nw = 1\n[parameters]\n", "[parameters]\nw = 1\n")
    finding = judged(text, "dl/dw", "sum(s^2)")
    assert (finding.status, finding.used) == ("wrong" if table == "parameters" else "right", ())
    assert ("the values of the constants" in finding.sentence) == (table == "constants")


def test_a_column_of_ones_beside_others() -> None:
    text = 'equations = "z = X @ w\\nl = mean((z - y)^2)"\n[parameters]\nw = [1, 2]\n[data]\n'
    text += "X = [[1, 2], [1, 3], [1, -1]]\ny = [1, 2, 4]\n"
    finding = judged(text, "dl/dw[0]", "2*mean(z - y)")
    assert finding.sentence == "right: proved for X[:,0] = 1 in all rows and every n"
    assert judged(text, "dl/dw[1]", "2*mean(z - y)").status == "wrong"


def test_labels_by_the_lines_have_all_their_classes() -> None:
    text = BY_NAME.replace("T = [[1, 0], [0, 1], [1, 0]]", "y = [0, 1, 0]").replace("z, T", "z, y")
    finding = judged(text, "dl/dz[i,1]", "(p[i,1] - y[i])/n")
    assert finding.used == ("y in {0, 1}",)
    three = text.replace("[[0.1, 0.2], [0.4, -0.1]]", "[[0.1, 0.2, 1], [0.4, -0.1, 1]]")
    assert judged(three, "dl/dz[i,1]", "(p[i,1] - y[i])/n").status == "wrong"  # class 2 does not occur, but might
    assert judged(three, "dl/dz[i,k]", "(p[i,k] - (k == y[i]))/n").sentence == "right: proved equal for every n"


LABELS = """
equations = "l = mean(where(s == 1, w, w^2))"
[parameters]
w = 1
[data]
s = [0, 1, 2]
"""
MASK = """
equations = \"\"\"
z = w*x
l = sum(m*(z - y)^2)/sum(m)
\"\"\"
[parameters]
w = 1
[data]
x = [1, 2, 3]
y = [1, 1, 2]
m = [1, 1, 0]
"""


@pytest.mark.parametrize(
    ("problem", "name", "formula", "status", "used"),
    [
        (LABELS, "dl/dw", "mean(where(s == 0, 2*w, where(s == 2, 2*w, 1)))", "right", ("s in {0, 1, 2}",)),
        (LABELS.replace("2]", "3]"), "dl/dw", "mean(where(s == 0, 2*w, where(s == 2, 2*w, 1)))", "wrong", ()),
        (LABELS, "dl/dw", "mean(where(s == 0, 2*w, 1))", "wrong", ()),
        (MASK, "dl/dw", "2*sum(m*(z - y)*x)/sum(m)", "right", ()),
        (MASK, "dl/dw", "2*sum(m^2*(z - y)*x)/sum(m)", "right", ("m in {0, 1}",)),
        (MASK, "l", "sum(where(m > 0, (z - y)^2, 0))/sum(m)", "right", ("m in {0, 1}",)),
        (MASK, "l", "sum(where(m >= 0, (z - y)^2, 0))/sum(m)", "wrong", ()),
        (MASK, "l", "sum((m*z - y)^2)/sum(m)", "wrong", ()),
    ],
)
def test_labels_and_masks(problem: str, name: str, formula: str, status: str, used: tuple[str, ...]) -> None:
    finding = judged(problem, name, formula)
    assert (finding.status, finding.used) == (status, used)


def test_what_never_has_a_value_on_the_data_is_not_right() -> None:
    text = 'equations = "l = mean(w*s)"\n[parameters]\nw = 1\n[data]\ns = [0, 0]\n'
    finding = judged(text, "dl/dw", "mean(s^2/s)")
    assert finding.status == "wrong"
    assert "no value" in finding.sentence


def test_explanations_name_what_they_need() -> None:
    assert "it is n times the right one for one-hot T" in judged(BY_NAME, "dl/dz", "p - T").sentence
    assert "it is -1 times the right one;" in judged(TWO, "dl/dw", "-mean(abs(x)*u + s)").sentence
    assert "times" not in judged(BY_NAME, "dl/dz", "p - 2*T").sentence


def test_data_of_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x,s\n1,0\n2,1\n-1,1\n", encoding="utf-8")
    file = tmp_path / "p.toml"
    file.write_text(
        'equations = "l = mean(w*x*s)"\n[parameters]\nw = 1\n[data]\nfile = "d.csv"\ncolumns = ["x", "s"]\n',
        encoding="utf-8",
    )
    assert judged(str(file), "dl/dw", "mean(x*s^2)").used == ("s in {0, 1}",)
