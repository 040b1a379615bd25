"""A long run is calculated in pieces: the verdict is that of the whole, and few rows are kept."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import SettingError
from tables import comparison, steps
from tables.text.report import to_text
from tables.text.worked_step import worked
from verify import Outcome, Result, pieces, pytorch, verify
from verify.compare.tallies import Tally
from verify.compare.verdict import explanations
from verify.pytorch import run as training

PROBLEM = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [0, 1, 2, 3, 4]
y = [1, 3, 4, 8, 9]
[training]
lr = 0.01
batch_size = 2
steps = 100
[watch]
norm = "sqrt(w^2 + b^2)"
"""


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of more than 20 steps are long, and have pieces of 7 steps, to the end of an epoch."""
    for name, value in {"LONG": 20, "PIECE": 7, "KEPT": 5}.items():
        monkeypatch.setattr(pieces, name, value)


def told(found: Tally) -> dict[str, Any]:
    """What a tally says, without how a number of the run by hand is held."""
    return {
        "summaries": [
            (s.quantity, s.count, s.wrong, s.undecided, s.replayed, s.closest.batch) for s in found.summaries
        ],
        **{name: getattr(found, name) for name in ("steps", "by_hand", "wrong", "epochs", "nonfinite", "notes")},
    }


SETTINGS: list[dict[str, Any]] = [
    {},
    {"shuffle": True, "seed": 3},
    {"momentum": 0.9, "shuffle": True},
    {"zero_grad": False, "lr": 0.0001},
    {"accumulate": 2},
    {"optimizer": "Adam", "dtype": "float64"},
    {"scheduler": "StepLR", "step_size": 3, "gamma": 0.5},
    {"clip_grad_norm": 0.5, "batch_size": "all"},
    {"until": "l < 0.3"},
    {"lr": 5, "dtype": "float16"},
    {"drift": 30},
    {"every": 7},
    {"every": 7, "momentum": 0.9, "shuffle": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_verdict_of_a_run_in_pieces_is_that_of_the_whole(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = verify(PROBLEM, **settings)
    for name, value in {"LONG": 20, "PIECE": 7, "KEPT": 5}.items():
        monkeypatch.setattr(pieces, name, value)
    apart = verify(PROBLEM, **settings)
    assert apart.verdict == whole.verdict
    assert told(apart.tally) == told(whole.tally)
    assert (apart.hand.ended, apart.stopped) == (whole.hand.ended, whole.stopped)
    wanted = {step.batch.step: step for step in whole.comparison.steps}
    kept = [step.batch for step in apart.comparison.steps]
    assert kept == [wanted[batch.step].batch for batch in kept]
    assert (len(kept) < len(wanted)) == (whole.tally.steps > 11)
    assert steps(apart).equals(
        steps(whole)[lambda frame: frame["step"].isin(steps(apart)["step"])].reset_index(drop=True)
    )


@pytest.mark.usefixtures("short_pieces")
def test_the_rows_at_both_ends_and_those_of_report_are_kept() -> None:
    result = verify(PROBLEM, report=[40, 60])
    kept = [*range(1, 6), 40, 60, *range(96, 101)]
    assert [step.batch.step for step in result.comparison.steps] == kept
    assert list(dict.fromkeys(comparison(result)["step"])) == kept
    text = to_text(result)
    assert "of the 100 steps, all compared, 12 are kept for tables and files: the first and" in text
    assert "  … 98 of 100 steps are not in report; --report N,N,… names others" in text
    assert result.verdict.sentence.startswith("agrees: all 600 numbers of 100 steps")
    assert worked(result, 40).splitlines()[0].startswith("Step 40")
    with pytest.raises(
        SettingError, match=r"step 50 is not kept of so long a run; expected report = \[50\], or --report"
    ):
        worked(result, 50)


def test_a_run_of_many_numbers_is_in_pieces_too(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verify(PROBLEM)
    assert whole.kept == ""
    monkeypatch.setattr(pieces, "NUMBERS", 200)  # a step has 5 that are compared
    lengths = []
    found = verify(PROBLEM, tell=lambda step, *_: lengths.append(step))
    assert lengths == [42, 84, 100]  # 40 steps, to the end of an epoch of three
    assert found.verdict == whole.verdict
    assert told(found.tally) == told(whole.tally)
    assert [step.batch.step for step in found.comparison.steps] == [*range(1, 11), *range(91, 101)]
    assert "of the 100 steps, all compared, 20 are kept for tables and files: the first and the last 10," in found.kept


@pytest.mark.usefixtures("short_pieces")
def test_a_short_run_keeps_all_and_says_nothing_of_it() -> None:
    result = verify(PROBLEM, steps=20)
    assert len(result.comparison.steps) == 20
    assert result.kept == ""


def planted(monkeypatch: pytest.MonkeyPatch, wrong: range) -> None:
    """The gradient of w has the wrong sign in some steps."""
    original = training.GraphModule.__init__
    counted: list[int] = []

    def prepared(self: training.GraphModule, *args: Any) -> None:
        original(self, *args)
        counted.clear()
        self.named["w"].register_hook(flipped)

    def flipped(gradient: torch.Tensor) -> torch.Tensor:
        counted.append(1)
        return -gradient if len(counted) in wrong else gradient

    monkeypatch.setattr(training.GraphModule, "__init__", prepared)


@pytest.mark.usefixtures("short_pieces")
def test_what_is_wrong_in_the_middle_is_kept_with_the_step_before(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, range(50, 60))
    result = verify(PROBLEM)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert result.verdict.sentence == ("disagrees: 10 of 600 numbers, first dl/dw at step 50 (epoch 17, batch 2)")
    kept = [step.batch.step for step in result.comparison.steps]
    assert kept == [*range(1, 6), *range(49, 55), *range(96, 101)]
    assert explanations(result.comparison, result.tally)[-1] == "… and 5 more; --csv FILE lists them all"


@pytest.mark.usefixtures("short_pieces")
def test_first_ends_with_the_piece_that_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, range(50, 60))
    result = verify(PROBLEM, first=True)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert result.comparison.steps[-1].batch.step == 50


@pytest.mark.usefixtures("short_pieces")
@pytest.mark.parametrize("every", [1, 7, 40])
def test_of_a_run_in_pieces_the_same_steps_are_compared(every: int) -> None:
    found = verify(PROBLEM, every=every)
    assert found.agrees
    assert found.tally.compared == len({*range(1, 101, every), 100})
    assert found.comparison.steps[-1].batch.step == 100


@pytest.mark.usefixtures("short_pieces")
@pytest.mark.parametrize("every", [1, 7, 1000])
def test_what_happens_between_two_pieces_is_seen(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    original = pytorch.pieces

    def moved(*args: Any) -> Any:
        for number, record in enumerate(original(*args)):
            if number == 3:
                first, *others = record.steps
                shifted = replace(first, before={**first.before, "w": first.before["w"] + 1})
                yield replace(record, steps=(shifted, *others))
            else:
                yield record

    monkeypatch.setattr(pytorch, "pieces", moved)
    result: Result = verify(PROBLEM, every=every)
    assert result.verdict.outcome is Outcome.DISAGREES
    assert "w_before at step 28 (epoch 10, batch 1)" in result.verdict.sentence


@pytest.mark.usefixtures("short_pieces")
def test_how_far_a_long_run_is_is_told_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, range(8, 11))
    said: list[tuple[int, int, str]] = []
    verify(PROBLEM, steps=30, tell=lambda *words: said.append(words))
    # the third of the batches of 5 samples ends an epoch, and a piece is at least 7 steps
    assert said == [
        (9, 30, "2 numbers disagree"),
        (18, 30, "3 numbers disagree"),
        (27, 30, "3 numbers disagree"),
        (30, 30, "3 numbers disagree"),
    ]
    monkeypatch.undo()
    said.clear()
    verify(PROBLEM, steps=30, tell=lambda *words: said.append(words))
    [(step, last, found)] = said
    assert (step, last) == (30, 30)
    assert re.fullmatch(r"no number disagrees; closest to its bound: \S+ at step \d+", found)


@cache
def one_of_so_many(every: int) -> Result:
    return verify(PROBLEM, steps=31, every=every)


@given(st.lists(st.lists(st.integers(-31, 30), max_size=8), min_size=1, max_size=4), st.integers(1, 4))
def test_rows_of_several_pieces_are_those_of_the_run(chosen: list[list[int]], every: int) -> None:
    """Of a run in which batches of two kinds take turns, and one step of so many is compared."""
    result = one_of_so_many(every)
    whole = pieces.Rows.of_piece(result.comparison.steps, result.record.steps)
    kept = [np.array([place % len(whole.compared) for place in own], dtype=np.intp) for own in chosen]
    found = pieces.Rows.joined([whole.of(own) for own in kept])
    wanted = sorted({place for own in kept for place in own.tolist()})
    assert found.numbers.tolist() == whole.numbers[wanted].tolist()
    for place, own in enumerate(wanted):
        step, same = found.compared[place], whole.compared[own]
        assert (step.batch, step.hand) == (same.batch, same.hand)
        assert found.steps[place].batch == step.batch
        for name, numbers in same.numbers.items():
            assert numbers.distance.bound.tobytes() == step.numbers[name].distance.bound.tobytes()
            assert numbers.autograd.tobytes() == step.numbers[name].autograd.tobytes()
        assert found.steps[place].loss == result.record.steps[step.batch.step - 1].loss
    ends = whole.end(3)
    assert ends.numbers.tolist() == whole.numbers[-3:].tolist()
