"""Tables as people and programs have them: what is right is right in each, and a changed number alone is wrong.

Each case is a text with the right numbers of two steps; the same with one of them changed has to be wrong there and
nowhere else, whatever the form.
"""

from __future__ import annotations

import re

import pytest

from derive.errors import ClaimError
from derive.problem.loading import Problem, load
from verify.auditing.pipeline import Audit, audit

LINE = load(
    'equations = "J = mean((w*x + b - y)^2)"\n[parameters]\nw = 0.5\nb = 0.25\n[data]\nx = [1, 2]\ny = [1, 3]\n'
    "[training]\nlr = 0.1\nsteps = 2\n"
)
SHARE = load(
    'equations = """\np = sigmoid(w*x)\nJ = -mean(y*log(p) + (1 - y)*log(1 - p))\n"""\n[parameters]\nw = 0\n'
    "[data]\nx = [1]\ny = [1]\n[training]\nlr = 0.1\nsteps = 2\n"
)
RIGHT = {  # of LINE, in both steps
    "loss": ("1.5625", "0.3728125"),
    "dJ/dw": ("-3.75", "-1.275"),
    "lr*dJ/dw": ("-0.375", "-0.1275"),
    "w_before": ("0.5", "0.875"),
    "w": ("0.875", "1.0025"),
    "b": ("0.45", "0.4975"),
}


def verdicts(found: Audit) -> dict[tuple[int, str], str]:
    assert not found.unread
    return {(one.cell.step, one.cell.name): one.status.value for one in found.findings}


def check(text: str, claimed: dict[tuple[int, str], str], problem: Problem = LINE) -> Audit:
    """The audit of a text whose numbers, each by its step and name, are right; each is changed in turn, and wrong."""
    found = audit(problem, claims=text)
    assert verdicts(found) == dict.fromkeys(claimed, "right"), found.told
    for (step, name), number in claimed.items():
        places = [match.span() for match in re.finditer(rf"(?<![\d.]){re.escape(number)}(?![\d.])", text)]
        assert len(places) == 1, (number, places)  # or the case is no good
        begin, end = places[0]
        digits = re.sub("[1-9]", lambda digit: str(int(digit[0]) % 9 + 1), number, count=1)
        spoilt = verdicts(audit(problem, claims=text[:begin] + digits + text[end:]))
        assert [cell for cell, status in spoilt.items() if status == "wrong"] == [(step, name)]
    return found


def column(head: str, name: str) -> str:
    return f'step;"{head}"\n' + "".join(f"{step};{number}\n" for step, number in enumerate(RIGHT[name], start=1))


HEADS = {
    "loss": ("mean squared error", "Mean Square Error", "cost function", "Mean squared error (MSE)", "error J"),
    "w": ("w after update", "w after the update", "w (after update)", "w_after_update", "w(new)", "weight after step"),
    "w_before": ("w before update", "w (before the update)", "w (old)", "w_before_update", "weight before step"),
    "dJ/dw": ("gw", "g_w", "d(loss)/dw", "∂(J)/∂(w)", "d(J)/dw", "dJ.dw", "dloss.dw", "w (gradient)", "dL.dw"),
    "lr*dJ/dw": ("η·∂L/∂w", "lr*dL/dw", "η·∂J/∂w", "lr × dJ/dw", "eta*dw", "α⋅grad w", "lr*d(J)/dw", "η·∇w"),
}


@pytest.mark.parametrize(("name", "head"), [(name, head) for name, heads in HEADS.items() for head in heads])
def test_heads_as_people_write_them(name: str, head: str) -> None:
    check(column(head, name), {(step, name): number for step, number in enumerate(RIGHT[name], start=1)})


@pytest.mark.parametrize("head", ["sum loss", "Σ loss", "∑ loss", "loss sum", "sum of loss"])
def test_a_sum_is_that_of_the_epoch_and_of_a_step_its_loss(head: str) -> None:
    text = 'equations = "J = mean((w*x - y)^2)"\n[parameters]\nw = 0.5\n[data]\nx = [1, 2]\ny = [1, 3]\n'
    epochs = load(f"{text}[training]\nlr = 0.1\nbatch_size = 1\nepochs = 1\n")
    assert verdicts(audit(epochs, claims=f"epoch,{head}\n1,3.49\n")) == {(2, "sum_of_batches"): "right"}
    assert verdicts(audit(epochs, claims=f"epoch,{head}\n1,3.54\n")) == {(2, "sum_of_batches"): "wrong"}
    found = audit(LINE, claims=column(head, "loss"))
    assert found.exit_status == 0
    assert f"read {head} as the loss of the step" in found.told[0]


