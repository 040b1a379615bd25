"""The README's table of names whose formula is not PyTorch's function: alike elsewhere, and apart where it says so."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from derive.paper.macros import SINGULAR
from verify import verify
from verify.pytorch.conventions import version

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


class Parting(NamedTuple):
    """A row of the table: our equation in w, PyTorch's function, and numbers where they are alike and apart.

    `theirs` is what PyTorch's function and its gradient are there; `ours` those of the formula, None for nan.
    """

    equation: str
    function: Callable[[Tensor], Tensor]
    alike: list[float]
    apart: list[float]
    theirs: tuple[float, list[float]]
    ours: tuple[float, list[float]] | None


def _bce(target: float) -> Callable[[Tensor], Tensor]:
    return lambda p: functional.binary_cross_entropy(p, torch.full_like(p, target))


def _ranking(x: Tensor) -> Tensor:
    return functional.margin_ranking_loss(x, torch.zeros_like(x), torch.ones_like(x), margin=1)


PARTINGS = [
    ("norm(x)", Parting("norm(w)", torch.linalg.vector_norm, [3, 4], [0, 0], (0, [0, 0]), None)),
    ("bce(x, y)", Parting("bce(w, m)", _bce(1), [0.5], [0], (100, [-1e12]), None)),
    ("bce(x, y)", Parting("bce(w, 1 - m)", _bce(0), [0.5], [0], (0, [0]), None)),
    ("bce(x, y)", Parting("bce(w, 1 - m)", _bce(0), [0.5], [1], (100, [1e12]), None)),
    (
        "softplus(x)",
        Parting("sum(softplus(w))", lambda x: functional.softplus(x).sum(), [1.5], [20.5], (20.5, [1]), (20.5, [1])),
    ),
    (
        "hinge(x, y)",
        Parting("mean(hinge(w))", _ranking, [0.5], [1], (0, [-1 if version() == "2.13" else 0]), (0, [0])),
    ),
    (
        "max(x[i,k], k)",
        Parting("max(w)", lambda x: torch.max(x, 0).values, [1, 3], [2, 2], (2, [1, 0]), (2, [0.5, 0.5])),
    ),
    ("sqrt(var(x))", Parting("sqrt(var(w)*2)", torch.std, [1, 3], [2, 2], (0, [0, 0]), None)),
]


def theirs(row: Parting, at: list[float]) -> tuple[float, list[float]]:
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    value = row.function(x)
    value.backward()
    assert x.grad is not None
    return value.item(), x.grad.tolist()


def ours(row: Parting, at: list[float]) -> tuple[float, list[float], tuple[str, ...]]:
    """The formula's value and gradient in PyTorch, and what is told."""
    given = "[constants]\nm = [1]\n" if "m)" in row.equation else ""
    text = f'equations = "l = {row.equation}"\n[parameters]\nw = {[float(x) for x in at]}\n{given}'
    result = verify(text, dtype="float64")
    step = result.record.steps[0]
    return float(step.loss), step.gradients["w"].tolist(), result.comparison.kink_notes


def test_every_row_of_the_table_is_tried() -> None:
    table = README.partition("| on paper | PyTorch's function | where they part |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([^`]*)` \|", table, re.MULTILINE)
    assert rows == list(dict.fromkeys(name for name, _ in PARTINGS))


@pytest.mark.parametrize(("name", "row"), PARTINGS, ids=[f"{name} {row.apart}" for name, row in PARTINGS])
def test_they_part_there_and_are_alike_elsewhere(name: str, row: Parting) -> None:
    value, gradient = theirs(row, row.alike)
    mine = ours(row, row.alike)
    assert (mine[0], mine[1]) == (pytest.approx(value, rel=1e-12), pytest.approx(gradient, rel=1e-12))
    value, gradient = theirs(row, row.apart)
    assert (value, gradient) == (row.theirs[0], pytest.approx(row.theirs[1], rel=1e-8))
    mine = ours(row, row.apart)
    if row.ours is None:
        assert not all(abs(x) < float("inf") for x in (mine[0], *mine[1]))
        told = [SINGULAR[macro] for macro in SINGULAR if name.startswith(macro)]
        assert [note for note in mine[2] if "written out" in note] == told
    else:
        assert (mine[0], mine[1]) == (pytest.approx(row.ours[0]), pytest.approx(row.ours[1]))
        apart = (mine[0], mine[1]) != (value, gradient)
        assert apart or name == "hinge(x, y)"  # which PyTorch 2.14 takes as we do


def test_softplus_is_not_cut_off() -> None:
    row = dict(PARTINGS)["softplus(x)"]
    assert ours(row, [20.5])[0] - 20.5 == pytest.approx(1.25e-9, rel=0.01)


def test_what_shares_is_told_from_what_does_not() -> None:
    (note,) = ours(dict(PARTINGS)["max(x[i,k], k)"], [2, 2])[2]
    assert note.endswith("evenly, as in PyTorch's amax; torch.max(x, dim) gives all of it to one")


def test_nothing_is_told_where_all_is_finite() -> None:
    assert ours(dict(PARTINGS)["norm(x)"], [3, 4])[2] == ()
