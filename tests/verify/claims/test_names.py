"""Loose spellings of a column: what books call the loss, the learning rate and the step, where nothing else is it."""

from __future__ import annotations

import pytest

from derive.errors import ClaimError
from derive.problem.loading import load
from tests.timelines import claimed, timeline_of
from verify.claims.places import Timeline
from verify.claims.table import read_table

SQUARE = 'equations = "l = (w - {target})^2"\n[parameters]\nw = 1\n{more}[training]\nlr = 0.1\nsteps = 4\n'
PLAIN = SQUARE.format(target="3", more="")
GROUPS = (
    'equations = "l = w^2 + v^2"\n[parameters]\nw = 1\nv = 2\n[training]\nlr = 0.1\nsteps = 4\nmomentum = 0.9\n'
    '[[training.groups]]\nparameters = ["v"]\nweight_decay = 0.1\n'
)


def read(text: str, run: Timeline) -> list[tuple[int, str, str]]:
    return [(c.cell.step, c.cell.quantity.group, c.cell.name) for c in read_table(text, "t.csv", run).claims]


@pytest.mark.parametrize("written", ["MSE", "mse", "cost", "Cost", "J", "j", "L", "loss", "l"])
def test_what_books_call_the_loss(written: str) -> None:
    assert read(f"step,{written}\n2,0.5\n", timeline_of(PLAIN)) == [(2, "loss", "loss")]


@pytest.mark.parametrize("written", ["dJ/dw", "∂J/∂w", "dE/dw".replace("E", "L"), "dcost/dw", "grad w"])
def test_and_its_gradient(written: str) -> None:
    assert read(f"step,{written}\n2,0.5\n", timeline_of(PLAIN)) == [(2, "gradients", "dl/dw")]


DATA = (
    'equations = "{loss}"\n[data]\nx = [1, 2, 3, 4]\ny = [1, 3, 2, 5]\n[parameters]\nw = 1\n'
    "[training]\nlr = 0.1\nbatch_size = {batch_size}\n"
)
SUM, RESIDUAL = "sum((w*x - y)^2)", "(w*x - y)"


@pytest.mark.parametrize(
    ("loss", "batch_size"),
    [
        (f"l = {SUM}/n", 3),
        (f"l = 1/n * {SUM}", 4),
        (f"l = {SUM}/4", 4),
        (f"l = {SUM}/2", 2),
        (f"l = 2 * {SUM}/(2*n)", 3),
        (f"l = mean({RESIDUAL} * {RESIDUAL})", 3),
        ("l = mse(w*x, y)", 3),
        (f"l = {SUM}", 1),
    ],
)
def test_mse_is_a_loss_that_is_the_mean_of_squares(loss: str, batch_size: int) -> None:
    run = timeline_of(DATA.format(loss=loss, batch_size=batch_size))
    assert read("step,MSE\n1,0.5\n", run) == read("step,mean squared error\n1,0.5\n", run) == [(1, "loss", "loss")]
    assert read("step,dMSE/dw\n1,0.5\n", run) == [(1, "gradients", "dl/dw")]


@pytest.mark.parametrize(
    ("loss", "batch_size"),
    [
        (f"l = {SUM}/(2*n)", 3),
        (f"l = {SUM}/2", 3),  # half of a sum, and half of the mean in a step of one
        (f"l = {SUM}/2", 1),
        (f"l = {SUM}/4", 3),  # the last step has one
        (f"l = {SUM}", 2),
        ("l = half_mse(w*x, y)", 4),
        ("l = mean((w*x - y)^2) + 0.1*w^2", 4),
        ("l = mean((w*x)^2)", 4),
        ("l = bce(sigmoid(w*x), y/5)", 4),
    ],
)
def test_mse_beside_another_loss_is_refused(loss: str, batch_size: int) -> None:
    run = timeline_of(DATA.format(loss=loss, batch_size=batch_size))
    for head in ("MSE", "mean_squared_error", "dMSE/dw", "J (MSE)", "MSE loss", "l (mean squared error)", "mse_loss"):
        with pytest.raises(ClaimError, match=r"is the mean of the squared residuals, and l is not; if l is meant"):
            read(f"step,{head}\n1,0.5\n", run)
    assert read("step,cost\n1,0.5\n", run) == [(1, "loss", "loss")]


HALVES = ("1/2 MSE", "MSE/2", "half MSE", "half_mse", "0.5*MSE", "½ MSE", "1/2(MSE)", "1/2 mean squared error")


