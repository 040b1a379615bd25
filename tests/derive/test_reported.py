"""[report]: expressions beside the loss, which are calculated and not differentiated."""

import pytest

import derive
from derive.errors import EquationError, ProblemError
from derive.problem.loading import load
from derive.show.json_document import to_json
from derive.show.text import to_text
from tests.json_documents import from_json

LINE = '''equations = """
p = w*x
l = mean((p - y)^2)
"""
[parameters]
w = 0
[constants]
k = 2
[data]
x = [1, 2, 3]
y = [2, 4, 6]
z = [1, 1, 2]
[report]
'''


def test_reported_lines_stand_after_the_equations() -> None:
    problem = load(LINE + 'half_mse = "l/2"\nrmse = "√(k*half_mse)"\nmae = "mean(abs(p - z))"\n')
    assert problem.reported == ("half_mse", "rmse", "mae")
    assert problem.graph.loss == "l"
    assert [node.name for node in problem.graph.lines] == ["p", "l", "half_mse", "rmse", "mae"]
    assert problem.graph.ancestors == load(LINE + 'a = "k*l + mean(z)"').graph.ancestors
    assert [column.name for column in problem.data] == ["x", "y", "z"]
    assert problem.notes == ()


def test_names_that_are_reported_are_used() -> None:
    assert "constant 'k' is not used in the equations" in load(LINE + 'a = "mean(z)"').notes
    assert "data column 'z' is not used in the equations" in load(LINE + 'a = "k*l"').notes


def test_a_derivation_shows_them_and_leaves_them_undifferentiated() -> None:
    text = to_text(derive.derive(LINE + 'half_mse = "l/2"\nq = "k + mean(z)"\n'))
    assert "  (3)  half_mse = l/2\n" in text
    assert "l does not depend on half_mse, q: calculated, not differentiated" in text
    assert "∂half_mse" not in text
    assert "∂l/∂half" not in text


def test_the_gradients_are_those_without() -> None:
    def gradients(text: str) -> list[str]:
        return [line for line in to_text(derive.derive(text)).splitlines() if "Σᵢ (w xᵢ − yᵢ) xᵢ" in line]

    plain = gradients(LINE.replace("z = [1, 1, 2]\n[report]\n", "").replace("[constants]\nk = 2\n", ""))
    with_report = gradients(LINE + 'half_mse = "l/2"\nq = "k + mean(z)"\n')
    assert len(plain) == len(with_report) == 1
    assert plain[0].partition("=")[2] == with_report[0].partition("=")[2]


def test_a_document_is_read_back() -> None:
    derivation = derive.derive(LINE + 'half_mse = "l/2"\nq = "k + mean(z)"\n')
    assert [node.name for node in from_json(to_json(derivation)).graph.lines] == ["p", "l", "half_mse", "q"]


def test_the_loss_stays_where_it_is_with_an_upstream_gradient() -> None:
    text = 'seed_gradient = [1, 2]\nequations = "q = w^2"\n[parameters]\nw = [2, 3]\n[report]\na = "sum(q)"\n'
    problem = load(text)
    assert problem.reported == ("a",)
    assert problem.graph.loss != "a"


@pytest.mark.parametrize(
    ("entry", "column", "message"),
    [
        (
            'half = "p/2"',
            9,
            r"half runs over the samples; expected one number a batch, such as a mean\(…\) or a max\(…\)",
        ),
        ('l = "w"', 6, "'l' is a line already; choose another name to report"),
        ('w = "l"', 6, "'w' is a name under parameter already; choose another name to report"),
        ('x = "l"', 6, "'x' is a name under data already; choose another name to report"),
        ('n = "l"', 6, "'n' is the number of samples already; choose another name to report"),
        ('q = "q + 1"', 6, "'q' is reported by itself; expected other names"),
        ('q = ""', 6, "report.q is empty; expected an expression, such as l/2"),
        ("q = 3", 1, "report.q = 3; expected a text in quotes"),
        ('q = "2 + lx"', 10, "unknown name 'lx'.*"),
        ('q = "l +"', 6, "the equation ends where an operand was expected"),
        ('"2x" = "l"', 1, "'2x' is not a name; a name is letters, digits and _, such as w1"),
        ('sin = "l"', 1, "'sin' is the name of an operation; choose another name"),
    ],
)
def test_refuses_at_its_place(entry: str, column: int, message: str) -> None:
    with pytest.raises(ProblemError, match=f"^<text>:14:{column}: {message}\n    .*\n {{{column + 3}}}\\^$"):
        load(LINE + entry + "\n")


def test_an_entry_uses_only_those_above() -> None:
    with pytest.raises(EquationError, match="unknown name 'b'"):
        load(LINE + 'a = "b + k"\nb = "l + mean(z)"\n')


def test_an_expression_with_escapes_is_shown_by_itself() -> None:
    with pytest.raises(EquationError, match=r"^<text>, report\.a:1: unknown name 'lx'"):
        load(LINE + 'a = "\\u006cx"\n')


def test_a_table_is_expected() -> None:
    with pytest.raises(ProblemError, match=r"^<text>:1:1: report is 'l/2'; expected a table \[report\]"):
        load('report = "l/2"\nequations = "l = w^2"\n[parameters]\nw = 1\n')
