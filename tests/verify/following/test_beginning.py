"""In a long run the author is followed from the first number on, which finds what is found from the first step on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import Place
from tables.audit import to_json
from tests.audited import audited, cell
from verify import audit
from verify.auditing import earlier
from verify.claims.claim import Claim
from verify.claims.literal import read_literal
from verify.following import follow_through
from verify.following.beginning import (
    after_others,
    before,
    first_step,
    known_states,
    passed_over,
    steps_between,
)
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


def test_what_comes_before_a_state_of_the_authors_own_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is told is what is told where every step is followed; of a mean, its whole epoch is."""
    text, names = f"{TANH}momentum = 0.9\n", ["w", "b", "w.v", "b.v"]
    steps = range(1, 217)
    head, mean = f"step,l,{','.join(names)}", ["epoch 106: mean_of_batches = 0.1"]
    blank = "\n".join([head, *(f"{step},{','.join(['9'] * (1 + len(names)))}" for step in steps)])
    right = {
        (one.cell.step, one.cell.quantity.name): f"{float(one.exact):.6f}" for one in audit(text, claims=blank).findings
    }
    rows = [[str(step), *(right[step, name] for name in ("l", *names))] for step in steps]
    for step, column, number in ((203, 2, "0.75"), (205, 1, "0.3"), (209, 3, "0.2"), (214, 1, "0.4")):
        rows[step - 1][column] = number
    rows[206][2] = ""  # the state before step 208 is not the author's own
    table = "\n".join([head, *map(",".join, rows)])

    calls: list[int] = []
    step_of = follow_through._Follower.step

    def noted(*given: object) -> object:
        calls.append(1)
        return step_of(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(follow_through._Follower, "step", noted)
    told, passed = to_json(audit(text, claims=table, sentences=mean)), len(calls)
    monkeypatch.setattr(follow_through, "known_states", lambda *_: [])
    monkeypatch.setattr(earlier, "known_states", lambda *_: [])
    calls.clear()
    assert told == to_json(audit(text, claims=table, sentences=mean))
    assert 0 < 4 * passed < len(calls)


def test_a_state_is_known_where_all_of_it_is_claimed_and_nothing_is_finer() -> None:
    run = audited(TANH)
    both = [claim(step, "after", name, "0.50") for step in (2, 3) for name in "wb"]
    assert known_states(run, both) == [3, 4]
    assert known_states(run, both[:3]) == [3]
    assert known_states(run, [*both, claim(1, "loss", "l", "0.123")]) == []
    assert known_states(audited(f"{TANH}momentum = 0.9\n"), both) == []
    assert known_states(audited(f"{TANH}accumulate = 3\n"), both) == []


@given(st.lists(st.integers(2, 30)), st.sets(st.integers(1, 30)), st.integers(1, 30))
def test_every_step_that_is_asked_for_is_reached(known: list[int], asked: set[int], first: int) -> None:
    asked = {step for step in asked if step >= first} or {first}
    passed = passed_over(sorted(known), asked, first)
    reached, step = set(), first
    while step <= max(asked):
        assert passed.get(step, step) in (step, *known)
        step = passed.get(step, step)
        reached.add(step)
        step += 1
    assert asked <= reached
    assert len(reached) == steps_between(passed, first, max(asked))


def claim(step: int, group: str, name: str, text: str) -> Claim:
    """A claim of a number."""
    return Claim(cell(step, group, name), read_literal(text), Place("a test"))
