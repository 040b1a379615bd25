"""Claims of a line's derivatives below an upstream gradient: what `z.backward(seed)` leaves in `w.grad`."""

from __future__ import annotations

import pytest
import torch

from verify.auditing.pipeline import audit
from verify.following.finding import Status

SEEDED = """
equations = "z = X@w"
seed_gradient = {seed}
[parameters]
w = [1, 2]
[data]
X = {X}
"""


@pytest.mark.parametrize(
    ("rows", "seed"), [([[3, 4], [5, 6]], [1, 0]), ([[3, 4], [5, 6], [7, 8]], [1, 0, 2]), ([[3, 4]], [2])]
)
def test_without_an_index_of_the_line_it_is_the_gradient_that_pytorch_leaves(
    rows: list[list[int]], seed: list[int]
) -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (torch.tensor(rows, dtype=torch.float32) @ w).backward(torch.tensor(seed, dtype=torch.float32))
    assert w.grad is not None
    right = [f"{number:g}" for number in w.grad.tolist()]
    text = SEEDED.format(X=rows, seed=seed)
    for row in ({"dz/dw": f"[{', '.join(right)}]"}, {"dz/dw[0]": right[0], "dz/dw[1]": right[1]}):
        found = audit(text, claims=[row])
        assert [one.claim.literal.text for one in found.findings] == right
        assert {*found.counts} == {Status.RIGHT}
    [wrong] = audit(text, sentences=[f"dz/dw[1] = {float(right[1]) + 1:g}"]).findings
    assert wrong.status is Status.WRONG
    [one] = audit(text, sentences=[f"dz/dw[0,1] = {rows[0][1]}"]).findings  # with an index of z it is the Jacobian
    assert one.status is Status.RIGHT


@pytest.mark.parametrize(
    ("formula", "status", "read_as"),
    [
        ("dz/dw = transpose(X) @ seed", "right", "what z.backward(seed) leaves in w.grad"),
        ("dz/dw[k] = sum(seed[i]*X[i,k])", "right", "what z.backward(seed) leaves in w.grad"),
        ("dz/dw = X", "right", "the local partial of the line z, the whole Jacobian dz[i]/dw[j]"),
        ("dz[i]/dw[k] = X[i,k]", "right", "the local partial of the line z"),
        ("dz/dw = -transpose(X) @ seed", "wrong", "what z.backward(seed) leaves in w.grad"),
        ("dz/dw = transpose(X) @ (seed*seed)", "wrong", "what z.backward(seed) leaves in w.grad"),
        ("dz[i]/dw[k] = seed[i]*X[i,k]", "wrong", "the local partial of the line z"),
    ],
)
def test_a_formula_without_an_index_of_the_line_is_that_gradient_or_the_whole_jacobian(
    formula: str, status: str, read_as: str
) -> None:
    text = SEEDED.format(X=[[3, 4], [5, 6], [7, 8]], seed=[1, 0, 2])
    [found] = audit(text, sentences=[formula]).formulas
    assert (found.status, found.reading) == (status, read_as)


@pytest.mark.parametrize(("formula", "status"), [("2*w*x", "wrong"), ("2*seed*w*x", "right"), ("2*seed*x", "wrong")])
def test_where_line_and_name_are_alike_the_diagonal_is_neither_meaning(formula: str, status: str) -> None:
    text = 'equations = "z = w^2*x"\nseed_gradient = [3, 2]\n[parameters]\nw = [1, 2]\n[constants]\nx = [2, 3]\n'
    [found] = audit(text, sentences=[f"dz/dw = {formula}"]).formulas
    assert found.status == status
    assert "read as" in found.sentence
