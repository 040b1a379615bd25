import json
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from derive.problem.loading import load, shipped
from derive.run.run import Run
from tables.frames import COMPARISON_COLUMNS
from tables.json_report import SCHEMA
from tables.output import to_json, to_text
from tables.text.layout import number, small
from tables.text.step_table import MAX_STEPS, WIDTH
from verify import Result, verify
from verify.bound import bound
from verify.compare.comparison import compare
from verify.compare.tallies import tally
from verify.compare.verdict import judge

NAMES = [name for name, _ in shipped()]


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article")


def simple(equations: str, parameters: str = "w = 3", lr: str = "0.1", steps: int = 2, **flags: object) -> Result:
    text = f'title = "A test"\nequations = """\n{equations}\n"""\n[parameters]\n{parameters}\n'
    return verify(f"{text}[training]\nlr = {lr}\nsteps = {steps}\n", **flags)


def words(text: str) -> list[list[str]]:
    """The lines as words: the width of the columns follows from PyTorch's digits, too."""
    return [line.split() for line in text.splitlines()]


# PyTorch's last digits, and so the differences, may not be the same on another processor: they are left out here.
ARTICLE = """
A line fitted to nine points, three batches of three
SGD, lr 0.01, batch_size 3 of 9, epochs 1, float32

epoch batch   n              loss     dl/dw     dl/db   lr         w         b
    1     1   3 hand     146.6667 -26.66667       -24 0.01 0.2666667      0.24
    1     2   3 hand     280.6703 -135.8578 -33.38667 0.01  1.625244 0.5738667
    1     3   3 hand     145.2822 -169.1916 -24.09884 0.01   3.31716 0.8148551

epoch batches     n            loss: mean of batches
    1       3     9 hand                    190.8731

agrees: all 15 numbers of 3 steps lie within their float32 rounding bounds;
"""


def test_the_hand_side_of_the_article(article: Result) -> None:
    lines = [line for line in words(to_text(article)) if line[:1] not in (["autograd"], ["diff."])]
    drift = next(place for place, line in enumerate(lines) if line[:2] == ["largest", "drift"])
    assert [*lines[:drift], *lines[drift + 2 : -3]] == words(ARTICLE.strip())
    assert lines[-3][0] == "closest:"


def test_pytorchs_side_of_the_article(article: Result) -> None:
    *printed, epoch = [line[1:] for line in words(to_text(article)) if line[:1] == ["autograd"]]
    assert epoch == [number(article.epochs[0].autograd.of_batches)]
    for row, cells in zip(article.rows, printed, strict=True):
        for check, cell in zip(row.checks.values(), cells, strict=True):
            assert cell == number(check.autograd)
            # seven digits are printed
            assert abs(float(cell) - check.hand_value) <= abs(check.difference) + 1e-6 * abs(check.hand_value)


def epoch_table(**flags: object) -> list[str]:
    """What stands from the head of the epochs' table to the next empty line."""
    lines = to_text(verify("article", **flags)).split("\n")
    heads = [k for k, line in enumerate(lines) if line.startswith("epoch batches")]
    return lines[heads[0] : lines.index("", heads[0])] if heads else []


def test_the_two_losses_of_an_epoch_are_told_apart_where_they_differ() -> None:
    head, hand, autograd = epoch_table(batch_size=4)
    assert head.split("  ")[-1].strip() == "mean over samples"
    [epoch] = verify("article", batch_size=4).epochs
    assert hand.split() == ["1", "3", "9", "hand", number(epoch.hand.of_batches), number(epoch.hand.over_samples)]
    assert autograd.split()[0] == "autograd"
    assert hand.split()[-1] != hand.split()[-2]
    assert max(map(len, (head, hand, autograd))) <= 80


def test_an_epoch_of_one_batch_needs_no_table_of_its_own() -> None:
    assert epoch_table(batch_size="all", epochs=3) == []


def test_long_runs_show_the_losses_of_their_first_and_last_epochs() -> None:
    table = epoch_table(epochs=30)
    assert "  … 10 epochs are not shown" in table
    shown = [line.split()[0] for line in table if " hand " in line]
    assert shown == [str(k) for k in (*range(1, 11), *range(21, 31))]
    assert len(epoch_table(epochs=20)) == 41


