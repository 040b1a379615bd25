"""What grows with an input, counted and not timed: a large matrix, and a table of many rows.

A chain of sums over five axes and a wide table that is not right are told before they are begun:
tests/verify/hand/test_size.py and tests/verify/following/test_extent.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from verify import Status, audit, verify
from verify.auditing import log_choice
from verify.claims import table
from verify.claims.claim import Claim
from verify.hand import run as hand
from verify.intervals import RoundedPairs, enclosures
from verify.logs import reading
from verify.numbers import Exact, Rounded

MATRIX = """equations = "z = W @ u\\nl = mean(z^2)"
[parameters]
W = {{shape = [{size}, {size}], distribution = "normal", std = 0.3, seed = 1}}
u = {{shape = [{size}], distribution = "normal", seed = 2}}
[training]
lr = 0.01
steps = 1
"""
FIT = """equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [0.5, -0.25, 0.75, 1]
y = [1, 0.5, -0.5, 0.25]
[training]
lr = 0.01
batch_size = 1
steps = {steps}
"""


def counting(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, called: Counter[str]) -> None:
    """Counts the calls of a function from now on."""
    original: Callable[..., Any] = getattr(where, name)

    def counted(*args: Any, **named: Any) -> Any:
        called[name] += 1
        return original(*args, **named)

    monkeypatch.setattr(where, name, counted)


def test_the_numbers_of_a_matrix_are_read_and_shown_in_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    called: Counter[str] = Counter()
    for system in (Exact, RoundedPairs, Rounded):
        counting(monkeypatch, system, "constants", called)
    counting(monkeypatch, enclosures, "pairs", called)
    found = []
    for size in (40, 60):  # of both, numbers are replayed in float64
        called.clear()
        verify(MATRIX.format(size=size))
        found.append(dict(called))
    assert found[0] == found[1]


def test_the_steps_of_many_claimed_rows_are_calculated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    called: Counter[str] = Counter()
    counting(monkeypatch, hand, "step", called)
    found = []
    for steps in (400, 800):
        table = [{"step": row.batch.step, "w": f"{row.checks['w'].hand_value:.9f}"} for row in run(steps)]
        called.clear()
        assert audit(FIT.format(steps=steps), claims=table).counts == {Status.RIGHT: steps}
        found.append(called["step"])
    assert found[1] - found[0] == 400


def test_a_long_table_that_is_right_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ways to read it as a log are looked for in its head alone, and no claim is held against every other."""
    called: Counter[str] = Counter()
    counting(monkeypatch, reading, "_of_column", called)
    counting(monkeypatch, Claim, "__eq__", called)
    counting(monkeypatch, table, "read_rows", called)
    monkeypatch.setattr(log_choice, "LONG", 20)
    monkeypatch.setattr(log_choice, "FEW", 5)
    found = []
    for steps in (40, 80):
        rows = [
            {"step": row.batch.step}
            | {as_: f"{row.checks[name].hand_value:.9f}" for as_, name in (("w", "w"), ("b", "b"), ("loss", "l"))}
            for row in run(steps)
        ]
        called.clear()
        assert audit(FIT.format(steps=steps), claims=rows).counts == {Status.RIGHT: 3 * steps}
        found.append(dict(called))
    assert found[0]["_of_column"] > 0  # it may be a log: its columns are those of some
    assert found[0] == found[1]


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_long_table_with_wrong_rows_in_its_head_is_judged_as_a_short_one(
    monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    rows = [{"step": row.batch.step, "loss": f"{row.checks['l'].hand_value:.9f}"} for row in run(40)]
    for place in range(wrong):
        rows[2 + place]["loss"] = "0.987654321"
    whole = audit(FIT.format(steps=40), claims=rows)
    monkeypatch.setattr(log_choice, "LONG", 20)
    long = audit(FIT.format(steps=40), claims=rows)
    assert [finding.status for finding in long.findings] == [finding.status for finding in whole.findings]
    assert long.counts[Status.WRONG] == wrong
    assert long.told == whole.told


def run(steps: int) -> Any:
    """The rows of the fit."""
    return verify(FIT.format(steps=steps)).rows
