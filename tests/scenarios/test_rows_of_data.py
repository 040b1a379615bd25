"""An index along the samples, used as a number or to pick, is the row of the data on both sides and in claims."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import DataError
from derive.problem.loading import load
from tables import worked
from verify import audit, verify
from verify.following.finding import Status
from verify.numbers import to_fraction
from verify.result import Result


def problem(equations: str, training: str = "lr = 0.1\nbatch_size = 2\nepochs = 1", w: str = "1") -> str:
    """Equations in `w` and the columns x (3 rows) and v, labels."""
    data = f"[parameters]\nw = {w}\n[data]\nx = [1, 2, 4]\nv = [2, 0, 1]\n"
    return f'equations = """\n{equations}\n"""\n{data}[training]\n{training}\n'


def losses(result: Result) -> list[object]:
    """The loss of each step by hand, exactly."""
    assert result.agrees, result.verdict.sentence
    return [to_fraction(step.loss.item()) for step in result.hand.steps]


def test_a_line_is_picked_by_the_row_of_the_data() -> None:
    text = 'equations = """\nz[i] = sum(x[i,j]*w[j], j)\nl = (z[0] - 3)^2\n"""\n[parameters]\nw = [1, 2]\n'
    text += "[data]\nx = [[1, 2], [3, 4], [5, 6]]\n[training]\nlr = 0.1\nbatch_size = 2\nepochs = 1\n"
    assert losses(verify(text, nodes=True)) == [4, 9]  # row 0 is not in the second batch, and the sum over it is 0


def test_a_column_is_picked_by_the_row_of_the_data() -> None:
    assert losses(verify(problem("l = (w*x[1])^2 + 0*v[0]", "lr = 0.1\nsteps = 1"))) == [4]


def test_an_index_along_the_samples_is_a_number() -> None:
    result = verify(problem("l = mean((w*x[i] - i)^2 + 0*v[i], i)"))
    assert [f"{float(step.loss.item()):.2f}" for step in result.hand.steps] == ["1.00", "0.64"]
    assert result.agrees


def test_the_letter_of_a_label_is_an_index_of_what_it_picks() -> None:
    text = 'equations = """\nh[i,k] = P[v[i],k]\nl = sum(h^2)\n"""\n[parameters]\nP = [[1, 2], [3, 4]]\n'
    assert losses(verify(text + "[data]\nv = [0, 1]\n", nodes=True)) == [30]


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_batches_take_their_rows_along(data: st.DataObject) -> None:
    """Beside plain PyTorch on the whole columns: rows as numbers, picked by a number and by a label."""
    many = data.draw(st.integers(2, 6))
    x = data.draw(st.lists(st.integers(-4, 4), min_size=many, max_size=many))
    v = data.draw(st.lists(st.integers(0, many - 1), min_size=many, max_size=many))
    row = data.draw(st.integers(0, many - 1))
    order = data.draw(st.permutations(range(many)))
    cut = data.draw(st.integers(1, many))
    batches = [list(part) for part in (order[:cut], order[cut:]) if part]
    text = f"""equations = '''
z[i] = w*x[i] + i
p[i] = z[v[i]]
l = mean((z[i] - p[i]*z[{row}] + i)^2, i)
'''
[parameters]
w = 2
[data]
x = {x}
v = {v}
[training]
lr = 0
batches = {batches}
epochs = 1
dtype = "float64"
"""
    result = verify(text)
    assert result.agrees, result.verdict.sentence
    for step, rows in zip(result.hand.steps, batches, strict=True):
        z = torch.tensor([2.0 * x[r] + r for r in rows], dtype=torch.float64)
        where = {r: place for place, r in enumerate(rows)}
        picked = torch.stack([z[where[v[r]]] if v[r] in where else torch.tensor(0.0).double() for r in rows])
        one = z[where[row]] if row in where else 0
        right = ((z - picked * one + torch.tensor(rows)) ** 2).mean()
        assert float(to_fraction(step.loss.item()) or 0) == pytest.approx(float(right), rel=1e-12, abs=1e-12)


def test_predict_counts_its_own_rows() -> None:
    text = problem("z[i] = w*x[i] + i\nl = mean(z^2 + 0*v)", "lr = 0\nsteps = 1") + "[predict]\nx = [7, 7]\n"
    result = verify(text)
    assert result.agrees
    assert [check.autograd for check in result.comparison.predictions] == [7, 8]


def test_claims_and_formulas_mean_the_row() -> None:
    text = problem("l = mean((w*x[i] - i)^2 + 0*v[i], i)", "lr = 0\nbatches = [[2], [1, 0]]\nepochs = 1")
    right = audit(text, claims=[{"step": 1, "l": 4}, {"step": 2, "l": 1}])
    assert right.counts[Status.RIGHT] == 2
    found = audit(text, sentences=["dl/dw = 2*mean((w*x[i] - i)*x[i], i)"])
    assert [formula.status for formula in found.formulas] == ["right"]


def test_a_formula_that_holds_in_other_batches_alone_is_wrong() -> None:
    """With two of the four rows in a batch, x[3] is not in the first one, and the gradient is 0 there alone."""
    text = problem("l = (w*x[2])^2 + 0*sum(v)")
    found = audit(text, sentences=["dl/dw = 0*w"])
    assert [formula.status for formula in found.formulas] == ["wrong"]
    assert "the rows of the data" in str(found.formulas[0].counterexample)
    assert audit(text, sentences=["dl/dw = 2*w*x[2]^2"]).formulas[0].status == "right"


def test_a_step_worked_out_counts_the_rows() -> None:
    result = verify(problem("l = mean((w*x[i] - i)^2 + 0*v[i], i)", "lr = 0\nbatches = [[2]]\nepochs = 1"))
    assert "(1·4 − 2)²" in worked(result, 1)


def test_a_row_that_the_data_do_not_have_is_refused_where_it_stands() -> None:
    with pytest.raises(DataError, match=r"l picks the row 3 of the data, which have 3; .*from 0 to 2") as caught:
        load(problem("l = (w*x[3])^2 + 0*sum(v)"))
    assert str(caught.value).startswith("<text>:2:")
    wrong = problem("l = mean((w*x[i] - x[v[i]])^2, i)").replace("v = [2, 0, 1]", "v = [2, 3, 1]")
    with pytest.raises(DataError, match=r"v\[1\] = 3 .*is no row of the data"):
        load(wrong)


def test_a_row_that_is_picked_is_noted() -> None:
    assert any(
        "the row 1; in a batch without it" in note
        for note in load(problem("l = (w*x[1])^2 + 0*v[1]", "lr = 1\nsteps = 1")).notes
    )


def test_a_dtype_that_cannot_count_the_rows_is_refused() -> None:
    text = problem("l = mean((w*x[i] - i)^2, i)").replace("v = [2, 0, 1]\n", "")
    text = text.replace("x = [1, 2, 4]", f"x = {[1] * 300}")
    with pytest.raises(DataError, match="bfloat16 cannot count the 300 rows"):
        verify(text, dtype="bfloat16")
    assert verify(text, batch_size="all", steps=1).agrees
