import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from flint import fmpq

from derive.algebra.expression import Axis
from derive.chain.derivation import differentiate
from derive.graph.node import Node
from derive.problem.loading import load
from derive.run.batches import Batch
from derive.run.precedence import effective
from derive.run.run import Run
from tests.problems import simple
from verify import Outcome, Result, verify
from verify.compare.check import Check, Numbers
from verify.compare.compared import StepComparison
from verify.compare.comparison import Comparison
from verify.compare.tallies import Tally, tally
from verify.compare.verdict import Verdict, explain, explanations, judge, telling_ratio
from verify.hand.run import HandRun
from verify.numbers import Distance, to_float
from verify.pytorch import run as training
from verify.record import Record


def check(autograd: float, expected: str, bound: float = 1e-6, n: int = 3, agrees: bool | None = False) -> Check:
    exact = fmpq(*(int(part) for part in (*expected.split("/"), "1")[:2]))
    batch = Batch(2, 1, 2, tuple(range(n)))
    value = to_float(exact)
    return Check(batch, "dl/dw", "", exact, autograd, value, autograd - value, bound, agrees, 1e-7)


def compared(autograd: list[float], expected: list[float], *faults: str) -> Comparison:
    """A comparison of one step with these entries of dl/dw, each with a bound of 1e-6."""
    floats, right = np.array(autograd), np.array(expected)
    bound, everywhere = np.full_like(right, 1e-6), np.ones(right.shape, dtype=np.bool_)
    distance = Distance(right, floats - right, bound, bound, everywhere, ~everywhere)
    step = StepComparison(Batch(2, 1, 2, (0, 1, 2)), {("gradients", "w"): Numbers(floats, distance, np.abs(right))})
    node = Node("w", "parameter", (Axis("j", len(autograd)),))
    return Comparison({"w": node}, "l", "float32", (step,), faults)


def counted(comparison: Comparison) -> Tally:
    """The tally of a comparison whose run is of no account."""
    problem = load("article")
    run = Run(problem, differentiate(problem.graph), effective(problem, {}))
    return tally(run, HandRun(()), Record("float32", "", {}, ()), comparison)


def sentence(text: str, **flags: object) -> str:
    return verify(text, **flags).verdict.sentence


@pytest.mark.parametrize(
    ("autograd", "expected", "n", "told"),
    [
        (440.0, "440/3", 3, "3, the batch size: a sum in place of a mean?"),
        (10.0, "30", 3, "1/3, one over the batch size: a mean in place of a sum?"),
        (-24.0, "24", 3, "−1: the sign is flipped"),
        (48.0, "24", 3, "2"),
        (12.0, "24", 3, "½"),
        (36.0, "24", 3, "3/2: divided by n − 1 in place of n?"),
        (16.0, "24", 3, "2/3: a sample is missing?"),
        (48.0, "24", 2, "2"),  # n or 2: not told apart
        (24.0216, "24", 3, "1.0009"),
        (0.0, "24", 3, "0"),
        (5.0, "0", 3, ""),
        (1e-6, "1/10000000", 3, ""),  # both within the bound of 0
        (float("nan"), "24", 3, ""),
        (float("inf"), "24", 3, ""),
    ],
)
def test_a_ratio_that_tells_something_is_told(autograd: float, expected: str, n: int, told: str) -> None:
    assert telling_ratio(check(autograd, expected, n=n)) == told


def test_a_ratio_is_told_within_the_bound_only() -> None:
    assert telling_ratio(check(440.001, "440/3")) == "3.000007"
    assert telling_ratio(check(440.001, "440/3", bound=1e-2)).startswith("3, the batch size")


def test_an_explanation_has_the_place_both_values_the_difference_the_bound_and_the_ratio() -> None:
    assert explain(check(440.0, "440/3")) == (
        "dl/dw at step 2 (epoch 1, batch 2): PyTorch has 440, by hand it is 146.666667 at the same state; "
        "they differ by 293, |step error| 2.9e+02 > bound 1e-06; "
        "the ratio is 3, the batch size: a sum in place of a mean?"
    )
    assert explain(check(0.5, "0")).endswith("they differ by 0.5, |step error| 0.5 > bound 1e-06")


def test_the_first_five_are_explained_and_the_others_counted() -> None:
    comparison = compared([1.0] * 7, [2.0] * 7, "a batch is wrong")
    told = explanations(comparison, counted(comparison))
    assert len(told) == 7
    assert told[0] == "a batch is wrong"
    assert told[-1] == "… and 2 more; --csv FILE lists them all"
    right = compared([1.0], [1.0])
    assert explanations(right, counted(right)) == ()


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article")


def test_agreement_says_how_much_was_compared_and_how_close_it_was(article: Result) -> None:
    assert article.verdict.outcome is Outcome.AGREES
    assert re.fullmatch(
        r"agrees: all 15 numbers of 3 steps lie within their float32 rounding bounds; "
        r"closest: (l|dl/dw|dl/db|w|b) at step [123], \|step error\| \S+ ≤ bound \S+; "
        r"any loss, gradient or update off by more than \d\.\de-07 of its terms would have "
        r"been caught \(least sharply (l|dl/dw|dl/db|w|b) at step [123]\)",
        article.verdict.sentence,
    )


