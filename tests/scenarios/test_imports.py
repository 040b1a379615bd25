"""What each package loads, and what it exports; who may import whom is in test_architecture.py."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("derive", "verify", "tables")


@pytest.mark.parametrize(
    ("package", "kept_out"),
    [
        ("derive", {"torch", "pandas", "verify", "tables"}),
        ("verify", {"torch", "pandas", "tables"}),
        ("tables", {"torch"}),
    ],
)
def test_importing_a_package_loads_no_more_than_it_needs(package: str, kept_out: set[str]) -> None:
    program = f"import sys, {package}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    loaded = done.stdout.split()
    assert package in loaded
    assert kept_out.isdisjoint(loaded)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_exports_what_it_lists_and_nothing_else(package: str) -> None:
    module = importlib.import_module(package)
    exported = list(module.__all__)
    assert exported == sorted(set(exported))
    assert [name for name in exported if not hasattr(module, name)] == []
    public = {
        name for name, value in vars(module).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public - {"annotations", "TYPE_CHECKING"} <= set(exported)  # not names of our own


@pytest.mark.parametrize(
    ("package", "names"),
    [("derive", {"load", "derive"}), ("verify", {"verify"}), ("tables", {"steps", "comparison"})],
)
def test_the_documented_names_are_exported(package: str, names: set[str]) -> None:
    assert names <= set(importlib.import_module(package).__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
