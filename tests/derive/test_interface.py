"""The Python interface: what a script or a notebook calls."""

import subprocess
import sys
from pathlib import Path

import pytest

import derive
from derive.chain.derivation import Derivation


def test_derive_takes_a_problem_a_name_a_path_or_an_equation(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('equations = "l = (w - 3)^2"\n[parameters]\nw = 0\n')
    loaded = derive.derive(derive.load(file))
    assert isinstance(loaded, Derivation)
    assert loaded == derive.derive(file) == derive.derive(str(file)) == derive.derive("l = (w - 3)^2")
    assert derive.derive("article").wrt == ("w", "b")


@pytest.mark.parametrize(
    ("wrt", "names"), [(["w"], ("w",)), ("w", ("w",)), (["c", "x"], ("c", "x")), (None, ("w", "b"))]
)
def test_wrt(wrt: list[str] | None, names: tuple[str, ...]) -> None:
    assert derive.derive("article", wrt).wrt == names


def test_names_are_normalised() -> None:
    assert derive.derive("l = μ^2", ["µ"]).wrt == ("μ",)


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(derive.ProblemError, match="unknown name 'ww' to derive for; did you mean 'w'"):
        derive.derive("article", ["ww"])


def test_a_derivation_prints_itself_as_text() -> None:
    derivation = derive.derive("article")
    golden = (Path(__file__).parents[1] / "scenarios/golden/article.txt").read_text(encoding="utf-8")
    steps, update = golden.split("\n\n", 1)[1].split("\n\nUpdate: SGD, after each batch\n")
    assert str(derivation) == steps
    assert "w ← w" in update
    assert repr(derivation) == "<Derivation of l with respect to w, b>"
    assert "Update" not in derivation._repr_latex_()


def test_the_package_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError, match="module 'derive' has no attribute 'deriv'"):
        derive.deriv  # type: ignore[attr-defined]  # noqa: B018
    assert set(derive.__all__) <= set(dir(derive))


def test_importing_the_package_alone_is_instant() -> None:
    program = "import sys, derive; print('sympy' in sys.modules); derive.derive; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