@pytest.mark.parametrize("nodes", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_problem_fits_into_80_columns(name: str, nodes: bool) -> None:
    problem = load(name)
    text = to_text(verify(problem, steps=3 if problem.trains else None, nodes=nodes))
    assert max(map(len, text.splitlines())) <= WIDTH == 80
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_wide_table_is_printed_in_blocks() -> None:
    names = [f"parameter{k}" for k in range(6)]
    text = to_text(
        simple("l = " + " + ".join(f"{name}^2" for name in names), "\n".join(f"{name} = 1" for name in names))
    )
    heads = [line.split() for line in text.splitlines() if line.startswith("epoch batch")]
    assert len(heads) > 1
    shown = [name for head in heads for name in head[3:]]
    assert shown == ["loss", *(f"dl/d{name}" for name in names), "lr", *names]
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_long_run_shows_its_first_and_last_steps() -> None:
    text = to_text(verify("line", steps=MAX_STEPS + 40))
    assert "  … 80 steps are not shown; --csv FILE writes all of them" in text
    firsts = [int(line.split()[0]) for line in text.splitlines() if " hand " in line and not line.startswith("largest")]
    assert firsts[:20] == [*range(1, 11), *range(91, 101)]
    assert "not shown" not in to_text(verify("line", steps=MAX_STEPS))


def test_a_batch_larger_than_the_data_is_said() -> None:
    text = to_text(verify("article", batch_size=20))
    assert "batch_size 20 is larger than the 9 samples: each epoch is one batch of all of\n  them\n" in text


def test_the_lines_and_their_adjoints() -> None:
    text = to_text(verify("article", nodes=True, steps=1))
    rows = [line.split() for line in text.splitlines()]
    start = rows.index(["step", "node", "hand", "autograd", "step", "error", "bound"])
    names = [row[1] for row in rows[start + 1 : start + 25]]
    assert names == [f"{q}[{k}]" for q in ("a", "c", "d", "e", "dl/da", "dl/dc", "dl/dd", "dl/de") for k in range(3)]
    assert ["1", "d[1]", "-12", "-12", "0"] in [row[:5] for row in rows]


def test_a_problem_of_one_line_has_no_table_of_lines() -> None:
    assert "\n\nf is the only line\n\n" in to_text(verify("parabola", nodes=True))


def test_a_parameter_called_lr_has_its_own_column() -> None:
    rows = words(to_text(simple("q = lr^2", "lr = 3")))
    assert ["epoch", "batch", "n", "loss", "dq/dlr", "lr", "lr"] in rows
    assert ["1", "1", "1", "hand", "9", "6", "0.1", "2.4"] in rows


def with_wrong_gradient(result: Result) -> Result:
    """The same result with one gradient of PyTorch's changed."""
    first, *others = result.record.steps
    gradients = {**first.gradients, "b": first.gradients["b"] * 3}
    record = replace(result.record, steps=(replace(first, gradients=gradients), *others))
    run = Run(result.problem, result.derivation, result.settings)
    comparison = compare(run, result.hand, record, bound.prepare(run))
    found = tally(run, result.hand, record, comparison)
    verdict = judge(comparison, found, record, result.settings)
    return replace(result, comparison=comparison, tally=found, verdict=verdict)


def test_a_wrong_number_is_marked_and_explained(article: Result) -> None:
    text = to_text(with_wrong_gradient(article))
    assert "-4.8e+01 ✗" in text
    assert text.endswith("\ndisagrees: 2 of 15 numbers, first dl/db at step 1 (epoch 1, batch 1)")
    told = text.replace("\n  ", " ")
    assert "\ndl/db at step 1 (epoch 1, batch 1): PyTorch has -72, by hand it is -24 at the same state; " in told
    assert "; they differ by -48, |step error| 48 > bound " in told
    assert "; the ratio is 3, the batch size: a sum in place of a mean?\n" in told


def test_where_nothing_is_known_there_is_a_question_mark() -> None:
    text = to_text(simple("l = 1/w", "w = 0"))
    rows = words(text)
    assert ["autograd", "inf", "-inf", "inf"] in rows
    assert ["diff.", "?", "?", "?"] in rows
    ends = "at step 1 (epoch 1, batch 1) the hand calculation ends: division by zero, in line l"
    assert ends in " ".join(text.split())
    assert ["autograd", "nan", "-1", "-2.9"] not in rows
    assert ["autograd", "nan", "-1", "-0.9"] in words(to_text(simple("l = log(w)", "w = -1")))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-24.0, "-24"),
        (440 / 3, "146.6667"),
        (1e-4, "0.0001"),
        (9.9e-5, "9.900000e-05"),
        (1e7, "1.000000e+07"),
        (math.inf, "inf"),
        (math.nan, ""),
    ],
)
def test_a_number_has_seven_digits(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0"), (-1.25e-7, "-1.2e-07"), (math.nan, ""), (math.inf, "inf")])
def test_a_difference_has_two_digits(value: float, shown: str) -> None:
    assert small(value) == shown


# --- JSON


def parsed(result: Result) -> dict[str, Any]:
    """The JSON of a result, read as strictly as the standard has it."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found: dict[str, Any] = json.loads(to_json(result), parse_constant=refuse)
    return found


def test_json_has_the_losses_of_the_epochs(article: Result) -> None:
    [epoch], [found] = parsed(article)["epochs"], article.epochs
    assert epoch == {
        "epoch": 1,
        "batches": 3,
        "n": 9,
        "mean_of_batches": found.hand.of_batches,
        "mean_over_samples": found.hand.over_samples,
        "mean_of_batches_autograd": found.autograd.of_batches,
        "mean_over_samples_autograd": found.autograd.over_samples,
    }


def test_json_has_the_whole_result(article: Result) -> None:
    document = parsed(article)
    assert document["schema"] == SCHEMA == "handgrad/verification/1"
    assert document["title"] == "A line fitted to nine points, three batches of three"
    assert document["settings"] == {
        "optimizer": "SGD",
        "variant": None,
        "lr": "1/100",
        "scheduler": None,
        "clip": None,
        "groups": [],
        "options": {
            "momentum": "0",
            "dampening": "0",
            "weight_decay": "0",
            "decoupled_weight_decay": "false",
            "nesterov": "false",
            "maximize": "false",
        },
        "batch_size": 3,
        "drop_last": False,
        "batches": None,
        "zero_grad": True,
        "accumulate": 1,
        "steps": 3,
        "shuffle": False,
        "seed": 0,
        "dtype": "float32",
        "until": None,
        "report": [],
        "on_nonfinite": "stop",
        "origins": dict(article.settings.origins),
    }
    assert document["torch"] == article.record.torch_version
    assert document["hand_ended"] is None
    assert document["verdict"] == {"outcome": "agrees", "sentence": article.verdict.sentence, "explanations": []}


def test_json_rows_have_the_columns_of_the_comparison(article: Result) -> None:
    rows = parsed(article)["comparison"]
    assert len(rows) == 21
    assert all(list(row) == list(COMPARISON_COLUMNS) for row in rows)
    second = next(row for row in rows if row["step"] == 2 and row["quantity"] == "dl/dw")
    check = article.rows[1].checks["dl/dw"]
    assert (second["hand_exact"], second["hand"]) == ("-30568/225", float(Fraction(-30568, 225)))
    assert (second["autograd"], second["bound"], second["agrees"]) == (check.autograd, check.bound, True)


def test_json_has_null_for_what_is_no_number() -> None:
    document = parsed(simple("l = 1/w", "w = 0"))
    loss = next(row for row in document["comparison"] if row["quantity"] == "l")
    assert [loss[name] for name in ("hand", "hand_exact", "autograd", "difference", "bound", "agrees")] == [None] * 6
    assert document["verdict"]["outcome"] == "undecided"
    assert (
        document["hand_ended"] == "at step 1 (epoch 1, batch 1) the hand calculation ends: division by zero, in line l"
    )
    assert document["settings"]["batch_size"] is None


def test_json_explains_what_disagrees(article: Result) -> None:
    verdict = parsed(with_wrong_gradient(article))["verdict"]
    assert verdict["outcome"] == "disagrees"
    assert verdict["explanations"][0].startswith(
        "dl/db at step 1 (epoch 1, batch 1): PyTorch has -72, by hand it is -24"
    )


def test_the_same_result_gives_the_same_text(article: Result) -> None:
    again = verify("article")
    assert to_text(again) == to_text(article)
    assert to_json(again) == to_json(article)


# --- notebooks


def test_a_result_shows_as_an_html_table(article: Result) -> None:
    html = article._repr_html_()
    assert html.startswith("<p><b>A line fitted to nine points, three batches of three</b><br>SGD, lr 0.01, ")
    assert html.count("<tr>") == 4
    assert "<th>epoch</th><th>batch</th><th>n</th><th>l</th><th>dl/dw</th><th>dl/db</th><th>w</th><th>b</th>" in html
    assert ">-26.666667<br>-26.66666" in html
    assert "background" not in html
    assert html.endswith(f"<p>{article.verdict.sentence}</p>")


def test_html_marks_a_wrong_cell(article: Result) -> None:
    html = with_wrong_gradient(article)._repr_html_()
    assert html.count('style="background:#fdd"') == 2
    assert '<td style="background:#fdd" title="hand, then PyTorch; difference -48, bound ' in html


def test_html_escapes_what_a_problem_says() -> None:
    text = 'title = "<script>alert(1)</script>"\nequations = "l = w^2"\n[parameters]\nw = 1\n[training]\nlr = 0.1\n'
    html = verify(text)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_html_shows_the_first_rows_of_a_long_run() -> None:
    html = verify("line")._repr_html_()
    assert html.count("<tr>") == 21
    assert "<p>… and 30 more steps</p>" in html


def test_html_is_well_formed(article: Result) -> None:
    import xml.etree.ElementTree as ElementTree

    html = article._repr_html_().replace("<br>", "<br/>")
    root = ElementTree.fromstring(f"<div>{html}</div>")
    assert len(root.findall("./table/tbody/tr")) == 3
    assert np.isclose(float((root.findall("./table/tbody/tr/td")[4].text or "").strip()), -80 / 3)


WATCHED = """
title = "Watched"
equations = "pred = w*x + b; l = mean((pred - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [1, 2]
y = [3, 5]
[training]
lr = 0.1
epochs = 6
until = "l < 0.05"
report = [1, 3, 900]
[watch]
norm = "w^2 + b^2"
[predict]
x = [37, "1/2"]
"""


def test_reported_steps_watched_columns_and_the_prediction_in_the_text() -> None:
    result = verify(WATCHED)
    printed = [line for line in words(to_text(result)) if "hand" in line[3:4]]
    assert [line[:3] for line in printed] == [["1", "1", "2"], ["3", "1", "2"]] * 2  # in two blocks
    heads = [line[3:] for line in words(to_text(result)) if line[:1] == ["epoch"]]
    assert heads == [["loss", "dl/dw", "dl/db", "lr", "w", "b"], ["norm"]]
    assert [printed[0][4:], printed[2][4:]] == [["17", "-13", "-8", "0.1", "1.3", "0.8"], ["2.33"]]
    text = to_text(result)
    steps = len(result.comparison.steps)
    assert f"  … {steps - 2} of {steps} steps are not in report; --csv FILE writes all of them\n" in text
    assert f"\nPrediction after step {steps}\n  x = [37, 0.5]\n" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith("  pred")] == ["pred[0]", "pred[1]"]
    assert f"the run ends after step {steps}, the first after which l < 0.05 holds" in text.replace("\n  ", " ")
    assert max(map(len, text.splitlines())) <= WIDTH


def test_none_of_the_reported_steps_may_be_in_the_run() -> None:
    text = to_text(verify(WATCHED, report="900"))
    assert "  … " in text
    assert " steps are not in report; --csv FILE writes all of them\n" in text
    assert "hand " not in text.partition("Prediction")[0]


def test_json_has_what_is_watched_predicted_and_why_the_run_ended() -> None:
    result = verify(WATCHED)
    document = parsed(result)
    assert document["settings"]["until"] == "l < 0.05"
    assert document["settings"]["report"] == [1, 3, 900]
    assert [(row["quantity"], row["index"]) for row in document["prediction"]] == [("pred", "0"), ("pred", "1")]
    assert {row["agrees"] for row in document["prediction"]} == {True}
    assert document["stopped"].startswith("the run ends after step ")
    assert document["nonfinite"] == []
    rows = [row for row in document["comparison"] if row["quantity"] == "norm"]
    assert [row["step"] for row in rows] == list(range(1, len(result.record.steps) + 1))  # all, not only those printed


def test_what_is_not_finite_is_listed_and_a_long_list_is_cut() -> None:
    result = simple("f = (x - 3)^2", "x = 0", lr="2", steps=90, on_nonfinite="continue")
    text = to_text(result).replace("\n  ", " ")
    assert "PyTorch's f is inf first at step 41 (epoch 41, batch 1); by hand it is 1.33027946e+39 there" in text
    assert "\n… and 1 more quantities that are not finite\n" in text
    assert len(parsed(result)["nonfinite"]) == 6
    ended = to_text(simple("f = (x - 3)^2", "x = 0", lr="2", steps=90)).replace("\n  ", " ")
    assert 'run ends with step 41, in which a number is not finite; on_nonfinite = "continue" lets it go on' in ended
