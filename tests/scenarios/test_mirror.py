"""Tests stand beside what they test: tests/P/test_M.py tests the module P/M.py, or a whole scenario stands here."""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def strays(tests: Iterable[str]) -> list[str]:
    """The test files, relative to the root, that mirror no module and are no scenario."""
    return [
        test
        for test in tests
        if not test.startswith("tests/scenarios/")
        and not (ROOT / test.removeprefix("tests/").replace("/test_", "/", 1)).is_file()
    ]


def test_each_test_file_mirrors_a_module_or_is_a_scenario() -> None:
    assert strays(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").rglob("test_*.py"))) == []


def test_a_stray_test_file_is_found() -> None:
    planted = ["tests/derive/test_derivation.py", "tests/verify/hand/test_judge.py", "tests/test_imports.py"]
    assert strays([*planted, "tests/derive/chain/test_derivation.py", "tests/derive/test_command.py"]) == planted