@pytest.mark.parametrize(
    ("equation", "meant"),
    [("g_w = w*x - y\nJ = mean(g_w^2)", "runs over the samples"), ("gw = w^2\nJ = mean((w*x - y)^2) + gw", "")],
)
def test_a_line_of_that_name_is_no_gradient(equation: str, meant: str) -> None:
    own = load(
        f'equations = """\n{equation}\n"""\n[parameters]\nw = 0.5\n[data]\nx = [1, 2]\ny = [1, 3]\n'
        "[training]\nlr = 0.1\nsteps = 2\n"
    )
    if meant:
        with pytest.raises(ClaimError, match=meant):
            audit(own, claims="step,g_w\n1,0.25\n")
    else:
        assert verdicts(audit(own, claims="step,gw\n1,0.25\n")) == {(1, "gw"): "right"}


def test_a_gradient_that_may_have_the_decay_in_it_is_refused_with_both() -> None:
    decayed = load(
        'equations = "J = mean((w*x - y)^2)"\n[parameters]\nw = 0.5\n[data]\nx = [1, 2]\ny = [1, 3]\n'
        '[training]\noptimizer = "SGD"\nweight_decay = 0.1\nlr = 0.1\nsteps = 2\n'
    )
    for head in ("g_w", "gw", "g w"):
        with pytest.raises(ClaimError, match=rf"'{head}' can be dJ/dw or w\.g; write which"):
            audit(decayed, claims=f"step,{head}\n1,-4.5\n")


def test_capitals_count_where_two_letters_are_a_gradient() -> None:
    """GB of memory is no gradient of b."""
    check(column("gw", "dJ/dw"), {(1, "dJ/dw"): "-3.75", (2, "dJ/dw"): "-1.275"})
    for head in ("GW", "GB", "Gb", "G b"):
        with pytest.raises(ClaimError, match=rf"unknown quantity '{head}'"):
            audit(LINE, claims=column(head, "b"))


@pytest.mark.parametrize("left", ["d(loss)/dw", "d(J)/d(w)", "∂(J)/∂w"])
def test_a_formula_with_brackets_in_its_derivative(left: str) -> None:
    formulas = [f"{left} = 2*mean((w*x + b - y)*x)", f"{left} = mean((w*x + b - y)*x)"]
    found = audit(LINE, sentences=formulas)
    assert [one.status for one in found.formulas] == ["right", "wrong"]
    assert verdicts(audit(LINE, sentences=[f"step 2: {left} = -1.275"])) == {(2, "dJ/dw"): "right"}


@pytest.mark.parametrize("head", ["ok?", "correct", "comment on loss", "w ok?", "loss falls?", "gradient sign"])
@pytest.mark.parametrize("words", [("yes", "no"), ("✓", "✗"), ("down", ""), ("as in the lecture", "-")])
def test_a_column_of_words_is_passed_over_and_told(head: str, words: tuple[str, str]) -> None:
    table = f"step;w;{head}\n1;0.875;{words[0]}\n2;1.0025;{words[1]}\n"
    found = check(table, {(1, "w"): "0.875", (2, "w"): "1.0025"})
    assert found.told[0].endswith(f"not judged, as the problem has no such number: {head}")


@pytest.mark.parametrize("cell", ["0.5", "nan", "1/2", "-inf", "about 0.5"])
def test_a_column_with_a_number_in_it_is_none_of_words(cell: str) -> None:
    with pytest.raises(ClaimError, match="unknown quantity 'w ok"):
        audit(LINE, claims=f"step,w,w ok\n1,0.875,yes\n2,1.0025,{cell}\n")


def test_words_without_a_name() -> None:
    found = check("step,w,\n1,0.875,first\n2,1.0025,\n", {(1, "w"): "0.875", (2, "w"): "1.0025"})
    assert found.told == ("read as CSV, 2 rows, words without a name passed over: 'first'",)
    with pytest.raises(ClaimError, match="a column without a name has numbers"):
        audit(LINE, claims="step,w,\n1,0.875,first\n2,1.0025,3\n")


