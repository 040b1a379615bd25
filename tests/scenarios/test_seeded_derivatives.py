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
