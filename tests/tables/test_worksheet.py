"""The empty table to fill in."""

from pathlib import Path

import pytest

from derive.errors import SettingError
from derive.problem.loading import load
from derive.run.precedence import effective
from tables.command import main as tables_main
from tables.worksheet import worksheet
from verify.auditing.pipeline import audit

# Worksheets


def test_a_worksheet_gives_away_what_is_asked_for() -> None:
    problem = load("article")
    chosen = effective(problem, {})
    assert worksheet(problem, chosen).splitlines()[:2] == [
        "step,epoch,batch,n,loss,dl/dw,dl/db,lr,w,b",
        "1,1,1,3,,,,0.01,,",
    ]
    given = worksheet(problem, chosen, "1,w").splitlines()
    assert given[1] == "1,1,1,3,146.667,-26.6667,-24,0.01,0.266667,0.24"
    assert given[2] == "2,1,2,,,,,,1.62524,"
    with pytest.raises(SettingError, match="--give 'q': neither a column nor a step from 1 to 3; known: n, loss"):
        worksheet(problem, chosen, "q")


def test_a_worksheet_that_is_all_given_away_goes_back_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("article", "tanh_network", "parabola"):
        path = tmp_path / f"{name}.csv"
        steps = ",".join(map(str, range(1, 4)))
        assert tables_main([name, "--steps", "3", "--worksheet", str(path), "--give", steps]) == 0
        found = audit(name, claims=path, steps=3)
        assert {status.value for status in found.counts} == {"right"}
        assert len(found.findings) >= 9
    assert str(tmp_path / "article.csv") in capsys.readouterr().out
