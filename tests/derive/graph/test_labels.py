"""A constant that is one number as a label: `s[y]` is the entry of s that y counts, from 0."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import derive
from derive.errors import DataError, EquationError
from derive.problem.loading import load
from verify import verify
from verify.numbers import to_float

LOSS = """equations = '''
s = softmax(z)
l = -log(s[y])
'''
[parameters]
z = {z}
[constants]
y = {y}
[training]
lr = 0.5
"""


def matrix(entry: str, y: int, more: str = "") -> str:
    """A loss that is one entry of a matrix of parameters, squared."""
    equations = f'equations = """\n{more}q = {entry}\nl = q^2\n"""\n'
    return f"{equations}[parameters]\nW = [[1, 2, 3], [4, 5, 6]]\n[constants]\ny = {y}\n"


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=5), st.data())
def test_it_is_indexing_as_in_pytorch(z: list[int], data: st.DataObject) -> None:
    y = data.draw(st.integers(0, len(z) - 1))
    result = verify(LOSS.format(z=z, y=y))
    assert result.agrees, result.verdict.sentence
    own = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    loss = -torch.log(torch.softmax(own, 0)[y])
    loss.backward()
    step = result.hand.steps[0]
    assert float(step.loss.item()) == pytest.approx(loss.item(), rel=1e-12)
    assert own.grad is not None
    assert [float(number) for number in step.gradients["z"]] == pytest.approx(own.grad.tolist(), abs=1e-12)


@pytest.mark.parametrize(
    ("entry", "y", "expected"),
    [("W[0,y]", 2, (0, 2)), ("W[y,1]", 1, (1, 1)), ("W[y,y]", 1, (1, 1)), ("W[y,y]*1", 0, (0, 0))],
)
def test_beside_other_entries(entry: str, y: int, expected: tuple[int, int]) -> None:
    step = verify(matrix(entry, y)).hand.steps[0]
    gradient = [[to_float(number) for number in row] for row in step.gradients["W"]]
    value = [[1, 2, 3], [4, 5, 6]][expected[0]][expected[1]]
    assert gradient == [[2 * value * ((i, j) == expected) for j in range(3)] for i in range(2)]


def test_the_letters_of_axes_stay_letters() -> None:
    graph = load(matrix("r[0]", 1, more="r[y] = sum(W[i,y], i)\n")).graph
    assert [axis.size for axis in graph.by_name["r"].axes] == [3]
    rows = load('equations = "l = mean(x[i]*w)"\n[parameters]\nw = 1\n[constants]\ni = 1\n[data]\nx = [1, 2, 4]\n')
    assert to_float(verify(rows).hand.steps[0].loss.item()) == pytest.approx(7 / 3)  # i runs over the samples


@pytest.mark.parametrize("around", ["mean(W[0,y])", "sum(W[0,y])", "norm(W[0,y])", "mse(W[0,y], W[1,y])"])
def test_what_may_run_over_the_letter_is_refused_with_both_readings(around: str) -> None:
    with pytest.raises(EquationError, match=r"can be the constant y, or an index that is summed over; .* q = W\[…,y\]"):
        load(matrix(around, 1))


@pytest.mark.parametrize(("y", "more"), [("3", "; these count from 1: subtract 1"), ("0.5", ""), ("-1", "")])
def test_what_is_no_label_is_refused(y: str, more: str) -> None:
    with pytest.raises(DataError, match=rf":8:1: y = {y} is not a class label for l; expected .* 3 classes{more}"):
        load(LOSS.format(z=[1, 2, 3], y=y))


def test_it_is_derived_and_used() -> None:
    problem = load(LOSS.format(z=[1, 2, 3], y=2))
    assert problem.notes == ()
    assert "softmaxᵢ(zᵢ) − [y = i]" in str(derive.derive(problem))
