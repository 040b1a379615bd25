"""Names that are imported when they are first used."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

from derive.exports import lazily

ROOT = Path(__file__).resolve().parents[2]


def test_a_name_is_imported_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    package, home = types.ModuleType("lazy_package"), types.ModuleType("lazy_package.home")
    home.answer = 42  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lazy_package", package)
    find, names = lazily("lazy_package", {"answer": "home", "gone": "nowhere"})
    assert "answer" not in vars(package)
    assert {"answer", "gone", "__name__"} <= set(names())
    monkeypatch.setitem(sys.modules, "lazy_package.home", home)
    assert find("answer") == 42
    assert vars(package)["answer"] == 42
    with pytest.raises(AttributeError, match=r"^module 'lazy_package' has no attribute 'nonsense'$"):
        find("nonsense")


@pytest.mark.parametrize("package", ["derive", "verify", "tables"])
def test_a_package_alone_loads_nothing_that_takes_long(package: str) -> None:
    program = (
        f"import sys, {package}; print(sorted({{'sympy', 'torch', 'pandas', 'numpy', 'flint'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