@pytest.mark.parametrize("head", HALVES)
def test_half_of_mse_is_a_loss_that_is_half_of_the_mean(head: str) -> None:
    for loss, batch_size in (("l = half_mse(w*x, y)", 3), (f"l = {SUM}/(2*n)", 4), (f"l = {SUM}/4", 2)):
        run = timeline_of(DATA.format(loss=loss, batch_size=batch_size))
        assert read(f"step,{head}\n1,0.5\n", run) == [(1, "loss", "loss")]
    for loss, batch_size in (("l = mse(w*x, y)", 3), (f"l = {SUM}/4", 4), (f"l = {SUM}", 2)):
        with pytest.raises(ClaimError, match=r"is half of the mean of the squared residuals, and l is not; if l is"):
            read(f"step,{head}\n1,0.5\n", timeline_of(DATA.format(loss=loss, batch_size=batch_size)))


def test_error_can_be_the_residual_where_a_step_has_one() -> None:
    for run in (timeline_of(PLAIN), timeline_of(DATA.format(loss=f"l = mean({RESIDUAL}^2)", batch_size=1))):
        for head in ("error", "Error", "derror/dw"):
            with pytest.raises(ClaimError, match=r"can be l, or the residual that is squared in it; call it l, or"):
                read(f"step,{head}\n1,0.5\n", run)
    run = timeline_of(DATA.format(loss=f"l = mean({RESIDUAL}^2)", batch_size=2))
    assert read("step,Error\n1,0.5\n", run) == [(1, "loss", "loss")]


@pytest.mark.parametrize(("name", "written"), [("J", "J"), ("J", "j"), ("mse", "MSE"), ("error", "Error"), ("L", "L")])
def test_a_name_of_the_problem_is_what_it_names(name: str, written: str) -> None:
    run = timeline_of(SQUARE.format(target=name, more=f"{name} = 3\n"))  # a parameter of that name
    assert read(f"step,{written}\n2,0.5\n", run) == [(2, "after", name)]


def test_a_constant_of_that_name_is_no_loss() -> None:
    run = timeline_of(SQUARE.format(target="J", more="[constants]\nJ = 3\n"))
    with pytest.raises(ClaimError, match=r"^t\.csv:1:6: unknown quantity 'J'"):
        read("step,J\n2,0.5\n", run)


@pytest.mark.parametrize(
    "written", ["learning rate", "Learning Rate", "learning_rate", "eta", "η", "lr", "optimizer.lr"]
)
def test_what_books_call_lr(written: str) -> None:
    assert read(f"step,{written}\n2,0.1\n", timeline_of(PLAIN)) == [(2, "setting", "lr")]


def test_a_parameter_called_eta_is_no_lr() -> None:
    run = timeline_of(SQUARE.format(target="eta", more="eta = 3\n"))
    assert read("step,eta\n2,0.1\n", run) == [(2, "after", "eta")]


def test_the_lr_of_a_group() -> None:
    run = timeline_of(GROUPS)
    header = "step,lr,lr[1],optimizer.lr[1],eta[0]\n"
    assert [name for _, _, name in read(f"{header}2,.1,.1,.1,.1\n", run)] == ["lr[0]", "lr[1]"]
    run = timeline_of(GROUPS.replace("lr = 0.1\n", ""), scheduler="OneCycleLR", max_lr=0.1, total_steps=5)
    assert [name for _, _, name in read("step,momentum[1],optimizer.momentum\n2,.9,.9\n", run)] == [
        "momentum[1]",
        "momentum[0]",
    ]


@pytest.mark.parametrize(
    "written", ["step", "Step", "iteration", "iter", "t", "step #", "Step #", "step no.", "update"]
)
def test_what_the_step_is_called(written: str) -> None:
    assert read(f"{written},w\n3,0.5\n", timeline_of(PLAIN)) == [(3, "after", "w")]


def test_t_is_the_step_only_where_it_is_nothing_else() -> None:
    run = timeline_of(SQUARE.format(target="t", more="t = 3\n"))
    assert read("step,t\n3,0.5\n", run) == [(3, "after", "t")]
    with pytest.raises(ClaimError, match=r"^t\.csv:1:1: unknown quantity 't'"):  # it counts updates
        read("t,w\n1,0.5\n", timeline_of(PLAIN, accumulate=2))


