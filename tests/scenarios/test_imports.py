"""Who may import whom, and what each package exports: imports go one way, derive ← verify ← tables."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("derive", "verify", "tables")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# What may be imported where, beyond the standard library and the package itself.
ROOMS = {
    "derive": {"sympy"},
    "verify": {"derive", "flint", "numpy", "sympy"},
    "tables": {"derive", "numpy", "pandas", "verify"},
}
# The training side is all that imports torch.
TRAINING_SIDE = tuple(f"verify/pytorch/{name}.py" for name in ("loader", "module", "optimizer", "rates", "run"))
DOORS = {
    **{path: {"torch"} for path in TRAINING_SIDE},
    "verify/__main__.py": {"tables"},
    "verify/command.py": {"tables"},
}


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names that a module imports, anywhere in it, by statement or by `import_module("…")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module.partition(".")[0]


def strangers(path: str, text: str) -> set[str]:
    """The names imported by the module at `path`, relative to the root, that its room has no door for."""
    room = path.partition("/")[0]
    known = ROOMS[room] | DOORS.get(path, set()) | {room} | sys.stdlib_module_names
    return set(imported(ast.parse(text))) - known


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    assert strangers(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("derive/chain/derivation.py", "import pandas.api as pd", {"pandas"}),
        ("derive/chain/derivation.py", "def f():\n    from verify.hand.run import run", {"verify"}),
        ("derive/show/text.py", "import numpy, sympy, derive.chain.derivation, ast", {"numpy"}),
        ("verify/hand/run.py", "import torch.nn", {"torch"}),
        ("verify/hand/run.py", "import importlib\nimportlib.import_module('torch.optim')", {"torch"}),
        ("verify/pytorch/run.py", "import torch", set()),
        ("verify/pytorch/run.py", "import tables", {"tables"}),
        ("verify/__main__.py", "import tables", set()),
        ("tables/steps.py", "import pandas, verify, derive, torch", {"torch"}),
    ],
)
def test_the_check_of_imports_finds_what_is_planted(path: str, text: str, found: set[str]) -> None:
    assert strangers(path, text) == found


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
    assert public - {"annotations"} <= set(exported)


@pytest.mark.parametrize(
    ("package", "names"),
    [("derive", {"load", "derive"}), ("verify", {"verify"}), ("tables", {"steps", "comparison"})],
)
def test_the_documented_names_are_exported(package: str, names: set[str]) -> None:
    assert names <= set(importlib.import_module(package).__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
