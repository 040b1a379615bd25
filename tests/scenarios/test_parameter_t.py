"""A parameter called t beside the number of the update, which the equations call t too."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import tables
from derive.command import main
from derive.errors import ClaimError
from derive.training.optimizers import OPTIMIZERS, counter
from tables.text.worked_step import worked
from verify import audit, verify
from verify.following.finding import Status

LINE = '''
equations = """
p = w*x + {b}
l = mean((p - y)^2)
"""
[parameters]
w = 0
{b} = 0
[data]
x = [1, 2, 3, 4]
y = [2, 3, 5, 7]
[claims]
formulas.w = "{formula}"
[training]
lr = 0.1
optimizer = "Adam"
steps = 3
'''
RULE = "w - lr*m_w/(1 - beta1^{k})/(sqrt(v_w/(1 - beta2^{k})) + eps)"


def problem(b: str = "t", k: str = "step") -> str:
    return LINE.format(b=b, formula=RULE.format(k=k))


def plain() -> list[tuple[float, float]]:
    """Both after each step, w and t, by Adam in plain Python."""
    p, m, v = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    found = []
    for step in (1, 2, 3):
        errors = [p[0] * x + p[1] - y for x, y in ((1, 2), (2, 3), (3, 5), (4, 7))]
        gradients = [sum(2 * e * x for e, x in zip(errors, (1, 2, 3, 4), strict=True)) / 4, sum(errors) / 2]
        for k, g in enumerate(gradients):
            m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.999 * v[k] + 0.001 * g * g
            p[k] -= 0.1 * (m[k] / (1 - 0.9**step)) / (math.sqrt(v[k] / (1 - 0.999**step)) + 1e-8)
        found.append((p[0], p[1]))
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_calculated_as_under_another_name(name: str) -> None:
    one, other = (tables.steps(verify(problem(b), optimizer=name)) for b in "tb")
    assert list(one["t"]) == list(other["b"])
    assert list(one["w"]) == list(other["w"])


def test_it_is_that_of_a_plain_loop_and_claimed_in_a_column_t() -> None:
    rows = [{"w": f"{w:.8f}", "t": f"{t:.8f}"} for w, t in plain()]
    found = audit(problem(), claims=rows)
    assert [finding.cell.name for finding in found.findings] == ["w", "t"] * 3
    assert set(found.counts) == {Status.RIGHT}
    rows[1]["t"] = "0.25"
    wrong = audit(problem(), claims=rows).first_wrong
    assert wrong is not None
    assert (wrong.cell.step, wrong.cell.name) == (2, "t")


def test_the_number_of_the_update_is_called_step_in_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "problem.toml"
    file.write_text(problem())
    assert main([str(file), "--steps", "update"]) == 0
    text = capsys.readouterr().out
    assert "1 − beta1^step" in text
    assert "step counts the updates" in " ".join(text.split())
    file.write_text(problem("b", "t"))
    assert main([str(file), "--steps", "update"]) == 0
    assert "1 − beta1^t)" in capsys.readouterr().out
    shown = str(worked(verify(problem()), 2))
    assert "m_hat_t ← m_t/(1 − beta1^step)" in shown


def test_a_claimed_rule_says_step_and_one_that_can_be_both_is_refused_with_both() -> None:
    assert [formula.status for formula in audit(problem()).formulas] == ["right"]
    assert [formula.status for formula in audit(problem("b", "t")).formulas] == ["right"]
    planted = problem().replace("beta2^step", "beta1^step")
    assert [formula.status for formula in audit(planted).formulas] == ["wrong"]
    with pytest.raises(ClaimError, match="t can be the parameter t or the number of the update; write step"):
        audit(problem(k="t"))


def test_where_step_is_taken_too_it_has_another_name() -> None:
    assert [counter(taken) for taken in ((), ("t",), ("t", "step"))] == ["t", "step", "k"]