def test_weight_is_w_and_bias_is_b_where_there_is_one() -> None:
    run = timeline_of(PLAIN)
    for written, group in (("weight", "after"), ("Weights", "after"), ("weight.grad", "gradients")):
        assert read(f"step,{written}\n2,0.5\n", run) == [(2, group, "w" if group == "after" else "dl/dw")]
    with pytest.raises(ClaimError, match=r"^t\.csv:1:6: unknown quantity 'bias'"):
        read("step,bias\n2,0.5\n", run)
    both = timeline_of(
        "equations = 'l = (w*x + sum(W) + bias)^2'\n[parameters]\nw = 1\nW = [1, 2]\nbias = 1\nx = 2\n"
        "[training]\nlr = 0.1\n"
    )
    with pytest.raises(ClaimError, match=r"'weight' can be w or W; write which"):
        read("step,weight\n1,0.5\n", both)
    assert read("step,bias\n1,0.5\n", both) == [(1, "after", "bias")]


def test_a_row_about_no_step_is_not_read_and_the_others_are() -> None:
    run = timeline_of(PLAIN)
    found = read_table("step,w\n1,0.5\n2,0.25\nsum,0.75\n", "t.csv", run)
    assert [claim.cell.step for claim in found.claims] == [1, 2]
    assert [error.message for error in found.unread] == ["'sum' is not a number of a step; expected 1, 2, 3, …"]
    with pytest.raises(ClaimError, match="'sum' is not a number of a step"):
        read_table("step,w\nsum,0.75\n", "t.csv", run)


def test_the_columns_of_an_exported_table_are_its_own() -> None:
    run = timeline_of(
        'equations = "l = lr^2 + loss^2"\n[parameters]\nlr = 1\nloss = 2\n[training]\nlr = 0.1\nsteps = 2\n'
    )
    exported = "step,loss,lr,lr_after,loss_after\n1,5,0.1,0.8,1.6\n"
    assert [name for _, _, name in read(exported, run)] == ["l", "optimizer.lr", "lr", "loss"]
    assert [name for _, _, name in read("step,loss,lr\n1,1.6,0.8\n", run)] == ["loss", "lr"]


SPELLED = {
    "gradients": ("dl/dw", "dL/dw", "∂l/∂w", "grad w", "w_grad", "w.grad", "grad_w", "dl / dw", "dw", "∇w", "DL/DW"),
    "after": ("w", "W", "w_after", "new w", "w'"),
    "before": ("w_before", "old w", "initial w", "w_old"),
    "loss": ("loss", "l", "Loss", "L"),
    "nodes": ("a[4]", "a[ 4 ]", "A[4]"),
    "adjoints": ("dl/da[4]", "∂l/∂a[4]", "dl/da (4)"),
    "setting": ("lr", "learning rate"),
}


@pytest.mark.parametrize(
    ("group", "written"), [(group, name) for group, names in SPELLED.items() for name in names], ids=str
)
def test_loose_spellings_of_a_column(group: str, written: str) -> None:
    run = timeline_of("article")
    [(step, found, _, text)] = claimed(f"step,{written}\n2,0.5\n", run)
    assert (step, found, text) == (2, group, "0.5")


def test_two_names_that_differ_in_case_are_told_apart() -> None:
    problem = load('equations = "l = (w*W - 1)^2"\n[parameters]\nw = 1\nW = 2\n[training]\nlr = 0.1\nsteps = 2\n')
    run = timeline_of(problem)
    assert [name for _, _, name, _ in claimed("step,w,W,dl/dw,dl/dW\n1,1,2,3,4\n", run)] == [
        "w",
        "W",
        "dl/dw",
        "dl/dW",
    ]
    with pytest.raises(ClaimError, match=r"^t\.csv:1:6: 'DL/DW' can be dl/dw or dl/dW; write which"):
        claimed("step,DL/DW\n1,3\n", run)


def test_entries_are_named_by_their_index() -> None:
    run = timeline_of("tanh_network")
    table = 'step,"W[1,0]","dl/dW[0,2]",v[2]\n1,1,2,3\n'
    assert [name for _, _, name, _ in claimed(table, run)] == ["W[1,0]", "dl/dW[0,2]", "v[2]"]


def test_states_watched_lines_and_predictions_are_quantities() -> None:
    text = """
equations = "p = w*x; l = mean((p - x)^2)"
[parameters]
w = 0
[data]
x = [1, 2]
[training]
lr = 0.1
momentum = 0.9
epochs = 2
[watch]
norm = "abs(w)"
[predict]
x = [3, 4]
"""
    run = timeline_of(load(text))
    table = "step,w.v,norm,w.v_before,p[1]\n2,1,2,3,\npredict 1,,,,4\n"
    assert [(group, name) for _, group, name, _ in claimed(table, run)] == [
        ("after", "w.v"),
        ("watch", "norm"),
        ("before", "w.v_before"),
        ("prediction", "p[1]"),
    ]
