"""In a long run the author is followed from the first number on, which finds what is found from the first step on."""

import pytest

from tests.audited import audited, cell
from verify import audit
from verify.following import follow_through
from verify.following.beginning import after_others, before, first_step
from verify.following.right_values import right_values
from verify.numbers import precision

TANH = '''
equations = """
h = tanh(w*x + b)
l = mean((h - y)^2)
"""
[parameters]
w = 0.5
b = 0.1
[data]
x = [0.1, 0.4, -0.7, 1.1]
y = [0.3, 0.9, -0.4, 0.6]
[training]
lr = 0.05
batch_size = 2
steps = 216
'''
WAYS = ("", "momentum = 0.9", 'optimizer = "Adam"', "accumulate = 3", "zero_grad = 4", "clip_grad_norm = 0.1")
TABLE = "step 209: w = {w}", "step 211: w = 0.77", "step 212: b = 0.2", "step 213: dl/dw = 0.3", "step 216: l = {l}"


@pytest.mark.parametrize("way", WAYS)
def test_the_author_is_followed_from_the_first_number_on(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    text = f"{TANH}{way}\n"
    right = audit(text, sentences=["step 209: w = 9", "step 216: l = 9", "epoch 108: mean_of_batches = 9"]).findings
    w, loss = (one.exact[:7] for one in (right[0], right[1]))
    sentences = [said.format(w=w, l=loss) for said in TABLE] + ["epoch 108: mean_of_batches = 0.1"]

    def found() -> list[tuple[object, ...]]:
        findings = audit(text, sentences=sentences).findings
        return [
            (one.cell, one.status, one.inherited_from, one.follows and tuple(f"{end:.6g}" for end in one.follows))
            for one in findings
        ]

    late = found()
    monkeypatch.setattr(follow_through, "SHORT", 10**6)
    assert late == found()
    assert any(follows for *_, follows in late)


def test_the_state_before_a_step_is_that_of_the_hand_calculation() -> None:
    run, about = audited(TANH), cell(203, "before", "w")
    with precision(512):
        begin = before(run, 203)
    assert begin.step == 203
    assert begin.held["w"].item().is_fixed
    right = right_values(run, [about], lambda _: True).values[about]
    assert abs(begin.held["w"].item().centre - right) < 1e-15
    assert before(run, 1).step == 1


def test_a_number_that_nothing_stands_before_follows_from_nothing() -> None:
    one, beside, later = cell(5, "loss", "l"), cell(5, "after", "w"), cell(7, "loss", "l")
    assert after_others([one], [one]) == []
    assert after_others([one], [one, beside]) == [one]
    assert after_others([one, later], [one, later]) == [later]
    assert after_others([one], []) == [one]


def test_a_mean_of_an_epoch_begins_with_its_first_step() -> None:
    run = audited(TANH)
    assert first_step(run, [cell(216, "epoch", "mean_of_batches")], [cell(216, "loss", "l")]) == 215
    assert first_step(run, [cell(216, "loss", "l")], [cell(212, "loss", "l")]) == 212
