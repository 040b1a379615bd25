"""Runs the whole suite under other versions of the libraries, and writes the result to docs/versions.md.

    python tests/benchmarks/versions.py torch==2.14.1
    python tests/benchmarks/versions.py numpy==2.2.0 --tests tests/verify/numbers

It makes an environment of its own with the versions of constraints.txt and the given ones in their place, runs pytest
in the checkout, and writes one row: what was installed, what was run, what came of it. Minutes, and for PyTorch several
GB. With `--environment` one that exists is used as it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "versions.md"
LIBRARIES = ("torch", "numpy", "pandas", "sympy", "python-flint")
_HEAD = ("| Python |", *(f" {name} |" for name in LIBRARIES), " commit | run | passed | failed | which |")
HEADER = "".join(_HEAD)
_ASK = (
    "import json, platform; from importlib.metadata import version; "
    f"print(json.dumps([platform.python_version(), *(version(name) for name in {LIBRARIES!r})]))"
)


class Counted(NamedTuple):
    """What came of a run: how many tests passed, were skipped, failed (also in setting up), and the names of these."""

    passed: int
    skipped: int
    failed: tuple[str, ...]


def constrained(lines: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The lines of constraints.txt with the `wanted` versions, `name==version`, in place of theirs."""
    other = {requirement.partition("==")[0]: requirement for requirement in wanted}
    return [*(line for line in lines if line.partition("==")[0] not in other), *other.values()]


def counted(report: str) -> Counted:
    """What pytest's JUnit report says."""
    cases = list(ElementTree.fromstring(report).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    names = tuple(dict.fromkeys(f"{case.get('classname')}.{case.get('name')}" for case in failed))
    return Counted(len(cases) - len(failed) - skipped, skipped, names)


def row(installed: Iterable[str], commit: str, what: str, found: Counted) -> str:
    """A row of the table."""
    named = ", ".join(f"`{name}`" for name in found.failed[:8]) + (", …" if len(found.failed) > 8 else "")
    return f"| {' | '.join(installed)} | {commit} | {what} | {found.passed} | {len(found.failed)} | {named} |"


def with_row(page: str, added: str) -> str:
    """The page with the row; one of the same versions and the same tests is replaced."""
    own = _key(added)
    kept = [line for line in page.rstrip("\n").splitlines() if not line.startswith("|") or _key(line) != own]
    return "\n".join([*kept, added]) + "\n"


def _key(line: str) -> tuple[str, ...]:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    return (*cells[: len(LIBRARIES) + 1], *cells[len(LIBRARIES) + 2 : len(LIBRARIES) + 3])


def _environment(folder: Path, wanted: list[str]) -> Path:
    """The Python of a new environment with the package and its test tools in these versions."""
    python = folder / "environment" / "bin" / "python"
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (folder / "constraints.txt").write_text("\n".join(constrained(lines, wanted)) + "\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
    needed = ["-c", str(folder / "constraints.txt"), *wanted, "-e", f"{ROOT}[test]"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True)
    return python


def _run(python: Path, folder: Path, tests: list[str]) -> Counted:
    report = folder / "report.xml"
    # what is counted is in the report: a run with failures is a result, too
    subprocess.run([python, "-m", "pytest", "-q", "-n", "auto", f"--junitxml={report}", *tests], cwd=ROOT, check=False)
    return counted(report.read_text(encoding="utf-8"))


def main() -> None:
    """Runs the suite and writes the row."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("wanted", nargs="*", metavar="NAME==VERSION")
    reader.add_argument("--tests", nargs="*", default=[], help="of the suite these alone")
    reader.add_argument("--environment", type=Path, help="the Python of an environment that exists")
    options = reader.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = options.environment or _environment(folder, options.wanted)
        installed = json.loads(subprocess.run([python, "-c", _ASK], check=True, capture_output=True, text=True).stdout)
        found = _run(python, folder, options.tests)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    added = row(installed, commit.stdout.strip(), " ".join(options.tests) or "all", found)
    PAGE.write_text(with_row(PAGE.read_text(encoding="utf-8"), added), encoding="utf-8")
    print(added)


if __name__ == "__main__":
    main()
