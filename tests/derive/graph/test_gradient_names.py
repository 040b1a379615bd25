from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.expression import Apply, Expr, Number, Ref, names
from derive.errors import EquationError, Place, ProblemError
from derive.graph.gradient_names import gradient_nodes, read_with_gradients
from derive.problem.loading import load
from derive.problem.watch import with_lines
from tests.problems import TWO_POINTS

KNOWN = ("dl/dw", "dl/db", "dl/dw1")


def read(text: str) -> Expr:
    return read_with_gradients(text, Place("test", 1, 1, text), 0, KNOWN)


@pytest.mark.parametrize("text", ["dl/dw", "∂l/∂w", "dl / dw", "dl/∂w", " dl/dw "])
def test_a_gradient_is_one_name(text: str) -> None:
    assert read(text) == Ref("dl/dw")


def test_it_holds_together_more_tightly_than_any_sign() -> None:
    gradient = Ref("dl/dw")
    assert read("dl/dw^2") == read("(dl/dw)^2")
    assert read("2*dl/dw") == read("2*(dl/dw)")
    assert read("1/dl/dw") == read("1/(dl/dw)")
    assert read("dl/dw/dl/db") == Apply("div", (gradient, Ref("dl/db")))
    assert read("dl/dw₁") == Ref("dl/dw1")


@given(st.integers(0, 4), st.integers(0, 4), st.sampled_from("d∂"))
def test_columns_are_those_of_the_text(before: int, within: int, sign: str) -> None:
    text = f"{' ' * before}2*{sign}l{' ' * within}/{sign}w + q"
    whole = read(text)
    assert isinstance(whole, Apply)
    assert whole.args[0] == Apply("mul", (Number(Fraction(2)), Ref("dl/dw")))
    assert isinstance(whole.args[1], Ref)
    assert whole.args[1].column == text.index("q")


def test_other_quotients_are_what_they_were() -> None:
    assert read("dl/dx") == Apply("div", (Ref("dl"), Ref("dx")))
    assert read("(dl)/dw") == Apply("div", (Ref("dl"), Ref("dw")))
    with pytest.raises(EquationError, match=r"^test:1:1: the argument of sin stands in .*: write sin\(dl/dw\)"):
        read("sin dl/dw")


def test_watched_gradients_are_nodes_beside_the_graph() -> None:
    problem = load(TWO_POINTS + 'until = "dl/db < 1"\n[watch]\nnorm = "sqrt(dl/dw^2 + b^2)"\n')
    assert names(problem.watch[0].definition) == ("dl/dw", "b")
    graph = with_lines(problem.graph, problem.watch)
    assert graph.of_kind("gradient") == ("dl/dw",)
    assert problem.graph.of_kind("gradient") == ()
    assert with_lines(graph, problem.watch[:0]) is graph


def test_a_quantity_that_is_called_so_keeps_its_name() -> None:
    text = TWO_POINTS.replace("d = w*x + b - y", "d = w*x + b*dw - y").replace("b = 0", "b = 0\ndw = 2")
    problem = load(text + '[watch]\nratio = "l/dw"\n')
    assert names(problem.watch[0].definition) == ("l", "dw")
    assert set(gradient_nodes(problem.graph)) == {"dl/db", "dl/ddw"}
    with pytest.raises(ProblemError, match=r"unknown name 'dl'; the gradients that can be read are dl/db, dl/ddw"):
        load(text + '[watch]\nratio = "dl/dw"\n')


def test_a_column_of_a_csv_file_is_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x,y,dl/dw\n1,3,hot\n2,4,hot\n", encoding="utf-8")
    start, end = TWO_POINTS.index("x = "), TWO_POINTS.index("[training]")
    text = TWO_POINTS[:start] + 'file = "d.csv"\n' + TWO_POINTS[end:] + '[watch]\nsize = "abs(dl/dw)"\n'
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    problem = load(tmp_path / "p.toml")
    assert [column.name for column in problem.data] == ["x", "y"]


@pytest.mark.parametrize(
    ("watch", "message"),
    [
        ("dl/dx", "<text>:14:8: unknown name 'dl'; the gradients that can be read are dl/dw, dl/db"),
        ("dl/dd", "<text>:14:8: unknown name 'dl'; the gradients that can be read are dl/dw, dl/db"),
        ("l + dw", "<text>:14:12: unknown name 'dw'; a product needs its sign: write d*w"),
    ],
)
def test_refuses_what_is_no_gradient(watch: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        load(f'{TWO_POINTS}[watch]\nslp = "{watch}"\n')
    assert str(caught.value).startswith(message)


def test_reported_lines_read_no_gradient() -> None:
    with pytest.raises(EquationError, match=r"^<text>:14:9: unknown name 'dl'"):
        load(TWO_POINTS + '[report]\nsize = "dl/dw"\n')