PERCENT = {
    "CSV": "step,p\n1,50%\n2,51.2%\n",
    "its head too": "step,p (%)\n1,50%\n2,51.2 %\n",
    "in percent": "step;p in percent\n1;50%\n2;51.2%\n",
    "Markdown": "| step | p [%] |\n|---|---|\n| 1 | 50% |\n| 2 | 51.2% |\n",
    "LaTeX": "\\begin{tabular}{rr}\nstep & $p$ \\\\\n1 & 50\\% \\\\\n2 & 51.2\\% \\\\\n\\end{tabular}\n",
    "a log": "step 1: p = 50%\nstep 2: p = 51.2%\n",
    "units": "step,p\n-,[%]\n1,50%\n2,51.2%\n",
}


@pytest.mark.parametrize("form", PERCENT)
def test_percentages_are_hundredths_with_their_digits(form: str) -> None:
    found = check(PERCENT[form], {(1, "p"): "50", (2, "p"): "51.2"}, SHARE)
    assert "50% as 0.50" in found.told[0]


def test_percentages_with_a_decimal_comma() -> None:
    found = audit(SHARE, claims="step;p\n1;50,0%\n2;51,2 %\n")
    assert verdicts(found) == {(1, "p"): "right", (2, "p"): "right"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,p [%]\n1,50.0\n", "'50.0' below 'p [%]' is 0.500 as a percentage, and 50.0 without"),
        ("step,p\n-,%\n1,50.0\n2,51.2\n", "'50.0' below 'p [%]' is 0.500 as a percentage, and 50.0 without"),
        ("step,p\n1,50%\n2,0.512\n", "'0.512' beside '50%' is 0.00512 as a percentage, and 0.512 without"),
        ("step,p\n1,0.50\n2,51.2%\n", "'0.50' beside '51.2%' is 0.0050 as a percentage, and 0.50 without"),
    ],
)
def test_what_may_be_a_percentage_or_not_is_refused_with_both(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=re.escape(message)):
        audit(SHARE, claims=text)


def test_a_change_in_percent_is_refused_with_both() -> None:
    with pytest.raises(ClaimError, match=r"'75%' may be a share of what w was, or delta w itself, 0.75; write"):
        audit(LINE, claims="step,delta w [%]\n1,75%\n")
    with pytest.raises(ClaimError, match=r"may be a share of what w was"):
        audit(LINE, claims="step,w change\n1,75%\n")


def test_a_percentage_that_is_not_judged_refuses_nothing() -> None:
    found = audit(LINE, claims="step,w,accuracy [%]\n1,0.875,98.2\n2,1.0025,98.5%\n")
    assert verdicts(found) == {(1, "w"): "right", (2, "w"): "right"}


LOSS = {(1, "loss"): "1.5625", (2, "loss"): "0.3728"}
BOTH = {**LOSS, (1, "w"): "0.8750", (2, "w"): "1.0025"}


@pytest.mark.parametrize("more", ["grad_fn=<MeanBackward0>", "dtype=torch.float64, grad_fn=<AddBackward0>", ""])
@pytest.mark.parametrize("line", ["step {} loss {}", "step {}: J is {}", "Epoch {}, J={}", "loss after step {}: {}"])
def test_tensors_in_lines(line: str, more: str) -> None:
    number = "tensor({}" + (f", {more}" if more else "") + ")"
    check("".join(f"{line.format(k, number.format(one))}\n" for (k, _), one in LOSS.items()), LOSS)


def test_parameters_as_pytorch_prints_them() -> None:
    line = "step {} loss tensor({}, grad_fn=<MeanBackward0>) w tensor([{}], dtype=torch.float64, requires_grad=True)\n"
    check(line.format(1, "1.5625", "0.8750") + line.format(2, "0.3728", "1.0025"), BOTH)


def test_tensors_without_a_name_are_refused_with_what_to_write() -> None:
    with pytest.raises(ClaimError, match="numbers in the place of names; write one above it, such as step,loss,w"):
        audit(LINE, claims="1 tensor(1.5625, grad_fn=<MeanBackward0>)\n2 tensor(0.3728, grad_fn=<MeanBackward0>)\n")


