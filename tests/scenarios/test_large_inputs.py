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
from verify.hand import run as hand
from verify.intervals import RoundedPairs, enclosures
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
    for size in (20, 40):  # of both, numbers are replayed in float64
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


def run(steps: int) -> Any:
    """The rows of the fit."""
    return verify(FIT.format(steps=steps)).rows
