from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as how_many
from hypothesis import strategies as st

from tables.text.audit import to_text
from verify import audit
from verify.auditing import log_choice
from verify.numbers import middle
from verify.tabular.grid import Grid

PROBLEM = """equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [0.5, -0.25, 0.75, 1, -0.5, 0.125]
y = [1, 0.5, -0.5, 0.25, 2, -1]
[training]
lr = 0.05
batch_size = 1
epochs = 40
"""
STEPS = 240


def right_losses() -> list[float]:
    found = audit(PROBLEM, claims="step,loss\n" + "".join(f"{k},0\n" for k in range(1, STEPS + 1))).findings
    return [float(middle(one.right)) for one in found if one.right is not None]


LOSSES = right_losses()


def table(draw: Random) -> str:
    """Losses as a log may have them: of steps, means since the last row, after their updates, or wrong."""
    kind, every = draw.choice(["plain", "since", "so far", "later", "wrong", "scaled"]), draw.choice([1, 2, 5])
    rows = []
    for step in range(every, STEPS, every):
        own = LOSSES[step - 1]
        if kind == "since":
            own = sum(LOSSES[step - every : step]) / every
        elif kind == "so far":
            begin = (step - 1) // 6 * 6
            own = sum(LOSSES[begin:step]) / (step - begin)
        elif kind == "later":
            own = LOSSES[step]
        elif kind == "wrong" and draw.random() < 0.3:
            own += draw.choice([0.1, -0.01, 1])
        elif kind == "scaled":
            own *= 2
        rows.append(f"{step},{own:.6f}" if draw.random() < 0.97 else f"{step},")
    return "\n".join(["step,loss", *rows])


@how_many(deadline=None, max_examples=25)
@given(st.integers(0, 2**40))
def test_the_head_of_a_long_table_decides_as_the_whole_does(seed: int) -> None:
    claims = table(Random(seed))
    said = []
    for long in (20, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_choice, "LONG", long)
            patch.setattr(log_choice, "FEW", 10)
            said.append(to_text(audit(PROBLEM, claims=claims)))
    assert said[0] == said[1]


def test_no_way_of_a_long_wrong_table_is_read_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of some dozen ways cost as much as to read it."""
    sizes = []
    original = log_choice.possible_readings

    def noted(grid: Grid, *rest: object) -> object:
        sizes.append(len(grid.rows))
        return original(grid, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(log_choice, "LONG", 20)
    monkeypatch.setattr(log_choice, "FEW", 10)
    monkeypatch.setattr(log_choice, "possible_readings", noted)
    claims = "step,w,loss\n" + "".join(f"{k},9,{loss * 1.001:.6f}\n" for k, loss in enumerate(LOSSES, start=1))
    found = audit(PROBLEM, claims=claims)
    assert found.first_wrong is not None
    assert found.first_wrong.cell.step == 1
    assert sizes
    assert max(sizes) <= 13


def test_a_long_log_is_still_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_choice, "LONG", 20)
    monkeypatch.setattr(log_choice, "FEW", 10)
    rows = [f"{step},{sum(LOSSES[step - 5 : step]) / 5:.6f}" for step in range(5, STEPS + 1, 5)]
    found = audit(PROBLEM, claims="\n".join(["step,loss", *rows]))
    assert found.exit_status == 0
    assert "since the last row" in str(found)