TWO = {(1, "w"): "0.8750", (2, "w"): "1.0025"}
FRAMES: dict[str, tuple[str, dict[tuple[int, str], str]]] = {
    "a Series": ("step\n1    0.8750\n2    1.0025\nName: w, dtype: float64\n", TWO),
    "a Series of steps": ("1    0.8750\n2    1.0025\nName: w, Length: 2, dtype: float64\n", TWO),
    "a row": ("step    2.0000\nw       1.0025\nName: 1, dtype: float64\n", {(2, "w"): "1.0025"}),
    "columns of two levels": (
        (
            "       grad          param\n          w      b       w\nstep                      \n"
            "1    -3.750 -2.000  0.8750\n2    -1.275 -0.475  1.0025\n"
        ),
        {(1, "dJ/dw"): "3.750", (1, "dJ/db"): "2.000", (2, "dJ/dw"): "1.275", (2, "dJ/db"): "0.475", **TWO},
    ),
    'orient="split"': ('{"columns":["step","w"],"index":[0,1],"data":[[1,0.8750],[2,1.0025]]}\n', TWO),
    'orient="table"': (
        (
            '{"schema":{"fields":[{"name":"index","type":"integer"},{"name":"step","type":"integer"},{"name":"w",'
            '"type":"number"}],"primaryKey":["index"],"pandas_version":"1.4.0"},"data":[{"index":0,"step":1,"w":0.8750},'
            '{"index":1,"step":2,"w":1.0025}]}\n'
        ),
        TWO,
    ),
    "wandb": (
        (
            '{"_step": 1, "train": {"loss": 1.5625}, "params": {"w": 0.8750}, "_runtime": 2.5}\n'
            '{"_step": 2, "train": {"loss": 0.3728}, "params": {"w": 1.0025}, "_runtime": 4.5}\n'
        ),
        BOTH,
    ),
    "printed dicts in dicts": (
        "{'step': 1, 'metrics': {'loss': 1.5625}, 'grads': {'w': -3.75}}\n",
        {(1, "loss"): "1.5625", (1, "dJ/dw"): "3.75"},
    ),
    "tuples": ("[('step', 'w'), (1, 0.8750), (2, 1.0025)]\n", TWO),
    "tuples in lines": ("('step', 'w')\n(1, 0.8750)\n(2, 1.0025)\n", TWO),
    "lists": ('[["step", "w"], [1, 0.8750], [2, 1.0025]]\n', TWO),
}


FRAMES |= {
    "MySQL": (
        (
            "+------+--------+\n| step | w      |\n+------+--------+\n"
            "|    1 | 0.8750 |\n|    2 | 1.0025 |\n+------+--------+\n"
            "2 rows in set (0.00 sec)\n"
        ),
        TWO,
    ),
    "R": ("> w\n[1] 0.8750\n> loss\n[1] 1.5625\n> w\n[1] 1.0025\n> loss\n[1] 0.3728\n", BOTH),
    "a list of R": ("$w\n[1] 0.8750 1.0025\n\n$loss\n[1] 1.5625 0.3728\n\n", BOTH),
    "a data frame of R": (
        "  step   dJ.dw      w\n1    1  -3.750 0.8750\n2    2  -1.275 1.0025\n",
        {(1, "dJ/dw"): "3.750", (2, "dJ/dw"): "1.275", **TWO},
    ),
    "a matrix of R": ("     step      w\n[1,]    1 0.8750\n[2,]    2 1.0025\n", TWO),
    "MATLAB's columns": ("w =\n\n  Columns 1 through 1\n\n    0.8750\n\n  Column 2\n\n    1.0025\n\n", TWO),
    "Python": (">>> w\n0.8750\n>>> w\n1.0025\n", TWO),
    "csv-table": ('.. csv-table::\n   :header: "step", "w"\n\n   1, 0.8750\n   2, 1.0025\n', TWO),
    "list-table": (".. list-table::\n\n   * - step\n     - w\n   * - 1\n     - 0.8750\n   * - 2\n     - 1.0025\n", TWO),
    "Jira": ("||step||w||\n|1|0.8750|\n|2|1.0025|\n", TWO),
    "Textile": ("|_. step|_. w|\n|1|0.8750|\n|2|1.0025|\n", TWO),
    "Org mode": ("| step |      w |\n|------+--------|\n|    1 | 0.8750 |\n|    2 | 1.0025 |\n#+TBLFM: $3=$2\n", TWO),
}


@pytest.mark.parametrize("form", FRAMES)
def test_tables_of_programs(form: str) -> None:
    check(*FRAMES[form])
