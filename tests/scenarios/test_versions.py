"""What tests/benchmarks/versions.py writes, without running a suite in the suite."""

import tomllib
from pathlib import Path

from derive.algebra.conventions import kinks
from tests.benchmarks.versions import HEADER, PAGE, Counted, constrained, counted, row, with_row

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ["3.11.7", "2.14.1", "2.4.6", "3.1.1", "1.14.0", "0.9.0"]
REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="test_right"/>
<testcase classname="tests.a" name="test_wrong"><failure message="no"/></testcase>
<testcase classname="tests.a" name="test_left"><skipped/></testcase>
<testcase classname="tests.b" name="test_broken"><error message="no"/></testcase>
</testsuite></testsuites>"""


def test_other_versions_take_the_place_of_those_of_the_constraints() -> None:
    lines = ["# a note", "torch==2.13.0", "numpy==2.4.6"]
    assert constrained(lines, ["torch==2.14.1"]) == ["# a note", "numpy==2.4.6", "torch==2.14.1"]


def test_a_report_is_counted_as_pytest_counts() -> None:
    assert counted(REPORT) == Counted(1, 1, ("tests.a.test_wrong", "tests.b.test_broken"))


def test_a_row_is_added_and_replaced() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert HEADER in page
    first = row(INSTALLED, "abc1234", "tests/none", Counted(3, 0, ("tests.a.test_wrong",)))
    assert first.count("|") == HEADER.count("|")
    assert first.endswith("| abc1234 | tests/none | 3 | 1 | `tests.a.test_wrong` |")
    again = row(INSTALLED, "def5678", "tests/none", Counted(4, 0, ()))
    other = row(["3.12.0", *INSTALLED[1:]], "def5678", "tests/none", Counted(4, 0, ()))
    both = with_row(with_row(with_row(page, first), other), again)
    assert first not in both
    assert both.endswith(f"{other}\n{again}\n")
    assert both.startswith(page.rstrip("\n"))


def test_the_range_is_what_was_seen() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = sorted({version for kink in kinks() for way in kink.ways for version in way.torch})
    after = f"2.{int(versions[-1].partition('.')[2]) + 1}"
    assert f"torch>={versions[0]},<{after}" in project["dependencies"]