def test_one_step_is_not_a_plural() -> None:
    assert sentence("article", steps=1).startswith("agrees: all 5 numbers of 1 step lie within")


def test_disagreement_counts_and_names_the_first(article: Result) -> None:
    comparison = compared([1.0, 1.0, 3.0], [1.0, 2.0, 4.0])
    verdict = judge(comparison, counted(comparison), article.record, article.settings)
    assert verdict == Verdict(
        Outcome.DISAGREES, "disagrees: 2 of 3 numbers, first dl/dw[1] at step 2 (epoch 1, batch 2)"
    )


def test_what_a_step_begins_with_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    original = training.GraphModule.forward
    calls: list[int] = []

    def nudged(self: training.GraphModule, *args: Any) -> Any:
        found = original(self, *args)
        calls.append(1)
        if len(calls) == 2:  # the step begins with another w than the one that was logged
            with torch.no_grad():
                self.named["b"].fill_(7)
        return found

    monkeypatch.setattr(training.GraphModule, "forward", nudged)
    told = sentence("article")
    assert re.match(r"disagrees: \d of 15 numbers, first b at step 2", told), told
    monkeypatch.undo()
    moved = training._step

    def between(model: training.GraphModule, *args: Any) -> Any:
        with torch.no_grad():
            model.named["b"].add_(1)
        return moved(model, *args)

    monkeypatch.setattr(training, "_step", between)
    told = sentence("article")
    assert told == "disagrees: 3 of those that steps begin with, first b_before at step 1 (epoch 1, batch 1)"


def test_a_power_of_0_by_its_exponent_has_the_derivative_0() -> None:
    """0^v is 0 for every v above 0; log(0) 0^v, as the chain rule writes it, has no value, and is not compared."""
    result = verify(simple("l = w^v", "w = 0\nv = 2", steps=1))
    assert result.agrees
    assert result.comparison.kink_notes == ()
    assert [step.gradients["v"].item() for step in result.record.steps] == [0.0]


def test_a_wrong_batch_disagrees_even_where_every_number_agrees(article: Result) -> None:
    comparison = compared([1.0], [1.0], "rows are wrong")
    verdict = judge(comparison, counted(comparison), article.record, article.settings)
    assert verdict == Verdict(Outcome.DISAGREES, "disagrees: rows are wrong")


def test_disagreement_goes_before_undecided(article: Result) -> None:
    comparison = compared([math.inf, 1.0], [1.0, 2.0])
    assert judge(comparison, counted(comparison), article.record, article.settings).outcome is Outcome.DISAGREES


def test_a_run_that_diverges_until_the_loss_overflows() -> None:
    result = verify("parabola", lr=2.0, steps=100)
    assert result.verdict.outcome is Outcome.UNDECIDED
    assert result.verdict.sentence == (
        "undecided: PyTorch's f is inf at step 41 (epoch 41, batch 1), where the run ends; "
        "by hand it is 1.33027946e+39; the 40 steps before agree"
    )
    assert explanations(result.comparison, result.tally) == ()
    assert [row.checks["f"].agrees for row in result.rows] == [True] * 40 + [None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (simple("l = 1/w", "w = 0"), "PyTorch's l is inf at {1}, where the run ends; by hand it has no value"),
        (simple("l = log(w)", "w = -1"), "PyTorch's l is nan at {1}, where the run ends; by hand it has no value"),
        (simple("l = sqrt(w)", "w = 0"), "PyTorch's dl/dw is inf at {1}, where the run ends; by hand it has no value"),
        (
            simple("l = 1/w + 2*w", "w = 1", "1"),
            "PyTorch's l is inf at {2}, where the run ends; by hand it has no value; the step before agrees",
        ),
        (simple("l = w^2", "w = 1e25"), "PyTorch's l is inf at {1}, where the run ends; by hand it is 1e+50"),
        (
            simple("l = 1e-20/exp(w)", "w = 100"),
            "no bound for l at {1} (float32 may overflow on the way to it, or a function leave its domain)",
        ),
    ],
)
def test_undecided_says_why(text: str, told: str) -> None:
    result = verify(text)
    assert result.verdict.outcome is Outcome.UNDECIDED
    steps = {"{1}": "step 1 (epoch 1, batch 1)", "{2}": "step 2 (epoch 2, batch 1)"}
    assert result.verdict.sentence == "undecided: " + re.sub(r"\{\d\}", lambda match: steps[match[0]], told)


def test_a_line_that_overflows_does_not_end_the_run() -> None:
    text = 'equations = """\nq = exp(w)\nl = w^2\n"""\n[parameters]\nw = 100\n[training]\nlr = 0.01\nsteps = 2\n'
    result = verify(text, nodes=True)
    told = "undecided: PyTorch's q is inf at step 1 (epoch 1, batch 1); by hand it is 2.68811714e+43"
    assert result.verdict.sentence == told
    assert len(result.rows) == 2


def test_the_outcomes_have_their_exit_status_and_word() -> None:
    assert {outcome.word: outcome.exit_status for outcome in Outcome} == {"agrees": 0, "disagrees": 1, "undecided": 3}


def test_a_verdict_shows_its_sentence() -> None:
    assert str(Verdict(Outcome.AGREES, "agrees: all")) == "agrees: all"
