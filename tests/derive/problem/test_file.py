from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import ClaimError, EquationError, ProblemError, SettingError
from derive.problem.file import read_problem
from tests.problems import read

BASE = '''\
title = "t"
equations = """
a = w*x
l = mean((a - y)^2)
"""
[parameters]
w = 0
[data]
x = [1, 2]
y = [2, 4]
[training]
lr = 0.1
'''


def changed(old: str, new: str) -> str:
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


def test_everything_is_read() -> None:
    problem = read('source = "a book"\nloss = "l"\n' + BASE + "[constants]\nk = 1e-3\n[claims]\ntable = 'a'\n")
    assert (problem.title, problem.source_note, problem.graph.loss) == ("t", "a book", "l")
    assert problem.parameters[0].values == (Fraction(0),)
    assert problem.constants[0].values == (Fraction(1, 1000),)
    assert [column.shape for column in problem.data] == [(2,), (2,)]
    assert problem.training.lr == Fraction(1, 10)
    assert problem.claims is not None
    assert problem.claims.table == "a"
    assert problem.notes == ("constant 'k' is not used in the equations",)
    assert str(problem.place_of("parameters.w")) == "p.toml:9:1"


def test_lr_may_be_left_to_a_flag() -> None:
    assert read(changed("lr = 0.1", "")).training.lr is None


@pytest.mark.parametrize(
    ("literal", "value"),
    [("-3", -3), ("0.10", Fraction(1, 10)), ("'1/3'", Fraction(1, 3)), ("1_0.5e-1", Fraction(21, 20))],
)
def test_parameters_are_exact(literal: str, value: Fraction) -> None:
    assert read(changed("w = 0", f"w = {literal}")).parameters[0].values == (value,)


