"""What an audit takes is told before it is begun: its steps by hand, and what follows from claimed numbers."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ProblemError
from tests.audited import HALVING, audited, cell
from tests.problems import LINE, NETWORK
from verify import Status, audit
from verify.following.course import Courses
from verify.following.extent import CLAIMED, LEAP, by_hand, drifted, followed, in_forms
from verify.following.follow_through import MAX_STEPS, follow
from verify.following.own_numbers import Own
from verify.hand import run as hand
from verify.numbers import Forms
from verify.residue.drift import drifts


def test_every_row_up_to_the_last_is_counted() -> None:
    of = audited(HALVING, steps=5000)
    one, many = (by_hand(of, [cell(step, "after", "w")]).calculations for step in (1, 1000))
    assert many - CLAIMED == 1000 * (one - CLAIMED)
    both = by_hand(of, [cell(step, "after", "w") for step in (1, 1000)]).calculations
    assert both == many + CLAIMED


def test_steps_that_are_leapt_over_are_not_counted() -> None:
    of = audited(HALVING, steps=10**9)
    far = by_hand(of, [cell(10**9, "after", "w")])
    assert far.calculations <= by_hand(of, [cell(2 * LEAP, "after", "w")]).calculations
    far.check(of.settings.limit)


def test_a_late_step_of_a_run_that_is_not_linear_is_named_before_it_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 190,000 steps before it are calculated one by one, though one number is claimed."""

    def begun(*_: object) -> None:
        raise AssertionError("it was begun")

    monkeypatch.setattr(hand, "step", begun)
    with pytest.raises(ProblemError, match=r"this would take about .* calculations, 2 minutes, .*--limit 1e\+09 goes"):
        audit(NETWORK, sentences=["step 190000: W[0,0] = 3"], steps=190_000)


def test_a_step_out_of_reach_is_no_large_run() -> None:
    found = audit(NETWORK, sentences=["step 1000000: W[0,0] = 3"], steps=10**6)
    assert found.counts == {Status.UNDECIDED: 1}
    assert "out of reach" in found.findings[0].why


@pytest.mark.parametrize("many", [2, 20])
def test_what_follows_is_as_large_as_the_steps_and_the_numbers_claimed_of_each(many: int) -> None:
    of = audited(LINE, steps=2)
    cells = [cell(1, "nodes", f"a{k}") for k in range(many)]
    found = followed(of, [cells[0]], cells).calculations
    assert found == in_forms(of, 4, 40 + many)
    later = followed(of, [cell(1000, "loss", "l")], [cell(1000, "loss", "l")]).calculations
    assert later == in_forms(of, 2000, 41)
    beyond = [cell(MAX_STEPS + step, "loss", "l") for step in range(1, 2000, 1000)]
    assert followed(of, beyond, [cell(step, "loss", "l") for step in range(1, MAX_STEPS, 1000)]).calculations == 0


def test_a_wide_table_that_is_not_right_is_named_where_its_right_values_are_quick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = [{"step": step, "w": "0.5", "b": "0.5"} for step in range(1, 151)]
    assert audit(LINE, claims=table, steps=150).counts[Status.WRONG]
    monkeypatch.setattr("verify.following.extent.PART", 1000)
    with pytest.raises(ProblemError, match=r"^to tell what follows from the numbers that are not right would take "):
        audit(LINE, claims=table, steps=150)
    assert audit(LINE, claims=table, steps=150, limit=10**12).counts[Status.WRONG]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4))
def test_no_more_steps_are_followed_than_are_counted(wanted: list[int]) -> None:
    of = audited(LINE, steps=12)
    cells = [cell(step, "loss", "l") for step in dict.fromkeys(wanted)]
    made: Counter[str] = Counter()
    own: list[Own] = []
    with mock.patch("verify.following.follow_through._Follower.step", autospec=True) as step:
        step.side_effect = lambda _follower, _calculation, _data, held, _batch, gathered: (held, gathered)
        follow(of, own, cells, Forms())
        made["steps"] = step.call_count
    assert in_forms(of, made["steps"], 40) <= followed(of, cells, cells).calculations


def test_the_drift_of_many_numbers_over_many_steps_is_named() -> None:
    of = audited(LINE, steps=3000)
    assert drifted(of, 3000, 64).calculations > 10**8 > drifted(of, 3000, 2).calculations
    assert drifts(of, "float32", [cell(2, "loss", "l")])


def test_steps_that_are_known_are_not_counted_and_those_like_them_for_what_they_take() -> None:
    of, cells, courses = audited(HALVING, steps=5000), [cell(5000, "after", "w")], Courses()
    whole = by_hand(of, cells).calculations
    assert by_hand(of, cells, courses).calculations == whole
    assert courses.of(of, [("after", "w", ())], 20)
    assert CLAIMED < by_hand(of, cells, courses).calculations < whole / 3
    assert courses.of(of, [("after", "w", ())], 5000)
    assert by_hand(of, cells, courses).calculations == CLAIMED
    assert by_hand(audited(HALVING, steps=5000), cells, courses).calculations == whole
