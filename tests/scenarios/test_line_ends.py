"""Files with the line ends of every system: LF, CR LF, and CR alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify import Finding, audit, verify

ENDS = ("\r\n", "\r")
TABLES = {
    "CSV": "step,dl/dw,dl/db\n1,-26.67,-24\n2,-97.34,-33.38\n",
    "semicolons": "step;dl/dw;dl/db\n1;-26,67;-24\n2;-97,34;-33,38\n",
    "Markdown": "| step | dl/dw |\n|---|---|\n| 1 | -26.67 |\n| 2 | -90 |\n",
    "lines": "step 1: dl/dw = -26.67\nstep 2: dl/dw = -90\n",
    "JSON lines": '{"step": 1, "dl/dw": -26.67}\n{"step": 2, "dl/dw": -90}\n',
    "rows that count the steps, one of them empty": "dl/dw,dl/db\n-26.67,-24\n,\n-78,-38\n",
}
PROBLEM = """equations = '''
a = w*x
l = mean((a - y)^2)
'''
[parameters]
w = 0
[data]
file = "points.csv"
[training]
lr = 0.1
batch_size = 3
[claims]
table = '''
step, dl/dw
1, -15.33
'''
"""


def found(path: Path, text: str, end: str) -> list[tuple[str, int | None, str]]:
    """What is said of each claim of a table with these line ends, and the line where it stands."""
    path.write_bytes(text.replace("\n", end).encode())
    findings: tuple[Finding, ...] = audit("article", claims=path).findings
    return [(one.status.value, one.claim.place.line, one.why) for one in findings]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", TABLES)
def test_a_table_is_read_alike_whatever_ends_its_lines(tmp_path: Path, form: str, end: str) -> None:
    expected = found(tmp_path / "table.txt", TABLES[form], "\n")
    assert {status for status, _, _ in expected} >= {"right", "wrong"}
    assert found(tmp_path / "table.txt", TABLES[form], end) == expected


@pytest.mark.parametrize("of_data", ["\n", *ENDS])
@pytest.mark.parametrize("of_problem", ["\n", *ENDS])
def test_a_problem_and_its_data_are_read_alike(tmp_path: Path, of_problem: str, of_data: str) -> None:
    (tmp_path / "points.csv").write_bytes("x,y\n1,2\n2,3\n3,5\n".replace("\n", of_data).encode())
    path = tmp_path / "problem.toml"
    path.write_bytes(PROBLEM.replace("\n", of_problem).encode())
    assert str(verify(path).hand.steps[0].gradients["w"].item()) == "-46/3"
    (finding,) = audit(path).findings
    assert (finding.status.value, finding.claim.place.line) == ("right", 15)
