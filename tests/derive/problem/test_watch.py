import pytest

import derive
from derive.errors import EquationError, Place, ProblemError
from derive.problem.loading import load
from derive.problem.watch import condition, watched, with_lines
from derive.show.json_document import to_json
from derive.show.text import to_text
from tests.json_documents import from_json
from tests.problems import TWO_POINTS


def refused(text: str) -> str:
    """The whole message about a problem file."""
    with pytest.raises(ProblemError) as caught:
        load(text)
    return str(caught.value)


def test_watched_expressions_are_lines_beside_the_graph() -> None:
    problem = load(TWO_POINTS + '[watch]\nnorm = "sqrt(w^2 + b^2)"\nhalf = "norm/2"\nworst = "max(abs(d))"\n')
    assert [node.name for node in problem.watch] == ["norm", "half", "worst"]
    assert all(node.axes == () for node in problem.watch)
    assert "norm" not in problem.graph.by_name
    assert [node.name for node in with_lines(problem.graph, problem.watch).lines] == ["d", "l", "norm", "half", "worst"]
    assert not any("norm" in note for note in problem.notes)


def test_a_constant_or_column_that_is_only_watched_is_used() -> None:
    text = (
        TWO_POINTS.replace("y = [3, 4]", "y = [3, 4]\nweight = [1, 2]")
        + '[constants]\nk = 2\n[watch]\na = "k*mean(weight)"\n'
    )
    assert load(text).notes == ()


UNDEFINED = "; define it in a line, or give it under [parameters] or [data]"


@pytest.mark.parametrize(
    ("watch", "message"),
    [
        ('norm = "w^2 + q"', f"<text>:14:15: unknown name 'q'{UNDEFINED}"),
        ('norm = "w^2 +"', "<text>:14:9: the equation ends where an operand was expected"),
        ('each = "abs(d)"', "<text>:14:9: each runs over the samples; expected one number a step, such as a mean(…)"),
        ('d = "w^2"', "<text>:14:6: 'd' is the name of a line; choose another"),
        ('w = "b"', "<text>:14:6: 'w' is the name of a parameter; choose another"),
        ('late = "soon + 1"\nsoon = "w"', f"<text>:14:9: unknown name 'soon'{UNDEFINED}"),
        ("norm = 3", "<text>:14:1: watch.norm = 3; expected a text in quotes"),
        ('norm = " "', "<text>:14:9: watch.norm is empty; expected an expression, such as w^2 + b^2"),
        ('exp = "w"', "<text>:14:1: 'exp' is the name of an operation; choose another name"),
        ('norm = "__import__(1)"', "<text>:14:9: unknown function '__import__'"),
    ],
)
def test_refuses_what_cannot_be_watched(watch: str, message: str) -> None:
    told = refused(f"{TWO_POINTS}[watch]\n{watch}\n")
    assert told.startswith(message)
    line, caret = told.split("\n")[1:]
    assert line == f"    {watch.splitlines()[0]}"
    assert caret == " " * (3 + int(message.split(":")[2])) + "^"


def test_a_place_where_the_text_has_escapes() -> None:
    message = refused(TWO_POINTS + '[watch]\nnorm = "w\\u005e2 + q"\n')
    assert message.startswith("<text>, watch.norm:7: unknown name 'q'")
    assert message.endswith("\n    w^2 + q\n          ^")


def test_watch_is_a_table() -> None:
    assert refused("watch = 3\n" + TWO_POINTS).startswith("<text>:1:1: watch is 3; expected a table [watch]")


def test_a_condition_is_called_as_it_is_written() -> None:
    graph = load(TWO_POINTS).graph
    node = condition("l  <= 1e-6 ", graph, Place("--until", None, 1, "l  <= 1e-6 "))
    assert (node.name, node.axes) == ("l <= 1e-6", ())
    for sign in ("<", "<=", ">", ">=", "==", "!="):
        assert condition(f"l {sign} w", graph, Place("--until", None, 1)).name == f"l {sign} w"


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("l", '<text>:13:10: until needs a comparison, such as l < 1e-6\n    until = "l"\n             ^'),
        ("l < q", "<text>:13:14: unknown name 'q'"),
        ("l < ", "<text>:13:10: cannot be read"),
        ("d < 1", "<text>:13:10: d < 1 runs over the samples; expected one number a step"),
        ("l < 1 < 2", "<text>:13:10: a comparison has two sides"),
        ("l = 1", "<text>:13:12: "),
    ],
)
def test_refuses_other_conditions(until: str, message: str) -> None:
    assert refused(f'{TWO_POINTS}until = "{until}"\n').startswith(message)


def test_a_condition_can_use_what_is_watched() -> None:
    assert load(TWO_POINTS + 'until = "norm > 2"\n[watch]\nnorm = "w^2"\n').training.until == "norm > 2"


def test_a_flag_has_a_caret_of_its_own() -> None:
    with pytest.raises(EquationError) as caught:
        condition("l < q", load(TWO_POINTS).graph, Place("--until", None, 1, "l < q"))
    assert str(caught.value).startswith("--until:5: unknown name 'q'")
    assert str(caught.value).endswith("\n    l < q\n        ^")


def test_watched_refuses_a_name_of_the_graph() -> None:
    problem = load(TWO_POINTS + '[watch]\nnorm = "w^2"\n')
    again = with_lines(problem.graph, problem.watch)
    line = load(TWO_POINTS.replace("d =", "norm =").replace("d^2", "norm^2")).lines[0]
    with pytest.raises(EquationError, match="'norm' is the name of a line; choose another"):
        watched(line, again)


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