@pytest.mark.parametrize(
    ("literal", "message"),
    [
        ("[1, [2]]", r"w\[1\] is a list, but w\[0\] is a number; expected rows of the same length"),
        ("{a = 1}", r"w is a table without a shape; expected \{shape = \[2, 3\], distribution"),
        ("nan", "w = nan is not a finite number"),
        ("-inf", "w = -inf is not a finite number"),
        ("true", "w = true is not a number"),
        ("'abc'", "w = 'abc' is not a number; expected a number, such as 0.5 or \"1/3\""),
        ("'1/0'", "divides by zero"),
        ("1e999999999", "1e999999999 has an exponent beyond"),
        ("2020-01-01", "is not a number"),
        pytest.param("0x" + "f" * 5000, "a very large integer has more than 1000 digits", id="hexadecimal"),
        pytest.param("9" * 5000, "an integer with thousands of digits", id="5000 digits"),
    ],
)
def test_refuses_a_parameter_that_is_not_a_number(literal: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(changed("w = 0", f"w = {literal}"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("v = 1", r"^p\.toml:3:5: unknown name 'w'"),
        ("w = 0\nv = 1", r"^p\.toml:8:1: parameter 'v' is not used in any equation"),
        ("w = 0\nx = 1", r"^p\.toml:8:1: 'x' is declared twice, as data and as parameter"),
        ("w = 0\nn = 1", r"^p\.toml:8:1: 'n' is the number of samples"),
        ("w = 0\na = 1", r"^p\.toml:3:1: 'a' is declared as parameter and cannot be defined again"),
        ("w = 0\nsum = 1", r"^p\.toml:8:1: 'sum' is the name of an operation"),
        ('w = 0\n"2v" = 1', r"^p\.toml:8:1: '2v' is not a name"),
        ('w = 0\n"µ" = 1\n"μ" = 2', r"^p\.toml:9:1: 'µ' and 'μ' are the same name after Unicode normalisation"),
    ],
)
def test_refuses_names_that_do_not_fit(parameters: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(changed("w = 0", parameters))


def test_a_name_spelled_in_two_ways_is_noted() -> None:
    problem = read('equations = "l = µ^2"\n[parameters]\n"μ" = 1\n')
    assert problem.notes == ("'µ' and 'μ' are read as one name, 'μ'",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a = w*q", r"^p\.toml:3:7: unknown name 'q'"),
        ("a = foo(x)", r"^p\.toml:3:5: unknown function 'foo'"),
        ("a += w*x", r"^p\.toml:3:3: '\+=' gives 'a' a second value"),
        ("a = 2x*w", r"^p\.toml:3:6: a product needs its sign: write 2\*x"),
        ('a = __import__("os")', r"^p\.toml:3:16: '\"' is not part of the notation"),
        ("a = w.x", r"^p\.toml:3:6: '\.' is not part of the notation"),
        ("a = w*x\na = 2", r"^p\.toml:4:1: 'a' is defined twice, first in line 3"),
        ("a = w*x*l", r"^p\.toml:3:1: a cycle: a → l → a"),
        ("a = 9^9^9^9*w*x", r"^p\.toml:3:7: this power is too large"),
        ("a = 1e999999999*w*x", r"^p\.toml:3:5: '1e999999999' has an exponent beyond"),
        pytest.param(
            "a = " + "1+" * 50_000 + "w*x", r"^p\.toml:3: an equation of 100,007 characters", id="50,000 terms"
        ),
        pytest.param(
            "a = " + "(" * 4_000 + "w*x" + ")" * 4_000, "more than 150 operations inside", id="4,000 parentheses"
        ),
        pytest.param("a = " + "(" * 10_000 + "w*x" + ")" * 10_000, "an equation of 20,007", id="10,000 parentheses"),
        ("a = w*x +", "the equation ends where an operand was expected"),
        ("a", r"^p\.toml:3:1: no '=' in this line"),
    ],
)
def test_an_equations_error_is_at_its_line_of_the_file(line: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        read(changed("a = w*x", line))


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ('"l = w*q"', r"^p\.toml:1:20: unknown name 'q'"),
        ('["a = w^2", "l = a*q"]', r"^p\.toml:1:32: unknown name 'q'"),
        ('[\n"a = w^2",\n  "l = a*q",\n]', r"^p\.toml:3:10: unknown name 'q'"),
        ("'''l = w*q'''", r"^p\.toml:1:22: unknown name 'q'"),
        ('"l = \\u0077*q"', r"^p\.toml, equations:1:7: unknown name 'q'"),
        ('["a = w^2", "l = \\u0061*q"]', r"^p\.toml, equations:2:7: unknown name 'q'"),
        ('""', "no equation"),
        ("[]", "equations is not a text"),
        ("3", "equations is not a text"),
        ("1.5", "equations is not a text"),
        ("[1]", "equations is not a text"),
    ],
)
def test_equations_of_every_form_are_found_in_the_file(equations: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(f"equations = {equations}\n[parameters]\nw = 1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[parameters]\nw = 1\n", "^p.toml: no equations"),
        ("losss = 'l'\n" + BASE, r"^p\.toml:1:1: unknown key 'losss'; did you mean 'loss'"),
        ("lr = 0.1\n" + BASE, r"unknown key 'lr'; it belongs under \[training\]"),
        ("loss = 'q'\n" + BASE, r"^p\.toml:1:1: loss = 'q' is not the name of a line"),
        ("loss = 3\n" + BASE, "loss = 3; expected a text in quotes"),
        (changed('"t"', '"\\u001b[31m"'), "title has a line break or a control character"),
        (changed('"t"', "1.5"), r"title = 1\.5; expected a text in quotes"),
        (changed("mean((a - y)^2)", "(a - y)^2"), r"^p\.toml:4:1: the loss 'l' has a value for each sample"),
        (changed("mean((a - y)^2)", "mean(y)"), "the loss 'l' depends on no parameter"),
        (changed("[2, 4]", "[2, 4, 6]"), r"^p\.toml:10:1: x has 2 values and y has 3"),
        ("parameters = 3\n" + changed("[parameters]\nw = 0\n", ""), r"parameters is 3; expected a table"),
        pytest.param("x = " + "[" * 5000 + "]" * 5000, "nested too deeply", id="nested"),
        ("this is not TOML\n", r"^p\.toml:1:6: not TOML: "),
    ],
)
def test_refuses_a_file_that_is_not_a_problem(text: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("lr = 'fast'", "lr has the unknown name 'fast'; expected a number"),
        ("lr = -1", r"^p\.toml:12:1: lr = -1 is below 0"),
        ("lr = -1.5", r"lr = -1\.5 is below 0"),
        ("batch_size = 0", "batch_size = 0 is below 1"),
        ("optimizer = 'Adam9'", "optimizer = 'Adam9' is not known"),
        ("epochs = 1\nsteps = 2", r"^p\.toml:13:1: both epochs and steps are given; keep one"),
    ],
)
def test_refuses_settings_that_are_not_possible(settings: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read(changed("lr = 0.1", settings))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("learning_rate", r"unknown key 'learning_rate' in \[training\]; did you mean 'lr'\?"),
        ("Learning_Rate", r"unknown key 'Learning_Rate' in \[training\]; did you mean 'lr'\?"),
        ("epoch", r"unknown key 'epoch' in \[training\]; did you mean 'epochs'\?"),
        ("LR", r"unknown key 'LR' in \[training\]; did you mean 'lr'\?"),
    ],
)
def test_a_setting_by_another_name(key: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        read(changed("lr = 0.1", f"{key} = 3"))


def test_a_setting_by_another_name_at_the_top() -> None:
    with pytest.raises(ProblemError, match=r"^p\.toml:1:1: unknown key 'eta'; it belongs under \[training\], as lr"):
        read("eta = 0.1\n" + BASE)


def test_a_name_that_is_missing_in_a_csv_file_is_told_with_the_columns(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x,Y,\n1,2,3\n")
    text = "equations = 'l = mean((w*x - y)^2)'\n[parameters]\nw = 1\n[data]\nfile = 'd.csv'\n"
    with pytest.raises(EquationError, match=r"^p\.toml:1:30: unknown name 'y'; .*; d\.csv has the columns 'x', 'Y'\n"):
        read_problem(text, "p", "p.toml", tmp_path)


def test_refuses_an_unknown_setting() -> None:
    with pytest.raises(ProblemError, match=r"unknown key 'batchsize' in \[training\]; did you mean 'batch_size'"):
        read(changed("lr = 0.1", "batchsize = 3"))


def test_a_loss_that_is_not_last_is_noted_unless_it_is_named() -> None:
    text = "equations = 'm = e + 1; k = 2*e; e = w^2'\n[parameters]\nw = 1\n"
    assert (
        read(text)
        .notes[0]
        .startswith("'e', the last line, is taken for the loss, but other lines use it: write m last")
    )
    assert read("loss = 'm'\n" + text).notes == ()
    assert read("loss = 'e'\n" + text).notes == ()


@pytest.mark.parametrize("first", ["loss = (p - y)^2", "L = (p - y)^2"])
def test_the_loss_may_stand_above_the_lines_it_uses(first: str) -> None:
    """Also what [watch] reads, and an upstream gradient, are of that line."""
    name = first[: first.index(" ")]
    text = f'equations = ["{first}", "p = w*x"]\n[parameters]\nw = 1\n[constants]\nx = 2\ny = 5\n'
    found = read(f'{text}[training]\nlr = 0.1\nsteps = 1\n[watch]\ng = "2*d{name}/dw"\n')
    assert found.graph.loss == name
    assert not found.notes
    assert read(f"seed_gradient = 3\n{text}").seeded == name


def test_a_line_of_several_numbers_may_stand_above_the_lines_it_uses() -> None:
    found = read('equations = ["p = 2*h", "h = w^2"]\n[parameters]\nw = [1, 2]\n')
    assert found.graph.seeded == "p"
    assert found.notes[-1].startswith("p has several numbers and no line is a loss")


def test_settings_of_batches_are_idle_without_data() -> None:
    problem = read('equations = "l = w^2"\n[parameters]\nw = 1\n[training]\nbatch_size = 2\nshuffle = false\n')
    assert problem.notes == ("batch_size has no effect without [data]: every epoch is one step",)


@pytest.mark.parametrize(
    ("claims", "error", "message"),
    [
        ("tabel = 'a'", ProblemError, r"^p\.toml:14:1: unknown key 'tabel' in \[claims\]; did you mean 'table'"),
        ("table = 3", ProblemError, r"claims\.table = 3; expected a text in quotes"),
        (
            'formulas.partial.l.w = "2"',
            ClaimError,
            r"""a name with a point is quoted: formulas\."partial\.l\.w" = '2'""",
        ),
        ('formulas.w.v = "2*w"', ClaimError, r"""^p\.toml:14:1: .*: formulas\."w\.v" = '2\*w'"""),
        ("formulas = 3", ProblemError, r"claims\.formulas is 3; expected a table"),
        ('formulas."dl/dw" = 3', ClaimError, r"^p\.toml:14:1: the formula of 'dl/dw' is 3; expected a text"),
    ],
)
def test_refuses_claims_that_cannot_be_read(claims: str, error: type[ProblemError], message: str) -> None:
    with pytest.raises(error, match=message):
        read(BASE + "[claims]\n" + claims)


PLAIN = "[parameters]\nw = 1\n[training]\nlr = 0.1\nsteps = 1\n"


def test_e_that_no_line_defines_is_noted() -> None:
    told = "'e' is 2.718…, Euler's number: no line is called so"
    assert told in read(f'equations = "l = (w - e)^2"\n{PLAIN}').notes
    for own in ('equations = ["e = 2*w", "l = (w - e)^2"]\n', 'equations = "l = (w - pi)^2"\n'):
        assert told not in read(own + PLAIN).notes
    assert told not in read(f'equations = "l = (w - e)^2"\n{PLAIN}[constants]\ne = 2\n').notes


def test_a_last_line_beside_a_line_called_loss_is_noted() -> None:
    text = f'equations = ["loss = (w - 1)^2", "p = 2*w"]\n{PLAIN}'
    told = "'p', the last line, is what is differentiated, and not the line loss"
    assert any(note.startswith(told) for note in read(text).notes)
    assert not read(f'loss = "p"\n{text}').notes
    assert not read(f'equations = ["p = 2*w", "loss = (w - 1)^2"]\n{PLAIN}').notes
